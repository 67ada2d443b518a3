"""Which row of a form each row of a table is, by its label, its parents' and its neighbours'."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.forms.cells import half, is_garbled, is_words, key, number, shape, unit
from pipelines.forms.heads import Head, columns, head_of
from pipelines.forms.labels import EXACT, GUESSED, MENDED, Cell, Labels, Place, alike

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@dataclass
class State:
    """What a table leaves to the one that continues it: its head, and the row of the form it ended with."""

    year: int | None = None
    head: Head | None = None
    width: int = 0
    last: int | None = None


@dataclass(slots=True)
class Line:
    """One row of a grid as it is understood.

    `end` is the last of its cells that is part of the label, `numbers` those that hold a number, or digits of some.
    """

    cells: Sequence[Cell]
    head: Head | None
    inherited: bool
    numbers: Sequence[int] = ()
    label: str = ""
    end: int = -1
    places: tuple[Place, ...] = ()
    place: int | None = None
    sure: float = EXACT

    def settle(self, place: Place) -> None:
        """Make a row of the form this line's."""
        self.place, self.sure = place.at, EXACT if place.exact else MENDED

    def unit(self) -> str:
        """Give the unit that stands in a cell of its own, or ""."""
        return next((found for cell in self.cells[self.end + 1 :] if (found := unit(cell.text))), "")


def read(rows: Sequence[Sequence[Cell]], form: Labels, state: State, *, flat: bool = False) -> list[Line]:
    """Understand the rows of a grid, or of a `flat` run of lines; changes `state`, which is for the form's next table."""
    lines = _rejoined(list(_flat_lines(rows, form, state.year) if flat else _lines(rows, form, state)), form)
    state.last = _resolve(lines, form, state.last)
    return lines


def _lines(rows: Sequence[Sequence[Cell]], form: Labels, state: State) -> Iterator[Line]:
    """Part a grid into heads and rows."""
    inherited = state.head is not None and state.width == len(rows[0])
    head = state.head if inherited else None
    block: list[tuple[Cell, ...]] = []
    for cells in rows:
        shapes = tuple([shape(cell.text) for cell in cells])
        if _is_head(shapes, form):
            block.append(tuple(cells))
            continue
        if not any(shapes):
            continue
        if block and _says_something(made := head_of(block, state.year), form):
            head, inherited = made, False
        block = []
        numbers, end, places = _layout(shapes, form)
        label = cells[end].text if end >= 0 else ""
        yield Line(cells=cells, head=head, inherited=inherited, numbers=numbers, label=label, end=end, places=places)
    if block and _says_something(made := head_of(block, state.year), form):
        head = made
    state.head, state.width = head, len(rows[0])


@functools.lru_cache(maxsize=2048)
def _is_head(cells: tuple[str, ...], form: Labels) -> bool:
    """Tell rows of a head: several words, or one of a head, with no number, no unit and no label of a row alone."""
    if any(number(cell) or unit(cell) for cell in cells):
        return False
    words = {key(cell) for cell in cells if is_words(cell)}
    if not words.isdisjoint(form.rows_alone):
        return False
    return len(words) > 1 or any(word in form.heads and word not in form.named for word in words)


def _says_something(head: Head, form: Labels) -> bool:
    return any(key(words) in form.heads for row in head.rows for words in row) or any(
        columns(head, table, form).codes for table in form.form.tables
    )


@functools.lru_cache(maxsize=2048)
def _layout(cells: tuple[str, ...], form: Labels) -> tuple[Sequence[int], int, tuple[Place, ...]]:
    """Find the numbers of a row, its label, and its places: the label is the last that the form knows, after its parents'."""
    words = [n for n, cell in enumerate(cells) if is_words(cell) and not unit(cell)]
    numbers = _numbers(cells)
    first = next((n for n in numbers if words and n > words[0]), len(cells))
    before = [n for n in words if n < first]
    known = [n for n in before if key(cells[n]) in form.named]
    if known and (known[-1] == before[-1] or first == len(cells)):
        end = known[-1]
        return numbers, end, _fitting(cells[end], {key(cells[n]) for n in words if n <= end}, form)
    return numbers, before[-1] if before else -1, ()


def _numbers(cells: Iterable[str]) -> tuple[int, ...]:
    """Say which cells hold a number, or digits of some."""
    return tuple([n for n, cell in enumerate(cells) if number(cell) or is_garbled(cell)])


