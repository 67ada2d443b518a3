"""VSB 博达: articles `info/1001/1234.htm`, lists whose further pages count down.

A list of N pages is ndbg.htm, ndbg/{N-1}.htm … ndbg/1.htm, so the last is 1; its script tells N. Lists of a `.jsp` are
followed by their links. Known by its scripts, its boxes and the numbered lines of its lists. Live:
http://www.shangluo.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawler.families import generic
from crawler.page import Page

MARKS = re.compile(
    r"""/_sitegray\b|\.vsb\.css|/system/resource/js/|_newscontent_fromname\b|["'](?:vsb_content|v_news_content)\b"""
    r"""|["']line_?u\d+_\d+["']|pb_sys_common\b|["'](?:\.\./|/)*info/\d+/\d+\.htm["']"""
    r"""|["'](?!//)[^"':<>]*\burltype=(?:news|tree)\."""
)
WORDS = (
    *("/_sitegray", ".vsb.css", "/system/resource/js/", "_newscontent_fromname", "vsb_content", "v_news_content"),
    *("line_u", "lineu", "pb_sys_common", "urltype="),
)
ARTICLE = re.compile(r"info/\d+/\d+\.htm")
COUNT = re.compile(r"_simple_list_gotopage_fun\(\s*(\d+)\s*,")
NUMBERED = re.compile(r"/(\d+)\.htm$")
links = generic.links


def recognise(page: Page) -> bool:
    """Know VSB by its scripts, its boxes, its lines or its names of files."""
    worth = page.holds(*WORDS) or ARTICLE.search(page.text) is not None
    return worth and MARKS.search(page.text) is not None


def next_pages(page: Page) -> Iterator[str]:
    """Name every page of the list but the one at hand; where no script counts them, follow their links."""
    count = COUNT.search(page.text)
    if count is None or not page.url.endswith(".htm"):
        yield from generic.next_pages(page)
        return
    size = int(count[1])
    here = NUMBERED.search(page.url)
    column = page.url[: here.start()] if here and int(here[1]) < size else page.url.removesuffix(".htm")
    for url in (f"{column}.htm", *(f"{column}/{number}.htm" for number in range(size - 1, 0, -1))):
        if url != page.url:
            yield url
