"""What takes the room in an archive, and giving back what nothing needs.

No derived row outlives what it was made from: the writer takes a text's words, numbers and index entries away together
with its last reading. What is left over is room: pages of the file that are free, and words that were taken out of the
index for searching and still stand in its older parts.
"""

from __future__ import annotations

import shutil
import sqlite3
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from archive.database import ArchiveError

PARTS = {
    "payloads": ("payloads", "bodies"),
    "captures": ("stored_captures",),
    "strings": ("strings", "pages"),
    "visits": ("origins", "sources", "runs", "visits", "columns"),
    "texts": ("readings", "stored_texts"),
    "numbers": ("stored_facts", "stored_checks", "indicators", "year_rules", "year_checks"),
    "reports": ("versions", "events", "reports", "report_pages", "stored_carriers", "volatile_lines", "health"),
    "search": ("report_texts", "report_search"),
}
"""The tables of each part, with their indexes; all that is in none is `other`, and pages without content are `free`."""

WORDS = {
    "payloads": "payloads: the bytes that were served, packed",
    "captures": "captures: one row for each fetch",
    "strings": "addresses, headers and other words of captures",
    "visits": "runs, visits, sources and columns",
    "texts": "texts and tables as cleaned",
    "numbers": "facts and checks",
    "reports": "versions, reports, events and health",
    "search": "index for searching",
    "other": "all else",
    "free": "free pages, filled before the file grows",
    "log": "write-ahead log, folded in when the archive is closed",
}
"""What each part is, in a line."""

PAYS = 0.05
"""The share of free pages from which on the whole file is written anew: it fills fewer by itself."""


A_CAPTURE = 150
"""About how many bytes a fetch of an unchanged page adds, its share of visits with it: measured over 99,000."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part of an archive, in bytes on disk."""

    name: str
    bytes: int
    truth: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """What one month (UTC, YYYY-MM) added: its captures, the bytes of their new payloads, packed, and an estimate of all."""

    month: str
    captures: int
    payloads: int
    estimate: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Trimmed:
    """The bytes of an archive before and after it was trimmed, and whether the file was written anew."""

    before: int
    after: int
    rewritten: bool


def parts(db: sqlite3.Connection, *, counted: bool = True) -> list[Part]:
    """Say what each part of an archive takes, the largest first; reads every page of the file.

    Where SQLite was built without dbstat, or it is not `counted` so, only payloads, free pages and the rest are told
    apart.
    """
    page = db.execute("PRAGMA page_size").fetchone()[0]
    free = page * db.execute("PRAGMA freelist_count").fetchone()[0]
    whole = page * db.execute("PRAGMA page_count").fetchone()[0]
    sums = {"free": free, "log": _log(db)}
    if counted and db.execute("SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'").fetchone():
        part_of = {table: part for part, tables in PARTS.items() for table in tables}
        for table, size in db.execute(
            """WITH sums AS MATERIALIZED (SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE)
               SELECT coalesce(tbl_name, name), sum(pgsize) FROM sums LEFT JOIN sqlite_master USING (name) GROUP BY 1"""
        ):
            part = part_of.get("report_search" if table.startswith("report_search_") else table, "other")
            sums[part] = sums.get(part, 0) + size
    else:
        sums["payloads"] = payload_bytes(db)
        sums["other"] = whole - free - sums["payloads"]
    truth = ("payloads", "captures", "strings", "visits")
    made = [Part(name=name, bytes=size, truth=name in truth) for name, size in sums.items() if size]
    return sorted(made, key=lambda part: -part.bytes)


def total(db: sqlite3.Connection) -> int:
    """Give the bytes of an archive on disk, with its log."""
    return file_of(db).stat().st_size + _log(db)


def file_of(db: sqlite3.Connection) -> Path:
    """Name the file of an open archive."""
    return Path(db.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0])


def free_disk(db: sqlite3.Connection) -> int:
    """Give the bytes that are free where the archive lies."""
    return shutil.disk_usage(file_of(db).parent).free


