"""Hanweb 大汉 JCMS: lists in a datastore of CDATA records, more of them from dataproxy.jsp.

The datastore links to its next group (`page=N`); else `jpage({totalRecord, perPage, groupSize, proxyUrl, ajaxParam})`
says what to post for the records from `startrecord` to `endrecord`. Reports of an organ, its `area`, have an entry of
their own, `/module/xxgk/xxgkAnnualReport.jsp?area=AREA&fbtime=YEAR-REPORTED-ON`. Live: https://www.weihai.gov.cn/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

from crawler.ajax import fields, unwrapped
from crawler.families import jpaas
from crawler.page import HOST, Link, Page, anchors, post
from pipelines.prepare import tree

PROXY = re.compile(r"/jpage/\w*dataproxy\.jsp\?")
OWN = r"(?:col/col\d+/|art/\d{4}/(?:\d+/\d+/)?art_|module/(?:web|xxgk|jpage|jslib)/)"
MARKS = re.compile(rf"""<datastore>|["'](?:{HOST})?/{OWN}""")
WORDS = ("<datastore>", "/col/col", "/art/", "/module/")
RECORD = re.compile(r"<record>\s*<!\[CDATA\[(.*?)\]\]>\s*</record>", re.DOTALL)
NEXT_GROUP = re.compile(r"<nextgroup>\s*<!\[CDATA\[(.*?)\]\]>\s*</nextgroup>", re.DOTALL)
TOTAL = re.compile(r"<(totalrecord|totalpage)>\s*(\d+)")
SCRIPT = re.compile(r"""\bjpage\(\{([^{}]*proxyUrl\s*:\s*["']/[^{}]*ajaxParam\s*:\s*\{[^{}]*\})""")
SPAN = re.compile(r"(?<=[?&]startrecord=)(?P<start>\d+)&endrecord=(?P<end>\d+)")
NUMBER = re.compile(r"(?<=[?&]page=)\d+")


def recognise(page: Page) -> bool:
    """Know Hanweb by its datastore, or by addresses of its kind on the page's own host; jpaas has those too."""
    return page.holds(*WORDS) and not jpaas.recognise(page) and page.has_own(MARKS, f"'{page.url}' {page.text}")


def links(page: Page) -> Iterator[Link]:
    """Walk the records of the datastore, then the other links of a page."""
    records = RECORD.findall(_xml(page))
    yield from anchors(page, tree("".join(records))) if records else ()
    yield from () if records and PROXY.search(page.url) else page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Follow the datastore's link to its next group; where it has none, count the groups up to the total."""
    xml = _xml(page)
    following = [link.url for group in NEXT_GROUP.findall(xml) for link in anchors(page, tree(unescape(group)))]
    total = {name: int(number) for name, number in TOTAL.findall(xml)}
    if following or not PROXY.search(page.url):
        yield from following or _posts(page)
    elif span := SPAN.search(page.url):
        step = int(span["end"]) - int(span["start"]) + 1
        for start in range(int(span["end"]) + 1, total.get("totalrecord", 0) + 1, step):
            yield SPAN.sub(f"{start}&endrecord={start + step - 1}", page.url)
    else:
        yield from (NUMBER.sub(str(number), page.url) for number in range(2, total.get("totalpage", 0) + 1))


def entries(url: str, years: range) -> Iterator[str]:
    """Give the addresses of the reports on these years, where `url` is the annual report entry of one organ."""
    parts = urlsplit(url)
    if parts.path.endswith("/module/xxgk/xxgkAnnualReport.jsp"):
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for year in years:
            yield parts._replace(query=urlencode({**query, "fbtime": str(year)}), fragment="").geturl()


def _xml(page: Page) -> str:
    return unwrapped(page, mark="datastore") if PROXY.search(page.url) else page.text


def _posts(page: Page) -> Iterator[str]:
    for script in SCRIPT.findall(page.text):
        said, params = (fields(part) for part in script.split("{", 1))
        size = int(said.get("perPage", 15))
        step = size * int(said.get("groupSize", 3))
        shown = len(RECORD.findall(page.text)) // step * step
        for start in range(shown + 1, int(said.get("totalRecord", "")) + 1, step):
            span = f"startrecord={start}&endrecord={start + step - 1}&perpage={size}"
            yield post(f"{page.absolute(said['proxyUrl'])}?{span}", params)
