"""Arithmetic rules of the forms, worked out on the facts of one report."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from archive.records import Check
from pipelines.forms.model import forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archive.records import Fact
    from pipelines.forms.model import Rule

Value = int | float | None
Cells = dict[tuple[str, str], Value]
"""The numbers of a table, by row and column."""


def checks(facts: Sequence[Fact]) -> tuple[Check, ...]:
    """Work out every rule that has all its operands; one that needs last year's report is left out.

    A rule broken where blanks counted as 0 is only info.
    """
    tables: dict[tuple[str, str], Cells] = {}
    known = forms()
    for fact in facts:
        if fact.form in known:
            tables.setdefault((fact.form, fact.table), {})[fact.row, fact.column] = fact.value
    return (*_of_tables(tables), *_of_prose(facts, tables))


def _of_prose(facts: Sequence[Fact], tables: Mapping[tuple[str, str], Cells]) -> Iterable[Check]:
    """Hold numbers stated in prose to the tables; `at` of these checks is the form that they were held to."""
    stated = {fact.row: fact.value for fact in facts if fact.form == "prose"}
    for name in sorted({form for form, _ in tables}):
        for rule in forms()[name].stated:
            places = [cell.split() for cell in rule.cells]
            read = [tables.get((name, table), {}).get((row, column)) for table, row, column in places]
            said, known = stated.get(rule.indicator), [value for value in read if value is not None]
            if said is not None and len(known) == len(places):
                sums = _total(known)
                held = math.isclose(said, sums)
                yield Check(
                    form="prose", table="p", rule=rule.id, at=name, level=rule.level, left=said, right=sums, held=held
                )


def _of_tables(tables: Mapping[tuple[str, str], Cells]) -> Iterable[Check]:
    for (form, table), cells in tables.items():
        rows, columns = dict[str, dict[str, Value]](), dict[str, dict[str, Value]]()
        for (row, column), value in cells.items():
            rows.setdefault(row, {})[column] = value
            columns.setdefault(column, {})[row] = value
        for rule in next(each.rules for each in forms()[form].tables if each.id == table):
            if not rule.last:
                for at, line in (rows if rule.scope == "rows" else columns).items():
                    yield from worked_out(rule, line, form=form, table=table, at=at)


def worked_out(rule: Rule, line: Mapping[str, Value], *, form: str, table: str, at: str) -> list[Check]:
    """Work out a rule on the values of one row or column, by code; none where an operand is missing."""
    if not line.keys() >= {*rule.left, *rule.right}:
        return []
    parts, sums = [line[code] for code in rule.left], [line[code] for code in rule.right]
    blanks = sums.count(None)
    if None in parts or (blanks and (not rule.blank_is_zero or blanks == len(sums))):
        return []
    left, right = _total(parts), _total(sums)
    held = left <= right if rule.op == "<=" else math.isclose(left, right)
    level = "info" if blanks and not held else rule.level
    return [
        Check(form=form, table=table, rule=rule.id, at=at, level=level, left=left, right=right, held=held),
    ]


def _total(values: Iterable[Value]) -> int | float:
    """Add up as one does on paper; blanks are 0."""
    numbers = [value or 0 for value in values]
    if {int}.issuperset(map(type, numbers)):
        return sum(numbers)
    total = sum(Decimal(str(value)) for value in numbers)
    return int(total) if total == int(total) else float(total)
