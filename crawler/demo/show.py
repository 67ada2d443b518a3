"""`gongkai demo`: crawl the county on two days of its life, and say what the archive knows afterwards."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from urllib.parse import urlsplit

import click

from archive import overview, reader
from archive.compare import changed_lines, edits
from archive.database import ArchiveError, Row, connect, name
from crawler.demo.county import County
from crawler.demo.server import serve
from crawler.run import Exit, Job, crawl, visit_table
from crawler.sources import Source, load

LABELS = ("demo day 1", "demo day 2")


def run(archive: Path) -> int:
    """Crawl the days that the archive does not hold yet, print what was found, and give the exit code."""
    county = County.make()
    done = _days_done(archive)
    if len(done) == len(LABELS):
        click.echo(f"{archive} holds both days already; it is made anew")
        _remove(archive)
        done = []
    sources = _sources(county)
    with serve(county) as server:
        for variable in ("http_proxy", "https_proxy"):  # how the crawler reaches hosts that do not exist
            os.environ[variable] = server.url
        click.echo(f"the county is served on {server.url}, a proxy on loopback; archive {archive}")

        def job(day: int) -> Job:
            def before() -> None:
                server.day = day
                click.echo(f"\nday {day}: crawling {len(sources)} sources\n")

            return Job(
                sources=sources, label=LABELS[day - 1], before=before, after=lambda r: click.echo(visit_table(r.visits))
            )

        jobs = [job(day) for day in (1, 2) if LABELS[day - 1] not in done]
        results = crawl(jobs, archive=archive, settings={"PROGRESS": True})
    if results[-1].status != "finished":
        return Exit.INTERRUPTED
    missing = _show(archive, county)
    well = not missing and all(visit.status == "ok" for result in results for visit in result.visits)
    return Exit.WELL if well else Exit.SOME_FAILED


def _show(archive: Path, county: County) -> list[tuple[str, int]]:
    """Print reports by office and year, changes, what is missing, and copies; give what the county has and we do not."""
    db = connect(archive)
    reports = reader.coverage(db)
    click.echo("\nreports by office and year (o in time, L late, x missing since)\n")
    pages = reader.carriers(db)
    there = {(p["agency"], p["year"]) for p in pages if p["standing"] == "official" and not p["missing_since"]}
    click.echo("\n".join(_grid(reports, there)))
    click.echo("\nchanged in silence")
    for change in reader.changes(db):
        click.echo(f"  {change['agency']} {change['year']}: {change['url']}")
        for line in _changed(db, change):
            click.echo(f"    {line}")
    click.echo("\nmissing (withdrawn, once they are so on another day too)")
    for event in reader.events(db):
        if event["kind"] == "missing":
            click.echo(f"  {event['agency']} {event['year']}: {event['url']}: {event['detail']}")
    click.echo("\ncopies, kept and not believed")
    for line in _copies(db, pages):
        click.echo(f"  {line}")
    found = {(r["agency"], r["year"]) for r in reports}
    expected = {(r["agency"], r["year"]) for day in (1, 2) for r in county.truth(day=day)["reports"]}
    sizes = reader.sizes(db)
    click.echo(
        f"\n{len(found & expected)} of the county's {len(expected)} reports found, {len(found - expected)} that are none; "
        f"{sizes['captures']} captures, {sizes['bytes'] / 1e6:.1f} MB served, {sizes['stored'] / 1e6:.0f} MB stored"
    )
    click.echo(f"browse them: make browse, or gongkai browse --archive {archive}")
    return sorted(expected ^ found)


def _grid(reports: list[Row], there: Collection[tuple[str, int]]) -> Iterator[str]:
    years = range(min(r["year"] for r in reports), max(r["year"] for r in reports) + 1)
    yield "  " + " ".join(f"{year % 100:02}" for year in years)
    for agency, own in groupby(reports, key=lambda r: r["agency"]):
        marks = {r["year"]: "L" if r["days_late"] else "o" for r in own}
        marks |= {year: "x" for year in marks if (agency, year) not in there}
        yield "  " + " ".join(f" {marks.get(year, '.')}" for year in years) + f"  {agency}"


def _changed(db: sqlite3.Connection, change: Row) -> Iterator[str]:
    """Tell what another version of a page says otherwise, and the files put in the place of those it links to."""
    yield from _edits(*(reader.text_of(db, change[key])["text"] for key in ("before", "payload")))
    for file in reader.documents_of(db, change["url"]):
        seen = dict.fromkeys(c["payload"] for c in reader.captures(db, name(file["url"])) if c["payload"])
        for payloads in pairwise(seen):
            yield f"{file['url']}:"
            yield from _edits(*(reader.text_of(db, payload)["text"] for payload in payloads))


def _copies(db: sqlite3.Connection, pages: list[Row]) -> Iterator[str]:
    """Tell, host by host and office by office, what copies changed of the originals."""
    originals = {
        (p["agency"], p["year"]): reader.text_of(db, p["payload"]) for p in pages if p["standing"] == "official"
    }
    copies = [page for page in pages if page["standing"] == "copy"]
    for (host, agency), own in groupby(copies, key=lambda c: (urlsplit(c["url"]).netloc, c["agency"])):
        altered = {}
        count = 0
        for copy in own:
            count += 1
            original = originals[agency, copy["year"]]["text"]
            changes = Counter(_edits(original, reader.text_of(db, copy["payload"])["text"], context=0))
            if changes:
                altered[copy["year"]] = ", ".join(f"{edit} {times} times" for edit, times in changes.items())
        yield f"{host}: {count} copies of {agency}, {count - len(altered)} word for word, {len(altered)} altered"
        yield from (f"  {year}: {what}" for year, what in altered.items())


def _edits(before: str, after: str, *, context: int = 12) -> Iterator[str]:
    for old, new in changed_lines(before, after):
        yield from edits(old, new, context=context)


def _sources(county: County) -> tuple[Source, ...]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "county.toml")
        file.write_text(county.sources_toml(), encoding="utf-8")
        return load(file)


def _days_done(archive: Path) -> list[str]:
    if not archive.exists():
        return []
    runs = overview.runs(connect(archive), last=1000)
    if foreign := [r["id"] for r in runs if r["label"] not in LABELS]:
        raise ArchiveError(f"{archive}: holds runs that are not the demo's ({foreign[0]}); name another --archive")
    return [r["label"] for r in runs if r["status"] == "finished"]


def _remove(archive: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        archive.with_name(archive.name + suffix).unlink(missing_ok=True)
