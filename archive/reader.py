"""Reading an archive: payloads proved on every read, and the questions the command line asks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from itertools import takewhile
from operator import attrgetter

from archive import figures, payloads
from archive.chain import row_digest
from archive.database import ArchiveError, Row, name
from archive.records import Check, Figures
from archive.rows import TEXTS_OF_VERSIONS, bond, known_payload


def body_of(db: sqlite3.Connection, sha256: str) -> bytes:
    """Give a payload's bytes as they were served; raises ArchiveError where they are not what they were."""
    return body_numbered(db, known_payload(db, sha256))


def body_numbered(db: sqlite3.Connection, number: int) -> bytes:
    """Give the bytes of a payload by its number; raises ArchiveError as `body_of` does."""
    sha256, base, frame = db.execute(
        "SELECT sha256, base, frame FROM payloads LEFT JOIN bodies ON payload = number WHERE number = ?", (number,)
    ).fetchone()
    if frame is None:
        raise ArchiveError(f"payload {sha256}: its bytes are not in the archive")
    if base is not None and base >= number:
        raise ArchiveError(f"payload {sha256}: damaged: it stands on one that came after it")
    below = None if base is None else body_numbered(db, base)
    try:
        body = payloads.unpack(frame, base=below)
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
    """Say when this source's own addresses were last read in search of its columns, in a run that was not cut off."""
    found = db.execute(
        """SELECT max(at) FROM captures c JOIN runs ON runs.id = run
           WHERE source = ? AND kind = 'start' AND outcome IN ('new', 'same', 'not-modified') AND runs.status = 'finished'""",
        (source,),
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
                  (SELECT count(*) FROM pages) AS pages, (SELECT count(*) FROM stored_captures) AS captures,
                  (SELECT count(*) FROM payloads) AS payloads, (SELECT count(*) FROM readings) AS texts,
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
    row = db.execute("SELECT * FROM pages WHERE id = ? AND url = ?", (name(url), url)).fetchone()
    return dict(row) if row else None


def find_reports(db: sqlite3.Connection, words: str) -> list[Row]:
    """Find reports by id, by agency and year, or else by words that all occur in agency, title or year."""
    rows: list[Row] = [dict(row) for row in db.execute("SELECT * FROM reports ORDER BY agency, year")]
    wanted = words.split()
    exact = [row for row in rows if row["id"] == words or words == f"{row['agency']} {row['year']}"]
    return exact or [row for row in rows if all(w in f"{row['agency']} {row['year']} {row['title']}" for w in wanted)]


def versions(db: sqlite3.Connection, page: str) -> list[Row]:
    """List a page's versions with their texts, oldest first; raises ArchiveError where a text is damaged."""
    rows = db.execute("SELECT * FROM versions WHERE page = ? ORDER BY n", (page,)).fetchall()
    return [{**text_of(db, row["payload"]), **dict(row)} for row in rows]


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
    """Give what cleaning made of a payload; raises ArchiveError where it is not what was written."""
    number = known_payload(db, payload)
    reading = db.execute("SELECT text, bond FROM readings WHERE payload = ?", (number,)).fetchone()
    if reading is None:
        raise ArchiveError(f"payload {payload}: not cleaned yet; `gongkai rebuild` does it")
    row = db.execute("SELECT * FROM stored_texts WHERE number = ?", (reading["text"],)).fetchone()
    if row is None or row["digest"] != row_digest(dict(row)) or reading["bond"] != bond(number, row["digest"]):
        raise ArchiveError(f"payload {payload}: its text is damaged; `gongkai rebuild` makes it again")
    return {"payload": payload, **dict(row)}


def histories(db: sqlite3.Connection, source: str) -> list[Row]:
    """List what this source was asked for as a report, with the times its schedule follows.

    `first_seen`; `changed`, when its newest version was first seen; `answered`, when it last gave an answer of any
    kind; `gone_since`; and `year`, its report's.
    """
    rows = db.execute(
        """WITH asked AS (
               SELECT page, coalesce(min(at) FILTER (WHERE outcome IN ('new', 'same')), min(at)) AS first_seen,
                      max(at) FILTER (WHERE outcome IN ('new', 'same', 'not-modified', 'gone', 'moved')) AS answered,
                      max(at) FILTER (WHERE outcome IN ('new', 'same', 'not-modified')) AS stood
               FROM captures WHERE source = ? AND kind = 'report' GROUP BY page)
           SELECT url, year, asked.first_seen, answered,
                  coalesce((SELECT max(first_seen) FROM versions v WHERE v.page = asked.page), asked.first_seen) AS changed,
                  (SELECT min(at) FROM captures c
                   WHERE c.page = asked.page AND outcome = 'gone' AND at > coalesce(stood, '')) AS gone_since
           FROM asked JOIN pages ON pages.id = asked.page LEFT JOIN report_pages r ON r.page = asked.page""",
        (source,),
    )
    return [dict(row) for row in rows]


def lists_read_at(db: sqlite3.Connection, source: str) -> str | None:
    """Say when this source's lists were last read in a visit that left nothing out."""
    found = db.execute(
        """SELECT max(at) FROM captures c JOIN visits v USING (run, source) JOIN runs ON runs.id = run
           WHERE c.source = ? AND kind IN ('start', 'column', 'next') AND outcome IN ('new', 'same', 'not-modified')
             AND runs.status = 'finished' AND v.status NOT IN ('partial', 'blocked', 'failed')""",
        (source,),
    )
    return found.fetchone()[0]  # type: ignore[no-any-return]


def documents(db: sqlite3.Connection, page: str) -> list[Row]:
    """List what a report page links to as its documents, as `carriers` has them."""
    return [dict(row) for row in db.execute("SELECT * FROM carriers WHERE page = ? AND n > 0 ORDER BY n", (page,))]


def documents_of(db: sqlite3.Connection, url: str) -> list[Row]:
    """List the documents, by `url` and `label`, that a page links to, where its last text is a report's."""
    row = db.execute(
        """SELECT attachments, is_report FROM captures c JOIN readings r ON r.payload = payload_number
           JOIN stored_texts t ON t.number = r.text WHERE page = ? AND kind = 'report' AND outcome IN ('new', 'same')
           ORDER BY at DESC, attempt DESC LIMIT 1""",
        (name(url),),
    ).fetchone()
    return json.loads(row["attachments"]) if row and row["is_report"] else []


def was_imported(db: sqlite3.Connection, sha256: str) -> bool:
    """Say whether a file, by its SHA-256, has been imported to its end."""
    query = "SELECT 1 FROM runs WHERE status = 'finished' AND substr(imported_from, -64) = ?"
    return db.execute(query, (sha256,)).fetchone() is not None


def payload_at(db: sqlite3.Connection, url: str, *, at: str) -> str | None:
    """Give the SHA-256 of what a page answered at a time, to the second; None where it answered nothing then."""
    query = "SELECT payload FROM captures WHERE page = ? AND substr(at, 1, 19) = ? AND payload IS NOT NULL"
    row = db.execute(query, (name(url), at[:19])).fetchone()
    return row["payload"] if row else None


def is_fetched(
    db: sqlite3.Connection, url: str, *, at: str, status: int | None, payload: str | None, but: str | None
) -> bool:
    """Say whether a run other than `but` has this very fetch: the page at that time, with this answer."""
    query = "SELECT 1 FROM captures WHERE page = ? AND at = ? AND run IS NOT ? AND status IS ? AND payload IS ?"
    return db.execute(query, (name(url), at, but, status, payload)).fetchone() is not None


def was_report(db: sqlite3.Connection, url: str) -> bool:
    """Say whether a page has been asked for as what may be a report."""
    query = "SELECT 1 FROM captures WHERE page = ? AND kind = 'report'"
    return db.execute(query, (name(url),)).fetchone() is not None


def is_source(db: sqlite3.Connection, id_: str) -> bool:
    """Say whether the archive knows a source."""
    return db.execute("SELECT 1 FROM sources WHERE id = ?", (id_,)).fetchone() is not None


def validators(db: sqlite3.Connection, url: str) -> Row | None:
    """Give a page's last full answer, where it had an ETag or a Last-Modified (RFC 9110, 8.8) and its payload is sound.

    `at`, `etag`, `last_modified`, all its `headers` by lower-case name, and its `body`.
    """
    row = db.execute(
        """SELECT at, headers, payload FROM captures WHERE page = ? AND outcome IN ('new', 'same') AND status = 200
             AND payload IS NOT NULL ORDER BY at DESC, attempt DESC LIMIT 1""",
        (name(url),),
    ).fetchone()
    headers = dict(json.loads(row["headers"])) if row else {}
    etag, last_modified = headers.get("etag"), headers.get("last-modified")
    if not etag and not last_modified:
        return None
    try:
        body = body_of(db, row["payload"])
    except ArchiveError:  # `gongkai verify` names it; the page is to come anew
        return None
    return {"at": row["at"], "etag": etag, "last_modified": last_modified, "headers": headers, "body": body}


def hides_changes(db: sqlite3.Connection, host: str, *, since: str) -> bool:
    """Say whether a host's validators are known to lie: a page was another under the same ETag or Last-Modified.

    So is one that changed after a 304 and was asked for in full, where nothing on the host was ever seen to change in
    answer to a condition.
    """
    rows = db.execute(
        """SELECT page, outcome, payload, iif(payload IS NULL, NULL, headers) AS headers,
                  payload IS NOT NULL AND (request_headers LIKE '%"If-None-Match"%'
                                           OR request_headers LIKE '%"If-Modified-Since"%') AS conditional
           FROM captures JOIN pages ON pages.id = page
           WHERE host = ? AND at > ? AND kind IN ('start', 'column', 'next', 'report')
             AND (outcome = 'not-modified' OR (outcome IN ('new', 'same') AND status = 200 AND payload IS NOT NULL))
           ORDER BY page, at, attempt""",
        (host, since),
    )
    hidden = shown = told = False
    last: sqlite3.Row | None = None
    for row in rows:
        if last is None or last["page"] != row["page"]:
            last, told = None, False
        if row["outcome"] == "not-modified":
            told = True
            continue
        if last is not None and last["payload"] != row["payload"]:
            if _same_validator(last["headers"], row["headers"]):
                return True
            shown = shown or bool(row["conditional"])
            hidden = hidden or (told and not row["conditional"])
        last, told = row, False
    return hidden and not shown


def _same_validator(before: str, after: str) -> bool:
    """Compare the ETags of two answers' headers, or where one has none, their Last-Modified."""
    old, new = dict(json.loads(before)), dict(json.loads(after))
    both = [old[key] == new[key] for key in ("etag", "last-modified") if key in old and key in new]
    return both[0] if both else False


def events(db: sqlite3.Connection, *, since: str = "", limit: int = -1) -> list[Row]:
    """List what befell pages that carry reports at or after `since`, newest first, at most `limit`, with the evidence."""
    rows = db.execute(
        f"{_EVENTS} WHERE e.at >= ? ORDER BY e.at DESC, pages.url, e.kind LIMIT ?",
        (since, limit),
    )
    return [dict(row) for row in rows]


def page_events(db: sqlite3.Connection, page: str) -> list[Row]:
    """List what befell one page, oldest first, with the evidence."""
    return [dict(row) for row in db.execute(f"{_EVENTS} WHERE e.page = ? ORDER BY e.at, e.kind", (page,))]


def standing(db: sqlite3.Connection) -> Row:
    """Count the official pages that carry reports, and those of them that are missing, withdrawn, moved or unlisted now.

    Each is counted once where it is not there: as moved, else as withdrawn, else as missing.
    """
    row = db.execute(
        """SELECT count(*) AS pages,
                  count(*) FILTER (WHERE missing_since NOTNULL AND withdrawn_on ISNULL AND moved_to ISNULL) AS missing,
                  count(withdrawn_on) AS withdrawn, count(moved_to) AS moved,
                  count(*) FILTER (WHERE unlisted_since NOTNULL AND missing_since ISNULL) AS unlisted
           FROM report_pages WHERE standing = 'official'"""
    ).fetchone()
    return dict(row)


def carrier_at(db: sqlite3.Connection, url: str) -> Row | None:
    """Find the page at an address that carries a report."""
    query = "SELECT p.*, url FROM report_pages p JOIN pages ON pages.id = page WHERE page = ? AND url = ?"
    row = db.execute(query, (name(url), url)).fetchone()
    return dict(row) if row else None


def statistics(db: sqlite3.Connection, page: str) -> list[Row]:
    """List what carries a page's report, the report's text first, with what the view `carriers` says of each.

    Each has the `facts` and `checks` that none before it gives, as the views `facts` and `checks` do, and what is
    `unplaced` in it.
    """
    rows = db.execute(
        """SELECT n, url, label, outcome, rank, coalesce(differing, '[]') AS differing, r.text,
                  coalesce(unplaced, '[]') AS unplaced
           FROM stored_carriers c LEFT JOIN pages ON pages.id = coalesce(file, c.page)
           LEFT JOIN readings r USING (payload) LEFT JOIN stored_texts t ON t.number = r.text
           WHERE c.page = ? ORDER BY rank IS NULL, rank, n""",
        (page,),
    )
    found: list[Row] = []
    told: set[object] = set()
    for row in map(dict, rows):
        text = row.pop("text")
        said = Figures() if text is None else figures.of_text(db, text)
        found.append(
            row
            | {key: json.loads(row[key]) for key in ("differing", "unplaced")}
            | {"facts": [fact for fact in said.facts if _code(fact) not in told]}
            | {"checks": [check for check in said.checks if _table(check) not in told]}
        )
        told.update(map(_code, said.facts), map(_table, said.checks))
    return found


_code = attrgetter(*figures.CODES)
_table = attrgetter("form", "table")


def year_checks(db: sqlite3.Connection, *, agency: str, year: int) -> list[Check]:
    """List the rules that bind a report to that of the year before, worked out."""
    columns = ", ".join(f'"{field.name}"' for field in fields(Check))
    query = f'SELECT {columns} FROM year_checks WHERE agency = ? AND year = ? ORDER BY form, "table", rule, at'  # noqa: S608
    return [Check(**{**dict(row), "held": bool(row["held"])}) for row in db.execute(query, (agency, year))]


def stated_in_time(db: sqlite3.Connection, page: str) -> list[Row]:
    """List what each version of a page, and each answer of the documents it links to, stated: `url`, `since`, `figures`.

    The page comes first, then its documents, each with the oldest first.
    """
    rows = db.execute(
        f"""SELECT 0 AS n, url, first_seen AS since, r.text
            FROM versions v JOIN pages ON pages.id = v.page JOIN {TEXTS_OF_VERSIONS} WHERE v.page = :page
            UNION ALL
            SELECT min(s.n), url, min(at), r.text
            FROM stored_carriers s JOIN captures v ON v.page = file JOIN pages ON pages.id = file
            JOIN {TEXTS_OF_VERSIONS}
            WHERE s.page = :page AND v.kind = 'attachment' AND v.outcome IN ('new', 'same') GROUP BY file, r.text
            ORDER BY n, since""",  # noqa: S608
        {"page": page},
    )
    return [{"url": r["url"], "since": r["since"], "figures": figures.of_text(db, r["text"])} for r in rows.fetchall()]


def unplaced(db: sqlite3.Connection) -> list[Row]:
    """Count what no form accounts for, by `label`, over all that carries reports, the most frequent first.

    `form` is the form of the table, if it is known; `times` and `carriers` are counts, `cell` and `url` an example.
    """
    rows = db.execute(
        """SELECT value ->> 'label' AS label, value ->> 'form' AS form, count(*) AS times,
                  count(DISTINCT c.payload) AS carriers, value ->> 'cell' AS cell, min(url) AS url
           FROM stored_carriers c JOIN pages ON pages.id = coalesce(file, page) JOIN readings r USING (payload)
           JOIN stored_texts t ON t.number = r.text JOIN json_each(t.unplaced)
           GROUP BY 1, 2 ORDER BY times DESC, label, form"""
    )
    return [dict(row) for row in rows]


_EVENTS = """SELECT e.page, pages.url, r.agency, r.year, r.standing, e.at, e.kind, e.detail, e.capture, c.at AS captured_at,
                    c.status, c.outcome, c.reason
             FROM events e JOIN pages ON pages.id = e.page JOIN report_pages r ON r.page = e.page
             JOIN captures c ON c.id = e.capture"""
