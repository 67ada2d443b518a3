"""ONE spider, `reports`, for any number of sources: from their addresses to their reports, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.exceptions import IgnoreRequest
from scrapy.spidermiddlewares.referer import DefaultReferrerPolicy

from archive import reader
from archive.records import Capture, Uncleaned, Visit
from archive.store import Saved, Store
from crawler import browser, find, sources
from crawler.clock import now
from crawler.due import entries, recall, rest
from crawler.families import families, family_of
from crawler.page import Page, request_of
from crawler.titles import judge
from crawler.visit import Progress, Want
from pipelines.clean import CLEANER

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

logger = logging.getLogger(__name__)

READ = ("report", "attachment")
"""Kinds of pages whose words are read; all others lead to them."""

AT_ONCE = 4
"""Pages of one source asked for or being cleaned; the others wait as addresses, which take less room than requests."""

SHARE = 50
"""Requests that a visit takes, more or less: of a budget of requests, each source under way has so many."""


class RunStopped(IgnoreRequest):
    """A request was not made, because the run is being stopped; its page is still wanted."""


class ReportsSpider(Spider):
    """Crawls sources for their yearly disclosure reports.

    Arguments, as `scrapy crawl reports -a name=value`: `sources`, names separated by commas (all where left out);
    `path`, the file or folder of sources; `limit`, the most reports asked for at each; `label`, a name for the run;
    `wake`, anything to visit even sources that are left in peace because they blocked us; `due`, anything to ask only
    for what is due by `crawler.schedule`; `minutes` and `requests`, after which the run ends.
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
        minutes: float | str = 0,
        requests: int | str = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chosen = _chosen(sources, Path(path) if path else None)
        self.limit = int(limit)
        self.label = label or None
        self.wake = bool(wake)
        self.due = bool(due)
        self.minutes = float(minutes)
        self.requests = int(requests)
        self.progress: dict[str, Progress] = {}
        self.visits: dict[str, Visit] = {}
        self.idle = self.asked = self.kept = 0
        self.status = ""
        self.error: sqlite3.OperationalError | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.store = Store(Path(crawler.settings["ARCHIVE"])).__enter__()
        crawler.signals.connect(spider.close_run, signals.spider_closed)
        crawler.signals.connect(spider.fill, signals.spider_idle)  # at once, for there are no requests to start with
        crawler.signals.connect(spider.item_cleaned, signals.item_scraped)
        for signal in (signals.spider_error, signals.item_error):
            crawler.signals.connect(spider.note_error, signal)
        spider.run = spider.store.begin_run([s.office for s in spider.chosen], at=now(), label=spider.label)
        spider.left = deque(sorted(spider.chosen, key=lambda source: reader.last_turn(spider.store.db, source.id)))
        spider.room = crawler.settings.getint("CONCURRENT_REQUESTS")
        if spider.requests:
            spider.room = min(spider.room, max(1, spider.requests // SHARE))
        spider.begun = monotonic()
        told = {"event": "run-begun", "run": spider.run.id}
        logger.info("run %s begun: %d sources", spider.run.id, len(spider.chosen), extra=told)
        return spider

    # --- the run -------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Begin the sources whose turn it is, as many at once as there is room for."""
        try:
            while self.left and len(self.progress) < self.room and not self.is_stopping():
                self.begin(self.left.popleft())
        except sqlite3.OperationalError as error:
            self.stop("interrupted", error)

    def is_stopping(self) -> bool:
        """Say whether nothing more is to be asked for."""
        return bool(self.status) or not self._engine.running

    def spend(self) -> None:
        """Take one request from what the run may cost; raises RunStopped where nothing is left, and stops the run."""
        seconds = monotonic() - self.begun
        if (self.requests and self.asked >= self.requests) or (self.minutes and seconds >= 60 * self.minutes):
            self.stop("spent")
        if self.is_stopping():
            raise RunStopped("the run is being stopped")
        self.asked += 1

    def stop(self, status: str, error: sqlite3.OperationalError | None = None) -> None:
        """End the run before all is done; `error` is why it cannot go on."""
        self.error = self.error or error
        if not self.status:
            self.status = status
            self.stopping = asyncio.ensure_future(self._engine.close_spider_async(reason=status))

    def close_run(self, reason: str) -> None:
        """Write down the visits that were cut off, and close the archive."""
        done = reason == "finished" and not (self.left or self.progress)
        self.status = self.status or ("finished" if done else "interrupted")
        why = "what the run may cost was spent" if self.status == "spent" else "the run was interrupted"
        try:
            for name, progress in self.progress.items():
                self.visits[name] = progress.unfinished(reader.tally(self.store.db, self.run.id, name), why=why)
            cut_off = [self.visits[name] for name in self.progress]
            self.store.end_run(self.run.id, cut_off, at=now(), status=self.status)
        except sqlite3.OperationalError as error:
            self.error = self.error or error  # the run stays open, and is taken up as one that was killed
        self.store.__exit__(None, None, None)
        logger.info(
            "run %s %s: %d sources, %d left %s", self.run.id, self.status, len(self.visits), len(self.left), self.error or "",
            extra={"event": "run-ended"},
        )  # fmt: skip

    # --- one source ----------------------------------------------------------------------------------------------

    def begin(self, source: sources.Source) -> None:
        """Begin the visit to a source, where it has anything due and does not rest."""
        db, at = self.store.db, now()
        progress = recall(db, source, at=at, due=self.due, captured=self.run.captured)
        if not progress.has_work():
            self.idle += 1
        elif why := None if self.wake else rest(db, source, at=at):
            self.end(Visit(source=source.id, status="resting", reason=why))
        else:
            self.progress[source.id] = progress
            if source.browser and (lack := browser.missing()):
                progress.note(lack)
            if progress.lists:
                progress.plan(find.Way(rank=find.REMEMBERED, url=url, kind="column") for url in progress.remembered)
            self.proceed(progress)
            self.go_on(progress)

    def go_on(self, progress: Progress) -> None:
        """Ask for what is wanted of a source, a few pages at once; after the last, write down its visit and forget it."""
        while progress.wanted and progress.pending < AT_ONCE and not self.is_stopping():
            progress.pending += 1
            self._engine.crawl(self._request(progress, progress.wanted.popleft()))
        if not (progress.pending or progress.wanted):
            name = progress.source.id
            counts, years = reader.tally(self.store.db, self.run.id, name), reader.years_of(self.store.db, name)
            self.end(progress.visit(counts, years=years, limit=self.limit))
            del self.progress[name]

    def end(self, visit: Visit) -> None:
        """Write down a visit."""
        self.store.end_visit(self.run.id, visit)
        self.visits[visit.source] = visit
        told = {"event": "visit", "source": visit.source}
        logger.info("%s %s: %d requests %s", visit.source, visit.status, visit.requests, visit.reason or "", extra=told)

    def done(self, progress: Progress) -> None:
        """Go on after a page that was asked for, or was to be cleaned."""
        progress.pending -= 1
        try:
            self.go_on(progress)
        except sqlite3.OperationalError as error:
            self.stop("interrupted", error)
        self.fill()

    def keep(self, capture: Capture) -> Saved:
        """Keep an answer; raises RunStopped where the archive cannot, and stops the run."""
        if self.error:
            raise RunStopped("the archive cannot be written to")
        try:
            saved = self.store.capture(capture)
        except sqlite3.OperationalError as error:
            self.stop("interrupted", error)
            raise RunStopped(str(error)) from error
        self.kept += 1
        return saved

    def source_of(self, host: str) -> str:
        """Name the source under way that a host belongs to; a host of none is counted to the first."""
        sources = sorted(self.progress.values(), key=lambda progress: host not in progress.near)
        return next((p.source.id for p in sources if p.may_ask(f"//{host}")), next(iter(self.progress)))

    def proceed(self, progress: Progress) -> None:
        """Want the next list: the lists of a source come one after another. After the last, want what needs none.

        So a page that is listed is captured with its list as referrer, and one that no longer is, without.
        """
        while way := progress.next_way():
            if not self.want_entries(progress, way.url):
                progress.wanted.appendleft(Want(url=way.url, kind=way.kind, referrer=way.referrer, way=way))
                return
        if not progress.standing_asked:
            progress.standing_asked = True
            for url in progress.standing:
                self.want_report(progress, url, known=True)

    # --- lists ---------------------------------------------------------------------------------------------------

    def parse(self, response: Response) -> None:
        """Read a home page, a page on the way to a column, or a column."""
        progress, way = self.progress[response.meta["source"]], response.meta["way"]
        if response.meta["outcome"] in ("new", "same", "not-modified"):
            url = response.meta.get("address", response.url)
            page = Page.of(response.body, url=url, headers=_headers(response))
            try:
                self.read_list(page, progress, way)
            except ValueError as error:
                progress.lose(way, "failed", str(error))
        else:
            progress.lose(way, response.meta["outcome"], response.meta["reason"])
        self.proceed(progress)
        self.done(progress)

    def read_list(self, page: Page, progress: Progress, way: find.Way) -> None:
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
            self.want_entries(progress, link.url, referrer=page.url)
            self.want_report(progress, link.url, referrer=page.url, anchor=link.title)

    def want_entries(self, progress: Progress, url: str, *, referrer: str | None = None) -> bool:
        """Want the reports that have an address without any list, where `url` is such an entry, and say whether it is."""
        named = [*entries(progress.source, url, at=now())]
        for entry in named:
            self.want_report(progress, entry, referrer=referrer)
        return bool(named)

    # --- reports and their documents -----------------------------------------------------------------------------

    def want_report(
        self,
        progress: Progress,
        url: str,
        *,
        referrer: str | None = None,
        anchor: str | None = None,
        known: bool = False,
    ) -> None:
        """Want what may be a report, once a run, within the limit; of one that is not asked for, documents that never were."""
        if self.limit and len(progress.listed) >= self.limit:
            return
        address = progress.take_report(url, known=known)
        if address and (address in self.run.captured or address in progress.undue):
            missing = reader.missing_documents(self.store.db, address)
            self.want_documents(progress, address, [file for file in missing if progress.may_ask(file["url"])])
        elif address:
            progress.wanted.append(Want(url=address, kind="report", referrer=referrer, anchor=anchor or None))

    def parse_report(self, response: Response) -> Iterator[Uncleaned]:
        """Hand a page that may be a report to the pipeline, unless its bytes are known; where it gave nothing, ask elsewhere.

        The documents of a report are asked for as well, once its text is there to name them.
        """
        meta = response.meta
        progress = self.progress[meta["source"]]
        if meta["outcome"] in ("new", "same") and self.store.needs_text(meta["payload"], cleaner=CLEANER):
            progress.pending += 1
            yield Uncleaned(payload=meta["payload"], url=response.url, headers=_headers(response), body=response.body)
        elif meta["outcome"] in ("new", "same", "not-modified"):
            self.take_documents(response.request)
        if meta["outcome"] in ("gone", "blocked", "failed") and meta["kind"] == "report":
            progress.troubles[meta["reason"]] += meta["outcome"] != "gone"
            self.ask_elsewhere(response.request)
        self.done(progress)

    def item_cleaned(self, response: Response) -> None:
        """Ask for the documents of a report whose text has just been saved."""
        self.take_documents(response.request)
        self.done(self.progress[response.meta["source"]])

    def take_documents(self, request: Request) -> None:
        """Want what the page that was asked for links to as its documents, where it is a report."""
        if request.meta["kind"] == "report":
            page = request.meta.get("address", request.url)
            self.want_documents(self.progress[request.meta["source"]], page, reader.documents_of(self.store.db, page))

    def want_documents(self, progress: Progress, page: str, files: Iterable[Mapping[str, Any]]) -> None:
        """Want documents of a report, each once a run, on the source's hosts, before further reports."""
        for file in files:
            if not progress.may_ask(file["url"]):
                progress.note(f"{page}: links to {file['url']}, which is not on one of the source's hosts")
            elif progress.take_document(file["url"]) and file["url"] not in self.run.captured:
                wanted = Want(url=file["url"], kind="attachment", referrer=page, anchor=file["label"] or None)
                progress.wanted.appendleft(wanted)

    def ask_elsewhere(self, request: Request) -> None:
        """Want a page that gave nothing at another address that was listed for it."""
        progress = self.progress[request.meta["source"]]
        other = progress.other_address(request.url)
        if other:
            referrer, anchor = request.meta["referrer"], request.meta["anchor"]
            progress.wanted.append(Want(url=other, kind="report", referrer=referrer, anchor=anchor))

    # --- what goes wrong -----------------------------------------------------------------------------------------

    def errback(self, failure: Failure) -> None:
        """Note why a page gave nothing; the capture itself is kept already."""
        request: Request = failure.request  # type: ignore[attr-defined]
        if isinstance(failure.value, sqlite3.OperationalError):
            self.stop("interrupted", failure.value)
        if isinstance(failure.value, RunStopped | sqlite3.OperationalError):
            return  # so that the page stays pending, and the visit is cut off
        progress = self.progress[request.meta["source"]]
        outcome = request.meta.get("outcome") or getattr(failure.value, "outcome", "failed")
        progress.unasked += "outcome" not in request.meta
        why = request.meta.get("reason") if outcome in ("blocked", "failed", "refused") else None
        why = why or failure.getErrorMessage()
        if request.meta["kind"] == "report":
            progress.troubles[why] += "outcome" in request.meta
            self.ask_elsewhere(request)
        elif request.meta["kind"] == "attachment":
            progress.note(f"{request.url}: a document of {request.meta['referrer']} did not come: {why}")
        else:
            progress.lose(request.meta["way"], outcome, why)
            self.proceed(progress)
        self.done(progress)

    def note_error(self, failure: Failure, response: Response | Failure) -> None:
        """Note an error of our own, in reading a page or in cleaning it; the run is not well then."""
        if isinstance(failure.value, sqlite3.OperationalError):
            self.stop("interrupted", failure.value)
            return
        request: Request = response.request  # type: ignore[union-attr, assignment]
        progress = self.progress[request.meta["source"]]
        progress.errors += 1
        progress.note(f"{request.url}: {failure.type.__name__}: {failure.getErrorMessage()}")
        if request.meta["kind"] not in READ:
            self.proceed(progress)
        self.done(progress)

    def _request(self, progress: Progress, want: Want) -> Request:
        url, form = request_of(want.url)
        headers: dict[str, str] = {}
        more: dict[str, Any] = {}
        if form is not None:
            more = {"method": "POST", "body": form}
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        referrer = want.referrer and DefaultReferrerPolicy().referrer(request_of(want.referrer)[0], url)
        if referrer:
            headers["Referer"] = referrer
        slots = self._engine.downloader.per_slot_settings
        slots.setdefault(urlsplit(url).hostname or "", {"concurrency": 1, "delay": progress.source.delay})
        meta = {"source": progress.source.id, "kind": want.kind, "referrer": want.referrer, "anchor": want.anchor}
        meta |= {"way": want.way, "render": progress.source.browser and want.kind not in READ}
        return Request(
            url,
            callback=self.parse_report if want.kind in READ else self.parse,
            errback=self.errback,
            dont_filter=True,  # the filter is the source's own: two may name one page
            headers=headers,
            meta=meta if form is None else meta | {"address": want.url},
            **more,
        )

    @property
    def _engine(self) -> Any:
        return self.crawler.engine


def _headers(response: Response) -> dict[str, str]:
    """Give an answer's headers with lower-case names; those given twice joined by a comma (RFC 9110, 5.3)."""
    return {name.decode("latin-1").lower(): b",".join(v).decode("latin-1") for name, v in response.headers.items()}


def _chosen(given: str | Iterable[sources.Source], path: Path | None) -> tuple[sources.Source, ...]:
    if not isinstance(given, str):
        return tuple(given)
    names = [name for name in given.split(",") if name]
    return sources.pick(sources.load(path or sources.BUNDLED), names)
