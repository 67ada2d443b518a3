"""What the pages ask of an archive, in SQL that goes along its indexes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archive import figures, reader
from archive.database import ArchiveError, Row
from archive.rows import known_payload

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from archive.records import Figures


def summary(db: sqlite3.Connection) -> Row:
    """Count what there is, and say when the last run began."""
    row = db.execute(
        """SELECT (SELECT count(*) FROM reports) AS reports, (SELECT count(DISTINCT agency) FROM reports) AS agencies,
                  (SELECT min(year) FROM reports) AS first_year, (SELECT max(year) FROM reports) AS last_year,
                  (SELECT count(*) FROM reports WHERE days_late > 0) AS late,
                  (SELECT count(*) FROM stored_captures) AS captures, (SELECT count(*) FROM versions) AS versions,
                  (SELECT count(*) FROM report_pages WHERE standing = 'copy') AS copies,
                  (SELECT max(started_at) FROM runs) AS last_run"""
    ).fetchone()
    return dict(row)


def by_year(db: sqlite3.Connection) -> list[Row]:
    """Count the reports on each year: in time, late, and without a date of publication."""
    rows = db.execute(
        """SELECT year, coalesce(sum(days_late = 0), 0) AS in_time, coalesce(sum(days_late > 0), 0) AS late,
                  sum(days_late IS NULL) AS undated
           FROM reports GROUP BY year ORDER BY year"""
    )
    return [dict(row) for row in rows]


def offices(db: sqlite3.Connection) -> list[Row]:
    """List the agencies that have sources of their own, with the worst of their last visits: `blocked`, `failed` or None."""
    visits = {row["source"]: row["status"] for row in reader.last_visits(db)}
    rows = db.execute("SELECT id, agency, region, level FROM sources WHERE copy_of IS NULL ORDER BY region, agency, id")
    found: dict[str, Row] = {}
    for row in rows:
        status = visits.get(row["id"])
        unreachable = status if status in ("blocked", "failed") else None
        known = found.setdefault(row["agency"], {**dict(row), "unreachable": unreachable})
        found[row["agency"]] = {**known, "unreachable": known["unreachable"] or unreachable}
    return list(found.values())


def coverage(db: sqlite3.Connection, *, agency: str | None = None) -> list[Row]:
    """List the reports, all or one agency's, each with `missing_since` where no page of it answers."""
    rows = db.execute(
        f"""SELECT r.*, (SELECT iif(count(missing_since) = count(*), max(missing_since), NULL) FROM report_pages p
                   WHERE p.agency = r.agency AND p.year = r.year AND standing = 'official') AS missing_since
           FROM reports r {"" if agency is None else "WHERE r.agency = ?"} ORDER BY r.region, r.agency, r.year""",  # noqa: S608
        () if agency is None else (agency,),
    )
    return [dict(row) for row in rows]


def happened(db: sqlite3.Connection, kinds: Collection[str], *, limit: int, agency: str | None = None) -> list[Row]:
    """List what befell pages that carry reports, newest first, each with its report's id if it has one."""
    # The latest of each kind, along the index; or those of the agency's few pages.
    events_ = (
        """json_each(?1) k CROSS JOIN events e ON e.rowid IN (
               SELECT rowid FROM events WHERE kind = k.value ORDER BY at DESC, page LIMIT ?3)
           JOIN report_pages p ON p.page = e.page"""
        if agency is None
        else """report_pages p CROSS JOIN events e ON e.page = p.page AND p.agency = ?2
                AND e.kind IN (SELECT value FROM json_each(?1))"""
    )
    rows = db.execute(
        f"""SELECT e.page, e.at, e.kind, e.detail, e.capture, url, p.agency, p.year, p.title, p.standing, r.id AS report
            FROM {events_} JOIN pages ON pages.id = e.page
            LEFT JOIN reports r ON r.agency = p.agency AND r.year = p.year
            ORDER BY e.at DESC, e.page, e.kind LIMIT ?3""",  # noqa: S608
        (json.dumps(list(kinds)), agency, limit),
    )
    return [dict(row) for row in rows]


def events(db: sqlite3.Connection, page_id: str) -> list[Row]:
    """List what befell one page, oldest first."""
    return [dict(row) for row in db.execute("SELECT * FROM events WHERE page = ? ORDER BY at, kind", (page_id,))]


def report(db: sqlite3.Connection, report_id: str) -> Row | None:
    """Find a report by its id."""
    row = db.execute("SELECT * FROM reports WHERE id = ?", (report_id,)).fetchone()
    return dict(row) if row else None


def page(db: sqlite3.Connection, page_id: str) -> Row | None:
    """Find a page that carries a report, with its address and the report's id if it has one."""
    row = db.execute(
        """SELECT p.*, url, host, r.id AS report, r.page AS main
           FROM report_pages p JOIN pages ON pages.id = p.page
           LEFT JOIN reports r ON r.agency = p.agency AND r.year = p.year WHERE p.page = ?""",
        (page_id,),
    ).fetchone()
    return dict(row) if row else None


