"""From a home page to its columns of annual reports: which links of a page to try, best first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from archive.records import Kind
from crawler.page import Link, Page
from crawler.titles import Kind as JudgedAs
from crawler.titles import is_column_address, nearness

REMEMBERED, START, COLUMN, TOWARDS = range(4)
FAR = 20
"""Ranks of ways: where reports were listed the last time, a source's own addresses, links to a column, links towards
one (the nearer the lower, from TOWARDS up); and as much again for links to other hosts of the same domain."""

COLUMN_TYPES = ("年报", "年度报告")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Way:
    """An address at which reports may be listed, what it is asked as, and the page that named it."""

    rank: int
    url: str
    kind: Kind
    referrer: str | None = None


def ways(page: Page, judged: Iterable[tuple[JudgedAs, Link]], *, on_column: bool) -> Iterator[Way]:
    """Walk the ways that a page shows: to columns, to the parts of the column it is itself, and towards one."""
    for kind, link in judged:
        if kind == "column":
            yield Way(rank=COLUMN, url=link.url, kind="column", referrer=page.url)
        elif kind == "towards":
            yield Way(rank=TOWARDS + nearness(link), url=link.url, kind="start", referrer=page.url)
    for url in page.frames():
        rank = COLUMN if on_column else TOWARDS
        yield Way(rank=rank, url=url, kind="column" if on_column else "start", referrer=page.url)


def is_column(page: Page) -> bool:
    """Say whether a page declares itself the column, by its ColumnType or ColumnName meta tag or by its address."""
    declared = page.meta.get("columntype", "") + page.meta.get("columnname", "")
    return not page.meta.get("articletitle") and (
        any(word in declared for word in COLUMN_TYPES) or is_column_address(page.url)
    )


def domain(host: str) -> str:
    """Give the domain that one body answers for: the name before `.gov.cn` and the like with it; without a port.

    >>> domain("rsj.gz.gov.cn:8080"), domain("www.example.com"), domain("122.137.242.24:8080")
    ('gz.gov.cn', 'example.com', '122.137.242.24')
    """
    name = urlsplit(f"//{host}").hostname or ""
    if re.fullmatch(r"[\d.]+|.*:.*", name):
        return name
    labels = name.split(".")
    return ".".join(labels[-3:] if re.search(r"\.(?:gov|edu|org|com|net|ac)\.[a-z]+$", name) else labels[-2:])
