"""The statistics read: real reports against values read by eye, invented ones in every layout, and changed digits.

A new real report is a new file in `forms/expected`, a new layout a function in `forms/distort.py`.
"""

from __future__ import annotations

import json
import random
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from forms.distort import DISTORTIONS
from forms.judge import same, trials
from forms.reports import FORMS, Report, form, grids, report
from test_goldens import GOLDENS, framed

from archive import changes
from archive.records import Figures
from pipelines import forms
from pipelines.clean import clean

EXPECTED = sorted((Path(__file__).parent / "forms" / "expected").glob("*.toml"))
FLOORS = tomllib.loads((Path(__file__).parent / "forms" / "floors.toml").read_text(encoding="utf-8"))
FRAMED = sorted(path for path in GOLDENS.glob("*/*/expected.json") if '"seed"' in path.read_text(encoding="utf-8"))
Read = dict[tuple[str, str, str], tuple[float | None, str]]


# --- real reports ---


@pytest.mark.parametrize("path", EXPECTED, ids=lambda path: path.stem)
def test_real_report(path: Path, shared: Path) -> None:
    expected = tomllib.loads(path.read_text(encoding="utf-8"))
    source = shared / expected["source"]
    if source.suffix == ".txt":
        words = source.read_text(encoding="utf-8")
        figures = forms.read(text=words, grids=(), report_year=expected["report_year"])
    else:
        text = clean(source.read_bytes(), url="http://www.a.gov.example/1.html")
        figures = forms.read(text=text.text, grids=text.grids, report_year=text.report_year)
    hold(figures, expected)


@pytest.mark.parametrize("path", FRAMED, ids=lambda path: path.parent.name)
def test_seed_in_a_page(path: Path, shared: Path) -> None:
    """The seeds again, as pages of the families they came from."""
    case = json.loads(path.read_text(encoding="utf-8"))
    truth = path.parents[3] / "forms" / "expected" / f"seed_{case['seed']}.toml"
    if not truth.exists():
        pytest.skip("a seed without tables")
    text = clean(framed(case, shared).encode(), url=case.get("url", "http://www.a.gov.example/1.html"))
    figures = forms.read(text=text.text, grids=text.grids, report_year=text.report_year)
    hold(figures, tomllib.loads(truth.read_text(encoding="utf-8")))


@pytest.mark.soak
def test_other_pages(shared: Path) -> None:
    """No other page has statistics, nor tables that are taken for them."""
    reports = {shared / tomllib.loads(path.read_text(encoding="utf-8"))["source"] for path in EXPECTED}
    found = []
    for path in sorted(set((shared / "pages").rglob("*.*htm*")) - reports):
        text = clean(path.read_bytes(), url="http://www.a.gov.example/1.html")
        figures = forms.read(text=text.text, grids=text.grids, report_year=text.report_year)
        found += [f"{path}: {one}" for one in (*figures.facts, *figures.unplaced) if one.form != "prose"]
    assert not found


def hold(figures: Figures, expected: Mapping[str, Any]) -> None:
    """Hold figures to the values read by eye: none wrong, none missing, none more; and to the rules that hold."""
    wanted = dict(wanted_facts(expected))
    tables = [fact for fact in figures.facts if fact.form != "prose"]
    got = {(fact.table, fact.row, fact.column): (fact.value, fact.cell.strip()) for fact in tables}
    bad = [f"{code}: got {got.get(code)}, expected {want}" for code, want in wanted.items()
           if code not in got or not same(got[code][0], want[0]) or got[code][1] != want[1]]  # fmt: skip
    assert not bad + [f"{code}: not expected" for code in got.keys() - wanted.keys()]
    assert len(tables) == len(got)
    assert {fact.form for fact in tables} == {expected["form"]}
    checks = [check for check in figures.checks if check.form == expected["form"]]
    assert [check for check in checks if not check.held] == []
    assert Counter(check.rule for check in checks) == expected["held"]


def wanted_facts(expected: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], tuple[float | None, str]]]:
    """List the facts of a file of expected values: a number, the words of a cell without one, or both."""
    for table, rows in expected.items():
        if not isinstance(rows, Mapping) or table == "held":
            continue
        for row, cells in rows.items():
            if row == "columns":
                continue
            named = cells if isinstance(cells, Mapping) else dict(zip(rows["columns"], cells, strict=True))
            for column, cell in named.items():
                value, words = cell if isinstance(cell, list) else (None if isinstance(cell, str) else cell, str(cell))
                yield (table, row, column), (value, words)


# --- the forms themselves ---


def test_forms_are_whole(shared: Path) -> None:
    """Every row, column, unit, parent and rule that was written down of a form is in its file."""
    noted = json.loads((shared / "facts" / "forms.json").read_text(encoding="utf-8"))["forms"]
    assert {one["id"] for one in noted} == set(FORMS)
    missing = [f"{one['id']}: {what}" for one in noted for what in _missing(one)]
    assert not missing, "\n".join(missing)


