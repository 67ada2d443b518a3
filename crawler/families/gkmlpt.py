"""Guangdong's disclosure catalogue 政府信息公开目录管理平台: `/gkmlpt/index`, one page with the tree of all columns.

`window._CONFIG` holds SID and TREE; `/gkmlpt/api/all/COLUMN?page=N&sid=SID` answers in JSON, 100 articles a page, and
pages 0 and 1 are the same. Live: http://www.sz.gov.cn/gkmlpt/index
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any

from crawler.ajax import answer, rows
from crawler.page import Link, Page
from crawler.titles import judge

API = "/gkmlpt/api/all/"
INDEX = re.compile(r"/gkmlpt/(?:index|policy)?$")
CONFIG = re.compile(r"window\._CONFIG\s*=")
SID = re.compile(r"""\bSID["']?\s*:\s*["']?(\d+)""")
TREE = re.compile(r"""\bTREE["']?\s*:\s*""")
NUMBER = re.compile(r"(?<=[?&]page=)\d+")


def recognise(page: Page) -> bool:
    """Know the catalogue by its address."""
    return "/gkmlpt/" in page.url


def links(page: Page) -> Iterator[Link]:
    """Walk the articles of an answer, or the columns of the tree and the links around it."""
    if API in page.url:
        yield from rows(page, answer(page, "articles") or (), address=("url", "post_url"), title="title")
    else:
        yield from _columns(page)
        yield from page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Name all pages of a column from its first; from the index, which may stand for one (`index#ID`), those of reports."""
    if API not in page.url:
        yield from (link.url for link in _columns(page) if judge(link) == "column")
        return
    held = answer(page)
    number, size = NUMBER.search(page.url), len(held.get("articles") or ())
    if size and number and int(number[0]) <= 1:
        total = held.get("total") or (held.get("classify") or {}).get("post_count") or 0
        for following in range(2, -(-int(total) // size) + 1):
            yield NUMBER.sub(str(following), page.url)


def _columns(page: Page) -> Iterator[Link]:
    sid, start = SID.search(page.text), TREE.search(page.text)
    if sid and start and CONFIG.search(page.text):
        try:
            nodes = JSONDecoder().raw_decode(page.text, start.end())[0]
        except JSONDecodeError as error:
            raise ValueError(f"got {error.doc[error.pos :][:80]!r}, expected the JSON of TREE") from None
        api = f"{page.url.partition('/gkmlpt/')[0]}{API}{{}}?page=1&sid={sid[1]}"
        yield from rows(page, _walk(nodes, api), address=("jump_url", "api"), title="name")
    elif INDEX.search(page.url):
        raise ValueError(f"got {page.text[:80]!r}, expected window._CONFIG with SID and TREE")


def _walk(nodes: Any, api: str) -> Iterator[dict[str, Any]]:
    for node in nodes or ():
        yield node | {"api": api.format(node.get("id"))}
        yield from _walk(node.get("children"), api)
