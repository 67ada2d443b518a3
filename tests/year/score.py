"""The score: what of the truth is in the archive, in time by the schedule's promise, and what is there without a cause."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory

from archive import verify
from archive.database import backup, connect
from archive.health import MARGIN
from archive.store import Store
from archive.tables import FOLLOWING
from crawler import schedule
from pipelines.rebuild import rebuild
from year.country import HARMLESS, Deed, Office, Page
from year.crawls import Here
from year.trial import Year, clocks
from year.web import Asked

EVENTS = {
    "found": ("found",), "changed": ("changed",), "reverted": ("reverted",), "withdrawn": ("missing", "withdrawn"),
    "returned": ("returned",), "moved": ("moved",), "readdressed": ("missing", "moved"),
}  # fmt: skip
"""What the archive tells of each deed."""

ALLOWED = {"readdressed": ("withdrawn",)}
"""What it may tell of a deed besides: that a page is withdrawn, as long as its new place is not known."""

ALARMS = {
    "dead": "unreachable", "hang": "unreachable", "error": "unreachable", "challenge": "blocked", "forbidden": "blocked",
    "robots": "refused", "redesign": "broken", "empty": "broken", "moved": "moved", "mute": "silent",
}  # fmt: skip
"""The state of health that tells of each break."""


@dataclass(kw_only=True)
class Tally:
    """Of one kind: what had to be told, what was in time, late, or never; and what was told without a cause."""

    expected: int = 0
    told: int = 0
    late: int = 0
    open: int = 0
    caused: int = 0
    strange: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.told / self.expected if self.expected else 1.0

    @property
    def precision(self) -> float:
        return self.caused / (self.caused + self.strange) if self.caused + self.strange else 1.0


@dataclass(kw_only=True)
class Promise:
    """What the schedule promises in a year as it went, by what the country's servers were asked."""

    year: Year

    def __post_init__(self) -> None:
        self.country = self.year.country
        self.clock = clocks(self.country)
        self.missed = self.year.missed
        self.office = {office.host: office for office in self.country.all}

    def good(self, office: Office, day: int) -> bool:
        """Say whether on a day an office is as ever, and so is our machine; one that blocked us may be at rest after that."""
        harmless = (*HARMLESS, "mute")
        kind, end = office.broken.kind, office.broken.end
        resting = kind in ("challenge", "forbidden") and end <= day < self.first(self.year.web.tried[office.id], end)
        return not (
            day in self.missed or office.trouble(day) not in harmless or resting or office.hiccups.get(day) in ("page", "stuck")
        )  # fmt: skip

    def first(self, days: Iterable[int], since: int) -> int:
        """Give the first of the days from one on, the end of the year where there is none."""
        return min((day for day in days if day >= since), default=self.country.days)

    def date(self, day: int) -> date:
        """Give the date by our machine's clock."""
        return self.country.begin.date() + timedelta(days=self.clock[day])

    def page(self, url: str, page: Page, since: int, *, gone: int | None = None) -> int:
        """Give the day by which a page is asked for from a day on; `gone` is when it was found to be gone, if not yet asked.

        What was asked on a day when nothing could be learned counts as asked or not, whichever makes it the later.
        """
        office = self.office[page.host]
        asked = [(day, there) for day, there in self.year.web.asked[url] if day < since or not self.good(office, day)]
        if gone is not None:
            asked.append((gone, False))
        sure = [(day, there) for day, there in asked if day not in self.missed]
        return max(self._when_due(office, page, known, since) for known in (asked, sure))

    def _when_due(self, office: Office, page: Page, asked: Sequence[Asked], since: int) -> int:
        def due(day: int) -> bool:
            history = self._history([one for one in asked if one[0] < day], page)
            return history is None or schedule.is_due(history, today=self.date(day))

        return self.first(
            (day for day in range(since, self.country.days) if self.good(office, day) and due(day)), since
        )

    def seen(self, url: str, since: int, until: int) -> bool:
        """Say whether a page was surely asked for between two days."""
        return any(since <= day < until and day not in self.missed for day, _ in self.year.web.asked[url])

    def _history(self, asked: Sequence[Asked], page: Page) -> schedule.History | None:
        there = [day for day, stood in asked if stood]
        if not there:
            return None
        gone = [day for day, stood in asked if stood is False and day > there[-1]]
        edits = [day for day, kind in page.deeds if kind == "changed" and day <= there[-1]]
        changed = self.first(there, edits[-1]) if edits else there[0]
        return schedule.History(
            first_seen=self.date(there[0]), changed=self.date(changed), answered=self.date(asked[-1][0]),
            gone_since=self.date(gone[0]) if gone else None, year=page.year,
        )  # fmt: skip

    def lists(self, office: Office, since: int, *, healthy: bool = True) -> int:
        """Give the day by which an office's lists are read from a day on, `healthy` or whatever is wrong with it."""
        read = [day for day in self.year.web.read[office.id] if day < since or not self.good(office, day)]
        sure = [day for day in read if self.good(office, day)]
        days = range(since, self.country.days)
        fit = [d for d in days if (self.good(office, d) if healthy else d not in self.missed)]
        return max(self.first((d for d in fit if self._lists_due(known, d)), since) for known in (read, sure))

    def _lists_due(self, read: Sequence[int], day: int) -> bool:
        last = max((one for one in read if one < day), default=None)
        return schedule.lists_are_due(None if last is None else self.date(last), today=self.date(day))

    def told_by(self, deed: Deed, page: Page) -> int:
        """Give the day by which a deed must be in the archive."""
        office = self.office[page.host]
        if deed.kind == "found":
            return self.lists(office, deed.day)
        due = self.page(deed.url, page, deed.day)
        if deed.kind == "withdrawn" and due < self.country.days:
            return self.page(deed.url, page, due + 1, gone=due)
        if deed.kind == "returned":  # its list names it again, which is reason enough to ask
            return min(due, self.lists(office, deed.day))
        return max(due, self.lists(office, deed.day)) if deed.kind == "readdressed" else due