def _fitting(label: str, words: set[str], form: Labels) -> tuple[Place, ...]:
    """Give the rows of one label: of several the one with its numbering, else those whose parents or group stand before it."""
    places = form.named.get(key(label), ())
    if len(places) < 2:
        return places
    numbered = tuple(place for place in places if _spelled(form.rows[place.at][1].label) == _spelled(label))
    if len(numbered) == 1:
        return numbered

    def fits(place: Place) -> bool:
        row = form.rows[place.at][1]
        above = {n for word in words for found in form.named.get(word, ()) if (n := found.at) != place.at}
        return bool(above & set(form.ancestors(place.at))) or (bool(row.group) and key(row.group) in words)

    return tuple(filter(fits, places)) or places


def _spelled(label: str) -> str:
    return "".join(half(label).split())


def _flat_lines(rows: Sequence[Sequence[Cell]], form: Labels, year: int | None) -> Iterator[Line]:
    """Part a run of words and numbers into rows: the last words before numbers are their label, the others a head's."""
    head: Head | None = None
    for cells in rows:
        words = [cell for cell in cells if is_words(cell.text)]
        labels = [cell for cell in words if not unit(cell.text)]
        for cell in labels[: None if len(words) == len(cells) else -1]:
            if (word := key(cell.text)) in form.rows_alone:
                yield Line(cells=[cell], head=head, inherited=False, label=cell.text, end=0, places=form.named[word])
        if not labels or len(words) == len(cells):
            head = _flat_head(head, labels, form, year)
            continue
        head = _flat_head(head, labels[:-1], form, year)
        values = cells[cells.index(labels[-1]) + 1 :]
        places = _fitting(labels[-1].text, set(), form)
        widest = max(len(form.rows[place.at][0].columns) for place in places) if places else 0
        if key(labels[-1].text) in form.heads and len(values) > max(widest, 1) and form.has_bare_row:
            above = _flat_head(head, labels, form, year)
            yield Line(cells=values, head=above, inherited=False, numbers=_numbers(cell.text for cell in values))
            continue
        row, label = [labels[-1], *values], labels[-1].text
        numbers = _numbers(cell.text for cell in row)
        yield Line(cells=row, head=head, inherited=False, numbers=numbers, label=label, end=0, places=places)


def _flat_head(head: Head | None, words: Sequence[Cell], form: Labels, year: int | None) -> Head | None:
    """Make a head of words, if there is one of a head among them."""
    if any(key(cell.text) in form.heads and key(cell.text) not in form.named for cell in words):
        return head_of([words], year, flat=True)
    return head


def _rejoined(lines: Sequence[Line], form: Labels) -> list[Line]:
    """Join a label that runs over two rows, of which the second has the numbers."""
    whole: list[Line] = []
    for line in lines:
        before = whole[-1].label if whole and not whole[-1].numbers and not whole[-1].places else ""
        if before and line.label and line.numbers and (places := form.named.get(key(before + line.label))):
            line.places, line.label = places, whole.pop().label + line.label
        whole.append(line)
    return whole


def _resolve(lines: Sequence[Line], form: Labels, last: int | None) -> int | None:
    """Give each line its row of the form: by its label alone, else by its neighbours. Returns the last line's."""
    for line in lines:
        if len(line.places) == 1:
            line.settle(line.places[0])
    known = [line.place for line in lines if line.place is not None]
    if all(one < other for one, other in itertools.pairwise(known)):
        _by_neighbours(lines, form, last if last is not None and (not known or known[0] > last) else None)
        _by_count(lines, form)
    return next((line.place for line in reversed(lines) if line.numbers or line.place is not None), last)


def _by_neighbours(lines: Sequence[Line], form: Labels, last: int | None) -> None:
    """Decide between rows of one label: the one below the parent that was read last, or the next in order."""
    strange = 0
    known = (line.place for line in reversed(lines))
    ends = [*itertools.accumulate(known, lambda end, at: end if at is None else at, initial=len(form.rows))][-2::-1]
    for line, end in zip(lines, ends, strict=True):
        if line.place is None and line.places:
            options = [p for p in line.places if (-1 if last is None else last) < p.at < end]
            if strange:
                options = [p for p in options if last is not None and p.at - last - 1 == strange]
            above = form.ancestors(last)
            children = [p for p in options if form.parent(p.at) in above]
            if chosen := (children or options)[:1]:
                line.settle(chosen[0])
        if line.place is not None:
            last, strange = line.place, 0
        else:
            strange += 1


def _by_count(lines: Sequence[Line], form: Labels) -> None:
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
                    line.place, line.sure = n, GUESSED
