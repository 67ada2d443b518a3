"""The prescribed forms as data: each TOML file of this folder but prose.toml is one form."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of numbers; `group` is the path of the heads above it, from the top, joined by slashes."""

    code: str
    label: str
    english: str
    aliases: tuple[str, ...] = ()
    group: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row, with a number or only a heading (`value`); `columns` names those it fills, all where it names none.

    A label of "" is a table's only row of numbers, below its head. `group` is what stands in a cell before the label.
    """

    code: str
    label: str
    english: str
    aliases: tuple[str, ...] = ()
    parent: str = ""
    group: str = ""
    unit: str = ""
    value: bool = True
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """The sum of `left` stands to the sum of `right` as `op` says, both being codes of one scope.

    With scope rows the codes are columns and the rule holds in each row, with scope columns the other way about.
    `last` are codes of the year before, added to the right: such a rule needs two reports.
    `blank_is_zero` says that a cell of the right that is not a number may count as 0.
    """

    id: str
    level: Literal["hard", "soft", "info"]
    scope: Literal["rows", "columns"]
    left: tuple[str, ...]
    op: Literal["=", "<="]
    right: tuple[str, ...]
    last: tuple[str, ...] = ()
    blank_is_zero: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stated:
    """A number stated in prose, by its indicator in prose.toml, is the sum of cells, each "table row column"."""

    id: str
    level: Literal["hard", "soft", "info"]
    indicator: str
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Table:
    """One table of a form; `heads` are words that stand in its head beside or above the labels of columns."""

    id: str
    title: str
    english: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    rules: tuple[Rule, ...]
    aliases: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()
    unit: str = ""

    def filled(self, row: Row) -> tuple[str, ...]:
        """Name the columns that a row fills, in their order."""
        return row.columns or _codes(self)


@functools.cache
def _codes(table: Table) -> tuple[str, ...]:
    return tuple(column.code for column in table.columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A set of tables that some authority prescribed.

    `years` are the first and last report years it was in force, without a last one if it still is; `marks` are
    words found in no other form.
    """

    id: str
    title: str
    english: str
    basis: str
    years: tuple[int, ...]
    marks: tuple[str, ...]
    tables: tuple[Table, ...]
    stated: tuple[Stated, ...] = ()

    def in_force(self, year: int) -> bool:
        """Say whether reports on this year were to use the form."""
        return self.years[0] <= year <= (self.years[1] if len(self.years) > 1 else year)


@functools.cache
def forms() -> Mapping[str, Form]:
    """Read all forms, by id; a key or code that is not known is a ValueError naming the known ones."""
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".toml"))
    read = [form(tomllib.loads(file.read_text(encoding="utf-8"))) for file in files if file.name != "prose.toml"]
    return MappingProxyType({form.id: form for form in sorted(read, key=lambda form: form.id)})


def form(data: Mapping[str, Any]) -> Form:
    """Make a form of what a TOML file says; a key or code that is not known is a ValueError naming the known ones."""
    tables = tuple(_table(table) for table in data.get("table", ()))
    stated = tuple(_record(Stated, rule) for rule in data.get("stated", ()))
    cells = [f"{table.id} {row.code} {code}" for table in tables for row in table.rows for code in table.filled(row)]
    for rule in stated:
        _known(rule.id, rule.cells, cells)
    whole = {name: value for name, value in data.items() if name != "table"}
    return _record(Form, whole | {"tables": tables, "stated": stated})


def _table(data: Mapping[str, Any]) -> Table:
    parts = {
        name: tuple(_record(kind, part) for part in data.get(name, ()))
        for name, kind in (("columns", Column), ("rows", Row), ("rules", Rule))
    }
    table = _record(Table, dict(data) | parts)
    columns, rows = [column.code for column in table.columns], [row.code for row in table.rows]
    for row in table.rows:
        _known(f"{table.id} {row.code} parent", [row.parent] if row.parent else [], rows)
        _known(f"{table.id} {row.code} columns", row.columns, columns)
    for rule in table.rules:
        used = (*rule.left, *rule.right, *rule.last)
        _known(f"{table.id} {rule.id}", used, columns if rule.scope == "rows" else rows)
    return table


def _record(kind: type[T], data: Mapping[str, Any]) -> T:
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    _known(f"{kind.__name__} {data.get('id', data.get('code', ''))}", data, known)
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


def _known(where: str, got: Any, known: list[str]) -> None:
    if strange := sorted(set(got) - set(known)):
        raise ValueError(f"{where}: got {', '.join(strange)}, expected one of {', '.join(known)}")
