"""Ruled tables: from their cells' boxes to a grid, also where they go on over page breaks."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.attachments import UnreadableError
from pipelines.attachments.layout import Line, is_full, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.records import Grid

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in points."""

_NEAR = 6.0  # points by which edges of one table differ between pages
_SAME = 3.0  # points by which edges of one row differ
_MOST_PLACES = 200_000
_NUMBERED = re.compile(r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十\d]{1,3}[）)]|\d{1,2}[.、．]\D")
_NUMBER = re.compile(r"[-+]?[\d,.]+%?|[/／—-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A cell's text, its sides in points, and the rows it takes, the last one included; whether its last line is full."""

    text: str
    x0: float
    x1: float
    first: int
    last: int
    full: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table or the part of one that stands on a page, and the lines in its cells."""

    cells: tuple[Cell, ...]
    lines: tuple[Line, ...]
    page: int
    top: float

    @property
    def rows(self) -> int:
        return max(cell.last for cell in self.cells) + 1

    @property
    def columns(self) -> int:
        return len(_edges(self)) - 1


def table(cells: Iterable[tuple[Box, Sequence[Line]]], *, page: int) -> Table:
    """Make a table of its cells' boxes and the lines in them."""
    cells = list(cells)
    tops = _steps((box[1] for box, _ in cells), apart=_SAME)
    found = [
        Cell(
            text=join(lines, room=right - left),
            x0=left,
            x1=right,
            first=_place(tops, top + _SAME),
            last=_place(tops, bottom - _SAME),
            full=bool(lines) and is_full(lines[-1], right - left),
        )
        for (left, top, right, bottom), lines in cells
    ]
    return Table(cells=tuple(found), lines=tuple(line for _, lines in cells for line in lines), page=page, top=tops[0])


def belong(above: Table, below: Table) -> bool:
    """Tell whether a table goes on with another at the top of the next page: their columns' edges are the same."""
    if below.page != above.page + 1:
        return False
    one, other = _edges(above), _edges(below)
    if abs(one[0] - other[0]) > _NEAR or abs(one[-1] - other[-1]) > _NEAR:
        return False
    few, many = sorted((one, other), key=len)
    return all(any(abs(edge - x) <= _NEAR for x in many) for edge in few)


def stitch(above: Table, below: Table) -> Table:
    """Join two parts of a table: a repeated head goes, a row or a spanning cell cut by the page break is made whole."""
    below = _without_head(below, above)
    if not below.cells:
        return replace(above, page=below.page)
    lowest = [cell for cell in above.cells if cell.last == above.rows - 1]
    highest = [cell for cell in below.cells if cell.first == 0]
    pairs = [(a, b) for b in highest for a in lowest if abs(a.x0 - b.x0) <= _NEAR and abs(a.x1 - b.x1) <= _NEAR]
    cut = _is_cut(pairs)
    shift = above.rows - cut
    joined = {id(cell): pair for pair in pairs if cut or _is_one(*pair, lowest, highest) for cell in pair}
    cells = [cell for cell in above.cells if id(cell) not in joined]
    for cell in below.cells:
        lower = replace(cell, first=cell.first + shift, last=cell.last + shift)
        if pair := joined.get(id(cell)):
            lower = replace(lower, text=pair[0].text + cell.text, first=pair[0].first)
        cells.append(lower)
    return replace(above, cells=tuple(cells), lines=above.lines + below.lines, page=below.page)


def grid(whole: Table) -> Grid:
    """Expand a table's spans, each cell's text in every place it takes.

    Raises UnreadableError where that makes it absurdly large.
    """
    columns = _steps((cell.x0 for cell in whole.cells), apart=_NEAR)
    if len(columns) * whole.rows > _MOST_PLACES:
        raise UnreadableError("too large unpacked")
    places = [[""] * len(columns) for _ in range(whole.rows)]
    for cell in whole.cells:
        for row in range(cell.first, cell.last + 1):
            for column in range(_place(columns, cell.x0 + _NEAR), _place(columns, cell.x1 - _NEAR) + 1):
                places[row][column] = cell.text
    return tuple(tuple(row) for row in places)


def _edges(part: Table) -> list[float]:
    return _steps((x for cell in part.cells for x in (cell.x0, cell.x1)), apart=_NEAR)


def _steps(values: Iterable[float], *, apart: float) -> list[float]:
    """Sort values and drop those that are nearly the one before."""
    steps: list[float] = []
    for value in sorted(values):
        if not steps or value - steps[-1] > apart:
            steps.append(value)
    return steps


def _place(steps: Sequence[float], value: float) -> int:
    """Find the last step at or before a value."""
    return max(sum(step <= value for step in steps) - 1, 0)


def _without_head(below: Table, above: Table) -> Table:
    """Drop the first rows of a part that repeat the first of the part above, which hold words only."""
    repeated = 0
    for row in range(min(above.rows, below.rows)):
        head, texts = (_row(part, row) for part in (above, below))
        if texts != head or not any(texts) or any(_NUMBER.fullmatch(text) for text in texts):
            break
        repeated = row + 1
    kept = [cell for cell in below.cells if cell.last >= repeated]
    return replace(
        below,
        cells=tuple(replace(c, first=max(c.first - repeated, 0), last=c.last - repeated) for c in kept),
    )


def _row(part: Table, row: int) -> list[str]:
    """List the texts that begin in a row."""
    return [cell.text for cell in sorted(part.cells, key=lambda cell: cell.x0) if cell.first == row]


def _follows(a: Cell, b: Cell) -> bool:
    """Tell whether a text goes on in the cell below."""
    return a.full and bool(b.text) and not any(map(_NUMBER.fullmatch, (a.text, b.text))) and not _NUMBERED.match(b.text)


def _is_cut(pairs: Sequence[tuple[Cell, Cell]]) -> bool:
    """Tell whether the last row above and the first below are one: no column needs both."""
    single = [(a, b) for a, b in pairs if a.first == a.last and b.first == b.last]
    return (
        any(a.text for a, _ in single)
        and any(b.text for _, b in single)
        and all(not a.text or not b.text or _follows(a, b) for a, b in single)
        and all(not b.text or _follows(a, b) for a, b in single[:1])
    )


def _is_one(a: Cell, b: Cell, lowest: Sequence[Cell], highest: Sequence[Cell]) -> bool:
    """Tell whether a cell of several rows, left of other labels, goes on below."""
    if a.first == a.last and b.first == b.last:
        return False
    if a.text and b.text:
        return _follows(a, b) and _NUMBERED.match(a.text) is not None
    return any(c.x0 > a.x0 and c.text and not _NUMBER.fullmatch(c.text) for c in (lowest if b.text else highest))
