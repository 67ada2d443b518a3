"""The cleaning rules, read once from rules.toml: data, each with an example it catches and one it keeps."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """How one CMS marks its article: an id, a class, an element's tag, or a pair of comments."""

    name: str
    by: Literal["id", "class", "tag", "comment"]
    value: str
    loose: bool
    catch: str
    keep: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Widget:
    """An element that is never text: known by a word of its class or by its id."""

    name: str
    words: frozenset[str]
    catch: str
    keep: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line that is never text, matched whole without its white space; `edge` ones only near an end."""

    name: str
    pattern: re.Pattern[str]
    edge: bool
    catch: str
    keep: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Brand:
    """Words that only a hijacked copy would put into a report."""

    name: str
    pattern: re.Pattern[str]
    catch: str
    keep: str


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All rules of the house."""

    containers: tuple[Container, ...]
    widgets: tuple[Widget, ...]
    lines: tuple[Line, ...]
    brands: tuple[Brand, ...]

    @functools.cached_property
    def container_kinds(self) -> dict[tuple[str, str], bool]:
        """Whether a mark, as (by, value), is a loose container's."""
        return {(rule.by, rule.value): rule.loose for rule in self.containers}

    @functools.cached_property
    def widget_words(self) -> frozenset[str]:
        """Every class word and id that names a widget."""
        return frozenset[str]().union(*(widget.words for widget in self.widgets))

    def names_line(self, line: str, *, edge: bool = True) -> bool:
        """Whether a line is a widget's leftover; away from the text's edges only some rules count."""
        return self._line_patterns[edge].fullmatch("".join(line.split())) is not None

    @functools.cached_property
    def _line_patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """All rules for lines as one pattern: those that count everywhere, and all."""
        anywhere, every = ([rule.pattern.pattern for rule in self.lines if edge or not rule.edge] for edge in (0, 1))
        return tuple(re.compile("|".join(f"(?:{one})" for one in some)) for some in (anywhere, every))  # type: ignore[return-value]


@functools.cache
def rules() -> Rules:
    """Read the packaged rules; a key that is missing or unknown raises TypeError or KeyError with its name."""
    read: dict[str, list[dict[str, Any]]] = tomllib.loads(
        resources.files(__package__).joinpath("rules.toml").read_text(encoding="utf-8")
    )
    return Rules(
        containers=tuple(Container(**{"loose": False} | table) for table in read["container"]),
        widgets=tuple(Widget(**table | {"words": frozenset(table["words"])}) for table in read["widget"]),
        lines=tuple(
            Line(**{"edge": False} | table | {"pattern": re.compile(table["pattern"])}) for table in read["line"]
        ),
        brands=tuple(Brand(**table | {"pattern": re.compile(table["pattern"])}) for table in read["brand"]),
    )
