"""Running crawls in this process, one after another: the reactor can be started only once."""

from __future__ import annotations

import gc
import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from archive.database import WriteError
from archive.records import Visit
from crawler.sources import Source


class Exit(IntEnum):
    """How a command ended."""

    WELL = 0
    SOME_FAILED = 1  # some sources gave less than was asked, or the archive has faults
    MISUSE = 2  # bad options, sources or files
    NOTHING_WORKED = 3  # no source gave what was asked
    LOCKED = 4  # another process is writing to the archive
    INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a crawl came to: its run, how it ended, each source's visit, how many had nothing due, and how many were left."""

    run: str
    status: str
    visits: tuple[Visit, ...]
    idle: int = 0
    left: int = 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One crawl: which sources, the name of its run, and what to do before and after it."""

    sources: Sequence[Source]
    label: str = ""
    before: Callable[[], None] = lambda: None
    after: Callable[[Result], None] = lambda _: None


def crawl(
    jobs: Iterable[Job],
    *,
    archive: Path,
    limit: int = 0,
    wake: bool = False,
    due: bool = False,
    minutes: float = 0,
    requests: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> list[Result]:
    """Run the jobs in turn, stopping after one that was interrupted; raises what kept a crawl from starting or going on.

    `limit` is the most reports asked for at a source; `wake` visits sources that rest after having blocked us too;
    `due` asks only for what is due by `crawler.schedule`; `minutes` and `requests` are what each may cost.
    """
    # A page makes thousands of objects and few circles of them: to look for these took 8 % of a run.
    gc.set_threshold(20_000, 20, 20)

    from scrapy.crawler import AsyncCrawlerProcess
    from scrapy.settings import Settings

    from crawler.spider import ReportsSpider

    own = Settings()
    own.setmodule("crawler.settings", priority="project")
    own.update({"ARCHIVE": str(archive), **(settings or {})}, priority="cmdline")
    process = AsyncCrawlerProcess(own)
    _quieten()  # after Scrapy has set up its logging, which forgets what was set before
    left = list(jobs)
    results: list[Result] = []
    errors: list[BaseException] = []

    def next_job() -> None:
        job = left.pop(0)
        job.before()
        crawler = process.create_crawler(ReportsSpider)
        asked = {"limit": limit, "wake": wake, "due": due, "minutes": minutes, "requests": requests}
        task = process.crawl(crawler, sources=job.sources, label=job.label, **asked)
        task.add_done_callback(lambda done: ended(job, crawler, done))

    def ended(job: Job, crawler: Any, done: Any) -> None:
        spider = crawler.spider
        if error := done.exception() or spider.error:
            cannot_write = isinstance(error, sqlite3.OperationalError)
            errors.append(WriteError(archive, error, kept=spider.kept if spider else 0) if cannot_write else error)
            return
        visits = tuple(spider.visits[s.id] for s in job.sources if s.id in spider.visits)  # they end in any order
        result = Result(
            run=spider.run.id, status=spider.status, visits=visits, idle=spider.idle, left=len(spider.left)
        )  # fmt: skip
        results.append(result)
        job.after(result)
        if left and spider.status != "interrupted":
            next_job()

    next_job()
    process.start()
    gc.freeze()  # nor are they to be looked for once more at the end of the process
    if errors:
        raise errors[0]
    return results


def _quieten() -> None:
    """Keep Scrapy from telling at length what is told once: in the visit, or as what ended the run."""
    for name in ("retry", "robotstxt"):
        logging.getLogger(f"scrapy.downloadermiddlewares.{name}").setLevel(logging.CRITICAL)
    logging.getLogger("scrapy").setLevel(logging.INFO)  # what it tells of each request, nobody is shown
    logging.getLogger("scrapy.core.scraper").addFilter(_is_of_a_page)


def _is_of_a_page(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], sqlite3.OperationalError))


def exit_code(status: str, visits: Sequence[Visit]) -> Exit:
    """Judge a run by its visits: it must have done what was asked at every source, as far as its budget went."""
    if status == "interrupted":
        return Exit.INTERRUPTED
    bad = [visit for visit in visits if visit.status not in ("ok", "unfinished")]
    if not bad:
        return Exit.WELL
    return (
        Exit.SOME_FAILED
        if len(bad) < len(visits) or any(v.status in ("partial", "thin") for v in bad)
        else Exit.NOTHING_WORKED
    )


def visit_table(visits: Sequence[Visit]) -> str:
    """Set out visits as a table, a reason under each source that has one."""
    head = ("source", "status", "requests", "listed", "new", "changed", "same", "gone", "blocked", "failed")
    rows = [
        (
            v.source,
            v.status,
            *map(str, (v.requests, v.listed, v.new, v.changed, v.unchanged, v.gone, v.blocked, v.failed)),
        )
        for v in visits
    ]
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = []
    for row, visit in zip((head, *rows), (None, *visits), strict=True):
        cells = [cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells))
        if visit and visit.reason:
            lines.append(f"    {visit.reason}")
    return "\n".join(lines)
