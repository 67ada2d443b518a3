"""Texts and differences as a page shows them: paragraphs, headings, tables, lines side by side. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from archive.compare import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archive.records import Fact, Grid

_HEADING = re.compile(r"[一二三四五六七八九十]{1,3}、[^。；]{1,40}")
_NUMBER = re.compile(r"[-+]?[\d,，.]+\s*[%％]?|[-－—/\\]+|无|")
_LABEL = re.compile(r"\| ([^|]+) \|")
_MOST = 250_000
_MOST_LINES = 300
"""Two lines are compared by character up to this product of their lengths, and so many of them; others differ as wholes."""

Place = tuple[int, int]
Pieces = list[tuple[bool, str]]
"""A line in pieces: whether it differs, and its words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One cell of a table: its words, how far it spans, what it is the head of (col, row or nothing), and its mark."""

    words: str
    rows: int = 1
    columns: int = 1
    head: str = ""
    mark: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of two texts side by side: same, changed, or a gap of so many equal lines left out."""

    kind: str
    left: Pieces
    right: Pieces
    count: int = 0


def blocks(text: str, grids: Sequence[Grid]) -> Iterator[tuple[str, object]]:
    r"""Walk a text as ("heading", words), ("paragraph", words) and ("table", number of its grid).

    A grid stands where its pipe rows do; a pipe row of no grid is a paragraph.

    >>> list(blocks("一、概述\n正文。\n| 甲 | 1 |\n完", [(("甲", "1"),)]))
    [('heading', '一、概述'), ('paragraph', '正文。'), ('table', 0), ('paragraph', '完')]
    """
    lines = text.splitlines()
    at = shown = 0
    while at < len(lines):
        rows = len(grids[shown]) if shown < len(grids) else 0
        if rows and all(line.startswith("|") for line in lines[at : at + rows]):
            yield "table", shown
            at, shown = at + rows, shown + 1
            continue
        if lines[at].strip():
            yield ("heading" if _HEADING.fullmatch(lines[at].strip()) else "paragraph"), lines[at].strip()
        at += 1


def table(grid: Grid, marks: Mapping[Place, str]) -> list[list[Cell]]:
    """Lay a grid out with its spans put back: heads that repeat become one cell, numbers only under one such head.

    >>> [[(c.words, c.columns, c.head) for c in row] for row in table([("甲", "乙", "乙"), ("丙", "7", "7")], {})]
    [[('甲', 1, 'col'), ('乙', 2, 'col')], [('丙', 1, 'row'), ('7', 2, '')]]
    """
    tops = [not any(_NUMBER.fullmatch(cell.strip()) for cell in row) for row in grid]
    numbers = [x for row in grid for x, cell in enumerate(row) if cell.strip() and _NUMBER.fullmatch(cell.strip())]
    labels = min(numbers, default=1)
    owner: dict[Place, Place] = {}
    spans: dict[Place, Place] = {}
    above: list[int] = []  # which columns the nearest head above spans, by the first of them
    for y, row in enumerate(grid):
        for x, words in enumerate(row):
            if (y, x) in owner:
                continue
            head = tops[y] or x < labels
            width = 1
            while x + width < len(row) and row[x + width] == words and (y, x + width) not in owner and words.strip():
                if not head and not (above and above[x + width] == above[x]):
                    break
                width += 1
            height = 1
            while (
                head and words.strip() and y + height < len(grid) and _continues(grid, y, x, height, width, tops, owner)
            ):
                height += 1
            spans[y, x] = (height, width)
            owner.update({(y + i, x + j): (y, x) for i in range(height) for j in range(width)})
        if tops[y]:
            above = [owner[y, x][1] for x in range(len(row))]
    return [
        [
            Cell(
                words=words, rows=spans[y, x][0], columns=spans[y, x][1],
                head="col" if tops[y] else "row" if x < labels else "", mark=marks.get((y, x), ""),
            )
            for x, words in enumerate(row)
            if (y, x) in spans
        ]
        for y, row in enumerate(grid)
    ]  # fmt: skip


def _continues(
    grid: Grid, y: int, x: int, height: int, width: int, tops: Sequence[bool], owner: Mapping[Place, Place]
) -> bool:
    """Say whether a head goes on in the row `height` below: the same words, under the same head on its left."""
    below = grid[y + height]
    same = len(below) >= x + width and below[x : x + width] == grid[y][x : x + width] and tops[y + height] == tops[y]
    beside = tops[y] or x == 0 or owner.get((y + height, x - 1)) == owner[y, x - 1]
    return same and beside and all((y + height, x + j) not in owner for j in range(width))


