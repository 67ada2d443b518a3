"""Beside a real crawl that is writing: readers read, a copy is made, shards are merged, and no second writer starts."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
import sites
from support import GONGKAI, gongkai

from archive import overview, reader, verify
from archive.database import connect
from crawler.run import Exit

YEARS = tuple(range(2008, 2026))
HOST = "czj.gov.example"
SOURCE = f'[czj]\nname = "云岫县某局"\nstart_urls = ["http://{HOST}/"]\ndelay = 0\nexpect_min = 3\n'
PATIENCE = 60
"""Seconds after which what should have come long ago is an error."""

READS = (
    "SELECT count(*) FROM captures",
    "SELECT agency, year, count(*) FROM report_pages GROUP BY 1, 2",
    "SELECT * FROM captures ORDER BY at DESC LIMIT 50",
    "SELECT count(*), max(length(frame)) FROM bodies",
)


class Gate:
    """A place where the site stops its visitor until it is told to go on."""

    def __init__(self) -> None:
        self.reached, self.opened = Event(), Event()

    def stop(self) -> None:
        self.reached.set()
        self.opened.wait(PATIENCE)


@pytest.fixture
def gates() -> dict[str, Gate]:
    return {"/nb/": Gate(), "/nb/t20080131_2008.html": Gate()}


@pytest.fixture
def crawl(gates: dict[str, Gate], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A crawl that is under way, to a.sqlite; it has to pass the gates."""

    def answer(path: str, count: int) -> sites.Answer:
        if path in gates:
            gates[path].stop()
        return (
            sites.page(sites.listing(YEARS), title="政府信息公开年报") if path == "/nb/" else sites.healthy(path, count)
        )

    (tmp_path / "sources.toml").write_text(SOURCE, encoding="utf-8")
    words = ("crawl", "--archive", str(tmp_path / "a.sqlite"), "--sources", str(tmp_path / "sources.toml"))
    with sites.serve({HOST: answer}) as (proxy, _):
        process = subprocess.Popen(
            [*GONGKAI, *words], env=os.environ | {"http_proxy": proxy}, stdout=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            for gate in gates.values():
                gate.opened.set()
            process.kill()
            process.wait()


def read(path: Path, over: Event) -> list[int]:
    """Read as Datasette does, on a connection that is kept, until all is over; gives the captures counted."""
    counts = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        while not over.wait(0.02):
            counts.append(db.execute(READS[0]).fetchone()[0])
            for query in READS[1:]:
                db.execute(query).fetchall()
        counts.append(db.execute(READS[0]).fetchone()[0])
    return counts


def test_beside_a_crawl(crawl: subprocess.Popen[bytes], gates: dict[str, Gate], tmp_path: Path) -> None:
    archive, copy, merged = (tmp_path / f"{name}.sqlite" for name in ("a", "copy", "merged"))
    first, last = gates.values()
    over = Event()
    assert first.reached.wait(PATIENCE)
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, archive, over) for _ in range(4)]
        try:
            first.opened.set()
            assert last.reached.wait(PATIENCE)
            sources = tmp_path / "sources.toml"
            for words in (("crawl", "--sources", sources, "--archive", archive), ("merge", archive, archive)):
                refused = gongkai(*words)
                assert refused.returncode == Exit.LOCKED, refused.stderr
                assert f"locked by process {crawl.pid}, " in refused.stderr
            made = gongkai("backup", copy, "--archive", archive)
            assert made.returncode == Exit.WELL, made.stderr
            again = gongkai("backup", copy, "--archive", archive)
            assert (again.returncode, "is there already" in again.stderr) == (Exit.MISUSE, True)
            taken = gongkai("merge", merged, archive)
            assert (taken.returncode, "left: it is going on" in taken.stdout) == (Exit.WELL, True)
            assert crawl.poll() is None
            last.opened.set()
            assert crawl.wait(PATIENCE) == Exit.WELL
        finally:
            over.set()
        for counts in (reader.result() for reader in readers):
            assert counts == sorted(counts)
            assert counts[0] < counts[-1]
    with closing(connect(copy)) as db:
        assert list(verify.faults(db)) == []
        assert [run["status"] for run in overview.runs(db, last=2)] == ["running"]
        assert 0 < reader.sizes(db)["captures"] < counts[-1]
    with closing(connect(archive)) as db:
        assert len(reader.coverage(db)) == len(YEARS)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
