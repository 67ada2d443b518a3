"""Is this link a report, a column of reports, or neither? By its words and its address alone.

The words are data: titles.toml for links, pipelines/identify.toml for the titles of reports.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import urljoin, urlsplit

from w3lib.url import canonicalize_url

from crawler.page import Link
from pipelines import identify
from pipelines.words import any_of, words

Kind = Literal["report", "doubt", "column", "towards", "other"]
Place = Literal["reported", "article", "list", "page"]
PLACES: tuple[Place, ...] = ("reported", "article", "list")

LONGEST_TITLE = 200
"""Characters read of a link's words; some sites put a whole page into one link."""

WORTH = re.compile(r"[开開报報年地导導机機]|[2２][0０]|二[〇○Ο零０]")
"""What a title must have for any of our words to be in it. Most links are done with here."""

MARKS = r"[\s·•・>»|｜◆■★\-—_:：,，。、*]"
AROUND = re.compile(
    rf"^(?:{MARKS}|[\[【(（]?(?:20\d\d[-/.])?\d\d?[-/.]\d\d?(?!\d|[年月日])[\]】)）]?)++"
    rf"|(?:{MARKS}|[\[【(（]?20\d\d[-/.年]\d\d?(?:[-/.月]\d\d?日?|月)[\]】)）]?|[\[【(（]\d\d?[-/.]\d\d?[\]】)）]|\d\d:\d\d(?::\d\d)?)++$"
)
"""Marks and days of publication that lists put around their titles."""

OF_LIST = re.compile(r"(?:专栏|专题|专区|栏目|列表|汇总|目录|查询)$|[（(]\d+[）)]$")
FOLDER = re.compile(r"/(?:index|default)\.\w+$")
CANONICAL = re.compile(r"https?://(?P<host>[a-z\d.-]+)(?P<path>(?:/[\w~-][\w~.-]*+)*+/?)", re.ASCII)
"""An address that is written in no other way. Most are, and need not be taken apart."""

SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
HOST = re.compile(r"^www\.(?=.*\.)|:(?:80|443)$")
MOBILE = re.compile(r"m(?<=/m)(?=post_\d)|_wap(?=\.\w+$)")
MOBILE_QUERY = "ismobile=true"


def judge(link: Link, *, column: str | None = None) -> Kind:
    """Judge a link; `column` is the address of the column on whose page it stands, if it stands on one.

    report: surely one. doubt: look at the page. column: a list of reports. towards: a page from which one is
    reached (政府信息公开, 政务公开). Where the words leave it open the address decides: "2023年" in a column is a
    column of its own if it leads to a list. An address with a column's slug counts only where the words are not
    against it: links that are an image have none.
    """
    below = is_column_address(link.url) or (column is not None and _is_below(link.url, column))
    if not (below or column is not None or WORTH.search(link.title)):
        return "other"
    title = _title(link)
    place = _place(link.url)
    if place in ("reported", "article"):
        return _judge_text(title, is_reported=place == "reported", below=below, on_column=column is not None)
    return _judge_list(title, is_list=place == "list", below=below, on_column=column is not None)


def nearness(link: Link) -> int:
    """Say how near the column the page is that a link leads to: 1 the nearest. ValueError for a link to any other page.

    >>> nearness(Link(url="", title="政府信息公开")) < nearness(Link(url="", title="网站地图"))
    True
    """
    title = _title(link)
    return min(word.rank for word in words("crawler", "titles.toml")["towards"] if word.pattern.search(title))


def year_of(link: Link) -> int | None:
    """Read the year that a link's words say its report is about; a day of publication beside them is none.

    >>> year_of(Link(url="", title="二〇一九年政府信息公开年报2020-01-21")), year_of(Link(url="", title="年报2020-01-21"))
    (2019, None)
    """
    return identify.report_year(_title(link), "")


