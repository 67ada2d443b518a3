"""The digest chain: each run of an archive is sealed by a digest over its truth and the digest of the run before it.

So history cannot be rewritten unnoticed: to alter, add or take away a row of a sealed run, all digests after it would
have to be made again, and the last one is printed by `gongkai verify`, to be written down elsewhere.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator

from archive.database import to_json

FORM = "gongkai chain 1"
OF_RUN = {
    "run": "SELECT id, origin, started_at, ended_at, status, resumes, label, imported_from FROM runs WHERE id = ?",
    "visits": "SELECT * FROM visits WHERE run = ? ORDER BY source",
    "columns": "SELECT * FROM columns WHERE run = ? ORDER BY source, page",
    "captures": "SELECT captures.*, url FROM captures JOIN pages ON pages.id = page WHERE run = ? ORDER BY captures.id",
}
"""All truth that belongs to a run. A payload's bytes are covered by its name, which is their SHA-256."""


def seal(db: sqlite3.Connection, run: str) -> None:
    """Write a run's digest, once it is over; the caller holds the transaction."""
    last = db.execute(
        """SELECT before.digest FROM runs, runs before WHERE runs.id = ? AND before.origin = runs.origin
           AND (before.started_at, before.id) < (runs.started_at, runs.id) AND before.digest IS NOT NULL
           ORDER BY before.started_at DESC, before.id DESC LIMIT 1""",
        (run,),
    ).fetchone()
    previous = last["digest"] if last else None
    db.execute("UPDATE runs SET previous = ?, digest = ? WHERE id = ?", (previous, digest(db, run, previous), run))


def digest(db: sqlite3.Connection, run: str, previous: str | None) -> str:
    """Work out the SHA-256 over a run's truth, a JSON array a line, after that of the run before it."""
    made = hashlib.sha256()
    for line in (FORM, previous, *_rows(db, run)):
        made.update(to_json(line).encode() + b"\n")
    return made.hexdigest()


def faults(db: sqlite3.Connection) -> Iterator[str]:
    """Name each run that is not what it was when it was sealed, and each whose run before it is not there."""
    sealed = db.execute(
        "SELECT id, origin, previous, digest FROM runs WHERE digest IS NOT NULL ORDER BY started_at, id"
    )
    known: set[tuple[str, str | None]] = set()
    for run in sealed.fetchall():
        if (made := digest(db, run["id"], run["previous"])) != run["digest"]:
            yield f"run {run['id']}: was altered after it ended: its digest is {made[:16]}, sealed was {run['digest'][:16]}"
        if run["previous"] and (run["origin"], run["previous"]) not in known:
            yield f"run {run['id']}: the run before it, sealed {run['previous'][:16]}, is not in the archive"
        known.add((run["origin"], run["digest"]))


def _rows(db: sqlite3.Connection, run: str) -> Iterator[tuple[str, list[object]]]:
    for table, query in OF_RUN.items():
        for row in db.execute(query, (run,)):
            yield table, list(row)
