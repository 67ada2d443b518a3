"""Crawling on several machines: Procrastinate hands the visits out from a PostgreSQL server; the extra `cluster`.

A job is the visit to all sources of one domain, for a source may ask every host of its own. The domain is the job's
lock and its queueing lock: in the whole fleet it is crawled once at a time, and waits at most once. What is known of
a domain is its shard, an archive that goes from visit to visit under an fsspec address; whoever has the archive takes
over what the shards have more.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from archive import chain
from archive.database import ArchiveError, connect
from archive.merge import merge
from archive.store import Store
from crawler import run
from crawler.clock import now
from crawler.due import due
from crawler.find import domain
from crawler.run import Exit, Job
from crawler.sources import Source, load
from pipelines.clean import CLEANER

if TYPE_CHECKING:
    from fsspec.implementations.dirfs import DirFileSystem
    from procrastinate import App

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""How often a job is tried, the pauses between being 8, 64, 512 and 4096 seconds."""

SILENT = 12
"""Heartbeats missed after which a worker is taken for dead; one without its database has ended its crawls by then."""

PRELOAD = [
    "scrapy.crawler",
    "crawler.spider",
    "crawler.middlewares",
    "crawler.compression",
    "crawler.tls",
    "pipelines.items",
]
"""What every crawl imports, none of it the reactor."""

ENDED = (Exit.WELL, Exit.NOTHING_WORKED, Exit.INTERRUPTED)
"""How a crawl's process ends when its run has: with 1, Python ends one that crashed."""

OLD = timedelta(hours=6)
"""A job that goes on for longer than this is an alarm."""

KEPT = 24 * 7
"""Hours for which jobs that are over are kept."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What all machines share: PostgreSQL (libpq's URL or keywords), the shards' fsspec address, seconds between heartbeats."""

    database: str
    shards: str = ""
    heartbeat: float = 10


def domains(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """Group the sources that may ask the same hosts, by the first of their domains.

    >>> def on(name, *urls): return Source(id=name, name=name, start_urls=urls)
    >>> found = domains([on("a", "http://a.example.gov.cn/"), on("b", "http://b.com/"), on("c", "http://www.example.gov.cn/")])
    >>> {name: [source.id for source in group] for name, group in found.items()}
    {'example.gov.cn': ['a', 'c'], 'b.com': ['b']}
    """
    group_of: dict[str, tuple[set[str], list[Source]]] = {}
    for source in sources:
        names = {domain(host.removeprefix("*.")) for host in (*source.own_hosts, *source.office.hosts)}
        joined = {id(group): group for name in names if (group := group_of.get(name))}.values()
        group = (names.union(*(own for own, _ in joined)), [*(s for _, known in joined for s in known), source])
        group_of |= dict.fromkeys(group[0], group)
    return {min(names): known for names, known in group_of.values()}


# --- shards ------------------------------------------------------------------------------------------------------


def place(address: str) -> DirFileSystem:
    """Open the place where shards are, each a `<domain>/<number of runs>-<last run>.sqlite`."""
    from fsspec.core import url_to_fs
    from fsspec.implementations.dirfs import DirFileSystem

    fs, root = url_to_fs(address, use_listings_cache=False)  # others write there too
    return DirFileSystem(root, fs)


def fetch(shards: DirFileSystem, name: str, to: Path) -> None:
    """Bring a domain's newest shard, if it has one."""
    if found := sorted(shards.glob(f"{name}/*.sqlite")):
        shards.get_file(found[-1], str(to))


def put(shards: DirFileSystem, name: str, shard: Path) -> None:
    """Put a shard back beside the one that it was; it is seen when it is whole."""
    with Store(shard) as store:  # nobody else has it open, so that all of it is in the one file afterwards
        (head,) = chain.heads(store.db)
    path = f"{name}/{head.runs:06}-{head.run}.sqlite"
    shards.makedirs(name, exist_ok=True)
    shards.put_file(str(shard), f"{path}.part")
    shards.mv(f"{path}.part", path)


def collect(shards: DirFileSystem, archive: Path) -> int:
    """Take over into the archive the shards that it has not seen, then remove those that have a newer one; counts them.

    Raises ArchiveError, once all others are taken over, where one cannot be.
    """
    wrong = []
    taken = 0
    names = sorted(name for name in shards.find("") if name.endswith(".sqlite"))
    with Store(archive) as store, TemporaryDirectory(prefix="gongkai-") as folder:
        known = {head.run for head in chain.heads(store.db)}
        for name in names:
            if Path(name).stem.partition("-")[2] in known:
                continue
            shard = Path(folder, "shard.sqlite")
            shards.get_file(name, str(shard))
            try:
                merge(store, shard, cleaner=CLEANER)
                taken += 1
            except (ArchiveError, sqlite3.DatabaseError) as error:
                wrong.append(f"{name}: {error}")
    if wrong:
        raise ArchiveError("; ".join(wrong))
    for older, newer in pairwise(names):
        if Path(older).parent == Path(newer).parent:
            shards.rm_file(older)
    return taken


# --- visits ------------------------------------------------------------------------------------------------------


async def visit(shards: DirFileSystem, name: str, sources: Sequence[Source], *, patience: float) -> Exit:
    """Crawl what is due of a domain in a process of its own, from its shard and into it.

    What a crawl has done that was interrupted is put back as well, also where this is cancelled and it ends within
    `patience` seconds. Raises RuntimeError where it crashed.
    """
    with TemporaryDirectory(prefix="gongkai-") as folder:
        shard = Path(folder, "shard.sqlite")
        await asyncio.to_thread(fetch, shards, name, shard)
        process = _processes().Process(target=_crawl, args=(shard, sources))
        process.start()
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(process.sentinel, over.set)
        try:
            await over.wait()
        except asyncio.CancelledError:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), patience)
            raise
        finally:
            loop.remove_reader(process.sentinel)
            if not over.is_set():
                process.kill()
            process.join()
            if process.exitcode in ENDED:
                await asyncio.to_thread(put, shards, name, shard)
        if process.exitcode not in ENDED:
            raise RuntimeError(f"{name}: the crawl ended with {process.exitcode}")
        return Exit(process.exitcode)


