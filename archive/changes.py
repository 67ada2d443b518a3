"""What changed between two readings: two versions of a report, a page and its copy, a page and its attachment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.records import Fact


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One fact that appeared (`before` is None), vanished (`after` is None), or has another value or wording."""

    form: str
    table: str
    row: str
    column: str
    before: Fact | None
    after: Fact | None

    @property
    def codes(self) -> tuple[str, str, str, str]:
        return self.form, self.table, self.row, self.column


def changed(before: Sequence[Fact], after: Sequence[Fact]) -> tuple[Change, ...]:
    """List what differs between two readings: numbers by value and unit, other cells by their words."""
    old, new = ({(fact.form, fact.table, fact.row, fact.column): fact for fact in facts} for facts in (before, after))
    return tuple(
        Change(
            form=place[0], table=place[1], row=place[2], column=place[3], before=old.get(place), after=new.get(place)
        )
        for place in dict.fromkeys((*old, *new))
        if _said(old.get(place)) != _said(new.get(place))
    )


def _said(fact: Fact | None) -> object:
    """Tell what a fact says: nothing where there is none; a number in its unit; else the words of its cell."""
    if fact is None:
        return None
    return (fact.value, fact.unit) if fact.value is not None else "".join(fact.cell.split())
