"""Any site: the page's own links, and a pager as a reader would use it.

下一页 or 下页 leads on; where no link says so, the bare page numbers do, and 尾页. The address is the link's own, or the
one that its script plainly names (`onclick="location.href='list_2.html'"`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from crawler.page import SPACE, Link, Page, shown

NEXT = re.compile(r"^[\[【<(]?(下一?[页頁])[\]】>)»›]*$|^[>›»]$")
NUMBER = re.compile(r"^\[?([1-9]\d{0,2})\]?$")
LAST = re.compile(r"^\[?[尾末][页頁]\]?$")
NAMED = re.compile(r"""["']([^"'\s]*(?:\.(?:s?html?|jhtml|jspx?|php|aspx?|do)\b|\?)[^"'\s]*)["']""")


def recognise(page: Page) -> bool:  # noqa: ARG001
    """Take every page: this is the fallback."""
    return True


def links(page: Page) -> Iterator[Link]:
    """Walk the links of the page."""
    return page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Follow 下一页, once: each page knows the one after it; without one, the page numbers and 尾页."""
    turns = [link for link in pager(page) if link.url != page.url]
    following = [link.url for link in turns if NEXT.match(link.title)][:1]
    yield from following or dict.fromkeys(link.url for link in turns if LAST.match(link.title) or is_number(link))


def pager(page: Page) -> Iterator[Link]:
    """Walk the links that may turn the page, those by script too."""
    for element in page.tree.iter("a"):
        title = shown(element) or SPACE.sub("", element.get("title") or "")
        if NEXT.match(title) or NUMBER.match(title) or LAST.match(title):
            href = element.get("href") or ""
            named = NAMED.search(f"{element.get('onclick') or ''} {href}")
            url = page.absolute(href) or (named and page.absolute(named[1]))
            if url:
                yield Link(url=url, title=title)


def is_number(link: Link) -> bool:
    """Say whether a link is a page number that its address bears out, counted from 1 or from 0.

    >>> [is_number(Link(url=f"http://a.example/{name}", title="3")) for name in ("list_3.html", "?p=2&size=9", "8.html")]
    [True, True, False]
    """
    shown = NUMBER.match(link.title)
    parts = urlsplit(link.url)
    held = [int(digits) for digits in re.findall(r"\d+", f"{parts.path}?{parts.query}")] or [0]
    return shown is not None and any(int(shown[1]) - number in (0, 1) for number in held)
