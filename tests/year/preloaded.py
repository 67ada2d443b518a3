# ruff: noqa: F401
"""What takes long to import and does not know the time: loaded once, before the processes are forked that crawl."""

import scrapy.core.downloader.handlers.http11
import scrapy.crawler

import archive.store
import pipelines.clean
import pipelines.items
