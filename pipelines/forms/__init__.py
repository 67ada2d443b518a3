"""The statistics that reports must give: forms as data, and what reads, checks and compares them."""

from __future__ import annotations

import itertools
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from archive.records import Figures
from pipelines.forms import flat, prose
from pipelines.forms.cells import is_garbled, is_nothing, key, names_another_year, number
from pipelines.forms.checks import checks
from pipelines.forms.labels import Cell, Labels, choose, hints
from pipelines.forms.place import Placed, place, unplaced
from pipelines.forms.rows import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.records import Fact, Grid, Unplaced


_WIDE = 8


class _Table(NamedTuple):
    """Rows of cells, as a grid or, `flat`, as a run of lines, and the words over them."""

    title: str
    rows: Sequence[Sequence[Cell]]
    flat: bool = False


def read(*, text: str, grids: Sequence[Grid] = (), report_year: int | None = None) -> Figures:
    """Read all statistics of one report, from its tables and its text; `grids` are the tables that stand in the text.

    Never raises. A number in a table of statistics becomes a fact or is reported as unplaced, as all are of a table
    whose title names another year than the report's.
    """
    tables = [
        _of_grid(g, grid, title) for g, (grid, title) in enumerate(zip(grids, flat.titles(text, grids), strict=True))
    ]
    if any(hint in text for hint in hints()):
        tables += [] if grids else [_Table(*found) for found in flat.barred(text)]
        tables += [_Table(*found, flat=True) for found in flat.listed(text)]
    found = _placed(tables, report_year)
    facts, doubtful = _agreed(found.facts)
    facts += prose.stated(text, report_year=report_year)
    return Figures(facts=tuple(facts), checks=checks(facts), unplaced=(*found.unplaced, *doubtful))


def _of_grid(n: int, grid: Grid, title: str) -> _Table:
    """Give a grid's cells their places; rows of one merged cell at its top belong to its title."""
    over = itertools.takewhile(lambda words: len(words) < 2, ({cell for cell in row if cell.strip()} for row in grid))
    return _Table(
        title=" ".join([title, *map(flat.title, itertools.chain.from_iterable(over))]),
        rows=[[Cell(words, n, r, c) for c, words in enumerate(row)] for r, row in enumerate(grid)],
    )


def _placed(tables: Sequence[_Table], year: int | None) -> Placed:
    words = [{cell.text for row in table.rows for cell in row} for table in tables]
    chosen = choose([frozenset(map(key, each)) for each in words], year)
    states = {form.form.id: State(year=year) for form in chosen if isinstance(form, Labels)}
    any_form = any(form is not None for form in chosen)
    found = Placed()
    for table, form in zip(tables, chosen, strict=True):
        if isinstance(form, Labels) and not _is_of_another_year(table.title, year):
            placed = place(table.rows, form, states[form.form.id], flat=table.flat)
            found.facts += placed.facts
            found.unplaced += placed.unplaced
        elif form is not None or (any_form and (_is_wide(table.rows) or flat.is_title(table.title))):
            found.unplaced += _all_numbers(table.rows)
    return found


def _is_of_another_year(title: str, year: int | None) -> bool:
    """Say whether a table's title says that it is not the report's own year's."""
    return "上年度" in title or "上一年度" in title or names_another_year(title, year)


def _is_wide(rows: Sequence[Sequence[Cell]]) -> bool:
    """Tell a table with a long row of numbers: among others of a form, it may be one that lost its labels."""
    return any(sum(number(cell.text) is not None for cell in row) >= _WIDE for row in rows)


def _all_numbers(rows: Sequence[Sequence[Cell]]) -> Iterable[Unplaced]:
    """Report the numbers of a table that no form accounts for."""
    for row in rows:
        label = next((cell.text for cell in row if not is_nothing(cell.text)), "")
        yield from (unplaced(cell, label, None) for cell in row if number(cell.text) or is_garbled(cell.text))


def _agreed(facts: Sequence[Fact]) -> tuple[list[Fact], list[Unplaced]]:
    """Leave one of facts that stand twice; those that disagree are nobody's."""
    places: dict[tuple[str, str, str, str], list[Fact]] = {}
    for fact in facts:
        places.setdefault((fact.form, fact.table, fact.row, fact.column), []).append(fact)
    kept: list[Fact] = []
    doubtful: list[Fact] = []
    for several in places.values():
        told = several if len(several) == 1 else [fact for fact in several if fact.value is not None] or several
        if len(told) == 1 or len({(fact.value, fact.unit) for fact in told}) == 1:
            kept.append(max(told, key=attrgetter("sure")))
        else:
            doubtful += told
    return kept, [
        unplaced(
            Cell(text=fact.cell, grid=fact.grid, row=fact.at_row, column=fact.at_column, line=fact.line),
            f"{fact.table} {fact.row} {fact.column}",
            fact.form,
        )
        for fact in doubtful
    ]
