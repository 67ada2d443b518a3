"""Versions and reports: what follows from captures and texts, and nothing else.

A crawl calls `pages` for each page it touched and a rebuild for all of them, so both give the same rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from archive.database import name
from archive.records import owns


@dataclass(kw_only=True, slots=True)
class _Version:
    n: int
    key: str
    payload: str
    first_seen: str
    last_seen: str
    captures: int = 0
    reversions: int = 0


def pages(db: sqlite3.Connection, page_ids: Iterable[str]) -> None:
    """Work out anew the versions of these pages and the reports they carry; the caller holds the transaction."""
    touched: set[tuple[str, int]] = set()
    for page in page_ids:
        touched.update(_reports_of(db, page))
        db.execute("DELETE FROM report_pages WHERE page = ?", (page,))
        db.execute("DELETE FROM versions WHERE page = ?", (page,))
        versions, withdrawn_on = _history(db, page)
        db.executemany(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (page, v.n, v.key, v.payload, v.first_seen, v.last_seen, v.captures, v.reversions)
                for v in versions
            ],
        )  # fmt: skip
        _carry(db, page, versions, withdrawn_on)
        touched.update(_reports_of(db, page))
    for agency, year in sorted(touched):
        _report(db, agency, year)


def same_agency(named: str | None, known: str) -> str:
    """Give the agency's full name: `known`, the source's own, where a report names it short.

    >>> same_agency("市林业局", "吉林市林业局"), same_agency("县档案馆", "云岫县财政局"), same_agency(None, "云岫县财政局")
    ('吉林市林业局', '县档案馆', '云岫县财政局')
    """
    if not named:
        return known
    short = named.lstrip("我本省市县区州")
    return known if len(short) >= 2 and known.endswith(short) else named


def due_on(year: int, *, level: str) -> date:
    """Give the last day on which the report on `year` is in time.

    Departments: 31 January of the next year, governments: 31 March (Regulation of 2019, art. 49); before it came
    into force in May 2019 everyone had until 31 March (Regulation of 2007, art. 31).
    """
    return date(year + 1, 1, 31) if year >= 2019 and level == "department" else date(year + 1, 3, 31)


def _history(db: sqlite3.Connection, page: str) -> tuple[list[_Version], str | None]:
    """Walk the page's captures in time: its distinct texts, and since when it is gone."""
    rows = db.execute(
        """SELECT at, outcome, payload, key FROM captures LEFT JOIN texts USING (payload)
           WHERE page = ? AND kind = 'report' AND outcome IN ('new', 'same', 'not-modified', 'gone')
           ORDER BY at, attempt""",
        (page,),
    )
    versions: dict[str, _Version] = {}
    current: _Version | None = None
    gone_since: str | None = None
    for at, outcome, payload, key in rows:
        if outcome == "gone":
            gone_since = gone_since or at
            continue
        gone_since = None
        if key is not None:
            found = versions.get(key)
            if found is None:
                found = _Version(n=len(versions) + 1, key=key, payload=payload, first_seen=at, last_seen=at)
                versions[key] = found
            elif found is not current:
                found.reversions += 1
            current = found
        if current is not None and (key is not None or outcome == "not-modified"):
            current.captures += 1
            current.last_seen = at
    return list(versions.values()), gone_since and gone_since[:10]


def _carry(db: sqlite3.Connection, page: str, versions: list[_Version], withdrawn_on: str | None) -> None:
    """Note the report that the page carries, by the last of its versions that is one."""
    for version in sorted(versions, key=lambda v: (v.last_seen, v.n), reverse=True):
        text = db.execute("SELECT * FROM texts WHERE payload = ?", (version.payload,)).fetchone()
        if text["is_report"] and text["report_year"]:
            break
    else:
        return
    source = db.execute(
        """SELECT s.id, s.copy_of, s.hosts, host, coalesce(o.agency, s.agency) AS agency
           FROM captures JOIN pages ON pages.id = page JOIN sources s ON s.id = source
           LEFT JOIN sources o ON o.id = s.copy_of
           WHERE page = ? AND kind = 'report' ORDER BY s.copy_of IS NOT NULL, instr(s.hosts, '"' || host || '"') = 0, at LIMIT 1""",
        (page,),
    ).fetchone()
    official = source["copy_of"] is None and owns(json.loads(source["hosts"]), source["host"])
    db.execute(
        """INSERT INTO report_pages (page, source, standing, agency, year, title, published_on, first_seen, withdrawn_on,
               versions, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            page, source["id"], "official" if official else "copy", same_agency(text["agency"], source["agency"]),
            text["report_year"], text["title"], text["published_on"], versions[0].first_seen, withdrawn_on,
            len(versions), version.payload,
        ),
    )  # fmt: skip


def _reports_of(db: sqlite3.Connection, page: str) -> Iterable[tuple[str, int]]:
    return [tuple(row) for row in db.execute("SELECT agency, year FROM report_pages WHERE page = ?", (page,))]


def _report(db: sqlite3.Connection, agency: str, year: int) -> None:
    """Sum up the official pages of one agency's report on one year; a copy alone makes no report."""
    db.execute("DELETE FROM reports WHERE agency = ? AND year = ?", (agency, year))
    carriers = db.execute(
        """SELECT p.*, s.region, s.level, s.agency AS of_source FROM report_pages p JOIN sources s ON s.id = source
           WHERE p.agency = ? AND year = ? AND standing = 'official'
           ORDER BY p.published_on IS NULL, p.published_on, first_seen, page""",
        (agency, year),
    ).fetchall()
    if not carriers:
        return
    first = carriers[0]
    level = (
        first["level"] if agency == first["of_source"] else "government" if agency.endswith("政府") else "department"
    )
    due = due_on(year, level=level)
    late = (date.fromisoformat(first["published_on"]) - due).days if first["published_on"] else None
    left = [row["withdrawn_on"] for row in carriers]
    withdrawn_on = None if None in left else max(left)
    db.execute(
        "INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name(agency, year), agency, year, first["region"], first["title"], first["published_on"], due.isoformat(),
            late if late is None else max(0, late), withdrawn_on, len(carriers), sum(c["versions"] for c in carriers),
        ),
    )  # fmt: skip


def everything(db: sqlite3.Connection) -> None:
    """Work out all versions and reports anew; the caller holds the transaction."""
    for table in ("reports", "report_pages", "events", "versions"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    pages(db, [page for (page,) in db.execute("SELECT id FROM pages ORDER BY id").fetchall()])
