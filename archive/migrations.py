"""The schema, as a list of migrations that only ever grows.

Truth (append-only): origins, sources, runs, visits, columns, pages, payloads, bodies, captures.
Derived (made again by `gongkai rebuild`): texts, versions, events, report_pages, reports.

Names are made of content, URL and time, never of a counter, so that two archives merge without conflict.
"""

from __future__ import annotations

import hashlib
import secrets

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

DERIVED = ("volatile_lines", "reports", "report_pages", "events", "versions", "texts")
"""The derived tables, those that refer to others first."""

KNOWN = ("truth", "derived", "columns", "chain", "events", "old_archives", "guard", "volatile_lines")
"""The names of all migrations below, in their order."""

schema = Migrations("gongkai")


def _create(db: Database, statements: str) -> None:
    # Not executescript(): it commits the migration's transaction before it begins.
    for statement in statements.split(";"):
        db.execute(statement)


@schema()
def truth(db: Database) -> None:
    """What was asked, when, and what was answered."""
    _create(
        db,
        """
        CREATE TABLE sources (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, agency TEXT NOT NULL, region TEXT NOT NULL, level TEXT NOT NULL,
            hosts TEXT NOT NULL, copy_of TEXT REFERENCES sources (id)
        ) STRICT;
        CREATE TABLE runs (
            id TEXT PRIMARY KEY, started_at TEXT NOT NULL, ended_at TEXT, status TEXT NOT NULL,
            resumes TEXT REFERENCES runs (id), label TEXT
        ) STRICT;
        CREATE TABLE visits (
            run TEXT NOT NULL REFERENCES runs (id), source TEXT NOT NULL REFERENCES sources (id), status TEXT NOT NULL,
            reason TEXT, listed INTEGER NOT NULL, fetched INTEGER NOT NULL, new INTEGER NOT NULL,
            changed INTEGER NOT NULL, unchanged INTEGER NOT NULL, gone INTEGER NOT NULL, blocked INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            PRIMARY KEY (run, source)
        ) STRICT;
        CREATE TABLE pages (id TEXT PRIMARY KEY, url TEXT NOT NULL UNIQUE, host TEXT NOT NULL) STRICT;
        CREATE TABLE payloads (
            sha256 TEXT PRIMARY KEY, length INTEGER NOT NULL, scope TEXT NOT NULL, keyframe INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE bodies (
            sha256 TEXT PRIMARY KEY REFERENCES payloads (sha256), base TEXT REFERENCES bodies (sha256), frame BLOB NOT NULL
        ) STRICT;
        CREATE TABLE captures (
            id TEXT PRIMARY KEY, page TEXT NOT NULL REFERENCES pages (id), run TEXT NOT NULL REFERENCES runs (id),
            source TEXT NOT NULL REFERENCES sources (id), at TEXT NOT NULL, kind TEXT NOT NULL, attempt INTEGER NOT NULL,
            status INTEGER, outcome TEXT NOT NULL, reason TEXT, payload TEXT REFERENCES payloads (sha256),
            seconds REAL NOT NULL, referrer TEXT, anchor TEXT, redirects TEXT NOT NULL, request_headers TEXT NOT NULL,
            headers TEXT NOT NULL,
            UNIQUE (run, page, attempt)
        ) STRICT;
        CREATE INDEX captures_page ON captures (page, at);
        CREATE INDEX captures_payload ON captures (payload);
        CREATE INDEX captures_at ON captures (at);
        CREATE INDEX captures_source ON captures (source, kind);
        CREATE INDEX payloads_scope ON payloads (scope, keyframe);
        CREATE INDEX pages_host ON pages (host);
    """,
    )


