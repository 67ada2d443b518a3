"""The article's lines and cells after extraction: repaired, in one script, rid of what widgets left behind."""

from __future__ import annotations

import itertools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.records import Grid
from pipelines import normalise, repair
from pipelines.rules import rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Block = str | Grid
"""A paragraph, or a table in its place among the paragraphs."""

_BETWEEN = "\n\uffff\n"  # U+FFFF is in no HTML tree
_EDGE = 10
_LONGEST_WIDGET = 150


@dataclass(frozen=True, kw_only=True, slots=True)
class Mended:
    """A repaired text: the blocks in their old number, order and shape, and how many repairs of each kind."""

    blocks: list[Block]
    title: str
    flags: frozenset[str]
    repairs: Mapping[str, int]


def mended(blocks: list[Block], title: str) -> Mended:
    """Undo what copying did to a text, and write it in simplified characters, where the page as a whole asks for it.

    Everything is in NFC. Repairs are gbk and pinyin (places) and traditional (characters); flags name them,
    and what damage is left.
    """
    served = _BETWEEN.join([title, *_strings(blocks)])
    whole = normalise.composed(served)
    paired = repair.unshifted(whole)
    kind = repair.dialect(paired)
    bare = repair.unglossed(paired, kind) if kind else paired
    done = normalise.simplified(bare)
    raised = {
        "bytes-repaired": paired != whole,
        "pinyin-left": kind is not None and repair.leftovers(bare) > 0,
        "pinyin-repaired": bare != paired,
        "taiwan-wording": done != bare and normalise.is_taiwanese(bare),
        "traditional-converted": done != bare,
    }
    repairs = {
        "gbk": whole.count("?") - paired.count("?"),
        "pinyin": sum(paired.count(bracket) - bare.count(bracket) for bracket in "(（"),
        "traditional": sum(map(operator.ne, bare, done)) if done != bare else 0,
    }
    title, *strings = done.split(_BETWEEN)
    return Mended(
        blocks=blocks if done == served else _filled(blocks, strings),
        title=title,
        flags=repair.damages(done) | {flag for flag, up in raised.items() if up},
        repairs={name: count for name, count in repairs.items() if count},
    )


def _strings(blocks: list[Block]) -> Iterator[str]:
    """Give paragraphs and cells in reading order."""
    for block in blocks:
        if isinstance(block, str):
            yield block
        else:
            yield from itertools.chain.from_iterable(block)


def _filled(blocks: list[Block], strings: Iterable[str]) -> list[Block]:
    """Put strings where those of `_strings` stand."""
    each = iter(strings)
    return [
        next(each) if isinstance(block, str) else tuple(tuple(next(each) for _ in row) for row in block)
        for block in blocks
    ]


def widget_lines(blocks: list[Block]) -> set[int]:
    """Number the lines that rules.toml names as widgets' leftovers; a paragraph of over 150 characters is never one.

    Rules for edges look at the first and the last ten lines only.
    """
    found: set[int] = set()
    for place, block in enumerate(blocks):
        edge = place < _EDGE or place >= len(blocks) - _EDGE
        if isinstance(block, str) and len(block) <= _LONGEST_WIDGET and rules().names_line(block, edge=edge):
            found.add(place)
    return found
