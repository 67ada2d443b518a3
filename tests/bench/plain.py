"""The baselines: plain Scrapy, `trafilatura.extract` in the item pipeline, a JSON-lines feed; and Scrapy that only fetches.

`plain.py extract|fetch URLS FEED`. They are spared all finding: the addresses of the reports are given, one a line.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import scrapy
import trafilatura
from scrapy.crawler import AsyncCrawlerProcess

from crawler import settings


class ExtractPipeline:
    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        item["text"] = trafilatura.extract(item.pop("html"), include_tables=True)
        return item


class PlainSpider(scrapy.Spider):
    name = "plain"

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for url in Path(sys.argv[2]).read_text(encoding="utf-8").split():
            yield scrapy.Request(url)

    def parse(self, response: scrapy.http.TextResponse) -> Iterator[dict[str, Any]]:
        if sys.argv[1] == "extract":
            yield {"url": response.url, "html": response.text}


SAME = {"ASYNCIO_EVENT_LOOP": settings.ASYNCIO_EVENT_LOOP, "DOWNLOAD_HANDLERS": settings.DOWNLOAD_HANDLERS}
"""How gongkai's Scrapy fetches: what is only to fetch does so too."""

if __name__ == "__main__":
    process = AsyncCrawlerProcess(
        {
            "CONCURRENT_REQUESTS": 256,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": True,
            "COOKIES_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "LOG_LEVEL": "WARNING",
            "ITEM_PIPELINES": {ExtractPipeline: 500},
            "FEEDS": {sys.argv[3]: {"format": "jsonlines"}},
        }
        | (SAME if sys.argv[1] == "fetch" else {})
    )
    process.crawl(PlainSpider)
    process.start()