def is_article(url: str) -> bool:
    """Say whether an address is that of one text, not of a list."""
    return _place(url) in ("reported", "article")


def is_column_address(url: str) -> bool:
    """Say whether an address has a column's slug: zfxxgknb, ndbg, xxgknb_123 … (seen on real sites)."""
    return _says("slug", _address(url))


@lru_cache(maxsize=4096)  # asked when a link is found, and again when its turn has come
def alike(url: str) -> str:
    """Give the key under which all addresses of one page fall together: what http, www and mobile pages differ in goes.

    >>> alike("https://www.A.example:443/nb/content/mpost_1.html?isMobile=true#a")
    'a.example/nb/content/post_1.html'
    """
    if plain := CANONICAL.fullmatch(url):
        host, path, query = plain["host"], plain["path"], ""
    else:
        parts = urlsplit(canonicalize_url(SESSION.sub("", url)))
        host, path = parts.netloc, urljoin("/", parts.path)
        query = "&".join(pair for pair in parts.query.split("&") if pair.lower() != MOBILE_QUERY)
    path = MOBILE.sub("", FOLDER.sub("/", path)).rstrip("/")
    return HOST.sub("", host) + path + (f"?{query}" if query else "")


def _judge_text(title: str, *, is_reported: bool, below: bool, on_column: bool) -> Kind:
    """Judge a link to one text."""
    verdict = identify.title_verdict(title)
    if verdict == "report":
        return "report"
    decoy = identify.says("decoy", title)
    if is_reported and not decoy:
        return "report"
    named = (below and title) or (on_column and _says("agency", title))
    return "doubt" if verdict == "doubt" or _is_cut(title) or (named and not decoy) else "other"


@lru_cache(maxsize=2048)  # menus stand on every page of a site, and say much the same on all
def _judge_list(title: str, *, is_list: bool, below: bool, on_column: bool) -> Kind:
    """Judge a link to a list, or to what its address leaves open."""
    verdict = identify.title_verdict(title)
    year = identify.report_year(title, "")
    if verdict == "report" and year and not (is_list and _is_of_many(title)):
        return "report"
    core = OF_LIST.sub("", title)
    decoy = identify.says("decoy", core)
    if (_says("column", core) and not decoy and (is_list or not year)) or (verdict == "report" and is_list):
        return "column"
    if (below and not identify.says("decoy", title)) or (is_list and on_column and _says("year", title)):
        return "column"
    if (verdict != "other" and not is_list) or _is_cut(title):
        return "doubt"
    if _says("towards", title):
        return "towards"
    return "doubt" if on_column and not is_list and _says("agency", title) else "other"


def _is_of_many(title: str) -> bool:
    """Tell whether a report's title names no agency, or many: it is then a column's name."""
    agency = identify.agency_of(title)
    return agency is None or _says("many", agency)


def _is_cut(title: str) -> bool:
    """Tell a title that a list cut short after it named a year and disclosure: a report's or not, who knows."""
    return _says("cut", title) and identify.says("subject", title) and identify.report_year(title, "") is not None


def _title(link: Link) -> str:
    return _undecorated(link.title[:LONGEST_TITLE])


@lru_cache(maxsize=2048)
def _undecorated(title: str) -> str:
    return AROUND.sub("", identify.plain(title))


def _place(url: str) -> Place:
    address = _address(url)
    for place in PLACES:
        if _says(place, address):
            return place
    return "page"


def _address(url: str) -> str:
    """Give the path and query of an absolute URL, in lower case."""
    return "/" + url.partition("//")[2].partition("/")[2].lower()


def _is_below(url: str, column: str) -> bool:
    """Tell whether an address is below a column's, where that is a folder."""
    folder = FOLDER.sub("/", column)
    return folder.endswith("/") and url.startswith(folder) and url not in (folder, column)


def _says(kind: str, text: str) -> bool:
    return any_of("crawler", "titles.toml", kind).search(text) is not None
