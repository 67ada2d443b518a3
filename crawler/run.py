"""Running crawls in this process, one after another: the reactor can be started only once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.records import Visit
from crawler.sources import Source


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a crawl came to: its run, how it ended, and each source's visit."""

    run: str
    status: str
    visits: tuple[Visit, ...]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One crawl: which sources, the name of its run, and what to do before and after it."""

    sources: Sequence[Source]
    label: str = ""
    before: Callable[[], None] = lambda: None
    after: Callable[[Result], None] = lambda _: None


def crawl(
    jobs: Iterable[Job], *, archive: Path, limit: int = 0, settings: Mapping[str, Any] | None = None
) -> list[Result]:
    """Run the jobs in turn, stopping after one that was interrupted; raises what kept a crawl from starting."""
    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.settings import Settings

    from crawler.spider import ReportsSpider

    own = Settings()
    own.setmodule("crawler.settings", priority="project")
    own.update({"ARCHIVE": str(archive), **(settings or {})}, priority="cmdline")
    process = AsyncCrawlerProcess(own)
    left = list(jobs)
    results: list[Result] = []
    errors: list[BaseException] = []

    def next_job() -> None:
        job = left.pop(0)
        job.before()
        crawler = process.create_crawler(ReportsSpider)
        task = process.crawl(crawler, sources=job.sources, label=job.label, limit=limit)
        task.add_done_callback(lambda done: ended(job, crawler, done))

    def ended(job: Job, crawler: Any, done: Any) -> None:
        if error := done.exception():
            errors.append(error)
            return
        spider = crawler.spider
        result = Result(run=spider.run.id, status=spider.status, visits=tuple(spider.visits.values()))
        results.append(result)
        job.after(result)
        if left and spider.status == "finished":
            next_job()

    next_job()
    process.start()
    if errors:
        raise errors[0]
    return results
