"""Reading an archive: payloads proved on every read, and the questions the command line asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from itertools import takewhile

from archive import payloads
from archive.database import ArchiveError, Row, name


def body_of(db: sqlite3.Connection, sha256: str) -> bytes:
    """Give a payload's bytes as they were served; raises ArchiveError where they are not what they were."""
    row = db.execute("SELECT base, frame FROM bodies WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        raise ArchiveError(f"payload {sha256}: not in the archive")
    base = body_of(db, row["base"]) if row["base"] else None
    try:
        body = payloads.unpack(row["frame"], base=base)
    except ValueError as error:
        raise ArchiveError(f"payload {sha256}: damaged: {error}") from error
    if payloads.digest(body) != sha256:
        raise ArchiveError(f"payload {sha256}: damaged: its bytes have SHA-256 {payloads.digest(body)}")
    return body


def known_reports(db: sqlite3.Connection, source: str) -> list[str]:
    """List the addresses at which this source has shown a report, to ask again whether they still do."""
    rows = db.execute(
        "SELECT url FROM report_pages JOIN pages ON pages.id = page WHERE source = ? ORDER BY url", (source,)
    )
    return [row["url"] for row in rows]


def columns_of(db: sqlite3.Connection, source: str) -> list[Row]:
    """List the columns in which the last visit that read any found reports, and the lists that led to those."""
    rows = db.execute(
        """WITH last AS (
               SELECT c.*, dense_rank() OVER (ORDER BY started_at DESC, run DESC) AS back
               FROM columns c JOIN runs ON runs.id = run WHERE source = ?),
           leading AS (
               SELECT page, parent, reports FROM last WHERE back = 1 AND reports
               UNION SELECT up.page, up.parent, up.reports FROM last up JOIN leading ON leading.parent = up.page
               WHERE back = 1)
           SELECT url, reports FROM leading JOIN pages ON pages.id = page ORDER BY url""",
        (source,),
    )
    return [dict(row) for row in rows]


def searched_at(db: sqlite3.Connection, source: str) -> str | None:
    """Say when this source's own addresses were last read in search of its columns."""
    found = db.execute(
        "SELECT max(at) FROM captures WHERE source = ? AND kind = 'start' AND outcome IN ('new', 'same')", (source,)
    )
    return found.fetchone()[0]  # type: ignore[no-any-return]


def lists_of(db: sqlite3.Connection, run: str) -> list[Row]:
    """List the captures of a run that are pages on the way to a column, columns and their further pages, as they came."""
    rows = db.execute(
        """SELECT url, kind, payload, headers FROM captures JOIN pages ON pages.id = page
           WHERE run = ? AND kind IN ('start', 'column', 'next') AND outcome IN ('new', 'same') ORDER BY at, attempt""",
        (run,),
    )
    return [dict(row) for row in rows]


def years_of(db: sqlite3.Connection, source: str) -> set[int]:
    """List the years on which reports of this source's agency are known, whichever source found them."""
    rows = db.execute("SELECT year FROM reports JOIN sources USING (agency) WHERE sources.id = ?", (source,))
    return {row["year"] for row in rows}


def blocked_visits(db: sqlite3.Connection, source: str) -> tuple[int, str | None]:
    """Count the visits in a row, up to the last, at which the source was blocked, and say when the last one ended.

    Visits left out because the source was resting do not count.
    """
    rows = db.execute(
        """SELECT v.status, coalesce(ended_at, started_at) AS at FROM visits v JOIN runs ON runs.id = run
           WHERE source = ? AND v.status != 'resting' ORDER BY started_at DESC""",
        (source,),
    )
    ends = [row["at"] for row in takewhile(lambda row: row["status"] == "blocked", rows)]
    return len(ends), ends[0] if ends else None


def tally(db: sqlite3.Connection, run: str, source: str) -> Mapping[str, int]:
    """Count what a run, with the run it takes up, did to a source's report pages: last outcome and new versions."""
    row = db.execute(
        """WITH RECURSIVE chain (id) AS (
               SELECT :run UNION SELECT resumes FROM runs JOIN chain USING (id) WHERE resumes IS NOT NULL),
           began (at) AS (SELECT min(started_at) FROM runs JOIN chain USING (id)),
           asked AS (
               SELECT page, outcome, row_number() OVER (PARTITION BY page ORDER BY at DESC, attempt DESC) AS back
               FROM captures JOIN chain ON chain.id = run WHERE source = :source AND kind = 'report'),
           pages AS (
               SELECT page, outcome, (SELECT max(n) FROM versions v WHERE v.page = asked.page AND first_seen >= began.at) AS n
               FROM asked, began WHERE back = 1)
           SELECT count(*) AS fetched,
                  count(*) FILTER (WHERE outcome IN ('new', 'same', 'not-modified')
                                   AND page IN (SELECT page FROM report_pages)) AS reports,
                  count(*) FILTER (WHERE n = 1) AS new,
                  count(*) FILTER (WHERE n > 1) AS changed,
                  count(*) FILTER (WHERE n IS NULL AND outcome IN ('new', 'same', 'not-modified')) AS unchanged,
                  count(*) FILTER (WHERE outcome = 'gone') AS gone,
                  count(*) FILTER (WHERE outcome = 'blocked') AS blocked,
                  count(*) FILTER (WHERE outcome IN ('failed', 'refused')) AS failed,
                  (SELECT count(*) FROM captures JOIN chain ON chain.id = run WHERE source = :source AND outcome != 'refused') AS requests
           FROM pages""",
        {"run": run, "source": source},
    ).fetchone()
    return dict(row)


def runs(db: sqlite3.Connection, *, last: int) -> list[Row]:
    """List the latest runs, newest first, with what their visits found."""
    rows = db.execute(
        """SELECT runs.*, count(source) AS sources, coalesce(sum(v.status = 'ok'), 0) AS ok,
                  (SELECT count(*) FROM captures WHERE run = runs.id) AS captures, coalesce(sum(new), 0) AS new,
                  coalesce(sum(changed), 0) AS changed, coalesce(sum(gone), 0) AS gone
           FROM runs LEFT JOIN visits v ON v.run = runs.id GROUP BY runs.id ORDER BY started_at DESC LIMIT ?""",
        (last,),
    )
    return [dict(row) for row in rows]


def last_visits(db: sqlite3.Connection) -> list[Row]:
    """List each source's latest visit."""
    rows = db.execute(
        """SELECT source, name, v.status, reason, listed, fetched, new, changed, unchanged, gone, blocked, failed,
                  max(started_at) AS at
           FROM visits v JOIN runs ON runs.id = run JOIN sources ON sources.id = source GROUP BY source ORDER BY source"""
    )
    return [dict(row) for row in rows]


def sizes(db: sqlite3.Connection) -> Row:
    """Count the rows, and the bytes served, distinct and stored."""
    row = db.execute(
        """SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM sources) AS sources,
                  (SELECT count(*) FROM pages) AS pages, (SELECT count(*) FROM captures) AS captures,
                  (SELECT count(*) FROM payloads) AS payloads, (SELECT count(*) FROM texts) AS texts,
                  (SELECT count(*) FROM versions) AS versions, (SELECT count(*) FROM reports) AS reports,
                  (SELECT coalesce(sum(length), 0) FROM payloads) AS bytes,
                  (SELECT coalesce(sum(length(frame)), 0) FROM bodies) AS stored"""
    ).fetchone()
    return dict(row)


def coverage(db: sqlite3.Connection) -> list[Row]:
    """List every report, by agency and year."""
    return [dict(row) for row in db.execute("SELECT * FROM reports ORDER BY agency, year")]


def carriers(db: sqlite3.Connection, *, agency: str | None = None, year: int | None = None) -> list[Row]:
    """List the pages that carry reports, official ones first, with their addresses."""
    rows = db.execute(
        """SELECT p.*, url FROM report_pages p JOIN pages ON pages.id = page
           WHERE agency = coalesce(:agency, agency) AND year = coalesce(:year, year)
           ORDER BY agency, year, standing DESC, published_on, url""",
        {"agency": agency, "year": year},
    )
    return [dict(row) for row in rows]


def find_page(db: sqlite3.Connection, url: str) -> Row | None:
    """Find a page by its address."""
    row = db.execute("SELECT * FROM pages WHERE id = ?", (name(url),)).fetchone()
    return dict(row) if row else None


def find_reports(db: sqlite3.Connection, words: str) -> list[Row]:
    """Find reports by id, by agency and year, or else by words that all occur in agency, title or year."""
    rows: list[Row] = [dict(row) for row in db.execute("SELECT * FROM reports ORDER BY agency, year")]
    wanted = words.split()
    exact = [row for row in rows if row["id"] == words or words == f"{row['agency']} {row['year']}"]
    return exact or [row for row in rows if all(w in f"{row['agency']} {row['year']} {row['title']}" for w in wanted)]


def versions(db: sqlite3.Connection, page: str) -> list[Row]:
    """List a page's versions with their texts, oldest first."""
    rows = db.execute(
        "SELECT versions.*, texts.* FROM versions JOIN texts USING (payload) WHERE page = ? ORDER BY n", (page,)
    )
    return [dict(row) for row in rows]


def captures(db: sqlite3.Connection, page: str) -> list[Row]:
    """List a page's captures, oldest first."""
    return [dict(row) for row in db.execute("SELECT * FROM captures WHERE page = ? ORDER BY at, attempt", (page,))]


def changes(db: sqlite3.Connection, *, since: str = "") -> list[Row]:
    """List the versions after each page's first, seen first at or after `since`, with the payload before."""
    rows = db.execute(
        """SELECT v.page, url, v.n, v.payload, v.first_seen, before.payload AS before, r.agency, r.year, r.standing
           FROM versions v JOIN versions before ON before.page = v.page AND before.n = v.n - 1
           JOIN pages ON pages.id = v.page JOIN report_pages r ON r.page = v.page
           WHERE v.first_seen >= ? ORDER BY v.first_seen, url""",
        (since,),
    )
    return [dict(row) for row in rows]


def text_of(db: sqlite3.Connection, payload: str) -> Row:
    """Give what cleaning made of a payload."""
    row = db.execute("SELECT * FROM texts WHERE payload = ?", (payload,)).fetchone()
    if row is None:
        raise ArchiveError(f"payload {payload}: not cleaned yet; `gongkai rebuild` does it")
    return dict(row)
