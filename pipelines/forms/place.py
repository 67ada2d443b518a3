"""From the cells of a table to facts: which row and column of the form each number stands in, by the labels."""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from archive.records import Fact, Unplaced
from pipelines.forms.cells import is_nothing, is_words, key, number, unit
from pipelines.forms.checks import worked_out
from pipelines.forms.glued import split
from pipelines.forms.heads import Columns, columns
from pipelines.forms.labels import GUESSED, MENDED, Cell, Labels
from pipelines.forms.rows import Line, State, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.forms.model import Column, Row, Table

_A_LIST = 3
_DIGIT = re.compile(r"\d")
_text_of = attrgetter("text")


@dataclass
class Placed:
    """What came of a table."""

    facts: list[Fact] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)


class _Value(NamedTuple):
    """The columns' code, the cells of the row that hold its number, the number as read if not from the cell, how sure."""

    code: str
    at: tuple[int, ...]
    sure: float
    unit: str = ""
    value: int | None = None


def place(rows: Sequence[Sequence[Cell]], form: Labels, state: State, *, flat: bool = False) -> Placed:
    """Place a table's cells in a form, whether it stands or lies on its side; the rows of a `flat` one have no columns.

    Changes `state`, which is for the form's next table.
    """
    if flat:
        return _placed(read(rows, form, state, flat=True), form)
    found = Placed()
    for half in _halves(rows, form):
        turned = State(year=state.year, last=state.last)
        placed = _placed(read(half, form, state), form)
        if placed.unplaced and len(half) > 1:
            on_side = _placed(read(list(zip(*half, strict=True)), form, turned), form)
            placed = on_side if turned.head and len(on_side.facts) > len(placed.facts) else placed
        found.facts += placed.facts
        found.unplaced += placed.unplaced
    return found


def unplaced(cell: Cell, label: str, form: str | None) -> Unplaced:
    """Report a cell for which there is no place."""
    return Unplaced(
        form=form,
        grid=cell.grid,
        at_row=cell.row,
        at_column=cell.column,
        line=cell.line,
        label=label,
        cell=cell.text,
    )


def _halves(rows: Sequence[Sequence[Cell]], form: Labels) -> list[Sequence[Sequence[Cell]]]:
    """Part a long list that is printed in two halves beside each other."""
    alone = form.rows_alone
    known = ([*map(alone.__contains__, map(key, map(_text_of, cells)))] for cells in zip(*rows, strict=True))
    labelled = [n for n, column in enumerate(known) if column.count(True) >= _A_LIST]
    for left, right in itertools.pairwise(labelled):
        both = (row for row in rows if key(row[right].text) in form.rows_alone and row[left].text != row[right].text)
        if any(number(cell.text) for row in both for cell in row[left + 1 : right]):
            return [[row[:right] for row in rows], *_halves([row[right:] for row in rows], form)]
    return [rows]


def _placed(lines: Sequence[Line], form: Labels) -> Placed:
    found = Placed()
    filled = frozenset(n for line in lines for n in line.numbers)
    counted = _are_counted(lines, form)
    for line, after in itertools.zip_longest(lines, lines[1:]):
        used: set[int] = set()
        if not line.numbers and after and after.numbers and after.place is None and after.label:
            continue  # a label over two rows, perhaps, and not blank
        for table, row in _rows(line, form):
            known = columns(line.head, table, form)
            used |= set(known.serial)
            values = _values(line, table, row, known, filled, counted=counted)
            found.facts += _facts(line, form, table, row, values)
            used |= {n for value in values for n in value.at}
            if values:
                break
        found.unplaced += [unplaced(line.cells[n], line.label, form.form.id) for n in line.numbers if n not in used]
    return found


def _rows(line: Line, form: Labels) -> list[tuple[Table, Row]]:
    """Give the row of the form that a line is, or those rows without a label that it may be."""
    if line.place is not None:
        table, row = form.rows[line.place]
        return [(table, row)] if row.value else []
    if line.places or (line.label and key(line.label) not in form.heads):
        return []
    return [(table, row) for table, row in form.rows if not row.label]


def _are_counted(lines: Sequence[Line], form: Labels) -> bool:
    """Say whether the first number of each row is the row's own code."""
    firsts = (
        (line.cells[line.numbers[0]].text, form.rows[line.place][1].code)
        for line in lines
        if line.place is not None and line.numbers
    )
    return all(first == code for first, code in firsts if code.isdecimal())


