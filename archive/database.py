"""Opening an archive: one SQLite file, ours by its application id, one writer at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
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


def connect(path: Path, *, older: bool = False) -> sqlite3.Connection:
    """Open an existing archive for reading.

    Raises ArchiveError where there is none, it is not ours, or its schema is not the one known here; `older` lets
    one of an older schema pass, for those who open it for writing next or only copy it.
    """
    if not path.is_file():
        raise ArchiveError(f"{path}: no such archive. `gongkai crawl --archive {path}` makes one")
    db = _open(path)
    found = _application_id(db, path)
    if found != APPLICATION_ID:
        db.close()
        raise ArchiveError(
            f"{path}: not a gongkai archive: its application id is {found:#x}, expected {APPLICATION_ID:#x}"
        )
    if (missing := lacking(db, path)) and not older:
        db.close()
        raise ArchiveError(
            f"{path}: made by an older gongkai: its schema lacks {', '.join(missing)}. Whatever writes to it brings it "
            f"up to date: `gongkai rebuild --archive {path}`"
        )
    db.execute("PRAGMA query_only = ON")
    return db


def create(path: Path) -> sqlite3.Connection:
    """Open an archive for writing, making it or bringing its schema up to date as needed, all of it or nothing.

    Raises ArchiveError for a database that is not ours or was written by a newer gongkai.
    """
    from archive import derive  # which needs `name` from here

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
    missing = lacking(db, path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    if missing:
        with transaction(db):
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            schema.apply(Database(db))
            derive.everything(db)
    return db


def lacking(db: sqlite3.Connection, path: Path) -> list[str]:
    """Name the migrations that an archive has yet to see; closes it and raises ArchiveError where it has seen others."""
    applied = [migration.name for migration in schema.applied(Database(db))]
    if applied != list(KNOWN[: len(applied)]):
        db.close()
        raise ArchiveError(
            f"{path}: written by another gongkai, newer than this one: its schema is {', '.join(applied)}; "
            f"this one knows {', '.join(KNOWN)}. It was left untouched"
        )
    return list(KNOWN[len(applied) :])


def backup(path: Path, copy: Path) -> None:
    """Write a consistent copy of an archive, beside a live crawl too; raises ArchiveError where it cannot be written.

    The copy is the same archive at an earlier time: it has its origin, and its chain up to the last run that was over.
    Runs made in both after that are two branches of one chain, which `verify` shows and `merge` joins. Not so the run
    that went on while the copy was made: the next crawl in the copy seals it as killed, and `merge` then refuses to
    take it for the run that it became in the archive.
    """
    part = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}.part")
    with closing(connect(path, older=True)) as db:
        if copy.exists():
            raise ArchiveError(f"{copy}: is there already, and was left untouched")
        db.execute("PRAGMA query_only = OFF")  # under it SQLite would not write the copy either
        try:
            db.execute("VACUUM INTO ?", (str(part),))
            with part.open("rb") as file:
                os.fsync(file.fileno())  # VACUUM INTO does not (SQLite, lang_vacuum)
            part.rename(copy)
        except (sqlite3.Error, OSError) as error:
            raise ArchiveError(f"{copy}: no copy of {path} could be written: {error}") from error
        finally:
            part.unlink(missing_ok=True)


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
        db.execute("SELECT 1 FROM sqlite_master")
        return int(db.execute("PRAGMA application_id").fetchone()[0])
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter where it quotes a damaged schema
        db.close()
        raise ArchiveError(f"{path}: not an SQLite database, or damaged ({error}); it was left untouched") from None
