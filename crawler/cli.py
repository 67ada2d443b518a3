"""The command line: a thin face over the rooms."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version as version_of
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from archive import reader
from archive.compare import changed_lines
from archive.database import ArchiveError, LockedError, connect
from crawler import sources as source_files
from crawler.run import Exit, Job, exit_code, visit_table
from crawler.run import crawl as run_crawl

ARCHIVE = Path("gongkai.sqlite")


class Stop(click.ClickException):
    """An error for the reader, without a traceback."""

    def __init__(self, message: str, *, code: Exit) -> None:
        super().__init__(message)
        self.exit_code = code


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the errors a user can do something about into one line and an exit code."""
    try:
        yield
    except LockedError as error:
        raise Stop(str(error), code=Exit.LOCKED) from error
    except (ArchiveError, source_files.SourceError) as error:
        raise Stop(str(error), code=Exit.MISUSE) from error


def archive_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --archive."""
    return click.option(
        "--archive",
        type=click.Path(path_type=Path, dir_okay=False),
        default=ARCHIVE,
        show_default=True,
        help="The archive: one SQLite file.",
    )(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version_of("gongkai"), prog_name="gongkai")
def main() -> None:
    """Find, keep and read the yearly disclosure reports (政府信息公开工作年度报告) of China's public bodies.

    Exit codes: 0 all well; 1 some sources failed or the archive has faults; 2 misuse; 3 nothing worked;
    4 the archive is locked; 130 interrupted.
    """


@main.command()
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
@click.option("-v", "--verbose", is_flag=True, help="Say each capture.")
def crawl(names: Sequence[str], archive: Path, path: Path, limit: int | None, *, verbose: bool) -> None:
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
            settings={"PROGRESS": not verbose},
        )
    for result in results:
        click.echo(visit_table(result.visits))
    result = results[-1]
    click.echo(f"run {result.run} {result.status}; archive {archive}")
    sys.exit(exit_code(result.status, result.visits))


@main.command()
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


@main.command()
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


@main.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--url", default="", help="The address the page was saved from, to complete its links.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a page, indented.")
@click.option("--jsonl", is_flag=True, help="Print one JSON object a page, one a line; a folder always prints so.")
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that clean.")
def clean(files: Sequence[Path], url: str, workers: int, *, as_json: bool, jsonl: bool) -> None:
    """Clean saved pages, with no network: print the text, or all that is known as JSON.

    A folder is walked for its .html, .htm and .shtml files. What cannot be cleaned within bounds of time and memory
    is one line on standard error.
    """
    from tqdm import tqdm

    from pipelines.saved import clean_file
    from pipelines.workers import Workers, why

    jsonl = jsonl or any(file.is_dir() for file in files)
    pages = list(_pages(files))
    failed = 0
    with Workers(min(workers, len(pages) or 1)) as pool:
        work = pool.each(partial(clean_file, url=url), pages)
        quiet = not sys.stderr.isatty() or sys.stdout.isatty()
        for file, made in tqdm(work, desc="pages", total=len(pages), unit="", disable=quiet, leave=False):
            if error := made.exception():
                failed += 1
                click.echo(f"{file}: {why(error)}", err=True)
            elif as_json or jsonl:
                click.echo(
                    json.dumps({"file": str(file), **made.result()}, ensure_ascii=False, indent=None if jsonl else 2)
                )
            else:
                click.echo("\n\n".join(filter(None, (made.result()["title"], made.result()["text"]))))
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


@main.command()
@click.argument("what", metavar="REPORT_OR_URL")
@archive_option
@click.option("--version", "number", type=click.IntRange(min=1), default=None, help="The N-th version of each page.")
@click.option("--original", is_flag=True, help="Show the lines that were repaired as they were served.")
def show(what: str, archive: Path, number: int | None, *, original: bool) -> None:
    """Show a report: its pages, versions and text.

    REPORT_OR_URL is a page's address, a report's id, or words of its agency, title and year: "财政局 2023".
    """
    with plain_errors():
        db = connect(archive)
        if "://" in what:
            pages = [reader.find_page(db, what)]
            if pages == [None]:
                raise Stop(f"{what}: no such page in {archive}", code=Exit.MISUSE)
            addresses = [(page["id"], page["url"]) for page in pages if page]
        else:
            reports = reader.find_reports(db, what)
            if len(reports) != 1:
                lines = [f"  {r['id']}  {r['agency']} {r['year']}" for r in reports] or ["  none"]
                raise Stop(f"{what}: names {len(reports)} reports in {archive}:\n" + "\n".join(lines), code=Exit.MISUSE)
            click.echo(report_lines(reports[0]))
            carriers = reader.carriers(db, agency=reports[0]["agency"], year=reports[0]["year"])
            addresses = [(c["page"], f"{c['url']}  ({c['standing']})") for c in carriers]
        for page, address in addresses:
            click.echo(address)
            _show_page(db, page, number=number, original=original)


@main.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(archive: Path, *, as_json: bool) -> None:
    """Say what is in the archive, and how the last runs and each source's last visit went."""
    with plain_errors():
        db = connect(archive)
        state = {"sizes": reader.sizes(db), "runs": reader.runs(db, last=5), "visits": reader.last_visits(db)}
    if as_json:
        click.echo(json.dumps(state, ensure_ascii=False, indent=2))
        return
    sizes: Any = state["sizes"]
    click.echo(
        f"{sizes['reports']} reports, {sizes['versions']} versions, {sizes['captures']} captures of {sizes['pages']} pages; "
        f"{_megabytes(sizes['bytes'])} served, {_megabytes(sizes['stored'])} stored"
    )
    click.echo("\nruns")
    for run in state["runs"]:
        click.echo(
            f"  {run['started_at'][:19]}  {run['status']:<11} {run['captures']} captures, {run['ok']} of {run['sources']} "
            f"sources ok, {run['new']} new, {run['changed']} changed, {run['gone']} gone"
        )
    click.echo("\nsources, last visit")
    for visit in state["visits"]:
        click.echo(f"  {visit['source']:<20} {visit['status']:<8} {visit['at'][:10]}  {visit['reason'] or ''}")


