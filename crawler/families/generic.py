"""Any site: the page's own links, and those that say 下一页 or 下页 or are a bare page number beside one.

Serves VSB 博达 too, whose lists count down (`col/16.htm` before `col/15.htm`): the link says where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.page import Link, Page

NEXT = re.compile(r"^[\[【<(]?(下一?[页頁])[\]】>)]*$|^[>›»]$")


def recognise(page: Page) -> bool:  # noqa: ARG001
    """Take every page: this is the fallback."""
    return True


def links(page: Page) -> Iterator[Link]:
    """Walk the links of the page."""
    return page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Follow 下一页, once: each page knows the one after it."""
    for link in page.links():
        if NEXT.match(link.title) and link.url != page.url:
            yield link.url
            return
