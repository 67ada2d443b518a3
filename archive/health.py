"""A source's health, judged by what one visit showed, what its visits showed before, and the calendar.

Nothing here reads the archive or the clock. One page that was changed, taken down or left off its list is an event of
that page, not an illness of its source.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from archive.history import ANSWERED
from archive.records import owns

STATES = ("ok", "thin", "silent", "blocked", "moved", "broken", "unreachable", "refused")

LISTS = ("start", "column", "next")
"""Kinds of pages that name reports, or lead to those that do."""

MARGIN = timedelta(days=14)
"""How long after its day an office may be late: the Spring Festival, from 21 January to 20 February, closes offices for
eight days, and the work left over waits too."""

MARGIN_UNKNOWN = timedelta(days=28)
"""The same for an office of which no day in earlier years is known."""

HABIT = 120
"""Days after the law's date up to which a report shows its office's habit; a later one is an exception, or dated anew."""

HABIT_YEARS = 5
"""How many years make a habit."""

STILL_EXPECTED = 2
"""Years without a report after which an office is not waited for any more: most are merged into others."""

PATIENCE = 5
"""Visits in a row that left something out, after which it is no passing trouble."""

FEW = 3
"""Report pages asked for, below which their answers say nothing of the source."""

DROP_STANDS = timedelta(days=30)
"""How long a list that names less than half of what it did is said to be short; then that is its length."""

_STRANGE = re.compile(r"(\S+): links to reports on (\S+), which is not one of the source's hosts")
_LEFT_ALONE = "left alone"
_UNLISTED = "reports were listed the last time"
_ROBOTS_DOWN = "robots.txt answers"
"""What visits and refusals say in words only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a page last answered in a visit; `named` says that it is a list that named reports the last time."""

    capture: str
    kind: str
    url: str
    outcome: str
    reason: str | None = None
    named: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """How many reports a visit's lists named, on what day, and how many pages it found gone."""

    day: date
    named: int
    gone: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A page that had shown a report and came in full again, and whether it still is one that can be read."""

    capture: str
    url: str
    legible: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """What one visit showed, beside what is known from those before it.

    `named` is how many reports its lists named, `listings` are the visits before it whose lists named any, the latest
    first; `opened` are the report pages that came in full the last, at most three; `partial` counts the visits in a row, this one the last, that left
    something out; `arrivals` has each year on which a report is known, and how many days after the law's date it
    came, if that is known; None where none is due from a source of this kind.
    """

    day: date
    status: str
    reason: str | None = None
    hosts: tuple[str, ...] = ()
    level: str = "department"
    answers: tuple[Answer, ...] = ()
    named: int = 0
    gone: int = 0
    listings: tuple[Listing, ...] = ()
    opened: tuple[Opened, ...] = ()
    partial: int = 0
    arrivals: Mapping[int, int | None] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A state, one line of evidence, and the capture that shows it, if one does."""

    state: str
    evidence: str
    capture: str | None = None


@cache
def words() -> dict[str, Any]:
    """Read what each state is called and what a person does about it, as `name` and `advice` in `zh` and `en`."""
    return tomllib.loads((files(__package__) / "health.toml").read_text(encoding="utf-8"))


def due_on(year: int, *, level: str) -> date:
    """Give the last day on which the report on `year` is in time.

    Departments: 31 January of the next year, governments: 31 March (Regulation of 2019, art. 49); before it came
    into force in May 2019 everyone had until 31 March (Regulation of 2007, art. 31).
    """
    return date(year + 1, 1, 31) if year >= 2019 and level == "department" else date(year + 1, 3, 31)


