"""What the pages ask of an archive, in SQL that goes along its indexes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from archive import figures, overview, reader
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
                  (SELECT count(*) FROM report_pages INDEXED BY report_pages_copies WHERE standing = 'copy') AS copies,
                  (SELECT max(started_at) FROM runs) AS last_run"""
    ).fetchone()
    return dict(row)


def span(db: sqlite3.Connection) -> tuple[int, int]:
    """Give the first and the last year on which there are reports; 0 for none."""
    row = db.execute("SELECT (SELECT min(year) FROM reports), (SELECT max(year) FROM reports)").fetchone()
    return row[0] or 0, row[1] or 0


def by_year(db: sqlite3.Connection) -> list[Row]:
    """Count the reports on each year: in time, late, and without a date of publication."""
    rows = db.execute(
        """SELECT year, count(*) FILTER (WHERE days_late = 0) AS in_time, count(*) FILTER (WHERE days_late > 0) AS late,
                  count(*) - count(days_late) AS undated
           FROM reports INDEXED BY reports_year GROUP BY year ORDER BY year"""
    )
    return [dict(row) for row in rows]


def offices(
    db: sqlite3.Connection,
    *,
    agency: str | None = None,
    region: str | None = None,
    level: str | None = None,
    word: str | None = None,
    among: Collection[str] | None = None,
    limit: int = -1,
    offset: int = 0,
) -> tuple[int, list[Row]]:
    """Count the agencies that have sources of their own or reports, and list some by region, its governments first.

    Only the one agency, those of a region or level, with a word in their names, or among these; None is no narrowing.
    """
    here = f"({overview.IN_REGION})" if region else "1"
    this = "agency = :agency" if agency is not None else "1"
    rows = db.execute(
        f"""WITH own AS (SELECT min(id) AS id, agency, region, level FROM sources
                         WHERE copy_of IS NULL AND {here} AND {this} GROUP BY agency),
            others AS (SELECT agency FROM reports WHERE {here} AND {this} GROUP BY agency
                       EXCEPT SELECT agency FROM sources WHERE copy_of IS NULL),
            known AS (SELECT * FROM own UNION ALL
                      SELECT NULL, agency, (SELECT region FROM reports r WHERE r.agency = others.agency ORDER BY year LIMIT 1),
                             iif(agency LIKE '%政府', 'government', 'department') FROM others)
            SELECT *, count(*) OVER () AS total FROM known
            WHERE (:level IS NULL OR level = :level) AND (:word IS NULL OR instr(agency, :word))
              AND (:among IS NULL OR agency IN (SELECT value FROM json_each(:among)))
            ORDER BY region, level != 'government', agency LIMIT :limit OFFSET :offset""",  # noqa: S608
        {
            "agency": agency, "region": region, "level": level, "word": word,
            "among": None if among is None else json.dumps([*among]), "limit": limit, "offset": offset,
        },
    ).fetchall()  # fmt: skip
    if offset and not rows:  # past the last page
        total, _ = offices(db, agency=agency, region=region, level=level, word=word, among=among, limit=1)
        return total, []
    return rows[0]["total"] if rows else 0, [dict(row) for row in rows]


def unreachable(db: sqlite3.Connection, agencies: Collection[str]) -> dict[str, str]:
    """Tell of these agencies those with a source whose last visit was `blocked` or `failed`."""
    rows = db.execute(
        """SELECT agency, v.status FROM sources CROSS JOIN visits v ON v.source = sources.id
                AND v.run = (SELECT max(run) FROM visits WHERE source = sources.id)
           WHERE agency IN (SELECT value FROM json_each(?)) AND copy_of IS NULL AND v.status IN ('blocked', 'failed')
           ORDER BY sources.id DESC""",
        (json.dumps([*agencies]),),
    )
    return {row["agency"]: row["status"] for row in rows}


