"""What a report says in words: sentences picked by seed from phrases.toml, with the report's own numbers in them."""

from __future__ import annotations

import functools
import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal

from crawler.demo.forms import STATISTICS, forms

SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One paragraph of an article, or the place of a table (its id); `codes` are the form's numbers it says."""

    kind: Literal["head", "text", "signature", "table"] = "text"
    text: str
    codes: tuple[str, ...] = ()


@functools.cache
def phrases() -> Mapping[str, Any]:
    """Read the sentences from phrases.toml."""
    return tomllib.loads(resources.files(__package__).joinpath("phrases.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True)
class Pen:
    """Fills sentences in: {topic}s and loose counts by chance, {names} of numbers and the office's own words as given."""

    rng: random.Random
    facts: Mapping[str, str]
    topics: Sequence[str]
    form: str | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def line(self, template: str, *, kind: Literal["head", "text"] = "text") -> Line:
        """Fill in one paragraph and note which codes it says."""
        names = forms()[self.form or STATISTICS]["names"] if self.numbers else {}
        said = {name: _codes(names[name]) for name in SLOT.findall(template) if name in names}
        chance = dict(zip(("topic", "topic2", "topic3"), self.rng.sample(self.topics, 3), strict=True))
        words = {**self.facts, **chance, **{name: str(sum(self.numbers[c] for c in said[name])) for name in said}}
        text = SLOT.sub(lambda slot: self._loose(slot[1]) or words[slot[1]], template)
        return Line(kind=kind, text=text, codes=tuple(code for codes in said.values() for code in codes))

    def report(self) -> list[Line]:
        """Write the paragraphs of the form's time in order, with a `table` line where each table stands."""
        era = {None: "prose", STATISTICS: "statistics"}.get(self.form, "modern")
        lines = self._paragraphs(phrases()["preface"]["new" if era == "modern" else "old"])
        for section in phrases()[era]:
            lines += [self.line(section["head"], kind="head"), *self._paragraphs(section["paragraphs"])]
            lines += [Line(kind="table", text=section["table"])] if "table" in section else []
        return lines

    def _paragraphs(self, paragraphs: Sequence[Sequence[Sequence[str]]]) -> list[Line]:
        chosen = ("".join(map(self.rng.choice, sentences)) for sentences in paragraphs)
        return [self.line(template) for template in chosen if template]

    def _loose(self, name: str) -> str | None:
        spans = {"few": (2, 6), "some": (11, 68), "many": (120, 960)}
        return str(self.rng.randint(*spans[name])) if name in spans else None


def _codes(name: str | list[str]) -> list[str]:
    return [name] if isinstance(name, str) else name
