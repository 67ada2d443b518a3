"""Tables: which ones hold data, and their cells as rectangles with every span expanded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipelines.lines import glue, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.html import HtmlElement

    from archive.records import Grid

_MOST_CELLS = 200_000
_WIDEST_SPAN = 1000  # as browsers do
_SPAN = re.compile(r"\s*(\d{1,6})")
_DIGIT = re.compile(r"[0-9０-９]")


class _Cell(NamedTuple):
    text: str
    row: int
    column: int
    rows: int
    columns: int


def read(table: HtmlElement) -> Grid | None:
    """Read a data table as a grid, or None where the table only lays out a page.

    A spanned cell's text stands in every place it covers. Rows and columns in which no cell begins are
    artefacts of the editor and go. A table that holds another table lays out.
    """
    if next(table.iterdescendants("table"), None) is not None:
        return None
    cells = _place(table)
    if cells is None or not _holds_data(cells):
        return None
    return _rectangle(cells)


def as_lines(block: str | Grid) -> list[str]:
    """Write a block as lines of text: itself, or a table's Markdown pipe rows."""
    return [block] if isinstance(block, str) else list(map(pipe_row, block))


def pipe_row(row: Sequence[str]) -> str:
    """Write one row of a grid as a Markdown pipe row.

    >>> pipe_row(["规章", "0"])
    '| 规章 | 0 |'
    """
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _place(table: HtmlElement) -> list[_Cell] | None:
    """Find the top left corner of each cell; None where spans would make the table absurdly large."""
    rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")]
    taken: set[tuple[int, int]] = set()
    cells: list[_Cell] = []
    for index, row in enumerate(rows):
        column = 0
        for cell in row:
            while (index, column) in taken:
                column += 1
            deep = _span(cell.get("rowspan"), most=len(rows) - index)
            wide = _span(cell.get("colspan"), most=_WIDEST_SPAN)
            if len(taken) + deep * wide > _MOST_CELLS:
                return None
            if deep == wide == 1:
                taken.add((index, column))
            else:
                taken.update((index + down, column + right) for down in range(deep) for right in range(wide))
            cells.append(_Cell(glue(lines(cell)), index, column, deep, wide))
            column += wide
    return cells


def _span(value: str | None, *, most: int) -> int:
    """Read a span; 0 means the rest of the table, anything that is no number means 1."""
    if value is None:
        return 1
    found = _SPAN.match(value)
    span = int(found[1]) if found else 1
    return most if span == 0 and most != _WIDEST_SPAN else max(1, min(span, most))


def _holds_data(cells: Sequence[_Cell]) -> bool:
    """Tell data from layout: rows of several short cells, none of which is the whole text."""
    filled: dict[int, list[str]] = {}
    for cell in cells:
        if cell.text:
            filled.setdefault(cell.row, []).append(cell.text)
    longest = max((len(cell.text) for cell in cells), default=0)
    whole = sum(len(cell.text) for cell in cells)
    if longest > 200 and longest > whole * 0.6:
        return False
    if sum(len(row) >= 2 for row in filled.values()) >= 2:
        return True
    return any(len(row) >= 3 and any(_DIGIT.search(text) for text in row) for row in filled.values())


def _rectangle(cells: Sequence[_Cell]) -> Grid:
    rows = {row: place for place, row in enumerate(sorted({cell.row for cell in cells}))}
    columns = {column: place for place, column in enumerate(sorted({cell.column for cell in cells}))}
    grid = [[""] * len(columns) for _ in rows]
    for cell in cells:
        for row in range(cell.row, cell.row + cell.rows):
            for column in range(cell.column, cell.column + cell.columns):
                if row in rows and column in columns:
                    grid[rows[row]][columns[column]] = cell.text
    return tuple(tuple(row) for row in grid)
