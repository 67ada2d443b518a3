"""UCAP 开普: articles `/cNNN/YYYYMM/<32 hex>.shtml`, lists `common_list.shtml`, `xxgk_list.html` and the like.

Known by its tags, its template's meta tag and its pager, createPageHTML('page_div', N, current, 'common_list', 'shtml',
…), which names its box first. Pages are common_list.shtml, common_list_2.shtml … common_list_N.shtml, numbered from 1.
Live: http://www.urumqi.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.families import generic
from crawler.page import Page

CALL = re.compile(
    r"""createPageHTML\s*\(\s*["'][\w-]+["']\s*,\s*(?P<size>\d+)\s*,\s*(?P<current>\d+)\s*,"""
    r"""\s*["'](?P<prefix>[\w-]+)["']\s*,\s*["']\.?(?P<suffix>\w+)["']"""
)
MARKS = re.compile(
    r"""<UCAP|UCAP-CONTENT\b|["']template,templategroup,version["']|xxgkzd_list\b"""
    r"""|["'](?!//)[^"':<>]*/(?:c\d{5,}/\d{6}/(?:[0-9a-f]{32}|c\d\d_\d+)\.s?html|common_list(?:_\d+)?\.s?html)["']"""
)
WORDS = ("UCAP", "template,templategroup,version", "xxgkzd_list", "/common_list")
ARTICLE = re.compile(r"/c\d{5,}/\d{6}/")
links = generic.links


def recognise(page: Page) -> bool:
    """Know UCAP by its tags, its template, its names of files or its pager."""
    worth = page.holds(*WORDS) or ARTICLE.search(page.text) is not None
    return (worth and MARKS.search(page.text) is not None) or page.search(CALL, "createPageHTML") is not None


def next_pages(page: Page) -> Iterator[str]:
    """Name every page of the list but the one at hand; where no script counts them, follow their links."""
    call = page.search(CALL, "createPageHTML")
    if call is None:
        yield from generic.next_pages(page)
        return
    for number in range(1, int(call["size"]) + 1):
        name = call["prefix"] + (f"_{number}" if number > 1 else "")
        url = page.absolute(f"{name}.{call['suffix']}")
        if url and url != page.url and number != int(call["current"]):
            yield url
