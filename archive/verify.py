"""Integrity: every payload proved by its SHA-256, every reference and digest followed, every derived row worked out again."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from random import Random
from urllib.parse import urlsplit

from sqlite_utils import Database

from archive import anew, chain, figures, indexing, rows
from archive.database import ArchiveError, name
from archive.migrations import schema
from archive.reader import body_numbered
from archive.records import Uncleaned
from archive.tables import FOLLOWING
from archive.texts import first_served

SHOWN = 80
"""How many characters of a value a fault shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A random part of an archive: `count` rows of a kind, or else a `share` of them, drawn by `seed`."""

    count: int | None = None
    share: float = 0.0
    seed: int

    def draw(self, db: sqlite3.Connection, table: str) -> list[int]:
        """Draw row ids of a table, at least one where it has any; rows are only ever added, so ids run without gaps."""
        (last,) = db.execute(f"SELECT coalesce(max(rowid), 0) FROM {table}").fetchone()  # noqa: S608
        wanted = math.ceil(last * self.share) if self.count is None else self.count
        return Random(f"{self.seed} {table}").sample(range(1, last + 1), min(last, wanted))  # noqa: S311


def faults(
    db: sqlite3.Connection, *, sample: Sample | None = None, known: Collection[tuple[str, str]] = ()
) -> Iterator[str]:
    """Walk an archive and name each thing in it that is not as it must be.

    Reads everything once, as it stood at one moment, beside a writer if need be, and writes nothing. `known` are
    heads of chains noted earlier, as (origin, digest). With a `sample`: that many payloads with what was cleaned of
    them, captures, and the rows of one run that is not long (or a share of each, with the file as SQLite sees it); no derived
    rows but texts.
    """
    steps: list[tuple[str, Callable[[], Iterable[str]]]] = [
        ("file", lambda: _file(db, "integrity_check" if not sample else None if sample.count else "quick_check")),
        ("schema", lambda: _schema(db)),
        ("payloads", lambda: _payloads(db, sample)),
        ("captures", lambda: _captures(db, sample)),
        ("texts", lambda: _texts(db, sample)),
        ("runs", lambda: chain.faults(db, only=_runs(db, sample))),
        ("heads", lambda: chain.gone(db, known)),
    ]
    if not sample:
        steps += [
            ("references", lambda: _references(db)),
            ("pages", lambda: _pages(db)),
            ("derived rows", lambda: _derived(db)),
            ("search", lambda: indexing.faults(db)),
        ]
    with _aside(db):
        for what, step in steps:
            try:
                for fault in step():
                    yield fault.encode("utf-8", "backslashreplace").decode()
            except (sqlite3.DatabaseError, ArchiveError, ValueError, TypeError, LookupError) as error:
                yield f"{what}: cannot be followed to the end: {type(error).__name__}: {error}"


def cleaned(db: sqlite3.Connection, *, cleaner: str, sample: Sample | None = None) -> Iterator[Uncleaned]:
    """Give the payloads that this cleaner made texts of, as they were first served, to be cleaned again."""
    query = """SELECT p.number, t.cleaner
               FROM payloads p JOIN readings r ON r.payload = p.number JOIN stored_texts t ON t.number = r.text"""
    for row in _rows(db, query, of="payloads p", sample=sample):
        if row["cleaner"] == cleaner:
            yield first_served(db, row["number"])


@contextmanager
def _aside(db: sqlite3.Connection) -> Iterator[None]:
    """Hold the archive as it stands at this moment, with temporary tables allowed, and leave the connection as it was."""
    text = db.text_factory
    # What is no UTF-8 in a damaged file is read as it is; the digests will tell, row by row.
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    (query_only,) = db.execute("PRAGMA query_only").fetchone()
    db.execute("PRAGMA query_only = OFF")  # it forbids temporary tables
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.execute(f"PRAGMA query_only = {query_only}")
        db.text_factory = text


def _file(db: sqlite3.Connection, check: str | None) -> Iterator[str]:
    for (message,) in db.execute(f"PRAGMA {check}").fetchall() if check else ():
        for line in message.splitlines():
            if line != "ok" and not line.startswith("***"):
                yield f"file: {line}"
    own = [row["own"] for row in db.execute("SELECT own FROM origins ORDER BY own")]
    if own != [*[0] * (len(own) - 1), 1]:
        yield f"origins: are marked {own} as this archive's own, expected 1 for one and 0 for others"


def _schema(db: sqlite3.Connection) -> Iterator[str]:
    """Compare tables, indexes and triggers with those of an archive made now; what a user added is left alone."""
    found = {(row["type"], row["name"]): row["sql"] for row in db.execute("SELECT * FROM sqlite_master")}
    for row in _made_now():
        sql = found.get((row["type"], row["name"]))
        if sql != row["sql"]:
            yield f"schema: {row['type']} {row['name']}: is {_short(sql)}, expected {_short(row['sql'])}"


def _payloads(db: sqlite3.Connection, sample: Sample | None) -> Iterator[str]:
    referring = "captures JOIN pages ON pages.id = page WHERE payload_number = p.number"
    query = f"""SELECT p.number, p.sha256, p.length, scope.text AS scope, (SELECT url FROM {referring} LIMIT 1) AS url,
                      EXISTS (SELECT 1 FROM {referring} AND host || ' ' || kind = scope.text) AS fits
               FROM payloads p LEFT JOIN strings scope ON scope.number = p.scope"""  # noqa: S608
    for row in _rows(db, query, of="payloads p", sample=sample):
        where = f"payload {row['sha256']} ({row['url'] or 'no capture refers to it'})"
        try:
            length = len(body_numbered(db, row["number"]))
        except ArchiveError as error:
            yield f"{where}: {str(error).removeprefix('payload ' + row['sha256'] + ': ')}"
            continue
        if length != row["length"]:
            yield f"{where}: length is noted as {row['length']}, its bytes are {length}"
        if not row["url"]:
            yield f"payload {row['sha256']}: no capture refers to it"
        elif not row["fits"]:
            scopes = (
                f"SELECT json_group_array(DISTINCT host || ' ' || kind) FROM payloads p, {referring} AND p.number = ?"  # noqa: S608
            )
            (expected,) = db.execute(scopes, (row["number"],)).fetchone()
            yield f"{where}: its scope is {row['scope']!r}, expected one of {expected}"


def _captures(db: sqlite3.Connection, sample: Sample | None) -> Iterator[str]:
    query = """SELECT printf('%016x', c.id) AS id, run.text AS run, attempt, url, runs.id AS known_run,
                      sources.id AS known_source, c.payload, payloads.number AS known_payload
               FROM stored_captures c LEFT JOIN strings run ON run.number = c.run LEFT JOIN runs ON runs.id = run.text
               LEFT JOIN strings page ON page.number = c.page LEFT JOIN pages ON pages.id = page.text
               LEFT JOIN strings source ON source.number = c.source LEFT JOIN sources ON sources.id = source.text
               LEFT JOIN payloads ON payloads.number = c.payload"""
    for row in _rows(db, query, of="stored_captures c", sample=sample):
        where = f"capture {row['id']} ({row['url'] or 'of no page'}, run {row['run']})"
        if row["id"] != (expected := _name(row["run"], row["url"], row["attempt"])):
            yield f"{where}: its id does not follow from run, page and attempt, expected {expected}"
        if not (row["known_run"] and row["known_source"] and row["payload"] == row["known_payload"]):
            yield f"{where}: its run, source or payload is not in the archive"


def _pages(db: sqlite3.Connection) -> Iterator[str]:
    for page, url, host in db.execute("SELECT id, url, host FROM pages"):
        if page != _name(url):
            yield f"page {url}: its id is {page}, expected {_name(url)}"
        elif host != urlsplit(url).netloc:
            yield f"page {url}: its host is {host!r}, expected {urlsplit(url).netloc!r}"


def _texts(db: sqlite3.Connection, sample: Sample | None) -> Iterator[str]:
    """Prove texts by their digests; of a sample, those of the payloads in it."""
    query = """SELECT p.number, sha256, r.text, bond
               FROM payloads p JOIN readings r ON r.payload = p.number"""
    proved: set[int] = set()
    for row in _rows(db, query, of="payloads p", sample=sample):
        where = f"text of payload {row['sha256']}"
        text = db.execute("SELECT * FROM stored_texts WHERE number = ?", (row["text"],)).fetchone()
        if text is None or row["bond"] != rows.bond(row["number"], text["digest"]):
            yield f"{where}: is not the one that was made of it; `gongkai rebuild` makes it again"
        elif row["text"] not in proved and text["figures"] != figures.digest(figures.stored(db, row["text"])):
            yield f"{where} ({_short(text['title'])}): its facts or checks were altered; `gongkai rebuild` makes them again"
        elif row["text"] not in proved and text["digest"] != (made := chain.row_digest(dict(text))):
            yield (
                f"{where} ({_short(text['title'])}): was altered: its digest is {made[:16]}, "
                f"expected {text['digest'][:16]}; `gongkai rebuild` makes it again"
            )
        proved.add(row["text"])


def _runs(db: sqlite3.Connection, sample: Sample | None) -> set[str] | None:
    """Name the runs whose rows are read: of a sample by count only one, and none with more than 50 times as many captures."""
    if sample is None:
        return None
    drawn = (row["id"] for row in _rows(db, "SELECT id FROM runs", of="runs runs", sample=sample))
    if not sample.count:
        return {*drawn}
    most = 50 * sample.count
    upto = "SELECT count(*) FROM (SELECT 1 FROM captures WHERE run = ? LIMIT ?)"
    return {*islice((run for run in drawn if db.execute(upto, (run, most + 1)).fetchone()[0] <= most), 1)}


def _references(db: sqlite3.Connection) -> Iterator[str]:
    for table, row, parent, number in db.execute("PRAGMA foreign_key_check").fetchall():
        keys = db.execute(f"PRAGMA foreign_key_list({table})").fetchall()
        column = next(key["from"] for key in keys if key["id"] == number)
        (value,) = db.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (row,)).fetchone()  # noqa: S608
        yield f"{table} row {row}: its {column} is {value!r}, which is not in {parent}"


def _derived(db: sqlite3.Connection) -> Iterator[str]:
    """Derive everything anew, in temporary tables that stand before those of the archive, and compare."""
    anew.work_out(db, _made_now())
    for table in FOLLOWING:
        yield from _differences(db, table)


def _differences(db: sqlite3.Connection, table: str) -> Iterator[str]:
    keys = anew.key(db, table)
    stands, follows = (
        {tuple(row[key] for key in keys): dict(row) for row in db.execute(anew.unlike(table, stands=it_stands))}
        for it_stands in (True, False)
    )
    for key in sorted(stands.keys() | follows.keys(), key=str):
        got, expected = stands.get(key), follows.get(key)
        page = (got or expected or {}).get("page")
        url = db.execute("SELECT url FROM pages WHERE id = ?", (page,)).fetchone() if page else None
        where = f"{table} {', '.join(map(str, key))}" + (f" ({url[0]})" if url else "")
        if expected is None:
            yield f"{where}: stands but does not follow from the captures"
        elif got is None:
            yield f"{where}: is missing"
        else:
            unlike = [c for c in got if got[c] != expected[c]]
            yield f"{where}: " + ", ".join(f"{c} is {_short(got[c])}, expected {_short(expected[c])}" for c in unlike)


@cache
def _made_now() -> tuple[sqlite3.Row, ...]:
    """List what the schema of an archive holds that is made now."""
    new = sqlite3.connect(":memory:", isolation_level=None)
    new.row_factory = sqlite3.Row
    schema.apply(Database(new))
    rows = new.execute("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    new.close()
    return tuple(row for row in rows if not row["tbl_name"].startswith("_sqlite"))


def _rows(db: sqlite3.Connection, query: str, *, of: str, sample: Sample | None) -> Iterator[sqlite3.Row]:
    """Give the rows of a query: all, or those drawn of this table, given with its name in the query."""
    if sample is None:
        yield from db.execute(query)
        return
    table, alias = of.split()
    for row in sample.draw(db, table):
        yield from db.execute(f"{query} WHERE {alias}.rowid = ?", (row,))


def _name(*parts: object) -> str:
    try:
        return name(*parts)
    except UnicodeEncodeError:
        return "none: it is no UTF-8"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
