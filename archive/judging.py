"""Each source's health in time: what `archive.health` judges by is gathered here, always as it was known at the time.

A source is judged at the end of each run that visited it, but for runs that were cut off and for imports. Runs are in the order of
their names, which begin with the time they began.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import takewhile
from typing import Any

from archive import health
from archive.health import Answer, Listing, Opened, Sight
from archive.rows import TEXTS_OF_VERSIONS

JUDGED = "runs.status IN ('finished', 'spent') AND runs.imported_from IS NULL"
"""Runs that ended by themselves; a visit that was cut off says so."""

LISTINGS = 30
"""How many visits whose lists named reports are looked back on."""

OPENED = 3
"""How many report pages that came in full are looked at, to tell whether reports still can be read."""

LOOKED_BACK = 16
"""In how many visits they are looked for: a page comes in full every 14 days."""

Known = tuple[Any, ...]
"""What is known of a page: itself, since when, and its payload, or else its report's agency, year, day and source."""


def judge(db: sqlite3.Connection, run: str) -> None:
    """Judge the sources that a run visited, and anew what was judged after it; the caller holds the transaction."""
    for (source,) in db.execute("SELECT source FROM visits WHERE run = ?", (run,)).fetchall():
        judge_source(db, source, since=run)


def judge_all(db: sqlite3.Connection) -> None:
    """Judge all sources anew, from their first visits; the caller holds the transaction."""
    for (source,) in db.execute("SELECT id FROM sources ORDER BY id").fetchall():
        judge_source(db, source)


def judge_source(db: sqlite3.Connection, source: str, *, since: str = "") -> None:
    """Judge a source by its visits from a run on, and keep where its state changed; the caller holds the transaction."""
    office = db.execute("SELECT * FROM sources WHERE id = ?", (source,)).fetchone()
    last = db.execute(
        "SELECT state FROM health WHERE source = ? AND run < ? ORDER BY run DESC LIMIT 1", (source, since)
    ).fetchone()
    was = last["state"] if last else None
    db.execute("DELETE FROM health WHERE source = ? AND run >= ?", (source, since))
    visits = db.execute(
        f"""SELECT v.*, ended_at FROM visits v JOIN runs ON runs.id = v.run
            WHERE source = ? AND run >= ? AND {JUDGED} ORDER BY run""",  # noqa: S608
        (source, since),
    )
    for visit in visits.fetchall():
        found = health.judge(_sight(db, office, visit), was=was)
        if found and found.state != was:
            was = found.state
            db.execute(
                "INSERT INTO health VALUES (?, ?, ?, ?, ?, ?)",
                (source, visit["ended_at"], visit["run"], found.state, found.evidence, found.capture),
            )


def known(db: sqlite3.Connection, pages: Iterable[str]) -> set[Known]:
    """Give what is known of pages that judging depends on, to be compared by `judge_again`."""
    query = """SELECT page, first_seen, payload, NULL, NULL, NULL FROM versions WHERE page = :page UNION ALL
               SELECT page, first_seen, agency, year, published_on, source FROM report_pages
               WHERE page = :page AND standing = 'official'"""
    return {tuple(row) for page in pages for row in db.execute(query, {"page": page})}


def judge_again(db: sqlite3.Connection, differing: Iterable[Known]) -> None:
    """Judge the past anew where what is known of it is different now; the caller holds the transaction.

    So it is where a text came late, or an older archive was merged, or a page's report turned out to be another's.
    """
    since: dict[str, str] = {}
    for page, at, *said in differing:
        (run,) = db.execute(f"SELECT min(id) FROM runs WHERE ended_at >= ? AND {JUDGED}", (at,)).fetchone()  # noqa: S608
        sources = db.execute(
            """SELECT DISTINCT source FROM health WHERE source IN (
                   SELECT source FROM captures WHERE page = ? UNION SELECT id FROM sources WHERE agency = ?)""",
            (page, said[0]),
        )
        for (source,) in sources.fetchall() if run else ():
            since[source] = min(run, since.get(source, run))
    for source, run in since.items():
        judge_source(db, source, since=run)


