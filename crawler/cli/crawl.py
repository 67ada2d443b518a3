"""Commands that crawl, and what is crawled."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from crawler import sources as source_files
from crawler.cli.shared import Stop, archive_option, plain_errors
from crawler.run import Exit, Job, exit_code, visit_table
from crawler.run import crawl as run_crawl


@click.command()
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@archive_option
@click.option(
    "--sources",
    "path",
    type=click.Path(path_type=Path),
    default=source_files.BUNDLED,
    help="A TOML file of sources, or a folder of them.  [default: those that come with gongkai]",
)
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Ask for at most N reports at each source.")
@click.option("--due", is_flag=True, help="Ask only for what is due today: new reports daily, old ones rarely.")
@click.option("-v", "--verbose", is_flag=True, help="Say each capture.")
def crawl(names: Sequence[str], archive: Path, path: Path, limit: int | None, *, due: bool, verbose: bool) -> None:
    """Crawl sources for their reports: all, or those named, or an address.

    A SOURCE is a name from `gongkai sources`, or the address of a home page or a column of reports. A run that was
    cut off within the last day is taken up where it stopped. A source that blocked us rests for 1, 2, 4 … 32 days,
    unless it is named.
    """
    if verbose:
        _say_captures()
    with plain_errors():
        chosen = source_files.pick(source_files.load(path), names)
        results = run_crawl(
            [Job(sources=chosen)],
            archive=archive,
            limit=limit or 0,
            wake=bool(names),
            due=due,
            settings={"PROGRESS": not verbose},
        )
    result = results[-1]
    if result.visits:
        click.echo(visit_table(result.visits))
    if due:
        click.echo(f"{result.idle} of {len(chosen)} sources have nothing due")
    click.echo(f"run {result.run} {result.status}; archive {archive}")
    sys.exit(exit_code(result.status, result.visits))


@click.command()
@click.argument("words", metavar="[WORD]...", nargs=-1)
@click.option("--region", default="", help="Only sources whose region begins so: 44, 4401, 440103.")
@click.option("--level", type=click.Choice(source_files.LEVELS), default=None, help="Only sources of this level.")
@click.option("--json", "as_json", is_flag=True, help="Print all that is known of them as JSON.")
@click.option("--check", is_flag=True, help="Prove the files instead, all of them; ends with 2 where one is wrong.")
@click.option(
    "--sources", "path", type=click.Path(path_type=Path), default=source_files.BUNDLED, help="A TOML file or a folder."
)
def sources(words: Sequence[str], region: str, level: str | None, path: Path, *, as_json: bool, check: bool) -> None:
    """List the sources: name, office, region, level, years of the reports seen, where it publishes.

    Only those that hold every WORD in name, office, region, level, hosts or province: `gongkai sources 广州 区`.
    """
    if check:
        with plain_errors():
            wrong, doubtful = source_files.check(path)
        for line in (*(f"warning: {doubt}" for doubt in doubtful), *wrong):
            click.echo(line, err=True)
        click.echo(f"{path}: {len(wrong)} faults, {len(doubtful)} warnings", err=True)
        sys.exit(Exit.MISUSE if wrong else Exit.WELL)
    with plain_errors():
        known = source_files.load(path)
    chosen = source_files.matching(known, words=words, region=region, level=level or "")
    if as_json:
        click.echo(json.dumps([asdict(s) | {"province": s.province} for s in chosen], ensure_ascii=False, indent=2))
    elif chosen:
        click.echo(source_files.listing(chosen))
    click.echo(f"{len(chosen)} of {len(known)} sources", err=True)


@click.command()
@click.argument("url")
@click.option("--limit", type=click.IntRange(min=1), default=5, show_default=True, help="Ask for at most N reports.")
def detect(url: str, limit: int) -> None:
    """Print a source's table, made from the address of a home page or a column of reports.

    A few pages are crawled and forgotten; put what is printed into a file of sources.
    """
    from tempfile import TemporaryDirectory

    from crawler.detect import NothingFoundError
    from crawler.detect import detect as find_table

    with plain_errors(), TemporaryDirectory() as folder:
        try:
            click.echo(find_table(url, archive=Path(folder) / "look.sqlite", limit=limit))
        except NothingFoundError as error:
            raise Stop(str(error), code=Exit.NOTHING_WORKED) from error


@click.command()
@click.option(
    "--archive", type=click.Path(path_type=Path, dir_okay=False), default=Path("demo.sqlite"), show_default=True,
    help="Where the demo's archive goes.",
)  # fmt: skip
def demo(archive: Path) -> None:
    """Crawl two days of an invented county, served on loopback, and say what was found."""
    from crawler.demo.show import run

    with plain_errors():
        sys.exit(run(archive))


def _say_captures() -> None:
    """Print what the crawler logs of its captures, and none of Scrapy's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("crawler")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


COMMANDS = (
    crawl,
    sources,
    detect,
    demo,
)
