"""Measure cleaning against well-known extractors, on pages whose truth is known.

`python tests/bench_clean`. Prints a table of the pages of tests/templates, which are small and each have their own
difficulty, and one of the demo county's reports, which are as large as real ones and are what `make bench` crawls; then
the time that real reports take, where ../shared has them, and a table of documents by type. Asserts nothing. The others
are spared decoding: they are given the page as a string, gongkai its bytes; nor do they read a report's statistics, which
is a part of `clean` and is told apart. A cell counts if it stands on a line with the first cell of its row; time is CPU of
one process, all tools in turn page by page, so that a machine's changes of pace touch all alike; the last column is
gongkai's share of the tool's.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

sys.path.insert(0, str(Path(__file__).parents[1]))

import justext
import trafilatura
from lxml import etree, html
from readability import Document
from resiliparse.extract.html2text import extract_plain_text
from templates.pages import Page, pages, served, templates
from templates.scores import leaks, of_text

from crawler.demo.county import County
from crawler.demo.web import url_of
from pipelines import forms
from pipelines.clean import clean
from pipelines.decode import decode

REAL = Path(__file__).parents[3] / "shared" / "pages"
DOCUMENTS = Path(__file__).parents[1] / "documents"
URL = "http://czj.example/xxgk/ndbg/1.html"
COLUMNS = ("sentences", "headings", "cells", "order", "leaks", "ms", "share")


def gongkai(page: Page) -> str:
    """Everything from the bytes on: decoding, parsing, cleaning."""
    return clean(page.payload, url=URL).text


def readability(page: Page) -> str:
    """Markup, as this tool gives it."""
    return Document(page.markup).summary()


def justext_by_length(page: Page) -> str:
    """Without a stop list, as its makers advise for other languages; lengths for Chinese, which needs fewer characters."""
    found = justext.justext(page.markup, frozenset(), length_low=20, length_high=60, stopwords_low=0, stopwords_high=0)
    return "\n".join(paragraph.text for paragraph in found if not paragraph.is_boilerplate)


def resiliparse(page: Page) -> str:
    """Main content only."""
    return extract_plain_text(page.markup, main_content=True)


TOOLS: dict[str, Callable[[Page], str]] = {
    "gongkai": gongkai,
    "trafilatura": lambda page: trafilatura.extract(page.markup) or "",
    "trafilatura fast": lambda page: trafilatura.extract(page.markup, fast=True) or "",
    "readability-lxml": readability,
    "jusText": justext_by_length,
    "Resiliparse": resiliparse,
}


def main() -> None:
    """Score every tool on every page."""
    sets = {
        f"pages of {len(templates())} templates": [page for template in templates() for page in pages(template)],
        "reports of the demo county": [*county_pages()],
    }
    for every in sets.values():
        for page in every[:20]:
            measured_all(page)  # not counted: what is loaded on first use
    lines = [line for title, every in sets.items() for line in table(title, every)]
    lines += real_reports()
    lines += [f"{'documents':<18}{'files':>11}{'pages':>11}{'ms a page':>11}", *map(of_type, types())]
    sys.stdout.write("\n".join(lines) + "\n")


def county_pages() -> Iterator[Page]:
    """Give the reports of twenty generated offices, one of every kind of site that the county has."""
    county = County.make(offices=20, documents=False)
    for office in county.offices:
        for article in county.column(office, day=1):
            if article.year:
                url = url_of(office, article)
                yield served(url, article, payload=county.answer(url, day=1).body, encoding=office.bytes)


def table(title: str, every: list[Page]) -> Iterator[str]:
    """Score every tool on pages."""
    size = mean(len(page.payload) for page in every) / 1000
    scores = [measured_all(page) for page in every]
    yield f"{len(every)} {title}, {size:.0f} kB each\n"
    yield f"{'':<18}" + "".join(f"{c:>11}" for c in COLUMNS)
    for name in TOOLS:
        means = [average([score[name] for score in scores], every, column) for column in COLUMNS[:-1]]
        means += [average([score["gongkai"] for score in scores], every, "ms") / means[-1]]
        yield f"{name:<18}" + "".join(f"{mean:>11.3f}" for mean in means)
    own, other = (average([score[name] for score in scores], every, "ms") for name in ("gongkai", "trafilatura"))
    statistics = mean(map(of_statistics, every))
    yield f"\n{statistics:.3f} ms of gongkai's it reads statistics; without them it takes {(own - statistics) / other:.3f} of trafilatura's\n"


def of_statistics(page: Page) -> float:
    """Time what no other tool does: the numbers of a report, read from its text and tables, in milliseconds of CPU."""
    text = clean(page.payload, url=URL)
    if not text.is_report:
        return 0
    return timed(lambda: forms.read(text=text.text, grids=text.grids, report_year=text.report_year))


def real_reports() -> Iterator[str]:
    """Time the reports among the real pages, of which only the time is known: gongkai's and trafilatura's."""
    each = []
    for file in sorted(REAL.rglob("*.*htm*")):
        payload = file.read_bytes()
        if clean(payload, url=URL).is_report:
            markup = decode(payload).text
            each.append([timed(lambda p=payload: clean(p, url=URL)), timed(lambda m=markup: trafilatura.extract(m))])
    if each:
        own, other = map(mean, zip(*each, strict=True))
        yield f"{len(each)} real reports: {own:.1f} ms, trafilatura {other:.1f} ms, share {own / other:.3f}\n"


def timed(work: Callable[[], object]) -> float:
    """Give the least of three times, in milliseconds of CPU."""
    times = []
    for _ in range(3):
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began))
    return min(times)


def types() -> list[str]:
    """Name the types of which there are examples that can be read."""
    return sorted({folder.parent.name for folder in DOCUMENTS.glob("*/*/") if readable(folder)})


def of_type(name: str) -> str:
    """Measure all documents of a type: the words of a text from the bytes on; what is loaded on first use is not counted."""
    files = [file for folder in sorted(DOCUMENTS.glob(f"{name}/*/")) if (file := readable(folder))]
    clean(files[0].read_bytes(), url=URL)
    began = time.process_time()
    for file in files:
        clean(file.read_bytes(), url=URL)
    seconds = time.process_time() - began
    count = sum(json.loads((file.parent / "expected.json").read_text(encoding="utf-8"))["pages"] for file in files)
    return f"{name:<18}{len(files):>11}{count:>11}{1000 * seconds / count:>11.1f}"


def readable(folder: Path) -> Path | None:
    """Give the document of a golden, if it is one that can be read."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return None if "unreadable" in expected else next(f for f in folder.iterdir() if f.name != "expected.json")


