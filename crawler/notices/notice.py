"""What there is to tell since a channel was told last: faults that began and ended, runs cut off, and what was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, takewhile
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from archive import overview, reader, sizes
from archive.browse.words import is_web
from archive.database import Row
from archive.health import STATES, words
from crawler.status import NEWS, counts

NAMED = 20
"""How many sources in one state, and reports of one kind, a notice names; the others it counts."""


class SendError(Exception):
    """A channel was not told; the message says which, where, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Things of one kind: how many there are, and the first of them."""

    kind: str
    count: int
    first: Sequence[Row]

    @property
    def left(self) -> int:
        return self.count - len(self.first)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """All that happened up to a run, `until`, since a channel was told last.

    `faults` and `ended` are sources by the state they are in and were in, as `reader.health` has them; `cut_off` are
    runs that died or were interrupted; `news` are events of reports.
    """

    archive: str
    origin: str
    until: str
    at: str
    faults: tuple[Group, ...] = ()
    ended: tuple[Group, ...] = ()
    cut_off: tuple[Row, ...] = ()
    news: tuple[Group, ...] = ()

    @property
    def is_news(self) -> bool:
        """Say whether there is anything to tell."""
        return bool(self.faults or self.ended or self.cut_off or self.news)

    @property
    def key(self) -> str:
        """Name the notice: the same for what is told again because nobody knows whether it arrived."""
        return f"{self.until}.{self.origin}"

    @property
    def subject(self) -> str:
        """Say the gist in a line."""
        need, well = (sum(group.count for group in groups) for groups in (self.faults, self.ended))
        only = next((group.first[0] for group in self.faults if need == 1), None)
        said: list[Any] = [
            plain(f"{only['agency']} {only['state']}") if only else need and f"{need:,} sources need a person",
            well and f"{well:,} well again",
            self.cut_off and "a run was cut off",
            self.news and counts({group.kind: group.count for group in self.news}),
        ]
        return f"[gongkai] {'; '.join(filter(None, said)) or 'nothing new'}"

    def as_json(self) -> dict[str, Any]:
        """Give what the notice says to a program."""
        groups = {
            name: [{"kind": g.kind, "count": g.count, "first": list(g.first)} for g in getattr(self, name)]
            for name in ("faults", "ended", "news")
        }
        told = {key: getattr(self, key) for key in ("archive", "origin", "until", "at", "subject")}
        return (
            told | groups | {"cut_off": [{k: run[k] for k in ("id", "started_at", "status")} for run in self.cut_off]}
        )

    def text(self) -> str:
        """Write it as plain text."""
        return self._render("notice.txt")

    def html(self) -> str:
        """Write it as a page, with all that came from outside escaped."""
        return self._render("notice.html")

    def _render(self, template: str) -> str:
        return _templates().get_template(template).render(notice=self, words=words(), called=NEWS)


def gather(db: sqlite3.Connection, *, after: str | None, at: str) -> Notice | None:
    """Gather what there is to tell of the runs that came after one (None: all); None where no run did.

    The archive's lock is held, so that a run which is `running` was killed. That it was is told at once, and what it
    found with the next one, which cleans and judges what it left.
    """
    runs = overview.arrived(db, after=after)
    if not runs:
        return None
    waiting = [run["id"] for run in takewhile(_is_dead, reversed(runs))]
    told = {run["id"] for run in runs} - {*waiting}
    if told:
        told |= {*overview.killed_before(db, after)}
    events = sorted(overview.found_in(db, told, NEWS), key=lambda event: (-event["year"], event["agency"]))
    faults, ended = _changed(db, told=told, waiting=waiting)
    return Notice(
        archive=sizes.file_of(db).name,
        origin=overview.origin(db),
        until=runs[-1]["id"],
        at=at,
        faults=_groups(faults, "state"),
        ended=_groups(ended, "was"),
        cut_off=tuple(run for run in runs if run["status"] in overview.CUT_OFF and not run["imported_from"]),
        news=_groups(events, "kind"),
    )


def _is_dead(run: Row) -> bool:
    return run["status"] in ("running", "killed")


def _changed(db: sqlite3.Connection, *, told: Collection[str], waiting: Collection[str]) -> tuple[list[Row], list[Row]]:
    """List the sources that are in a fault since the runs to be told, and those whose fault, told before, has ended."""
    faults: list[Row] = []
    ended: list[Row] = []
    for source in overview.changed_in(db, told):
        history = [row for row in reader.health_of(db, source) if row["run"] not in waiting]
        now, was = history[-1], next((row["state"] for row in reversed(history) if row["run"] not in told), "ok")
        if now["state"] != was:
            (ended if now["state"] == "ok" else faults).append({**now, "was": was})
    return faults, ended


def _groups(rows: Sequence[Row], key: str) -> tuple[Group, ...]:
    order = [*STATES, *NEWS]
    found = []
    for kind, group in groupby(sorted(rows, key=lambda row: order.index(row[key])), key=lambda row: row[key]):
        members = [*group]
        found.append(Group(kind=kind, count=len(members), first=tuple(members[:NAMED])))
    return tuple(found)


def plain(words: object) -> str:
    r"""Write words on one line, without signs that steer a reader's screen.

    >>> plain("年报\r\nBcc: x\x1b[2J\u202e")
    '年报 Bcc: x[2J'
    """
    return " ".join(
        "".join(sign if sign.isprintable() else " " if sign.isspace() else "" for sign in str(words)).split()
    )


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("crawler", "notices"), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters["plain"] = plain
    made.tests["web"] = is_web
    return made
