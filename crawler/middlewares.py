"""Every answer becomes a capture before anything else may happen to it; a host that gives nothing is left alone."""

from __future__ import annotations

import logging
from asyncio import Lock
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urldefrag, urljoin, urlsplit

from scrapy import signals
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Headers, HtmlResponse, Request, Response
from scrapy.utils.response import get_meta_refresh
from w3lib.url import safe_url_string

from archive import reader
from archive.records import Capture
from crawler import browser, schedule
from crawler.clock import now
from crawler.compression import fault
from crawler.spider import RunStopped
from pipelines import blocks

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser

logger = logging.getLogger(__name__)

PATIENCE = {"blocked": 3, "failed": 6}
"""Answers in a row that gave nothing, the last of this kind and retries counted, after which a host is left; one will
do where it speaks of the whole host (`blocks.OF_THE_HOST`)."""

LONGEST_WAIT = 120.0
"""The longest Retry-After, in seconds, that a run waits for; a host that asks for more is left."""

SHOWN = ("new", "not-modified")
"""Outcomes with which a page is there."""

CONDITIONS = ("If-None-Match", "If-Modified-Since")
"""The headers that ask whether a page is still what its ETag and its Last-Modified name (RFC 9110, 13.1)."""

LIES_FOR = timedelta(days=365)
"""How long a host that said "not modified" of what was is asked for everything in full: servers are replaced."""


class HostLeft(IgnoreRequest):
    """A request was not made, because its host has been left alone for this run; `outcome` is what decided that."""

    def __init__(self, why: str, *, outcome: str) -> None:
        super().__init__(why)
        self.outcome = outcome