def judge(sight: Sight, *, was: str | None) -> Judgement | None:
    """Judge a source by a visit, given the state it was in; None where the visit is no reason to think otherwise.

    What kept us from reading comes first, then what was read, then what should have been there.
    """
    lists = [answer for answer in sight.answers if answer.kind in LISTS]
    reports = [answer for answer in sight.answers if answer.kind == "report"]
    if sight.status in ("resting", "unfinished"):
        return None
    if not (lists or reports):  # a host is left alone for what it answers for robots.txt
        return _kept_out(sight.answers, what="robots.txt", more=_before(sight))
    found = _no_list(sight, lists) or _no_report(sight, lists, reports) or _illegible(sight)
    if found or (sight.listings and not lists and was):  # lists that were not due stand as they did the last time
        return found
    return _short(sight) or _late(sight, lists or reports, was=was) or _well(sight, reports)


def _no_list(sight: Sight, lists: Sequence[Answer]) -> Judgement | None:
    """Say why the lists that were asked for named no report."""
    if not lists or sight.named or (sight.status == "ok" and not sight.listings):
        return None
    entries = [answer for answer in lists if answer.named or answer.kind == "start"]
    led = [answer for answer in entries if answer.outcome == "moved" and not _own(sight, answer.reason or "")]
    if led and sight.hosts:
        return Judgement(
            state="moved",
            evidence=f"{led[-1].url} leads to {_host(led[-1].reason or '')}, which is not one of the source's hosts; "
            f"no list named a report{_before(sight)}",
            capture=led[-1].capture,
        )
    if strange := _STRANGE.search(sight.reason or ""):
        shown = [answer.capture for answer in lists if answer.url == strange[1]]
        return Judgement(
            state="moved",
            evidence=f"{strange[1]} links to reports on {strange[2]}, which is not one of the source's hosts"
            f"{_before(sight)}",
            capture=shown[-1] if shown else None,
        )
    those = [answer for answer in lists if answer.named] or lists
    if kept := _kept_out(those, what="lists", more=_before(sight)):
        return kept
    answered = sum(answer.outcome in ANSWERED for answer in lists)
    said = f"{answered} of {_pages(lists)} asked for as lists answered, and none named a report"
    if sight.listings:
        return Judgement(state="broken", evidence=said + _before(sight), capture=those[-1].capture)
    return Judgement(state="silent", evidence=f"{said}; none ever did", capture=those[-1].capture)


def _no_report(sight: Sight, lists: Sequence[Answer], reports: Sequence[Answer]) -> Judgement | None:
    """Say why none of the report pages that were asked for came; a page or two of them are none of the source's doing."""
    nothing = sight.status in ("failed", "blocked", "empty")
    if len(reports) < FEW and not nothing and _LEFT_ALONE not in (sight.reason or ""):
        return None
    if kept := _kept_out(reports, what="reports", more=f"; its lists named {sight.named}" if lists else ""):
        return kept
    if nothing and any(answer.outcome in ANSWERED for answer in reports):
        said = f"none of the {_pages(reports)} that its lists name is a report that can be read"
        return Judgement(state="broken", evidence=said, capture=reports[-1].capture)
    return None


def _kept_out(asked: Sequence[Answer], *, what: str, more: str) -> Judgement | None:
    """Say what kept us from all the pages that were asked for, if anything did; a page that is gone answers too."""
    if any(answer.outcome in ANSWERED for answer in asked):
        return None
    down = [a for a in asked if a.outcome == "failed" or _ROBOTS_DOWN in (a.reason or "")]
    why = {
        "blocked": [a for a in asked if a.outcome == "blocked"],
        "refused": [a for a in asked if a.outcome == "refused" and a not in down],
        "unreachable": down,
    }
    for state, because in why.items():
        if because:
            reasons = Counter(_brief(answer.reason) for answer in because).most_common(2)
            said = ", ".join(f"{reason} ({times})" for reason, times in reasons)
            evidence = f"none of {_pages(asked)} asked for as {what} came: {said}{more}"
            return Judgement(state=state, evidence=evidence, capture=because[-1].capture)
    return None