def events(year: Year, db: sqlite3.Connection) -> dict[str, Tally]:
    """Hold the archive's events against the truth list, by kind of deed."""
    promise = Promise(year=year)
    pages = {page.url: page for office in year.country.all for page in office.pages}
    told: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for url, kind, run in db.execute(
        "SELECT url, e.kind, run FROM events e JOIN pages p ON p.id = e.page JOIN captures c ON c.id = e.capture ORDER BY e.at"
    ):
        told[url, kind].append(year.days[run])
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    causes: Counter[tuple[str, str]] = Counter()
    for deed in year.country.deeds:
        tally = tallies[deed.kind]
        until = year.country.days if deed.until is None else deed.until
        by = promise.told_by(deed, pages[deed.url])
        days = [[day for day in told[deed.url, kind] if day >= deed.day] for kind in EVENTS[deed.kind]]
        causes.update((deed.url, kind) for kind in (*EVENTS[deed.kind], *ALLOWED.get(deed.kind, ())))
        unseen = deed.since is not None and not promise.seen(deed.url, deed.since, deed.day)  # as it was before it
        if by >= until or unseen:
            tally.open += 1
            continue
        tally.expected += 1
        if all(any(day <= by for day in own) for own in days):
            tally.told += 1
            continue
        tally.late += all(own and own[0] < until for own in days)
        tally.notes.append(f"{deed.url} {deed.kind} on day {deed.day}, to be told by {by}, told on {days}")
    places = {f"http://{page.host}{page.new_path}" for page in pages.values()}
    for (url, kind), own in told.items():
        if url.split("/")[2] not in promise.office:
            continue  # the host to which an office is redirected for a while, and whose pages are copies
        known = causes[url, kind] + (kind == "found" and url in places)
        tallies[kind].caused += min(len(own), known)
        tallies[kind].strange += max(0, len(own) - known)
        if len(own) > known:
            tallies[kind].notes.append(f"{url} {kind} on {own}, of which {known} had a cause")
    return dict(tallies)


def alarms(year: Year, db: sqlite3.Connection) -> dict[str, Tally]:
    """Hold the archive's health against the breaks, by state; `ends` are the ends of alarms."""
    promise = Promise(year=year)
    rows: defaultdict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for source, run, state, evidence in db.execute(
        """WITH spans AS (SELECT *, lead(run, 1, '~') OVER (PARTITION BY source ORDER BY run) AS until FROM health)
           SELECT source, (SELECT runs.id FROM visits JOIN runs ON runs.id = visits.run
                           WHERE visits.source = spans.source AND runs.id >= spans.run AND runs.id < until
                           ORDER BY runs.rowid LIMIT 1) AS told, state, evidence
           FROM spans ORDER BY source, run"""  # our clock may be set back after it was told: the first run told it
    ):
        rows[source].append((year.days[run], state, evidence))
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for office in year.country.all:
        kind = office.broken.kind
        state = ALARMS.get(kind, "")
        begin, by, over = _span(promise, office) if state else (0, -1, -1)
        for day, said, evidence in rows[office.id]:
            if said == "ok":
                continue
            right = said == state and begin <= day < over
            tallies[said].caused += right
            tallies[said].strange += not right
            if not right:
                tallies[said].notes.append(f"{office.id} {said} on day {day} ({kind} {begin} to {over}): {evidence}")
        if not state:
            continue
        if by >= min(office.broken.end, year.country.days):
            tallies[state].open += 1
            continue
        tally = tallies[state]
        tally.expected += 1
        days = [day for day, said, _ in rows[office.id] if said == state and begin <= day < over]
        tally.told += bool(days and days[0] <= by)
        tally.late += bool(days and days[0] > by)
        if not days or days[0] > by:
            tally.notes.append(f"{office.id} {kind} from day {begin}, alarm due by {by}, told {rows[office.id]}")
        if days and over < year.country.days:
            ends = tallies["ends"]
            ends.expected += 1
            last = [said for day, said, _ in rows[office.id] if day <= over][-1]
            ends.told += last == "ok"
            if last != "ok":
                ends.notes.append(
                    f"{office.id} {kind} ended on day {office.broken.end}, to be well by {over}: {rows[office.id]}"
                )
    return dict(tallies)


