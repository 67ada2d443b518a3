"""Families and the title rule, on saved list pages: `lists/<family>/<case>/{page.html, expected.json}`."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urljoin

import pytest

from crawler import find
from crawler.families import families, family_of, hanweb
from crawler.page import Link, Page
from crawler.titles import judge

CASES = sorted(Path(__file__).with_name("lists").glob("*/*/expected.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parts[-3]}-{path.parts[-2]}")
def test_list(case: Path) -> None:
    expected = json.loads(case.read_text(encoding="utf-8"))
    page = Page.of(case.with_name("page.html").read_bytes(), url=expected["url"], headers={})
    family = family_of(page)
    assert family.__name__.rpartition(".")[2] == expected["family"] == case.parts[-3]
    assert find.is_column(page) == expected["is_column"]
    for kind in ("report", "doubt", "column", "towards"):
        judged = dict.fromkeys(link.url for link in family.links(page) if judge(link) == kind)
        assert list(judged) == [urljoin(page.url, url) for url in expected.get(kind, [])], kind
    assert list(family.next_pages(page)) == [urljoin(page.url, url) for url in expected["next_pages"]]


def test_every_family_has_a_case() -> None:
    assert families().keys() == {case.parts[-3] for case in CASES}


@pytest.mark.parametrize(
    ("file", "reports", "first"),
    [
        ("trs_wcm/jlcity-linye/xxgk/ndbg/index.html", 3, "201903/t20190307_633608.html"),
        ("trs_fujian/pingtan__zfxxgknb_index__annual_report_list.htm", 10, None),
    ],
)
def test_real_list(shared: Path, file: str, reports: int, first: str | None) -> None:
    page = Page.of((shared / "pages" / file).read_bytes(), url="http://a.gov.example/xxgk/ndbg/index.html", headers={})
    found = list(dict.fromkeys(link.url for link in family_of(page).links(page) if judge(link) == "report"))
    assert len(found) == reports
    assert first is None or found[0] == urljoin(page.url, first)


def test_the_annual_report_entry_gives_an_address_a_year() -> None:
    entry = "https://a.gov.example/module/xxgk/xxgkAnnualReport.jsp?area=1137100000&fbtime=2016"
    assert list(hanweb.entries(entry, range(2021, 2023))) == [
        entry.replace("2016", "2021"),
        entry.replace("2016", "2022"),
    ]
    assert list(hanweb.entries("https://a.gov.example/", range(2021, 2023))) == []


@pytest.mark.parametrize("path", ["official_report_urls.tsv", "annual_report_urls.tsv"])
def test_real_columns_are_known_by_their_address(shared: Path, path: str) -> None:
    rows = (shared / "facts" / path).read_text(encoding="utf-8").splitlines()[1:]
    named = [url for url in (row.split("\t")[0] for row in rows) if "nb/" in url or "ndbg/" in url]
    missed = [url for url in named if not find.is_column_address(url)]
    assert len(missed) <= len(named) // 20, missed


@pytest.mark.parametrize(
    ("url", "title", "kind"),
    [
        ("http://a.example/xxgk/ndbg/", "", "column"),
        ("http://a.example/zfxxgk/", "政府信息公开", "towards"),
        ("http://a.example/zfxxgk/zfxxgknb/", "政府信息公开年报", "column"),
        ("http://a.example/dynb/", "电影年报", "other"),
        ("http://a.example/content/post_31.html", "我局2020年政府信息公开工作年度报告", "report"),
        ("http://a.example/content/post_32.html", "关于印发政府信息公开目录的通知", "other"),
        ("http://a.example/xxgk/xxgkbgs/", "信息公开办公室", "towards"),
    ],
)
def test_judge(url: str, title: str, kind: str) -> None:
    assert judge(Link(url=url, title=title)) == kind
