"""Every day, unattended: what a run may cost, one run at a time, disks that fail, logs, and the units that start it."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
import sites
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scrapy import Request
from year.disk import Disk, disk

from archive import reader
from archive.database import connect
from archive.records import Office, Visit
from archive.store import Store
from archive.verify import faults
from crawler import logs
from crawler.cli import main
from crawler.run import Exit

HERE = Path(__file__).parent
UNITS = HERE.parent / "crawler" / "daily"
BIG = 60
OFFICES = ("o0", "o1", "o2", "o3", "big")
ALL_WELL = dict.fromkeys(OFFICES, "ok")


def big(path: str, count: int) -> sites.Answer:
    """List sixty reports."""
    if path == "/nb/":
        names = (f"云岫县第{n}中学{2010 + n % 10}年政府信息公开工作年度报告" for n in range(BIG))
        return sites.page("".join(f'<li><a href="/nb/t{n}.html">{name}</a></li>' for n, name in enumerate(names)))
    if path.startswith("/nb/t"):
        number = int(path[5:-5])
        return sites.report(2010 + number % 10, f"云岫县第{number}中学")
    return sites.healthy(path, count)


@dataclass(frozen=True, kw_only=True)
class Town:
    """Offices that are served while the gate is open, their file of sources, an archive on a disk, and what was asked."""

    disk: Disk
    proxy: str
    asked: list[str]
    gate: Event

    @property
    def folder(self) -> Path:
        return self.disk.folder

    @property
    def archive(self) -> Path:
        return self.folder / "a.sqlite"

    def begin(self, *words: object, fault: str = "none", after: int = 0) -> subprocess.Popen[str]:
        """Begin a crawl in a process of its own, in which something may fail."""
        command = [sys.executable, str(HERE / "daily/run.py"), fault, str(after), *map(str, words)]
        command += ["--archive", str(self.archive), "--sources", str(self.folder / "s.toml")]
        env = os.environ | {"http_proxy": self.proxy, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE}"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def crawl(self, *words: object, **more: Any) -> subprocess.CompletedProcess[str]:
        """Crawl, and give what was said."""
        with self.begin(*words, **more) as process:
            said, errors = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, said, errors)

    def rows(self, query: str) -> list[Any]:
        with closing(connect(self.archive)) as db:
            return [tuple(row) for row in db.execute(query)]

    def faults(self) -> list[str]:
        """Name what is wrong with the archive, read anew from its file."""
        with closing(connect(self.archive)) as db:
            return [*faults(db)]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Four offices of three reports each, and one of sixty."""
    gate = Event()
    gate.set()

    def served(site: sites.Site) -> sites.Site:
        return lambda path, count: site(path, count) if gate.wait(60) else (503, {}, b"")

    answers = {f"{name}.example": served(big if name == "big" else sites.healthy) for name in OFFICES}
    lines = (f'[{name}]\nname = "{name}"\nstart_urls = ["http://{name}.example/"]\ndelay = 0\n' for name in OFFICES)
    with disk(tmp_path / "town") as mounted, sites.serve(answers) as (proxy, asked):
        (mounted.folder / "s.toml").write_text("\n".join(lines), encoding="utf-8")
        yield Town(disk=mounted, proxy=proxy, asked=asked, gate=gate)


# --- what a run may cost -----------------------------------------------------------------------------------------


def test_a_run_ends_well_where_its_budget_is_spent_and_the_next_begins_with_what_was_left(town: Town) -> None:
    log = town.folder / "crawl.jsonl"
    first = town.crawl("--due", "--requests", 17, "--log", log)
    assert first.returncode == Exit.WELL, first.stdout + first.stderr
    assert len(town.asked) == 17
    assert "the budget is spent: 1 sources cut off, 2 not begun" in first.stdout
    assert town.rows("SELECT status FROM runs") == [("spent",)]
    assert town.rows("SELECT source, status FROM visits ORDER BY source") == [
        ("o0", "ok"),
        ("o1", "ok"),
        ("o2", "unfinished"),
    ]
    assert town.rows("SELECT DISTINCT source FROM columns ORDER BY source") == [("o0",), ("o1",)]
    town.asked.clear()
    second = town.crawl("--due")
    assert second.returncode == Exit.WELL, second.stdout + second.stderr
    assert dict(town.rows("SELECT source, status FROM visits WHERE status != 'unfinished'")) == ALL_WELL
    assert {url.split("/")[2] for url in town.asked} == {"o2.example", "o3.example", "big.example"}, (
        "the others are not due"
    )
    reports = Counter(town.rows("SELECT page FROM captures WHERE kind = 'report'"))
    assert (len(reports), max(reports.values())) == (4 * 3 + BIG, 1), "nothing is asked twice"
    assert town.faults() == []
    assert_logged(town, log)


