"""What a crawl knows of one source while it is there, where it looks next, and what it says at the end."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import islice
from urllib.parse import urlsplit

from archive.records import Column, Visit, owns
from crawler.find import COLUMN, FAR, REMEMBERED, START, TOWARDS, Way
from crawler.page import Link
from crawler.sources import TLS, Source
from crawler.titles import alike

MOST_PAGES = 100
"""Pages read of one column in one visit; of a longer one the rest is left, and said."""

MOST_COLUMNS = 200
"""Columns read of one source in one visit."""

MOST_REPORTS = 3000
"""Addresses that may be reports, asked for at one source in one visit."""

BARREN = 5
"""Pages of a column in a row that name no report not named before, after which it has ended, whatever it says."""


@dataclass(kw_only=True, slots=True)
class Reading:
    """A column while it is read."""

    way: Way
    url: str
    family: str
    pages: int = 0
    reports: set[str] = field(default_factory=set)
    shown: set[frozenset[str]] = field(default_factory=set)
    coming: deque[str] = field(default_factory=deque)
    barren: int = 0

    def turn(self, links: Iterable[Link], next_pages: Iterable[str]) -> str | None:
        """Take in one page: what it lists, and what it says comes next. Gives the reason why the rest is left."""
        shown = frozenset(link.url for link in links)
        self.pages += 1
        self.barren = 0 if shown - self.reports else self.barren + 1
        self.reports |= shown
        again = bool(shown) and shown in self.shown
        self.shown.add(shown)
        waiting = set(self.coming)
        self.coming.extend(url for url in islice(next_pages, MOST_PAGES + 1) if url not in waiting)
        if not self.coming:
            return None
        if again:
            return self._end("shows the same entries as a page before it")
        if self.barren >= BARREN:
            return self._end(f"{BARREN} pages in a row named no further report")
        if self.pages >= MOST_PAGES:
            return self._end(f"has more than {MOST_PAGES} pages")
        return None

    def _end(self, why: str) -> str:
        self.coming.clear()
        return f"{why}; its further pages were left"


@dataclass(frozen=True, kw_only=True, slots=True)
class Want:
    """A page to be asked for: its address, what it is asked for as, and where it was named; of a list, also the way to it."""

    url: str
    kind: str
    referrer: str | None = None
    anchor: str | None = None
    way: Way | None = None


@dataclass(kw_only=True, slots=True)
class Progress:
    """What a run has done at one source so far, and what it means to do.

    `wanted` are the pages to be asked for, in their order, and `pending` counts those asked for or being cleaned.
    `near` are the hosts of the source's own addresses, and those that its home page leads on to. `listed` are the
    addresses asked for that may be reports, `spare` other addresses of the same pages, `known` those at which the
    archive has a report that still stands, each by `alike`. `lists` says whether lists are read on this visit,
    `standing` are the addresses asked for whether listed or not, `undue` those that are not asked for even if they are,
    but for those among them that are `back` where they are listed.
    """

    source: Source
    wanted: deque[Want] = field(default_factory=deque)
    pending: int = 0
    near: set[str] = field(default_factory=set)
    remembered: Mapping[str, int] = field(default_factory=dict)
    stale: bool = True
    lists: bool = True
    known: dict[str, list[str]] = field(default_factory=dict)
    standing: Collection[str] = ()
    standing_asked: bool = False
    undue: set[str] = field(default_factory=set)
    back: Collection[str] = ()
    agenda: list[Way] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    reading: Reading | None = None
    columns: list[Reading] = field(default_factory=list)
    listed: dict[str, list[str]] = field(default_factory=dict)
    spare: dict[str, list[str]] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)
    died: set[str] = field(default_factory=set)
    unread: list[Way] = field(default_factory=list)
    searching: bool = False
    found: bool = False
    searched: int = 0
    has_list: bool = False
    linked: int = 0
    lost_lists: int = 0
    blocked: int = 0
    unasked: int = 0
    errors: int = 0
    notes: list[str] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)

    def note(self, text: str) -> None:
        """Keep a reason for what a reader of the visit may wonder at; each once."""
        if text not in self.notes:
            self.notes.append(text)

    def has_work(self) -> bool:
        """Say whether there is anything to ask for: a list, or a page that is due."""
        return self.lists or any(url not in self.undue for url in self.standing)

    def may_ask(self, url: str) -> bool:
        """Say whether an address is on a host that belongs to the source."""
        host = urlsplit(url).netloc
        return host in self.near or owns(self.source.office.hosts, host)

    def plan(self, ways: Iterable[Way]) -> None:
        """Take ways into the agenda; those of strange hosts are none, those of the domain's other hosts come last."""
        for way in ways:
            if self.may_ask(way.url) and alike(way.url) not in self.asked:
                far = way.rank >= COLUMN and urlsplit(way.url).netloc not in self.near
                heappush(self.agenda, replace(way, rank=FAR + way.rank) if far else way)

    def next_way(self) -> Way | None:
        """Give the next page of the column that is being read, else the best way left, until the search has an end."""
        while way := self._next_page() or (heappop(self.agenda) if self.agenda else None) or self._search():
            name = alike(way.url)
            if name in self.asked or (way.rank >= TOWARDS and self.found):
                continue
            if way.kind != "next" and self._spent(way):
                self.agenda.clear()
                continue
            self.asked.add(name)
            return way
        return None

    def read(self, way: Way, url: str, *, family: str) -> Reading:
        """Give the column that a list page belongs to: the one being read, or a new one."""
        if way.kind == "next" and self.reading:
            return self.reading
        self.reading = Reading(way=way, url=url, family=family)
        self.columns.append(self.reading)
        return self.reading

    def lose(self, way: Way, outcome: str, reason: str | None) -> None:
        """Note a list page that gave nothing."""
        gone_on = way.kind == "next" and outcome == "gone"
        self.note(f"{way.url}: {outcome}: {reason}" + ("; the column is shorter than it says" if gone_on else ""))
        if gone_on and self.reading:
            self.reading.coming.clear()
        self.lost_lists += outcome != "gone"
        self.blocked += outcome == "blocked"
        if self.remembered.get(way.url):
            self.died.add(way.url)
            if outcome != "gone":
                self.unread.append(way)

    def _next_page(self) -> Way | None:
        if self.reading and self.reading.coming:
            return Way(rank=REMEMBERED, url=self.reading.coming.popleft(), kind="next", referrer=self.reading.url)
        if self.reading:
            self._judge(self.reading)
        self.reading = None
        return None

    def _judge(self, reading: Reading) -> None:
        """Draw the consequences of a column read to its end."""
        if reading.reports:
            self.found = True
            self.searched -= reading.way.rank != REMEMBERED  # what was found is not charged to the search
        elif self.remembered.get(reading.way.url):
            self.died.add(reading.way.url)

    def _search(self) -> Way | None:
        """Begin the search at the source's own addresses, where what is remembered does not do; once a visit."""
        if not self.lists or self.searching or (self.found and not self.died and not self.stale):
            return None
        self.searching = True
        for url in sorted(self.died):
            self.note(f"{url}: lists no reports any more; the column was searched for again")
        self.found = self.found and not self.died
        self.plan(Way(rank=START, url=url, kind="start") for url in self.source.start_urls)
        return heappop(self.agenda) if self.agenda else None

    def _spent(self, way: Way) -> bool:
        if len(self.columns) >= MOST_COLUMNS:
            self.note(f"more than {MOST_COLUMNS} columns; the rest were left")
            return True
        if self.searched >= self.source.budget and way.rank != REMEMBERED:
            self.note(f"the search stopped after {self.source.budget} pages without reports")
            return True
        self.searched += way.rank != REMEMBERED
        return False

    def take_report(self, url: str, *, known: bool = False) -> str | None:
        """Give the address to ask for a page that may be a report: each page once, under that which the archive knows.

        An address that the archive knows is asked even where it is another name of one asked already.
        """
        name = alike(url)
        others = self.listed.get(name)
        if others is None and len(self.listed) >= MOST_REPORTS:
            self.note(f"more than {MOST_REPORTS} addresses that may be reports; the rest were left")
            return None
        if url in self.back and not known:
            self.undue.discard(url)
        stands_at = self.known.get(name, [url])
        address = url if known or url in stands_at else stands_at[0]
        taken = others is None or (known and url not in others)
        if taken:
            self.listed.setdefault(name, []).append(address)
        if url not in self.listed[name]:
            self.spare.setdefault(name, []).append(url)
        return address if taken else None

    def take_document(self, url: str) -> bool:
        """Say whether a document is to be asked for: once a visit, whatever pages link to it."""
        if url in self.documents:
            return False
        self.documents.add(url)
        return True

    def other_address(self, url: str) -> str | None:
        """Give another address that was listed for a page which is gone from this one."""
        spare = self.spare.get(alike(url))
        return spare.pop() if spare else None

    def visit(self, counts: Mapping[str, int], *, years: Collection[int], limit: int = 0) -> Visit:
        """Judge the visit: what was found against what must exist and what was listed the last time.

        `counts` are those of `archive.reader.tally`, `years` those on which reports are known by now.
        """
        numbers = dict(counts)
        reports = numbers.pop("reports") + sum(url in self.undue for urls in self.known.values() for url in urls)
        notes = list(self.notes)
        notes += [f"{why} (report pages: {times})" for why, times in self.troubles.items() if times]
        if self.unasked:
            notes.append(f"{self.unasked} pages not asked for")
        expected = min(self.source.expect_min, limit or self.source.expect_min)
        missing = [] if limit or self.source.copy_of else sorted({*self.source.expected_years} - {*years})
        before = sum(self.remembered.values())
        shrunk = before - sum(len(c.reports) for c in self.columns) - numbers["gone"]
        if not reports and expected:
            blocked = numbers["blocked"] or self.blocked
            status = "blocked" if blocked else "failed" if notes or numbers["failed"] else "empty"
            notes.insert(0, f"no report found, expected at least {expected}")
        elif reports + numbers["gone"] < expected:  # a report that was taken down is no sign of a broken crawl
            status = "thin"
            notes.insert(0, f"{reports} reports found, expected at least {expected}")
        elif self.lists and self.has_list and not self.linked:
            status = "thin"
            notes.insert(0, f"no list of reports found any more; {reports} known ones were asked again")
        elif shrunk > 0 and self.lists and not limit and not self.lost_lists:
            status = "thin"
            notes.insert(0, f"{before} reports were listed the last time, {shrunk} of them no longer are")
        elif missing:
            status = "thin"
            notes.insert(0, f"no report found on {', '.join(map(str, missing))}, expected")
        elif numbers["failed"] or numbers["blocked"] or self.unasked or self.errors or self.lost_lists:
            status = "partial"
        else:
            status = "ok"
        notes.append(TLS[self.source.tls])
        return Visit(
            source=self.source.id,
            status=status,
            reason="; ".join(filter(None, notes)) or None,
            listed=len(self.listed),
            columns=tuple(self._columns()),
            **numbers,
        )

    def unfinished(self, counts: Mapping[str, int], *, why: str) -> Visit:
        """Say how far a visit came that was cut off; nothing is judged by it, and its lists are not remembered."""
        numbers = dict(counts)
        del numbers["reports"]
        reason = "; ".join([f"cut off: {why}", *self.notes])
        return Visit(source=self.source.id, status="unfinished", reason=reason, listed=len(self.listed), **numbers)

    def _columns(self) -> Iterator[Column]:
        """Walk the lists that named reports, and those that led to them.

        A remembered list that failed is remembered further, with what it named: it may be back the next time.
        """
        for way in self.unread:
            reports = self.remembered[way.url]
            yield Column(url=way.url, parent=way.referrer, family="", list_pages=0, reports=reports)
        leading: set[str | None] = set()
        for url, column in reversed({column.url: column for column in self.columns}.items()):
            if column.reports or url in leading:
                leading.add(column.way.referrer)
                yield Column(
                    url=url,
                    parent=column.way.referrer,
                    family=column.family,
                    list_pages=column.pages,
                    reports=len(column.reports),
                )
