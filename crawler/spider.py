"""ONE spider, `reports`, for any number of sources: from their addresses to their reports, and nothing else."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals

from archive import reader
from archive.records import Uncleaned, Visit
from archive.store import Store
from crawler import find, sources
from crawler.clock import now
from crawler.families import families, family_of
from crawler.page import Link, Page
from crawler.titles import judge
from pipelines.clean import CLEANER

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

MOST_LIST_PAGES = 100
"""List pages read of one source in one run; more are reported, not read."""

FIRST_YEAR = 2008
"""The Regulation of 2007 asked for the first reports on 2008."""


@dataclass(kw_only=True, slots=True)
class Progress:
    """What a run has done at one source so far."""

    source: sources.Source
    hosts: frozenset[str]
    listed: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    lists: set[frozenset[str]] = field(default_factory=set)
    ways: list[tuple[int, str]] = field(default_factory=list)
    searched: int = 0
    columns: int = 0
    has_list: bool = False
    linked: int = 0
    lost_lists: int = 0
    unasked: int = 0
    errors: int = 0
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a reason for what a reader of the visit may wonder at; each once."""
        if text not in self.notes:
            self.notes.append(text)


class ReportsSpider(Spider):
    """Crawls sources for their yearly disclosure reports.

    Arguments, as `scrapy crawl reports -a name=value`: `sources`, names separated by commas (all where left out);
    `path`, the file or folder of sources; `limit`, the most reports asked for at each; `label`, a name for the run.
    """

    name = "reports"

    def __init__(
        self,
        *,
        sources: str | Iterable[sources.Source] = "",
        path: str = "",
        limit: int | str = 0,
        label: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chosen = _chosen(sources, Path(path) if path else None)
        self.limit = int(limit)
        self.label = label or None
        self.visits: dict[str, Visit] = {}
        self.status = ""

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.store = Store(Path(crawler.settings["ARCHIVE"])).__enter__()
        crawler.signals.connect(spider.close_run, signals.spider_closed)
        for signal in (signals.spider_error, signals.item_error):
            crawler.signals.connect(spider.note_error, signal)
        spider.run = spider.store.begin_run([s.office for s in spider.chosen], at=now(), label=spider.label)
        spider.progress = {
            s.id: Progress(source=s, hosts=frozenset((*s.office.hosts, *s.own_hosts))) for s in spider.chosen
        }
        return spider

    def source_of(self, host: str) -> str:
        """Name the source that a host belongs to; a host of none is counted to the first."""
        return next((p.source.id for p in self.progress.values() if host in p.hosts), self.chosen[0].id)

    async def start(self) -> AsyncIterator[Request]:
        slots: Any = self.crawler.engine and self.crawler.engine.downloader.per_slot_settings
        for progress in self.progress.values():
            for host in progress.hosts:
                hostname = urlsplit(f"//{host}").hostname or ""
                slots[hostname] = {"concurrency": 1, "delay": progress.source.delay}
        for progress in self.progress.values():
            for request in self.openings(progress):
                yield request

    def openings(self, progress: Progress) -> Iterator[Request]:
        """Ask for a source's own addresses, then for the reports it is known to have."""
        for url in progress.source.start_urls:
            entries = list(_entries(url, progress.source))
            for entry in entries:
                yield from self.ask_report(progress, Link(url=entry, title=""))
            if not entries:
                progress.has_list = True
                yield from self.ask_list(progress, url, kind="start")
        for url in (*progress.source.report_urls, *reader.known_reports(self.store.db, progress.source.id)):
            yield from self.ask_report(progress, Link(url=url, title=""))

    def parse(self, response: Response) -> Iterator[Any]:
        """Read a home page, a page on the way to the column, or the column."""
        progress = self.progress[response.meta["source"]]
        if response.meta["outcome"] in ("new", "same"):
            page = Page.of(response.body, url=response.url, headers=_headers(response))
            yield from self.read_list(page, progress, kind=response.meta["kind"])
        else:
            progress.lost_lists += response.meta["outcome"] in ("failed", "blocked")
            progress.note(f"{response.url}: {response.meta['outcome']}: {response.meta['reason']}")
        yield from self.search(progress)

    def read_list(self, page: Page, progress: Progress, *, kind: str) -> Iterator[Request]:
        """Take the reports from a list, and follow it to its end; from any other page, note the ways to one."""
        family = families()[progress.source.family] if progress.source.family else family_of(page)
        judged = [(judge(link), link) for link in family.links(page) if urlsplit(link.url).netloc in progress.hosts]
        on_column = kind == "column" or find.is_column(page)
        wanted = ("report", "doubt") if on_column else ("report",)
        reports = [link for verdict, link in judged if verdict in wanted]
        progress.linked += len(reports)
        for link in reports:
            yield from self.ask_report(progress, link, referrer=page.url)
        if not on_column:
            for way in find.ways(link for _, link in judged):
                heapq.heappush(progress.ways, way)
            return
        if any(verdict == "report" for verdict, _ in judged):
            progress.columns += 1
        shown = frozenset(link.url for link in reports)
        if shown in progress.lists:
            progress.note(f"{page.url}: shows the same entries as a page before it; its next pages were left")
            return
        progress.lists.add(shown)
        for url in family.next_pages(page):
            if urlsplit(url).netloc in progress.hosts:
                yield from self.ask_list(progress, url, kind="column", referrer=page.url)

    def search(self, progress: Progress) -> Iterator[Request]:
        """Try the next best way to a column: all that promise one, and others while none is found."""
        while progress.ways:
            rank, url = heapq.heappop(progress.ways)
            if rank > find.TO_COLUMN and progress.columns:
                return
            if url in progress.seen:
                continue
            if progress.searched >= find.BUDGET:
                progress.note(f"the search for the column stopped after {find.BUDGET} pages")
                return
            progress.searched += 1
            yield from self.ask_list(progress, url, kind="column" if rank == find.TO_COLUMN else "start")
            return

    def ask_list(self, progress: Progress, url: str, *, kind: str, referrer: str | None = None) -> Iterator[Request]:
        """Ask for a list or a page on the way to one, once a run."""
        if url in progress.seen:
            return
        if len(progress.seen) >= MOST_LIST_PAGES:
            progress.note(f"more than {MOST_LIST_PAGES} list pages; the rest were left")
            return
        progress.seen.add(url)
        # The search goes on from the answer, so none may be dropped as a duplicate: `seen` is our own filter.
        yield self._request(progress, url, kind=kind, referrer=referrer, priority=10, dont_filter=True)

    def ask_report(self, progress: Progress, link: Link, *, referrer: str | None = None) -> Iterator[Request]:
        """Ask for what may be a report, once a run, within the limit."""
        known = link.url in progress.listed
        if known or (self.limit and len(progress.listed) >= self.limit):
            return
        progress.listed.add(link.url)
        if link.url not in self.run.captured:
            yield self._request(progress, link.url, kind="report", referrer=referrer, anchor=link.title or None)

    def parse_report(self, response: Response) -> Iterator[Uncleaned]:
        """Hand a page that may be a report to the pipeline, unless its bytes are known."""
        meta = response.meta
        if meta["outcome"] in ("new", "same") and self.store.needs_text(meta["payload"], cleaner=CLEANER):
            yield Uncleaned(payload=meta["payload"], url=response.url, headers=_headers(response), body=response.body)

    def errback(self, failure: Failure) -> Iterator[Request]:
        """Note why a page gave nothing; the capture itself is kept already."""
        request: Request = failure.request  # type: ignore[attr-defined]
        progress = self.progress[request.meta["source"]]
        if request.meta.get("outcome") is None:
            progress.unasked += 1
        why = request.meta.get("reason") or failure.getErrorMessage()
        progress.note(why if request.meta["kind"] == "report" else f"{request.url}: {why}")
        if request.meta["kind"] != "report":
            progress.lost_lists += 1
            yield from self.search(progress)

    def note_error(self, failure: Failure, response: Response) -> None:
        """Note an error of our own, in reading a page or in cleaning it; the run is not well then."""
        progress = self.progress[response.meta["source"]]
        progress.errors += 1
        progress.note(f"{response.url}: {failure.type.__name__}: {failure.getErrorMessage()}")

    def close_run(self, reason: str) -> None:
        """Write down what was done at each source, and close the archive."""
        self.status = "finished" if reason == "finished" else "interrupted"
        for progress in self.progress.values():
            self.visits[progress.source.id] = self._visit(progress)
        self.store.end_run(self.run.id, self.visits.values(), at=now(), status=self.status)
        self.store.__exit__(None, None, None)

    def _visit(self, progress: Progress) -> Visit:
        counts = dict(reader.tally(self.store.db, self.run.id, progress.source.id))
        reports = counts.pop("reports")
        kept_or_gone = reports + counts["gone"]  # a report that was taken down is no sign of a broken crawl
        expected = min(progress.source.expect_min, self.limit or progress.source.expect_min)
        notes = list(progress.notes)
        if progress.unasked:
            notes.append(f"{progress.unasked} pages not asked for")
        if not reports:
            status = "blocked" if counts["blocked"] else "failed" if notes or counts["failed"] else "empty"
            notes.insert(0, f"no report found, expected at least {expected}" if expected else "no report found")
            status = status if expected else "ok"
        elif kept_or_gone < expected:
            status = "thin"
            notes.insert(0, f"{reports} reports found, expected at least {expected}")
        elif progress.has_list and not progress.linked:
            status = "thin"
            notes.insert(0, f"no list of reports found any more; {reports} known ones were asked again")
        elif counts["failed"] or counts["blocked"] or progress.unasked or progress.errors or progress.lost_lists:
            status = "partial"
        else:
            status = "ok"
        return Visit(
            source=progress.source.id,
            status=status,
            reason="; ".join(notes) or None,
            listed=len(progress.listed),
            **counts,
        )

    def _request(
        self, progress: Progress, url: str, *, kind: str, referrer: str | None, anchor: str | None = None, **more: Any
    ) -> Request:
        return Request(
            url,
            callback=self.parse_report if kind == "report" else self.parse,
            errback=self.errback,
            meta={"source": progress.source.id, "kind": kind, "referrer": referrer, "anchor": anchor},
            **more,
        )


def _headers(response: Response) -> dict[str, str]:
    """Give an answer's headers with lower-case names; those given twice joined by a comma (RFC 9110, 5.3)."""
    return {name.decode("latin-1").lower(): b",".join(v).decode("latin-1") for name, v in response.headers.items()}


def _chosen(given: str | Iterable[sources.Source], path: Path | None) -> tuple[sources.Source, ...]:
    if not isinstance(given, str):
        return tuple(given)
    names = [name for name in given.split(",") if name]
    return sources.pick(sources.load(path or sources.BUNDLED), names)


def _entries(url: str, source: sources.Source) -> Iterator[str]:
    first, last = source.years or (FIRST_YEAR, datetime.now(UTC).year - 1)
    for family in families().values():
        entries = getattr(family, "entries", None)
        if entries:
            yield from entries(url, range(first, last + 1))
