"""The schema, as a list of migrations that only ever grows.

Truth (append-only): origins, sources, runs, visits, columns, pages, payloads, bodies, captures (a view of
stored_captures and strings).
Derived (made again by `gongkai rebuild`): texts (a view of readings and stored_texts), versions, events, report_pages,
reports, volatile_lines, report_texts with their index report_search, health.
Its own: notices, what this archive has told whom.

Names are made of content, URL and time, never of a counter, so that two archives merge without conflict.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from archive.tables import ABSENT, AT, TRUTH

_FACTS = """CREATE VIEW facts AS
            SELECT r.id AS report, r.agency, r.year, r.region, i.form, i."table", i."row", i."column", i.label, i.english,
                   f.value, f.unit, f.cell, f.grid, f.at_row, f.at_column, f.line, f.sentence, f.sure, c.n AS carrier, r.page
            FROM reports r JOIN stored_carriers c ON c.page = r.page JOIN readings ON readings.payload = c.payload
            JOIN stored_facts f ON f.text = readings.text JOIN indicators i ON i.number = f.indicator
            WHERE c.rank = 0 OR NOT EXISTS (
                SELECT 1 FROM stored_carriers better JOIN readings ON readings.payload = better.payload
                JOIN stored_facts g ON g.text = readings.text
                WHERE better.page = c.page AND better.rank < c.rank AND g.indicator = f.indicator)"""

_CHECKS = """CREATE VIEW checks AS
            SELECT r.id AS report, r.agency, r.year, k.form, k."table", k.rule, k.at, k.level, k."left", k."right", k.held,
                   c.n AS carrier
            FROM reports r JOIN stored_carriers c ON c.page = r.page JOIN readings ON readings.payload = c.payload
            JOIN stored_checks k ON k.text = readings.text
            WHERE c.rank = 0 OR c.rank = (
                SELECT min(best.rank) FROM stored_carriers best JOIN readings ON readings.payload = best.payload
                JOIN stored_checks other ON other.text = readings.text AND other.form = k.form AND other."table" = k."table"
                WHERE best.page = c.page)"""

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


@schema()
def compact(db: Database) -> None:
    """What repeats is written once: a fetch of an unchanged page costs a line of numbers, the same text one row."""
    from archive import rows
    from archive.chain import row_digest

    for table in ("reports", "report_pages", "events", "versions"):  # made again by whoever migrates
        db.execute(f"DROP TABLE {table}")
    for table in ("captures", "payloads", "bodies"):
        db.execute(f"DROP TRIGGER guard_delete_{table}")
        db.execute(f"DROP TRIGGER guard_update_{table}")
    for table in ("captures", "payloads", "bodies", "texts"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    _create(
        db,
        """
        CREATE TABLE strings (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE payloads (
            number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, length INTEGER NOT NULL,
            scope INTEGER NOT NULL REFERENCES strings (number), base INTEGER REFERENCES payloads (number)
        ) STRICT;
        CREATE TABLE bodies (payload INTEGER PRIMARY KEY REFERENCES payloads (number), frame BLOB NOT NULL) STRICT;
        CREATE TABLE stored_captures (
            number INTEGER PRIMARY KEY, id INTEGER NOT NULL, page INTEGER NOT NULL REFERENCES strings (number),
            run INTEGER NOT NULL REFERENCES strings (number), source INTEGER NOT NULL REFERENCES strings (number),
            at ANY NOT NULL, kind INTEGER NOT NULL REFERENCES strings (number), attempt INTEGER NOT NULL, status INTEGER,
            outcome INTEGER NOT NULL REFERENCES strings (number), reason INTEGER REFERENCES strings (number),
            payload INTEGER REFERENCES payloads (number), seconds ANY NOT NULL,
            referrer INTEGER REFERENCES strings (number), anchor INTEGER REFERENCES strings (number),
            redirects INTEGER NOT NULL REFERENCES strings (number),
            request_form INTEGER NOT NULL REFERENCES strings (number), request_cut TEXT,
            form INTEGER NOT NULL REFERENCES strings (number), cut TEXT, clock INTEGER,
            UNIQUE (page, run, attempt)
        ) STRICT;
        CREATE TABLE stored_texts (
            number INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, cleaner TEXT NOT NULL, key TEXT NOT NULL,
            title TEXT NOT NULL, agency TEXT, report_year INTEGER, published_on TEXT, dates TEXT NOT NULL,
            index_number TEXT, document_number TEXT, origin TEXT, read_from TEXT NOT NULL, is_report INTEGER NOT NULL,
            confidence REAL NOT NULL, charset TEXT NOT NULL, charset_why TEXT NOT NULL, script TEXT NOT NULL,
            flags TEXT NOT NULL, repairs TEXT NOT NULL, originals TEXT NOT NULL, missing TEXT NOT NULL,
            text TEXT NOT NULL, grids TEXT NOT NULL, attachments TEXT NOT NULL
        ) STRICT;
        CREATE TABLE readings (
            payload INTEGER PRIMARY KEY REFERENCES payloads (number),
            text INTEGER NOT NULL REFERENCES stored_texts (number), bond INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE versions (
            page TEXT NOT NULL REFERENCES pages (id), n INTEGER NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL,
            first_seen TEXT NOT NULL, last_seen TEXT NOT NULL, captures INTEGER NOT NULL, reversions INTEGER NOT NULL,
            PRIMARY KEY (page, n)
        ) STRICT;
        CREATE TABLE events (
            page TEXT NOT NULL REFERENCES pages (id), at TEXT NOT NULL, kind TEXT NOT NULL, capture TEXT NOT NULL,
            detail TEXT,
            PRIMARY KEY (page, at, kind)
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
            withdrawn_on TEXT, versions INTEGER NOT NULL, payload TEXT NOT NULL, missing_since TEXT, unlisted_since TEXT,
            moved_to TEXT REFERENCES pages (id)
        ) STRICT
    """,
    )
    scopes = {scope: rows.string(db.conn, scope) for (scope,) in db.execute("SELECT DISTINCT scope FROM old_payloads")}
    stored = """SELECT p.rowid, p.sha256, p.length, p.scope, base.rowid, frame FROM old_payloads p JOIN old_bodies b USING (sha256)
                LEFT JOIN old_payloads base ON base.sha256 = b.base ORDER BY p.rowid"""
    for number, sha256, length, scope, base, frame in db.execute(stored):
        db.execute("INSERT INTO payloads VALUES (?, ?, ?, ?, ?)", (number, sha256, length, scopes[scope], base))
        db.execute("INSERT INTO bodies VALUES (?, ?)", (number, frame))
    db.execute("CREATE INDEX payloads_name ON payloads (substr(sha256, 1, 8))")
    for row in db.query("SELECT * FROM old_captures ORDER BY rowid"):
        rows.add_capture(db.conn, row)
    for row in db.query("SELECT * FROM old_texts ORDER BY rowid"):
        number = rows.known_payload(db.conn, row.pop("payload"))
        rows.add_text(db.conn, number, rows.TextRows(row=row | {"digest": row_digest(row)}))
    for table in ("captures", "texts", "bodies", "payloads"):
        db.execute(f"DROP TABLE old_{table}")
    _create(
        db,
        f"""
        CREATE INDEX payloads_keyframes ON payloads (scope) WHERE base IS NULL;
        CREATE INDEX stored_captures_run ON stored_captures (run);
        CREATE INDEX stored_captures_source ON stored_captures (source);
        CREATE INDEX stored_captures_payload ON stored_captures (payload) WHERE payload IS NOT NULL;
        CREATE INDEX stored_texts_key ON stored_texts (key);
        CREATE INDEX readings_text ON readings (text);
        CREATE INDEX events_at ON events (at);
        CREATE INDEX report_pages_report ON report_pages (agency, year, standing);
        CREATE INDEX report_pages_source ON report_pages (source);
        CREATE INDEX reports_year ON reports (year);
        {_captures_view()}
    """,
    )
    db.execute(_texts_view())
    for table in TRUTH[-4:]:
        _refuse(db, f"DELETE ON {table}", table)
        _refuse(db, f"UPDATE ON {table}", table)


@schema()
def statistics(db: Database) -> None:
    """The numbers that reports give, and all that carries a report: its page and the documents that the page links to."""
    _create(
        db,
        f"""
        ALTER TABLE stored_texts ADD COLUMN legible REAL;
        ALTER TABLE stored_texts ADD COLUMN unplaced TEXT;
        ALTER TABLE stored_texts ADD COLUMN figures TEXT;
        CREATE TABLE indicators (
            number INTEGER PRIMARY KEY, form TEXT NOT NULL, "table" TEXT NOT NULL, "row" TEXT NOT NULL, "column" TEXT NOT NULL,
            label TEXT, english TEXT, unit TEXT, first_year INTEGER, last_year INTEGER, source TEXT,
            UNIQUE (form, "table", "row", "column")
        ) STRICT;
        CREATE TABLE stored_facts (
            text INTEGER NOT NULL REFERENCES stored_texts (number), n INTEGER NOT NULL,
            indicator INTEGER NOT NULL REFERENCES indicators (number), value ANY, unit TEXT NOT NULL, cell TEXT NOT NULL,
            grid INTEGER, at_row INTEGER, at_column INTEGER, line INTEGER, sentence TEXT, sure REAL NOT NULL,
            PRIMARY KEY (text, n)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX stored_facts_indicator ON stored_facts (indicator);
        CREATE TABLE stored_checks (
            text INTEGER NOT NULL REFERENCES stored_texts (number), n INTEGER NOT NULL, form TEXT NOT NULL,
            "table" TEXT NOT NULL, rule TEXT NOT NULL, at TEXT NOT NULL, level TEXT NOT NULL, "left" ANY NOT NULL,
            "right" ANY NOT NULL, held INTEGER NOT NULL,
            PRIMARY KEY (text, n)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE stored_carriers (
            page TEXT NOT NULL REFERENCES pages (id), n INTEGER NOT NULL, file TEXT, label TEXT, outcome TEXT,
            payload INTEGER REFERENCES payloads (number), rank INTEGER, differing TEXT,
            PRIMARY KEY (page, n)
        ) STRICT;
        CREATE TABLE year_checks (
            agency TEXT NOT NULL, year INTEGER NOT NULL, form TEXT NOT NULL, "table" TEXT NOT NULL, rule TEXT NOT NULL,
            at TEXT NOT NULL, level TEXT NOT NULL, "left" ANY NOT NULL, "right" ANY NOT NULL, held INTEGER NOT NULL,
            PRIMARY KEY (agency, year, form, "table", rule, at)
        ) STRICT;
        CREATE TABLE year_rules (
            form TEXT NOT NULL, "table" TEXT NOT NULL, rule TEXT NOT NULL, level TEXT NOT NULL, scope TEXT NOT NULL,
            "left" TEXT NOT NULL, "right" TEXT NOT NULL, last TEXT NOT NULL,
            PRIMARY KEY (form, "table", rule)
        ) STRICT;
        ALTER TABLE reports ADD COLUMN page TEXT REFERENCES pages (id);
        CREATE VIEW carriers AS
            SELECT page, n, pages.url, label, outcome, sha256 AS payload, rank, differing
            FROM stored_carriers LEFT JOIN pages ON pages.id = coalesce(file, page)
            LEFT JOIN payloads ON payloads.number = stored_carriers.payload;
        {_FACTS};
        {_CHECKS}
    """,  # noqa: S608
    )
    db.execute("DROP VIEW texts")
    db.execute(_texts_view(("legible", "unplaced", "figures")))


@schema()
def search(db: Database) -> None:
    """What is searched: the texts of reports, and an index of their neighbouring characters, see `archive.indexing`."""
    _create(
        db,
        """
        CREATE TABLE report_texts (
            number INTEGER PRIMARY KEY, page TEXT NOT NULL REFERENCES pages (id), n INTEGER NOT NULL,
            text INTEGER NOT NULL REFERENCES stored_texts (number), title TEXT NOT NULL, agency TEXT NOT NULL,
            year INTEGER NOT NULL, region TEXT NOT NULL, kind TEXT NOT NULL, standing TEXT NOT NULL,
            UNIQUE (page, n)
        ) STRICT;
        CREATE INDEX report_texts_text ON report_texts (text);
        CREATE VIRTUAL TABLE report_search USING fts5 (text, title, agency, content = '', tokenize = 'ascii')
    """,
    )


@schema()
def health(db: Database) -> None:
    """When each source's health changed, and what was told of it; what a source was asked in one run is found by an index."""
    _create(
        db,
        """
        CREATE TABLE health (
            source TEXT NOT NULL REFERENCES sources (id), at TEXT NOT NULL, run TEXT NOT NULL REFERENCES runs (id),
            state TEXT NOT NULL, evidence TEXT NOT NULL, capture TEXT,
            PRIMARY KEY (source, run)
        ) STRICT;
        CREATE TABLE notices (
            channel TEXT NOT NULL, run TEXT NOT NULL REFERENCES runs (id), at TEXT NOT NULL, PRIMARY KEY (channel, run)
        ) STRICT;
        CREATE INDEX health_run ON health (run);
        CREATE INDEX visits_source ON visits (source, run);
        DROP INDEX columns_source;
        CREATE INDEX columns_source ON columns (source, run);
        DROP INDEX stored_captures_source;
        CREATE INDEX stored_captures_source ON stored_captures (source, run)
    """,
    )


@schema()
def growth(db: Database) -> None:
    """What lets an archive grow: an answer costs what the one before it did, however many there are."""
    for view in ("captures", "facts", "checks"):
        db.execute(f"DROP VIEW {view}")
    db.execute(_captures_view(", c.number, c.at AS time"))
    db.execute(_FACTS)
    db.execute(_CHECKS)
    _create(
        db,
        """
        DROP INDEX stored_captures_run;
        DROP INDEX stored_captures_source;
        CREATE INDEX stored_captures_run ON stored_captures (run, source);
        CREATE INDEX stored_captures_page ON stored_captures (page, at);
        CREATE INDEX stored_captures_asked ON stored_captures (source, kind, page);
        CREATE INDEX stored_carriers_file ON stored_carriers (file) WHERE file IS NOT NULL;
        CREATE INDEX versions_first_seen ON versions (first_seen);
        CREATE INDEX events_kind ON events (kind, at);
        CREATE INDEX report_pages_copies ON report_pages (agency) WHERE standing = 'copy';
        CREATE INDEX stored_checks_broken ON stored_checks (text) WHERE held = 0;
        CREATE INDEX reports_page ON reports (page);
        CREATE INDEX reports_region ON reports (region);
        CREATE INDEX sources_agency ON sources (agency)
    """,
    )


@schema()
def totals(db: Database) -> None:
    """What lets an archive be counted and its faults be listed without reading its rows."""
    _create(
        db,
        f"""
        DROP INDEX reports_year;
        DROP INDEX report_pages_copies;
        CREATE INDEX reports_year ON reports (year, region, days_late, withdrawn_on);
        CREATE INDEX report_pages_copies ON report_pages (agency, page) WHERE standing = 'copy';
        CREATE INDEX report_pages_absent ON report_pages (agency, year) WHERE {ABSENT};
        CREATE INDEX health_faults ON health (state, at) WHERE state != 'ok'
    """,
    )


@schema()
def plans(db: Database) -> None:
    """What SQLite's planner is to know, as ANALYZE would tell it of any large archive: a text has some hundred facts.

    Else it takes them for ten and reads them all where one is asked for. It learns so when it opens an archive, or is told
    to by the last statement (SQLite, lang_analyze).
    """
    _create(
        db,
        """
        CREATE INDEX indicators_place ON indicators ("table", "row", "column");
        ANALYZE indicators;
        DELETE FROM sqlite_stat1 WHERE tbl IN ('indicators', 'stored_facts');
        INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
            ('stored_facts', 'stored_facts', '1000000 100 1'), ('stored_facts', 'stored_facts_indicator', '1000000 2000'),
            ('indicators', 'indicators_place', '750 80 4 2'), ('indicators', 'sqlite_autoindex_indicators_1', '750 95 50 3 1');
        ANALYZE sqlite_schema
    """,
    )


def _captures_view(more: str = "") -> str:
    return f"""CREATE VIEW captures AS
            SELECT printf('%016x', c.id) AS id, page.text AS page, run.text AS run, source.text AS source, {AT} AS at,
                   {_string("kind")} AS kind, attempt, status, {_string("outcome")} AS outcome,
                   {_string("reason")} AS reason, sha256 AS payload,
                   iif(typeof(seconds) = 'integer', seconds / 1000.0, seconds) AS seconds,
                   {_string("referrer")} AS referrer, {_string("anchor")} AS anchor, {_string("redirects")} AS redirects,
                   {_put_together("request_form", "request_cut")} AS request_headers,
                   {_put_together("form", "cut")} AS headers, c.payload AS payload_number, length{more}
            FROM stored_captures c JOIN strings page ON page.number = c.page JOIN strings run ON run.number = c.run
            JOIN strings source ON source.number = c.source LEFT JOIN payloads ON payloads.number = c.payload"""  # noqa: S608


def _texts_view(more: Sequence[str] = ()) -> str:
    from archive.rows import TEXT

    columns = ", ".join(f"t.{column}" for column in (*TEXT, *more, "digest"))
    return f"""CREATE VIEW texts AS SELECT sha256 AS payload, {columns} FROM readings r
               JOIN payloads ON payloads.number = r.payload JOIN stored_texts t ON t.number = r.text"""  # noqa: S608


def _string(column: str) -> str:
    return f"(SELECT text FROM strings WHERE number = c.{column})"  # noqa: S608


def _put_together(form: str, cut: str) -> str:
    """Write in SQL how headers come of their form, what was cut out of it, and what the row says of itself."""
    from archive.rows import CLOCK, LENGTH, REFERRER, SLOTS

    values = {chr(n + 1): f"json_extract({cut}, '$[{n}]')" for n in range(SLOTS)}
    values |= {REFERRER: _string("referrer"), LENGTH: "length", CLOCK: _http_date("clock")}
    made = _string(form)
    for sign, value in values.items():
        made = f"replace({made}, char({ord(sign)}), coalesce({value}, ''))"
    return made


def _http_date(clock: str) -> str:
    """Write in SQL the Date header (RFC 9110, 5.6.7) of an answer, so many seconds after its capture."""
    parts = {
        part: f"strftime('{part}', substr({AT}, 1, 19), {clock} || ' seconds')"
        for part in ("%w", "%m", ", %d ", " %Y %H:%M:%S GMT")
    }
    return (
        f"substr('SunMonTueWedThuFriSat', 3 * {parts['%w']} + 1, 3) || {parts[', %d ']} || "
        f"substr('JanFebMarAprMayJunJulAugSepOctNovDec', 3 * {parts['%m']} - 2, 3) || {parts[' %Y %H:%M:%S GMT']}"
    )
