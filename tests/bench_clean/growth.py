"""Measure how cleaning and the reading of links grow: `python tests/bench_clean/growth.py`.

Each kind of nasty page is made 250, 500, 1,000 and 2,000 times as long. Prints CPU milliseconds and how many times the last
costs what the one before it does: 2 is linear. Asserts nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from crawler.families import family_of
from crawler.page import Page
from crawler.titles import judge
from pipelines.clean import clean

URL = "http://czj.example/xxgk/ndbg/1.html"
SIZES = (250, 500, 1000, 2000)
SENTENCE = "<p>本局2020年主动公开政府信息12条，受理申请3件。</p>"
TABLE = "<table><tr><td>项目</td><td>1</td></tr><tr><td>项目</td><td>2</td></tr></table>"
HEAD = "<tr><td>信息内容</td><td>本年制发件数</td><td>本年废止件数</td><td>现行有效件数</td></tr>"
ROW = "<tr><td>规章</td><td>1</td><td>0</td><td>2</td></tr>"

KINDS: dict[str, Callable[[int], str]] = {
    "lines of one block": lambda n: "本局公开政府信息12条。<br>" * n,
    "links of one block": lambda n: SENTENCE + "<a href='/x'>标题文字</a><br>" * n,
    "headings of related": lambda n: SENTENCE + "<p>相关新闻</p>" * n,
    "headings of readers": lambda n: SENTENCE + "<p>网友评论</p>" * n + TABLE,
    "attachments": lambda n: SENTENCE + "<a href='a.pdf'>附件</a>" * n,
    "tables": lambda n: SENTENCE + TABLE * n,
    "cells of a row": lambda n: f"<table><tr>{'<td>12</td>' * n}</tr><tr>{'<td>12</td>' * n}</tr></table>",
    "spans": lambda n: f"<table>{'<tr><td rowspan=9 colspan=9>12</td><td>1</td></tr>' * n}</table>",
    "rows of a form": lambda n: f"{SENTENCE}<table>{HEAD}{ROW * n}</table>",
    "tables of a form": lambda n: SENTENCE + f"<table>{HEAD}{ROW * 2}</table>" * n,
    "lines of a form": lambda n: SENTENCE + "<p>主动公开政府信息数</p><p>条</p><p>12</p>" * n,
    "deep": lambda n: "<div class=title>" * n + SENTENCE + "</div>" * n,
    "numbers": lambda n: f"<p>{'本年度收到申请3件，办结3件，' * n}</p>",
    "digits": lambda n: f"<p>{'1' * n * 20}</p>{SENTENCE}",
    "blanks": lambda n: f"<p>来源{'　' * n * 20}索引号</p>{SENTENCE}",
    "brackets": lambda n: f"<p>{'公开(' * n * 5}</p>{SENTENCE}",
    "glosses": lambda n: f"<p>{'開(kāi)' * n * 5}</p>{SENTENCE}",
    "question marks": lambda n: f"<p>{'?!公' * n * 5}</p>{SENTENCE}",
    "quotation marks": lambda n: f"<p>{chr(34) + '/t2020' * n * 10}</p>{SENTENCE}",
    "angle brackets": lambda n: "<" * n * 20 + SENTENCE,
    "comments": lambda n: "<!--Content begin-->" * n + SENTENCE,
    "scripts": lambda n: "<script>document.write('</script>" * n + SENTENCE,
}


def main() -> None:
    """Print one line a kind: cleaning, then links."""
    print(f"{'':<20}{'clean':>8}{'':>24}{'times':>8}   {'links':>8}{'':>24}{'times':>8}")
    for name, made in KINDS.items():
        pages = [f"<html><head><title>年报</title></head><body>{made(n)}</body></html>".encode() for n in SIZES]
        cells = []
        for read in (cleaned, linked):
            read(pages[0])  # not counted: what is loaded on first use
            spent = [measured(read, page) for page in pages]
            cells += ["".join(f"{each:>8.1f}" for each in spent) + f"{spent[-1] / max(spent[-2], 0.1):>8.1f}"]
        print(f"{name:<20}{'   '.join(cells)}")


def cleaned(body: bytes) -> None:
    """Clean a page."""
    clean(body, url=URL)


def linked(body: bytes) -> None:
    """Read and judge the links of a page, as a crawl does."""
    page = Page.of(body, url=URL, headers={})
    family = family_of(page)
    for link in family.links(page):
        judge(link)
    list(family.next_pages(page))


def measured(read: Callable[[bytes], None], body: bytes) -> float:
    """Say how many milliseconds of CPU it took."""
    began = time.process_time()
    read(body)
    return 1000 * (time.process_time() - began)


if __name__ == "__main__":
    main()