def payload_bytes(db: sqlite3.Connection) -> int:
    """Add up the payloads as they are packed."""
    return db.execute("SELECT coalesce(sum(length(frame)), 0) FROM bodies").fetchone()[0]  # type: ignore[no-any-return]


def captures(db: sqlite3.Connection) -> int:
    """Count the captures: they are numbered as they come, and none is ever taken away."""
    return _last(db, "stored_captures")


def growth(db: sqlite3.Connection, *, since: str = "") -> list[Growth]:
    """Say what each month's runs added, the oldest first; only runs that started at or after `since` count.

    Payloads are exact, a capture adds A_CAPTURE, and all else, which is made of payloads, is shared out among these.
    """
    begins = [
        (month, first)
        for month, first in db.execute(
            """SELECT substr(started_at, 1, 7) AS month, min(first)
               FROM (SELECT started_at, (SELECT min(c.number) FROM stored_captures c JOIN strings ON strings.number = c.run
                                         WHERE text = runs.id) AS first
                     FROM runs WHERE started_at >= ?)
               WHERE first NOTNULL GROUP BY month ORDER BY month""",
            (since,),
        )
    ]
    last, payloads = captures(db), _last(db, "payloads")
    each = max(0, total(db) - payload_bytes(db) - last * A_CAPTURE) / payloads if payloads else 0
    made = []
    for (month, first), (_, end) in pairwise([*begins, ("", last + 1)]):
        begin, stop = _payload_since(db, first), _payload_since(db, end)
        (frames,) = db.execute(
            "SELECT coalesce(sum(length(frame)), 0) FROM bodies WHERE payload >= ? AND payload < ?", (begin, stop)
        ).fetchone()
        count = max(0, end - first)
        estimate = round(frames + count * A_CAPTURE + (stop - begin) * each)
        made.append(Growth(month=month, captures=count, payloads=frames, estimate=estimate))
    return made


def added_per_day(db: sqlite3.Connection, *, at: str) -> int | None:
    """Estimate by how many bytes the archive has grown a day in the last 30 days, but for its first; None before its third."""
    (first,) = db.execute("SELECT min(started_at) FROM runs").fetchone()
    if first is None:
        return None
    now, day = datetime.fromisoformat(at), timedelta(days=1)
    since = max(datetime.fromisoformat(first) + day, now - 30 * day)
    if now - since < day:
        return None
    return round(sum(month.estimate for month in growth(db, since=since.isoformat())) / ((now - since) / day))


def trim(db: sqlite3.Connection, *, pays: float = PAYS) -> Trimmed:
    """Fold the index for searching into one part, and write the file anew where a share of it is free; it is writable.

    Truth and chain stay as they are, and so does every derived row. Raises ArchiveError where the disk has no room for
    the second copy that SQLite writes meanwhile (SQLite, lang_vacuum).
    """
    before = total(db)
    db.execute("INSERT INTO report_search (report_search) VALUES ('optimize')")
    page, pages, free = (
        db.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("page_size", "page_count", "freelist_count")
    )
    rewritten = free > pays * pages
    if rewritten:
        if (needed := 2 * page * (pages - free)) > free_disk(db):
            raise ArchiveError(
                f"{file_of(db)}: {needed / 1e6:.0f} MB of free disk are needed to write it anew, "
                f"{free_disk(db) / 1e6:.0f} MB are there; it was left as it is"
            )
        db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Trimmed(before=before, after=total(db), rewritten=rewritten)


def _log(db: sqlite3.Connection) -> int:
    file = file_of(db)
    log = file.with_name(f"{file.name}-wal")
    return log.stat().st_size if log.exists() else 0


def _last(db: sqlite3.Connection, table: str) -> int:
    return db.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()[0]  # type: ignore[no-any-return]  # noqa: S608


def _payload_since(db: sqlite3.Connection, capture: int) -> int:
    """Give the number of the first payload that came with this capture or a later one: both are counted as they come."""

    def first(payload: int) -> int:
        found = db.execute("SELECT min(number) FROM stored_captures WHERE payload = ?", (payload,)).fetchone()[0]
        return found or 0

    return bisect_left(range(1, _last(db, "payloads") + 1), capture, key=first) + 1