def assert_logged(town: Town, log: Path) -> None:
    """A line for each capture, visit, and end of a run: JSON, with the run, and no words of the pages."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    ((run,),) = town.rows("SELECT id FROM runs WHERE status = 'spent'")
    events = [line["event"] for line in lines]
    assert {line["run"] for line in lines[events.index("run-begun") :]} == {run}
    assert all({"at", "level", "event", "message"} <= line.keys() for line in lines)
    told = Counter((line["source"], line["url"]) for line in lines if line["event"] == "capture")
    assert told == Counter(
        town.rows(f"SELECT source, url FROM captures JOIN pages ON pages.id = page WHERE run = '{run}'")
    )
    assert events.count("run-ended") == 1
    assert "编制本年度报告" not in log.read_text(encoding="utf-8")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(costs=st.lists(st.integers(1, 60), min_size=1, max_size=6), budget=st.integers(5, 30))
def test_no_source_waits_for_ever(store: Store, costs: list[int], budget: int) -> None:
    """Each day's run has a budget, and one source is under way at a time; some sources are too big for any run."""
    trial = secrets.token_hex(4)
    cost = {f"{trial}_{n}": cost for n, cost in enumerate(costs)}
    offices = [Office(id=name, name="x", agency="x", region="", level="department", hosts=()) for name in cost]
    begun: dict[str, list[int]] = {name: [0] for name in cost}
    whole: dict[str, list[int]] = {name: [0] for name in cost}
    days = 4 * len(costs)
    for day in range(1, days + 1):
        at = f"2026-01-{day:02}T08:00:00.000Z"
        run = store.begin_run(offices, at=at).id
        left = budget
        for name in sorted(cost, key=lambda name: reader.last_turn(store.db, name)):
            if left:
                begun[name].append(day)
                done = cost[name] <= left
                left -= min(cost[name], left)
                store.end_visit(run, Visit(source=name, status="ok" if done else "unfinished"))
                whole[name] += [day] * done
        store.end_run(run, [], at=at, status="spent")
    for name, requests in cost.items():
        for turns in (begun, whole) if requests <= budget else (begun,):
            assert max(b - a for a, b in pairwise([*turns[name], days + 1])) <= 2 * len(costs)


# --- one run at a time, and what was cut off ---------------------------------------------------------------------


def test_two_crawls_at_once(town: Town) -> None:
    town.gate.clear()
    with town.begin("o0") as first:
        while not town.asked:
            sleep(0.05)
        second = town.crawl("--due")
        town.gate.set()
        first.communicate(timeout=300)
    assert (first.returncode, second.returncode) == (Exit.WELL, Exit.LOCKED)
    since = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.search(rf"locked by process {first.pid}, which has been writing to it {since}", second.stderr), (
        second.stderr
    )


@pytest.mark.soak
def test_due_takes_up_what_was_killed(town: Town) -> None:
    killed = town.crawl("--due", fault="die", after=40)
    assert killed.returncode == -signal.SIGKILL
    before = Counter(town.asked)
    done = town.crawl("--due")
    assert done.returncode == Exit.WELL, done.stdout + done.stderr
    assert dict(town.rows("SELECT source, status FROM visits")) == ALL_WELL
    again = [url for url, times in Counter(town.asked).items() if times > 1 and "/nb/t" in url]
    assert len(again) <= 5, "no more than was in flight, one a host"
    assert sum(before.values()) < len(town.asked)
    assert town.faults() == []


# --- disks -------------------------------------------------------------------------------------------------------

FAULTS = [
    ("read-only", "attempt to write a readonly database. Make its disk, folder and file writable, then start again"),
    pytest.param("full", "database or disk is full. Make room on its disk, then", marks=pytest.mark.soak),
    pytest.param("limit", r"disk I/O error. Look after its disk, which has no room, or fails", marks=pytest.mark.soak),
]


@pytest.mark.parametrize(("fault", "says"), FAULTS)
def test_a_disk_that_fails_in_mid_run(town: Town, fault: str, says: str) -> None:
    failed = town.crawl("--due", fault=fault, after=20)
    assert_stopped(town, failed, says=says, code=Exit.SOME_FAILED)
    assert len(town.asked) <= 20 + 2 * len(OFFICES), "nothing more is asked"
    assert_goes_on(town)


