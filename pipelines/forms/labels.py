"""The labels of a form, found by what all their ways of writing share; and the form that a page's labels speak for."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from pipelines.forms.cells import key
from pipelines.forms.model import forms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelines.forms.model import Column, Form, Row, Table

SERIAL = frozenset({"序号", "行次", "代码", "编号", "编码", "指标代码", "代号"})

EXACT, MENDED, GUESSED = 1.0, 0.9, 0.8
"""How sure: by its own label, by an alias or a mended layout, by order or arithmetic."""

_FEWEST = 3
_SHARE = 0.4
_ALIKE = 0.6
_GENERIC = 2


class Cell(NamedTuple):
    """One cell and where it stood: in a grid, or on a line of the text."""

    text: str
    grid: int | None = None
    row: int | None = None
    column: int | None = None
    line: int | None = None


class Place(NamedTuple):
    """A row of a form, by its place among all rows of the form's tables; `exact` if found by the form's own label."""

    at: int
    exact: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """What a form's labels are found by; `asides` may stand in a head and say nothing of columns."""

    form: Form
    rows: tuple[tuple[Table, Row], ...]
    named: Mapping[str, tuple[Place, ...]]
    heads: frozenset[str]
    words: frozenset[str]
    titles: frozenset[str]
    asides: frozenset[str]

    @functools.cached_property
    def rows_alone(self) -> frozenset[str]:
        """The keys of rows' labels that are no column's."""
        return frozenset(self.named) - self.heads

    @functools.cached_property
    def marks(self) -> frozenset[str]:
        """The keys of the words found in no other form."""
        return frozenset(map(key, self.form.marks))

    @functools.cached_property
    def of_tables(self) -> tuple[frozenset[str], ...]:
        """The keys of the labels that each table is known by: its rows', or its columns' where it has no others."""
        return tuple(
            frozenset(key(row.label) for row in table.rows if row.label)
            or frozenset(words for column in table.columns for words in (*names(column)[:1], *groups(column)))
            for table in self.form.tables
        )

    @functools.cached_property
    def indexes(self) -> dict[tuple[str, str], int]:
        """Where each row stands, by table and code."""
        return {(table.id, row.code): n for n, (table, row) in enumerate(self.rows)}

    @functools.cached_property
    def has_bare_row(self) -> bool:
        """Say whether one of the form's tables has its only row of numbers right below its head."""
        return any(not row.label for _, row in self.rows)

    def parent(self, index: int) -> int | None:
        """Where the row's parent stands."""
        table, row = self.rows[index]
        return self.indexes[table.id, row.parent] if row.parent else None

    def ancestors(self, index: int | None) -> list[int]:
        """Where a row and the rows above it stand."""
        found = []
        while index is not None:
            found.append(index)
            index = self.parent(index)
        return found


@functools.cache
def labels(name: str) -> Labels:
    """Make a form's labels ready to be looked up."""
    form = forms()[name]
    rows = tuple((table, row) for table in form.tables for row in table.rows)
    named: dict[str, dict[int, Place]] = {}
    for n, (table, row) in enumerate(rows):
        above, parent = row.label, row.parent
        for words in (row.label, *row.aliases):
            if words:
                named.setdefault(key(words), {}).setdefault(n, Place(n, words == row.label))
        while parent:  # an editor may have joined the labels of merged cells
            ancestor = next(each for each in table.rows if each.code == parent)
            above, parent = ancestor.label + above, ancestor.parent
            named.setdefault(key(above), {}).setdefault(n, Place(n, exact=False))
    heads = {key(words) for table in form.tables for words in table.heads}
    for table in form.tables:
        for column in table.columns:
            heads.update(names(column), groups(column))
            for above in ("", "".join(map(key, table.heads))):  # heads of several rows may have been joined
                heads.add("".join((above, *groups(column), names(column)[0])))
    titles = frozenset(key(words) for table in form.tables for words in (table.title, *table.aliases))
    return Labels(
        form=form,
        rows=rows,
        named={words: tuple(places.values()) for words, places in named.items()},
        heads=frozenset(heads),
        words=frozenset(heads.union(named)),
        titles=titles,
        asides=titles | {key(row.group) for _, row in rows if row.group},
    )


def names(column: Column) -> tuple[str, ...]:
    """Give the keys of a column's label and of its other names."""
    return tuple(dict.fromkeys(map(key, (column.label, *column.aliases))))


def groups(column: Column) -> tuple[str, ...]:
    """Give the keys of the heads above a column, from the top."""
    return tuple(map(key, column.group.split("/"))) if column.group else ()


def alike(words: str, label: str) -> bool:
    """Say whether words are probably a label with an error in it, both being keys."""
    return bool(words) and SequenceMatcher(None, words, label).ratio() >= _ALIKE


@functools.cache
def all_words() -> frozenset[str]:
    """Give the keys of all labels of all forms."""
    return SERIAL.union(*(labels(name).words | labels(name).asides for name in forms()))


@functools.cache
def all_titles() -> tuple[str, ...]:
    """Give the keys of the titles of all tables that are no row's label."""
    every = [labels(name) for name in forms()]
    return tuple(set[str]().union(*(each.titles for each in every)).difference(*(each.named for each in every)))


def choose(grids: Sequence[frozenset[str]], year: int | None) -> list[Labels | str | None]:
    """Choose the form of each grid, given the keys of its cells: None for no statistics, "" for those of no known form.

    The form with most of a grid's labels is its form; among equals the one with most labels on the page, then the one
    in force in the report's year, or still in force where that is not known (a picture of one table), then the one of
    whose labels the fewest are wanting.
    """
    whole = frozenset[str]().union(*grids)
    total = {name: len(whole & labels(name).words) for name in forms()}
    if not any(total.values()):
        return [None] * len(grids)
    known = {name for name in forms() if _speaks_for(labels(name), whole)}
    best = [_best(words, total, year) for words in grids]
    sure = {name for name, many in best if many >= _FEWEST and name in known}
    return [labels(name) if many and name in sure else "" if many >= _FEWEST else None for name, many in best]


def _best(words: frozenset[str], total: Mapping[str, int], year: int | None) -> tuple[str, int]:
    """Find the form that most of a grid's words are labels of, and how many of those are long enough to tell."""
    best = max(
        forms(),
        key=lambda name: (
            len(words & labels(name).words),
            total[name],
            len(forms()[name].years) == 1 if year is None else forms()[name].in_force(year),
            total[name] / len(labels(name).words),
        ),
    )
    return best, sum(len(word) > _GENERIC for word in words & labels(best).words)


def _speaks_for(form: Labels, words: frozenset[str]) -> bool:
    """Say whether words are enough to know a form by: a mark of its own, or a good part of one of its tables."""
    return not form.marks.isdisjoint(words) or any(
        len(own & words) >= max(_SHARE * len(own), _FEWEST) for own in form.of_tables
    )


@functools.cache
def hints() -> tuple[str, ...]:
    """Give words of which one at least stands in a text that holds a form's table."""
    words = {words for form in forms().values() for words in (*form.marks, *(table.title for table in form.tables))}
    firsts = (next(row.label for row in table.rows if row.value) for form in forms().values() for table in form.tables)
    return tuple(words | {key(label) for label in firsts if label and key(label) in label})
