"""The gate: every number and every table cell of an article's container is found again in what was read from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree
from lxml.html import HtmlElement

from archive.records import Grid
from pipelines.prepare import core, texts

_NUMBER = re.compile(r"\d+")
_INLINE = "a|abbr|acronym|b|bdi|bdo|big|cite|code|em|font|i|ins|mark|o:p|q|s|small|span|strong|sub|sup|u"
_REST = rf"/?(?:{_INLINE})(?:[\s/][^>]*)?>"
_IN_A_NUMBER = re.compile(rf"<(?<=\d<){_REST}(?:<{_REST})*(?=\d)")
_TAG = re.compile(r"<[^>]*>")
_MOST = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What stood in a container before it was read: how often each run of digits, and each cell's pieces of text."""

    numbers: Counter[str]
    cells: frozenset[tuple[str, ...]]


def evidence(element: HtmlElement) -> Evidence:
    """Take down the numbers and cells of a container, by a walk that shares only `core` with the reading of it."""
    source = etree.tostring(element, encoding="unicode", with_tail=False).replace("&#13;", " ")
    words = _TAG.sub(" ", _IN_A_NUMBER.sub("", source))
    outer = {cell for table in element.iter("table") for cell in table.iterancestors("td", "th")}
    inner = (cell for cell in element.iter("td", "th") if cell not in outer)
    cores = (core(cell) if len(cell) else cell for cell in inner)
    pieces = {tuple(texts(cell)) if len(cell) else (cell.text or "",) for cell in cores}
    cells = {tuple([bare for piece in each if (bare := "".join(piece.split()))]) for each in pieces}
    return Evidence(numbers=Counter(_NUMBER.findall(words)), cells=frozenset(filter(None, cells)))


def missing(before: Evidence, blocks: Iterable[str | Grid], *, dropped: Iterable[str]) -> tuple[str, ...]:
    """List what is not found again, at most 50 things; what was dropped by a rule is not missed.

    A number is missed when it stands less often than before, a cell when its words, white space aside, stand nowhere.
    """
    parts = [*dropped]
    for block in blocks:
        parts += [block] if isinstance(block, str) else [cell for row in block for cell in row]
    found = "\n".join(parts)
    numbers = before.numbers - Counter(_NUMBER.findall(found))
    cells = {"".join(part.split()) for part in set(parts)}
    lost = [cell for cell in before.cells if "".join(cell) not in cells]
    squeezed = "".join(found.split()) if lost else ""
    nowhere = ["".join(cell) for cell in lost if not all(words in squeezed for words in cell)]
    return tuple(sorted([*numbers, *nowhere])[:_MOST])
