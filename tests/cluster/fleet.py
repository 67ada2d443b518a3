"""Workers and the keeper of the archive as processes of their own, and what is to be seen of them from outside."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from cluster import county
from support import gongkai

from archive.database import connect

HEARTBEAT = 1
COMMAND = (sys.executable, "-c", "from crawler.cli import main; main()", "cluster")
DERIVED = {
    "payloads": "sha256, length",
    "pages": "*",
    "texts": "*",
    "versions": "page, n, key, payload, captures, reversions",
    "reports": "*",
    "report_pages": "page, source, standing, agency, year, title, published_on, versions, payload",
    "carriers": "*",
    "facts": "*",
    "checks": "*",
    "events": "page, kind, detail",
    "volatile_lines": "*",
}
"""What must be the same whoever crawled: all that is derived but for times, and the payloads."""


@dataclass(kw_only=True)
class Fleet:
    """Processes on one machine that know of each other only by the database and the shards' folder."""

    folder: Path
    database: str
    proxy: str
    started: int = 0
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    temporary: TemporaryDirectory[str] = field(default_factory=TemporaryDirectory)
    """For the processes' own; not in `folder`, whose name may be too long for a socket's (108 bytes, unix(7))."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running, where a test has failed."""
        for process in self.running:
            process.kill()
            process.wait()
        self.temporary.cleanup()

    @property
    def archive(self) -> Path:
        return self.folder / "a.sqlite"

    @property
    def shared(self) -> dict[str, str]:
        return {"GONGKAI_DATABASE": self.database, "GONGKAI_SHARDS": str(self.folder / "shards")}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the fleet to its end."""
        return subprocess.run(
            (*COMMAND, *words), check=False, capture_output=True, text=True, timeout=60, env=os.environ | self.shared
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a process that goes on, in a session of its own; what it asks for bears its number."""
        self.started += 1
        env = os.environ | self.shared | {"http_proxy": self.proxy, "GONGKAI_CONTACT": f"worker {self.started}"}
        env["TMPDIR"] = self.temporary.name
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                (*COMMAND, *words, "--heartbeat", str(HEARTBEAT)), env=env, stderr=log, start_new_session=True
            )
        self.running.append(process)
        return process

    def work(self, *, jobs: int) -> subprocess.Popen[bytes]:
        return self.start("work", "--jobs", str(jobs))

    def keep(self) -> subprocess.Popen[bytes]:
        return self.start("keep", "--archive", str(self.archive), "--sources", str(self.folder / "s.toml"))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process with `kill -9`, and prove that all that it had started ends with it."""
        assert len(session(process.pid)) > 1, "killed in the middle of something"
        process.kill()
        process.wait()
        self.running.remove(process)
        until(lambda: not session(process.pid), "its children have ended")

    def stop(self) -> None:
        """Stop all processes, and prove that all that they had started have ended and nothing of theirs is left."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            assert process.wait() == 0
            until(lambda: not session(process.pid), "its children have ended")  # noqa: B023
        self.running.clear()
        assert [*Path(self.temporary.name).glob("gongkai-*")] == [], (
            "those that were killed too have left no shard behind"
        )

    def visited(self) -> set[str]:
        """Name the sources whose visit the archive knows."""
        if not self.archive.exists():
            return set()
        with closing(connect(self.archive)) as db:
            return {source for (source,) in db.execute("SELECT source FROM visits WHERE status = 'ok'")}

    def log(self) -> str:
        return (self.folder / "log").read_text()


def until(is_so: Callable[[], bool], what: str, *, seconds: float = 240) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"waited {seconds} s for: {what}"
        time.sleep(0.1)


def session(leader: int) -> list[int]:
    """List the processes that descend from one that leads a session, itself included; not those that are dead already."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, own = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(own) == leader and state != "Z":
                found.append(int(folder.name))
    return found


def at_once(asked: Iterable[county.Asked]) -> Iterator[str]:
    """Name the hosts of which two workers asked at the same time, or by turns."""
    for host, group in groupby(sorted(asked, key=lambda one: (one.host, one.began)), key=lambda one: one.host):
        ended: dict[str, float] = {}
        turns = []
        for one in group:
            if any(one.began < end for agent, end in ended.items() if agent != one.agent):
                yield f"{host}: {one.path} asked for by {one.agent} while others asked"
            ended[one.agent] = one.ended
            turns += [one.agent] if turns[-1:] != [one.agent] else []
        if len(turns) > len(set(turns)):
            yield f"{host}: asked by turns by {turns}"


def runs_at_once(archive: Path) -> list[Any]:
    """List the pairs of runs that were at one source at the same time."""
    with closing(connect(archive)) as db:
        return db.execute(
            """WITH visited AS (SELECT DISTINCT source, run, started_at, ended_at FROM visits JOIN runs ON runs.id = run)
               SELECT a.source, a.run, b.run FROM visited a JOIN visited b USING (source)
               WHERE a.run < b.run AND a.started_at < b.ended_at AND b.started_at < a.ended_at"""
        ).fetchall()


def crawl_alone(folder: Path, proxy: str) -> Path:
    """Crawl the same sources on one machine, without any cluster."""
    archive = folder / "one.sqlite"
    done = gongkai(
        "crawl", "--archive", archive, "--sources", folder / "s.toml", env={"http_proxy": proxy}, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return archive


def derived(archive: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Give what an archive derives, in an order of its own."""
    with closing(connect(archive)) as db:
        return {table: _rows(db, table, columns) for table, columns in DERIVED.items()}


def _rows(db: sqlite3.Connection, table: str, columns: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in db.execute(f"SELECT {columns} FROM {table}")), key=repr)
