"""Commands that show what is in an archive, and what cleaning makes of a page."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from archive import reader
from archive.compare import changed_lines
from archive.database import connect, to_json
from crawler import sources as source_files
from crawler.cli.shared import Stop, archive_option, plain_errors
from crawler.run import Exit


@click.command()
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


@click.command()
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


@click.command()
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


@click.command()
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

    query = " ".join(words)
    only["standing"] = None if copies else "official"
    with plain_errors():
        db = connect(archive)
        for hit in find(db, query, limit=limit, **only):
            copy = "" if hit.standing == "official" else "  (copy)"
            click.echo(f"{hit.agency} {hit.year}{copy}  {marked(hit.title, hit.title_marks)}\n  {hit.url}")
            click.echo(f"  {marked(hit.snippet, hit.marks)}\n")
        click.echo(f"{count(db, query, **only)} pages of reports")


@click.command()
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


@click.command()
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


def _pages(files: Sequence[Path]) -> Iterator[Path]:
    for file in files:
        if file.is_dir():
            yield from sorted(p for p in file.rglob("*") if p.suffix.lower() in (".html", ".htm", ".shtml"))
        else:
            yield file


COMMANDS = (
    show,
    facts,
    forms,
    search,
    clean,
    browse,
)
