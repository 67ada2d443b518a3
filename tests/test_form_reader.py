"""The reader of forms: tables in `cases/forms.toml`, forms that are not whole, changes between two readings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from archive.changes import changed
from pipelines.forms import read
from pipelines.forms.model import form, forms

CASES = tomllib.loads((Path(__file__).parent / "cases" / "forms.toml").read_text(encoding="utf-8"))["case"]
SMALL = {"id": "a", "title": "表", "english": "A", "basis": "b", "years": [2020], "marks": []}
TABLE = {
    "id": "t",
    "title": "表",
    "english": "A",
    "columns": [{"code": "n", "label": "数", "english": "N"}],
    "rows": [{"code": "1", "label": "数", "english": "N"}],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reader(case: dict[str, Any]) -> None:
    grids = (tuple(map(tuple, case["grid"])),) if "grid" in case else ()
    figures = read(text=case.get("text", ""), grids=grids, report_year=case["year"])
    got = {f"{fact.table} {fact.row} {fact.column}": fact.cell if fact.value is None else fact.value
           for fact in figures.facts if fact.form != "prose"}  # fmt: skip
    assert {code: got.get(code) for code in case["facts"]} == case["facts"]
    assert [one.cell for one in figures.unplaced] == case.get("unplaced", [])
    assert [check.rule for check in figures.checks if not check.held] == case.get("broken", [])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"colour": 1}, "Form a: got colour, expected one of id, title"),
        ({"table": [TABLE | {"rows": [{"code": "1", "label": "数", "english": "N", "parent": "0"}]}]}, "t 1 parent: got 0"),
        ({"table": [TABLE | {"rules": [{"id": "r", "level": "hard", "scope": "rows", "left": ["x"], "op": "=", "right": ["n"]}]}]},
         "t r: got x, expected one of n"),
    ],
)  # fmt: skip
def test_what_a_form_does_not_know_is_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        form(SMALL | {"table": [TABLE | {"rules": []}]} | more)


def test_every_label_finds_its_own_row() -> None:
    """A grid of each form's own labels, in order, is read whole."""
    for one in forms().values():
        for table in one.tables:
            rows = [
                row for row in table.rows if row.value and row.label and len(table.filled(row)) == len(table.columns)
            ]
            grid = (
                ("指标", *(column.label for column in table.columns)),
                *((row.label, *("1" for _ in table.columns)) for row in rows),
            )
            facts = read(text="", grids=(grid,), report_year=one.years[0]).facts
            assert {fact.form for fact in facts} == (
                {one.id} if rows and len(grid) > 4 else {fact.form for fact in facts}
            )


def test_changed_facts() -> None:
    case = CASES[0]
    before = read(text="", grids=(tuple(map(tuple, case["grid"])),), report_year=2016).facts
    grid = tuple(
        (label, unit, "353" if words == "—" else words) for label, unit, words in case["grid"][:3] + case["grid"][4:]
    )
    after = read(text="", grids=(grid,), report_year=2016).facts
    assert [
        (one.row, one.before and one.before.cell, one.after and one.after.cell) for one in changed(before, after)
    ] == [
        ("1.2.1", "/", None),
        ("2.2.4", "—", "353"),
    ]