@main.command()
@archive_option
def verify(archive: Path) -> None:
    """Prove every payload by its SHA-256, follow every reference, work out every derived row again."""
    from archive.store import Store
    from archive.verify import faults

    with plain_errors():
        connect(archive).close()
        with Store(archive) as store:
            found = list(faults(store.db))
            sizes = reader.sizes(store.db)
    for fault in found:
        click.echo(fault, err=True)
    verdict = f"{len(found)} faults" if found else "all as it must be"
    click.echo(
        f"{archive}: {sizes['payloads']} payloads, {sizes['captures']} captures, {sizes['versions']} versions: {verdict}"
    )
    sys.exit(Exit.SOME_FAILED if found else Exit.WELL)


@main.command()
@archive_option
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that clean.")
def rebuild(archive: Path, workers: int) -> None:
    """Make all texts, versions and reports again from the captures."""
    from tqdm import tqdm

    from archive.store import Store
    from pipelines.rebuild import rebuild as run
    from pipelines.workers import Workers

    with plain_errors():
        connect(archive).close()
        with Store(archive) as store, Workers(workers) as pool:
            quiet = not sys.stderr.isatty()
            failed = 0
            for url, error in tqdm(run(store, workers=pool), desc="texts", unit="", disable=quiet, leave=False):
                if error:
                    failed += 1
                    click.echo(f"{url}: {error}", err=True)
            sizes = reader.sizes(store.db)
    click.echo(
        f"{archive}: {sizes['texts']} texts, {sizes['versions']} versions, {sizes['reports']} reports made again"
        + (f"; {failed} pages not cleaned" if failed else "")
    )
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


@main.command()
@archive_option
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True, help="The port to listen on.")
def browse(archive: Path, port: int) -> None:
    """Open the archive in Datasette, on this machine only."""
    from archive.browse import serve

    with plain_errors():
        connect(archive).close()
        click.echo(f"{archive} on http://127.0.0.1:{port}/ (Ctrl-C ends)")
        serve(archive, port=port)


@main.command()
@click.option(
    "--archive", type=click.Path(path_type=Path, dir_okay=False), default=Path("demo.sqlite"), show_default=True,
    help="Where the demo's archive goes.",
)  # fmt: skip
def demo(archive: Path) -> None:
    """Crawl two days of an invented county, served on loopback, and say what was found."""
    from crawler.demo.show import run

    with plain_errors():
        sys.exit(run(archive))


def report_lines(report: Mapping[str, Any]) -> str:
    """Set out what is known of a report."""
    late = f", {report['days_late']} days late" if report["days_late"] else ""
    gone = f"\nwithdrawn {report['withdrawn_on']}" if report["withdrawn_on"] else ""
    return (
        f"{report['agency']} {report['year']}  [{report['id']}]\n{report['title']}\n"
        f"published {report['published_on'] or 'on a day unknown'}, due {report['due_on']}{late}{gone}"
    )


def _show_page(db: Any, page: str, *, number: int | None, original: bool) -> None:
    versions = reader.versions(db, page)
    for version in versions:
        click.echo(
            f"  version {version['n']}: seen {version['captures']} times, {version['first_seen'][:19]} to "
            f"{version['last_seen'][:19]}, payload {version['payload'][:12]}"
        )
    for capture in reader.captures(db, page):
        if capture["outcome"] not in ("new", "same"):
            click.echo(
                f"  {capture['at'][:19]}: {capture['outcome']} {capture['status'] or ''} {capture['reason'] or ''}"
            )
    chosen = [v for v in versions if v["n"] == (number or versions[-1]["n"])]
    for older, newer in pairwise(versions):
        if number in (None, newer["n"]):
            for before, after in changed_lines(older["text"], newer["text"]):
                click.echo(f"  - {before}\n  + {after}")
    for version in chosen:
        lines = version["text"].splitlines()
        if original:
            for place, served in json.loads(version["originals"]):
                lines[place - 1] = served
        for kind, count in json.loads(version["repairs"]).items():
            click.echo(
                f"  repaired: {kind}, {count} places" + ("" if original else "; --original shows the lines as served")
            )
        click.echo("\n".join(["", version["title"], "", *lines, ""]))


def _pages(files: Sequence[Path]) -> Iterator[Path]:
    for file in files:
        if file.is_dir():
            yield from sorted(p for p in file.rglob("*") if p.suffix.lower() in (".html", ".htm", ".shtml"))
        else:
            yield file


def _say_captures() -> None:
    """Print what the crawler logs of its captures, and none of Scrapy's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("crawler")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


if __name__ == "__main__":
    main()
