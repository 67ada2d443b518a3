"""The prescribed statistics forms: which one a year has, and its tables with merged cells as they are printed."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

STATISTICS = "gbf-2014-32"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One printed cell; `code` names the number it holds, None for labels."""

    text: str
    colspan: int = 1
    rowspan: int = 1
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place of a table: the cell that covers it, and the row and the column where that cell begins."""

    cell: Cell
    row: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One table as it is printed."""

    id: str
    rows: tuple[tuple[Cell, ...], ...]

    def expanded(self) -> list[list[str]]:
        """Give the table as a rectangle of texts: a merged cell says its text in every place it covers."""
        return [[place.cell.text for place in row] for row in self.places()]

    def places(self) -> list[list[Place]]:
        """Give the table as a rectangle of places, each with the cell that covers it and where that cell begins."""
        places: dict[tuple[int, int], Place] = {}
        for r, row in enumerate(self.rows):
            c = 0
            for cell in row:
                while (r, c) in places:
                    c += 1
                for down in range(cell.rowspan):
                    for along in range(cell.colspan):
                        places[r + down, c + along] = Place(cell=cell, row=r, column=c)
        width = 1 + max(c for _, c in places)
        return [[places[r, c] for c in range(width)] for r in range(len(self.rows))]


@functools.cache
def forms() -> Mapping[str, Any]:
    """Read the forms' labels and rules from forms.json."""
    read: dict[str, Any] = json.loads(resources.files(__package__).joinpath("forms.json").read_text(encoding="utf-8"))
    return read


def form_of(year: int) -> str | None:
    """Name the form prescribed for a report year; None before 2014, when there was none."""
    return next((id_ for id_ in _dated() if forms()[id_]["years"][0] <= year <= forms()[id_]["years"][1]), None)


def grids(form: str | None, words: Mapping[str, str]) -> dict[str, Grid]:
    """Print the tables of a form with the wording of each cell by its code."""
    if form is None:
        return {}
    if form == STATISTICS:
        return {"statistics": Grid(id="statistics", rows=tuple(_statistics(words)))}
    spec = forms()[form]
    tables = {"t2": _actions(spec, words), "t3": _applications(spec, words), "t4": _disputes(words)}
    return {id_: Grid(id=id_, rows=tuple(rows)) for id_, rows in tables.items()}


def _dated() -> list[str]:
    return [id_ for id_, form in forms().items() if "years" in form]


def _number(code: str, words: Mapping[str, str], *, colspan: int = 1) -> Cell:
    return Cell(text=words[code], code=code, colspan=colspan)


def _statistics(words: Mapping[str, str]) -> Iterator[tuple[Cell, ...]]:
    spec = forms()[STATISTICS]
    yield tuple(Cell(text=text) for text in spec["head"])
    for code, label, unit in spec["rows"]:
        yield Cell(text=label), Cell(text=unit), _number(code, words) if unit else Cell(text="")


def _actions(spec: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[tuple[Cell, ...]]:
    for block, head, columns, rows in spec["t2"]:
        yield (Cell(text=head, colspan=4),)
        spans = [1] * (len(columns) - 1) + [4 - len(columns)]
        yield (
            Cell(text="信息内容"),
            *(Cell(text=label, colspan=n) for (_, label), n in zip(columns, spans, strict=True)),
        )
        for row, label in rows:
            codes = [f"t2.{block}.{row}.{column}" for column, _ in columns]
            yield Cell(text=label), *(_number(code, words, colspan=n) for code, n in zip(codes, spans, strict=True))


def _applications(spec: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[tuple[Cell, ...]]:
    people = forms()["applicants"]
    person, *firms, total = (label for _, label in people)
    yield Cell(text=forms()["printed"], colspan=3, rowspan=3), Cell(text="申请人情况", colspan=7)
    yield Cell(text=person, rowspan=2), Cell(text="法人或其他组织", colspan=5), Cell(text=total, rowspan=2)
    yield tuple(Cell(text=label) for label in firms)
    above: tuple[Cell, ...] = ()
    for code, label, below in spec["t3"]:
        if below:  # the head of a group stands beside its rows
            above += (Cell(text=label, rowspan=below),)
            continue
        width = 1 if code.count(".") == 2 else 2 if "." in code else 3
        yield *above, Cell(text=label, colspan=width), *(_number(f"t3.{code}.{who}", words) for who, _ in people)
        above = ()


def _disputes(words: Mapping[str, str]) -> Iterator[tuple[Cell, ...]]:
    outcomes, ((review, first), (direct, second), (after, third)) = forms()["outcomes"], forms()["paths"]
    yield Cell(text=first, colspan=5), Cell(text="行政诉讼", colspan=10)
    yield *(Cell(text=o, rowspan=2) for o in outcomes), Cell(text=second, colspan=5), Cell(text=third, colspan=5)
    yield tuple(Cell(text=o) for o in outcomes * 2)
    yield tuple(_number(f"t4.{path}{n}", words) for path in (review, direct, after) for n in "1234t")
