"""Epoint 新点: articles `/zwgk/002005/002005002/YYYYMMDD/<uuid>.html`, lists moreinfo.html, then 2.html, 3.html ….

Known by its classes `ewb-…` and its script webBuilderCommon. The pager tells the entries and how many a page shows
(`total: 169, pageSize: 15`), or shows `1/12`; its script names the first page. Live: https://fushun.gov.cn/zwgk/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.families import generic
from crawler.page import Page

MARKS = re.compile(r"""["'\s]ewb-[a-z]|webBuilderCommon""")
TOTAL = re.compile(r"\btotal\s*:\s*(\d+)")
A_PAGE = re.compile(r"\bpageSize\s*:\s*([1-9]\d*)")
SHOWN = re.compile(
    r"\b(?:ewb-page-num|wb-page-number)\b[^<>]{0,200}>(?:\s{0,9}<[^<>]{0,200}>){0,2}\s{0,9}\d+\s?/\s?(\d+)"
)
FIRST = re.compile(r"""location\.href\s*=\s*["']([^"']+\.html)["']\s*;""")
STATIC = 100
"""Pages that have a file; those after are made for a query, and no column of reports is that long."""
links = generic.links


def recognise(page: Page) -> bool:
    """Know Epoint by its classes and its script."""
    return page.search(MARKS, "ewb-", "webBuilderCommon") is not None


def next_pages(page: Page) -> Iterator[str]:
    """Name every page of the list but the one at hand; where nothing counts them, follow their links."""
    total, a_page = page.search(TOTAL, "total"), page.search(A_PAGE, "pageSize")
    shown = page.search(SHOWN, "wb-page-num")
    if total and a_page:
        size = -(-int(total[1]) // int(a_page[1]))
    elif shown:
        size = int(shown[1])
    else:
        yield from generic.next_pages(page)
        return
    first = FIRST.search(page.text)
    here = re.search(r"/(\d+)\.html$", page.url)
    for number in range(1, min(size, STATIC) + 1):
        url = page.absolute(first[1] if first and number == 1 else f"{number}.html")
        if url and number != (int(here[1]) if here else 1):
            yield url