@cache
def _processes() -> ForkServerContext:
    """Give what starts crawls, once it has imported all that each needs: no heartbeat is to wait for that."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    first = context.Process(target=int)
    first.start()
    first.join()
    return context


def _crawl(shard: Path, sources: Sequence[Source]) -> None:
    """Crawl in a child of the worker, and end with it however that ends."""
    threading.Thread(target=_leave_with_parent, args=(shard.parent,), daemon=True).start()
    settings = {"CLEAN_WORKERS": 1, "PROGRESS": False}
    (result,) = run.crawl([Job(sources=sources)], archive=shard, due=True, settings=settings)
    failed = any(visit.status == "failed" for visit in result.visits)
    sys.exit(Exit.INTERRUPTED if result.status != "finished" else Exit.NOTHING_WORKED if failed else Exit.WELL)


def _leave_with_parent(folder: Path) -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    shutil.rmtree(folder, ignore_errors=True)  # which the worker, being killed, has left behind
    os._exit(1)


# --- jobs --------------------------------------------------------------------------------------------------------


def app(cluster: Cluster) -> App:
    """Make Procrastinate's app, without tasks; raises ImportError where the extra `cluster` is not installed."""
    from procrastinate import App, PsycopgConnector

    # A database that is gone is noticed, whatever the network does with its packets, within a few heartbeats.
    limits = {"connect_timeout": 5, "tcp_user_timeout": int(1000 * cluster.heartbeat)}
    return App(
        connector=PsycopgConnector(conninfo=cluster.database, kwargs=limits, timeout=cluster.heartbeat, min_size=1),
        periodic_defaults={"max_delay": 24 * 3600},  # a day's tasks are done late rather than not
    )


def init(cluster: Cluster) -> bool:
    """Make Procrastinate's tables where they are not there yet, and say whether they were made."""
    with app(cluster).open() as made:
        if made.check_connection():
            return False
        made.schema_manager.apply_schema()
        return True


def worker(cluster: Cluster) -> App:
    """Make the app of a machine that crawls."""
    from procrastinate import RetryStrategy
    from procrastinate.exceptions import UniqueViolation
    from procrastinate.jobs import Status

    made = app(cluster)
    shards = place(cluster.shards)
    _processes()

    @made.task(name="visit", queue="visits", retry=RetryStrategy(max_attempts=ATTEMPTS - 1, exponential_wait=8))
    async def _visit(name: str, sources: Sequence[Mapping[str, Any]]) -> None:
        given = [Source(**{key: _frozen(value) for key, value in source.items()}) for source in sources]
        ended = await visit(shards, name, given, patience=cluster.heartbeat)
        logger.info("%s: %d sources: %s", name, len(given), ended.name.lower().replace("_", " "))
        if ended != Exit.WELL:
            raise RuntimeError(f"{name}: {ended.name}")

    @made.periodic(cron=f"* * * * * */{max(1, min(30, int(3 * cluster.heartbeat)))}")  # the sixth are seconds
    @made.task(name="take_up", queue="visits", queueing_lock="take_up", priority=1)
    async def _take_up(timestamp: int) -> None:  # noqa: ARG001 (Procrastinate names it)
        jobs = made.job_manager
        for job in await jobs.get_stalled_jobs(seconds_since_heartbeat=SILENT * cluster.heartbeat):
            logger.warning("%s %s: its worker is gone", job.task_name, job.lock or "")
            with suppress(UniqueViolation):  # where its like waits already
                if job.attempts < ATTEMPTS:
                    await jobs.retry_job(job)
                    continue
            await jobs.finish_job(job, status=Status.FAILED, delete_job=False)

    return made


