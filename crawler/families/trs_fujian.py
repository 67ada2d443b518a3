"""TRS in Fujian (trt_ui, avalon): the first page of a list is static, the further ones come from `/fjdzapp/search`.

Its script names the fields to post (channelid, classsql, sortfield, prepage) and the number of entries; the answer is
JSON. Outbound links are rewritten to `HOSTxHEX.ipv6best.cn`, with dashes for dots and `xx` behind where they were
https. Live: https://www.pingtan.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl

from crawler.ajax import answer, fields, rows
from crawler.page import Link, Page, post, request_of

SEARCH = "/fjdzapp/search"
MARKS = re.compile(r"""list\d?\.trsapi\b|/fjdzapp/|ms-controller=["']windowRoot["']""")
MODEL = re.compile(r"\blistModel\(\{(?P<script>.*?)\}\s*\)\s*;", re.DOTALL)
REWRITTEN = re.compile(r"//(?P<host>[\w.-]+?)x[0-9a-f]{12,16}(?P<https>xx)?\.ipv6best\.cn(?=[:/?]|$)")


def recognise(page: Page) -> bool:
    """Know it by the script of its lists, the controller of its pages or the address of its search."""
    return page.holds(".trsapi", "/fjdzapp/", "windowRoot") and MARKS.search(page.url + page.text) is not None


def links(page: Page) -> Iterator[Link]:
    """Walk the entries of an answer, or the links of a page with their own hosts."""
    if SEARCH in page.url:
        found = answer(page, "docs" if '"docs"' in page.text else "data")
        yield from rows(page, found or (), address=("chnldocurl", "docpuburl"), title="doctitle")
    else:
        for link in page.links():
            yield replace(link, url=REWRITTEN.sub(_own, link.url))


def next_pages(page: Page) -> Iterator[str]:
    """Ask the search for every page after the static one."""
    if SEARCH in page.url:
        url, form = request_of(page.url)
        asked, pages = dict(parse_qsl(form or "")), int(answer(page).get("pageCount") or 0)
    elif model := MODEL.search(page.text):
        said = {"channelid": "", "recordCount": "", "prepage": ""} | fields(model["script"])
        asked = {name: said[name] for name in ("channelid", "classsql", "sortfield", "prepage") if name in said}
        if variable := re.search(rf"\b{said['channelid'].rpartition('.')[2]}\s*:\s*(\d+)", page.text):
            asked["channelid"] = variable[1]  # channelid: SiteInfo.searchId
        url, pages = page.absolute(SEARCH) or "", -(-int(said["recordCount"]) // int(said["prepage"]))
    else:
        return
    for number in range(2, pages + 1):
        further = post(url, asked | {"page": str(number)})
        if further != page.url:
            yield further


def _own(found: re.Match[str]) -> str:
    host = found["host"]
    return f"//{host.replace('-', '.') if found['https'] else host}"
