"""Headline numbers in sentences: every wording by its own examples, traps, and real reports read by hand."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_goldens import GOLDENS, framed

from pipelines.clean import clean
from pipelines.forms.prose import Indicator, Pattern, indicators, stated

CASES = tomllib.loads((Path(__file__).parent / "cases" / "prose.toml").read_text(encoding="utf-8"))
YEAR = 2016
WORDINGS = [pytest.param(i, p, id=f"{i.code}-{n}") for i in indicators() for n, p in enumerate(i.patterns)]


def read(text: str, year: int | None = YEAR) -> list[list[Any]]:
    """List what is stated, as the cases write it: code, value, words."""
    return [[fact.row, fact.value, fact.cell] for fact in stated(text, report_year=year)]


@pytest.mark.parametrize(("indicator", "pattern"), WORDINGS)
def test_wording(indicator: Indicator, pattern: Pattern) -> None:
    assert indicator.code in [code for code, *_ in read(pattern.catch)]
    assert indicator.code not in [code for code, *_ in read(pattern.keep)]


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: case["text"][:24])
def test_case(case: dict[str, Any]) -> None:
    year = case.get("year", YEAR)
    assert read(case["text"], year or None) == case.get("facts", [])


@pytest.mark.parametrize("case", CASES["report"], ids=lambda case: case["golden"])
def test_report(case: dict[str, Any], shared: Path) -> None:
    """A real report gives every number that was read in it by hand, and no other."""
    golden = json.loads((GOLDENS / case["golden"] / "expected.json").read_text(encoding="utf-8"))
    page = framed(golden, shared).encode() if "seed" in golden else (shared / "pages" / golden["page"]).read_bytes()
    text = clean(page, url=golden.get("url", "http://www.a.gov.example/"))
    assert read(text.text, text.report_year) == case["facts"]


def test_evidence() -> None:
    """A fact tells its form, its line from 1 and its sentence, as written."""
    text = "一、概述\n| 收到申请 | 9件 |\n 2016年，本局收到政府信息公开申请 １２ 件。均已办结。"
    (fact,) = stated(text, report_year=YEAR)
    assert (fact.form, fact.table, fact.row, fact.column, fact.sure) == ("prose", "p", "received", "n", 0.6)
    assert (fact.value, fact.unit, fact.cell, fact.line) == (12, "件", "１２ 件", 3)
    assert fact.sentence == "2016年，本局收到政府信息公开申请 １２ 件。"


@given(st.sampled_from([(i, p) for i in indicators() for p in i.patterns]), st.integers(1, 10**9), st.booleans())
def test_any_number_comes_back(wording: tuple[Indicator, Pattern], number: int, grouped: bool) -> None:
    indicator, pattern = wording
    fact = next(fact for fact in stated(pattern.catch, report_year=YEAR) if fact.row == indicator.code)
    if fact.value:
        cell = re.sub(r"[\d,.]+", f"{number:,}" if grouped else f"{number}", fact.cell)
        text = pattern.catch.replace(fact.cell, cell, 1)
        assert [indicator.code, number, cell] in read(text)


@given(st.text("公开信息申请收到主动未没有无年2016条件,，。、共复议诉讼 0123一十万", max_size=120))
def test_values_are_written(text: str) -> None:
    """Whatever the text: every fact's words and sentence stand in its line."""
    lines = text.split("\n")
    for fact in stated(text, report_year=YEAR):
        assert fact.sentence in lines[fact.line - 1]
        assert fact.cell in fact.sentence


def test_codes_are_unique() -> None:
    codes = [indicator.code for indicator in indicators()]
    assert len(codes) == len(set(codes))
