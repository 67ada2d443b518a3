"""Scrapy's item pipeline: the raw bytes are on disk already; clean them away from the reactor, save the text."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from archive.records import Uncleaned
from archive.rows import TextRows, of_text
from pipelines.pool import EndedError
from pipelines.rebuild import clean_left
from pipelines.workers import CleaningError, Workers, clean_one, given_up, why

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

logger = logging.getLogger(__name__)

TOGETHER = 0.25
"""Seconds that texts wait for those still being made, to be saved together: sixteen at once cost half of what each does alone."""


class CleanPipeline:
    """Cleans report pages in worker processes and saves their texts, those that an earlier run left behind first."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.under_way = 0
        self.made: list[tuple[str, TextRows]] = []
        self.all_made = asyncio.Event()
        self.workers = Workers(crawler.settings.getint("CLEAN_WORKERS"))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def open_spider(self) -> None:
        """Clean what is in the archive without a text."""
        self.workers.start()
        for url, error in clean_left(self._spider.store, workers=self.workers):
            if error:
                logger.warning("%s: still not cleaned: %s", url, error)

    async def process_item(self, item: Uncleaned) -> Uncleaned:
        """Clean one payload and save its text; raises CleaningError where it cannot be: its bytes stay, and the run says so."""
        self.under_way += 1
        try:
            text = await asyncio.wrap_future(self.workers.submit(clean_one, item))
        except (TimeoutError, MemoryError, EndedError) as error:
            unread = given_up(item, error)
            if unread is None:
                raise CleaningError(why(error)) from error
            text = of_text(unread)
        finally:
            self.under_way -= 1
        if not self.made:
            self.saved = asyncio.ensure_future(self._save())
        self.made.append((item.payload, text))
        if not self.under_way:
            self.all_made.set()
        await self.saved
        return item

    async def _save(self) -> None:
        """Save in one transaction what is made by the time that all is, or soon."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.all_made.wait(), TOGETHER)
        self.all_made.clear()
        made, self.made = self.made, []
        self._spider.store.save_texts(made)

    def close_spider(self) -> None:
        """End the worker processes."""
        self.workers.close()

    @property
    def _spider(self) -> Any:
        return self.crawler.spider
