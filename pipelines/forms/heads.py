"""Which column of a form each column of a grid is, by the words of its head."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.forms.cells import key, names_another_year, stated_unit
from pipelines.forms.labels import EXACT, GUESSED, MENDED, SERIAL, alike, groups, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipelines.forms.labels import Cell, Labels
    from pipelines.forms.model import Column, Table

_ANOTHER_YEAR = "另一年"
_THIS_YEAR = frozenset({"年", "年度", "本年", "本年度"})


@dataclass(frozen=True, kw_only=True)
class Head:
    """The words of a head, row by row; `flat` if they are only known in their order, not by their places."""

    rows: tuple[tuple[str, ...], ...]
    flat: bool = False


def head_of(rows: Iterable[Iterable[Cell]], year: int | None, *, flat: bool = False) -> Head:
    """Make a head of cells; those that name another year than `year` are no column of the form."""
    return Head(
        rows=tuple(
            tuple(_ANOTHER_YEAR if names_another_year(cell.text, year) else cell.text for cell in row) for row in rows
        ),
        flat=flat,
    )


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What a head says of a table's columns.

    `codes` gives (code, how sure, unit stated) by the grid's column; `order` gives the codes in the order in which
    numbers follow a label where places do not tell, and None where that is not known.
    """

    codes: Mapping[int, tuple[str, float, str]]
    order: tuple[str, ...] | None
    serial: frozenset[int] = frozenset()
    strange: frozenset[int] = frozenset()

    @functools.cached_property
    def cells(self) -> Mapping[str, tuple[int, ...]]:
        """The grid's columns of each code."""
        found: dict[str, tuple[int, ...]] = {}
        for n, (code, _, _) in self.codes.items():
            found[code] = (*found.get(code, ()), n)
        return found

    @functools.cached_property
    def named(self) -> frozenset[int]:
        """The grid's columns that the head says something of."""
        return self.serial.union(self.codes, self.strange)


@functools.lru_cache(maxsize=512)
def columns(head: Head | None, table: Table, form: Labels) -> Columns:
    """Work out a table's columns from a head."""
    every = tuple(column.code for column in table.columns)
    if head is None:
        return Columns(codes={}, order=every)
    order = _order(head, table, form)
    if head.flat:
        return Columns(codes={}, order=order)
    stacks = [_stack(cells) for cells in zip(*head.rows, strict=True)]
    serial = frozenset(n for n, words in enumerate(stacks) if words and set(words) <= SERIAL)
    named = {words: _candidates("".join(words), table) if words else [] for words in dict.fromkeys(stacks)}
    found = [named[words] for words in stacks]
    if None in found:  # labels of two columns over one: cells were lost, places mean nothing
        return Columns(codes={}, order=order, serial=serial)
    runs = _runs(stacks)
    options = [found[run[0]] or [] for run in runs]
    codes = _decided(options, table)
    if codes is None:
        return Columns(codes={}, order=order, serial=serial)
    sure = [EXACT if len(each) == 1 else MENDED for each in options]
    words = ["".join(stacks[run[0]]) for run in runs]
    _fill_gaps(codes, sure, words, [n for n, run in enumerate(runs) if run[0] in serial], table)
    units = [next((u for row in head.rows if (u := stated_unit(row[run[0]]))), "") for run in runs]
    return Columns(
        codes={n: (code, sure[k], units[k]) for k, run in enumerate(runs) if (code := codes[k]) for n in run},
        order=order,
        serial=serial,
        strange=frozenset(
            n
            for k, run in enumerate(runs)
            if codes[k] is None and _is_strange(stacks[run[0]], stacks[0], table)
            for n in run
        ),
    )


def _is_strange(words: tuple[str, ...], first: tuple[str, ...], table: Table) -> bool:
    """Say whether a column has a head that the form does not know, and not that of the labels."""
    return bool(words) and words != first and not set(words) <= set(map(key, table.heads))


def _stack(cells: Iterable[str]) -> tuple[str, ...]:
    """Give the keys of a head's cells over one column, a merged one once."""
    words: list[str] = []
    for cell in cells:
        if (word := key(cell)) and word not in words[-1:]:
            words.append(word)
    return tuple(words)


@functools.cache
def _namings(table: Table) -> tuple[tuple[str, tuple[str, ...], Column], ...]:
    """List the keys that a table's columns are named by, each with the heads above it."""
    return tuple((name, groups(column), column) for column in table.columns for name in names(column))