def seats(db: sqlite3.Connection) -> dict[str, str | None]:
    """Name the government of each region with offices or reports, by the shortest of their names."""
    rows = db.execute(
        """WITH RECURSIVE reporting (region) AS (
               SELECT min(region) FROM reports UNION ALL
               SELECT (SELECT min(region) FROM reports WHERE region > reporting.region) FROM reporting WHERE region NOTNULL),
           known AS (SELECT region, agency, level FROM sources WHERE copy_of IS NULL UNION ALL
                     SELECT region, NULL, NULL FROM reporting WHERE region NOTNULL)
           SELECT region, agency AS seat, min(iif(level = 'government', length(agency), 9999)) AS length, level
           FROM known GROUP BY region"""
    )
    found = {row["region"]: row["seat"] if row["level"] == "government" else None for row in rows}
    for place, seat in found.items():
        if not seat:  # the government may have no source of its own
            query = (
                "SELECT agency FROM reports WHERE region = ? AND agency LIKE '%政府' ORDER BY length(agency) LIMIT 1"
            )
            found[place] = next((row["agency"] for row in db.execute(query, (place,))), None)
    return found


def coverage(db: sqlite3.Connection, agencies: Collection[str]) -> list[Row]:
    """List the reports of these agencies, each with `missing_since` where no page of it answers."""
    rows = db.execute(
        """SELECT r.*, (SELECT iif(count(missing_since) = count(*), max(missing_since), NULL) FROM report_pages p
                   WHERE p.agency = r.agency AND p.year = r.year AND standing = 'official') AS missing_since
           FROM reports r WHERE r.agency IN (SELECT value FROM json_each(?)) ORDER BY r.region, r.agency, r.year""",
        (json.dumps([*agencies]),),
    )
    return [dict(row) for row in rows]


def gaps(db: sqlite3.Connection, *, first: int, last: int, region: str = "") -> dict[str, int]:
    """Count the years from one to another on which agencies have no report though they had one before; only where some lack."""
    rows = db.execute(
        f"""SELECT agency, :last - max(min(year), :first - 1) - count(*) FILTER (WHERE year >= :first) + (min(year) >= :first)
                   AS lacking
            FROM reports WHERE {overview.IN_REGION if region else 1} GROUP BY agency HAVING lacking > 0""",  # noqa: S608
        {"first": first, "last": last, "region": region},
    )
    return {row["agency"]: row["lacking"] for row in rows}


def in_state(db: sqlite3.Connection, state: str, *, first: int, last: int) -> Collection[str]:
    """Name the agencies of which a report from one year to another is in this state, or `none` is there."""
    if state == "none":
        return gaps(db, first=first, last=last)
    gone = {(row["agency"], row["year"]): row["dated"] for row in overview.gone(db) if row["dated"] != "withdrawn"}
    if state == "missing":
        return {agency for agency, year in gone if year >= first}
    dated = state.replace("-", "_")
    rows = db.execute(
        f"""SELECT agency, count(*) AS times FROM reports INDEXED BY reports_year
            WHERE {overview.DATED} = ? AND year >= ? GROUP BY agency""",  # noqa: S608
        (dated, first),
    )
    away = Counter(agency for (agency, year), said in gone.items() if said == dated and year >= first)
    return {row["agency"] for row in rows if row["times"] > away[row["agency"]]}


def happened(db: sqlite3.Connection, kinds: Collection[str], *, limit: int, agency: str | None = None) -> list[Row]:
    """List what befell pages that carry reports, newest first, each with its report's id if it has one."""
    # The latest of each kind, along the index; or those of the agency's few pages.
    events_ = (
        """json_each(?1) k CROSS JOIN events e ON e.rowid IN (
               SELECT rowid FROM events WHERE kind = k.value ORDER BY at DESC, rowid DESC LIMIT ?3)
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
        f"""SELECT p.page, p.agency, p.year, p.title, p.first_seen, p.payload, url, host, r.id AS report, r.page AS main
           FROM report_pages p JOIN pages ON pages.id = p.page
            LEFT JOIN reports r ON r.agency = p.agency AND r.year = p.year
            WHERE standing = 'copy' AND p.agency {"NOTNULL" if agency is None else "= ?1"} ORDER BY p.agency, p.page LIMIT ?2""",  # noqa: S608
        (agency, limit),
    )
    return sorted(map(dict, rows), key=lambda row: (row["host"], row["agency"], -row["year"]))


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
