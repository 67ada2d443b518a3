"""JEECMS: every page is a `.jhtml`, a list index.jhtml, index_2.jhtml … index_N.jhtml.

Known by that ending, in the page's address or in links on its host; the pager shows `1/12页`. Live:
http://wlgd.baotou.gov.cn/xxgknb/index.jhtml
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from crawler.families import generic
from crawler.page import HOST, Page

SHOWN = re.compile(r"\b(\d+)\s*/\s*(\d+)\s*页")
MARKS = re.compile(rf"""["'](?:{HOST}/|(?!//))[^"':<>]*\.jhtml\b""")
LIST = re.compile(r"/index(?:_\d+)?\.jhtml$|/$")
links = generic.links


def recognise(page: Page) -> bool:
    """Know JEECMS by the ending of its addresses."""
    return page.url.endswith(".jhtml") or (".jhtml" in page.text and page.has_own(MARKS, page.text))


def next_pages(page: Page) -> Iterator[str]:
    """Name every page of the list but the one at hand; where the pager does not count them, follow its links."""
    shown = SHOWN.search(page.text)
    if shown is None or not LIST.search(urlsplit(page.url).path):
        yield from generic.next_pages(page)
        return
    for number in range(1, int(shown[2]) + 1):
        url = page.absolute(f"index_{number}.jhtml" if number > 1 else "index.jhtml")
        if url and number != int(shown[1]):
            yield url