def reread(db: sqlite3.Connection, *payloads: int) -> None:
    """Judge anew the runs over when texts came late that tell whether what they opened could be read."""
    since: dict[str, str] = {}
    for payload in payloads:
        late = db.execute(
            f"""SELECT source, min(run) FROM captures c JOIN runs ON runs.id = run
                WHERE payload_number = ? AND kind = 'report' AND {JUDGED} AND source IN (SELECT source FROM health)
                GROUP BY source""",  # noqa: S608
            (payload,),
        )
        for source, run in late.fetchall():
            since[source] = min(run, since.get(source, run))
    for source, run in since.items():
        judge_source(db, source, since=run)


def _sight(db: sqlite3.Connection, office: sqlite3.Row, visit: sqlite3.Row) -> Sight:
    listings = _listings(db, visit)
    own = listings.pop(visit["run"], None)
    return Sight(
        day=_day(visit["ended_at"]),
        status=visit["status"],
        reason=visit["reason"],
        hosts=tuple(json.loads(office["hosts"])),
        level=office["level"],
        answers=tuple(_answers(db, visit, last=max(listings, default=""))),
        named=own.named if own else 0,
        gone=visit["gone"],
        listings=tuple(listings.values()),
        opened=tuple(_opened(db, visit)),
        partial=_partial(db, visit) if visit["status"] == "partial" else 0,
        arrivals=None if office["copy_of"] else _arrivals(db, office, until=visit["ended_at"]),
    )


def _listings(db: sqlite3.Connection, visit: sqlite3.Row) -> dict[str, Listing]:
    """Give the last visits whose lists named reports, up to this one, by run, the latest first."""
    rows = db.execute(
        f"""SELECT c.run, ended_at, sum(reports) AS named, gone
            FROM columns c JOIN runs ON runs.id = c.run JOIN visits v ON v.run = c.run AND v.source = c.source
            WHERE c.source = ? AND c.run <= ? AND list_pages > 0 AND {JUDGED}
            GROUP BY c.run HAVING sum(reports) ORDER BY c.run DESC LIMIT {LISTINGS}""",  # noqa: S608
        (visit["source"], visit["run"]),
    )
    return {row["run"]: Listing(day=_day(row["ended_at"]), named=row["named"], gone=row["gone"]) for row in rows}


def _answers(db: sqlite3.Connection, visit: sqlite3.Row, *, last: str) -> Iterator[Answer]:
    """Give what each page last answered in a visit and those it took up; lists that named reports in the run `last` are marked."""
    rows = db.execute(
        """WITH RECURSIVE chain (id) AS (
               SELECT :run UNION SELECT resumes FROM runs JOIN chain USING (id) WHERE resumes IS NOT NULL)
           SELECT c.id, page, kind, url, outcome, reason
           FROM chain JOIN captures c ON c.run = chain.id JOIN pages ON pages.id = page
           WHERE c.source = :source AND kind IN ('start', 'column', 'next', 'report', 'robots')
             AND (chain.id = :run OR NOT EXISTS (  -- there its visit was cut off, else it is one of its own
                 SELECT 1 FROM visits v WHERE v.run = chain.id AND v.source = c.source AND v.status != 'unfinished'))
           ORDER BY at, attempt, c.id""",
        {"run": visit["run"], "source": visit["source"]},
    )
    asked = {row["page"]: row for row in rows}
    named = db.execute(
        "SELECT page FROM columns WHERE source = ? AND run = ? AND reports AND list_pages", (visit["source"], last)
    )
    columns = {page for (page,) in named}
    for row in asked.values():
        yield Answer(
            capture=row["id"], kind=row["kind"], url=row["url"], outcome=row["outcome"], reason=row["reason"],
            named=row["page"] in columns,
        )  # fmt: skip