def _span(promise: Promise, office: Office) -> tuple[int, int, int]:
    """Say when an office's break began to be one, by when the alarm must be there, and by when it must be over."""
    begin, end = office.broken.begin, office.broken.end
    if office.broken.kind == "mute":
        country = promise.country
        late = [page.published - country.day_of(page.year, level=office.level) for page in office.pages]
        begin += max(0, *late) + MARGIN.days + 1
        return begin, promise.lists(office, begin), country.days
    over = promise.lists(office, end) if end < promise.country.days else end
    return begin, promise.lists(office, begin, healthy=False), over


def pace(year: Year) -> list[tuple[float, float]]:
    """Give the milliseconds of processor time that a request takes in each quarter, and those that a run takes beside.

    Runs make more requests in the months of reports: the line through all runs of a quarter tells the two apart.
    """
    quarters: list[list[tuple[int, float]]] = [[], [], [], []]
    for one in year.told:
        asked = sum(requests for _, _, requests in one["visits"].values())
        quarters[one["day"] * 4 // year.country.days].append((asked, 1000 * one["cpu"]))
    return [tuple(linear_regression(*zip(*own, strict=True))) for own in quarters]


def rebuilt(archive: Path) -> list[str]:
    """Name the derived tables that a rebuild makes otherwise than the crawls did, in a copy of the archive."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.sqlite"
        backup(archive, copy)
        with Store(copy) as store:
            before = [Counter(map(tuple, store.db.execute(f"SELECT * FROM {table}"))) for table in FOLLOWING]
            left = [url for url, error in rebuild(store, workers=Here(1)) if error]
            after = [Counter(map(tuple, store.db.execute(f"SELECT * FROM {table}"))) for table in FOLLOWING]
    return left + [table for table, old, new in zip(FOLLOWING, before, after, strict=True) if old != new]


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a year came to."""

    events: Mapping[str, Tally]
    alarms: Mapping[str, Tally]
    pace: Sequence[tuple[float, float]]
    size: int
    faults: Sequence[str]
    rebuilt: Sequence[str]
    ended: Sequence[tuple[int, str, int, str]]
    requests: int
    killed: int

    @property
    def wrong(self) -> list[str]:
        """Name all that is not as it should be."""
        tallies = (*self.events.items(), *self.alarms.items())
        return [
            *(f"{kind}: {note}" for kind, tally in tallies for note in tally.notes),
            *self.faults,
            *(f"a rebuild gives other rows of {table}" for table in self.rebuilt),
            *(f"{kind} disk on day {day}: exit {code}: {said}" for day, kind, code, said in self.ended
              if "Traceback" in said or (kind == "frozen" and not code)),
        ]  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Set out the score."""
        yield f"{'':12} expected in time   late missed  open  recall precision"
        for kind, one in (*sorted(self.events.items()), *sorted(self.alarms.items())):
            missed = one.expected - one.told - one.late
            yield (
                f"{kind:12} {one.expected:8} {one.told:7} {one.late:6} {missed:6} {one.open:5} {one.recall:7.3f} "
                f"{one.precision:9.3f} ({one.caused} with a cause, {one.strange} without)"
            )
        yield from (f"  {wrong[:500]}" for wrong in self.wrong)
        yield "quarter: ms of CPU a request, and a run beside: " + "; ".join(
            f"{request:.1f}, {run:.0f}" for request, run in self.pace
        )
        yield f"{self.size / 1e6:.1f} MB; {self.requests} requests; {self.killed} runs killed, {len(self.ended)} on a bad disk"


def of(year: Year, archive: Path) -> Score:
    """Score a year by the archive that it left."""
    with closing(connect(archive)) as db:
        return Score(
            events=events(year, db),
            alarms=alarms(year, db),
            pace=pace(year),
            size=archive.stat().st_size,
            faults=[*verify.faults(db)],
            rebuilt=rebuilt(archive),
            ended=year.ended,
            requests=year.web.requests,
            killed=len(year.killed),
        )
