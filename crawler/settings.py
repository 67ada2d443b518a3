"""Scrapy's settings: polite, single-minded, closed to the outside."""

from __future__ import annotations

import os
from importlib.metadata import version

BOT_NAME = "gongkai"
SPIDER_MODULES = ["crawler.spider"]
CONTACT = os.environ.get("GONGKAI_CONTACT", "")
USER_AGENT = (
    f"gongkai/{version('gongkai')} (archive of yearly government disclosure reports{CONTACT and '; ' + CONTACT})"
)

ARCHIVE = "gongkai.sqlite"
CLEAN_WORKERS = os.cpu_count() or 1

DEFAULT_REQUEST_HEADERS = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "zh-CN,zh;q=0.9"}

ASYNCIO_EVENT_LOOP = "uvloop.Loop"  # a fetch costs a fifth less than with Python's own
ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS = 256  # over all hosts
SCRAPER_SLOT_MAX_ACTIVE_SIZE = 20_000_000  # bytes of pages that wait to be cleaned, so that cleaning never waits
CONCURRENT_ITEMS = 1  # of one answer: Scrapy starts as many tasks for each, and our pages give one at the most
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 1.0  # seconds; a source may set its own
DOWNLOAD_TIMEOUT = 30
BROWSER_TIMEOUT = 90  # seconds for a page and all that its scripts ask for
DOWNLOAD_MAXSIZE = 32 * 1024 * 1024  # bytes, after unpacking
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = False  # what did come is kept, and marked
RETRY_TIMES = 2
COOKIES_ENABLED = False  # and no list of domain suffixes is fetched to sort them

DOWNLOAD_VERIFY_CERTIFICATES = True  # a source may say otherwise, and its visits tell so: crawler/tls.py
DOWNLOAD_HANDLERS = {"http": "crawler.connections.Http", "https": "crawler.tls.Https"} | dict.fromkeys(
    ("data", "file", "ftp", "s3")
)
REMOTE_CONTROL_ENABLED = False
TELNETCONSOLE_ENABLED = False
STATS_CLASS = "scrapy.statscollectors.DummyStatsCollector"  # what a run did, the archive knows
DOWNLOADER_STATS = False
EXTENSIONS_BASE = {}
EXTENSIONS = {"crawler.progress.Progress": 500}

DOWNLOADER_MIDDLEWARES = {
    # Capture sits below retries and redirects, so that it sees every answer, but above decompression.
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "crawler.compression.CompressionMiddleware": 820,
    "crawler.middlewares.CaptureMiddleware": 810,
    "crawler.browser.BrowserMiddleware": 805,
}
SPIDER_MIDDLEWARES_BASE = {"scrapy.spidermiddlewares.referer.RefererMiddleware": 700}  # an error page is an answer too
ITEM_PIPELINES = {"pipelines.items.CleanPipeline": 500}
LOG_LEVEL = "WARNING"
