"""Guangdong 南方 NFCMS: articles `content/post_ID.html`, lists index.html, index_2.html … index_N.html.

A list links to some of its pages, the last one too. `mpost_ID.html` is the mobile twin of `post_ID.html`.
Live: https://www.gz.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.page import HOST, Link, Page

MARKS = re.compile(rf"""NFCMS[_-]|["'](?:{HOST})?(?:/[\w/]*|\./)?content/m?post_\d+\.html""")
NUMBERED = re.compile(r"(?P<list>//.*/)index_(?P<number>\d+)\.html$")


def recognise(page: Page) -> bool:
    """Know NFCMS by its counters' script or by its articles' addresses on the page's own host."""
    worth = "/gkmlpt/" not in page.url and page.holds("NFCMS", "content/")
    return worth and page.has_own(MARKS, page.text)


def links(page: Page) -> Iterator[Link]:
    """Walk the links of the page."""
    return page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Count up to the highest page that the list links to."""
    here = page.url.partition("?")[0].rpartition("/")[0] + "/"
    found = (NUMBERED.search(link.url) for link in page.links())
    last = max((int(match["number"]) for match in found if match and here.endswith(match["list"])), default=1)
    for number in range(2, last + 1):
        url = f"{here}index_{number}.html"
        if url != page.url:
            yield url
