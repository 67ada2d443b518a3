"""The index for searching: the writer's side, which keeps it in step with the texts of reports.

`report_texts` lists what is searched: the text of each page that carries a report, and of each of its documents that
has words. `report_search` is a contentless index (SQLite, FTS5) of it: the words stay where they are, and go out of
the index only by what went in.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator

from archive.search import grams

_ROW = "page, n, text, title, agency, year, region, kind, standing"

_FOLLOWING = """
    SELECT c.page, c.n, r.text, t.title, p.agency, p.year, coalesce(o.region, s.region) AS region,
           CASE WHEN p.agency = coalesce(o.agency, s.agency) THEN coalesce(o.level, s.level)
                WHEN p.agency LIKE '%政府' THEN 'government' ELSE 'department' END AS kind, p.standing
    FROM stored_carriers c JOIN report_pages p ON p.page = c.page JOIN readings r ON r.payload = c.payload
    JOIN stored_texts t ON t.number = r.text JOIN sources s ON s.id = p.source LEFT JOIN sources o ON o.id = s.copy_of
    WHERE c.rank NOT NULL"""
"""What is to be searched, as it follows from the carriers of reports."""


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


def clear(db: sqlite3.Connection) -> None:
    """Empty the index; the caller holds the transaction."""
    db.execute("INSERT INTO report_search (report_search) VALUES ('delete-all')")
    db.execute("DELETE FROM report_texts")


def optimise(db: sqlite3.Connection) -> None:
    """Merge what the index was written in into one, which is smaller and found in faster; the caller holds the transaction."""
    db.execute("INSERT INTO report_search (report_search) VALUES ('optimize')")


def faults(db: sqlite3.Connection) -> Iterator[str]:
    """Name what is searched and should not be, or the other way round, and words that are counted otherwise than they stand.

    Temporary tables must be allowed.
    """
    stands, follows = (
        {tuple(row): row["page"] for row in db.execute(query)}
        for query in (f"SELECT {_ROW} FROM report_texts", _FOLLOWING)  # noqa: S608
    )
    for row in sorted(stands.keys() ^ follows.keys()):
        what = "is searched but is not what carries a report" if row in stands else "is not searched"
        yield f"search: text {row[1]} of page {row[0]}: {what}; `gongkai rebuild` mends it"
    words: Counter[str] = Counter()
    for (number,) in db.execute("SELECT number FROM report_texts"):
        words.update(" ".join(_words(db, number)).translate(_LOWER).split())
    db.execute("CREATE VIRTUAL TABLE temp.search_words USING fts5vocab(main, report_search, row)")
    counted = dict(map(tuple, db.execute("SELECT term, cnt FROM search_words")))
    if unlike := [word for word in words.keys() | counted.keys() if words[word] != counted.get(word)]:
        yield f"search: the index counts {len(unlike)} words otherwise than they stand: `gongkai rebuild` mends it"


def _remove(db: sqlite3.Connection, number: int) -> None:
    db.execute(
        "INSERT INTO report_search (report_search, rowid, text, title, agency) VALUES ('delete', ?, ?, ?, ?)",
        (number, *_words(db, number)),
    )
    db.execute("DELETE FROM report_texts WHERE number = ?", (number,))


def _words(db: sqlite3.Connection, number: int | None) -> list[str]:
    """Give the words of what is searched as the index holds them, one string a column."""
    row = db.execute(
        "SELECT t.text, r.title, r.agency FROM report_texts r JOIN stored_texts t ON t.number = r.text WHERE r.number = ?",
        (number,),
    ).fetchone()
    return [grams(column) for column in row]
