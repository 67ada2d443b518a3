"""From the cells of a table to facts: which row and column of the form each number stands in, by the labels."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from archive.records import Fact, Unplaced
from pipelines.forms.cells import is_garbled, is_nothing, key, number, unit
from pipelines.forms.checks import worked_out
from pipelines.forms.glued import split
from pipelines.forms.heads import Columns, Head, columns
from pipelines.forms.labels import SERIAL, Cell, Labels, Place, alike

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.forms.model import Row, Table

_EXACT, _MENDED, _GUESSED = 1.0, 0.9, 0.8
_A_LIST = 3
_TOTAL = "总计"


@dataclass
class State:
    """What a table leaves to the one that continues it: its head, and the row of the form it ended with."""

    head: Head | None = None
    width: int = 0
    last: int | None = None


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


@dataclass
class _Line:
    """One row of a grid as it is understood; `end` is the last of its cells that is part of the label."""

    cells: Sequence[Cell]
    head: Head | None
    inherited: bool
    label: str = ""
    end: int = -1
    places: tuple[Place, ...] = ()
    place: int | None = None
    sure: float = _EXACT

    @functools.cached_property
    def unit(self) -> str:
        """The unit that stands in a cell of its own, or ""."""
        return next((found for cell in self.cells[self.end + 1 :] if (found := unit(cell.text))), "")

    @functools.cached_property
    def numbers(self) -> list[int]:
        return [n for n, cell in enumerate(self.cells) if number(cell.text) or is_garbled(cell.text)]


def place(rows: Sequence[Sequence[Cell]], form: Labels, state: State, *, flat: bool = False) -> Placed:
    """Place a table's cells in a form, whether it stands or lies on its side; the rows of a `flat` one have no columns.

    Changes `state`, which is for the form's next table.
    """
    if flat:
        return _placed(list(_flat_lines(rows, form)), form, state)
    found = Placed()
    for half in _halves(rows, form):
        last = state.last
        placed = _placed(list(_lines(half, form, state)), form, state)
        if placed.unplaced and len(half) > 1:
            turned = State(last=last)
            on_side = _placed(list(_lines(list(zip(*half, strict=True)), form, turned)), form, turned)
            placed = on_side if turned.head and len(on_side.facts) > len(placed.facts) else placed
        found.facts += placed.facts
        found.unplaced += placed.unplaced
    return found


def unplaced(cell: Cell, label: str, form: str | None) -> Unplaced:
    """Report a cell for which there is no place."""
    return Unplaced(form=form, grid=cell.grid, at_row=cell.row, at_column=cell.column, label=label, cell=cell.text)


def _halves(rows: Sequence[Sequence[Cell]], form: Labels) -> list[Sequence[Sequence[Cell]]]:
    """Part a long list that is printed in two halves beside each other."""
    labelled = [
        n
        for n, cells in enumerate(zip(*rows, strict=True))
        if sum(key(c.text) in form.rows_alone for c in cells) >= _A_LIST
    ]
    for left, right in itertools.pairwise(labelled):
        if any(number(cell.text) for row in rows for cell in row[left + 1 : right]):
            return [[row[:right] for row in rows], *_halves([row[right:] for row in rows], form)]
    return [rows]


# --- rows ---


def _is_words(cell: Cell) -> bool:
    return not is_nothing(cell.text) and number(cell.text) is None and not is_garbled(cell.text)


def _lines(rows: Sequence[Sequence[Cell]], form: Labels, state: State) -> Iterator[_Line]:
    """Part a grid into heads and rows."""
    inherited = state.head is not None and state.width == len(rows[0])
    head = state.head if inherited else None
    block: list[tuple[Cell, ...]] = []
    for cells in rows:
        if _is_head(cells, form):
            block.append(tuple(cells))
            continue
        if all(is_nothing(cell.text) for cell in cells):
            continue
        if block and _says_something(made := Head(rows=tuple(block)), form):
            head, inherited = made, False
        block = []
        yield _line(cells, head, form, inherited=inherited)
    if block and _says_something(made := Head(rows=tuple(block)), form):
        head = made
    state.head, state.width = head, len(rows[0])


def _is_head(cells: Sequence[Cell], form: Labels) -> bool:
    """Tell rows of a head: several words, or one of a head, with no number, no unit and no label of a row alone."""
    words = {key(cell.text): cell for cell in cells if _is_words(cell)}
    if any(number(cell.text) or unit(cell.text) for cell in cells):
        return False
    if any(word in form.rows_alone for word in words):
        return False
    return len(words) > 1 or any(word in form.heads and word not in form.named for word in words)


def _says_something(head: Head, form: Labels) -> bool:
    return any(key(cell.text) in form.heads for row in head.rows for cell in row) or any(
        columns(head, table, form).codes for table in form.form.tables
    )


def _line(cells: Sequence[Cell], head: Head | None, form: Labels, *, inherited: bool) -> _Line:
    """Find the label of a row: the last that the form knows; those before it are its parents'."""
    line = _Line(cells=cells, head=head, inherited=inherited)
    words = [n for n in range(len(cells)) if _is_words(cells[n]) and not unit(cells[n].text)]
    first = next((n for n in line.numbers if words and n > words[0]), len(cells))
    before = [n for n in words if n < first]
    line.label = cells[before[-1]].text if before else ""
    line.end = before[-1] if before else -1
    known = [n for n in before if key(cells[n].text) in form.named]
    if known and (known[-1] == before[-1] or first == len(cells)):
        line.end, line.label = known[-1], cells[known[-1]].text
        line.places = _fitting(form.named[key(line.label)], {key(cells[n].text) for n in words if n <= line.end}, form)
    return line