def marks(facts: Sequence[Fact], wrong: Mapping[tuple[str, str, str], str], grid: int) -> dict[Place, str]:
    """Mark the cells of a grid whose facts stand in a row or column of a broken check, by (form, table, row or column)."""
    return {
        (fact.at_row, fact.at_column): said
        for fact in facts
        if fact.grid == grid and fact.at_row is not None and fact.at_column is not None
        if (said := wrong.get((fact.form, fact.table, fact.row)) or wrong.get((fact.form, fact.table, fact.column)))
    }


def side_by_side(older: str, newer: str, *, context: int = 2) -> list[Line]:
    """Set two texts side by side, with `context` equal lines around each change.

    What a table's spans repeat in a row is shown once, where the texts do not differ in just that.
    """
    a, b = ([_once(line) for line in text.splitlines()] for text in (older, newer))
    if a == b:
        a, b = older.splitlines(), newer.splitlines()
    found: list[Line] = []
    changed = 0
    codes = SequenceMatcher(a=a, b=b, autojunk=len(a) + len(b) > 5000).get_opcodes()
    for tag, i, j, k, m in codes:
        if tag != "equal":
            for n in range(max(j - i, m - k)):
                before, after = a[i + n] if i + n < j else "", b[k + n] if k + n < m else ""
                changed += 1
                whole: tuple[Pieces, Pieces] = [(True, before)], [(True, after)]
                left, right = pieces(before, after) if changed <= _MOST_LINES else whole
                found.append(Line(kind="changed", left=left, right=right))
            continue
        first, last = (0 if i == 0 else context), (0 if j == len(a) else context)
        cut = j - i - first - last
        shown = [*range(i, i + first), *range(j - last, j)] if cut > 0 else [*range(i, j)]
        for n in shown:
            if cut > 0 and n == j - last:
                found.append(Line(kind="gap", left=[], right=[], count=cut))
            found.append(Line(kind="same", left=[(False, a[n])], right=[(False, a[n])]))
        if cut > 0 and not last:
            found.append(Line(kind="gap", left=[], right=[], count=cut))
    return found


def _once(line: str) -> str:
    """Write a pipe row's labels once where they are repeated side by side."""
    if not line.startswith("| "):
        return line
    row = line.split(" | ")
    return " | ".join(
        cell
        for n, cell in enumerate(row)
        if n == 0 or cell.strip("| ") != row[n - 1].strip("| ") or _NUMBER.fullmatch(cell.strip("| "))
    )


def pieces(before: str, after: str) -> tuple[Pieces, Pieces]:
    """Cut two lines into pieces that are the same and pieces that differ; a number changes as a whole.

    >>> pieces("申请29件", "申请24件")
    ([(False, '申请'), (True, '29'), (False, '件')], [(False, '申请'), (True, '24'), (False, '件')])
    """
    a, b = TOKEN.findall(before), TOKEN.findall(after)
    if not a or not b or len(a) * len(b) > _MOST:
        return [(True, before)], [(True, after)]
    left: Pieces = []
    right: Pieces = []
    for tag, i, j, k, m in SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        differs = tag != "equal"
        left.append((differs, "".join(a[i:j])))
        right.append((differs, "".join(b[k:m])))
    return [piece for piece in left if piece[1]], [piece for piece in right if piece[1]]


def inline(left: Pieces, right: Pieces, *, context: int = 16) -> list[tuple[str, str]]:
    """Say a changed line as one: (same, del or ins, words), what is the same cut to the words around the changes.

    Of a table's row its label stays.

    >>> inline(*pieces("全年申请29件", "全年申请24件"), context=2)
    [('same', '…申请'), ('del', '29'), ('ins', '24'), ('same', '件')]
    """
    found: list[tuple[str, str]] = []
    at = 0
    for n, (differs, words) in enumerate(left):
        if differs:
            found.append(("del", words))
            continue
        while at < len(right) and right[at][0]:
            found.append(("ins", right[at][1]))
            at += 1
        at += 1
        first, last = n == 0 and not found, n == len(left) - 1
        label = _LABEL.match(words) if first else None
        head = f"{label[1]}：" if label else "" if first else words[:context]
        tail = "" if last else words[-context:]
        short = len(words) <= context * (2 - first - last)
        found.append(("same", words if short else f"{head}…{tail}"))
    return [*found, *(("ins", words) for differs, words in right[at:] if differs)]