def _missing(noted: dict[str, Any]) -> Iterator[str]:
    made = {table["id"]: table for table in form(noted["id"])["table"]}
    for table in noted.get("tables") or [{**noted, "id": "t"}]:
        rows = {row["code"]: row for row in made[table["id"]]["rows"]}
        columns = {column["code"]: column for column in made[table["id"]]["columns"]}
        for block in table.get("blocks", []):
            yield from _unlike(f"{block['code']}", {"label": block["header"]}, rows.get(block["code"]))
            for row in block["rows"]:
                code = f"{block['code']}.{row['code']}"
                yield from _unlike(code, row | {"columns": [c["code"] for c in block["columns"]]}, rows.get(code))
            for column in block["columns"]:
                yield from _unlike(column["code"], {"label": column["label"]}, columns.get(column["code"]))
        for row in table.get("rows", []):
            yield from _unlike(row["code"], row, rows.get(row["code"]))
        for column in table.get("columns", []):
            if isinstance(column, dict) and len(columns) > 1:
                yield from _unlike(column["code"], column, columns.get(column["code"]))
        rules = {(tuple(rule["left"]), rule["op"], tuple(rule["right"])) for rule in made[table["id"]]["rules"]}
        for rule in table.get("constraints", []):
            if "lhs" in rule and (tuple(rule["lhs"]), rule["op"], tuple(rule["rhs"])) not in rules:
                yield f"rule {rule}"


def _unlike(code: str, noted: Mapping[str, Any], made: Mapping[str, Any] | None) -> Iterator[str]:
    if made is None:
        yield f"{code} is missing"
        return
    label = (noted.get("label") or "").replace(f"（{made.get('group')}）", "")  # how the note tells like labels apart
    parts = label.split("（…）")
    if not all(part in made["label"] for part in parts):
        yield f"{code}: label is {made['label']!r}, expected {noted['label']!r}"
    for name in ("parent", "group", "unit", "columns"):
        if noted.get(name) and made.get(name) and noted[name] != made[name]:
            yield f"{code}: {name} is {made.get(name)!r}, expected {noted[name]!r}"


# --- invented reports ---


@pytest.mark.parametrize("name", DISTORTIONS)
def test_layout(name: str) -> None:
    """No layout makes a wrong value, and what is not placed is told."""
    few = (FORMS[DISTORTIONS.index(name) % len(FORMS)],)
    check_layout(name, bodies=1, names=few)


@pytest.mark.soak
@pytest.mark.parametrize("name", DISTORTIONS)
def test_layout_in_ten_bodies(name: str) -> None:
    """As much is read as when `forms/floors.toml` was measured."""
    counts = check_layout(name, bodies=10, names=tuple(FORMS))
    shares = {way: found["right"] / max(found.total() - found["blank"], 1) for way, found in counts.items()}
    assert [f"{way}: {shares[way]:.3f}" for way, floor in FLOORS[name].items() if shares[way] < floor] == []


def check_layout(name: str, *, bodies: int, names: tuple[str, ...]) -> dict[str, Counter[str]]:
    """Hold a layout to no cell wrong and none silent, and give its cells by way and outcome."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    faults = []
    for way, label, verdict in trials(name, bodies=bodies, names=names):
        counts[way] += verdict.counts
        faults += [f"{way} {label}: {why}" for why in verdict.wrong + verdict.silent]
    assert not faults, "\n".join(["", *faults[:20]])
    return counts


@pytest.mark.parametrize("name", FORMS)
def test_rules_hold_in_a_report_that_keeps_them(name: str) -> None:
    made = report(name, seed=0)
    checks = read(made).checks
    assert {check.rule for check in checks if check.level == "hard"} == {
        rule["id"] for table in form(name)["table"] for rule in table["rules"] if rule["level"] == "hard"
    }
    assert not [check for check in checks if check.level == "hard" and not check.held]


# --- one digit ---


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("seed", range(10))
def test_one_digit(name: str, seed: int) -> None:
    """A changed digit is the one change that comparing names, and breaks every equation that it stands in."""
    made, dice = report(name, seed=seed), random.Random(f"{name} {seed}")
    before = read(made)
    code = dice.choice([code for code, cell in made.facts().items() if cell.text.isdigit()])
    after = read(changed(made, code, dice))
    differing = changes.changed(before.facts, after.facts)
    assert [(one.form, one.table, one.row, one.column) for one in differing] == [code]
    broken = {check.rule for check in after.checks if not check.held} - {
        check.rule for check in before.checks if not check.held
    }
    assert broken >= equations(code)


def equations(code: tuple[str, str, str, str]) -> set[str]:
    """Name the equations of a form that a cell stands in."""
    of, table, row, column = code
    rules = next(one["rules"] for one in form(of)["table"] if one["id"] == table)
    return {rule["id"] for rule in rules if rule["op"] == "=" and rule["level"] == "hard" and "last" not in rule
            and (row if rule["scope"] == "columns" else column) in (*rule["left"], *rule["right"])}  # fmt: skip


def changed(made: Report, code: tuple[str, ...], dice: random.Random) -> Report:
    """Change one digit of one cell."""
    cell = made.facts()[code]
    at = dice.randrange(len(cell.text))
    digit = dice.choice([d for d in "123456789" if d != cell.text[at]])
    words = cell.text[:at] + digit + cell.text[at + 1 :]
    new = replace(cell, text=words, value=float(words))
    swap = {cell: new}
    return replace(made, sheets=tuple(
        replace(sheet, rows=tuple(tuple(swap.get(one, one) for one in row) for row in sheet.rows)) for sheet in made.sheets
    ))  # fmt: skip


def read(made: Report) -> Figures:
    text, found = grids(made)
    return forms.read(text=text, grids=found, report_year=made.year)