def _fitting(places: tuple[Place, ...], words: set[str], form: Labels) -> tuple[Place, ...]:
    """Leave of rows with one label those whose parents or group stand before it."""
    if len(places) == 1:
        return places

    def fits(place: Place) -> bool:
        row = form.rows[place.at][1]
        above = {n for word in words for found in form.named.get(word, ()) if (n := found.at) != place.at}
        return bool(above & set(form.ancestors(place.at))) or (bool(row.group) and key(row.group) in words)

    return tuple(filter(fits, places)) or places


def _flat_lines(rows: Sequence[Sequence[Cell]], form: Labels) -> Iterator[_Line]:
    """Part a run of words and numbers into rows: the last words before numbers are their label, the others a head's."""
    head: Head | None = None
    for cells in rows:
        words = [cell for cell in cells if _is_words(cell)]
        labels = [cell for cell in words if not unit(cell.text)]
        for cell in labels[: None if len(words) == len(cells) else -1]:
            if (word := key(cell.text)) in form.rows_alone:
                yield _Line(cells=[cell], head=head, inherited=False, label=cell.text, end=0, places=form.named[word])
        if not labels or len(words) == len(cells):
            head = _flat_head(head, labels, form)
            continue
        head = _flat_head(head, labels[:-1], form)
        line = _Line(cells=[labels[-1], *cells[cells.index(labels[-1]) + 1 :]], head=head, inherited=False)
        line.label, line.end, line.places = labels[-1].text, 0, form.named.get(key(labels[-1].text), ())
        if any(not row.label for table in form.form.tables for row in table.rows) and key(line.label) in form.heads:
            whole = replace(
                line, cells=line.cells[1:], head=_flat_head(head, labels, form), label="", end=-1, places=()
            )
            line = (
                whole
                if len(whole.cells)
                > max(len(form.rows[p.at][0].columns) for p in line.places or (Place(0, exact=True),))
                else line
            )
        yield line


def _flat_head(head: Head | None, words: Sequence[Cell], form: Labels) -> Head | None:
    """Make a head of words, if there is one of a head among them."""
    if any(key(cell.text) in form.heads and key(cell.text) not in form.named for cell in words):
        return Head(rows=(tuple(words),), flat=True)
    return head


def _rejoined(lines: Sequence[_Line], form: Labels) -> list[_Line]:
    """Join a label that runs over two rows, of which the second has the numbers."""
    whole: list[_Line] = []
    for line in lines:
        before = whole[-1].label if whole and not whole[-1].numbers else ""
        if before and line.label and line.numbers and not line.places:
            line.places = form.named.get(key(before + line.label), ())
            if line.places:
                line.label = whole.pop().label + line.label
        whole.append(line)
    return whole


def _resolve(lines: Sequence[_Line], form: Labels, last: int | None) -> int | None:
    """Give each line its row of the form: by its label alone, else by its neighbours. Returns the last line's."""
    for line in lines:
        if len(line.places) == 1:
            line.place, line.sure = line.places[0].at, _EXACT if line.places[0].exact else _MENDED
    known = [line.place for line in lines if line.place is not None]
    if all(one < other for one, other in itertools.pairwise(known)):
        _by_neighbours(lines, form, last if last is not None and (not known or known[0] > last) else None)
        _by_count(lines, form)
    return next((line.place for line in reversed(lines) if line.place is not None), last)