class CaptureMiddleware:
    """Hands every answer, and every failure to get one, to the archive."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.turn: defaultdict[str, Lock] = defaultdict(Lock)
        self.asking: set[Request] = set()
        self.misses: Counter[str] = Counter()
        self.left: dict[str, tuple[str, str]] = {}
        self.open: set[str] = set()
        self.home_of: dict[str, str] = {}
        self.source_of: dict[str, str] = {}
        self.delay_of: dict[str, float] = {}
        self.rules: dict[str, RobotParser] = {}
        self.robots_down: dict[str, int] = {}
        self.liars: dict[str, bool] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler)
        crawler.signals.connect(middleware.robots_parsed, signals.robots_parsed)
        return middleware

    async def process_request(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        rules = self.rules.get(host)
        if rules and self._kind(request) != "robots" and not rules.allowed(request.url, self._user_agent):
            raise IgnoreRequest("Forbidden by robots.txt")
        await self.turn[host].acquire()  # so that no request is on its way while the answer before it is judged
        self.asking.add(request)
        if host in self.left:
            why, outcome = self.left[host]
            raise HostLeft(why, outcome=outcome)
        if "redirect_urls" in request.meta:
            request.meta.pop("address", None)  # what a form is redirected to is another page
        request.meta["tls"] = self._spider.progress[self._source(request)].source.tls
        self._set_conditions(request)
        self._spider.spend()
        request.meta["asked_at"] = (now(), monotonic())

    def process_response(self, request: Request, response: Response) -> Request | Response:
        try:
            return self._take(request, response)
        finally:
            self._end_turn(request)

    def process_exception(self, request: Request, exception: Exception) -> None:
        try:
            self._take_exception(request, exception)
        finally:
            self._end_turn(request)

    def _end_turn(self, request: Request) -> None:
        if request in self.asking:  # others were refused before it was their turn
            self.asking.remove(request)
            self.turn[urlsplit(request.url).netloc].release()

    def _set_conditions(self, request: Request) -> None:
        """Ask only whether a page is still what the archive has of it (RFC 9110, 13), where the answer can be relied on."""
        request.meta.pop("kept", None)
        for name in CONDITIONS:
            request.headers.pop(name, None)  # those of the page that redirected here
        if (
            request.method != "GET"
            or self._kind(request) not in (*browser.PAGES, "attachment")
            or request.meta.get("render")
        ):
            return
        kept = reader.validators(self._spider.store.db, request.url)
        at = datetime.fromisoformat(now())
        if kept is None or schedule.wants_full(request.url, answered=datetime.fromisoformat(kept["at"]), now=at):
            return
        host = urlsplit(request.url).netloc
        if host not in self.liars:
            since = (at - LIES_FOR).isoformat()
            self.liars[host] = reader.hides_changes(self._spider.store.db, host, since=since)
        if self.liars[host]:
            why = f"{host} has said that pages were not modified which were; they are asked for in full"
            self._spider.progress[self._source(request)].note(why)
            return
        request.meta["kept"] = kept
        for name, value in zip(CONDITIONS, (kept["etag"], kept["last_modified"]), strict=True):
            if value:
                request.headers[name] = value.encode("latin-1")

    def _take(self, request: Request, response: Response) -> Request | Response:
        headers = _joined(response.headers)
        host = urlsplit(request.url).netloc
        outcome, reason = browser.judge(request, response, *self._judge(request, response, headers))
        # A page that comes to its end is whole, whatever was said of its length.
        cut_off = "dataloss" in response.flags and not response.body.rstrip().lower().endswith(b"</html>")
        if cut_off:
            length = headers.get("content-length", "?")
            outcome, reason = "failed", fault(response) or f"cut off after {len(response.body)} of {length} bytes"
        request.meta["dont_redirect"] = outcome != "moved" or self._kind(request) == "resource"
        if outcome == "moved":
            self.source_of.setdefault(urlsplit(reason).netloc, self._source(request))
        self._save(request, outcome=outcome, reason=reason, response=response)
        if outcome == "not-modified":
            kept = request.meta["kept"]
            headers = kept["headers"]
            response = response.replace(headers=headers, body=kept["body"])
        if outcome in SHOWN and response.status in (200, 304) and blocks.is_home(request.url):
            self.home_of[host] = blocks.fingerprint(response.body, content_type=headers.get("content-type"))
        self._judge_host(request, outcome, reason)
        self._heed_retry_after(request, headers.get("retry-after") if response.status in (429, 503) else None)
        if cut_off and host not in self.left:
            again = get_retry_request(request, spider=self._spider, reason="cut off")
            if again:
                return again
        if self._kind(request) == "robots":
            if host in self.left:
                return response.replace(body=b"")  # its pages are not asked for, but for another reason
            if response.status >= 500:
                self.robots_down[host] = response.status
            return response.replace(body=blocks.robots(status=response.status, headers=headers, body=response.body))
        return browser.again(request, response, outcome, reason) or response

    def _take_exception(self, request: Request, exception: Exception) -> None:
        if isinstance(exception, HostLeft | RunStopped):
            return
        outcome = "refused" if isinstance(exception, IgnoreRequest) else "failed"
        reason = f"{type(exception).__name__}: {exception}"[:300]
        if status := outcome == "refused" and self.robots_down.get(urlsplit(request.url).netloc):
            reason = f"robots.txt answers {status}, which forbids everything (RFC 9309, 2.3.1.4)"
        self._save(request, outcome=outcome, reason=reason, response=None)
        if outcome == "failed":
            self._judge_host(request, outcome, reason)

    def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Keep the rules and heed a Crawl-delay, which Scrapy does not by itself.

        Of the requests that wait for one robots.txt, Scrapy (2.19) shows the rules to the first only and lets the
        others pass.
        """
        self.rules[urlsplit(request.url).netloc] = robotparser
        delay = robotparser.crawl_delay(self._user_agent)
        slot = self._slot(urlsplit(request.url).hostname or "")
        if delay and slot:
            slot.delay = max(slot.delay, float(delay))

    def _judge(self, request: Request, response: Response, headers: Mapping[str, str]) -> tuple[str, str | None]:
        """Say what an answer is: its outcome and the reason. What is `moved` is followed, and nothing else is."""
        kind = self._kind(request)
        if response.status == 304:
            return ("not-modified", None) if "kept" in request.meta else ("failed", "http-304, though asked in full")
        answer: Any = {"status": response.status, "headers": headers, "body": response.body}
        if kind == "robots" and response.status == 200 and blocks.robots(**answer):
            return "new", None  # rules may name /login, /404 and /waf
        # A source's own address may well lead to its home page.
        home = None if kind == "start" else self.home_of.get(urlsplit(request.url).netloc, "")
        verdict = blocks.judge(**answer, url=request.url, home=home)
        target = self._target(request, response)
        asked = [urldefrag(url).url for url in (*request.meta.get("redirect_urls", ()), request.url)]
        if verdict is None and target and response.status != 200:
            verdict = blocks.judge_chain([*asked, urldefrag(target).url], cookies=headers.get("set-cookie", ""))
        if verdict:
            return verdict.outcome, verdict.reason
        reloads = response.status == 200 and target and urldefrag(target).url in asked
        return ("moved", target) if target and not reloads else ("new", None)

    def _target(self, request: Request, response: Response) -> str | None:
        """Give the address to which Scrapy's redirect middlewares would go from an answer."""
        target = None
        if response.status in (301, 302, 303, 307, 308) and "Location" in response.headers:
            target = urljoin(request.url, safe_url_string(response.headers["Location"] or b""))
        elif isinstance(response, HtmlResponse) and b"refresh" in _head(response.body):
            settings = self.crawler.settings
            wait, url = get_meta_refresh(response, ignore_tags=settings.getlist("METAREFRESH_IGNORE_TAGS"))
            target = url if wait is not None and wait < settings.getint("METAREFRESH_MAXDELAY") else None
        return target if target and urlsplit(target).scheme in ("http", "https") else None

    def _save(self, request: Request, *, outcome: str, reason: str | None, response: Response | None) -> None:
        at, began = request.meta.get("asked_at") or (now(), monotonic())
        saved = self._spider.keep(
            Capture(
                run=self._spider.run.id,
                source=self._source(request),
                url=request.meta.get("address", request.url),
                at=at,
                kind=self._kind(request),  # type: ignore[arg-type]
                outcome=outcome,  # type: ignore[arg-type]
                reason=reason,
                status=response.status if response else None,
                redirects=tuple(request.meta.get("redirect_urls", ())),
                request_headers=tuple(_pairs(request.headers)),
                headers=tuple((name.lower(), value) for name, value in _pairs(response.headers)) if response else (),
                seconds=round(monotonic() - began, 3),
                referrer=request.meta.get("referrer"),
                anchor=request.meta.get("anchor"),
                body=response.body if response and response.status != 304 else None,
            )
        )
        request.meta.update(outcome=saved.outcome, payload=saved.payload, reason=reason)
        told = {"event": "capture", "source": self._source(request), "url": request.url}
        logger.info("%s %s %s %s", told["source"], saved.outcome, request.url, reason or "", extra=told)

    def _kind(self, request: Request) -> str:
        return str(request.meta.get("kind", "robots"))  # Scrapy's own request; all others are the spider's

    def _source(self, request: Request) -> str:
        host = urlsplit(request.url).netloc
        source = request.meta.get("source") or self.source_of.get(host)
        return str(source if source in self._spider.progress else self._spider.source_of(host))

    def _judge_host(self, request: Request, outcome: str, reason: str | None) -> None:
        host = urlsplit(request.url).netloc
        if outcome == "moved":
            return
        if outcome not in PATIENCE:
            self.misses[host] = 0
            if outcome in SHOWN and self._kind(request) != "robots":
                self.open.add(host)
            return
        self.misses[host] += 1
        # One page behind a login does not close a site that has shown others.
        if reason in blocks.OF_THE_HOST and not (reason == "login" and host in self.open):
            self._leave(request, f"left alone: {reason}", outcome=outcome)
        elif self.misses[host] >= PATIENCE[outcome]:
            times = f"{self.misses[host]} answers in a row that gave nothing"
            self._leave(request, f"left alone after {times}, the last: {reason}", outcome=outcome)

    def _leave(self, request: Request, why: str, *, outcome: str) -> None:
        host = urlsplit(request.url).netloc
        if host not in self.left:
            self.left[host] = f"{host} {why}", outcome
            self._spider.progress[self._source(request)].note(f"{host} {why}")
            told = {"event": "host-left", "source": self._source(request), "url": request.url}
            logger.warning("%s %s", host, why, extra=told)

    def _heed_retry_after(self, request: Request, value: str | None) -> None:
        host = urlsplit(request.url).netloc
        slot = self._slot(urlsplit(request.url).hostname or "")
        if slot is None:
            return
        if value is None:
            slot.delay = self.delay_of.pop(host, slot.delay)
            return
        wait = _seconds(value)
        if wait > LONGEST_WAIT:
            self._leave(request, f"left alone: it asks to come back in {wait:.0f} s (Retry-After)", outcome="blocked")
        else:
            self.delay_of.setdefault(host, slot.delay)
            slot.delay = max(slot.delay, wait * 2)  # the slot's jitter may halve it

    def _slot(self, hostname: str) -> Any:
        engine = self.crawler.engine
        return engine.downloader.slots.get(hostname) if engine else None

    @property
    def _user_agent(self) -> str:
        return str(self.crawler.settings["USER_AGENT"])

    @property
    def _spider(self) -> Any:
        return self.crawler.spider


def _head(body: bytes) -> bytes:
    """Give the bytes, in lower case, of the 4,096 characters in which Scrapy looks for a refresh, be they UTF-16."""
    return body[: 4 * 4096].replace(b"\0", b"").lower()


def _joined(headers: Headers) -> dict[str, str]:
    """Give headers with lower-case names; those given twice joined by a comma (RFC 9110, 5.3)."""
    return {name.decode("latin-1").lower(): b", ".join(values).decode("latin-1") for name, values in headers.items()}


def _pairs(headers: Headers) -> Iterable[tuple[str, str]]:
    for name, values in headers.items():
        for value in values:
            yield name.decode("latin-1"), value.decode("latin-1")


def _seconds(retry_after: str) -> float:
    """Read a Retry-After (RFC 9110, 10.2.3): seconds, or a date; what is neither asks for nothing."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