def _opened(db: sqlite3.Connection, visit: sqlite3.Row) -> Iterator[Opened]:
    """Find the report pages that came in full the last, the latest first, each as it came the last time."""
    runs = db.execute(
        f"""SELECT run FROM visits JOIN runs ON runs.id = run
            WHERE source = ? AND run <= ? AND {JUDGED} ORDER BY run DESC LIMIT {LOOKED_BACK}""",  # noqa: S608
        (visit["source"], visit["run"]),
    )
    seen: set[str] = set()
    for (run,) in runs.fetchall():
        rows = db.execute(
            f"""SELECT c.id, page, url, t.is_report AND (t.text != '' OR t.attachments != '[]') AS legible
               FROM captures c JOIN pages ON pages.id = page
               JOIN readings r ON r.payload = payload_number JOIN stored_texts t ON t.number = r.text
               WHERE c.run = ? AND c.source = ? AND kind = 'report' AND outcome IN ('new', 'same') AND EXISTS (
                   SELECT 1 FROM versions v JOIN {TEXTS_OF_VERSIONS}
                   WHERE v.page = c.page AND first_seen <= c.at AND t.is_report)
               ORDER BY c.at DESC, c.attempt DESC, c.id""",  # noqa: S608
            (run, visit["source"]),
        )
        for row in rows:
            if row["page"] not in seen:
                seen.add(row["page"])
                yield Opened(capture=row["id"], url=row["url"], legible=bool(row["legible"]))
            if len(seen) == OPENED:
                return


def _partial(db: sqlite3.Connection, visit: sqlite3.Row) -> int:
    """Count the visits in a row, this the last, that left something out."""
    rows = db.execute(
        f"""SELECT v.status FROM visits v JOIN runs ON runs.id = run
            WHERE source = ? AND run <= ? AND v.status NOT IN ('resting', 'unfinished') AND {JUDGED}
            ORDER BY run DESC LIMIT {health.PATIENCE}""",  # noqa: S608
        (visit["source"], visit["run"]),
    )
    return sum(1 for _ in takewhile(lambda row: row["status"] == "partial", rows))


def _arrivals(db: sqlite3.Connection, office: sqlite3.Row, *, until: str) -> dict[int, int | None]:
    """Give the years on which reports of an office were known at a time, and how many days after the law's each came.

    A department's source is for it alone, so what is there is its own, under whatever name; a government's may list
    others' reports, which count only where none is its own. A report came when it was seen first, where the source was
    visited before that; else when it says.
    """
    begun = db.execute(
        f"SELECT started_at FROM visits JOIN runs ON runs.id = run WHERE source = ? AND {JUDGED} ORDER BY run LIMIT 1",  # noqa: S608
        (office["id"],),
    ).fetchone()["started_at"]
    rows = db.execute(
        """SELECT year, published_on, first_seen, agency = :agency AS own FROM report_pages
           WHERE standing = 'official' AND first_seen <= :until AND (agency = :agency OR source = :source)""",
        {"agency": office["agency"], "source": office["id"], "until": until},
    ).fetchall()
    own = [row for row in rows if row["own"]] if office["level"] == "government" else []
    came: dict[int, int | None] = {}
    for row in own or rows:
        days = _came(row, level=office["level"], begun=begun)
        known = [day for day in (days, came.get(row["year"])) if day is not None]
        came[row["year"]] = min(known, default=None)
    return came


def _came(row: Any, *, level: str, begun: str) -> int | None:
    due = health.due_on(row["year"], level=level)
    says = (date.fromisoformat(row["published_on"]) - due).days if row["published_on"] else None
    seen = (_day(row["first_seen"]) - due).days if row["first_seen"][:10] > begun[:10] else None
    if seen is None or seen > health.HABIT:
        return says
    return seen if says is None else max(seen, says)


def _day(at: str) -> date:
    return date.fromisoformat(at[:10])