def _by_neighbours(lines: Sequence[_Line], form: Labels, last: int | None) -> None:
    """Decide between rows of one label: the one below the parent that was read last, or the next in order."""
    strange = 0
    for n, line in enumerate(lines):
        if line.place is None and line.places:
            end = next((other.place for other in lines[n + 1 :] if other.place is not None), len(form.rows))
            options = [p for p in line.places if (-1 if last is None else last) < p.at < end]
            if strange:
                options = [p for p in options if last is not None and p.at - last - 1 == strange]
            above = form.ancestors(last)
            children = [p for p in options if form.parent(p.at) in above]
            if chosen := (children or options)[:1]:
                line.place, line.sure = chosen[0].at, _EXACT if chosen[0].exact else _MENDED
        if line.place is not None:
            last, strange = line.place, 0
        else:
            strange += 1


def _by_count(lines: Sequence[_Line], form: Labels) -> None:
    """Name lines between known ones, if as many rows of the table are wanting there and the labels are like theirs."""
    known = [n for n, line in enumerate(lines) if line.place is not None]
    for before, after in itertools.pairwise(known):
        first, second = lines[before].place or 0, lines[after].place or 0
        gap = lines[before + 1 : after]
        missing = range(first + 1, second)
        if len(gap) != len(missing):
            gap = [line for line in gap if line.numbers]
            missing = [n for n in missing if form.rows[n][1].value]  # type: ignore[assignment]
        if not gap or len(gap) != len(missing):
            continue
        if all(
            not line.label or alike(key(line.label), key(form.rows[n][1].label))
            for line, n in zip(gap, missing, strict=True)
        ):
            for line, n in zip(gap, missing, strict=True):
                if line.numbers or not form.rows[n][1].value:
                    line.place, line.sure = n, _GUESSED


# --- cells ---


def _placed(lines: list[_Line], form: Labels, state: State) -> Placed:
    lines = _rejoined(lines, form)
    state.last = _resolve(lines, form, state.last)
    found = Placed()
    made: dict[tuple[int, str], Columns] = {}
    totals = _totals(lines)
    for line, after in itertools.zip_longest(lines, lines[1:]):
        used: set[int] = set()
        if not line.numbers and after and after.numbers and after.place is None and after.label:
            continue  # a label over two rows, perhaps, and not blank
        for table, row in _rows(line, form):
            if (at := (id(line.head), table.id)) not in made:
                made[at] = columns(line.head, table, form)
            known = made[at]
            used |= set(known.serial)
            values = _values(line, table, row, known, totals)
            found.facts += [_fact(line, form, table, row, value) for value in values]
            used |= {n for value in values for n in value.at}
            if values:
                break
        found.unplaced += [unplaced(line.cells[n], line.label, form.form.id) for n in line.numbers if n not in used]
    return found


def _rows(line: _Line, form: Labels) -> list[tuple[Table, Row]]:
    """Give the row of the form that a line is, or those rows without a label that it may be."""
    if line.place is not None:
        table, row = form.rows[line.place]
        return [(table, row)] if row.value else []
    if line.places or (line.label and key(line.label) not in form.heads):
        return []
    return [(table, row) for table, row in form.rows if not row.label]


def _totals(lines: Sequence[_Line]) -> frozenset[int]:
    """Find the last columns that hold numbers in any row."""
    return frozenset(n for line in lines for n in line.numbers)


def _values(line: _Line, table: Table, row: Row, known: Columns, totals: frozenset[int]) -> list[_Value]:
    """Find the cells of a row's columns: under their heads, or else in their order; none where neither is sure."""
    wanted = table.filled(row)
    at = {n: code for n, (code, _, _) in known.codes.items() if code in wanted and n > line.end}
    if known.codes and not row.label and len(set(at.values())) < _A_LIST:
        return []
    if not at or _is_shifted(line, table, known, totals):
        return _in_order(line, table, row, known)
    values = []
    for code in wanted:
        under = [n for n in sorted(at) if at[n] == code]
        said = {line.cells[n].text for n in under if not is_nothing(line.cells[n].text)}
        if under and len(said) < 2 and not any(number(text) is None and any(map(str.isdecimal, text)) for text in said):
            best = [n for n in under if line.cells[n].text in said] or under[:1]
            _, sure, stated = known.codes[best[0]]
            values.append(_Value(code, tuple(best), _MENDED if line.inherited and sure > _MENDED else sure, stated))
    if _is_glued(line, wanted):
        return _parted(line, line.numbers[0], wanted, table)
    return values


