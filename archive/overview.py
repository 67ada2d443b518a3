"""How an archive stands as a whole, in questions that stay quick as it grows: they go along its indexes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from archive.database import Row

CUT_OFF = ("running", "killed", "interrupted")
"""How runs stand that did not come to their end; one is truly running only while somebody holds the archive's lock."""


def runs(db: sqlite3.Connection, *, last: int) -> list[Row]:
    """List the latest runs, newest first, with their captures, their requests and what their visits found."""
    rows = db.execute(
        """WITH latest AS (SELECT * FROM runs ORDER BY started_at DESC, rowid DESC LIMIT ?)
           SELECT r.id, r.started_at, r.ended_at, r.status, r.resumes, r.label, count(source) AS sources,
                  coalesce(sum(v.status = 'ok'), 0) AS ok,
                  (SELECT count(*) FROM stored_captures c JOIN strings ON strings.number = c.run WHERE text = r.id) AS captures,
                  (SELECT count(*) FROM stored_captures c JOIN strings ON strings.number = c.run
                   WHERE text = r.id AND outcome IS NOT (SELECT number FROM strings WHERE text = 'refused')) AS requests,
                  coalesce(sum(new), 0) AS new, coalesce(sum(changed), 0) AS changed, coalesce(sum(gone), 0) AS gone,
                  coalesce(sum(blocked), 0) AS blocked, coalesce(sum(failed), 0) AS failed
           FROM latest r LEFT JOIN visits v ON v.run = r.id GROUP BY r.id ORDER BY r.started_at DESC, r.id DESC""",
        (last,),
    )
    return [dict(row) for row in rows]


def arrived(db: sqlite3.Connection, *, after: str | None) -> list[Row]:
    """List the runs that came into the archive after one (None: all), in that order, by crawl or by merge."""
    rows = db.execute(
        "SELECT * FROM runs WHERE rowid > coalesce((SELECT rowid FROM runs WHERE id = ?), 0) ORDER BY rowid", (after,)
    )
    return [dict(row) for row in rows]


def killed_before(db: sqlite3.Connection, run: str | None) -> list[str]:
    """Name the runs that were killed, with none but such between them and a run; itself too where it was killed."""
    rows = db.execute(
        """SELECT id FROM runs
           WHERE rowid <= (SELECT rowid FROM runs WHERE id = ?1) AND rowid > coalesce((
               SELECT max(rowid) FROM runs
               WHERE status NOT IN ('running', 'killed') AND rowid <= (SELECT rowid FROM runs WHERE id = ?1)), 0)""",
        (run,),
    )
    return [row["id"] for row in rows]


def years(db: sqlite3.Connection) -> list[Row]:
    """Count the reports on each year, the latest first, each in one way: `withdrawn` or `missing`, else by its date.

    That is `in_time`, `late` or `undated`. Of so many `offices` that have sources of their own, so many are
    `not_found` on that year; reports of other agencies, found on their pages, count too.
    """
    rows = db.execute(
        """WITH offices AS (SELECT DISTINCT agency FROM sources WHERE copy_of IS NULL),
           gone AS (SELECT agency, year FROM report_pages WHERE standing = 'official' GROUP BY agency, year
                    HAVING count(missing_since) = count(*)),
           told AS (SELECT r.year, r.agency IN (SELECT agency FROM offices) AS own,
                           CASE WHEN withdrawn_on NOTNULL THEN 'withdrawn' WHEN gone.agency NOTNULL THEN 'missing'
                                WHEN days_late > 0 THEN 'late' WHEN days_late = 0 THEN 'in_time' ELSE 'undated' END AS state
                    FROM reports r LEFT JOIN gone ON gone.agency = r.agency AND gone.year = r.year)
           SELECT year, (SELECT count(*) FROM offices) AS offices, count(*) AS reports, sum(state = 'in_time') AS in_time,
                  sum(state = 'late') AS late, sum(state = 'undated') AS undated, sum(state = 'missing') AS missing,
                  sum(state = 'withdrawn') AS withdrawn, (SELECT count(*) FROM offices) - sum(own) AS not_found
           FROM told GROUP BY year ORDER BY year DESC"""
    )
    return [dict(row) for row in rows]


def counted(db: sqlite3.Connection, *, since: str) -> dict[str, int]:
    """Count what befell official pages of reports at or after a time, by kind of event."""
    rows = db.execute(
        """SELECT e.kind, count(*) AS times FROM events e JOIN report_pages p ON p.page = e.page
           WHERE e.at >= ? AND standing = 'official' GROUP BY e.kind ORDER BY e.kind""",
        (since,),
    )
    return {row["kind"]: row["times"] for row in rows}


def latest(db: sqlite3.Connection, kinds: Collection[str], *, limit: int) -> list[Row]:
    """List what befell official pages of reports last, newest first; only events of these kinds."""
    rows = db.execute(
        f"""{_EVENTS} WHERE standing = 'official' AND e.kind IN (SELECT value FROM json_each(?))
            ORDER BY e.at DESC, e.page, e.kind LIMIT ?""",  # noqa: S608
        (json.dumps([*kinds]), limit),
    )
    return [dict(row) for row in rows]


def found_in(db: sqlite3.Connection, runs: Collection[str], kinds: Collection[str]) -> list[Row]:
    """List what the captures of these runs show to have befallen official pages of reports, oldest first."""
    rows = db.execute(
        f"""{_EVENTS} WHERE standing = 'official' AND e.kind IN (SELECT value FROM json_each(?))
            AND e.capture IN (SELECT c.id FROM captures c WHERE c.run IN (SELECT value FROM json_each(?)))
            ORDER BY e.at, e.page, e.kind""",  # noqa: S608
        (json.dumps([*kinds]), json.dumps([*runs])),
    )
    return [dict(row) for row in rows]


def changed_in(db: sqlite3.Connection, runs: Collection[str]) -> list[str]:
    """Name the sources whose health changed in these runs."""
    query = "SELECT DISTINCT source FROM health WHERE run IN (SELECT value FROM json_each(?)) ORDER BY source"
    return [row["source"] for row in db.execute(query, (json.dumps([*runs]),))]


def visits(db: sqlite3.Connection) -> list[Row]:
    """List each source's latest visit."""
    rows = db.execute(
        """SELECT v.source, name, v.status, reason, listed, fetched, new, changed, unchanged, gone, blocked, failed,
                  started_at AS at
           FROM sources CROSS JOIN visits v ON v.source = sources.id
                AND v.run = (SELECT max(run) FROM visits WHERE source = sources.id)
           JOIN runs ON runs.id = v.run ORDER BY v.source"""
    )
    return [dict(row) for row in rows]


def origin(db: sqlite3.Connection) -> str:
    """Name the archive itself, as its runs are named by where they were made."""
    return db.execute("SELECT id FROM origins WHERE own").fetchone()[0]  # type: ignore[no-any-return]


_EVENTS = """SELECT e.page, e.at, e.kind, e.detail, url, p.agency, p.year, p.title, r.id AS report
             FROM events e CROSS JOIN report_pages p ON p.page = e.page JOIN pages ON pages.id = e.page
             LEFT JOIN reports r ON r.agency = p.agency AND r.year = p.year"""
