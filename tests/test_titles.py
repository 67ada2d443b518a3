"""The title rule: what a link is, which year it names, which addresses are one page; each word by its own examples."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import titles
from crawler.page import Link, Page
from pipelines import identify
from pipelines.words import Word, any_of, words

FILES = (("pipelines", "identify.toml"), ("crawler", "titles.toml"))
CASES = tomllib.loads(Path(__file__).with_name("cases").joinpath("links.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize(
    ("file", "kind", "word"),
    [
        pytest.param(file, kind, word, id=f"{file[0]}-{kind}-{word.name}")
        for file in FILES
        for kind, rows in words(*file).items()
        for word in rows
    ],
)
def test_word(file: tuple[str, str], kind: str, word: Word) -> None:
    assert word.pattern.search(word.catch)
    assert not any_of(*file, kind).search(word.keep)
    if kind == "decoy":
        assert identify.title_verdict(word.catch) == "other" != identify.title_verdict(word.keep)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file[0])
def test_names_are_unique(file: tuple[str, str]) -> None:
    for kind, rows in words(*file).items():
        assert max(Counter(word.name for word in rows).values()) == 1, kind


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['title'][:30]}-{case['url'][-30:]}")
def test_link(case: dict[str, Any]) -> None:
    link = Link(url=case["url"], title=case["title"])
    assert titles.judge(link, column=case.get("column")) == case["kind"]
    if case["kind"] in ("report", "doubt"):
        assert titles.year_of(link) == case.get("year")


def test_the_nearest_pages_are_tried_first() -> None:
    order = ["政府信息公开", "信息公开", "政务公开", "法定主动公开内容", "网站地图", "部门信息公开目录", "机构职能"]
    assert sorted(order, key=lambda title: titles.nearness(Link(url="", title=title))) == order


def test_no_other_real_link_is_taken(shared: Path) -> None:
    """Of all links of the saved pages, those that are not in the table are nothing to us."""
    judged = {case["title"] for case in CASES}
    taken = set()
    with (shared / "pages" / "index.tsv").open(encoding="utf-8") as index:
        for row in csv.DictReader(index, delimiter="\t"):
            url = row["original_url"] if row["original_url"].startswith("http") else f"http://a.example/{row['file']}"
            page = Page.of((shared / "pages" / row["file"]).read_bytes(), url=url, headers={})
            taken |= {link.title for link in page.links() if titles.judge(link) != "other"}
    assert taken <= judged


@pytest.mark.parametrize("path", ["official_report_urls.tsv", "annual_report_urls.tsv"])
def test_real_reports_are_taken_at_any_address(shared: Path, path: str) -> None:
    """By their title everywhere; by an agency's bare name too, where a column's slug or its page vouches for it."""
    with (shared / "facts" / path).open(encoding="utf-8") as file:
        urls = [row["url"] for row in csv.DictReader(file, delimiter="\t")]
    title = "云岫县应急管理局2020年政府信息公开工作年度报告"
    assert [url for url in urls if titles.judge(Link(url=url, title=title)) != "report"] == []
    lists = [url for url in urls if not titles.is_article(url)]
    assert len(lists) <= 2  # columns that show their report themselves, and a page of an electronic book
    bare = [
        url
        for url in urls
        if titles.judge(Link(url=url, title="县应急管理局"), column="http://a.example/") not in ("report", "doubt")
    ]
    assert set(bare) <= set(lists)


ONE_PAGE = [
    ("http://a.example/nb/", "https://a.example/nb/"),
    ("http://www.a.example/nb/", "http://a.example/nb/"),
    ("http://a.example:80/nb/", "https://a.example:443/nb/"),
    ("http://A.Example/nb/", "http://a.example/nb/"),
    ("http://a.example/nb/index.html", "http://a.example/nb/"),
    ("http://a.example/nb/index.shtml", "http://a.example/nb"),
    ("http://a.example", "http://www.a.example/default.htm"),
    ("http://a.example/bm/content/mpost_5632792.html", "https://a.example/bm/content/post_5632792.html"),
    ("http://a.example/t1_2.html?isMobile=true", "http://a.example/t1_2.html"),
    ("http://a.example/a?id=1&isMobile=true", "http://a.example/a?id=1"),
    ("http://a.example/t20210203_8862455_wap.html", "http://a.example/t20210203_8862455.html"),
    ("http://a.example/t1_2.html#top", "http://a.example/t1_2.html"),
    ("http://a.example/t1_2.html?", "http://a.example/t1_2.html"),
    ("http://a.example/%E5%B9%B4%e6%8a%a5.pdf", "http://a.example/年报.pdf"),
    ("http://a.example/%7Enb/a.html", "http://a.example/~nb/a.html"),
    ("http://a.example/nb/./201401/t1.shtml", "http://a.example/nb/201401/t1.shtml"),
    ("http://a.example/x.jsp?fbtime=2008&area=1", "http://a.example/x.jsp?area=1&fbtime=2008"),
    ("http://a.example/a.jsp;jsessionid=0A1B?id=1", "http://a.example/a.jsp?id=1"),
]
TWO_PAGES = [
    ("http://a.example/nb/", "http://b.example/nb/"),
    ("http://rsj.a.example/nb/", "http://a.example/nb/"),
    ("http://a.example:8080/nb/", "http://a.example/nb/"),
    ("http://a.example/NB/", "http://a.example/nb/"),
    ("http://a.example/nb/index_1.html", "http://a.example/nb/"),
    ("http://a.example/nb/", "http://a.example/nb2/"),
    ("http://a.example/content/post_1.html", "http://a.example/content/post_2.html"),
    ("http://a.example/compost_1.html", "http://a.example/copost_1.html"),
    ("http://a.example/x.jsp?area=1&fbtime=2008", "http://a.example/x.jsp?area=1&fbtime=2009"),
    ("http://a.example/x.jsp?id=1", "http://a.example/x.jsp"),
    ("http://a.example/a%2Fb.html", "http://a.example/a/b.html"),
    ("http://a.example/a.html", "http://a.example/a.htm"),
    ("http://www.com/", "http://com/"),
]
HOSTS = ("a.example", "www.a.example", "A.example", "a..example", "a.example:80", "a.example:08", "www.com")
PARTS = ("b", "mpost_1.html", "_wap.html", "index.html", "/", "//", ".", "..", "-", "~", "%7E", "年", ";", ":")


@pytest.mark.parametrize(("one", "other"), ONE_PAGE)
def test_addresses_of_one_page_are_alike(one: str, other: str) -> None:
    assert titles.alike(one) == titles.alike(other)


@given(host=st.sampled_from(HOSTS), parts=st.lists(st.sampled_from(PARTS), max_size=6))
def test_an_address_is_that_without_its_fragment(host: str, parts: list[str]) -> None:
    url = f"http://{host}/{''.join(parts)}"
    assert titles.alike(url) == titles.alike(f"{url}#a")


@pytest.mark.parametrize(("one", "other"), TWO_PAGES)
def test_addresses_of_two_pages_are_not(one: str, other: str) -> None:
    assert titles.alike(one) != titles.alike(other)
