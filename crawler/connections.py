"""Connections to hosts, kept open from one request to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Http(HTTP11DownloadHandler):
    """Fetches http; where all hosts are reached through one proxy, which Twisted takes for one host, each still has its connection."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool.maxPersistentPerHost = crawler.settings.getint("CONCURRENT_REQUESTS")
