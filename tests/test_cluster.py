"""Crawling on several machines: a real PostgreSQL, real processes, killed in the middle of it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cluster import county, postgres
from cluster.fleet import COMMAND, HEARTBEAT, Fleet, at_once, crawl_alone, derived, runs_at_once, until

from archive.database import ArchiveError, connect
from archive.records import Capture, Office
from archive.store import Store
from crawler.cli.cluster import fleet_lines
from crawler.clock import now
from crawler.due import due
from crawler.run import Exit
from crawler.sources import Source, load

pytest.importorskip("procrastinate", reason="the extra `cluster` is not installed")
psycopg = pytest.importorskip("psycopg", reason="the extra `cluster` is not installed")
fsspec = pytest.importorskip("fsspec", reason="the extra `cluster` is not installed")

from crawler import cluster  # noqa: E402

pytestmark = pytest.mark.xdist_group("cluster")


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    if lack := postgres.lacking():
        pytest.skip(lack)
    with postgres.serve() as server:
        yield server


@pytest.fixture
def database(server: postgres.Postgres) -> Iterator[str]:
    """An empty queue."""
    cluster.init(cluster.Cluster(database=server.url))
    yield server.url
    with psycopg.connect(server.url) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")


# --- the whole of it ---------------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_is_no_loss(database: str, tmp_path: Path) -> None:
    count = 3
    (tmp_path / "s.toml").write_text(county.sources_toml(count, delay=0.3), encoding="utf-8")
    with county.serve() as (proxy, asked), Fleet(folder=tmp_path, database=database, proxy=proxy) as fleet:
        first = fleet.work(jobs=1)
        fleet.keep()
        until(lambda: len(asked) > 2, "a visit is under way")
        fleet.work(jobs=2)
        fleet.kill(first)
        until(lambda: states(fleet).get("succeeded") == count, "all are visited")
        assert fleet.run("collect").stdout == "asked\n"
        until(lambda: len(fleet.visited()) == count, "all is in the archive")
        fleet.stop()
        assert [*at_once(asked)] == []
        assert runs_at_once(fleet.archive) == []
        assert "its worker is gone" in fleet.log()
        assert derived(fleet.archive) == derived(crawl_alone(tmp_path, proxy))
    with closing(connect(fleet.archive)) as db:
        assert due(db, load(tmp_path / "s.toml"), at=now()) == []


@pytest.mark.soak
def test_a_worker_and_the_server_that_are_killed_are_no_loss(tmp_path: Path) -> None:
    if lack := postgres.lacking():
        pytest.skip(lack)
    count = 200
    (tmp_path / "s.toml").write_text(county.sources_toml(count, delay=0.3), encoding="utf-8")
    with (
        postgres.serve() as server,
        county.serve() as (proxy, asked),
        Fleet(folder=tmp_path, database=server.url, proxy=proxy) as fleet,
    ):
        assert fleet.run("init").stdout == "made\n"
        workers = [fleet.work(jobs=2) for _ in range(4)]
        fleet.keep()
        until(lambda: len(asked) > count, "a fifth is done", seconds=1800)
        fleet.kill(workers[0])
        fleet.work(jobs=2)
        until(lambda: len(asked) > 3 * count, "half is done", seconds=1800)
        server.kill()
        time.sleep(20)  # for longer than a worker holds out without its database
        server.start()
        until(lambda: states(fleet).get("succeeded") == count, "all are visited", seconds=1800)
        fleet.run("collect")
        until(lambda: len(fleet.visited()) == count, "all is in the archive")
        fleet.stop()
        assert [*at_once(asked)] == []
        assert runs_at_once(fleet.archive) == []
        assert derived(fleet.archive) == derived(crawl_alone(tmp_path, proxy))


@pytest.mark.soak
@pytest.mark.parametrize(("delay", "count"), [(2, 32), (0, 32)], ids=["polite", "bound by the processor"])
def test_speed_up(database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], delay: float, count: int) -> None:
    """Print how much faster two and four workers are than one."""
    took = {}
    for workers in (1, 2, 4):
        folder = tmp_path / str(workers)
        folder.mkdir()
        (folder / "s.toml").write_text(county.sources_toml(count, delay=delay), encoding="utf-8")
        with psycopg.connect(database) as db:
            db.execute("TRUNCATE procrastinate_jobs CASCADE")
        with county.serve() as (proxy, asked), Fleet(folder=folder, database=database, proxy=proxy) as fleet:
            for _ in range(workers):
                fleet.work(jobs=2)
            fleet.keep()
            until(lambda: states(fleet).get("succeeded") == count, "all are visited", seconds=1800)
            fleet.stop()
        took[workers] = max(one.ended for one in asked) - min(one.began for one in asked)
    with capsys.disabled():
        sys.stdout.write(f"\n{count} sources, {delay} s between requests, two visits at once in each worker\n")
        for workers, seconds in took.items():
            sys.stdout.write(f"  {workers} workers: {seconds:6.1f} s, {took[1] / seconds:.2f} times as fast as one\n")


def states(fleet: Fleet) -> dict[str, int]:
    """Count the visits by state; none where the server is away."""
    with psycopg.connect(fleet.database) as db:
        return dict(db.execute("SELECT status, count(*) FROM procrastinate_jobs WHERE task_name = 'visit' GROUP BY 1"))


# --- the queue ---------------------------------------------------------------------------------------------------


def test_what_stalls_is_an_alarm_and_is_taken_up_unless_its_like_waits(database: str) -> None:
    shared = cluster.Cluster(database=database, shards="memory://shards", heartbeat=HEARTBEAT)
    assert cluster.init(shared) is False
    assert [cluster.ask(shared, task) for task in ("enqueue", "enqueue", "collect")] == [True, False, True]

    async def fetch() -> None:
        async with cluster.app(shared).open_async() as app:
            manager = app.job_manager
            await manager.fetch_job(queues=None, worker_id=await manager.register_worker())

    async def take_up() -> None:
        app = cluster.worker(shared)
        async with app.open_async():
            await app.tasks["take_up"].func(0)

    for its_like_waits, jobs in ((False, {"todo": 2}), (True, {"todo": 2, "failed": 1})):
        asyncio.run(fetch())
        assert cluster.fleet(database, heartbeat=HEARTBEAT)["alarms"] == []
        assert not its_like_waits or cluster.ask(shared, "enqueue")
        with psycopg.connect(database) as db:
            db.execute("UPDATE procrastinate_events SET at = at - interval '7 hours'")
            db.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'")
        state = cluster.fleet(database, heartbeat=HEARTBEAT)
        assert (state["workers"], len(state["doing"]), len(state["alarms"])) == (0, 1, 2)
        assert sum("ALARM enqueue archive" in line for line in fleet_lines(state)) == 2
        asyncio.run(take_up())
        with psycopg.connect(database) as db:
            assert dict(db.execute("SELECT status, count(*) FROM procrastinate_jobs GROUP BY 1")) == jobs


def test_without_the_extra_it_says_so() -> None:
    lacking = "import sys; sys.modules['procrastinate'] = None; sys.argv[1:] = ['cluster', 'init', '--database=']; "
    done = subprocess.run(
        (sys.executable, "-c", lacking + COMMAND[2]), check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, "pip install 'gongkai[cluster]'" in done.stderr) == (Exit.MISUSE, True), done.stderr


def test_a_server_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    words = ("fleet", f"--database=postgresql:///postgres?host={tmp_path}")
    done = subprocess.run((*COMMAND, *words), check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == Exit.MISUSE
    assert done.stderr.startswith("Error: PostgreSQL: ")
    assert "Traceback" not in done.stderr


# --- shards ------------------------------------------------------------------------------------------------------


def crawled(path: Path, *days: int) -> Path:
    """Write a shard, or go on in it: a run for each day."""
    office = Office(id="czj", name="财政局", agency="财政局", region="", level="department", hosts=("czj.example",))
    with Store(path) as store:
        for day in days:
            at = f"2026-03-{day:02}T08:00:00.000Z"
            run = store.begin_run([office], at=at)
            more: dict[str, Any] = {"kind": "report", "outcome": "new", "status": 200, "body": f"{day}".encode()}
            store.capture(Capture(run=run.id, source="czj", url="http://czj.example/1.html", at=at, **more))
            store.end_run(run.id, [], at=at, status="finished")
    return path


@pytest.mark.parametrize("address", ["memory://shards{}", "file://{}/shards"])
def test_shards_are_taken_over_once_and_a_broken_one_keeps_none_back(address: str, tmp_path: Path) -> None:
    shards = cluster.place(address.format(tmp_path))
    archive, shard = tmp_path / "a.sqlite", crawled(tmp_path / "czj.sqlite", 1)
    cluster.put(shards, "czj.example", shard)
    cluster.put(shards, "czj.example", crawled(shard, 2))
    shards.makedirs("a.example")
    shards.pipe_file("a.example/000001-half.sqlite.part", b"what an upload that was cut off leaves")
    assert [cluster.collect(shards, archive) for _ in range(2)] == [2, 0]
    (left,) = shards.glob("*/*.sqlite")
    cluster.fetch(shards, "czj.example", tmp_path / "back.sqlite")
    assert left.startswith("czj.example/000002-")
    with closing(connect(tmp_path / "back.sqlite")) as db:
        assert [day for (day,) in db.execute("SELECT substr(started_at, 9, 2) FROM runs ORDER BY 1")] == ["01", "02"]
    shards.pipe_file("a.example/000001-broken.sqlite", b"no archive")
    shutil.copy(tmp_path / "back.sqlite", tmp_path / "next.sqlite")
    cluster.put(shards, "czj.example", crawled(tmp_path / "next.sqlite", 3))
    with pytest.raises(ArchiveError, match="000001-broken"):
        cluster.collect(shards, archive)
    with closing(connect(archive)) as db:
        assert db.execute("SELECT count(*), count(DISTINCT payload) FROM captures").fetchone()[:] == (3, 3)


def test_a_crawl_that_crashes_puts_nothing_back(tmp_path: Path) -> None:
    shards = cluster.place(f"file://{tmp_path}/shards")
    shards.makedirs("a.example")
    shards.pipe_file("a.example/000001-broken.sqlite", b"no archive")
    source = Source(id="a", name="a", start_urls=("http://a.example/",))
    with pytest.raises(RuntimeError, match=r"a\.example: the crawl ended with 1"):
        asyncio.run(cluster.visit(shards, "a.example", [source], patience=1))
    assert [Path(name).name for name in shards.glob("*/*")] == ["000001-broken.sqlite"]
