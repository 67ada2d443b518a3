"""Joining archives: what one has and another lacks is taken over, in any order with the same result.

Rows are named by content, URL and time, so they keep their names. A run is taken whole, with all that belongs to it
and what follows from it, in one transaction, and is proved by its seal; a run that is not over yet is left. How a
payload is stored may differ from archive to archive (its scope, its base, its frame, all numbers), its bytes never.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archive import chain, derive, figures, judging, payloads, rows
from archive.database import ArchiveError, backup, connect, create, lacking, transaction
from archive.reader import body_numbered, body_of
from archive.store import Store
from archive.texts import CLEANED

OF_RUN = ("visits", "columns")
"""The tables whose rows belong to a run, beside its captures."""

OF_FORMS = ("indicators", "year_rules")
"""What the forms say: whoever cleans next writes it as it is then."""

DEEPEST = 2
"""How many bases a frame may stand on: its own, and that one's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """What a merge took over from one archive, and the runs it left there because they are not over."""

    runs: int
    known: int
    captures: int
    payloads: int
    left: tuple[str, ...]


def merge(store: Store, path: Path, *, cleaner: str) -> Merged:
    """Take over into an open archive what the archive at `path` has more; a crawl may be writing there.

    Texts are taken that this cleaner made; the others are left to be made (`Store.uncleaned`). Where both describe a
    source, the later description stands, and where both are of one time, the greater.

    Raises ArchiveError for a payload or run that is not what it was when it was kept, and for a run that both have
    but not alike; the runs taken before it are whole, and nothing of it is taken.
    """
    into = store.db
    known = 0
    left: list[str] = []
    wanted: list[sqlite3.Row] = []
    before = _sizes(into)
    with _opened(path, beside=store.path.parent) as source:
        # In the order they were made, so that payloads come after their bases, and runs after those that they take up;
        # those made before there was a chain are sealed in the order of their time, as `Store` does.
        for run in source.execute("SELECT * FROM runs ORDER BY iif(digest IS NULL, started_at, ''), rowid"):
            if run["status"] == "running":
                left.append(run["id"])
            elif ours := into.execute("SELECT * FROM runs WHERE id = ?", (run["id"],)).fetchone():
                _same(into, ours, source, run, names=(store.path, path))
                known += 1
            else:
                wanted.append(run)
        with transaction(into):
            _describe(into, source)
            for table in OF_FORMS:
                rows_ = source.execute(f"SELECT * FROM {table}")  # noqa: S608
                _insert(into, table, ({key: row[key] for key in row.keys() if key != "number"} for row in rows_))  # noqa: SIM118
        for run in wanted:
            try:
                with transaction(into):
                    _take(into, source, run, cleaner=cleaner)
            except (ArchiveError, sqlite3.DatabaseError) as error:
                raise ArchiveError(f"{path}: run {run['id']}: not taken over: {error}") from error
    captures, kept = (now - then for now, then in zip(_sizes(into), before, strict=True))
    return Merged(runs=len(wanted), known=known, captures=captures, payloads=kept, left=tuple(left))


@contextmanager
def _opened(path: Path, *, beside: Path) -> Iterator[sqlite3.Connection]:
    """Open an archive as it stands now; one of an older schema is brought up to date in a copy."""
    with closing(connect(path, older=True)) as db:
        if not lacking(db, path):
            db.execute("BEGIN")
            yield db
            return
    with TemporaryDirectory(dir=beside, prefix=f".{path.name}.") as folder:
        copy = Path(folder, path.name)
        backup(path, copy)
        with closing(create(copy)) as db:
            yield db


def _describe(into: sqlite3.Connection, source: sqlite3.Connection) -> None:
    """Let the later description of each source stand, and what is derived follow it."""
    into.execute("PRAGMA defer_foreign_keys = ON")  # a copy's source may be named before the one that it copies
    for row in source.execute("SELECT * FROM sources").fetchall():
        ours = into.execute("SELECT * FROM sources WHERE id = ?", (row["id"],)).fetchone()
        if ours is None:
            _insert(into, "sources", [row])
        elif _age(row) > _age(ours):
            columns = [key for key in row.keys() if key != "id"]  # noqa: SIM118 (a Row iterates over its values)
            into.execute(
                f"UPDATE sources SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?",  # noqa: S608
                [*(row[column] for column in columns), row["id"]],
            )
            derive.described(into, row["id"])


def _age(row: sqlite3.Row) -> tuple[str, ...]:
    return (row["described_at"], *(value or "" for value in row))


def _same(
    into: sqlite3.Connection,
    ours: sqlite3.Row,
    source: sqlite3.Connection,
    theirs: sqlite3.Row,
    *,
    names: tuple[Path, Path],
) -> None:
    """Raise ArchiveError where one run is not the same in both archives."""
    previous = ours["previous"] or theirs["previous"]
    here, there = (
        run["digest"] or chain.digest(db, run["id"], previous) for db, run in ((into, ours), (source, theirs))
    )
    if here != there:
        raise ArchiveError(
            f"run {ours['id']}: is {here[:16]} in {names[0]}, of archive {ours['origin']}, and {there[:16]} in "
            f"{names[1]}, of archive {theirs['origin']}: history was rewritten in one of them, or one is a backup made "
            "during the run, in which it was cut off"
        )


