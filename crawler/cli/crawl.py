"""Commands that crawl, and what is crawled."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from archive.database import WriteError
from crawler import logs
from crawler import sources as source_files
from crawler.cli.shared import Stop, archive_option, plain_errors
from crawler.cli.telling import telling
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
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), default=None, help="End the run after N minutes."
)
@click.option("--requests", type=click.IntRange(min=1), default=None, help="End the run after N requests.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Add to FILE what happens: JSON lines, each with the run, and the source and URL it is about.",
)
@click.option(
    "--notices",
    type=click.Path(path_type=Path),
    default=None,
    help="A TOML file of channels (mail, webhook, feed) that are told when the run is over.",
)
@click.option(
    "--metrics",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="A file, NAME.prom, for metrics of the run and the archive in OpenMetrics.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say each capture.")
def crawl(
    names: Sequence[str], archive: Path, path: Path, limit: int | None, minutes: float | None, requests: int | None,
    log: Path | None, notices: Path | None, metrics: Path | None, *, due: bool, verbose: bool,
) -> None:  # fmt: skip
    """Crawl sources for their reports: all, or those named, or an address.

    A SOURCE is a name from `gongkai sources`, or the address of a home page or a column of reports. A run that was
    cut off within the last day is taken up where it stopped. A source that blocked us rests for 1, 2, 4 … 32 days,
    unless it is named. Those that have waited longest are begun first, so that with --minutes or --requests each has
    its turn in one of the next runs.
    """
    if verbose:
        logs.say_captures()
    with plain_errors(), telling(archive, notices=notices, metrics=metrics) as untold:
        chosen = source_files.pick(source_files.load(path), names)
        try:
            if log:
                logs.write_to(log)
            results = run_crawl(
                [Job(sources=chosen)],
                archive=archive,
                limit=limit or 0,
                wake=bool(names),
                due=due,
                minutes=minutes or 0,
                requests=requests or 0,
                settings={"PROGRESS": not verbose},
            )
        except WriteError as error:
            raise Stop(str(error), code=Exit.SOME_FAILED if error.kept else Exit.NOTHING_WORKED) from error
    result = results[-1]
    if result.visits:
        click.echo(visit_table(result.visits))
    if due:
        click.echo(f"{result.idle} of {len(chosen)} sources have nothing due")
    if result.status == "spent":
        cut_off = sum(visit.status == "unfinished" for visit in result.visits)
        click.echo(
            f"the budget is spent: {cut_off} sources cut off, {result.left} not begun; the next run begins with them"
        )
    click.echo(f"run {result.run} {result.status}; archive {archive}")
    sys.exit(exit_code(result.status, result.visits) or (Exit.SOME_FAILED if untold else Exit.WELL))


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


COMMANDS = (
    crawl,
    sources,
    detect,
    demo,
)