def _illegible(sight: Sight) -> Judgement | None:
    """Say that reports which were read before no longer can be, of the last that came in full most."""
    lost = [page for page in sight.opened if not page.legible]
    if 2 * len(lost) <= len(sight.opened):
        return None
    said = f"of the last {len(sight.opened)} known report pages that came in full, {len(lost)} cannot be read as reports any more"
    return Judgement(state="broken", evidence=f"{said}, such as {lost[0].url}", capture=lost[0].capture)


def _short(sight: Sight) -> Judgement | None:
    """Say that less came than there must be, or that something was left out time and again."""
    if sight.status == "thin" and _UNLISTED not in (sight.reason or ""):
        return Judgement(state="thin", evidence=(sight.reason or "").partition(";")[0])
    series = (Listing(day=sight.day, named=sight.named, gone=sight.gone), *sight.listings) if sight.named else ()
    for after, before in pairwise(series):
        if sight.day - after.day > DROP_STANDS:
            break
        if 2 * after.named < before.named - after.gone and 2 * sight.named < before.named:
            said = f"its lists name {sight.named} reports; on {before.day} they named {before.named}"
            return Judgement(state="thin", evidence=said)
    if sight.partial >= PATIENCE:
        said = f"{sight.partial} visits in a row left something out; the last: {_brief(sight.reason)}"
        return Judgement(state="thin", evidence=said)
    return None


def _late(sight: Sight, asked: Sequence[Answer], *, was: str | None) -> Judgement | None:
    """Say that a report is not there which by the law and by its office's own habit should be.

    An alarm begins between the day it should be there and November, and ends with the report.
    """
    if sight.arrivals is None:
        return None
    year = sight.day.year - 1
    wait_until, habit = _expected(sight, year)
    if sight.day <= wait_until:
        year -= 1
        _, habit = _expected(sight, year)
    current = year == sight.day.year - 1 and sight.day.month < 12
    alive = not sight.arrivals or max(sight.arrivals) >= year - STILL_EXPECTED
    if year in sight.arrivals or not (was == "silent" or (current and alive)):
        return None
    last = f"the last is that on {max(sight.arrivals)}" if sight.arrivals else "none is known"
    said = f"no report on {year} by {sight.day}: due by law on {due_on(year, level=sight.level)}, {habit}; {last}"
    return Judgement(state="silent", evidence=said, capture=asked[-1].capture)


def _expected(sight: Sight, year: int) -> tuple[date, str]:
    """Give the last day on which the report on a year may be waited for in peace, and this office's habit in words."""
    known = {y: days for y, days in (sight.arrivals or {}).items() if year - HABIT_YEARS <= y < year}
    days = [late for late in known.values() if late is not None and late <= HABIT]
    due = due_on(year, level=sight.level)
    if not days:
        return due + MARGIN_UNKNOWN, "its own habit is not known"
    years = "-".join(dict.fromkeys((str(min(known)), str(max(known)))))
    return due + max(
        timedelta(days=max(days)), timedelta()
    ) + MARGIN, f"on {years} it came {_days(max(days))} at the latest"


def _well(sight: Sight, reports: Sequence[Answer]) -> Judgement:
    came = sum(answer.outcome in ANSWERED for answer in reports)
    return Judgement(
        state="ok", evidence=f"its lists name {sight.named} reports; {came} of {_pages(reports)} asked for came"
    )


def _before(sight: Sight) -> str:
    return f"; on {sight.listings[0].day} they named {sight.listings[0].named}" if sight.listings else ""


def _days(late: int) -> str:
    return f"{abs(late)} days {'before' if late < 0 else 'after'} its day"


def _pages(answers: Sequence[Answer]) -> str:
    return f"{len(answers)} page{'s' if len(answers) != 1 else ''}"


def _brief(reason: str | None) -> str:
    return " ".join((reason or "no reason given").removeprefix("IgnoreRequest: ").split())[:120]


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _own(sight: Sight, url: str) -> bool:
    return owns(sight.hosts, _host(url))
