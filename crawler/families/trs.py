"""TRS WCM: articles `./YYYYMM/tYYYYMMDD_ID.html`, lists whose script names the number of their pages.

Page k, from 0, is index.html, index_1.html … index_{N-1}.html. Live: http://zwgk.changchun.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.page import Link, Page

ARTICLE = re.compile(r"/t\d{8}_\d+\.s?html?\b|TRS_Editor|trs_editor_view")
CALLS = (
    # createPageHTML(nPageCount, nCurrIndex, "index", "html")
    re.compile(
        r"""createPage(?:HTML)?\(\s*(?P<size>\d+)\s*,\s*(?P<current>\d+)\s*,\s*["'](?P<prefix>[\w-]+)["']\s*,\s*["'](?P<suffix>\w+)["']"""
    ),
    # Pager({size:N, current:k, prefix:'index', suffix:'html', …})
    re.compile(
        r"""Pager\(\{\s*size\s*:\s*(?P<size>\d+)\s*,\s*current\s*:\s*(?P<current>\d+)\s*,\s*prefix\s*:\s*['"](?P<prefix>[\w-]+)['"]\s*,\s*suffix\s*:\s*['"](?P<suffix>\w+)['"]"""
    ),
)


def recognise(page: Page) -> bool:
    """Know TRS by its article addresses, its editor's class or its paging script."""
    return ARTICLE.search(page.text) is not None or any(call.search(page.text) for call in CALLS)


def links(page: Page) -> Iterator[Link]:
    """Walk the links of the page."""
    return page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Follow the paging script's count, from the first page to all others."""
    for call in CALLS:
        for found in call.finditer(page.text):
            for number in range(1, int(found["size"])):
                url = page.absolute(f"{found['prefix']}_{number}.{found['suffix']}")
                if url and url != page.url:
                    yield url
            return