def versions(db: sqlite3.Connection, page_id: str) -> list[Row]:
    """List a page's versions, oldest first."""
    return [dict(row) for row in db.execute("SELECT * FROM versions WHERE page = ? ORDER BY n", (page_id,))]


def copies(db: sqlite3.Connection, *, agency: str | None = None, limit: int) -> list[Row]:
    """List the copies of reports, with the host that shows them."""
    rows = db.execute(
        """SELECT p.page, p.agency, p.year, p.title, p.first_seen, p.payload, url, host, r.id AS report, r.page AS main
           FROM report_pages p JOIN pages ON pages.id = p.page
           LEFT JOIN reports r ON r.agency = p.agency AND r.year = p.year
           WHERE standing = 'copy' AND (?1 IS NULL OR p.agency = ?1) ORDER BY host, p.agency, p.year DESC LIMIT ?2""",
        (agency, limit),
    )
    return [dict(row) for row in rows]


def carriers(db: sqlite3.Connection, page_id: str) -> list[Row]:
    """List a page and its documents as carriers of a report, the report's text first, with what differs in them."""
    rows = db.execute("SELECT * FROM carriers WHERE page = ? ORDER BY rank IS NULL, rank, n", (page_id,))
    return [{**dict(row), "differing": json.loads(row["differing"] or "[]")} for row in rows]


def document_at(db: sqlite3.Connection, url: str, *, before: str | None) -> str | None:
    """Name the payload that a document was before a time, or is now."""
    row = db.execute(
        """SELECT payload FROM captures c JOIN pages ON pages.id = c.page
           WHERE pages.url = ? AND kind = 'attachment' AND outcome IN ('new', 'same') AND (?2 IS NULL OR at < ?2)
           ORDER BY time DESC, attempt DESC LIMIT 1""",
        (url, before),
    ).fetchone()
    return row["payload"] if row else None


def served(db: sqlite3.Connection, payload: str) -> Row:
    """Give a payload's bytes, the address it was first seen at, its media type as served, and the charset that was found.

    Raises ArchiveError where there is none, or it is damaged.
    """
    body = reader.body_of(db, payload)
    number = known_payload(db, payload)
    first = db.execute(
        "SELECT url, headers FROM captures c JOIN pages ON pages.id = page WHERE payload_number = ? ORDER BY at LIMIT 1",
        (number,),
    ).fetchone()
    text = db.execute(
        "SELECT charset FROM readings r JOIN stored_texts t ON t.number = r.text WHERE r.payload = ?", (number,)
    ).fetchone()
    headers = {key.lower(): value for key, value in json.loads(first["headers"])} if first else {}
    return {
        "body": body,
        "url": first["url"] if first else "",
        "type": headers.get("content-type", "application/octet-stream"),
        "charset": text["charset"] if text else None,
    }


def figures_of(db: sqlite3.Connection, text: Row) -> Figures:
    """Give the facts and checks of a text that `reader.text_of` gave."""
    return figures.of_text(db, text["number"])


def labels(db: sqlite3.Connection) -> dict[tuple[str, ...], Row]:
    """Give the label, English label and unit of every indicator, by form, table, row and column."""
    rows = db.execute('SELECT form, "table", "row", "column", number, label, english, unit FROM indicators')
    return {tuple(row)[:4]: dict(row) for row in rows}


def values(
    db: sqlite3.Connection, indicators: Sequence[int], *, agency: str | None = None, region: str | None = None
) -> dict[tuple[str, int], dict[int, float]]:
    """Give the numbers of reports by agency and year, then by indicator, each from the first carrier that has it.

    Of one agency, or of all in a region.
    """
    column, value = ("agency", agency) if agency is not None else ("region", region)
    rows = db.execute(
        f"""SELECT r.agency, r.year, f.indicator, f.value
            FROM reports r CROSS JOIN stored_carriers c ON c.page = r.page CROSS JOIN readings ON readings.payload = c.payload
            CROSS JOIN stored_facts f ON f.text = readings.text
            WHERE r.{column} = ? AND f.value IS NOT NULL AND f.indicator IN (SELECT value FROM json_each(?))
            ORDER BY c.rank DESC""",  # noqa: S608
        (value, json.dumps(list(indicators))),
    )
    found: dict[tuple[str, int], dict[int, float]] = {}
    for row in rows:
        found.setdefault((row["agency"], row["year"]), {})[row["indicator"]] = row["value"]
    return found


def text(db: sqlite3.Connection, payload: str) -> Row | None:
    """Give what cleaning made of a payload, its grids, flags and attachments read; None where it has no text or is damaged."""
    try:
        row = reader.text_of(db, payload)
    except ArchiveError:
        return None
    return {**row, **{key: json.loads(row[key]) for key in ("grids", "flags", "attachments", "repairs")}}
