"""Read invented reports in each way that a page can come, and hold what was read to what is true."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archive.records import Fact, Figures, Grid, Unplaced
from forms.distort import distort
from forms.reports import FORMS, Cell, Code, Report, bars, glued, grids, lines, page, report, spaced
from pipelines import forms
from pipelines.clean import clean


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Cells by outcome: right, unplaced (and said so), silent (neither placed nor said so), wrong; and words for the bad.

    A cell without a number (blank, or a sign for nothing) that was not placed is lost without harm: `blank`.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


def trials(name: str, *, bodies: int, names: tuple[str, ...] = tuple(FORMS)) -> Iterator[tuple[str, str, Verdict]]:
    """Read each report of a distortion in each way that a page can come."""
    for form in names:
        for seed in range(bodies):
            made = distort(report(form, seed=seed), name, seed=seed)
            label = f"{form} {seed}"
            text, found = grids(made)
            yield "grids", label, read(made, text, found)
            for way in (lines, bars, spaced, glued):
                yield "lines", f"{label} {way.__name__}", read(made, way(made), ())
            if seed < 1:
                cleaned = clean(page(made), url=f"http://czj.yunxiu.example/{seed}.html")
                yield "cleaned", label, read(made, cleaned.text, cleaned.grids)


def read(made: Report, text: str, found: tuple[Grid, ...]) -> Verdict:
    return judge(made, forms.read(text=text, grids=found, report_year=made.year), text=text, grids=found)


def judge(made: Report, figures: Figures, *, text: str, grids: Sequence[Grid]) -> Verdict:
    """Count right, unplaced and wrong cells; a fact that is not printed, or told twice, is wrong."""
    verdict, true = Verdict(), made.facts()
    places: dict[Code, list[tuple[int, int, int]]] = {}
    for g, sheet in enumerate(made.sheets):
        for r, row in enumerate(sheet.rows):
            for c, cell in enumerate(row):
                if cell.code:
                    places.setdefault(cell.code, []).append((g, r, c))
    read: dict[Code, Fact] = {}
    for fact in figures.facts:
        code = (fact.form, fact.table, fact.row, fact.column)
        if fact.form == "prose":
            continue
        if code in read:
            _wrong(verdict, f"{code} told twice: {read[code].cell!r} and {fact.cell!r}")
        read[code] = fact
        if code not in true:
            _wrong(verdict, f"{code} is not printed: got {fact.cell!r}")
        elif why := _fault(fact, true[code], text=text, grids=grids):
            _wrong(verdict, f"{code} {why}")
        else:
            verdict.counts["right"] += 1
    for code, cell in true.items():
        if code in read:
            continue
        if cell.value is None:
            verdict.counts["blank"] += 1
        elif any(_tells(unplaced, cell, places[code]) for unplaced in figures.unplaced):
            verdict.counts["unplaced"] += 1
        else:
            verdict.counts["silent"] += 1
            verdict.silent.append(f"{code} {cell.text!r} at {places[code][0]}")
    return verdict


def _wrong(verdict: Verdict, why: str) -> None:
    verdict.counts["wrong"] += 1
    verdict.wrong.append(why)


def _fault(fact: Fact, cell: Cell, *, text: str, grids: Sequence[Grid]) -> str | None:
    """Say what is wrong with a fact: its value, its words, or where it says they stood."""
    if not same(fact.value, cell.value):
        return f"got {fact.value!r} of {fact.cell!r}, expected {cell.value!r} of {cell.text!r}"
    if fact.value is not None and fact.unit != cell.unit:
        return f"got the unit {fact.unit!r} of {fact.cell!r}, expected {cell.unit!r}"
    if fact.cell.split() != cell.text.split():
        return f"got the words {fact.cell!r}, expected {cell.text!r}"
    if fact.grid is not None and fact.at_row is not None and fact.at_column is not None:
        stood = grids[fact.grid][fact.at_row][fact.at_column]
        return None if stood == fact.cell else f"is said to stand where {stood!r} does, but is {fact.cell!r}"
    if fact.line is None or fact.cell not in text.split("\n")[fact.line - 1]:
        return f"{fact.cell!r} is said to stand on line {fact.line}"
    return None


def same(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else math.isclose(one, other)


def _tells(unplaced: Unplaced, cell: Cell, places: list[tuple[int, int, int]]) -> bool:
    """Tell whether a report of something unplaced is of this cell: by place, by its row, or by its words."""
    if unplaced.grid is not None:
        mine = (unplaced.grid, unplaced.at_row, unplaced.at_column)
        return any(all(one is None or one == other for one, other in zip(mine, place, strict=True)) for place in places)
    return cell.text.strip() in unplaced.cell
