"""Integrity: every payload proved by its SHA-256, every reference followed, every derived row worked out again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from archive import chain, derive
from archive.database import ArchiveError
from archive.migrations import DERIVED
from archive.reader import body_of


def faults(db: sqlite3.Connection) -> Iterator[str]:
    """Walk an archive and name each thing in it that is not as it must be.

    Reads everything once; writes nothing, though it needs a connection that may write: derived rows are made
    again inside a transaction that is rolled back.
    """
    for (message,) in db.execute("PRAGMA integrity_check").fetchall():
        if message != "ok":
            yield f"file: {message}"
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check").fetchall():
        yield f"{table} row {row}: refers to a row of {parent} that is not there"
    for sha256, length in db.execute("SELECT sha256, length FROM payloads ORDER BY sha256").fetchall():
        try:
            body = body_of(db, sha256)
        except ArchiveError as error:
            yield str(error)
        else:
            if len(body) != length:
                yield f"payload {sha256}: {len(body)} bytes, expected {length}"
    yield from chain.faults(db)
    yield from _derived_faults(db)


def _derived_faults(db: sqlite3.Connection) -> Iterator[str]:
    tables = [table for table in DERIVED if table != "texts"]
    before = {table: _rows(db, table) for table in tables}
    db.execute("BEGIN IMMEDIATE")
    try:
        derive.everything(db)
        after = {table: _rows(db, table) for table in tables}
    finally:
        db.execute("ROLLBACK")
    for table in tables:
        for row in sorted(before[table] ^ after[table], key=str):
            where = "stands but does not follow from the captures" if row in before[table] else "is missing"
            yield f"{table}: {row} {where}"


def _rows(db: sqlite3.Connection, table: str) -> set[tuple[object, ...]]:
    return {tuple(row) for row in db.execute(f"SELECT * FROM {table}")}  # noqa: S608
