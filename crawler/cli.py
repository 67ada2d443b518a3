"""The command line: a thin face over the rooms."""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib.metadata import version as version_of
from itertools import chain as chained
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archive import reader
from archive.compare import changed_lines
from archive.database import ArchiveError, LockedError, connect, to_json
from archive.export import FORMS
from archive.export import export as export_tables
from crawler import sources as source_files
from crawler.run import Exit, Job, exit_code, visit_table
from crawler.run import crawl as run_crawl

if TYPE_CHECKING:
    from archive.verify import Sample

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
    except sqlite3.DatabaseError as error:
        hint = "`gongkai verify` names what is damaged in it"
        raise Stop(f"SQLite cannot go on with the archive: {error}. {hint}", code=Exit.SOME_FAILED) from error


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
@click.argument("words", metavar="[WORD]...", nargs=-1)
@archive_option
@click.option("--changed", is_flag=True, help="Show what changed between versions, and what a copy has otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a page, one a line.")
def facts(words: Sequence[str], archive: Path, *, changed: bool, as_json: bool) -> None:
    """Print the numbers of reports: the tables of their forms, checked, and what sentences state.

    WORDS are a page's address, a report's id, or words of agency, title and year; without any, all reports are printed.
    Of a report with several pages it is the one whose text is believed, with --changed each of them.
    """
    from crawler import facts as face

    told, lines = (face.changes, face.change_lines) if changed else (face.stated, face.stated_lines)
    with plain_errors():
        db = connect(archive)
        pages = face.pages(db, what := " ".join(words), all_of_them=changed)
        if not pages:
            raise Stop(f"{what}: names no report in {archive}", code=Exit.MISUSE)
        for page in pages:
            found = told(db, page)
            if said := to_json(found) if as_json else "\n".join(lines(found)):
                click.echo(said if as_json else f"{said}\n")


@main.command()
@archive_option
@click.option(
    "--unknown", is_flag=True, help="List instead the labels of the archive's tables that no form accounts for."
)
@click.option("--json", "as_json", is_flag=True, help="Print those as JSON.")
def forms(archive: Path, *, unknown: bool, as_json: bool) -> None:
    """List the forms that statistics are read by, or what in the archive fits none."""
    from crawler import facts as face

    if not unknown:
        click.echo("\n".join(face.form_lines()))
        return
    with plain_errors():
        labels = reader.unplaced(connect(archive))
    if as_json:
        click.echo(json.dumps(labels, ensure_ascii=False, indent=2))
        return
    for row in labels:
        click.echo(
            f"{row['times']:>6}  {row['label'] or '(no label)'}  {row['form'] or ''}\n        {row['cell']}  {row['url']}"
        )
    click.echo(f"{len(labels)} labels", err=True)


@main.command()
@click.argument("words", metavar="WORD...", nargs=-1, required=True)
@archive_option
@click.option("--year", type=int, default=None, help="Only reports on this year.")
@click.option("--region", default=None, help="Only regions whose code begins so: 44, 4401, 440103.")
@click.option("--agency-kind", "kind", type=click.Choice(source_files.LEVELS), default=None, help="Only such agencies.")
@click.option("--copies", is_flag=True, help="Search the copies on other hosts too.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most N pages.")
def search(words: Sequence[str], archive: Path, *, copies: bool, limit: int, **only: Any) -> None:
    """Search the reports and their documents for all words, in simplified or traditional characters.

    A word is found wherever it stands; what stands in quotes, blanks and all, as it stands: gongkai search '"年度 报告"'.
    The most relevant come first.
    """
    from archive.search import count, find
    from pipelines.normalise import simplified_word

    query = " ".join(words)
    only |= {"simplify": simplified_word, "standing": None if copies else "official"}
    with plain_errors():
        db = connect(archive)
        for hit in find(db, query, limit=limit, **only):
            copy = "" if hit.standing == "official" else "  (copy)"
            click.echo(f"{hit.agency} {hit.year}{copy}  {marked(hit.title, hit.title_marks)}\n  {hit.url}")
            click.echo(f"  {marked(hit.snippet, hit.marks)}\n")
        click.echo(f"{count(db, query, **only)} pages of reports")


