"""How far a crawl is: a bar on a terminal, a plain line every ten seconds elsewhere; silent under plain Scrapy logs."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Self

from scrapy import signals
from scrapy.exceptions import NotConfigured
from tqdm import tqdm

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

EVERY = 10.0
"""Seconds between two plain lines."""


class Progress:
    """Counts the requests scheduled and those done with."""

    def __init__(self) -> None:
        self.bar = tqdm(desc="pages", total=0, unit="", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False)
        self.asked = self.done = 0
        self.said_at = monotonic()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        if not crawler.settings.getbool("PROGRESS"):
            raise NotConfigured
        progress = cls()
        crawler.signals.connect(progress.request_scheduled, signals.request_scheduled)
        crawler.signals.connect(progress.request_left_downloader, signals.request_left_downloader)
        crawler.signals.connect(progress.spider_closed, signals.spider_closed)
        return progress

    def request_scheduled(self) -> None:
        self.asked += 1
        self.bar.total = self.asked
        self.bar.refresh()

    def request_left_downloader(self) -> None:
        self.done += 1
        self.bar.total = max(self.asked, self.done)  # robots.txt is fetched without being scheduled
        self.bar.update()
        if self.bar.disable and monotonic() - self.said_at >= EVERY:
            self.said_at = monotonic()
            sys.stderr.write(f"{self.done} of {max(self.asked, self.done)} pages so far\n")

    def spider_closed(self) -> None:
        self.bar.close()
