"""Every answer becomes a capture before anything else may happen to it; a host that gives nothing is left alone."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from scrapy import signals
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Headers, Request, Response

from archive.records import Capture
from crawler.clock import now
from pipelines import blocks

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.robotstxt import RobotParser

logger = logging.getLogger(__name__)

PATIENCE = 6
"""Answers in a row that gave nothing (blocked, failed, none at all), retries counted, after which a host is left."""

LONGEST_WAIT = 120.0
"""The longest Retry-After, in seconds, that a run waits for; a host that asks for more is left."""


class HostLeft(IgnoreRequest):
    """A request was not made, because its host has been left alone for this run."""


class CaptureMiddleware:
    """Hands every answer, and every failure to get one, to the archive."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.misses: Counter[str] = Counter()
        self.left: dict[str, str] = {}
        self.source_of: dict[str, str] = {}
        self.delay_of: dict[str, float] = {}
        self.robots_down: dict[str, int] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler)
        crawler.signals.connect(middleware.robots_parsed, signals.robots_parsed)
        return middleware

    def process_request(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        if host in self.left:
            raise HostLeft(self.left[host])
        request.meta["asked_at"] = (now(), monotonic())

    def process_response(self, request: Request, response: Response) -> Request | Response:
        headers = {name.lower(): value for name, value in _pairs(response.headers)}
        verdict = blocks.judge(status=response.status, headers=headers, body=response.body)
        outcome, reason = (verdict.outcome, verdict.reason) if verdict else ("new", None)
        host = urlsplit(request.url).netloc
        if 300 <= response.status < 400 and verdict is None:
            outcome, reason = ("not-modified", None) if response.status == 304 else ("moved", headers.get("location"))
            target = urljoin(request.url, headers.get("location", ""))
            self.source_of.setdefault(urlsplit(target).netloc, self._source(request))
        cut_off = "dataloss" in response.flags
        if cut_off:
            outcome, reason = (
                "failed",
                f"cut off after {len(response.body)} of {headers.get('content-length', '?')} bytes",
            )
        self._save(request, outcome=outcome, reason=reason, response=response)
        self._judge_host(host, miss=outcome in ("blocked", "failed"), reason=reason)
        self._heed_retry_after(host, headers.get("retry-after") if response.status in (429, 503) else None)
        if response.status >= 500 and self._is_robots(request):
            self.robots_down[host] = response.status
            return response.replace(body=b"User-agent: *\nDisallow: /\n")
        if cut_off and host not in self.left:
            return get_retry_request(request, spider=self._spider, reason="cut off") or response
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        if isinstance(exception, HostLeft):
            return
        outcome = "refused" if isinstance(exception, IgnoreRequest) else "failed"
        reason = f"{type(exception).__name__}: {exception}"[:300]
        if status := outcome == "refused" and self.robots_down.get(urlsplit(request.url).netloc):
            reason = f"robots.txt answers {status}, which forbids everything (RFC 9309, 2.3.1.4)"
        self._save(request, outcome=outcome, reason=reason, response=None)
        if outcome == "failed":
            self._judge_host(urlsplit(request.url).netloc, miss=True, reason=f"{type(exception).__name__}: {exception}")

    def robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        """Keep to a Crawl-delay, which Scrapy reads but does not heed by itself."""
        delay = robotparser.crawl_delay(self.crawler.settings["USER_AGENT"])
        slot = self._slot(urlsplit(request.url).hostname or "")
        if delay and slot:
            slot.delay = max(slot.delay, float(delay))

    def _save(self, request: Request, *, outcome: str, reason: str | None, response: Response | None) -> None:
        at, began = request.meta.get("asked_at") or (now(), monotonic())
        saved = self._spider.store.capture(
            Capture(
                run=self._spider.run.id,
                source=self._source(request),
                url=request.url,
                at=at,
                kind="robots" if self._is_robots(request) else request.meta["kind"],
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
        logger.info("%s %s %s %s", self._source(request), saved.outcome, request.url, reason or "")

    def _is_robots(self, request: Request) -> bool:
        return "kind" not in request.meta  # Scrapy's own request; all others are the spider's

    def _source(self, request: Request) -> str:
        host = urlsplit(request.url).netloc
        source = request.meta.get("source") or self.source_of.get(host) or self._spider.source_of(host)
        return str(source)

    def _judge_host(self, host: str, *, miss: bool, reason: str | None) -> None:
        self.misses[host] = self.misses[host] + 1 if miss else 0
        if self.misses[host] >= PATIENCE:
            self._leave(
                host, f"{host} left alone after {PATIENCE} answers in a row that gave nothing, the last: {reason}"
            )

    def _leave(self, host: str, why: str) -> None:
        if host not in self.left:
            self.left[host] = why
            logger.warning("%s", why)

    def _heed_retry_after(self, host: str, value: str | None) -> None:
        slot = self._slot(host.partition(":")[0])
        if slot is None:
            return
        if value is None:
            slot.delay = self.delay_of.pop(host, slot.delay)
            return
        wait = _seconds(value)
        if wait > LONGEST_WAIT:
            self._leave(host, f"{host} left alone: it asks to come back in {wait:.0f} s (Retry-After)")
        else:
            self.delay_of.setdefault(host, slot.delay)
            slot.delay = max(slot.delay, wait * 2)  # the slot's jitter may halve it

    def _slot(self, hostname: str) -> Any:
        engine = self.crawler.engine
        return engine.downloader.slots.get(hostname) if engine else None

    @property
    def _spider(self) -> Any:
        return self.crawler.spider


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
