"""Families and the title rule, on list pages: `lists/<family>/<case>/` holds `expected.json` and the page.

`expected.json` gives `url, family, is_column, report, doubt, column, towards, next_pages`, by need `headers`, and where
the page is from: `real`, the path of a saved page under ../shared/pages, or `built`, a sentence; then the page is
`page.*` beside it.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crawler.families
from crawler import find
from crawler.families import FALLBACK, families, family_of, hanweb
from crawler.page import Link, Page
from crawler.titles import judge

FAMILIES = Path(str(crawler.families.__file__)).parent
CASES = sorted(Path(__file__).with_name("lists").glob("*/*/expected.json"))

MADE_BY = {
    "epoint": {"epoint"},
    "gd_nfcms": {"gkmlpt", "nfcms"},
    "hanweb": {"hanweb", "jpaas"},
    "lonsun": {"lonsun"},
    "trs_fujian": {"trs_fujian"},
    "trs_wcm": {"trs"},
    "ucap": {"ucap"},
    "vsb": {"vsb"},
    "other_gov": set[str](),
}
"""The families that may take a saved page, by the family that its index names."""

EXCEPTIONS = {
    "other_gov/hd-zfxxgk__index.jsp.html": {"trs"},
    "other_gov/mhx__dcy.liaoyang.gov.cn.html": {"epoint"},
    "other_gov/mhx__gqsbeijing.gov.cn.html": {"ucap"},
    "other_gov/mhx__hjhbjft.gov.cn.html": {"ucap"},
    "other_gov/protego__robots_fmprc.html": {"trs"},
    "trs_wcm/mhx__lytwtl.sz.gov.cn.html": {"nfcms", "trs"},
}
"""Saved pages that other families take: those the index knows no family of, and a page that moved with its editor's box."""

UNMARKED = {"trs_wcm": 8, "vsb": 14, "other_gov": 22}
"""Saved pages that no family takes: error pages, sign-in pages, other systems."""

BASES = ("http://a.example", "http://a.example/b/../c//d.html", "https://a.example:81/b/;p/?q=/r/#f")
BEGINS = ("", "./", "/", "../", "//", "?", "http://B.example/", "http://a.example:80", "https:", "HTTP://")
PARTS = ("b", "c.html", "/", "//", ".", "..", "-", "~", "%20", "年", "?", "q=/../", "#", ";", ":", " ", "\n", "[", "&")


def body_of(case: Path, expected: dict[str, Any], request: pytest.FixtureRequest) -> bytes:
    if "real" in expected:
        shared: Path = request.getfixturevalue("shared")
        return (shared / "pages" / expected["real"]).read_bytes()
    [file] = case.parent.glob("page.*")
    return file.read_bytes()


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parts[-3]}-{path.parts[-2]}")
def test_list(case: Path, request: pytest.FixtureRequest) -> None:
    expected = json.loads(case.read_text(encoding="utf-8"))
    body = body_of(case, expected, request)
    page = Page.of(body, url=expected["url"], headers=expected.get("headers", {}))
    family = family_of(page)
    assert family.__name__.rpartition(".")[2] == expected["family"] == case.parts[-3]
    assert find.is_column(page) == expected["is_column"]
    for kind in ("report", "doubt", "column", "towards"):
        judged = dict.fromkeys(link.url for link in family.links(page) if judge(link) == kind)
        assert list(judged) == [urljoin(page.url, url) for url in expected.get(kind, [])], kind
    assert list(family.next_pages(page)) == [urljoin(page.url, url) for url in expected["next_pages"]]


def test_a_family_is_a_file_of_80_lines_at_the_most() -> None:
    sizes = {path.stem: len(path.read_text(encoding="utf-8").splitlines()) for path in FAMILIES.glob("[a-z]*.py")}
    assert {name: size for name, size in sizes.items() if size > 80} == {}


def test_every_family_has_a_case() -> None:
    assert families().keys() == {case.parts[-3] for case in CASES}


def test_a_saved_page_is_taken_by_its_own_family_or_by_none(shared: Path) -> None:
    others, unmarked = {}, Counter[str]()
    with (shared / "pages" / "index.tsv").open(encoding="utf-8", newline="") as index:
        for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE):
            url = row["original_url"] if row["original_url"].startswith("http") else f"http://a.example/{row['file']}"
            page = Page.of((shared / "pages" / row["file"]).read_bytes(), url=url, headers={})
            takers = {name for name, family in families().items() if name != FALLBACK and family.recognise(page)}
            unmarked[row["family"]] += not takers
            if not takers <= MADE_BY[row["family"]]:
                others[row["file"]] = takers
    assert others == EXCEPTIONS
    assert +unmarked == UNMARKED


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


@given(base=st.sampled_from(BASES), begin=st.sampled_from(BEGINS), parts=st.lists(st.sampled_from(PARTS), max_size=6))
def test_addresses_are_joined_as_urljoin_does(base: str, begin: str, parts: list[str]) -> None:
    href = begin + "".join(parts)
    url = Page(url=base, text="").absolute(href)
    assert url is None or url == urljoin(base, href.strip()).partition("#")[0]
