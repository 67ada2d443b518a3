"""Lonsun 龙讯: lists `/public/column/ORGAN?type=4&catId=ID&action=list`, filled by `/site/label/8888`.

The script names the fields of the label (labelName=publicInfoList, siteId, organId, catId, pageSize, file …) and
pageCount; the answer to `pageIndex=N` is HTML. Reports stand at `/OpennessAnnualReport/show/ID.html` and
`/XxgkAnnualReport/show/ID.html` with lists `/opennessAnnualReport/?branch_id=ID`; older ones in a frame of
`spage.xp?doAction=sindex&unitid=ID&frame=nb`. Live: https://www.wuhu.gov.cn/openness/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

from crawler.ajax import fields
from crawler.families import generic
from crawler.page import HOST, Link, Page

LABEL = "/site/label/8888"
OWN = r"(?:/site/label/8888\b|/public/column/\d|\bspage\.xp\?doAction=|/(?i:openness|xxgk)AnnualReport/)"
MARKS = re.compile(rf"""["'](?:{HOST})?[\w/]*{OWN}|service\.lonsun\.cn/""")
CALL = re.compile(
    r"""["'](?P<path>[^"'\s]*/site/label/8888)\??(?P<query>[^"'\s]*)["'](?:\s*,\s*data\s*:\s*\{(?P<data>.*?)\})?""",
    re.DOTALL,
)
WORDS = (LABEL, "/public/column/", "spage.xp?doAction=", "AnnualReport/", "service.lonsun.cn/")
COUNT = re.compile(r"\bpageCount\s*:\s*\D?\s*(\d+)")
INDEX = re.compile(r"(?<=[?&]pageIndex=)\d+")


def recognise(page: Page) -> bool:
    """Know Lonsun by addresses of its kind on the page's own host, or by its service's script."""
    return page.holds(*WORDS) and page.has_own(MARKS, f"'{page.url}' {page.text}")


def links(page: Page) -> Iterator[Link]:
    """Walk the links of a page or of an answer, which is HTML too."""
    return page.links()


def next_pages(page: Page) -> Iterator[str]:
    """Ask the label for each of its pages; without one, follow 下一页."""
    count = COUNT.search(page.text)
    last = int(count[1]) if count else 1
    if LABEL in page.url:
        for number in range(2, last + 1):
            url = INDEX.sub(str(number), page.url)
            if url != page.url:
                yield url
    elif lists := list(_lists(page)):
        for url in lists:  # the first comes last: most pages show it themselves
            yield from (INDEX.sub(str(number), url) for number in (*range(2, last + 1), 1))
    else:
        yield from generic.next_pages(page)


def _lists(page: Page) -> Iterator[str]:
    for call in CALL.finditer(page.text):
        said = dict(parse_qsl(call["query"], keep_blank_values=True)) | fields(call["data"] or "")
        url = page.absolute(call["path"])
        if url and said.get("labelName", "").endswith("InfoList"):
            yield f"{url}?{urlencode(said | {'pageIndex': '1'})}"