def keeper(cluster: Cluster, *, archive: Path, sources: Path) -> App:
    """Make the app of the one machine that has the archive.

    What fails here is not tried again but when its time comes again: a retry may meet its like in the queue.
    """
    made = app(cluster)
    shards = place(cluster.shards)

    @made.periodic(cron="*/5 * * * *")
    @made.task(name="collect", queue="archive", lock="archive", queueing_lock="collect")
    async def _collect(timestamp: int = 0) -> None:  # noqa: ARG001
        logger.info("%d shards taken over", await asyncio.to_thread(collect, shards, archive))

    @made.periodic(cron="5 0 * * *")  # what is due is reckoned in days
    @made.task(name="enqueue", queue="archive", lock="archive", queueing_lock="enqueue")
    async def _enqueue(timestamp: int = 0) -> None:  # noqa: ARG001
        jobs = made.job_manager
        await jobs.delete_old_jobs(nb_hours=KEPT, include_failed=True, include_cancelled=True, include_aborted=True)
        # Who is busy is asked first: a visit that ends before the shards are collected is known to the archive then.
        busy = {job.lock for status in ("todo", "doing") for job in await jobs.list_jobs_async(status=status)}
        try:
            await asyncio.to_thread(collect, shards, archive)
        except ArchiveError as error:  # a broken shard, or another who writes: no reason to visit nobody
            logger.warning("%s", error)
        ready = [item for item in await asyncio.to_thread(_due, archive, sources) if item[0] not in busy]
        for name, given in ready:
            job = made.configure_task("visit", queue="visits", lock=name, queueing_lock=name)
            await job.defer_async(name=name, sources=[asdict(source) for source in given])
        logger.info("%d domains enqueued", len(ready))

    return made


def _due(archive: Path, path: Path) -> list[tuple[str, list[Source]]]:
    with closing(connect(archive)) as db:
        chosen = [(name, due(db, group, at=now())) for name, group in domains(load(path)).items()]
    return [(name, group) for name, group in chosen if group]


def _frozen(value: Any) -> Any:
    """Give back to a source's value, read from JSON, the tuples that it had."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def ask(cluster: Cluster, task: str) -> bool:
    """Ask the machine that has the archive to `collect` or to `enqueue`; says whether it had not been asked already."""
    from procrastinate.exceptions import AlreadyEnqueued

    with app(cluster).open() as made:
        try:
            made.configure_task(task, queue="archive", lock="archive", queueing_lock=task).defer()
        except AlreadyEnqueued:
            return False
    return True


async def serve(make: Callable[[], App], *, queue: str, jobs: int, heartbeat: float) -> None:
    """Do the jobs of a queue, so many at once, until SIGTERM or SIGINT; a database that is away is waited for."""
    import psycopg
    from procrastinate.exceptions import ConnectorException

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        working = asyncio.create_task(_work(make(), queue=queue, jobs=jobs, heartbeat=heartbeat))
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        try:
            await working
        except asyncio.CancelledError:
            logger.info("stopped")
        except (ConnectorException, psycopg.Error) as error:
            logger.warning("waiting for the database: %s", error.__cause__ or error)
            await asyncio.wait({stopping}, timeout=heartbeat)


async def _work(made: App, *, queue: str, jobs: int, heartbeat: float) -> None:
    async with made.open_async():
        await made.run_worker_async(
            queues=[queue],
            concurrency=jobs,
            install_signal_handlers=False,
            shutdown_graceful_timeout=0,  # what was crawled so far is put back, and gone on with by another
            update_heartbeat_interval=heartbeat,
            stalled_worker_timeout=SILENT * heartbeat,
        )


# --- the fleet ---------------------------------------------------------------------------------------------------


def fleet(database: str, *, heartbeat: float = 10) -> dict[str, Any]:
    """Say how the fleet stands: workers alive, jobs by task and state, those under way, oldest first, and alarms."""
    import psycopg
    from psycopg.rows import dict_row

    at = datetime.now(UTC)
    with psycopg.connect(database, row_factory=dict_row) as db:
        workers = [row["at"] for row in db.execute("SELECT last_heartbeat AS at FROM procrastinate_workers").fetchall()]
        counts = db.execute(
            "SELECT task_name AS task, status::text, count(*) AS jobs FROM procrastinate_jobs GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        doing = db.execute(
            """SELECT task_name AS task, lock, attempts, max(at) AS since, last_heartbeat AS heartbeat
               FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND type = 'started'
               LEFT JOIN procrastinate_workers w ON w.id = worker_id
               WHERE status = 'doing' GROUP BY j.id, w.id ORDER BY since"""
        ).fetchall()
    silent = timedelta(seconds=SILENT * heartbeat)
    alarms = [
        f"{job['task']} {job['lock']}: since {job['since']:%Y-%m-%d %H:%M}" for job in doing if at - job["since"] > OLD
    ]
    alarms += [
        f"{job['task']} {job['lock']}: its worker is gone"
        for job in doing
        if job["heartbeat"] is None or at - job["heartbeat"] > silent
    ]
    alive = sum(at - seen <= silent for seen in workers)
    return {"workers": alive, "jobs": counts, "doing": doing, "alarms": alarms}
