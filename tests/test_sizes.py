"""What takes the room, and giving it back: nothing that anybody can read is lost, and nothing stale is ever left."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import many
import pytest
from click.testing import CliRunner

from archive import chain, sizes, verify
from archive.database import ArchiveError, connect
from archive.records import Text
from archive.store import Store
from archive.tables import DERIVED_TABLES, OWN, TRUTH
from crawler.cli import main

UNUSED = {
    "texts that no payload gives": "SELECT count(*) FROM stored_texts WHERE number NOT IN (SELECT text FROM readings)",
    "readings of what was never read": """SELECT count(*) FROM readings WHERE payload NOT IN (
        SELECT payload_number FROM captures WHERE kind IN ('report', 'attachment') AND outcome IN ('new', 'same'))""",
    "facts of no text": "SELECT count(*) FROM stored_facts WHERE text NOT IN (SELECT number FROM stored_texts)",
    "checks of no text": "SELECT count(*) FROM stored_checks WHERE text NOT IN (SELECT number FROM stored_texts)",
    "versions of no text": "SELECT count(*) FROM versions v WHERE payload NOT IN (SELECT payload FROM texts)",
    "carriers of no page": "SELECT count(*) FROM stored_carriers WHERE page NOT IN (SELECT page FROM report_pages)",
    "reports of no page": "SELECT count(*) FROM reports WHERE page NOT IN (SELECT page FROM report_pages)",
    "events of no page": "SELECT count(*) FROM events WHERE page NOT IN (SELECT page FROM report_pages)",
    "searched texts of no carrier": """SELECT count(*) FROM report_texts r WHERE NOT EXISTS (
        SELECT 1 FROM stored_carriers c WHERE c.page = r.page AND c.n = r.n)""",
    "rules of no report": """SELECT count(*) FROM year_checks y WHERE NOT EXISTS (
        SELECT 1 FROM reports r WHERE r.agency = y.agency AND r.year = y.year)""",
}


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that was cleaned by one cleaner after another, each of which made other texts, titles and numbers."""
    path = tmp_path_factory.mktemp("sizes") / "a.sqlite"
    with Store(path) as store:
        texts = [*many.fill(store, reports=25, characters=600)]
        payloads = [sha for (sha,) in store.db.execute("SELECT sha256 FROM payloads ORDER BY number")]
        for cleaner in range(2, 6):
            for n, (payload, text) in enumerate(zip(payloads, texts, strict=True)):
                store.save_text(payload, _otherwise(text, cleaner=cleaner, n=n))
        moved = [replace(office, region="999009") for office in many.offices(4)]
        run = store.begin_run(moved, at="2026-03-02T08:00:00.000Z").id
        store.end_run(run, [], at="2026-03-02T08:00:00.000Z", status="finished")
    return path


def _otherwise(text: Text, *, cleaner: int, n: int) -> Text:
    """Give what another cleaner makes of it: other words and numbers, and of some no report any more."""
    is_report = (n + cleaner) % 5 != 0
    return replace(
        text, cleaner=str(cleaner), text=text.text[cleaner * 20 :], figures=many.figures(cleaner), is_report=is_report
    )  # fmt: skip


def rows(path: Path) -> dict[str, Any]:
    with closing(connect(path)) as db:
        told = {
            table: sorted(map(repr, map(tuple, db.execute(f"SELECT * FROM {table}"))))
            for table in (*TRUTH, *DERIVED_TABLES, *OWN, "captures")
        }
        return told | {"heads": [*map(str, chain.heads(db))]}


@pytest.mark.parametrize("what", UNUSED)
def test_nothing_stale_is_left_by_newer_cleaners(what: str, cleaned: Path) -> None:
    with closing(connect(cleaned)) as db:
        assert db.execute(UNUSED[what]).fetchone()[0] == 0


def test_trimming_gives_back_room_and_takes_nothing(cleaned: Path) -> None:
    before, asked = rows(cleaned), CliRunner()
    size = cleaned.stat().st_size
    said = asked.invoke(main, ["trim", "--archive", str(cleaned)]).output
    assert "written anew" in said
    assert cleaned.stat().st_size < 0.75 * size
    assert rows(cleaned) == before
    again = asked.invoke(main, ["trim", "--archive", str(cleaned)]).output
    assert "not written anew" in again
    with closing(connect(cleaned)) as db:
        assert [*verify.faults(db)] == []


def test_a_disk_without_room_is_left_as_it_is(cleaned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(cleaned)
    monkeypatch.setattr(sizes, "free_disk", lambda _: 0)
    with Store(cleaned) as store, pytest.raises(ArchiveError, match="MB of free disk are needed"):
        sizes.trim(store.db, pays=-1)
    assert rows(cleaned) == before


def test_the_parts_make_up_the_file(cleaned: Path) -> None:
    with closing(connect(cleaned)) as db:
        for counted in (True, False):
            parts = sizes.parts(db, counted=counted)
            assert {part.name for part in parts} <= sizes.WORDS.keys()
            payloads = next(part.bytes for part in parts if part.name == "payloads")
            assert payloads >= sizes.payload_bytes(db) > 0
        exact = sizes.parts(db)
        assert sum(part.bytes for part in exact) == sizes.total(db)
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {table for part in sizes.PARTS.values() for table in part} <= tables


def test_growth_is_told_by_month(cleaned: Path) -> None:
    done = CliRunner().invoke(main, ["size", "--json", "--archive", str(cleaned)])
    told = json.loads(done.output)
    assert [(row["month"], row["captures"]) for row in told["months"]] == [("2026-03", 25)]
    with closing(connect(cleaned)) as db:
        assert told["months"][0]["payloads"] == sizes.payload_bytes(db)
        assert abs(told["months"][0]["estimate"] - sizes.total(db)) <= 1
    assert "of payloads" in CliRunner().invoke(main, ["size", "--archive", str(cleaned)]).output


def test_months_have_what_came_in_them(tmp_path: Path) -> None:
    with Store(tmp_path / "a.sqlite") as store:
        owners = many.offices(3)
        for day in (0, 20, 40):
            many.visit(store, owners, day=day, last=50)
        months = sizes.growth(store.db)
        assert [(row.month, row.captures) for row in months] == [("2016-01", 66), ("2016-02", 33)]
        frames = store.db.execute("SELECT payload, length(frame) FROM bodies ORDER BY payload").fetchall()
        assert sum(row.payloads for row in months) == sum(size for _, size in frames)
        assert sizes.added_per_day(store.db, at=many.at(1)) is None
        assert sizes.added_per_day(store.db, at=many.at(42)) == pytest.approx(
            sum(row.estimate for row in sizes.growth(store.db, since=many.at(12))) / 30, abs=1
        )
