"""Opening an archive: one SQLite file, ours by its application id, one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.tables import KNOWN, QUICKER

APPLICATION_ID = 0x676B6169  # "gkai", in the file's header (SQLite file format, offset 68)

ADVICE = {
    sqlite3.SQLITE_FULL: "Make room on its disk",
    sqlite3.SQLITE_READONLY: "Make its disk, folder and file writable",
    sqlite3.SQLITE_CANTOPEN: "Make its disk and folder writable",
    sqlite3.SQLITE_IOERR: "Look after its disk, which has no room, or fails (the system's log says more)",
}
"""What to do where SQLite cannot write, by its result code (sqlite.org/rescode.html)."""

Row = Mapping[str, Any]


class ArchiveError(Exception):
    """An archive cannot be opened or trusted; the message names the file, what was got and what was expected."""


class LockedError(ArchiveError):
    """Another process is writing to the archive."""


class WriteError(ArchiveError):
    """An archive cannot be written to: its disk is full, read-only or broken; `kept` counts what was kept before that."""

    def __init__(self, path: Path, error: sqlite3.OperationalError | OSError, *, kept: int = 0) -> None:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        code = sqlite3.SQLITE_FULL if full else getattr(error, "sqlite_errorcode", sqlite3.SQLITE_READONLY) & 0xFF
        advice = ADVICE.get(code, "`gongkai verify` names what is damaged in it")
        super().__init__(f"{path}: cannot be written to: {error}. {advice}, then start again; what was kept is whole")
        self.kept = kept


def name(*parts: object) -> str:
    """Name a thing by what it is: 16 hex digits (64 bits) of SHA-256 over its parts."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:16]


def to_json(value: object) -> str:
    """Write a value, records and mappings of any kind included, as compact JSON with Chinese left readable."""

    def plain(thing: Any) -> Any:
        return asdict(thing) if is_dataclass(thing) and not isinstance(thing, type) else dict(thing)

    return json.dumps(value, default=plain, ensure_ascii=False, separators=(",", ":"), check_circular=False)


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
    db.execute("PRAGMA wal_autocheckpoint = 8000")  # 32 MB, so that what is written again and again is copied once
    if missing:
        with transaction(db):
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _bring_up_to_date(db, missing)
    return db


def _bring_up_to_date(db: sqlite3.Connection, missing: Collection[str]) -> None:
    from sqlite_utils import Database

    from archive import derive  # which needs `name` from here
    from archive.migrations import schema

    schema.apply(Database(db))
    if not QUICKER.issuperset(missing):
        derive.everything(db)


def lacking(db: sqlite3.Connection, path: Path) -> list[str]:
    """Name the migrations that an archive has yet to see; closes it and raises ArchiveError where it has seen others."""
    # As sqlite-utils notes them; it is itself imported only where there is something to migrate, for it imports much.
    noted = db.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()
    names = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'gongkai' ORDER BY rowid"
    applied = [name for (name,) in db.execute(names)] if noted else []
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
        if db.in_transaction:  # SQLite has rolled back itself where the disk is full
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the archive's lock file, named after it; raises LockedError where another process holds it, or WriteError.

    The lock is the kernel's (flock), so it ends with its process however that ends; the file stays.
    """
    file = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WriteError(path, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        except BlockingIOError:
            owner = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            since = datetime.fromtimestamp(os.fstat(handle).st_mtime, UTC)
            raise LockedError(
                f"{path}: locked by process {owner}, which has been writing to it since {since:%Y-%m-%d %H:%M:%S} UTC "
                f"({file})"
            ) from None
        except OSError as error:
            raise WriteError(path, error) from error
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
