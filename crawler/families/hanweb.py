"""Hanweb 大汉 JCMS: lists in a datastore of CDATA records, more of them from dataproxy.jsp.

The yearly reports have an entry of their own, `/module/xxgk/xxgkAnnualReport.jsp?area=AREA&fbtime=YEAR`: area is the
organ's unified social credit code or an internal one, fbtime the year reported on. Live: https://www.weihai.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

from crawler.page import Link, Page, anchors
from pipelines.prepare import tree

ENTRY = "/module/xxgk/xxgkAnnualReport.jsp"
MARKS = re.compile(r"<datastore>|/module/web/jpage/|/module/xxgk/|jpaas|/art/\d{4}/\d+/\d+/art_|/col/col\d+/")
RECORD = re.compile(r"<record><!\[CDATA\[(.*?)\]\]></record>", re.DOTALL)
NEXT_GROUP = re.compile(r"<nextgroup><!\[CDATA\[(.*?)\]\]></nextgroup>", re.DOTALL)


def recognise(page: Page) -> bool:
    """Know Hanweb by its datastore or its addresses."""
    return MARKS.search(page.url + page.text) is not None


def links(page: Page) -> Iterator[Link]:
    """Walk the records of the datastore; a page without one is read like any other."""
    records = RECORD.findall(page.text)
    for record in records:
        yield from anchors(page, tree(record))
    if not records:
        yield from page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Follow the datastore's link to its next group of records."""
    for group in NEXT_GROUP.findall(page.text):
        for link in anchors(page, tree(unescape(group))):
            yield link.url


def entries(url: str, years: range) -> Iterator[str]:
    """Give the addresses of the reports on these years, where `url` is the annual report entry of one organ."""
    parts = urlsplit(url)
    if parts.path.endswith(ENTRY):
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for year in years:
            yield parts._replace(query=urlencode({**query, "fbtime": str(year)}), fragment="").geturl()
