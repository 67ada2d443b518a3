"""Hanweb jpaas: lists that come as HTML inside JSON from `/api-gateway/jpaas-publish-server/front/page/build/unit`.

A page names each of its units in a script's `queryData` (webId, tplSetId, pageId, tagId …). The first answer says how
many entries there are (`rows`, `count`); page N is the same address with paramJson {"pageNo":N,"pageSize":rows}.
Live: https://www.miit.gov.cn/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.ajax import answer, fields
from crawler.page import Link, Page, anchors
from pipelines.prepare import tree

UNIT = "/jpaas-publish-server/front/page/build/unit"
PAGER = re.compile(r"""\b(rows|count)["']?\s*[:=]\s*["']?(\d+)""")


def recognise(page: Page) -> bool:
    """Know jpaas by the address of its units, asked or in a script."""
    return UNIT in page.url or UNIT in page.text


def links(page: Page) -> Iterator[Link]:
    """Walk the links of a page, or those of a unit."""
    if UNIT in page.url:
        yield from anchors(page, tree(_html(page)))
    else:
        yield from page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Ask for the units of a page; for the further pages of a unit by what its first one says of their number."""
    if UNIT not in page.url:
        yield from _units(page)
        return
    pager = {name: int(number) for name, number in PAGER.findall(_html(page))}
    if pager.get("rows"):
        url = urlsplit(page.url)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        for number in range(2, -(-pager.get("count", 0) // pager["rows"]) + 1):
            param = json.dumps({"pageNo": number, "pageSize": pager["rows"]}, separators=(",", ":"))
            further = url._replace(query=urlencode(query | {"paramJson": param})).geturl()
            if further != page.url:
                yield further


def _html(page: Page) -> str:
    return answer(page, "data", "html") or ""


def _units(page: Page) -> Iterator[str]:
    for script in page.tree.iter("script"):
        query = fields(script.get("querydata") or "")  # lxml gives names in lower case
        url = page.absolute(script.get("url") or "")
        if url and UNIT in url and query.get("pageType") != "article":
            yield f"{url}?{urlencode(query)}"
