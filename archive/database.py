"""Opening an archive: one SQLite file, ours by its application id, one writer at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from archive.migrations import KNOWN, schema

APPLICATION_ID = 0x676B6169  # "gkai", in the file's header (SQLite file format, offset 68)

Row = Mapping[str, Any]


class ArchiveError(Exception):
    """An archive cannot be opened or trusted; the message names the file, what was got and what was expected."""


class LockedError(ArchiveError):
    """Another process is writing to the archive."""


def name(*parts: object) -> str:
    """Name a thing by what it is: 16 hex digits (64 bits) of SHA-256 over its parts."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]


def to_json(value: object) -> str:
    """Write a value, records and mappings of any kind included, as compact JSON with Chinese left readable."""

    def plain(thing: Any) -> Any:
        return asdict(thing) if is_dataclass(thing) and not isinstance(thing, type) else dict(thing)

    return json.dumps(value, default=plain, ensure_ascii=False, separators=(",", ":"))


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing archive for reading; raises ArchiveError where there is none or it is not ours."""
    if not path.is_file():
        raise ArchiveError(f"{path}: no such archive. `gongkai crawl --archive {path}` makes one")
    db = _open(path)
    found = _application_id(db, path)
    if found != APPLICATION_ID:
        db.close()
        raise ArchiveError(
            f"{path}: not a gongkai archive: its application id is {found:#x}, expected {APPLICATION_ID:#x}"
        )
    db.execute("PRAGMA query_only = ON")
    return db


def create(path: Path) -> sqlite3.Connection:
    """Open an archive for writing, making it or bringing its schema up to date as needed.

    Raises ArchiveError for a database that is not ours or was written by a newer gongkai.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists() or path.stat().st_size == 0
    db = _open(path)
    found = _application_id(db, path)
    # A database without tables and without an id is what a first start that was killed leaves behind.
    empty = found == 0 and not db.execute("SELECT 1 FROM sqlite_master").fetchone()
    if not is_new and not empty and found != APPLICATION_ID:
        db.close()
        raise ArchiveError(
            f"{path}: not a gongkai archive: its application id is {found:#x}, expected {APPLICATION_ID:#x}; "
            "it was left untouched"
        )
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    wrapped = Database(db)
    applied = [m.name for m in schema.applied(wrapped)]
    if applied != list(KNOWN[: len(applied)]):
        db.close()
        raise ArchiveError(f"{path}: written by another gongkai: it has {applied}, this one knows {list(KNOWN)}")
    schema.apply(wrapped)
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing. IMMEDIATE, because a deferred BEGIN that later writes fails under contention."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the archive's lock file, named after it; raises LockedError where another process holds it.

    The lock is the kernel's (flock), so it ends with its process however that ends; the file stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(path.name + ".lock")
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            raise LockedError(f"{path}: locked by process {owner}, which is writing to it ({file})") from None
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=30)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _application_id(db: sqlite3.Connection, path: Path) -> int:
    try:
        return int(db.execute("PRAGMA application_id").fetchone()[0])
    except sqlite3.DatabaseError as error:
        db.close()
        raise ArchiveError(f"{path}: not an SQLite database ({error}); it was left untouched") from None
