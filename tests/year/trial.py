"""The trial: each day of the year a crawl, on a machine with faults of its own."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from archive.database import connect
from year import crawls
from year.country import Country
from year.disk import Disk
from year.web import Fuse, Web, serve

WEEKLY = ("full", "frozen", "back", "ahead", "", "", "", "")
"""What is wrong with our machine on one day of a week: its disk is full or read-only, its clock a day back or ahead.

On another day of each week the crawl is killed; every second time it is started again within the hour.
"""

Days = list[tuple[int, float]]


@dataclass(kw_only=True)
class Year:
    """What happened: the day of each run, what was told of the finished ones, and how runs on a bad disk ended."""

    country: Country
    web: Web
    days: dict[str, int] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)
    ended: list[tuple[int, str, int, str]] = field(default_factory=list)

    @property
    def missed(self) -> set[int]:
        """The days on which no crawl came to its end, or one that took up what an earlier one had left."""
        finished = {one["day"] for one in self.told}
        return {day for day in range(self.country.days) if day not in finished} | {day + 1 for day in self.killed}


def fault(day: int) -> str:
    """Say what is wrong with our machine on a day."""
    return "killed" if day % 7 == 4 else WEEKLY[day // 7 % len(WEEKLY)] if day % 7 == 1 else ""


def clock(country: Country, day: int) -> float:
    """Say how many hours after the beginning a day's crawl is started by this machine's clock: about the same hour each."""
    summer = country.days // 4 <= day < country.days * 5 // 6
    wrong = {"back": -24, "ahead": 24}.get(fault(day), 0)
    return 24 * day + summer + wrong + Random(f"{country.seed} {day}").random() / 5


def run(country: Country, folder: Path, disk: Disk) -> Iterator[Year]:
    """Crawl on every day; gives the year so far after each process."""
    (folder / "sources.toml").write_text(country.sources_toml(), encoding="utf-8")
    year = Year(country=country, web=Web(country=country))
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["year.preloaded"])
    with serve(year.web) as proxy:
        for days in segments(country, able=disk.mounted):
            last = days[-1][0]
            bad = fault(last) if disk.mounted and fault(last) in ("full", "frozen") else ""
            if bad:
                disk.fill(kilobytes=Random(last).randint(40, 300)) if bad == "full" else disk.freeze()
            process = processes.Process(
                target=crawls.main, args=(folder, country.begin, proxy, days), kwargs={"alone": bool(bad)}
            )
            process.start()
            if fault(last) == "killed" and days[-1][1] == clock(country, last):
                left = Random(last).randint(1, max(2, country.offices // 4))
                year.web.fuse = Fuse(day=last, left=left, deed=process.kill)
            process.join()
            year.web.fuse = None
            disk.grow()
            said = (folder / "said.txt").read_text(encoding="utf-8")
            if bad:
                year.ended.append((last, bad, process.exitcode or 0, said.strip()))
            elif process.exitcode == -signal.SIGKILL:
                year.killed.append(last)
            elif process.exitcode:
                raise RuntimeError(f"days {days}: exit {process.exitcode}: {said[-3000:]}")
            _note(year, folder, last=last)
            yield year


def segments(country: Country, *, able: bool) -> Iterator[Days]:
    """Part the days into processes: one that is killed is the last of its process, one on a bad disk has its own."""
    days: Days = []
    for day in range(country.days):
        alone = able and fault(day) in ("full", "frozen")
        if alone and days:
            yield days
            days = []
        days.append((day, clock(country, day)))
        if alone or fault(day) == "killed":
            yield days
            days = [(day, clock(country, day) + 1)] if fault(day) == "killed" and day % 2 else []
    if days:
        yield days


def _note(year: Year, folder: Path, *, last: int) -> None:
    """Take in what a process told, and lay the runs that could tell nothing to its last day."""
    told = folder / "runs.jsonl"
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    new = [json.loads(line) for line in lines[len(year.told) :]]
    year.told += new
    year.days |= {one["run"]: one["day"] for one in new}
    with closing(connect(folder / "disk" / "a.sqlite")) as db:
        year.days |= {run: last for (run,) in db.execute("SELECT id FROM runs") if run not in year.days}
        if db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise RuntimeError(f"day {last}: the archive is damaged")


def clocks(country: Country) -> Mapping[int, int]:
    """Say which day it is by this machine's clock, by the day that it is."""
    return {day: int((country.begin.hour + clock(country, day)) // 24) for day in range(country.days)}
