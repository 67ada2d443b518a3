"""Archives of every schema there has been: brought up to date they hold what they held, and are as one made now.

`archives/` has one for each, made by the code of its time from two offices and two years of the demo county, crawled
on both days; a third run was begun and never ended. The file is named after the last migration it has seen,
and where that was reworded since, after which wording.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest
from support import gongkai

from archive import derive, reader, verify
from archive.database import ArchiveError, backup, connect, lacking
from archive.rows import CAPTURE
from archive.store import Store
from archive.tables import KNOWN, QUICKER
from crawler.run import Exit

OLD = sorted(Path(__file__).with_name("archives").glob("*.sqlite"))
HELD = {
    "reports": "SELECT id, agency, year, region, title, published_on, due_on, days_late, pages, versions FROM reports",
    "report_pages": "SELECT page, source, standing, agency, year, title, published_on, first_seen, payload FROM report_pages",
    "versions": "SELECT page, n, key, payload, first_seen, last_seen, captures FROM versions",
    "texts": "SELECT payload, cleaner, key, title, text, grids, flags FROM texts",
    "captures": f"SELECT {', '.join(CAPTURE)} FROM captures",
    "payloads": "SELECT sha256, length FROM payloads",
}
"""What no migration may alter. Since when a page is withdrawn is told otherwise now: not after one day's evidence."""


@pytest.fixture(params=OLD, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copy(request.param, tmp_path))


def held(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as db:
        return {table: sorted(db.execute(query), key=str) for table, query in HELD.items()}


def test_it_holds_what_it_held(old: Path) -> None:
    before = held(old)
    assert all(before.values())
    with Store(old) as store:
        assert list(verify.faults(store.db)) == []
    assert held(old) == before
    with Store(old) as store:
        assert store.db.total_changes == 0


def test_its_runs_are_sealed_when_the_next_begins(old: Path) -> None:
    with Store(old) as store:
        run = store.begin_run([], at="2026-12-01T08:00:00.000Z")
        store.end_run(run.id, [], at="2026-12-01T09:00:00.000Z", status="finished")
        runs = store.db.execute("SELECT status, digest FROM runs ORDER BY started_at").fetchall()
        assert [row["status"] for row in runs] == ["finished", "finished", "killed", "finished"]
        assert all(row["digest"] for row in runs)
        assert list(verify.faults(store.db)) == []


def test_every_copy_of_it_is_of_one_origin(old: Path, tmp_path: Path) -> None:
    backup(old, tmp_path / "copy.sqlite")
    origins = set()
    for path in (old, tmp_path / "copy.sqlite"):
        with Store(path) as store:
            origins.update(row["id"] for row in store.db.execute("SELECT id FROM origins"))
    assert len(origins) == 1


def test_a_migration_that_fails_leaves_it_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: sqlite3.Connection) -> None:
        raise RuntimeError

    with closing(connect(old, older=True)) as db:
        before, missing = list(db.iterdump()), lacking(db, old)
    monkeypatch.setattr(derive, "everything", fail)
    alters_rows = not QUICKER.issuperset(missing)  # else nothing is worked out anew, and nothing fails
    with pytest.raises(RuntimeError) if alters_rows else nullcontext(), Store(old):
        pass
    with closing(sqlite3.connect(old)) as db:
        assert (list(db.iterdump()) == before) is alters_rows


def test_a_reader_refuses_it_and_says_what_helps(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(ArchiveError, match=rf"older gongkai: its schema lacks .*{KNOWN[-1]}.*`gongkai rebuild"):
        connect(old)
    assert old.read_bytes() == before


def test_rebuild_brings_it_up_to_date(tmp_path: Path) -> None:
    old = Path(shutil.copy(OLD[0], tmp_path))
    before = held(old)["reports"]
    assert gongkai("rebuild", "--archive", old).returncode == Exit.WELL
    with closing(connect(old)) as db:
        assert {row["id"] for row in reader.coverage(db)} == {row[0] for row in before}
        assert list(verify.faults(db)) == []


def test_a_newer_archive_is_refused_and_left_untouched(store: Store, tmp_path: Path) -> None:
    store.db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('gongkai', 'later', '')")
    newer = tmp_path / "newer.sqlite"
    store.db.execute("VACUUM INTO ?", (str(newer),))
    before = newer.read_bytes()
    for attempt in (connect, lambda path: Store(path).__enter__(), lambda path: backup(path, tmp_path / "b.sqlite")):
        with pytest.raises(ArchiveError, match=r"newer than this one: its schema is .*, later; this one knows truth, "):
            attempt(newer)
    refused = gongkai("status", "--archive", newer)
    assert (refused.returncode, "newer than this one" in refused.stderr) == (Exit.MISUSE, True)
    assert newer.read_bytes() == before
