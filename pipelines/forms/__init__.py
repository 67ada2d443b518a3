"""The statistics that reports must give: forms as data, and what reads, checks and compares them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.records import Figures
from pipelines.forms import flat, prose
from pipelines.forms.cells import is_nothing, key, number
from pipelines.forms.checks import checks
from pipelines.forms.labels import Cell, Labels, choose, hints
from pipelines.forms.place import Placed, State, place, unplaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archive.records import Fact, Grid, Unplaced


_WIDE = 8


def read(*, text: str, grids: Sequence[Grid] = (), report_year: int | None = None) -> Figures:
    """Read all statistics of one report, from its tables and its text; `grids` are the tables that stand in the text.

    Never raises. A number in a table of statistics becomes a fact or is reported as unplaced.
    """
    tables: list[tuple[Sequence[Sequence[Cell]], bool]] = [
        (
            [[Cell(text=words, grid=g, row=r, column=c) for c, words in enumerate(row)] for r, row in enumerate(grid)],
            False,
        )
        for g, grid in enumerate(grids)
    ]
    others: list[Sequence[Sequence[Cell]]] = []
    if any(hint in text for hint in hints()):
        runs = [] if grids else [(title, rows, False) for title, rows in flat.barred(text)]
        runs += [(title, rows, True) for title, rows in flat.listed(text)]
        tables += [(rows, is_flat) for title, rows, is_flat in runs if not _is_of_another_year(title, report_year)]
        others = [rows for title, rows, _ in runs if _is_of_another_year(title, report_year)]
    found = _tables(tables, report_year)
    for rows in others:
        found.unplaced += _all_numbers(rows)
    facts, doubtful = _agreed(found.facts)
    facts += prose.stated(text, report_year=report_year)
    return Figures(facts=tuple(facts), checks=checks(facts), unplaced=(*found.unplaced, *doubtful))


def _is_of_another_year(title: str, year: int | None) -> bool:
    """Say whether a table's title says that it is not the report's own year's."""
    years = re.findall(r"20\d\d(?=年)", title)
    return "上年度" in title or "上一年度" in title or (year is not None and bool(years) and str(year) not in years)


def _tables(tables: Sequence[tuple[Sequence[Sequence[Cell]], bool]], year: int | None) -> Placed:
    chosen = choose([frozenset(key(cell.text) for row in rows for cell in row) for rows, _ in tables], year)
    states: dict[str, State] = {}
    found = Placed()
    for (rows, is_flat), form in zip(tables, chosen, strict=True):
        if isinstance(form, Labels):
            placed = place(rows, form, states.setdefault(form.form.id, State()), flat=is_flat)
            found.facts += placed.facts
            found.unplaced += placed.unplaced
        elif form is not None or (states and _is_wide(rows)):
            found.unplaced += _all_numbers(rows)
    return found


def _is_wide(rows: Sequence[Sequence[Cell]]) -> bool:
    """Tell a table with a long row of numbers: among others of a form, it may be one that lost its labels."""
    return any(sum(number(cell.text) is not None for cell in row) >= _WIDE for row in rows)


def _all_numbers(rows: Sequence[Sequence[Cell]]) -> Iterable[Unplaced]:
    """Report the numbers of a table that no form accounts for."""
    for row in rows:
        label = next((cell.text for cell in row if not is_nothing(cell.text)), "")
        yield from (unplaced(cell, label, None) for cell in row if number(cell.text))


def _agreed(facts: Sequence[Fact]) -> tuple[list[Fact], list[Unplaced]]:
    """Leave one of facts that stand twice; those that disagree are nobody's."""
    places: dict[tuple[str, str, str, str], list[Fact]] = {}
    for fact in facts:
        places.setdefault((fact.form, fact.table, fact.row, fact.column), []).append(fact)
    kept: list[Fact] = []
    doubtful: list[Fact] = []
    for several in places.values():
        told = [fact for fact in several if fact.value is not None] or several
        if len({(fact.value, fact.unit) for fact in told}) == 1:
            kept.append(max(told, key=lambda fact: fact.sure))
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