def _values(
    line: Line, table: Table, row: Row, known: Columns, filled: frozenset[int], *, counted: bool
) -> list[_Value]:
    """Find the cells of a row's columns: under their heads, or else in their order; none where neither is sure."""
    wanted = table.filled(row)
    under = {code: cells for code, cells in known.cells.items() if code in wanted and cells[-1] > line.end}
    if known.codes and not row.label and len(under) < _A_LIST:
        return []
    numbers = [n for n in line.numbers if n > line.end]
    if not under or _is_shifted(line, numbers, table, known, filled):
        return _in_order(line, table, row, known, counted=counted)
    if len(wanted) > 2 and len(numbers) == 1 and len(line.cells[numbers[0]].text.strip()) >= len(wanted):
        return _parted(line, numbers[0], wanted, table)
    values = []
    for code, cells in under.items():
        said = (
            cells if len(cells) == 1 else tuple([n for n in cells if not is_nothing(line.cells[n].text)]) or cells[:1]
        )
        text = line.cells[said[0]].text
        same = len(said) == 1 or all(line.cells[n].text == text for n in said)
        if same and (number(text) or not _DIGIT.search(text)):
            _, sure, stated = known.codes[said[0]]
            values.append(_Value(code, said, min(sure, MENDED) if line.inherited else sure, stated))
    return values


def _is_shifted(line: Line, numbers: Sequence[int], table: Table, known: Columns, filled: frozenset[int]) -> bool:
    """Say whether a row's cells have left their columns: numbers where no head is, or a total lost at the end."""
    if line.end >= min(known.codes) or not known.named.issuperset(numbers):
        return True
    last = max(known.codes)
    if line.cells[last].text.strip() or known.codes[last][0] not in _sums(table):
        return False
    said = [n for n in known.codes if number(line.cells[n].text)]
    return bool(said) and (last in filled or len(said) == len(known.codes) - 1)


@functools.cache
def _by_code(table: Table) -> dict[str, Column]:
    return {column.code: column for column in table.columns}


@functools.cache
def _sums(table: Table) -> frozenset[str]:
    """Give the columns of which other columns are the parts."""
    rules = (rule for rule in table.rules if rule.scope == "rows" and rule.op == "=")
    return frozenset(code for rule in rules for code in rule.left)


def _in_order(line: Line, table: Table, row: Row, known: Columns, *, counted: bool) -> list[_Value]:
    """Take the numbers after a label in the order of the columns, if there are just as many."""
    wanted = table.filled(row)
    order = [code for code in known.order or () if code in wanted]
    if line.head is None and len(order) > 1 and not _sums(table):
        return []
    rest = [n for n in range(line.end + 1, len(line.cells)) if n not in known.serial and not unit(line.cells[n].text)]
    said = [n for n in rest if not is_nothing(line.cells[n].text)]
    if len(order) != len(wanted) or any(is_words(line.cells[n].text) or n in known.strange for n in said):
        return []
    numbers = [n for n in rest if number(line.cells[n].text)]
    if numbers and line.cells[numbers[0]].text == row.code and (counted or row.code.startswith("0")):
        rest = rest[rest.index(numbers.pop(0)) + 1 :]
    while len(rest) > len(order) and is_nothing(line.cells[rest[-1]].text):
        rest.pop()
    same = len(numbers) > len(order) and len({line.cells[n].text for n in numbers[len(order) - 1 :]}) == 1
    sure = MENDED if len(order) == 1 else GUESSED
    if len(numbers) == len(order) or (same and not (line.head and line.head.flat)):
        at = [(n,) for n in numbers[: len(order) - 1]] + [tuple(numbers[len(order) - 1 :])]
    elif len(rest) == len(order) and (len(order) == 1 or not numbers or number(line.cells[rest[-1]].text)):
        at = [(n,) for n in rest]
    elif len(said) == 1 and len(order) > 2:
        return _parted(line, said[0], order, table)
    else:
        return []
    values = [_Value(code, places, sure) for code, places in zip(order, at, strict=True)]
    guarded = line.head is None or len(numbers) != len(order)
    return [] if guarded and _breaks(values, line, table) else values


def _breaks(values: Sequence[_Value], line: Line, table: Table) -> bool:
    """Say whether numbers break a rule of their row."""
    read = {value.code: found.value if (found := number(line.cells[value.at[0]].text)) else None for value in values}
    checks = [
        check
        for rule in table.rules
        if rule.scope == "rows" and not rule.last
        for check in worked_out(rule, read, form="", table="", at="")
    ]
    return not all(check.held for check in checks)


def _parted(line: Line, at: int, order: Sequence[str], table: Table) -> list[_Value]:
    """Part a number that is several, if that can be done in only one way."""
    parts = split(line.cells[at].text.strip(), order, table.rules)
    return [_Value(code, (at,), GUESSED, value=part) for code, part in zip(order, parts or (), strict=False)]


def _facts(line: Line, form: Labels, table: Table, row: Row, values: Sequence[_Value]) -> Iterator[Fact]:
    of_line, columns = line.unit(), _by_code(table)
    for value in values:
        cell = line.cells[value.at[0]]
        read = number(cell.text)
        yield Fact(
            form=form.form.id,
            table=table.id,
            row=row.code,
            column=value.code,
            value=value.value if value.value is not None else read.value if read else None,
            unit=(read and read.unit) or value.unit or of_line or columns[value.code].unit or row.unit or table.unit,
            cell=str(value.value) if value.value is not None else cell.text,
            grid=cell.grid,
            at_row=cell.row,
            at_column=cell.column,
            line=cell.line,
            sure=min(value.sure, line.sure),
        )
