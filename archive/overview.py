"""How an archive stands as a whole, in questions that stay quick as it grows: they go along its indexes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from archive.database import Row
from archive.reader import HEALTH
from archive.tables import ABSENT

CUT_OFF = ("running", "killed", "interrupted")
"""How runs stand that did not come to their end; one is truly running only while somebody holds the archive's lock."""


def runs(db: sqlite3.Connection, *, last: int) -> list[Row]:
    """List the latest runs, newest first, with their captures and what their visits found."""
    rows = db.execute(
        """WITH latest AS (SELECT * FROM runs ORDER BY started_at DESC, rowid DESC LIMIT ?)
           SELECT r.id, r.started_at, r.ended_at, r.status, r.resumes, r.label, count(source) AS sources,
                  coalesce(sum(v.status = 'ok'), 0) AS ok,
                  (SELECT count(*) FROM stored_captures WHERE run = (SELECT number FROM strings WHERE text = r.id)) AS captures,
                  coalesce(sum(new), 0) AS new, coalesce(sum(changed), 0) AS changed, coalesce(sum(gone), 0) AS gone,
                  coalesce(sum(blocked), 0) AS blocked, coalesce(sum(failed), 0) AS failed
           FROM latest r LEFT JOIN visits v ON v.run = r.id GROUP BY r.id ORDER BY r.started_at DESC, r.id DESC""",
        (last,),
    )
    return [dict(row) for row in rows]


def requests(db: sqlite3.Connection, run: str) -> int:
    """Count what a run asked for, reading all its captures."""
    return db.execute(  # type: ignore[no-any-return]
        """SELECT count(*) FROM stored_captures c JOIN strings ON strings.number = c.run
           WHERE text = ? AND outcome IS NOT (SELECT number FROM strings WHERE text = 'refused')""",
        (run,),
    ).fetchone()[0]


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
    (offices,) = db.execute("SELECT count(DISTINCT agency) FROM sources WHERE copy_of IS NULL").fetchone()
    others = db.execute(
        """WITH others AS (SELECT agency FROM reports GROUP BY agency EXCEPT SELECT agency FROM sources WHERE copy_of IS NULL)
           SELECT year, count(*) FROM others CROSS JOIN reports USING (agency) GROUP BY year"""
    )
    strange = dict(map(tuple, others))
    made: list[Row] = []
    for year, counts in punctuality(db).items():
        reports = sum(counts.values())
        missing = offices - (reports - strange.get(year, 0))
        made.append({"year": year, "offices": offices, "reports": reports, **counts, "not_found": missing})
    return made


def punctuality(db: sqlite3.Connection, *, region: str = "") -> dict[int, dict[str, int]]:
    """Count the reports by year, the latest first, as `years` does; only those of regions whose code begins so."""
    counts: dict[int, dict[str, int]] = {}
    for year, total, withdrawn, late, in_time in db.execute(
        f"""WITH RECURSIVE known (year) AS (
                SELECT min(year) FROM reports UNION ALL
                SELECT (SELECT min(year) FROM reports WHERE year > known.year) FROM known WHERE year NOTNULL)
            SELECT year, count(*), count(withdrawn_on), count(*) FILTER (WHERE days_late > 0 AND withdrawn_on ISNULL),
                   count(*) FILTER (WHERE days_late = 0 AND withdrawn_on ISNULL)
            FROM reports INDEXED BY reports_year
            WHERE {f"year IN known AND {IN_REGION}" if region else 1}
            GROUP BY year ORDER BY year DESC""",  # noqa: S608
        {"region": region},
    ):
        undated = total - withdrawn - late - in_time
        counts[year] = {"in_time": in_time, "late": late, "undated": undated, "missing": 0, "withdrawn": withdrawn}
    for row in gone(db):
        if row["region"].startswith(region) and row["dated"] != "withdrawn":
            counts[row["year"]][row["dated"]] -= 1
            counts[row["year"]]["missing"] += 1
    return counts


def gone(db: sqlite3.Connection) -> list[Row]:
    """List the reports of which no page is there, by agency and year, each with its region and as it is by its dates."""
    rows = db.execute(
        f"""SELECT agency, year, region, {DATED} AS dated FROM (
                SELECT DISTINCT agency, year FROM report_pages WHERE {ABSENT} AND missing_since NOTNULL AND standing = 'official'
            ) a CROSS JOIN reports r USING (agency, year)
            WHERE NOT EXISTS (SELECT 1 FROM report_pages p WHERE p.agency = r.agency AND p.year = r.year
                              AND standing = 'official' AND missing_since ISNULL)"""  # noqa: S608
    )
    return [dict(row) for row in rows]


def states(db: sqlite3.Connection) -> dict[str, int]:
    """Count the sources that were visited by how they stand."""
    (known,) = db.execute("SELECT count(DISTINCT source) FROM health").fetchone()
    found = db.execute(f"SELECT state, count(*) FROM health h WHERE {_FAULTS} GROUP BY state ORDER BY state")  # noqa: S608
    counts = dict(map(tuple, found))
    return {state: count for state, count in {"ok": known - sum(counts.values()), **counts}.items() if count}


