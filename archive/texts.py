"""Texts: of which payloads they are still to be made, and how those made take their place in the archive."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive import derive, figures, indexing, judging, rows
from archive.figures import Values
from archive.reader import body_numbered
from archive.records import Uncleaned
from archive.rows import TextRows

Made = Sequence[tuple[str, TextRows | None]]
"""Payloads with what cleaning made of them; None where it made nothing, and what stands is left."""

CLEANED = "kind IN ('report', 'attachment') AND outcome IN ('new', 'same')"
"""The captures whose payloads are cleaned."""

_SOURCE = """(SELECT c.source FROM stored_captures c WHERE c.payload = {}
    AND c.kind IN (SELECT number FROM strings WHERE text IN ('report', 'attachment'))
    AND c.outcome IN (SELECT number FROM strings WHERE text IN ('new', 'same')) ORDER BY c.number LIMIT 1)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Payloads that wait to be cleaned; each is read when its turn comes."""

    db: sqlite3.Connection
    numbers: array[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Uncleaned]:
        return (first_served(self.db, number) for number in self.numbers)


def waiting(db: sqlite3.Connection, *, cleaner: str, after: int | None = None) -> Waiting:
    """List the payloads without a text of this cleaner; and those behind `after`, if that is given: 0 is before all.

    A source's payloads are together, for what follows from them does so once for all that are saved at one time.
    """
    numbers = db.execute(
        f"""WITH asked AS MATERIALIZED (
                SELECT number, EXISTS (
                    SELECT 1 FROM readings r JOIN stored_texts t ON t.number = r.text
                    WHERE r.payload = p.number AND cleaner = :cleaner) AS done
                FROM payloads p WHERE NOT done OR :after NOTNULL),
            placed AS MATERIALIZED (SELECT number, done, {_SOURCE.format("asked.number")} AS source FROM asked)
            SELECT number FROM placed
            WHERE source NOTNULL AND (NOT done OR (source, number) > (coalesce({_SOURCE.format(":after")}, 0), :after))
            ORDER BY source, number""",  # noqa: S608
        {"cleaner": cleaner, "after": after},
    )
    return Waiting(db=db, numbers=array("q", (number for (number,) in numbers)))


def first_served(db: sqlite3.Connection, number: int) -> Uncleaned:
    """Give a payload with the URL and headers it was first served with, by which it is cleaned."""
    first = db.execute(
        f"""SELECT payload, url, headers FROM captures JOIN pages ON pages.id = page
            WHERE payload_number = ? AND {CLEANED} ORDER BY at, captures.id LIMIT 1""",  # noqa: S608
        (number,),
    ).fetchone()
    return Uncleaned(
        payload=first["payload"],
        url=first["url"],
        headers=dict(json.loads(first["headers"])),
        body=body_numbered(db, number),
    )


def served_first(db: sqlite3.Connection, sha256: str, *, at: str) -> Uncleaned | None:
    """Give a payload as it was first served, if nobody had been served it before a time: then its text is to be made."""
    number = rows.known_payload(db, sha256)
    before = db.execute(
        f"SELECT 1 FROM captures WHERE payload_number = ? AND {CLEANED} AND at < ? LIMIT 1",  # noqa: S608
        (number, at),
    )
    return None if before.fetchone() else first_served(db, number)


def save(db: sqlite3.Connection, made: Made) -> None:
    """Keep texts that are not what stands, with all that follows from them; the caller holds the transaction."""
    changed: set[int] = set()
    judged: set[int] = set()
    numbers: figures.Numbers = {}
    for sha256, text in made:
        if text:
            number = rows.known_payload(db, sha256)
            was = _shows(_of(db, number))
            others = _put(db, number, text, numbers)
            changed.update(others)
            judged.update(others if _shows(text.row) != was else ())
    derive.cleaned(db, sorted(changed))
    judging.reread(db, *judged)


def _put(db: sqlite3.Connection, payload: int, text: TextRows, numbers: figures.Numbers) -> list[int]:
    """Keep the text of a payload, and mend it if it was altered; gives the payloads that have another one now."""
    stands = db.execute("SELECT * FROM stored_texts WHERE digest = ?", (text.row["digest"],)).fetchone()
    if stands is None or _is(db, stands, text):
        was = _of(db, payload)
        if stands and was and (was["number"], was["bond"]) == (stands["number"], rows.bond(payload, stands["digest"])):
            return []
        rows.add_text(db, payload, text, numbers=numbers)
        return [payload]
    rows.add_text(db, payload, text, numbers=numbers)
    readings = db.execute("SELECT payload FROM readings WHERE text = ?", (stands["number"],)).fetchall()
    for (reader,) in readings:  # the last takes the altered one with it
        rows.drop_text(db, reader)
    for (reader,) in readings:
        rows.add_text(db, reader, text, numbers=numbers)
    return [reader for (reader,) in readings]


def _of(db: sqlite3.Connection, payload: int) -> sqlite3.Row | None:
    query = "SELECT bond, t.* FROM readings r JOIN stored_texts t ON t.number = r.text WHERE payload = ?"
    return db.execute(query, (payload,)).fetchone()  # type: ignore[no-any-return]


def _is(db: sqlite3.Connection, stands: sqlite3.Row, text: TextRows) -> bool:
    own = text.values or Values(facts=[], checks=[])
    return all(stands[key] == value for key, value in text.row.items()) and figures.stored(db, stands["number"]) == own


def _shows(text: Mapping[str, Any] | sqlite3.Row | None) -> tuple[bool, ...] | None:
    """Give what a source is judged by: whether it is a report, and one that can be read."""
    return (bool(text["is_report"]), bool(text["text"]), text["attachments"] != "[]") if text else None


def sweep(db: sqlite3.Connection) -> None:
    """Throw away what belongs to no text, or to one that nothing gave; the caller holds the transaction."""
    db.execute("DELETE FROM readings WHERE text NOT IN (SELECT number FROM stored_texts)")
    unread = "SELECT number FROM stored_texts WHERE number NOT IN (SELECT text FROM readings)"
    for (number,) in db.execute(unread).fetchall():
        indexing.drop(db, number)
    for table, column in (("stored_facts", "text"), ("stored_checks", "text"), ("stored_texts", "number")):
        db.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT text FROM readings)")  # noqa: S608
