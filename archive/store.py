"""The only writer. Every call is one transaction: what it returned from is on disk."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from archive import anew, chain, derive, figures, indexing, payloads, rows, texts
from archive.database import create, lock, name, to_json, transaction
from archive.reader import body_numbered
from archive.records import Capture, Office, Text, Visit
from archive.walk import Walk, silently

RESUME_WITHIN = timedelta(hours=24)
"""An unfinished run older than this is not taken up again: what it fetched is no longer today's state."""

KEPT = ("new", "same", "not-modified", "gone")
"""Outcomes after which a resumed run need not ask for the page again."""

RECENT = 32 * 1024 * 1024
"""Bytes of payloads, more or less, that are remembered because others are packed against them."""

DERIVING = ("report", "attachment")
"""Kinds of captures from which texts and versions follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One crawl job: its name, the unfinished run it takes up, and the report pages already captured in it."""

    id: str
    resumes: str | None
    captured: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """Where a capture went: its outcome as the archive sees it, and its payload's SHA-256 if it has one."""

    outcome: str
    payload: str | None


class Store:
    """An archive open for writing; holds the archive's lock from `with` to the end of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open = ExitStack()
        self._recent: dict[int, bytes] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(lock(self.path))
            self.db: sqlite3.Connection = create(self.path)
            stack.callback(self.db.close)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def begin_run(
        self, offices: Iterable[Office], *, at: str, label: str | None = None, imported_from: str | None = None
    ) -> Run:
        """Open a run; runs found `running` were killed. Takes up the last run if it was cut off within a day."""
        run = f"{at[:19].replace('-', '').replace(':', '')}Z-{secrets.token_hex(6)}"
        with transaction(self.db):
            for office in offices:
                self._remember(office, at=at)
            self._seal_left()
            last = self.db.execute(
                "SELECT * FROM runs WHERE origin = (SELECT id FROM origins WHERE own) ORDER BY started_at DESC, rowid DESC LIMIT 1"
            ).fetchone()
            resumes = last["id"] if last and _unfinished(last, at=at, label=label) else None
            self.db.execute(
                """INSERT INTO runs (id, started_at, status, resumes, label, imported_from, origin)
                   VALUES (?, ?, 'running', ?, ?, ?, (SELECT id FROM origins WHERE own))""",
                (run, at, resumes, label, imported_from),
            )
            captured = self.db.execute(
                f"""WITH RECURSIVE chain (id) AS (
                        SELECT :run UNION SELECT resumes FROM runs JOIN chain USING (id) WHERE resumes IS NOT NULL)
                    SELECT DISTINCT url FROM captures JOIN pages ON pages.id = page JOIN chain ON chain.id = run
                    WHERE kind IN {DERIVING} AND outcome IN {KEPT} AND at > :since""",  # noqa: S608
                {"run": run, "since": (datetime.fromisoformat(at) - RESUME_WITHIN).isoformat()},
            )
            return Run(id=run, resumes=resumes, captured=frozenset(row["url"] for row in captured))

    def end_visit(self, run: str, visit: Visit) -> None:
        """Write down what a run did at a source, once it is done there."""
        with transaction(self.db):
            self._write_visits(run, [visit])

    def end_run(self, run: str, visits: Collection[Visit], *, at: str, status: str) -> None:
        """Close a run with the visits not written down yet; status is finished, spent (its budget) or interrupted."""
        with transaction(self.db):
            self._write_visits(run, visits)
            self.db.execute("UPDATE runs SET ended_at = ?, status = ? WHERE id = ?", (at, status, run))
            chain.seal(self.db, run)
            derive.visited(self.db, run)

    def _write_visits(self, run: str, visits: Collection[Visit]) -> None:
        self.db.executemany(
            "INSERT INTO visits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (run, v.source, v.status, v.reason, v.listed, v.fetched, v.new, v.changed, v.unchanged, v.gone,
                 v.blocked, v.failed)
                for v in visits
            ],
        )  # fmt: skip
        self.db.executemany(
            "INSERT INTO columns VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (run, v.source, name(c.url), c.parent and name(c.parent), c.family, c.list_pages, c.reports)
                for v in visits
                for c in v.columns
            ],
        )

    def tell(self, channel: str, run: str, *, at: str) -> None:
        """Note that a channel was told all up to a run."""
        with transaction(self.db):
            self.db.execute("INSERT OR IGNORE INTO notices VALUES (?, ?, ?)", (channel, run, at))

    def _seal_left(self) -> None:
        """Seal the runs that were killed, and those made before there was a chain; none is running, the lock is ours."""
        self.db.execute("UPDATE runs SET status = 'killed' WHERE status = 'running'")
        left = self.db.execute("""SELECT id FROM runs WHERE digest IS NULL AND origin = (SELECT id FROM origins WHERE own)
               ORDER BY started_at, id""").fetchall()
        for (run,) in left:
            chain.seal(self.db, run)
            derive.visited(self.db, run)

    def capture(self, capture: Capture) -> Saved:
        """Keep one answer, or the fact that none came."""
        page = name(capture.url)
        host = urlsplit(capture.url).netloc
        with transaction(self.db):
            self.db.execute("INSERT OR IGNORE INTO pages VALUES (?, ?, ?)", (page, capture.url, host))
            payload = (
                None
                if capture.body is None
                else self.keep_payload(capture.body, page=page, scope=f"{host} {capture.kind}")
            )
            outcome = self._same(page, payload, at=capture.at) if capture.outcome == "new" else capture.outcome
            attempt = self.db.execute(
                "SELECT count(*) FROM captures WHERE run = ? AND page = ?", (capture.run, page)
            ).fetchone()[0]
            row = {f.name: getattr(capture, f.name) for f in fields(capture) if f.name not in ("url", "body")} | {
                "id": name(capture.run, capture.url, attempt), "page": page, "attempt": attempt, "outcome": outcome,
                "payload": payload, "redirects": to_json(capture.redirects),
                "request_headers": to_json(capture.request_headers), "headers": to_json(capture.headers),
            }  # fmt: skip
            rows.add_capture(self.db, row)
            if capture.kind in DERIVING:
                derive.captured(self.db, page, at=capture.at, kind=capture.kind)
        return Saved(outcome=outcome, payload=payload)

    def save_text(self, payload: str, text: Text | rows.TextRows) -> None:
        """Keep what cleaning made of a payload, and draw the consequences for the pages that showed it."""
        self.save_texts([(payload, text if isinstance(text, rows.TextRows) else rows.of_text(text))])

    def needs_text(self, payload: str, *, cleaner: str) -> bool:
        """Say whether this payload has yet to be cleaned by this cleaner."""
        number = rows.payload_number(self.db, payload)
        found = self.db.execute(
            "SELECT 1 FROM readings r JOIN stored_texts t ON t.number = r.text WHERE payload = ? AND cleaner = ?",
            (number, cleaner),
        )
        return found.fetchone() is None

    def uncleaned(self, *, cleaner: str) -> texts.Waiting:
        """List the payloads of report pages and documents that this cleaner has not seen."""
        return texts.waiting(self.db, cleaner=cleaner)

    def to_rebuild(self, *, cleaner: str, again: bool) -> texts.Waiting:
        """List the payloads whose texts a rebuild has to make: all `again`, or those that the last was cut off before."""
        if again:
            self.db.execute("PRAGMA user_version = 0")
        (last,) = self.db.execute("PRAGMA user_version").fetchone()
        return texts.waiting(self.db, cleaner=cleaner, after=last)

    def save_texts(self, made: texts.Made, *, rebuilding: bool = False) -> None:
        """Keep what cleaning made of payloads, with all that follows, and where it is a rebuild, how far that came.

        That is noted as `user_version`, a number that SQLite leaves to us: 0, or the payload that was the last.
        """
        with transaction(self.db):
            texts.save(self.db, made)
            if rebuilding:
                last = rows.known_payload(self.db, made[-1][0])
                self.db.execute(f"PRAGMA user_version = {last}")

    def describe_forms(
        self, dictionary: Sequence[Mapping[str, object]], year_rules: Sequence[Mapping[str, object]]
    ) -> None:
        """Write down what the codes of facts mean, and which rules bind a report to that of the year before."""
        with transaction(self.db):
            if figures.describe(self.db, dictionary, year_rules):
                derive.year_checks(self.db)

    def derive_all(self, *, walk: Walk = silently) -> None:
        """Work out anew all that follows from captures and texts, and mend what stands otherwise; a rebuild ends with it.

        What stands can be read all the time, and where nothing is wrong, next to nothing is written.
        """
        with transaction(self.db):
            texts.sweep(self.db)
            anew.work_out(self.db, self.db.execute("SELECT tbl_name, sql FROM sqlite_master").fetchall(), walk=walk)
            anew.mend(self.db)
            indexing.mend(self.db, walk=walk)
            self.db.execute("PRAGMA user_version = 0")
        first, left = True, True
        while left:
            with transaction(self.db):
                left = indexing.optimise(self.db, first=first)
            first = False

    def _remember(self, office: Office, *, at: str) -> None:
        old = self.db.execute("SELECT * FROM sources WHERE id = ?", (office.id,)).fetchone()
        row = (
            office.id,
            office.name,
            office.agency,
            office.region,
            office.level,
            to_json(office.hosts),
            office.copy_of,
        )
        if old and tuple(old)[: len(row)] == row:
            return
        self.db.execute(
            """INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,
               agency = excluded.agency, region = excluded.region, level = excluded.level, hosts = excluded.hosts,
               copy_of = excluded.copy_of, described_at = excluded.described_at""",
            (*row, at),
        )
        if old:
            derive.described(self.db, office.id)

    def keep_payload(self, body: bytes, *, page: str, scope: str) -> str:
        """Keep bytes under their SHA-256, packed against what is near; the caller holds the transaction."""
        sha256 = payloads.digest(body)
        if rows.payload_number(self.db, sha256) is None:
            number = rows.string(self.db, scope)
            near = self._near(page=page, scope=number)
            frame = payloads.pack(body, bases=self._bodies(near), again=near[-1] is not None)
            rows.add_payload(self.db, sha256, length=len(body), scope=number, frame=frame)
        return sha256

    def _near(self, *, page: str, scope: int) -> list[int | None]:
        """Number the newest keyframe of the page's host and kind, and the page's last payload that is no delta's delta."""
        of_site = "SELECT number FROM payloads WHERE scope = ? AND base IS NULL ORDER BY number DESC LIMIT 1"
        of_page = """SELECT iif(up.base IS NULL, own.number, own.base) FROM captures
                     JOIN payloads own ON own.number = payload_number LEFT JOIN payloads up ON up.number = own.base
                     WHERE page = ? ORDER BY time DESC LIMIT 1"""
        found = [self.db.execute(query, (key,)).fetchone() for query, key in ((of_site, scope), (of_page, page))]
        return [row and row[0] for row in found]

    def _bodies(self, numbers: Iterable[int | None]) -> Iterator[tuple[int, bytes]]:
        """Give payloads with their numbers, each once; those read last are remembered."""
        for number in dict.fromkeys(n for n in numbers if n is not None):
            if number not in self._recent:
                if sum(map(len, self._recent.values())) > RECENT:
                    self._recent.clear()
                self._recent[number] = body_numbered(self.db, number)
            yield number, self._recent[number]

    def _same(self, page: str, payload: str | None, *, at: str) -> str:
        last = self.db.execute(
            "SELECT payload FROM captures WHERE page = ? AND outcome IN ('new', 'same') AND at <= ? ORDER BY time DESC LIMIT 1",
            (page, at),
        ).fetchone()
        return "same" if last and last["payload"] == payload else "new"


def _unfinished(last: Mapping[str, str] | sqlite3.Row, *, at: str, label: str | None) -> bool:
    age = datetime.fromisoformat(at) - datetime.fromisoformat(last["started_at"])
    return last["status"] in ("killed", "interrupted") and last["label"] == label and age < RESUME_WITHIN
