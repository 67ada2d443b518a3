"""Commands for crawling on several machines; they need the extra `cluster`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from crawler import sources as source_files
from crawler.cli.shared import Stop, archive_option
from crawler.run import Exit


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what all machines share."""
    database = click.option(
        "--database", envvar="GONGKAI_DATABASE", required=True, help="PostgreSQL, by URL.  [$GONGKAI_DATABASE]"
    )
    heartbeat = click.option(
        "--heartbeat", type=click.FloatRange(min=0.1), default=10, show_default=True,
        help="Seconds between two signs of life; the same on all machines.",
    )  # fmt: skip
    return database(heartbeat(command))


shards_option = click.option(
    "--shards", envvar="GONGKAI_SHARDS", required=True,
    help="Where shards are put: an address of fsspec's, as file:///mnt/shards or s3://bucket/shards.  [$GONGKAI_SHARDS]",
)  # fmt: skip


@click.group()
def cluster() -> None:
    """Crawl on several machines, with PostgreSQL between them."""
    _need_extra()


def _need_extra() -> None:
    if not all(map(find_spec, ("procrastinate", "psycopg", "fsspec"))):
        raise Stop("crawling on several machines needs the extra: pip install 'gongkai[cluster]'", code=Exit.MISUSE)


def look(database: str, *, heartbeat: float = 10) -> dict[str, Any]:
    """Ask the database how the fleet stands."""
    from crawler.cluster import fleet as ask

    _need_extra()
    with plain_errors():
        return ask(database, heartbeat=heartbeat)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the database says into one line and an exit code."""
    import psycopg
    from procrastinate.exceptions import ConnectorException

    try:
        yield
    except (psycopg.Error, ConnectorException) as error:
        raise Stop(f"PostgreSQL: {error.__cause__ or error}".strip(), code=Exit.MISUSE) from error


@cluster.command()
@cluster_options
def init(**shared: Any) -> None:
    """Make the tables of the queue in the database, once."""
    from crawler.cluster import Cluster
    from crawler.cluster import init as make

    with plain_errors():
        click.echo("made" if make(Cluster(**shared)) else "there already")


@cluster.command()
@cluster_options
@shards_option
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2 * (os.cpu_count() or 1), show_default="two a core",
    help="Visits at once; each is a process with one that cleans.",
)  # fmt: skip
def work(jobs: int, **shared: Any) -> None:
    """Visit what is enqueued, until stopped; on as many machines as there are.

    A worker that is stopped puts back what it has crawled so far; one that is killed is noticed, and its visit is
    taken up by another from where the domain's shard was.
    """
    from crawler.cluster import Cluster, serve, worker

    _say()
    given = Cluster(**shared)
    asyncio.run(serve(partial(worker, given), queue="visits", jobs=jobs, heartbeat=given.heartbeat))


@cluster.command()
@cluster_options
@shards_option
@archive_option
@click.option(
    "--sources", type=click.Path(path_type=Path), default=source_files.BUNDLED,
    help="A TOML file of sources, or a folder of them.  [default: those that come with gongkai]",
)  # fmt: skip
def keep(archive: Path, sources: Path, **shared: Any) -> None:
    """Keep the archive, until stopped, on one machine: enqueue daily what is due, take over shards every five minutes."""
    from crawler.cluster import Cluster, keeper, serve

    _say()
    given = Cluster(**shared)
    make = partial(keeper, given, archive=archive, sources=sources)
    asyncio.run(serve(make, queue="archive", jobs=1, heartbeat=given.heartbeat))


@cluster.command()
@cluster_options
def enqueue(**shared: Any) -> None:
    """Have what is due enqueued now."""
    _ask("enqueue", **shared)


@cluster.command()
@cluster_options
def collect(**shared: Any) -> None:
    """Have the shards taken over now."""
    _ask("collect", **shared)


@cluster.command()
@cluster_options
def fleet(**shared: Any) -> None:
    """Say how the fleet stands; ends with 1 where there is an alarm: a job that goes on for hours, a worker that is gone."""
    state = look(**shared)
    click.echo("\n".join(fleet_lines(state)))
    sys.exit(Exit.SOME_FAILED if state["alarms"] else Exit.WELL)


def fleet_lines(state: Mapping[str, Any]) -> Iterator[str]:
    """Set out how the fleet stands, for a reader."""
    yield f"{state['workers']} workers"
    for row in state["jobs"]:
        yield f"  {row['task']:<8} {row['status']:<10} {row['jobs']}"
    for job in state["doing"][:1]:
        yield f"  oldest under way: {job['task']} {job['lock']}, since {job['since']:%Y-%m-%d %H:%M} UTC"
    yield from (f"  ALARM {alarm}" for alarm in state["alarms"])


def _ask(task: str, **shared: Any) -> None:
    from crawler.cluster import Cluster, ask

    with plain_errors():
        click.echo("asked" if ask(Cluster(**shared), task) else "asked already")


def _say() -> None:
    """Log what this machine does; what the libraries do only where it is worth a warning."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("crawler").setLevel(logging.INFO)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it tells of each try to reach a database that is away


COMMANDS = (cluster,)
