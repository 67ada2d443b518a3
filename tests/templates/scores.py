"""What was read out of a page against what is true of it: shares from 0 to 1, and what leaked."""

from __future__ import annotations

import bisect
import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from archive.records import Text
from crawler.demo.forms import Grid
from crawler.demo.prose import Line
from pipelines.normalise import simplified
from templates.pages import Page, bare

_SENTENCE = re.compile(r"[^。]+。?")


def of_text(page: Page, text: str) -> dict[str, float]:
    """Score any extractor's text, generously: where words stand in a line does not matter.

    A cell counts if it is on a line with the first cell of its row.
    """
    if page.template.script != "hans":
        text = simplified(text)
    squashed = bare(text).replace("|", "")
    sentences = [bare(part) for line in page.lines if line.kind != "head" for part in _SENTENCE.findall(line.text)]
    return {
        "sentences": _recall(sentences, squashed),
        "headings": _recall([bare(line.text) for line in page.lines if line.kind == "head"], squashed),
        "order": _order(page.blocks, squashed),
        "cells": _cells(page.grids, text),
    }


def of_ours(page: Page, text: Text) -> dict[str, float]:
    """Score our own text, strictly: each paragraph a line, each table an equal grid, in order."""
    lines = Counter(bare(line) for line in text.text.splitlines())
    true = Counter(bare(line.text) for line in page.lines)
    grids = [[[bare(cell) for cell in row] for row in _expanded(grid)] for grid in page.grids]
    read = [[[bare(cell) for cell in row] for row in grid] for grid in text.grids]
    rows = [pair for ours in zip_longest(grids, read, fillvalue=[]) for pair in zip_longest(*ours, fillvalue=[])]
    cells = [pair for ours in rows for pair in zip_longest(*ours)]
    return of_text(page, text.text) | {
        "title": float(text.title == page.title),
        "date": float(text.published_on == page.published),
        "paragraphs": _share(true.total() - (true - lines).total(), true.total()),
        "rows": _share(sum(a == b for a, b in rows), len(rows)),
        "cells": _share(sum(a == b for a, b in cells), len(cells)),
    }


def leaks(page: Page, text: str) -> list[str]:
    """List the strings of the frame that are in a text, and the sentences it says too often."""
    squashed = bare(text)
    true = Counter(part for line in page.lines for part in _SENTENCE.findall(bare(line.text)) if len(part) > 12)
    whole = "".join(bare(line.text) for line in page.lines)
    return [word for word in page.frame if word in squashed] + [
        part for part in true if squashed.count(part) > whole.count(part)
    ]


def _recall(wanted: Sequence[str], squashed: str) -> float:
    counted = Counter(wanted)
    return _share(sum(min(n, squashed.count(word)) for word, n in counted.items()), counted.total())


def _order(blocks: Sequence[Line | Grid], squashed: str) -> float:
    """The share of paragraphs and tables, of those found, that stand in their true order; a table is its first row."""
    places = [-1]
    for block in blocks:
        word = bare(block.text if isinstance(block, Line) else "".join(cell.text for cell in block.rows[0]))
        place = squashed.find(word, places[-1] + 1)
        places += [place if place >= 0 else squashed.find(word)]
    places = [place for place in places if place >= 0]
    rising: list[int] = []
    for place in places:
        at = bisect.bisect_left(rising, place)
        rising[at : at + 1] = [place]
    return _share(len(rising), len(places))


def _cells(grids: Sequence[Grid], text: str) -> float:
    lines = [bare(line) for line in text.splitlines()]
    found = wanted = 0
    for grid in grids:
        for row in grid.rows:
            label, *others = [bare(cell.text) for cell in row if cell.text] or [""]
            beside = [line for line in lines if label in line]
            found += bool(beside) + sum(any(cell in line for line in beside) for cell in others)
            wanted += 1 + len(others)
    return _share(found, wanted)


@functools.cache
def _expanded(grid: Grid) -> list[list[str]]:
    """A printed table as a rectangle, without the columns in which no cell begins."""
    names = tuple(tuple(replace(c, text=f"{r} {n}") for n, c in enumerate(row)) for r, row in enumerate(grid.rows))
    named = replace(grid, rows=names).expanded()
    kept = [n for n in range(len(named[0])) if n == 0 or any(row[n] != row[n - 1] for row in named)]
    return [[row[n] for n in kept] for row in grid.expanded()]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0