def measured_all(page: Page) -> dict[str, dict[str, float]]:
    """Score every tool on one page, one after the other."""
    return {name: measured(tool, page) for name, tool in TOOLS.items()}


def measured(tool: Callable[[Page], str], page: Page) -> dict[str, float]:
    """Score one tool on one page; a page it fails on is a page it finds nothing in."""
    began = time.process_time()
    try:
        text = tool(page)
    except Exception:  # noqa: BLE001 (any tool may fail in any way)
        text = ""
    seconds = time.process_time() - began
    if tool is readability:
        text = as_text(text)
    return of_text(page, text) | {"leaks": len(leaks(page, text)), "ms": 1000 * seconds}


def average(scores: list[dict[str, float]], every: list[Page], column: str) -> float:
    """Average over the pages that have what is counted."""
    has = {"headings": lambda page: any(line.kind == "head" for line in page.lines), "cells": lambda page: page.grids}
    asked = has.get(column, lambda _: True)
    return mean(score[column] for score, page in zip(scores, every, strict=True) if asked(page))


def as_text(markup: str) -> str:
    """Write markup as text, one row of a table a line."""
    if not markup.strip():
        return ""
    root = html.fromstring(markup)
    for row in root.iter("tr"):
        for cell in row.iterdescendants("td", "th"):
            cell.tail = " | "
        etree.strip_tags(row, "p", "div", "td", "th")
        row.tail = "\n"
    for node in root.iter("p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "br", "table"):
        node.tail = f"\n{node.tail or ''}"
    return root.text_content()


if __name__ == "__main__":
    main()
