"""The digest chain: each run of an archive is sealed by a digest over its truth and the digest of the run before it.

So history cannot be rewritten unnoticed: to alter, add or take away a row of a sealed run, all digests after it would
have to be made again, and the last one, the head, is printed by `gongkai verify`, to be written down elsewhere. Only
a head noted elsewhere shows that the last runs of an archive, or all of them, were taken away.

Not covered: a run's rows until it is sealed, which a run cut off is when the next begins; the descriptions of
sources, which follow their files; how payloads are stored, which their SHA-256 proves.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from archive.database import to_json

FORM = "gongkai chain 1"
OF_RUN = {
    "run": "SELECT id, origin, started_at, ended_at, status, resumes, label, imported_from FROM runs WHERE id = ?",
    "visits": """SELECT run, source, status, reason, listed, fetched, new, changed, unchanged, gone, blocked, failed
                 FROM visits WHERE run = ? ORDER BY source""",
    "columns": """SELECT run, source, page, parent, family, list_pages, reports
                  FROM columns WHERE run = ? ORDER BY source, page""",
    "captures": """SELECT captures.id, page, run, source, at, kind, attempt, status, outcome, reason, payload, seconds,
                          referrer, anchor, redirects, request_headers, headers, url
                   FROM captures JOIN pages ON pages.id = page WHERE run = ? ORDER BY captures.id""",
}
"""All truth that belongs to a run. A payload's bytes are covered by its name, which is their SHA-256. The columns are
named one by one, so that one added later does not alter what was sealed; it needs a new form."""

NOTED = re.compile(r"\b([0-9a-f]{16}):([0-9a-f]{16,64})\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The end of one archive's chain: how many runs it seals, the last of them, and that one's digest."""

    origin: str
    digest: str
    run: str
    runs: int

    def __str__(self) -> str:
        return f"{self.origin}:{self.digest}  {self.runs} runs to {self.run}"


def seal(db: sqlite3.Connection, run: str) -> None:
    """Write a run's digest, once it is over, after the head of its archive's chain; the caller holds the transaction.

    After the head, not after the run that began before it: clocks are set back.
    """
    (origin,) = db.execute("SELECT origin FROM runs WHERE id = ?", (run,)).fetchone()
    previous = next((head.digest for head in reversed(heads(db)) if head.origin == origin), None)
    db.execute("UPDATE runs SET previous = ?, digest = ? WHERE id = ?", (previous, digest(db, run, previous), run))


def digest(db: sqlite3.Connection, run: str, previous: str | None) -> str:
    """Work out the SHA-256 over a run's truth, a JSON array a line, after that of the run before it."""
    made = hashlib.sha256()
    for line in (FORM, previous, *_rows(db, run)):
        made.update(_bytes(line) + b"\n")
    return made.hexdigest()


def row_digest(row: Mapping[str, object]) -> str:
    """Work out the SHA-256 (32 hex digits) of one row; its number, `digest` and columns that hold nothing are left out."""
    left_out = ("number", "digest")
    held = {k: float(v) if isinstance(v, int) else v for k, v in row.items() if k not in left_out and v is not None}
    return hashlib.sha256(_bytes(sorted(held.items()))).hexdigest()[:32]


def heads(db: sqlite3.Connection) -> list[Head]:
    """List where the chains of an archive end, one for each archive of origin, more where one forks."""
    runs = db.execute(
        "SELECT id, origin, previous, digest FROM runs WHERE digest IS NOT NULL ORDER BY origin, started_at, id"
    ).fetchall()
    count: dict[str, int] = {}
    for run in runs:
        count[run["origin"]] = count.get(run["origin"], 0) + 1
    followed = {(run["origin"], run["previous"]) for run in runs}
    return [
        Head(origin=run["origin"], digest=run["digest"], run=run["id"], runs=count[run["origin"]])
        for run in runs
        if (run["origin"], run["digest"]) not in followed
    ]


def faults(db: sqlite3.Connection, *, only: Collection[str] | None = None) -> Iterator[str]:
    """Name each run that is not what it was when it was sealed, or of which the one before is not there.

    Every link is followed; `only` are the runs whose rows are read, all of them if None.
    """
    runs = db.execute("SELECT id, origin, status, previous, digest FROM runs ORDER BY started_at, id").fetchall()
    sealed = {(run["origin"], run["digest"]) for run in runs if run["digest"]}
    chained = {origin for origin, _ in sealed}
    for run in runs:
        if run["origin"] is None:
            yield f"run {run['id']}: belongs to no archive, expected its origin"
        elif not run["digest"]:
            # All runs of an archive made before there was a chain are sealed at once, when the next run begins.
            if run["status"] != "running" and run["origin"] in chained:
                yield f"run {run['id']}: is {run['status']} and not sealed, as other runs of archive {run['origin']} are"
        else:
            if run["previous"] and (run["origin"], run["previous"]) not in sealed:
                yield f"run {run['id']}: the run before it, sealed {run['previous'][:16]}, is not in the archive"
            if only is None or run["id"] in only:
                made = digest(db, run["id"], run["previous"])
                if made != run["digest"]:
                    yield (
                        f"run {run['id']}: it or its visits, columns or captures were altered after it ended: "
                        f"their digest is {made[:16]}, sealed was {run['digest'][:16]}"
                    )


def forks(db: sqlite3.Connection) -> Iterator[str]:
    """Name the places where more than one run follows another: two copies of the archive went on, or one was put in."""
    runs = db.execute(
        """SELECT origin, previous, group_concat(id, ', ') AS ids FROM runs WHERE digest IS NOT NULL
           GROUP BY origin, previous HAVING count(*) > 1"""
    )
    for run in runs:
        yield f"archive {run['origin']}: after {(run['previous'] or 'nothing')[:16]} its chain forks into runs {run['ids']}"


def noted(words: str) -> list[tuple[str, str]]:
    """Find the heads in what somebody noted, as (origin, digest or the first 16 digits of it at least).

    >>> noted("0123456789abcdef:0011223344556677  12 runs")
    [('0123456789abcdef', '0011223344556677')]
    """
    return [(found[1], found[2]) for found in NOTED.finditer(words)]


def gone(db: sqlite3.Connection, known: Collection[tuple[str, str]]) -> Iterator[str]:
    """Name each head noted earlier that is no part of the archive's chain now: history was cut or rewritten since."""
    for origin, start in known:
        runs = db.execute("SELECT digest FROM runs WHERE origin = ? AND digest IS NOT NULL", (origin,)).fetchall()
        if not any(run["digest"].startswith(start) for run in runs):
            now = ", ".join(head.digest[:16] for head in heads(db) if head.origin == origin)
            yield (
                f"head {origin}:{start[:16]}: is not in the chain of archive {origin}: "
                + (f"{len(runs)} runs there end in {now}" if runs else "none of its runs is here")
            )


def _rows(db: sqlite3.Connection, run: str) -> Iterator[tuple[str, list[object]]]:
    for table, query in OF_RUN.items():
        for row in db.execute(query, (run,)):
            yield table, list(row)


def _bytes(value: object) -> bytes:
    # What is no UTF-8 in a damaged file is read as lone surrogates, and stands here as the bytes it was.
    return to_json(value).encode("utf-8", "surrogateescape")
