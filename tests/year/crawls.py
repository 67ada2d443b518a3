"""Crawls on some days by a clock of their own: what a timer would start, in a process that may be killed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from time import monotonic
from typing import Any
from urllib.request import urlopen

from pipelines import items, workers

SETTINGS = {"DOWNLOAD_TIMEOUT": 2}


class Here(workers.Workers):
    """Cleans in this process: others would take a second of each day to start."""

    def __init__(self, count: int) -> None:
        self.count = count

    def submit(self, work: Callable[[Any], Any], given: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(given))
        return done

    def close(self) -> None: ...


def cpu() -> float:
    """Give the seconds of processor time that this process and those it ended have had."""
    return sum(sum(getrusage(who)[:2]) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))


def main(folder: Path, begin: datetime, proxy: str, days: Sequence[tuple[int, float]], *, alone: bool) -> None:
    """Crawl what is due on these days of the country, each so many hours after its beginning by this machine's clock.

    Adds a line for each run to FOLDER/runs.jsonl; what is said goes to FOLDER/said.txt. A day that is `alone` is
    crawled by `gongkai crawl --due` itself, and ends as that does.
    """
    os.environ["http_proxy"] = proxy
    said = os.open(folder / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    hours, since, spent = 0.0, monotonic(), 0.0

    def now() -> str:
        at = begin + timedelta(hours=hours, seconds=monotonic() - since)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def turn(day: int, clock_says: float) -> None:
        nonlocal hours, since, spent
        with urlopen(f"http://calendar.example/{day}"):
            hours, since, spent = clock_says, monotonic(), cpu()

    from crawler import clock

    clock.now = now  # before anything takes it from there
    vars(items)["Workers"] = Here
    from crawler import settings, sources
    from crawler.run import Job, Result, crawl

    def job(day: int, clock_says: float) -> Job:
        def done(result: Result) -> None:
            told = {
                "run": result.run, "day": day, "cpu": cpu() - spent, "seconds": monotonic() - since, "idle": result.idle,
                "visits": {v.source: [v.status, v.reason, v.requests] for v in result.visits},
            }  # fmt: skip
            with (folder / "runs.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(told, ensure_ascii=False) + "\n")

        return Job(sources=known, before=lambda: turn(day, clock_says), after=done)

    archive, path = folder / "disk" / "a.sqlite", folder / "sources.toml"
    if alone:
        from crawler.cli import main as command

        vars(settings).update(SETTINGS)
        turn(*days[0])
        sys.argv[0] = "gongkai"
        command(["crawl", "--due", "--archive", str(archive), "--sources", str(path)])
    known = sources.load(path)
    crawl([job(*day) for day in days], archive=archive, due=True, settings=SETTINGS)
