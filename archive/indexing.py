"""The index for searching: the writer's side, which keeps it in step with the texts of reports.

`report_texts` lists what is searched: the text of each page that carries a report, and of each of its documents that
has words. `report_search` is a contentless index (SQLite, FTS5) of it: the words stay where they are, and go out of
the index only by what went in.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any

from archive.search import grams
from archive.walk import Walk, silently

_ROW = "page, n, text, title, agency, year, region, kind, standing"

_FOLLOWING = """
    SELECT c.page, c.n, r.text, t.title, p.agency, p.year, coalesce(o.region, s.region) AS region,
           CASE WHEN p.agency = coalesce(o.agency, s.agency) THEN coalesce(o.level, s.level)
                WHEN p.agency LIKE '%政府' THEN 'government' ELSE 'department' END AS kind, p.standing
    FROM stored_carriers c JOIN report_pages p ON p.page = c.page JOIN readings r ON r.payload = c.payload
    JOIN stored_texts t ON t.number = r.text JOIN sources s ON s.id = p.source LEFT JOIN sources o ON o.id = s.copy_of
    WHERE c.rank NOT NULL"""
"""What is to be searched, as it follows from the carriers of reports."""


_PART = 2000  # pages of the index that are merged in one transaction
_LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}  # as the index has them


def update(db: sqlite3.Connection, page: str) -> None:
    """Bring the index up to date with what carries a page's report; the caller holds the transaction."""
    wanted = {tuple(row) for row in db.execute(f"{_FOLLOWING} AND c.page = ?", (page,))}
    stands = db.execute(f"SELECT {_ROW}, number FROM report_texts WHERE page = ?", (page,))  # noqa: S608
    held = {tuple(row)[:-1]: row["number"] for row in stands}
    for row in held.keys() - wanted:
        _remove(db, held[row])
    for row in sorted(wanted - held.keys()):
        places = ", ".join("?" * len(row))
        number = db.execute(f"INSERT INTO report_texts ({_ROW}) VALUES ({places})", row).lastrowid  # noqa: S608
        db.execute(
            "INSERT INTO report_search (rowid, text, title, agency) VALUES (?, ?, ?, ?)", (number, *_words(db, number))
        )


def drop(db: sqlite3.Connection, text: int) -> None:
    """Take a text out of the index while its words are still there; the caller holds the transaction."""
    for (number,) in db.execute("SELECT number FROM report_texts WHERE text = ?", (text,)).fetchall():
        _remove(db, number)


def optimise(db: sqlite3.Connection, *, first: bool) -> bool:
    """Merge a part of what the index was written in, which is smaller in one and found in faster; say whether more is left.

    The caller holds the transaction (SQLite, FTS5, 6.8: a negative number begins, fewer than two changes are the end).
    """
    before = db.total_changes
    db.execute("INSERT INTO report_search (report_search, rank) VALUES ('merge', ?)", (-_PART if first else _PART,))
    return db.total_changes - before >= 2


def mend(db: sqlite3.Connection, *, walk: Walk) -> None:
    """Bring the index into step with the carriers of reports, from its beginning where it counts wrong; the caller holds the transaction."""
    if _miscounted(db, walk=walk):
        db.execute("INSERT INTO report_search (report_search) VALUES ('delete-all')")
        db.execute("DELETE FROM report_texts")
    for page in sorted({row[0] for row, _ in _out_of_step(db)}):
        update(db, page)


def faults(db: sqlite3.Connection) -> Iterator[str]:
    """Name what is searched and should not be, or the other way round, and words that are counted otherwise than they stand.

    Temporary tables must be allowed.
    """
    for row, stands in sorted(_out_of_step(db)):
        what = "is searched but is not what carries a report" if stands else "is not searched"
        yield f"search: text {row[1]} of page {row[0]}: {what}; `gongkai rebuild` mends it"
    if count := _miscounted(db):
        yield f"search: the index counts {count} words otherwise than they stand: `gongkai rebuild` mends it"


def _out_of_step(db: sqlite3.Connection) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """Give the rows that are searched but do not follow (True), or follow but are not searched."""
    stand = f"SELECT {_ROW} FROM report_texts"  # noqa: S608
    for query, stands in ((f"{stand} EXCEPT {_FOLLOWING}", True), (f"{_FOLLOWING} EXCEPT {stand}", False)):
        yield from ((tuple(row), stands) for row in db.execute(query))


def _miscounted(db: sqlite3.Connection, *, walk: Walk = silently) -> int:
    """Count the words that the index counts otherwise than they stand in what is searched."""
    words: Counter[str] = Counter()
    for number in walk([number for (number,) in db.execute("SELECT number FROM report_texts")], "indexed texts"):
        words.update(" ".join(_words(db, number)).translate(_LOWER).split())
    db.execute("CREATE VIRTUAL TABLE temp.search_words USING fts5vocab(main, report_search, row)")
    wrong: int = sum(words.pop(term, 0) != count for term, count in db.execute("SELECT term, cnt FROM search_words"))
    db.execute("DROP TABLE temp.search_words")
    return wrong + len(words)


def _remove(db: sqlite3.Connection, number: int) -> None:
    if words := _words(db, number):
        db.execute(
            "INSERT INTO report_search (report_search, rowid, text, title, agency) VALUES ('delete', ?, ?, ?, ?)",
            (number, *words),
        )
    db.execute("DELETE FROM report_texts WHERE number = ?", (number,))


def _words(db: sqlite3.Connection, number: int | None) -> list[str]:
    """Give the words of what is searched as the index holds them, one string a column; none where the text is gone."""
    row = db.execute(
        "SELECT t.text, r.title, r.agency FROM report_texts r JOIN stored_texts t ON t.number = r.text WHERE r.number = ?",
        (number,),
    ).fetchone()
    return [grams(column) for column in row or ()]
