"""Tables: which ones hold data, and their cells as rectangles with every span expanded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.lines import of_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.html import HtmlElement

    from archive.records import Grid

_MOST_CELLS = 200_000
_WIDEST_SPAN = 1000  # as browsers do
_SPAN = re.compile(r"\s*(\d{1,6})")
_DIGIT = re.compile(r"[0-9０-９]")


Corners = dict[tuple[int, int], str]
"""The words of cells by the row and column in which they begin."""


def read(table: HtmlElement) -> Grid | None:
    """Read a data table as a grid, or None where the table only lays out a page.

    A spanned cell's text stands in every place it covers. Rows and columns in which no cell begins are
    artefacts of the editor and go. A table that holds another table lays out.
    """
    if next(table.iterdescendants("table"), None) is not None:
        return None
    placed = _place(table)
    if placed is None or not _holds_data(placed[0]):
        return None
    corners, places = placed
    rows, columns = (sorted(set(places)) for places in zip(*corners, strict=True))
    return tuple(tuple([places.get((row, column), "") for column in columns]) for row in rows)


def as_lines(block: str | Grid) -> list[str]:
    """Write a block as lines of text: itself, or a table's Markdown pipe rows."""
    return [block] if isinstance(block, str) else list(map(pipe_row, block))


def pipe_row(row: Sequence[str]) -> str:
    """Write one row of a grid as a Markdown pipe row.

    >>> pipe_row(["规章", "0"])
    '| 规章 | 0 |'
    """
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _place(table: HtmlElement) -> tuple[Corners, Corners] | None:
    """Give the words of each cell in its top left corner, and in all places it covers; None for an absurdly large table."""
    rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")]
    corners: Corners = {}
    places: Corners = {}
    for index, row in enumerate(rows):
        column = 0
        for cell in row:
            while (at := (index, column)) in places:
                column += 1
            deep = _span(span, most=len(rows) - index) if (span := cell.get("rowspan")) else 1
            wide = _span(span, most=_WIDEST_SPAN) if (span := cell.get("colspan")) else 1
            if len(places) + deep * wide > _MOST_CELLS:
                return None
            words = corners[at] = places[at] = of_cell(cell)
            if deep * wide > 1:
                places.update({(index + down, column + right): words for down in range(deep) for right in range(wide)})
            column += wide
    return corners, places


def _span(value: str, *, most: int) -> int:
    """Read a span; 0 means the rest of the table, anything that is no number means 1."""
    found = _SPAN.match(value)
    span = int(found[1]) if found else 1
    return most if span == 0 and most != _WIDEST_SPAN else max(1, min(span, most))


def _holds_data(corners: Corners) -> bool:
    """Tell data from layout: rows of several short cells, none of which is the whole text."""
    filled: dict[int, list[str]] = {}
    for (row, _), words in corners.items():
        if words:
            filled.setdefault(row, []).append(words)
    lengths = [*map(len, corners.values())]
    longest, whole = max(lengths, default=0), sum(lengths)
    if longest > 200 and longest > whole * 0.6:
        return False
    if sum(len(row) >= 2 for row in filled.values()) >= 2:
        return True
    return any(len(row) >= 3 and any(_DIGIT.search(text) for text in row) for row in filled.values())
