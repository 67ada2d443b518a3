"""Letters at their places on a page: put together as lines, lines as paragraphs.

Places are in points, right of and down from any fixed point of the page.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pipelines.lines import tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SENTENCE_END = ("。", "；", "：", "！", "？", ";", ":")
_HEADING = re.compile(r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[）)]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One letter and the box it takes in its line."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Letters in a row on one page; `size` is the width of a Chinese one, `gaps` tells columns from prose."""

    text: str
    page: int
    x0: float
    x1: float
    top: float
    size: float
    gaps: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """Where lines begin and end, and from the top of one to that of the next."""

    left: float
    right: float
    pitch: float


def lines(letters: Iterable[Letter], *, page: int, in_cell: bool = False) -> list[Line]:
    """Put letters together as lines, from the top; a gap of a letter's width stays a space, but not in a cell."""
    rows: list[list[Letter]] = []
    for letter in sorted(letters, key=_middle):
        height = letter.bottom - letter.top
        if not rows or _middle(letter) - _middle(rows[-1][0]) > height / 2:
            rows.append([])
        rows[-1].append(letter)
    return [line for row in rows if (line := _line(row, page=page, in_cell=in_cell)).text]


def join(parts: Sequence[Line], *, room: float) -> str:
    """Join lines that were broken for lack of room, with a space only between two Latin words.

    A number goes on in the next line where it filled the first, `room` points wide; so does what ends in - / @ _.
    """
    whole = parts[0].text if parts else ""
    for before, line in pairwise(parts):
        last, first = before.text[-1], line.text[0]
        split = last in "-/@_" or (last.isdigit() and first.isdigit() and is_full(before, room))
        whole += f" {line.text}" if last.isascii() and first.isascii() and not split else line.text
    return tidy(whole)


def is_full(line: Line, room: float) -> bool:
    """Tell whether a line had no place for another letter in a room so many points wide, its padding included."""
    return line.x1 - line.x0 > room - 2.3 * line.size


def column(found: Sequence[Line]) -> Column:
    """Measure the column that lines stand in: the margins that they keep to, and how far apart they are."""
    shared = [x for x, times in Counter(round(line.x0) for line in found).items() if times > 1]
    pitches = [below.top - line.top for line, below in pairwise(found) if line.page == below.page]
    return Column(
        left=min(shared or [round(line.x0) for line in found], default=0),
        right=max((line.x1 for line in found), default=0.0),
        pitch=statistics.median(pitches or [0.0]),
    )


def paragraphs(found: Sequence[Line], within: Column) -> list[str]:
    """Join the lines of the same paragraphs, over page breaks too.

    A paragraph ends with a line that stops short of the margin, and before one that is indented, set apart,
    of another size, or a numbered heading after the end of a sentence. A line with gaps is a row of an unruled
    table, and a paragraph by itself.
    """
    whole: list[list[Line]] = []
    for line in found:
        if not whole or not _goes_on(whole[-1][-1], line, within):
            whole.append([])
        whole[-1].append(line)
    return [join(part, room=within.right - within.left) for part in whole]


def _goes_on(before: Line, line: Line, within: Column) -> bool:
    slack = 0.8 * line.size
    ended = before.text.endswith(_SENTENCE_END)
    # An unbreakable word or number at its start may have left a wide gap above.
    fits = 6.0 if line.text[0].isascii() and line.text[0].isalnum() and not ended else 1.5
    return not (
        max(before.gaps, line.gaps) > 1
        or before.x1 < within.right - fits * line.size
        or line.x0 > before.x0 + slack
        or (line.x0 > within.left + slack and ended)
        or (line.page == before.page and line.top - before.top > 1.4 * within.pitch)
        or abs(line.size - before.size) > 0.15 * line.size
        or (ended and _HEADING.match(line.text))
    )


def _middle(letter: Letter) -> float:
    return (letter.top + letter.bottom) / 2


def _line(row: list[Letter], *, page: int, in_cell: bool) -> Line:
    row.sort(key=lambda letter: letter.x0)
    text, gaps = row[0].text, 0
    for before, letter in pairwise(row):
        gap, height = letter.x0 - before.x1, letter.bottom - letter.top
        latin = before.text.isascii() and letter.text.isascii()
        wide = 0.25 * height if latin else height
        gaps += gap > height
        text += f" {letter.text}" if gap > wide and (latin or not in_cell) else letter.text
    inked = [letter for letter in row if not letter.text.isspace()] or row
    heights = [letter.bottom - letter.top for letter in inked]
    return Line(
        text=tidy(text),
        page=page,
        x0=inked[0].x0,
        x1=inked[-1].x1,
        top=statistics.median(letter.top for letter in inked),
        # Heights differ between fonts of the same size, widths do not.
        size=statistics.median([letter.x1 - letter.x0 for letter in inked if not letter.text.isascii()] or heights),
        gaps=gaps,
    )
