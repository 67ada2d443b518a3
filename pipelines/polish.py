"""The article's lines and cells after extraction: repaired, in one script, rid of what widgets left behind."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from archive.records import Grid
from pipelines import normalise, repair
from pipelines.rules import rules

if TYPE_CHECKING:
    from collections.abc import Callable

Block = str | Grid
"""A paragraph, or a table in its place among the paragraphs."""

_EDGE = 10
_LONGEST_WIDGET = 150


def mended(blocks: list[Block], title: str) -> tuple[list[Block], str, set[str]]:
    """Take glosses out and write everything in simplified characters, where the page as a whole asks for it.

    Returns the text and the title in NFC, and the flags that say what was done to them.
    """
    whole = "\n".join(
        [title, *(block if isinstance(block, str) else "\n".join(map("\n".join, block)) for block in blocks)]
    )
    flags: set[str] = set()
    steps: list[Callable[[str], str]] = [normalise.composed]
    if kind := repair.dialect(whole):
        steps.append(functools.partial(repair.unglossed, kind=kind))
        flags.add("pinyin-repaired")
        if repair.leftovers(repair.unglossed(whole, kind)):
            flags.add("pinyin-left")
    if normalise.script_of(whole) == "hant":
        steps.append(normalise.simplified)
        flags.add("traditional-converted")

    def mend(text: str) -> str:
        return functools.reduce(lambda done, step: step(done), steps, text)

    done = [
        mend(block) if isinstance(block, str) else tuple(tuple(map(mend, row)) for row in block) for block in blocks
    ]
    return done, mend(title), flags


def without_widget_lines(blocks: list[Block]) -> list[Block]:
    """Drop the lines that rules.toml names; a paragraph of over 150 characters is never one.

    Rules for edges look at the first and the last ten lines only.
    """
    kept: list[Block] = []
    for place, block in enumerate(blocks):
        if isinstance(block, str) and len(block) <= _LONGEST_WIDGET:
            bare = "".join(block.split())
            edge = place < _EDGE or place >= len(blocks) - _EDGE
            if any((edge or not rule.edge) and rule.pattern.fullmatch(bare) for rule in rules().lines):
                continue
        kept.append(block)
    return kept