def test_a_disk_that_is_full_in_mid_run_and_then_read_only(town: Town) -> None:
    if not town.disk.mounted:
        pytest.skip("this machine lets us mount no disk")
    with Store(town.archive):
        pass
    town.disk.fill(kilobytes=500)
    full = "database or disk is full. Make room on its disk"
    assert_stopped(town, town.crawl("--due"), says=full, code=Exit.SOME_FAILED)
    town.disk.freeze()
    read_only = "Read-only file system.*Make its disk, folder and file writable"
    assert_stopped(town, town.crawl("--due"), says=read_only, code=Exit.NOTHING_WORKED)
    town.disk.grow()
    assert_goes_on(town)


def assert_stopped(town: Town, failed: subprocess.CompletedProcess[str], *, says: str, code: Exit) -> None:
    """One line says what, where and what to do."""
    (line,) = [line for line in failed.stderr.splitlines() if "pages so far" not in line]
    assert re.search(rf"^Error: {town.archive}: cannot be written to: .*{says}", line), failed.stderr
    assert failed.returncode == code


def assert_goes_on(town: Town) -> None:
    """The archive is whole, and the next run completes."""
    assert town.faults() == []
    done = town.crawl("--due")
    assert done.returncode == Exit.WELL, done.stdout + done.stderr
    assert dict(town.rows("SELECT source, status FROM visits WHERE status != 'unfinished'")) == ALL_WELL
    assert town.faults() == []


# --- what starts it ----------------------------------------------------------------------------------------------


def test_the_units_are_well_formed(tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if not analyse:
        pytest.skip("systemd-analyze is not on this machine")
    for unit in ("gongkai.service", "gongkai.timer"):
        words = (UNITS / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(
            words.replace("/opt/gongkai/bin/gongkai", shutil.which("true") or ""), encoding="utf-8"
        )
    paths = [str(tmp_path / unit) for unit in ("gongkai.service", "gongkai.timer")]
    done = subprocess.run([analyse, "verify", *paths], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def command_of(name: str) -> list[str]:
    """Give the words of `gongkai` that a unit, the cron line or the image runs."""
    text = (UNITS / name).read_text(encoding="utf-8")
    if name == "Containerfile":
        return list(json.loads(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[0]))
    return re.findall(r"^[^#].*?/bin/gongkai (.+?)(?: 2>&1.*)?$", text, re.MULTILINE)[0].split()


@pytest.mark.parametrize("file", ["gongkai.service", "crontab", "Containerfile"])
def test_what_is_run_is_understood(file: str) -> None:
    name, *options = command_of(file)
    with main.commands[name].make_context(name, options) as context:
        assert context.params["due"]
        assert context.params["minutes"] > 0


@pytest.mark.parametrize(("ended", "told"), [(Exit.WELL, ""), (Exit.LOCKED, ""), (Exit.SOME_FAILED, "1\n")])
def test_cron_tells_of_failures_only(ended: Exit, told: str) -> None:
    line = (UNITS / "crontab").read_text(encoding="utf-8").splitlines()[-1]
    minute, hour, *days, user, command = line.split(maxsplit=6)
    assert (int(minute) < 60, int(hour) < 24, days, user) == (True, True, ["*"] * 3, "gongkai")
    assert "%" not in command, "which cron would take for the end of the line"
    command = re.sub(r"/opt/\S+/gongkai [^)]+", f"echo {ended}; exit {ended}", command)
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False).stdout == told


# --- logs --------------------------------------------------------------------------------------------------------


def test_a_log_that_is_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path, moved, logger = tmp_path / "log.jsonl", tmp_path / "log.jsonl.1", logging.getLogger("scrapy.core.scraper")
    request = Request("http://a.example/1", meta={"source": "a"})
    handler = logs.write_to(path)
    try:
        logger.warning("run begun", extra={"event": "run-begun", "run": "r1"})
        path.rename(moved)
        logger.error("Error processing %(request)s", {"request": request}, exc_info=ValueError("x" * 5000))
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    (begun,), (error,) = ([json.loads(line) for line in file.read_text().splitlines()] for file in (moved, path))
    assert (begun["event"], begun["run"], "url" in begun) == ("run-begun", "r1", False)
    told = {key: error[key] for key in ("level", "run", "source", "url", "event")}
    assert told == {"level": "error", "run": "r1", "source": "a", "url": request.url, "event": logger.name}
    assert len(error["error"]) == logs.LONGEST