@schema()
def derived(db: Database) -> None:
    """What cleaning made of it."""
    _create(
        db,
        """
        CREATE TABLE texts (
            payload TEXT NOT NULL REFERENCES payloads (sha256), cleaner TEXT NOT NULL, key TEXT NOT NULL,
            title TEXT NOT NULL, agency TEXT, report_year INTEGER, published_on TEXT, dates TEXT NOT NULL,
            index_number TEXT, document_number TEXT, origin TEXT, read_from TEXT NOT NULL, is_report INTEGER NOT NULL,
            confidence REAL NOT NULL, charset TEXT NOT NULL, charset_why TEXT NOT NULL, script TEXT NOT NULL,
            flags TEXT NOT NULL, repairs TEXT NOT NULL, originals TEXT NOT NULL, missing TEXT NOT NULL,
            text TEXT NOT NULL, grids TEXT NOT NULL, attachments TEXT NOT NULL,
            PRIMARY KEY (payload, cleaner)
        ) STRICT;
        CREATE TABLE versions (
            page TEXT NOT NULL REFERENCES pages (id), n INTEGER NOT NULL, key TEXT NOT NULL,
            payload TEXT NOT NULL REFERENCES payloads (sha256), first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
            captures INTEGER NOT NULL, reversions INTEGER NOT NULL,
            PRIMARY KEY (page, n)
        ) STRICT;
        CREATE TABLE reports (
            id TEXT PRIMARY KEY, agency TEXT NOT NULL, year INTEGER NOT NULL, region TEXT NOT NULL, title TEXT NOT NULL,
            published_on TEXT, due_on TEXT NOT NULL, days_late INTEGER, withdrawn_on TEXT, pages INTEGER NOT NULL,
            versions INTEGER NOT NULL,
            UNIQUE (agency, year)
        ) STRICT;
        CREATE TABLE report_pages (
            page TEXT PRIMARY KEY REFERENCES pages (id), source TEXT NOT NULL REFERENCES sources (id), standing TEXT NOT NULL,
            agency TEXT NOT NULL, year INTEGER NOT NULL, title TEXT NOT NULL, published_on TEXT, first_seen TEXT NOT NULL,
            withdrawn_on TEXT, versions INTEGER NOT NULL, payload TEXT NOT NULL REFERENCES payloads (sha256)
        ) STRICT;
        CREATE INDEX report_pages_report ON report_pages (agency, year, standing);
        CREATE INDEX report_pages_source ON report_pages (source);
        CREATE INDEX reports_year ON reports (year);
        CREATE INDEX texts_key ON texts (key);
    """,
    )


@schema()
def columns(db: Database) -> None:
    """Where a visit found reports listed: the next visit goes straight there."""
    _create(
        db,
        """
        CREATE TABLE columns (
            run TEXT NOT NULL REFERENCES runs (id), source TEXT NOT NULL REFERENCES sources (id),
            page TEXT NOT NULL REFERENCES pages (id), parent TEXT REFERENCES pages (id), family TEXT NOT NULL,
            list_pages INTEGER NOT NULL, reports INTEGER NOT NULL,
            PRIMARY KEY (run, source, page)
        ) STRICT;
        CREATE INDEX columns_source ON columns (source);
    """,
    )


@schema()
def chain(db: Database) -> None:
    """Which archive a run was made in, and the digest that seals it with all runs before it there."""
    _create(
        db,
        """
        CREATE TABLE origins (id TEXT PRIMARY KEY, own INTEGER NOT NULL) STRICT;
        ALTER TABLE runs ADD COLUMN origin TEXT REFERENCES origins (id);
        ALTER TABLE runs ADD COLUMN previous TEXT;
        ALTER TABLE runs ADD COLUMN digest TEXT;
        ALTER TABLE runs ADD COLUMN imported_from TEXT;
        ALTER TABLE sources ADD COLUMN described_at TEXT NOT NULL DEFAULT '';
        CREATE INDEX runs_origin ON runs (origin, started_at, id);
        CREATE INDEX captures_run ON captures (run)
    """,
    )
    origin = secrets.token_hex(8)
    db.execute("INSERT INTO origins VALUES (?, 1)", (origin,))
    db.execute("UPDATE runs SET origin = ?", (origin,))