def _candidates(words: str, table: Table) -> list[Column] | None:
    """Find the columns that the joined words of a head name: none if they are strange, None if they name two."""
    namings, heads = _namings(table), [key(word) for word in table.heads]
    found: list[tuple[int, int, Column]] = []
    two = False
    for name, above, column in namings:
        if not words.endswith(name):
            continue
        rest = words[: -len(name)]
        parts = [part for part in above if part in rest]
        for part in (*parts, *heads):
            rest = rest.replace(part, "", 1)
        wanting = "".join(part for part in above if part not in parts)
        if not rest or rest in _THIS_YEAR or alike(rest, wanting) or alike(rest, "".join(heads)):
            found.append((len(name), len(parts), column))
        else:
            two = two or any(rest.endswith(other) for other, _, _ in namings if other not in above)
    if two and not found:
        return None
    most = max((each[:2] for each in found), default=())
    return [column for length, parts, column in found if (length, parts) == most]


def _runs(stacks: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """Join neighbouring grid columns with the same head, blank ones excepted."""
    runs: list[list[int]] = []
    for n, words in enumerate(stacks):
        if n and words and words == stacks[n - 1]:
            runs[-1].append(n)
        else:
            runs.append([n])
    return runs


def _decided(options: Sequence[Sequence[Column]], table: Table) -> list[str | None] | None:
    """Decide between columns of one label by their order, or None if not just one order will do.

    A column named twice is neither.
    """
    rank = {column.code: n for n, column in enumerate(table.columns)}
    codes: list[str | None] = [each[0].code if each else None for each in options]
    if any(len(each) > 1 for each in options):
        chosen = _rising([sorted(rank[column.code] for column in each) for each in options if each])
        if chosen is None:
            return None
        places = iter(chosen)
        codes = [table.columns[next(places)].code if each else None for each in options]
    return [code if codes.count(code) == 1 else None for code in codes]


def _rising(options: Sequence[Sequence[int]]) -> list[int] | None:
    """Choose one of each so that they rise, or None if none or several choices do.

    The least choice and the greatest are the same if there is only one.
    """
    least: list[int] = []
    for each in options:
        fit = [n for n in each if not least or n > least[-1]]
        if not fit:
            return None
        least.append(fit[0])
    most: list[int] = []
    for each in reversed(options):
        most.append([n for n in each if not most or n < most[-1]][-1])
    return least if least == most[::-1] else None


def _fill_gaps(
    codes: list[str | None], sure: list[float], words: Sequence[str], serial: list[int], table: Table
) -> None:
    """Name columns without a known head that stand between known ones, if just as many are wanting there."""
    every = [column.code for column in table.columns]
    known = [n for n, code in enumerate(codes) if code]
    for before, after in itertools.pairwise(known):
        gap = [n for n in range(before + 1, after) if n not in serial]
        missing = every[every.index(codes[before] or "") + 1 : every.index(codes[after] or "")]
        if not gap or len(gap) != len(missing) or set(missing) & set(codes):
            continue
        labels = {column.code: names(column)[0] for column in table.columns}
        if all(
            not words[n] or alike(words[n][-len(labels[code]) - 1 :], labels[code])
            for n, code in zip(gap, missing, strict=True)
        ):
            for n, code in zip(gap, missing, strict=True):
                codes[n], sure[n] = code, GUESSED


def _order(head: Head, table: Table, form: Labels) -> tuple[str, ...] | None:
    """Read a head from left to right and top to bottom, as cells that lost their places follow each other.

    The labels of columns without heads over them may stand in any order, others only in the form's.
    """
    known = {part for column in table.columns for part in (*names(column), *groups(column))}
    said: list[str] = []
    for row in head.rows:
        for n, cell in enumerate(row):
            word = key(cell)
            if word in known and not (n and key(row[n - 1]) == word):
                said.append(word)
            elif word == _ANOTHER_YEAR or (
                word and said and not (word in form.words or word in SERIAL or word in form.asides)
            ):
                return None
    every = tuple(column.code for column in table.columns)
    if said == _by_level(table) or (not said and len(every) == 1):
        return every
    if not said:
        return None
    if any(column.group for column in table.columns):
        return None
    codes = [next(column.code for column in table.columns if word in names(column)) for word in said]
    return tuple(codes) if len(set(codes)) == len(codes) else None


def _by_level(table: Table) -> list[str]:
    """List the words of a table's whole head, level by level, a merged cell once."""
    paths = [(*groups(column), names(column)[0]) for column in table.columns]
    said: list[str] = []
    for level in range(max(map(len, paths))):
        last: tuple[str, ...] = ()
        for path in paths:
            if len(path) > level and (path[: level + 1] != last or len(path) == level + 1):
                said.append(path[level])
                last = path[: level + 1]
    return said
