"""TRS WCM: articles `./YYYYMM/tYYYYMMDD_ID.html`, lists whose script tells the number of their pages.

Known by the names of its files (uploads are `P020…`, `W020…`), its editor's classes or its pager. Pages are index.html,
index_1.html … index_{N-1}.html, numbered from 0; where a site numbers them from 1, so that index_2.html is the second,
its numbers or links tell. Live: http://zwgk.changchun.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.families import generic, trs_fujian
from crawler.page import HOST, Page

FILE = r"/(?:t\d{8}_\d+\.s?html?|t0035_\d+\.html|t\d{5,}\.shtml|[PW]020\d{10,}\w*\.\w+)"
EDITOR = r"TRS_(?:Editor|UEDITOR|PreAppend)\b|trs_editor_view\b"
MARKS = re.compile(rf"""{EDITOR}|["'](?:{HOST}/|(?!//))[^"':<>]*{FILE}\b""")
WORTH = re.compile(FILE)

# createPageHTML(N, current, "index", "html", …), createPage(…)
CALL = re.compile(
    r"""createPage(?:HTML)?\s*\(\s*\W?(?P<size>\d+)\W?\s*,\s*\W?(?P<current>\d+)\W?\s*,"""
    r"""\s*\\?["'](?P<prefix>[\w./-]+)\\?["']\s*,\s*\\?["']\.?(?P<suffix>\w+)\\?["']"""
)
# Pager({size: N, current: 0, prefix: 'index', suffix: 'html', …}), its keys in any order
OBJECT = re.compile(
    r"Pager\s*\(\s*\{(?=[^{}]*\bsize\W+(?P<size>\d+))(?=[^{}]*\bcurrent\W+(?P<current>\d+))"
    r"(?=[^{}]*\bprefix\W+(?P<prefix>[\w/-]+))(?=[^{}]*\bsuffix\W+(?P<suffix>\w+))"
)
# var countPage = N, currentPage = 0, and links written by script; totalPage: N (Shanghai, numbered from 1)
SIZE = re.compile(r"""\b(?:countPage|n?PageCount|(?P<from_1>totalPage))["']?\s*[=:]\s*["']?(?P<size>\d+)""")
CURRENT = re.compile(r"""\b(?:currentPage|nCurrIndex|nCurrPage)["']?\s*[=:]\s*["']?(?P<current>\d+)""")
WRITTEN = re.compile(r"""\bwrite\(["'][^<]{0,20}<a\s[^<>]*?href=\\?["'](?P<prefix>\w+)\W+(?P<suffix>s?html?)\b""")
SCRIPTS = ((SIZE, "countPage", "PageCount", "totalPage"), (CURRENT, "currentPage", "nCurr"), (WRITTEN, "write("))
links = generic.links


def recognise(page: Page) -> bool:
    """Know TRS by its names of files, its editor or its pager; its Fujian make is a family of its own."""
    call, whole = page.search(CALL, "createPage") or page.search(OBJECT, "Pager"), f'"{page.url}" {page.text}'
    worth = page.holds("TRS_", "trs_editor_view") or WORTH.search(whole)
    return bool(call or (worth and page.has_own(MARKS, whole))) and not trs_fujian.recognise(page)


def next_pages(page: Page) -> Iterator[str]:
    """Name every page of the list but the one at hand; where no script counts them, follow their links."""
    pager = _pager(page)
    if "size" not in pager:
        yield from generic.next_pages(page)
        return
    numbered = re.compile(rf"\b{re.escape(pager['prefix'])}_(\d+)\.{pager['suffix']}$")
    own = numbered.search(page.url)
    first = _first(page, numbered, pager)
    here = int(own[1]) if own else first
    for number in range(first, first + int(pager["size"])):
        url = page.absolute(f"{pager['prefix']}{f'_{number}' if number > first else ''}.{pager['suffix']}")
        if url and number != here:
            yield url


def _pager(page: Page) -> dict[str, str]:
    """Read the script that pages: prefix and suffix; where it counts them, size; where it tells, current."""
    call = page.search(CALL, "createPage") or page.search(OBJECT, "Pager")
    told = filter(None, [call] if call else [page.search(*script) for script in SCRIPTS])
    return {"prefix": "index", "suffix": "html"} | {k: v for found in told for k, v in found.groupdict().items()}


def _first(page: Page, numbered: re.Pattern[str], pager: dict[str, str]) -> int:
    """Number the list's first page, 0 or 1: a link tells that shows a number, or 下一页; else the page's own number."""
    own = numbered.search(page.url)
    for link in generic.pager(page):
        to = numbered.search(link.url)
        shown = "2" if not own and generic.NEXT.match(link.title) else link.title
        if to and shown.isdigit():
            return int(to[1] == shown)
    if own:
        return int(int(own[1]) in (int(pager["size"]), int(pager.get("current", "-1")) + 1))
    return int(pager.get("current") == "1" or bool(pager.get("from_1")))