def _take(into: sqlite3.Connection, source: sqlite3.Connection, run: sqlite3.Row, *, cleaner: str) -> None:
    """Take over a run with all that belongs to it; the caller holds the transaction."""
    _insert(into, "origins", source.execute("SELECT id, 0 AS own FROM origins WHERE id = ?", (run["origin"],)))
    _insert(into, "runs", [run])
    _insert(
        into,
        "pages",
        source.execute(
            """SELECT * FROM pages WHERE id IN (SELECT page FROM captures WHERE run = :run
               UNION SELECT page FROM columns WHERE run = :run UNION SELECT parent FROM columns WHERE run = :run)""",
            {"run": run["id"]},
        ),
    )
    served = source.execute("SELECT DISTINCT payload FROM captures WHERE run = ? AND payload IS NOT NULL", (run["id"],))
    for (payload,) in served.fetchall():
        _take_payload(into, source, payload)
    for table in OF_RUN:
        _insert(into, table, source.execute(f"SELECT * FROM {table} WHERE run = ?", (run["id"],)))  # noqa: S608
    for capture in source.execute("SELECT * FROM captures WHERE run = ?", (run["id"],)):
        rows.add_capture(into, capture)
    if run["digest"] is None:
        chain.seal(into, run["id"])
    elif (made := chain.digest(into, run["id"], run["previous"])) != run["digest"]:
        raise ArchiveError(f"it was altered after it ended: its digest is {made[:16]}, sealed was {run['digest'][:16]}")
    shown = into.execute("SELECT DISTINCT page FROM captures WHERE run = ?", (run["id"],))
    derive.pages(into, sorted({page for (page,) in shown} | _take_texts(into, source, run["id"], cleaner=cleaner)))
    judging.judge(into, run["id"])


def _take_payload(into: sqlite3.Connection, source: sqlite3.Connection, sha256: str) -> None:
    """Take over a payload as it is stored, with its base, once its bytes are proved."""
    if rows.payload_number(into, sha256) is not None:
        return
    body = body_of(source, sha256)
    stored = source.execute(
        """SELECT scope.text AS scope, base.sha256 AS base, frame
           FROM payloads p JOIN bodies ON payload = p.number JOIN strings scope ON scope.number = p.scope
           LEFT JOIN payloads base ON base.number = p.base WHERE p.number = ?""",
        (rows.known_payload(source, sha256),),
    ).fetchone()
    frame = payloads.Frame(data=stored["frame"], base=None)
    if stored["base"]:
        _take_payload(into, source, stored["base"])
        base = rows.known_payload(into, stored["base"])
        bases = _bases(into, base)
        if len(bases) > DEEPEST:  # here the base stands on others already
            base = bases[-DEEPEST]
            frame = payloads.pack(body, bases=[(base, body_numbered(into, base))])
        else:
            frame = replace(frame, base=base)
    scope = rows.string(into, stored["scope"])
    rows.add_payload(into, sha256, length=len(body), scope=scope, frame=frame)


def _bases(db: sqlite3.Connection, number: int | None) -> list[int]:
    """List a payload and all that it stands on, the keyframe last."""
    found = []
    while number is not None:
        found.append(number)
        (number,) = db.execute("SELECT base FROM payloads WHERE number = ?", (number,)).fetchone()
    return found


def _take_texts(into: sqlite3.Connection, source: sqlite3.Connection, run: str, *, cleaner: str) -> set[str]:
    """Take over the texts of payloads that this run was the first to be served, and give the pages that show them.

    A payload is cleaned with the address and headers it was first served with: the text that was made so stands.
    """
    first = into.execute(
        f"""SELECT payload FROM (SELECT DISTINCT payload FROM captures WHERE run = :run AND {CLEANED}) AS served
            WHERE :run = (SELECT run FROM captures c WHERE c.payload = served.payload AND {CLEANED} ORDER BY at, id LIMIT 1)""",  # noqa: S608
        {"run": run},
    ).fetchall()
    shown: set[str] = set()
    for (payload,) in first:
        number = rows.known_payload(into, payload)
        rows.drop_text(into, number)
        text = source.execute(
            "SELECT t.* FROM readings r JOIN stored_texts t ON t.number = r.text WHERE payload = ? AND cleaner = ?",
            (rows.known_payload(source, payload), cleaner),
        ).fetchone()
        if text:
            row = {key: text[key] for key in (*rows.TEXT, *rows.OF_FIGURES, "digest")}
            values = figures.stored(source, text["number"])
            rows.add_text(into, number, rows.TextRows(row=row, values=values))
        shown.update(rows.shown(into, number))
    return shown


def _insert(into: sqlite3.Connection, table: str, rows: Iterable[Any]) -> None:
    """Add rows, but for those that are there already by name."""
    for row in rows:
        columns = [f'"{column}"' for column in row.keys()]  # noqa: SIM118
        into.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING",  # noqa: S608
            tuple(row[key] for key in row.keys()),  # noqa: SIM118
        )


def _sizes(db: sqlite3.Connection) -> tuple[int, int]:
    captures, kept = db.execute("SELECT (SELECT count(*) FROM captures), (SELECT count(*) FROM payloads)").fetchone()
    return captures, kept
