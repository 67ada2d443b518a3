"""Reading an archive: payloads proved on every read, and the questions the command line asks."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from functools import partial
from itertools import takewhile
from operator import attrgetter

from archive import figures, payloads
from archive.chain import row_digest
from archive.database import ArchiveError, Row, name, to_json
from archive.records import Check, Figures
from archive.rows import TEXTS_OF_VERSIONS, bond, known_payload
from archive.tables import ABSENT, AT

CHANGES = 3
"""How many changes of a page are looked at, to tell whether its host's validators lie."""


def body_of(db: sqlite3.Connection, sha256: str) -> bytes:
    """Give a payload's bytes as they were served; raises ArchiveError where they are not what they were."""
    return body_numbered(db, known_payload(db, sha256))


def body_numbered(db: sqlite3.Connection, number: int) -> bytes:
    """Give the bytes of a payload by its number; raises ArchiveError as `body_of` does."""
    stored = db.execute(
        "SELECT sha256, base, frame FROM payloads LEFT JOIN bodies ON payload = number WHERE number = ?", (number,)
    ).fetchone()
    sha256, base, frame = stored or (f"of number {number}", None, None)
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
        """WITH RECURSIVE last AS (
               SELECT * FROM columns WHERE source = ?1 AND run = (SELECT max(run) FROM columns WHERE source = ?1)),
           leading AS (
               SELECT page, parent, reports FROM last WHERE reports
               UNION SELECT up.page, up.parent, up.reports FROM last up JOIN leading ON leading.parent = up.page)
           SELECT url, reports FROM leading JOIN pages ON pages.id = page ORDER BY url""",
        (source,),
    )
    return [dict(row) for row in rows]