@schema()
def events(db: Database) -> None:
    """What happened to a page that carries a report, each with the capture that shows it."""
    _create(
        db,
        """
        CREATE TABLE events (
            page TEXT NOT NULL REFERENCES pages (id), at TEXT NOT NULL, kind TEXT NOT NULL,
            capture TEXT NOT NULL REFERENCES captures (id), detail TEXT,
            PRIMARY KEY (page, at, kind)
        ) STRICT;
        CREATE INDEX events_at ON events (at);
        ALTER TABLE report_pages ADD COLUMN missing_since TEXT;
        ALTER TABLE report_pages ADD COLUMN unlisted_since TEXT;
        ALTER TABLE report_pages ADD COLUMN moved_to TEXT REFERENCES pages (id)
    """,
    )


@schema()
def old_archives(db: Database) -> None:
    """What archives made before the chain lack: one origin for all copies of them, and columns that texts had not yet."""
    first = db.execute("SELECT id, started_at, label FROM runs ORDER BY started_at, id LIMIT 1").fetchone()
    if first and not db.execute("SELECT 1 FROM runs WHERE digest IS NOT NULL").fetchone():
        origin = hashlib.sha256("\x1f".join(map(str, first)).encode()).hexdigest()[:16]
        db.execute("INSERT INTO origins VALUES (?, 1)", (origin,))
        db.execute("UPDATE runs SET origin = ?", (origin,))
        db.execute("DELETE FROM origins WHERE id != ?", (origin,))
    if "origin" not in {column for (_, column, *_) in db.execute("PRAGMA table_info(texts)")}:
        _leave_the_first_schema(db)


def _leave_the_first_schema(db: Database) -> None:
    """Give texts the columns that they had not yet, and every table the words in which it is made since."""
    made = Database(memory=True)
    schema.apply(made, stop_before="old_archives")
    words = dict(made.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())
    made.close()
    kept = """payload, cleaner, key, title, agency, report_year, published_on, dates, is_report, charset, charset_why,
              script, flags, text, grids, attachments"""
    db.execute("ALTER TABLE texts RENAME TO first_texts")
    db.execute(words["texts"])
    db.execute(
        f"""INSERT INTO texts ({kept}, read_from, confidence, repairs, originals, missing)
            SELECT {kept}, '{{}}', 0, '{{}}', '[]', '[]' FROM first_texts"""  # noqa: S608
    )
    db.execute("DROP TABLE first_texts")
    db.execute(words["texts_key"])
    # References had left out the parent's key, which says the same: only the words change (SQLite, lang_altertable).
    db.execute("PRAGMA writable_schema = ON")
    for name, sql in words.items():
        db.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
    db.execute("PRAGMA writable_schema = RESET")


@schema()
def guard(db: Database) -> None:
    """Truth is only added to, and a changed byte in what is not in the chain is found too."""
    from archive.chain import row_digest

    for table in ("captures", "pages", "visits", "columns", "payloads", "bodies"):
        _refuse(db, f"DELETE ON {table}", table)
        _refuse(db, f"UPDATE ON {table}", table)
    _refuse(db, "DELETE ON runs", "runs")
    _refuse(db, "UPDATE ON runs WHEN old.digest IS NOT NULL", "sealed runs")
    # All columns once more, so that SQLite's own check compares each row with its double.
    db.execute("CREATE INDEX sources_double ON sources (id, name, agency, region, level, hosts, copy_of, described_at)")
    db.execute("ALTER TABLE texts ADD COLUMN digest TEXT NOT NULL DEFAULT ''")
    for row in db.execute("SELECT * FROM texts").fetchall():
        db.execute("UPDATE texts SET digest = ? WHERE payload = ?", (row_digest(dict(row)), row["payload"]))


def _refuse(db: Database, deed: str, what: str) -> None:
    name = "_".join(deed.split()[:3:2]).lower()
    db.execute(
        f"CREATE TRIGGER guard_{name} BEFORE {deed} BEGIN SELECT RAISE(ABORT, '{what} are only ever added to'); END"
    )


@schema()
def volatile_lines(db: Database) -> None:
    """Lines of a host's pages that repetition shows to be noise, without their numbers."""
    _create(
        db, "CREATE TABLE volatile_lines (host TEXT NOT NULL, frame TEXT NOT NULL, PRIMARY KEY (host, frame)) STRICT"
    )