def _is_glued(line: _Line, wanted: Sequence[str]) -> bool:
    numbers = [n for n in line.numbers if n > line.end]
    return len(set(wanted)) > 2 and len(numbers) == 1 and len(line.cells[numbers[0]].text.strip()) >= len(wanted)


def _is_shifted(line: _Line, table: Table, known: Columns, totals: frozenset[int]) -> bool:
    """Say whether a row's cells have left their columns: numbers where no head is, or a total lost at the end."""
    if line.end >= min(known.codes) or any(
        n not in known.codes and n not in known.strange and n not in known.serial for n in line.numbers if n > line.end
    ):
        return True
    last = max(known.codes)
    sums = {code for rule in table.rules if rule.scope == "rows" and rule.op == "=" for code in rule.left}
    filled = [n for n in known.codes if number(line.cells[n].text)]
    lost = bool(filled) and line.cells[last].text.strip() == "" and known.codes[last][0] in sums
    return lost and (last in totals or len(filled) == len(known.codes) - 1)


def _in_order(line: _Line, table: Table, row: Row, known: Columns) -> list[_Value]:
    """Take the numbers after a label in the order of the columns, if there are just as many."""
    wanted = table.filled(row)
    order = [code for code in known.order or () if code in wanted]
    if (
        line.head is None
        and len(order) > 1
        and not any(rule.scope == "rows" and rule.op == "=" for rule in table.rules)
    ):
        return []
    rest = [n for n in range(line.end + 1, len(line.cells)) if n not in known.serial and not unit(line.cells[n].text)]
    said = [n for n in rest if not is_nothing(line.cells[n].text)]
    if len(order) != len(wanted) or any(_is_words(line.cells[n]) or n in known.strange for n in said):
        return []
    numbers = [n for n in rest if number(line.cells[n].text)]
    if numbers and line.cells[numbers[0]].text == row.code and (row.code.startswith("0") or _counts_rows(line.head)):
        rest = rest[rest.index(numbers.pop(0)) + 1 :]  # the row's own code, not a value
    while len(rest) > len(order) and is_nothing(line.cells[rest[-1]].text):
        rest.pop()
    same = len(numbers) > len(order) and len({line.cells[n].text for n in numbers[len(order) - 1 :]}) == 1
    sure = _MENDED if len(order) == 1 else _GUESSED
    if len(numbers) == len(order) or (same and not (line.head and line.head.flat)):
        at = [(n,) for n in numbers[: len(order) - 1]] + [tuple(numbers[len(order) - 1 :])]
    elif len(rest) == len(order) and (len(order) == 1 or not numbers or number(line.cells[rest[-1]].text)):
        at = [(n,) for n in rest]
    elif len(numbers) == 1 and len(order) > 2:
        return _parted(line, numbers[0], order, table)
    else:
        return []
    values = [_Value(code, places, sure) for code, places in zip(order, at, strict=True)]
    guarded = line.head is None or len(numbers) < len(order)
    return [] if guarded and _breaks(values, line, table) else values


def _counts_rows(head: Head | None) -> bool:
    return head is not None and any(key(cell.text) in SERIAL for row in head.rows for cell in row)


def _breaks(values: Sequence[_Value], line: _Line, table: Table) -> bool:
    """Say whether numbers break a rule of their row."""
    read = {value.code: found.value if (found := number(line.cells[value.at[0]].text)) else None for value in values}
    checks = [
        check
        for rule in table.rules
        if rule.scope == "rows" and not rule.last
        for check in worked_out(rule, read, form="", table="", at="")
    ]
    return not all(check.held for check in checks)


def _parted(line: _Line, at: int, order: Sequence[str], table: Table) -> list[_Value]:
    """Part a number that is several, if that can be done in only one way."""
    parts = split(line.cells[at].text.strip(), order, table.rules)
    return [_Value(code, (at,), _GUESSED, value=part) for code, part in zip(order, parts or (), strict=False)]


def _fact(line: _Line, form: Labels, table: Table, row: Row, value: _Value) -> Fact:
    cell = line.cells[value.at[0]]
    read = number(cell.text)
    column = next(column for column in table.columns if column.code == value.code)
    words = str(value.value) if value.value is not None else cell.text
    return Fact(
        form=form.form.id,
        table=table.id,
        row=row.code,
        column=value.code,
        value=value.value if value.value is not None else read.value if read else None,
        unit=(read.unit if read else "") or value.unit or line.unit or column.unit or row.unit or table.unit,
        cell=words,
        grid=cell.grid,
        at_row=cell.row,
        at_column=cell.column,
        line=cell.line,
        sure=min(value.sure, line.sure),
    )