def in_state(
    db: sqlite3.Connection, state: str | None, *, limit: int, offset: int = 0, newest: bool = False
) -> list[Row]:
    """List the sources that are in a state (None: in any but `ok`), the longest so first, or the last; see `reader.health`."""
    order = "DESC" if newest else "ASC"
    rows = db.execute(
        f"""{HEALTH} WHERE h.rowid IN (
                SELECT rowid FROM health h WHERE {_CURRENT if state == "ok" else _FAULTS} AND state {"= ?1" if state else "!= 'ok'"}
                ORDER BY at {order}, source LIMIT ?2 OFFSET ?3) ORDER BY h.at {order}, h.source""",  # noqa: S608
        (state, limit, offset),
    )
    return [dict(row) for row in rows]


def counted(db: sqlite3.Connection, *, since: str) -> dict[str, int]:
    """Count what befell official pages of reports at or after a time, by kind of event."""
    rows = db.execute(
        """SELECT kind, count(*) AS times FROM events INDEXED BY events_at
           WHERE at >= ? AND page NOT IN (SELECT page FROM report_pages WHERE standing = 'copy') GROUP BY kind ORDER BY kind""",
        (since,),
    )
    return {row["kind"]: row["times"] for row in rows}


def latest(db: sqlite3.Connection, kinds: Collection[str], *, limit: int) -> list[Row]:
    """List what befell official pages of reports last, newest first; only events of these kinds."""
    rows = db.execute(
        f"""SELECT {_EVENT} FROM json_each(?1) k CROSS JOIN events e ON e.rowid IN (
                SELECT e.rowid FROM events e CROSS JOIN report_pages p ON p.page = e.page
                WHERE kind = k.value AND standing = 'official' ORDER BY e.at DESC, e.rowid DESC LIMIT ?2) {_OF_REPORTS}
            ORDER BY e.at DESC, e.page, e.kind LIMIT ?2""",  # noqa: S608
        (json.dumps([*kinds]), limit),
    )
    return [dict(row) for row in rows]


def found_in(db: sqlite3.Connection, runs: Collection[str], kinds: Collection[str]) -> list[Row]:
    """List what the captures of these runs show to have befallen official pages of reports, oldest first."""
    rows = db.execute(
        f"""SELECT {_EVENT} FROM events e {_OF_REPORTS} WHERE standing = 'official' AND e.kind IN (SELECT value FROM json_each(?))
            AND e.capture IN (SELECT c.id FROM captures c WHERE c.run IN (SELECT value FROM json_each(?)))
            ORDER BY e.at, e.page, e.kind""",  # noqa: S608
        (json.dumps([*kinds]), json.dumps([*runs])),
    )
    return [dict(row) for row in rows]


def changed_in(db: sqlite3.Connection, runs: Collection[str]) -> list[str]:
    """Name the sources whose health changed in these runs."""
    query = "SELECT DISTINCT source FROM health WHERE run IN (SELECT value FROM json_each(?)) ORDER BY source"
    return [row["source"] for row in db.execute(query, (json.dumps([*runs]),))]


def visits(db: sqlite3.Connection, sources: Collection[str] | None = None) -> list[Row]:
    """List the latest visit of each of these sources, or of all."""
    rows = db.execute(
        f"""SELECT v.source, name, v.status, reason, listed, fetched, new, changed, unchanged, gone, blocked, failed,
                  started_at AS at
           FROM sources CROSS JOIN visits v ON v.source = sources.id
                AND v.run = (SELECT max(run) FROM visits WHERE source = sources.id)
           JOIN runs ON runs.id = v.run {"" if sources is None else "WHERE sources.id IN (SELECT value FROM json_each(?))"}
           ORDER BY v.source""",  # noqa: S608
        () if sources is None else (json.dumps([*sources]),),
    )
    return [dict(row) for row in rows]


def named(db: sqlite3.Connection, words: str, *, limit: int, offset: int = 0) -> tuple[int, list[str]]:
    """Count the sources whose name or id holds these words, and give the ids of some of them."""
    holding = "FROM sources WHERE instr(name || ' ' || id, ?1)" if words else "FROM sources WHERE ?1 = ''"
    (count,) = db.execute(f"SELECT count(*) {holding}", (words,)).fetchone()
    rows = db.execute(f"SELECT id {holding} ORDER BY id LIMIT ?2 OFFSET ?3", (words, limit, offset))
    return count, [row["id"] for row in rows]


def origin(db: sqlite3.Connection) -> str:
    """Name the archive itself, as its runs are named by where they were made."""
    return db.execute("SELECT id FROM origins WHERE own").fetchone()[0]  # type: ignore[no-any-return]


_EVENT = "e.page, e.at, e.kind, e.detail, url, p.agency, p.year, p.title, r.id AS report"
_OF_REPORTS = """CROSS JOIN report_pages p ON p.page = e.page JOIN pages ON pages.id = e.page
                 LEFT JOIN reports r ON r.agency = p.agency AND r.year = p.year"""

DATED = """CASE WHEN withdrawn_on NOTNULL THEN 'withdrawn' WHEN days_late > 0 THEN 'late' WHEN days_late = 0 THEN 'in_time'
                ELSE 'undated' END"""
"""How a report stands by its dates alone, whether it is still there or not."""

IN_REGION = "region >= :region AND region < :region || char(1114111)"
"""Which reports are of regions whose code begins as one does."""

_CURRENT = "NOT EXISTS (SELECT 1 FROM health l WHERE l.source = h.source AND l.run > h.run)"
_FAULTS = f"state != 'ok' AND {_CURRENT}"
