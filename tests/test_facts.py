"""`gongkai facts` and `gongkai forms`: the demo county's numbers, what is wrong in them, and what changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import gongkai

from archive import reader
from archive.database import connect
from archive.records import Figures, Unplaced
from archive.store import Store
from crawler.demo.county import County
from pipelines.forms.model import forms


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return County.make().truth(day=2)


def place(form: str, code: str) -> tuple[str, ...]:
    """Give the codes that a number of the county has as a fact."""
    if form == "gbf-2014-32":
        return (form, "t", code, "n")
    table, *row, column = code.split(".")
    return (form, table, ".".join(row) or "n", column)


def said(archive: Path, *words: str) -> str:
    done = gongkai("facts", *words, "--archive", archive)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("pictured", [False, True])
def test_every_number_of_the_county_is_a_fact_under_its_code(
    demo: tuple[str, Path], truth: dict[str, Any], *, pictured: bool
) -> None:
    if pictured:
        pytest.importorskip("rapidocr")
    db = connect(demo[1])
    pages = {(report["agency"], report["year"]): report["page"] for report in reader.coverage(db)}
    wrong, seen = [], 0
    for report in truth["reports"]:
        if report["form"] is None or bool(report["pictures"]) != pictured:
            continue
        facts = {
            (fact.form, fact.table, fact.row, fact.column): fact
            for carrier in reader.statistics(db, pages[report["agency"], report["year"]])
            for fact in carrier["facts"]
        }
        for code, number in report["numbers"].items():
            fact = facts.pop(place(report["form"], code), None)
            expected = number if any(map(str.isdigit, report["words"][code])) else None  # a sign for nothing
            seen += 1
            if (fact and fact.value) != expected:
                wrong.append((report["url"], code, expected, fact))
        wrong += [(report["url"], code) for code in facts if code[0] != "prose"]
    assert (wrong, seen > 0) == ([], True)


def test_programs_are_told_what_the_views_have(demo: tuple[str, Path]) -> None:
    db = connect(demo[1])
    told = [json.loads(line) for line in said(demo[1], "--json").splitlines()]
    codes = ("form", "table", "row", "column", "value", "unit", "cell", "sentence", "sure")
    sides = ("form", "table", "rule", "at", "left", "right", "held")
    for view, columns in (("facts", codes), ("checks", sides)):
        given = [
            (page["agency"], page["year"], carrier["n"], *(row[column] for column in columns))
            for page in told for carrier in page["carriers"] for row in carrier[view]
        ]  # fmt: skip
        names = ", ".join(f'"{column}"' for column in columns)
        held = [tuple(row) for row in db.execute(f"SELECT agency, year, carrier, {names} FROM {view}")]
        assert sorted(map(str, given)) == sorted(map(str, held)) if view == "facts" else len(given) == len(held)
    between = sum(len(page["year_checks"]) for page in told)
    assert between == db.execute("SELECT count(*) FROM year_checks").fetchone()[0] > 900


def test_a_silent_edit_breaks_its_checks_and_is_named(demo: tuple[str, Path], truth: dict[str, Any]) -> None:
    (edit,) = truth["changed"]
    shown = said(demo[1], edit["url"])
    assert "44 of 46 checks held" in shown
    assert f"BROKEN (hard) rowsum in 1: t = p + c1 + c2 + c3 + c4 + c5: {edit['after']} and {edit['before']}" in shown
    assert "gkb-2021-30 t3 收到和处理政府信息公开申请情况  [0]" in shown
    assert f"{edit['after']}件  received 收到政府信息公开申请数" in shown


def test_every_edit_of_the_county_is_named_as_a_fact(demo: tuple[str, Path], truth: dict[str, Any]) -> None:
    copies = [copy["altered"] for copy in truth["copies"] if copy["altered"]]
    shown = said(demo[1], "--changed").split("\n\n")
    for edit in (*truth["changed"], *truth["replaced"], *copies):
        form = (
            next(r["form"] for r in truth["reports"] if r["url"] == edit["url"])
            if edit not in copies
            else "gbf-2014-32"
        )
        code = " ".join(place(form, edit["code"]))
        (block,) = [block for block in shown if f"  {edit['url']}  (" in block]
        assert f"    {code}: {edit['before']}件 -> {edit['after']}件  " in block
        assert edit.get("attachment", edit["url"]) in block
        assert sum(" -> " in line and "prose" not in line for line in block.splitlines()) == 1
    assert sum("gkb-" in block or "gbf-" in block for block in shown) == len(
        truth["changed"] + truth["replaced"] + copies
    )


def test_a_document_that_differs_is_shown_with_its_number(demo: tuple[str, Path], truth: dict[str, Any]) -> None:
    (edit,) = truth["differing"]
    shown = said(demo[1], edit["url"])
    assert f"[1] {edit['attachment']}\n      differs: " in shown
    assert f"{edit['after']}, the report's text has {edit['before']}" in shown


def test_words_that_name_no_report_are_misuse(demo: tuple[str, Path]) -> None:
    for words in ("月球", "http://nowhere.example/"):
        done = gongkai("facts", words, "--archive", demo[1])
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr


def test_forms_are_listed_with_their_tables() -> None:
    shown = gongkai("forms").stdout
    for form in forms().values():
        assert f"{form.id}  {form.years[0]}-" in shown
        assert all(f"  {table.id}  {table.title}: " in shown for table in form.tables)


def test_labels_that_fit_no_form_are_counted(store: Store, see: Callable[..., Any]) -> None:
    def label(words: str, cell: str) -> Unplaced:
        return Unplaced(form=None, grid=0, at_row=1, at_column=0, label=words, cell=cell)

    often, once = label("其他情况", "3"), label("备注", "7")
    see(b"a", at="2026-03-01T08:00:00.000Z", figures=Figures(unplaced=(once, often)))
    see(b"b", at="2026-03-01T09:00:00.000Z", url="http://czj.example/2.html", figures=Figures(unplaced=(often, often)))
    done = gongkai("forms", "--unknown", "--archive", store.path)
    assert done.stdout.split() == [
        "3", "其他情况", "3", "http://czj.example/1.html", "1", "备注", "7", "http://czj.example/1.html",
    ]  # fmt: skip
    rows = json.loads(gongkai("forms", "--unknown", "--json", "--archive", store.path).stdout)
    assert [(row["label"], row["times"], row["carriers"]) for row in rows] == [("其他情况", 3, 2), ("备注", 1, 1)]
    assert "not placed: 备注 | 7  [0]" in said(store.path, "http://czj.example/1.html")