@main.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(archive: Path, *, as_json: bool) -> None:
    """Say what is in the archive, and how the last runs and each source's last visit went."""
    with plain_errors():
        db = connect(archive)
        state = {
            "sizes": reader.sizes(db),
            "standing": reader.standing(db),
            "runs": reader.runs(db, last=5),
            "visits": reader.last_visits(db),
        }
    if as_json:
        click.echo(json.dumps(state, ensure_ascii=False, indent=2))
        return
    sizes: Any = state["sizes"]
    click.echo(
        f"{sizes['reports']} reports, {sizes['versions']} versions, {sizes['captures']} captures of {sizes['pages']} pages; "
        f"{_megabytes(sizes['bytes'])} served, {_megabytes(sizes['stored'])} stored"
    )
    standing: Any = state["standing"]
    click.echo(
        f"{standing['pages']} official pages of reports: {standing['missing']} missing, {standing['withdrawn']} withdrawn, "
        f"{standing['moved']} moved, {standing['unlisted']} no longer listed"
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
@click.option(
    "--sample", metavar="N|N%", default=None, help="Only N payloads and captures drawn at random, or N% of them: fast."
)
@click.option("--seed", type=int, default=None, help="Draw the sample of an earlier run again.")
@click.option(
    "--head", "noted", metavar="HEAD|FILE", multiple=True,
    help="A head printed earlier, or a file that holds some: prove that it is still part of the history.",
)  # fmt: skip
@click.option("--texts", is_flag=True, help="Clean the payloads again too, and compare the texts: slow.")
def verify(archive: Path, sample: str | None, seed: int | None, noted: Sequence[str], *, texts: bool) -> None:
    """Prove every payload by its SHA-256, every run by its digest, follow every reference, derive every row again.

    Prints each fault, and the head of each archive's chain of runs: note it elsewhere, for only a head noted there
    shows that history was rewritten as a whole, or its end cut off. A chain that forks is no fault: two copies of
    an archive went on and were merged, or somebody put a run in. Writes nothing and may run beside a crawl.
    """
    from archive import chain
    from archive.verify import faults

    known = [head for words in noted for head in _heads(words)]
    part = _sample(sample, seed=seed) if sample else None
    found = 0
    with plain_errors():
        db = connect(archive)
        for fault in chained(faults(db, sample=part, known=known), _cleaned_otherwise(db, part) if texts else ()):
            found += 1
            click.echo(fault, err=True)
        for head in chain.heads(db):
            click.echo(f"head {head}")
        for fork in chain.forks(db):
            click.echo(fork)
        sizes = reader.sizes(db)
    looked = f"a sample of {sample}, --seed {part.seed}: " if part else ""
    verdict = f"{found} faults" if found else "all as it must be"
    click.echo(
        f"{archive}: {sizes['payloads']} payloads, {sizes['captures']} captures, {sizes['versions']} versions: "
        f"{looked}{verdict}"
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
        connect(archive, older=True).close()
        with Store(archive) as store, Workers(workers) as pool:
            quiet = not sys.stderr.isatty()
            failed = _say_uncleaned(tqdm(run(store, workers=pool), desc="texts", unit="", disable=quiet, leave=False))
            sizes = reader.sizes(store.db)
    click.echo(
        f"{archive}: {sizes['texts']} texts, {sizes['versions']} versions, {sizes['reports']} reports made again"
        + (f"; {failed} pages not cleaned" if failed else "")
    )
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


@main.command()
@click.argument("into", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("archives", metavar="FROM...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that clean.")
def merge(into: Path, archives: Sequence[Path], workers: int) -> None:
    """Take over into INTO what other archives have more; it is made where it is not there.

    Any order gives the same, and nothing is taken twice. A crawl may be writing to a FROM: the run that it has not
    ended is left, for the next time. Texts of another cleaner's making are made again.
    """
    from archive.merge import merge as take
    from archive.store import Store
    from pipelines.clean import CLEANER
    from pipelines.rebuild import clean_left
    from pipelines.workers import Workers

    with plain_errors():
        for archive in archives:
            connect(archive, older=True).close()
        with Store(into) as store, Workers(workers) as pool:
            for archive in archives:
                done = take(store, archive, cleaner=CLEANER)
                click.echo(
                    f"{archive}: {done.runs} runs taken over, {done.known} known already; "
                    f"{done.captures} captures, {done.payloads} payloads"
                )
                for run in done.left:
                    click.echo(f"  run {run} left: it is going on, or was killed and the next crawl there will end it")
            failed = _say_uncleaned(clean_left(store, workers=pool))
            sizes = reader.sizes(store.db)
    click.echo(
        f"{into}: {sizes['runs']} runs, {sizes['captures']} captures of {sizes['pages']} pages, {sizes['reports']} reports"
        + (f"; {failed} pages not cleaned" if failed else "")
    )
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


@main.command()
@click.argument("copy", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@archive_option
def backup(copy: Path, archive: Path) -> None:
    """Write a consistent copy of the archive to FILE, which must not be there yet; a crawl may be writing beside it.

    The copy is the same archive at an earlier time: crawl on in one of the two only.
    """
    from archive.database import backup as write

    with plain_errors():
        write(archive, copy)
    click.echo(f"{copy}: {_megabytes(copy.stat().st_size)}, a copy of {archive}")


@main.command()
@archive_option
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True, help="The port to listen on.")
@click.option("--public", is_flag=True, help="Fit to be shown to the world: no SQL of a reader's own, and limits.")
def browse(archive: Path, port: int, *, public: bool) -> None:
    """Open the archive in Datasette, on this machine only."""
    from archive.browse.serve import serve

    with plain_errors():
        connect(archive).close()
        click.echo(f"{archive} on http://127.0.0.1:{port}/ (Ctrl-C ends)")
        serve(archive, port=port, public=public)


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


@main.group()
def export() -> None:
    """Write an archive's contents in other forms."""


def _export_tables(form: str, about: str) -> None:
    """Add the command that exports tables in one form."""

    @export.command(form, help=f"Write an archive's tables as {about}.\n\nAll tables, unless some are named.")
    @archive_option
    @click.option(
        "-o", "--output", type=click.Path(path_type=Path), required=True,
        help=f"A folder for a file a table, or for one table a file that ends in .{form}.",
    )  # fmt: skip
    @click.option(
        "--table", "tables", metavar="TABLE", multiple=True, help="A table, by its file's name; again for more."
    )
    def command(archive: Path, output: Path, tables: Sequence[str]) -> None:
        from pipelines.forms.dictionary import entries

        with plain_errors():
            for file, rows in export_tables(connect(archive), output, form=form, tables=tables, dictionary=entries()):
                click.echo(f"{file}: {rows} rows")


for _form, _about in FORMS.items():
    _export_tables(_form, _about)


def _export_captures(form: str, about: str) -> None:
    """Add the command that exports captures in one form."""

    @export.command(
        form, help=f"Write captures as {about}.\n\nAn export of all can be imported with its history whole."
    )
    @archive_option
    @click.option(
        "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
    )
    @click.option("--source", "sources", metavar="SOURCE", multiple=True, help="Only this source; again for more.")
    @click.option(
        "--since", metavar="TIME", default="", help="Only captures from a time on: 2026, 2026-03, 2026-03-01."
    )
    @click.option("--until", metavar="TIME", default="", help="Only captures up to a time, and all within it.")
    @click.option("--run", metavar="RUN", default="", help="Only captures of this run.")
    @click.option("--url-prefix", metavar="URL", default="", help="Only pages whose address begins so.")
    def command(archive: Path, output: Path, sources: Sequence[str], **chosen: str) -> None:
        from archive import wacz, warc
        from crawler.clock import now

        selection = warc.Selection(sources=tuple(sources), **chosen)
        given: Any = {"selection": selection, "software": f"gongkai {version_of('gongkai')}", "at": now()}
        part = output.with_name(f"{output.name}.part")
        with plain_errors():
            db = connect(archive)
            if form == "warc":
                with part.open("wb") as out:
                    count = sum(1 for _ in warc.export(db, out, **given))
            else:
                count = sum(1 for _ in wacz.export(db, part, **given))
        part.replace(output)
        click.echo(f"{output}: {count} answers, {_megabytes(output.stat().st_size)}")


_export_captures("warc", "WARC/1.1, gzipped record by record")
_export_captures("wacz", "WACZ, to be opened in any viewer of web archives")


@main.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@archive_option
@click.option(
    "--source", "names", metavar="SOURCE", multiple=True, help="The source that the pages are of; again for more."
)
@click.option(
    "--sources", "path", type=click.Path(path_type=Path), default=source_files.BUNDLED, help="A TOML file or a folder."
)
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that clean.")
def import_(files: Sequence[Path], archive: Path, names: Sequence[str], path: Path, workers: int) -> None:
    """Take in WARC, WARC.gz and WACZ files, whoever made them, as one run each; twice adds nothing.

    Each page goes to the source whose hosts its host is one of: those named, else all known. A host of none goes to
    the first named; without any, to a source made of it, official only under .gov. An export of a whole gongkai
    archive comes in as it was. Broken records are named with their place in the file, and passed over.
    """
    from archive.store import Store
    from crawler.clock import now
    from crawler.importing import import_file, summary
    from pipelines.rebuild import clean_left
    from pipelines.workers import Workers

    failed = 0
    with plain_errors():
        known = source_files.load(path)
        named = source_files.pick(known, names) if names else ()
        with Store(archive) as store, Workers(workers) as pool:
            for file in files:
                done = import_file(store, file, known=known, named=named, at=now())
                for line in done.broken:
                    failed += 1
                    click.echo(line, err=True)
                click.echo(summary(done))
            failed += _say_uncleaned(clean_left(store, workers=pool))
            sizes = reader.sizes(store.db)
    click.echo(
        f"{archive}: {sizes['runs']} runs, {sizes['captures']} captures of {sizes['pages']} pages, {sizes['reports']} reports"
        + (f"; {failed} faults" if failed else "")
    )
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


def report_lines(report: Mapping[str, Any]) -> str:
    """Set out what is known of a report."""
    late = f", {report['days_late']} days late" if report["days_late"] else ""
    gone = f"\nwithdrawn {report['withdrawn_on']}" if report["withdrawn_on"] else ""
    return (
        f"{report['agency']} {report['year']}  [{report['id']}]\n{report['title']}\n"
        f"published {report['published_on'] or 'on a day unknown'}, due {report['due_on']}{late}{gone}"
    )


def marked(text: str, places: Iterable[tuple[int, int]]) -> str:
    """Set the words found in a text in bold."""
    for start, end in reversed([*places]):
        text = text[:start] + click.style(text[start:end], bold=True) + text[end:]
    return text


def event_line(event: Mapping[str, Any]) -> str:
    """Set out what befell a page, with the capture that shows it: its time, status and reason."""
    number = f" version {event['detail']}" if event["kind"] in ("found", "changed", "reverted") else ""
    place = f" {event['detail']}" if event["kind"] in ("moved", "unlisted", "relisted") else ""
    reason = f", {event['reason']}" if event["reason"] else ""
    return f"{event['at'][:19]}: {event['kind']}{number}{place} ({event['status'] or 'no answer'}{reason})"


def _say_uncleaned(made: Iterable[tuple[str, str | None]]) -> int:
    """Name each page that could not be cleaned, and count them."""
    failed = [(url, error) for url, error in made if error]
    for url, error in failed:
        click.echo(f"{url}: {error}", err=True)
    return len(failed)


def _show_page(db: Any, page: str, *, number: int | None, original: bool) -> None:
    versions = reader.versions(db, page)
    for version in versions:
        click.echo(
            f"  version {version['n']}: seen {version['captures']} times, {version['first_seen'][:19]} to "
            f"{version['last_seen'][:19]}, payload {version['payload'][:12]}"
        )
    for event in reader.page_events(db, page):
        click.echo(f"  {event_line(event)}")
    for capture in reader.captures(db, page):
        if capture["outcome"] not in ("new", "same", "not-modified", "gone"):
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
    for file in reader.documents(db, page):
        said = (
            "its text is the report's" if file["rank"] == 0 else file["outcome"] or "on another's host, not asked for"
        )
        click.echo(f"  document {file['label']}: {file['url']}: {said}")
        for unlike in json.loads(file["differing"] or "[]"):
            click.echo(f"    {unlike['context']}: {unlike['one']} in the report's text, {unlike['other']} here")
        if file["rank"] == 0:
            text = reader.text_of(db, file["payload"])
            click.echo("\n".join(["", text["title"], "", text["text"], ""]))


def _heads(words: str) -> Sequence[tuple[str, str]]:
    """Read heads of chains as they were printed, given themselves or in a file."""
    from archive.chain import noted

    found = noted(words) or (noted(Path(words).read_text(encoding="utf-8")) if Path(words).is_file() else [])
    if not found:
        raise click.BadParameter(
            f"{words}: neither a head, ORIGIN:DIGEST, nor a file that holds one", param_hint="--head"
        )
    return found


def _sample(words: str, *, seed: int | None) -> Sample:
    """Read what --sample was given."""
    from archive.verify import Sample

    seed = secrets.randbelow(10**9) if seed is None else seed
    number = words.removesuffix("%")
    if number != words and re.fullmatch(r"[0-9]+(\.[0-9]+)?", number) and 0 < float(number) <= 100:
        return Sample(share=float(number) / 100, seed=seed)
    if number == words and number.isdecimal() and int(number):
        return Sample(count=int(number), seed=seed)
    raise click.BadParameter(f"{words}: neither a number of rows nor a share such as 5%", param_hint="--sample")


def _cleaned_otherwise(db: sqlite3.Connection, sample: Sample | None) -> Iterator[str]:
    """Clean again what was cleaned, and name each text that comes out otherwise."""
    from archive.store import text_row
    from archive.verify import cleaned
    from pipelines.clean import CLEANER
    from pipelines.workers import Workers, clean_one, why

    with Workers(os.cpu_count() or 1) as pool:
        for item, made in pool.each(clean_one, cleaned(db, cleaner=CLEANER, sample=sample)):
            if error := made.exception():
                yield f"text of payload {item.payload} ({item.url}): cannot be cleaned again: {why(error)}"
                continue
            stands, follows = reader.text_of(db, item.payload), text_row(made.result())
            if unlike := [field for field in follows if follows[field] != stands[field] and field != "digest"]:
                yield f"text of payload {item.payload} ({item.url}): cleaned again, other in {', '.join(unlike)}"


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
