"""ONE spider, `reports`, for any number of sources: from their addresses to their reports, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals

from archive import reader
from archive.records import Attachment, Uncleaned, Visit
from archive.store import Store
from crawler import browser, find, schedule, sources
from crawler.clock import now
from crawler.families import families, family_of
from crawler.page import Page, request_of
from crawler.titles import alike, judge
from crawler.visit import Progress
from pipelines.clean import CLEANER

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

FIRST_YEAR = 2008
"""The Regulation of 2007 asked for the first reports on 2008."""

SEARCH_AGAIN = timedelta(days=30)
"""How long the columns that are remembered are enough, before a source's own addresses are read again as well."""

READ = ("report", "attachment")
"""Kinds of pages whose words are read; all others lead to them."""

LONGEST_REST = 32
"""Days, at the most, that a source is left in peace which blocked us time and again."""


class ReportsSpider(Spider):
    """Crawls sources for their yearly disclosure reports.

    Arguments, as `scrapy crawl reports -a name=value`: `sources`, names separated by commas (all where left out);
    `path`, the file or folder of sources; `limit`, the most reports asked for at each; `label`, a name for the run;
    `wake`, anything to visit even sources that are left in peace because they blocked us; `due`, anything to ask only
    for what is due by `crawler.schedule`.
    """

    name = "reports"

    def __init__(
        self,
        *,
        sources: str | Iterable[sources.Source] = "",
        path: str = "",
        limit: int | str = 0,
        label: str = "",
        wake: bool | str = False,
        due: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chosen = _chosen(sources, Path(path) if path else None)
        self.limit = int(limit)
        self.label = label or None
        self.wake = bool(wake)
        self.due = bool(due)
        self.today = _time(now()).date()
        self.idle = 0
        self.visits: dict[str, Visit] = {}
        self.status = ""

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.store = Store(Path(crawler.settings["ARCHIVE"])).__enter__()
        crawler.signals.connect(spider.close_run, signals.spider_closed)
        crawler.signals.connect(spider.item_cleaned, signals.item_scraped)
        for signal in (signals.spider_error, signals.item_error):
            crawler.signals.connect(spider.note_error, signal)
        spider.run = spider.store.begin_run([s.office for s in spider.chosen], at=now(), label=spider.label)
        begun = [spider.begin(s) for s in spider.chosen]
        spider.progress = {progress.source.id: progress for progress in begun if progress.has_work()}
        spider.idle = len(begun) - len(spider.progress)
        return spider

    def begin(self, source: sources.Source) -> Progress:
        """Recall what the archive knows of a source: its columns, when they were last searched for, and its reports."""
        db = self.store.db
        searched = reader.searched_at(db, source.id)
        read = reader.lists_read_at(db, source.id)
        remembered = {row["url"]: row["reports"] for row in reader.columns_of(db, source.id)}
        has_list = any(not any(self.entries(source, url)) for url in source.start_urls)
        histories = {row["url"]: _history(row) for row in reader.histories(db, source.id)}
        reports = reader.known_reports(db, source.id)
        known: dict[str, list[str]] = {}
        for url in reports:
            if not histories[url].gone_since:
                known.setdefault(alike(url), []).append(url)
        return Progress(
            source=source,
            near={*source.own_hosts, *(host for host in source.hosts if "*" not in host)},
            remembered=remembered,
            stale=searched is None or _time(now()) - _time(searched) > SEARCH_AGAIN,
            has_list=has_list,
            lists=not self.due
            or ((has_list or bool(remembered)) and schedule.lists_are_due(_day(read), today=self.today)),
            standing=(
                *(entry for url in source.start_urls for entry in self.entries(source, url)),
                *(url for url in reports if schedule.interval(histories[url], today=self.today)),
                *source.report_urls,
            ),
            known=known,
            undue={
                url
                for url, history in histories.items()
                if self.due and url not in self.run.captured and not schedule.is_due(history, today=self.today)
            },
        )

    def source_of(self, host: str) -> str:
        """Name the source that a host belongs to; a host of none is counted to the first."""
        sources = sorted(self.progress.values(), key=lambda progress: host not in progress.near)
        return next((p.source.id for p in sources if p.may_ask(f"//{host}")), next(iter(self.progress)))

    async def start(self) -> AsyncIterator[Request]:
        for progress in self.progress.values():
            rest = None if self.wake else self.rest(progress.source)
            if rest:
                self.visits[progress.source.id] = Visit(source=progress.source.id, status="resting", reason=rest)
                continue
            for request in self.openings(progress):
                yield request

    def rest(self, source: sources.Source) -> str | None:
        """Say why and until when a source that blocked us is left in peace: 1, 2, 4 … days after its last refusals."""
        times, last = reader.blocked_visits(self.store.db, source.id)
        if not last:
            return None
        until = _time(last) + timedelta(days=min(2 ** (times - 1), LONGEST_REST))
        if until <= _time(now()):
            return None
        return f"left in peace until {until:%Y-%m-%d %H:%M} UTC, having been blocked {times} times in a row"

    def openings(self, progress: Progress) -> Iterator[Request]:
        """Ask where reports were listed the last time, or for a source's own addresses, then for what it is known to have."""
        if progress.source.browser and (lack := browser.missing()):
            progress.note(lack)
        if progress.lists:
            progress.plan(find.Way(rank=find.REMEMBERED, url=url, kind="column") for url in progress.remembered)
        yield from self.proceed(progress)

    def proceed(self, progress: Progress) -> Iterator[Request]:
        """Ask for the next list: the lists of a source come one after another. After the last, ask for what needs none.

        So a page that is listed is captured with its list as referrer, and one that no longer is, without.
        """
        while way := progress.next_way():
            entries = list(self.ask_entries(progress, way.url))
            yield from entries
            if not entries:
                yield self._request(progress, way.url, kind=way.kind, referrer=way.referrer, way=way, priority=10)
                return
        if not progress.standing_asked:
            progress.standing_asked = True
            for url in progress.standing:
                yield from self.ask_report(progress, url, known=True)

    def parse(self, response: Response) -> Iterator[Any]:
        """Read a home page, a page on the way to a column, or a column."""
        progress, way = self.progress[response.meta["source"]], response.meta["way"]
        if response.meta["outcome"] in ("new", "same", "not-modified"):
            url = response.meta.get("address", response.url)
            page = Page.of(response.body, url=url, headers=_headers(response))
            try:
                yield from self.read_list(page, progress, way)
            except ValueError as error:
                progress.lose(way, "failed", str(error))
        else:
            progress.lose(way, response.meta["outcome"], response.meta["reason"])
        yield from self.proceed(progress)

    def read_list(self, page: Page, progress: Progress, way: find.Way) -> Iterator[Request]:
        """Take the reports from a list and the ways to others; of a column, note what page comes next."""
        named = progress.reading.family if way.kind == "next" and progress.reading else progress.source.family
        family = families()[named] if named else family_of(page)
        if way.rank == find.START and progress.may_ask(page.url):
            progress.near.add(urlsplit(page.url).netloc)
        on_column = way.kind in ("column", "next") or find.is_column(page)
        wanted = ("report", "doubt") if on_column else ("report",)
        links = dict.fromkeys(family.links(page))
        judged = [(judge(link, column=page.url if on_column else None), link) for link in links]
        reports = [link for kind, link in judged if kind in wanted]
        for host in dict.fromkeys(urlsplit(link.url).netloc for link in reports if not progress.may_ask(link.url)):
            progress.note(f"{page.url}: links to reports on {host}, which is not one of the source's hosts")
        reports = [link for link in reports if progress.may_ask(link.url)]
        progress.linked += len(reports)
        if on_column:
            column = progress.read(way, page.url, family=family.__name__.rpartition(".")[2])
            why_left = column.turn(reports, family.next_pages(page))
            if why_left:
                progress.note(f"{column.url}: {why_left}")
        if way.kind != "next":
            progress.plan(find.ways(page, judged, on_column=on_column))
        for link in reports:
            yield from self.ask_entries(progress, link.url, referrer=page.url)
            yield from self.ask_report(progress, link.url, referrer=page.url, anchor=link.title)

    def entries(self, source: sources.Source, url: str) -> Iterator[str]:
        """Give the addresses of the reports that have one without any list, where `url` is such an entry."""
        first, last = source.years or (FIRST_YEAR, _time(now()).year - 1)
        for family in families().values():
            entries = getattr(family, "entries", None)
            if entries:
                yield from entries(url, range(first, last + 1))

    def ask_entries(self, progress: Progress, url: str, *, referrer: str | None = None) -> Iterator[Request]:
        """Ask for the report of each year, where `url` is an entry to one."""
        for entry in self.entries(progress.source, url):
            yield from self.ask_report(progress, entry, referrer=referrer)

    def ask_report(
        self,
        progress: Progress,
        url: str,
        *,
        referrer: str | None = None,
        anchor: str | None = None,
        known: bool = False,
    ) -> Iterator[Request]:
        """Ask for what may be a report, once a run, within the limit."""
        if self.limit and len(progress.listed) >= self.limit:
            return
        address = progress.take_report(url, known=known)
        if address and address not in self.run.captured and address not in progress.undue:
            yield self._request(progress, address, kind="report", referrer=referrer, anchor=anchor or None)

    def parse_report(self, response: Response) -> Iterator[Any]:
        """Hand a page that may be a report to the pipeline, unless its bytes are known; where it gave nothing, ask elsewhere.

        The documents of a report are asked for as well, once its text is there to name them.
        """
        meta = response.meta
        if meta["outcome"] in ("new", "same") and self.store.needs_text(meta["payload"], cleaner=CLEANER):
            yield Uncleaned(payload=meta["payload"], url=response.url, headers=_headers(response), body=response.body)
        elif meta["outcome"] in ("new", "same", "not-modified"):
            yield from self.ask_documents(response.request)
        if meta["outcome"] in ("gone", "blocked", "failed") and meta["kind"] == "report":
            self.progress[meta["source"]].troubles[meta["reason"]] += meta["outcome"] != "gone"
            yield from self.ask_elsewhere(response.request)

    def item_cleaned(self, response: Response) -> None:
        """Ask for the documents of a report whose text has just been saved."""
        for request in self.ask_documents(response.request):
            self.crawler.engine.crawl(request)  # type: ignore[union-attr]

    def ask_documents(self, request: Request) -> Iterator[Request]:
        """Ask for what a report page links to as its documents, each once a run, on the source's hosts."""
        progress = self.progress[request.meta["source"]]
        page = request.meta.get("address", request.url)
        for file in self._documents(page) if request.meta["kind"] == "report" else ():
            if not progress.may_ask(file.url):
                progress.note(f"{page}: links to {file.url}, which is not on one of the source's hosts")
            elif progress.take_document(file.url) and file.url not in self.run.captured:
                yield self._request(progress, file.url, kind="attachment", referrer=page, anchor=file.label or None)

    def _documents(self, page: str) -> list[Attachment]:
        return [Attachment(**file) for file in reader.documents_of(self.store.db, page)]

    def ask_elsewhere(self, request: Request) -> Iterator[Request]:
        """Ask for a page that gave nothing at another address that was listed for it."""
        progress = self.progress[request.meta["source"]]
        other = progress.other_address(request.url)
        if other:
            referrer, anchor = request.meta["referrer"], request.meta["anchor"]
            yield self._request(progress, other, kind="report", referrer=referrer, anchor=anchor)

    def errback(self, failure: Failure) -> Iterator[Request]:
        """Note why a page gave nothing; the capture itself is kept already."""
        request: Request = failure.request  # type: ignore[attr-defined]
        progress = self.progress[request.meta["source"]]
        outcome = request.meta.get("outcome") or getattr(failure.value, "outcome", "failed")
        progress.unasked += "outcome" not in request.meta
        why = request.meta.get("reason") if outcome in ("blocked", "failed", "refused") else None
        why = why or failure.getErrorMessage()
        if request.meta["kind"] == "report":
            progress.troubles[why] += "outcome" in request.meta
            yield from self.ask_elsewhere(request)
        elif request.meta["kind"] == "attachment":
            progress.note(f"{request.url}: a document of {request.meta['referrer']} did not come: {why}")
        else:
            progress.lose(request.meta["way"], outcome, why)
            yield from self.proceed(progress)

    def note_error(self, failure: Failure, response: Response) -> None:
        """Note an error of our own, in reading a page or in cleaning it; the run is not well then."""
        progress = self.progress[response.meta["source"]]
        progress.errors += 1
        progress.note(f"{response.url}: {failure.type.__name__}: {failure.getErrorMessage()}")
        if response.meta["kind"] not in READ:
            for request in self.proceed(progress):
                self.crawler.engine.crawl(request)  # type: ignore[union-attr]

    def close_run(self, reason: str) -> None:
        """Write down what was done at each source, and close the archive."""
        self.status = "finished" if reason == "finished" else "interrupted"
        for source, progress in self.progress.items():
            if source not in self.visits:
                counts = reader.tally(self.store.db, self.run.id, source)
                years = reader.years_of(self.store.db, source)
                self.visits[source] = progress.visit(counts, years=years, limit=self.limit)
        self.store.end_run(self.run.id, self.visits.values(), at=now(), status=self.status)
        self.store.__exit__(None, None, None)

    def _request(
        self,
        progress: Progress,
        address: str,
        *,
        kind: str,
        referrer: str | None,
        anchor: str | None = None,
        way: find.Way | None = None,
        **more: Any,
    ) -> Request:
        url, form = request_of(address)
        if form is not None:
            more |= {"method": "POST", "body": form, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
        slots: Any = self.crawler.engine and self.crawler.engine.downloader.per_slot_settings
        slots.setdefault(urlsplit(url).hostname or "", {"concurrency": 1, "delay": progress.source.delay})
        meta = {"source": progress.source.id, "kind": kind, "referrer": referrer, "anchor": anchor, "way": way}
        meta["render"] = progress.source.browser and kind not in READ
        return Request(
            url,
            callback=self.parse_report if kind in READ else self.parse,
            errback=self.errback,
            dont_filter=True,  # the filter is the source's own: two may name one page
            meta=meta if form is None else meta | {"address": address},
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


def _history(row: Mapping[str, Any]) -> schedule.History:
    days = {key: _day(row[key]) for key in ("first_seen", "changed", "answered", "gone_since")}
    return schedule.History(**days, year=row["year"])  # type: ignore[arg-type]


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _day(at: str | None) -> date | None:
    return _time(at).date() if at else None
