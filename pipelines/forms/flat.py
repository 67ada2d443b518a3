"""Tables that became lines of text: rows with bars between the cells, or one cell a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.forms.cells import is_words, key, number, unit
from pipelines.forms.labels import Cell, all_titles, all_words
from pipelines.grids import pipe_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archive.records import Grid

_LONGEST, _LONGEST_TITLE = 90, 40
_SENTENCE = re.compile(r"[。；;，,][^（）()]*[。；;]")
_NO_WORDS = re.compile(r"[\d\s]+")
_CLAUSES = re.compile(r"[,，;；。]")
_DASHES = re.compile(r"[\s|:-]*-{2,}[\s|:-]*")
_TAIL = re.compile(r"(.*[^\d.,，+:：-])[:：]?(\d[\d,，.]*)")

Rows = list[list[Cell]]
Titled = tuple[str, Rows]
"""The short line over a table, or "", and the table's rows."""


def titles(text: str, grids: Sequence[Grid]) -> list[str]:
    """Find the short line over each grid of a text, or "" where there is none; a grid below another has its title."""
    lines, found, at = text.split("\n"), list[str](), 0
    for grid in grids:
        first = pipe_row(grid[0])
        start = next((n for n in range(at, len(lines)) if lines[n] == first), 0)
        above = lines[start - 1] if start else ""
        found.append(found[-1] if found and above.startswith("|") else title(above))
        at = start + len(grid) if start else at
    return found


def barred(text: str) -> Iterator[Titled]:
    """Find tables whose rows are lines with bars; a row of which only bars are left has no cells."""
    rows: Rows = []
    over = ""
    for n, line in enumerate(text.split("\n"), start=1):
        if "|" in line:
            if not _DASHES.fullmatch(line) and line.strip(" |"):
                rows.append([Cell(text=cell.strip(), line=n) for cell in _cells(line)])
        elif line.strip():
            if rows:
                yield over, _even(rows)
                rows = []
            over = title(line)
    if rows:
        yield over, _even(rows)


def title(line: str) -> str:
    """Give a line that may be a table's title, or ""."""
    return line.strip() if len(line) <= _LONGEST_TITLE and not _CLAUSES.search(line) else ""


def _cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line.strip().removeprefix("|"))


def _even(rows: Rows) -> Rows:
    """Make rows of one length."""
    width = max(map(len, rows))
    return [row + [Cell(text="", line=row[0].line)] * (width - len(row)) for row in rows]


def listed(text: str) -> Iterator[Titled]:
    """Find runs of short lines in which labels and numbers may follow each other.

    A row is a run of words and the numbers after it. A table's title begins another run of lines.
    """
    rows: Rows = []
    over = ""
    for n, line in enumerate(text.split("\n"), start=1):
        bare = line.strip()
        if not bare:
            continue
        if bare.endswith("。") or "|" in bare or _is_prose(bare) or is_title(bare):
            if rows:
                yield over, rows
            rows, over = [], title(bare)
            continue
        for words in _tokens(bare):
            cell = Cell(text=words, line=n)
            if not rows or (is_words(words) and not unit(words) and not is_words(rows[-1][-1].text)):
                rows.append([])
            rows[-1].append(cell)
    if rows:
        yield over, rows


def _is_prose(line: str) -> bool:
    return (len(line) > _LONGEST and len(_NO_WORDS.sub("", line)) > _LONGEST) or _SENTENCE.search(line) is not None


def is_title(line: str) -> bool:
    """Say whether a line is the title of a form's table."""
    return len(line) <= _LONGEST_TITLE and key(line).endswith(all_titles())


def _tokens(line: str) -> list[str]:
    """Split a line that holds several cells: a label, its unit and the numbers after it, or labels alone."""
    if unit(line) or not is_words(line):
        return [line.strip()] if unit(line) or number(line) else line.split()
    words, values = line.split(), list[str]()
    while len(words) > 1 and not is_words(words[-1]):
        values.insert(0, words.pop())
    if not values and sum(number(word) is not None for word in words) > len(words) / 2:
        return words
    for n in (2, 1):  # 万 元
        if values and len(words) > n and unit("".join(words[-n:])):
            values.insert(0, "".join(words[-n:]))
            del words[-n:]
            break
    if values and len(words) > 1 and number(words[-1]):
        values.insert(0, words.pop())
    if len(words) > 1 and key(words[0]) in all_words() and any(number(word) for word in words[1:]):
        return [*words, *values]
    if len(words) > 1 and all(key(word) in all_words() for word in words):
        return [*words, *values]
    if len(words) == 1 and not values and (found := _TAIL.fullmatch(line)) and key(found[1]) in all_words():
        return [found[1], found[2]]
    return [" ".join(words), *values]