def searched_at(db: sqlite3.Connection, source: str) -> str | None:
    """Say when this source's own addresses were last read in search of its columns, in a visit that was not cut off."""
    found = db.execute(
        f"""SELECT max({AT}) FROM strings source JOIN strings kind ON kind.text = 'start'
            JOIN stored_captures c ON c.source = source.number AND c.kind = kind.number
            JOIN strings outcome ON outcome.number = c.outcome JOIN strings run ON run.number = c.run
            JOIN runs ON runs.id = run.text JOIN visits v ON v.run = run.text AND v.source = source.text
            WHERE source.text = ? AND outcome.text IN ('new', 'same', 'not-modified')
              AND runs.status != 'interrupted' AND v.status != 'unfinished'""",  # noqa: S608
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

    Visits left out because the source was resting, and those cut off, do not count.
    """
    rows = db.execute(
        """SELECT v.status, coalesce(ended_at, started_at) AS at FROM visits v JOIN runs ON runs.id = run
           WHERE source = ? AND v.status NOT IN ('resting', 'unfinished') ORDER BY v.run DESC""",
        (source,),
    )
    ends = [row["at"] for row in takewhile(lambda row: row["status"] == "blocked", rows)]
    return len(ends), ends[0] if ends else None


def last_turn(db: sqlite3.Connection, source: str) -> str:
    """Name the run in which a source last had its turn, which sorts by time; empty where it had none.

    That is its last visit, or the one before where the last was cut off: twice in a row is a turn all the same, so that
    a source too big for every run's budget keeps no other from its turn.
    """
    rows = db.execute(
        "SELECT run, status FROM visits WHERE source = ? AND status != 'resting' ORDER BY run DESC LIMIT 2", (source,)
    ).fetchall()
    if rows and rows[0]["status"] == "unfinished" and not (len(rows) == 2 and rows[1]["status"] == "unfinished"):
        rows.pop(0)
    return rows[0]["run"] if rows else ""


def tally(db: sqlite3.Connection, run: str, source: str) -> Mapping[str, int]:
    """Count what a run, with the run it takes up, did to a source's report pages: last outcome and new versions."""
    row = db.execute(
        """WITH RECURSIVE chain (id) AS (
               SELECT :run UNION SELECT resumes FROM runs JOIN chain USING (id) WHERE resumes IS NOT NULL),
           began (at) AS (SELECT min(started_at) FROM runs JOIN chain USING (id)),
           asked AS (
               SELECT page, outcome, row_number() OVER (PARTITION BY page ORDER BY at DESC, attempt DESC) AS back
               FROM chain CROSS JOIN captures ON run = chain.id WHERE source = :source AND kind = 'report'),
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
                  (SELECT count(*) FROM chain CROSS JOIN captures ON run = chain.id
                   WHERE source = :source AND outcome != 'refused') AS requests
           FROM pages""",
        {"run": run, "source": source},
    ).fetchone()
    return dict(row)


def health(db: sqlite3.Connection, *, at: str | None = None) -> list[Row]:
    """List how each source that was visited stands, or stood at a time: its `state`, `since` when, `run`, `evidence`, `capture`."""
    rows = db.execute(
        f"""{HEALTH} WHERE h.run = (SELECT max(run) FROM health WHERE source = h.source AND at <= coalesce(?, at))
            ORDER BY h.source""",  # noqa: S608
        (at,),
    )
    return [dict(row) for row in rows]


def health_changes(db: sqlite3.Connection, *, after: str | None, until: str) -> list[Row]:
    """List how sources changed in the runs that came into the archive after one (None: from the first) and up to another."""
    rows = db.execute(
        f"""{HEALTH} JOIN runs ON runs.id = h.run
            WHERE runs.rowid > coalesce((SELECT rowid FROM runs WHERE id = ?), 0)
              AND runs.rowid <= (SELECT rowid FROM runs WHERE id = ?) ORDER BY h.run, h.source""",  # noqa: S608
        (after, until),
    )
    return [dict(row) for row in rows]


def health_of(db: sqlite3.Connection, source: str) -> list[Row]:
    """List the states that a source has been in, oldest first."""
    return [dict(row) for row in db.execute(f"{HEALTH} WHERE h.source = ? ORDER BY h.run", (source,))]


def told(db: sqlite3.Connection, channel: str) -> str | None:
    """Name the run up to which a channel was told all, None where it was told nothing yet."""
    row = db.execute(
        "SELECT run FROM notices JOIN runs ON id = run WHERE channel = ? ORDER BY runs.rowid DESC LIMIT 1", (channel,)
    ).fetchone()
    return row["run"] if row else None


def counts(db: sqlite3.Connection) -> Row:
    """Count the rows of each kind; truth is only added to, so its numbers run without gaps."""
    row = db.execute(
        """SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM sources) AS sources,
                  (SELECT coalesce(max(rowid), 0) FROM pages) AS pages,
                  (SELECT coalesce(max(number), 0) FROM stored_captures) AS captures,
                  (SELECT coalesce(max(number), 0) FROM payloads) AS payloads, (SELECT count(*) FROM readings) AS texts,
                  (SELECT count(*) FROM versions) AS versions, (SELECT count(*) FROM reports) AS reports"""
    ).fetchone()
    return dict(row)


def sizes(db: sqlite3.Connection) -> Row:
    """Count the rows, and the bytes served, distinct and stored, which reads them all."""
    row = db.execute(
        """SELECT (SELECT coalesce(sum(length), 0) FROM payloads) AS bytes,
                  (SELECT coalesce(sum(length(frame)), 0) FROM bodies) AS stored"""
    ).fetchone()
    return {**counts(db), **dict(row)}


def coverage(db: sqlite3.Connection) -> list[Row]:
    """List every report, by agency and year."""
    return [dict(row) for row in db.execute("SELECT * FROM reports ORDER BY agency, year")]


def carriers(db: sqlite3.Connection, *, agency: str | None = None, year: int | None = None) -> list[Row]:
    """List the pages that carry reports, official ones first, with their addresses."""
    wanted = {key: value for key, value in {"agency": agency, "year": year}.items() if value is not None}
    rows = db.execute(
        f"""SELECT p.*, url FROM report_pages p JOIN pages ON pages.id = page
            WHERE {" AND ".join(f"{key} = :{key}" for key in wanted) or 1}
            ORDER BY agency, year, standing DESC, published_on, url""",  # noqa: S608
        wanted,
    )
    return [dict(row) for row in rows]


def find_page(db: sqlite3.Connection, url: str) -> Row | None:
    """Find a page by its address."""
    row = db.execute("SELECT * FROM pages WHERE id = ? AND url = ?", (name(url), url)).fetchone()
    return dict(row) if row else None


def find_reports(db: sqlite3.Connection, words: str) -> list[Row]:
    """Find reports by id, by agency and year, or else by words that all occur in agency, title or year."""
    agency, _, year = words.rpartition(" ")
    exact = db.execute(
        "SELECT * FROM reports WHERE id = ? UNION SELECT * FROM reports WHERE agency = ? AND year = ? ORDER BY agency, year",
        (words, agency, year),
    ).fetchall()
    found = exact or db.execute(
        """SELECT * FROM reports WHERE NOT EXISTS (
               SELECT 1 FROM json_each(?) WHERE instr(agency || ' ' || year || ' ' || title, value) = 0) ORDER BY agency, year""",
        (to_json(words.split()),),
    )
    return [dict(row) for row in found]


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


def missing_documents(db: sqlite3.Connection, url: str) -> list[Row]:
    """List the documents, by `url` and `label`, that the report at an address links to and that were never asked for."""
    rows = db.execute(
        "SELECT url, label FROM carriers WHERE page = ? AND n > 0 AND outcome IS NULL ORDER BY n", (name(url),)
    )
    return [dict(row) for row in rows]


def histories(db: sqlite3.Connection, source: str) -> list[Row]:
    """List what this source was asked for as a report, with the times its schedule follows.

    `first_seen`; `changed`, when its newest version was first seen; `answered`, when it last gave an answer of any
    kind; `unlisted`, whether it was asked for that without a list; `gone_since`; and `year`, its report's.
    """
    answer = "'new', 'same', 'not-modified', 'gone', 'moved'"

    def seen(outcomes: str, order: str, what: str = "at") -> str:
        only = f"AND outcome IN ({outcomes})" if outcomes else ""
        return f"""(SELECT {what} FROM captures c WHERE c.page = p.text AND c.source = ?1 AND kind = 'report' {only}
                    ORDER BY time {order} LIMIT 1)"""  # noqa: S608

    rows = db.execute(
        f"""WITH RECURSIVE numbered (source, kind) AS (
                SELECT s.number, k.number FROM strings s, strings k WHERE s.text = ?1 AND k.text = 'report'),
            next (source, kind, page) AS (  -- from page to page along the index, however many captures each has
                SELECT source, kind, 0 FROM numbered UNION ALL
                SELECT source, kind, (SELECT min(page) FROM stored_captures c
                                      WHERE c.source = next.source AND c.kind = next.kind AND c.page > next.page)
                FROM next WHERE page NOTNULL),
            asked AS MATERIALIZED (
                SELECT p.text AS page, coalesce({seen("'new', 'same'", "")}, {seen("", "")}) AS first_seen,
                       {seen(answer, "DESC")} AS answered, {seen(answer, "DESC", "referrer IS NULL")} AS unlisted,
                       {seen("'new', 'same', 'not-modified'", "DESC", "time")} AS stood
                FROM next JOIN strings p ON p.number = page)
            SELECT url, year, asked.first_seen, answered, unlisted,
                   coalesce((SELECT max(first_seen) FROM versions v WHERE v.page = asked.page), asked.first_seen) AS changed,
                   (SELECT at FROM captures c WHERE c.page = asked.page AND outcome = 'gone' AND time > coalesce(stood, 0)
                    ORDER BY time LIMIT 1) AS gone_since
            FROM asked JOIN pages ON pages.id = asked.page LEFT JOIN report_pages r ON r.page = asked.page""",  # noqa: S608
        (source,),
    )
    return [dict(row) for row in rows]


def lists_read_at(db: sqlite3.Connection, source: str) -> str | None:
    """Say when this source's lists were last read in a visit that left nothing out."""
    visits = db.execute(  # from the last one back, and no further than to the one that is looked for
        """SELECT (SELECT max(at) FROM captures c WHERE c.run = v.run AND c.source = v.source
                   AND kind IN ('start', 'column', 'next') AND outcome IN ('new', 'same', 'not-modified')) AS at
           FROM visits v JOIN runs ON runs.id = run
           WHERE source = ? AND runs.status != 'interrupted' AND v.status NOT IN ('partial', 'blocked', 'failed', 'unfinished')
           ORDER BY run DESC""",
        (source,),
    )
    return next((row["at"] for row in visits if row["at"]), None)


def documents(db: sqlite3.Connection, page: str) -> list[Row]:
    """List what a report page links to as its documents, as `carriers` has them."""
    return [dict(row) for row in db.execute("SELECT * FROM carriers WHERE page = ? AND n > 0 ORDER BY n", (page,))]


def documents_of(db: sqlite3.Connection, url: str) -> list[Row]:
    """List the documents, by `url` and `label`, that a page links to, where its last text is a report's."""
    row = db.execute(
        """SELECT attachments, is_report FROM captures c JOIN readings r ON r.payload = payload_number
           JOIN stored_texts t ON t.number = r.text WHERE page = ? AND kind = 'report' AND outcome IN ('new', 'same')
           ORDER BY time DESC, attempt DESC LIMIT 1""",
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
             AND payload IS NOT NULL ORDER BY time DESC, attempt DESC LIMIT 1""",
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

    Of each page the last CHANGES of its changes tell that. So is one that changed after a 304 and was asked for in full,
    where nothing on the host was ever seen to change in answer to a condition.
    """
    rows = db.execute(
        """SELECT c.page, c.number, c.payload, outcome.text = 'not-modified' AS told,
                  asked.text LIKE '%"If-None-Match"%' OR asked.text LIKE '%"If-Modified-Since"%' AS conditional
           FROM pages JOIN strings page ON page.text = pages.id JOIN stored_captures c ON c.page = page.number
           JOIN strings kind ON kind.number = c.kind JOIN strings outcome ON outcome.number = c.outcome
           JOIN strings asked ON asked.number = request_form
           WHERE host = ? AND c.at > ? AND (typeof(c.at) = 'integer' OR c.at > ?)
             AND kind.text IN ('start', 'column', 'next', 'report')
             AND (outcome.text = 'not-modified'
                  OR (outcome.text IN ('new', 'same') AND status = 200 AND c.payload IS NOT NULL))
           ORDER BY c.page, c.at, attempt""",
        (host, datetime.fromisoformat(since).timestamp() * 1000, since),
    )
    hidden = shown = told = False
    last: sqlite3.Row | None = None
    changes: defaultdict[int, deque[tuple[int, int]]] = defaultdict(partial(deque, maxlen=CHANGES))
    for row in rows:
        if last is None or last["page"] != row["page"]:
            last, told = None, False
        if row["told"]:
            told = True
            continue
        if last is not None and last["payload"] != row["payload"]:
            changes[row["page"]].append((last["number"], row["number"]))
            shown = shown or bool(row["conditional"])
            hidden = hidden or (told and not row["conditional"])
        last, told = row, False
    return (hidden and not shown) or any(
        _same_validator(*(_headers(db, capture) for capture in change)) for page in changes.values() for change in page
    )


def _headers(db: sqlite3.Connection, capture: int) -> dict[str, str]:
    return dict(
        json.loads(db.execute("SELECT headers FROM captures WHERE number = ?", (capture,)).fetchone()["headers"])
    )


def _same_validator(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Compare the ETags of two answers, or where one has none, their Last-Modified."""
    both = [before[key] == after[key] for key in ("etag", "last-modified") if key in before and key in after]
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
        f"""SELECT (SELECT count(*) FROM report_pages) - (SELECT count(*) FROM report_pages INDEXED BY report_pages_copies WHERE standing = 'copy') AS pages,
                  count(*) FILTER (WHERE missing_since NOTNULL AND withdrawn_on ISNULL AND moved_to ISNULL) AS missing,
                  count(withdrawn_on) AS withdrawn, count(moved_to) AS moved,
                  count(*) FILTER (WHERE unlisted_since NOTNULL AND missing_since ISNULL) AS unlisted
           FROM report_pages WHERE {ABSENT} AND standing = 'official'"""  # noqa: S608
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


HEALTH = """SELECT h.source, name, agency, region, level, h.state, h.at AS since, h.run, h.evidence, h.capture,
                    (SELECT state FROM health b WHERE b.source = h.source AND b.run < h.run ORDER BY b.run DESC LIMIT 1) AS was
             FROM health h JOIN sources ON sources.id = h.source"""

_EVENTS = """SELECT e.page, pages.url, r.agency, r.year, r.standing, e.at, e.kind, e.detail, e.capture, c.at AS captured_at,
                    c.status, c.outcome, c.reason
             FROM events e JOIN pages ON pages.id = e.page JOIN report_pages r ON r.page = e.page
             JOIN report_pages near ON near.agency = r.agency AND near.year = r.year
             JOIN captures c ON c.page = near.page AND c.id = e.capture"""
"""The capture that shows an event is of the page itself, or of another that carries the same report."""
