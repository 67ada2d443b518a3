"""How an archive stands: on one screen however many sources there are, and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import many
import pytest
from click.testing import CliRunner
from wcwidth import width

from archive import overview, reader
from archive.health import STATES
from archive.records import Capture, Column, Office, Visit
from archive.store import Store
from crawler.cli import main
from crawler.run import Exit
from crawler.status import exit_code, gather, screen

AT = "2026-03-10T08:00:00.000Z"
LIST = "http://czj.example/nb/"


def state(*, sources: int, faults: Sequence[tuple[str, int]] = (), years: int = 18) -> dict[str, Any]:
    """Make what `gather` gives, of so many sources, so many of them in a fault."""
    run = {
        "started_at": AT,
        "ended_at": AT,
        "seconds": 61.4,
        "status": "finished",
        "captures": 987_654,
        "ok": sources,
        "sources": sources,
    }
    ill = [
        {
            "source": f"{state}_{n}", "agency": f"云岫县第{n}农业农村和水利局", "state": state, "since": "2026-02-27T08:00:00.000Z",
            "evidence": "no report on 2025 by 2026-02-27: due by law on 2026-01-31, 年报 on 2020-2024 came 3 days before its day at the latest",
        }
        for state, count in faults
        for n in range(count)
    ]  # fmt: skip
    counts = dict(faults) | {"ok": sources - len(ill)}
    year = dict.fromkeys(
        ("offices", "reports", "in_time", "late", "undated", "missing", "withdrawn", "not_found"), 1999
    )
    event = {"at": AT, "kind": "withdrawn", "agency": "云岫县人力资源和社会保障局" * 4, "year": 2025}
    return {
        "at": AT,
        "counts": {"reports": 30_000, "versions": 31_000, "captures": 8_000_000, "sources": sources},
        "standing": {"pages": 9, "missing": 1, "withdrawn": 2, "moved": 3, "unlisted": 4},
        "runs": [run] * 10,
        "states": {state: counts[state] for state in STATES if counts.get(state)},
        "faults": ill,
        "visits": [{"source": f"s{n}", "status": "ok", "at": AT, "reason": None} for n in range(sources)],
        "years": [{"year": 2025 - n} | year for n in range(years)],
        "changes": {
            "last_run": {"found": 1234, "missing": 1},
            "last_7_days": {"found": 9999, "changed": 17},
            "latest": [event] * 3,
        },
        "disk": {"archive": 123_456_789, "added_per_day": 1_234_567, "free": 9_876_543_210},
    }


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    ("sources", "faults"),
    [(12, []), (12, [("blocked", 1), ("silent", 1)]), (2000, [("thin", 50), ("silent", 300), ("unreachable", 1)])],
    ids=str,
)
def test_all_is_on_one_screen(columns: int, sources: int, faults: list[tuple[str, int]]) -> None:
    said = screen(state(sources=sources, faults=faults), columns=columns, lines=23)
    lines = said.splitlines()
    assert max(map(width, lines)) <= columns
    assert len(lines) <= 23
    for name, count in faults:
        assert f"({count})" in said
        assert f"{name}_0" in said or f"… and {count} more" in said
    assert f"{sources:,}: " in said
    assert "1999" in said


def test_what_is_piped_is_not_cut_to_the_screen() -> None:
    said = screen(state(sources=2000, faults=[("silent", 300)]), columns=None, lines=None)
    assert said.count("no report on 2025") == 300
    first = state(sources=2000, faults=[("silent", 300)])
    first["faults"] = first["faults"][:100]
    assert "… and 200 more, which `gongkai status --all` names" in screen(first, columns=None, lines=None)
    everyone = screen(state(sources=2000), columns=None, lines=None, every=True)
    assert all(f"\n  s{n} " in everyone for n in range(2000))


@pytest.fixture
def archive(tmp_path: Path, office: Office, text: Callable[..., Any]) -> Path:
    """An archive of one office: well on the first day, and on the second nothing answers."""
    path = tmp_path / "a.sqlite"
    with Store(path) as store:
        for day, outcome in ((1, "new"), (2, "failed")):
            at = f"2026-03-0{day}T08:00:00.000Z"
            run = store.begin_run([office], at=at).id
            body = b"list" if outcome == "new" else None
            store.capture(Capture(run=run, source="czj", url=LIST, at=at, kind="column", outcome=outcome, body=body))
            for year in (2019, 2020, 2021) if body else ():
                saved = store.capture(
                    Capture(
                        run=run,
                        source="czj",
                        url=f"{LIST}{year}",
                        at=at,
                        kind="report",
                        outcome="new",
                        body=b"%d" % year,
                        referrer=LIST,
                    )
                )
                late = {"published_on": f"{year + 1}-{'02' if year == 2020 else '01'}-20"}
                store.save_text(saved.payload or "", text(str(year), report_year=year, **late))
            columns = (Column(url=LIST, parent=None, family="plain", list_pages=1, reports=3),) if body else ()
            done = Visit(source="czj", status="ok" if body else "failed", columns=columns)
            store.end_run(run, [done], at=f"2026-03-0{day}T08:01:30.000Z", status="finished")
    return path


def test_status_for_programs_and_its_exit_codes(archive: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(main, ["status", "--json", "--archive", str(archive)])
    told = json.loads(done.stdout)
    assert done.exit_code == Exit.NOTHING_WORKED, "the only source is ill"
    assert {*told} == {
        "at", "archive", "counts", "standing", "runs", "states", "faults", "visits", "years", "changes", "disk", "fleet",
    }  # fmt: skip
    assert [(row["status"], row["seconds"], row["captures"]) for row in told["runs"]] == [
        ("finished", 90, 1),
        ("finished", 90, 4),
    ]
    assert [(visit["source"], visit["status"]) for visit in told["visits"]] == [("czj", "failed")]
    assert told["states"] == {"unreachable": 1}
    assert told["faults"][0]["since"] == "2026-03-02T08:01:30.000Z"
    keys = ("year", "offices", "in_time", "late", "undated", "missing", "withdrawn", "not_found")
    assert [tuple(row[key] for key in keys) for row in told["years"]] == [
        (2021, 1, 1, 0, 0, 0, 0, 0), (2020, 1, 0, 1, 0, 0, 0, 0), (2019, 1, 1, 0, 0, 0, 0, 0),
    ]  # fmt: skip
    assert told["changes"]["last_run"] == {}
    said = runner.invoke(main, ["status", "--all", "--archive", str(archive)]).output
    assert "unreachable 无法访问 (1)" in said
    assert "\n  czj  " in said
    assert runner.invoke(main, ["status", "--archive", str(archive.with_name("no"))]).exit_code == Exit.MISUSE


def test_a_person_is_needed_where_a_source_is_ill_or_the_last_run_was_cut_off() -> None:
    well = state(sources=3)
    assert exit_code(well) == Exit.WELL
    assert exit_code(well | {"runs": [{"status": "killed"}]}) == Exit.SOME_FAILED
    assert exit_code(well | {"runs": [{"status": "spent"}]}) == Exit.WELL
    assert exit_code(state(sources=3, faults=[("silent", 1)])) == Exit.SOME_FAILED
    assert exit_code(state(sources=3, faults=[("silent", 3)]) | {"states": {"silent": 3}}) == Exit.NOTHING_WORKED


def test_an_archive_without_anything_stands_too(store: Store) -> None:
    assert "none yet" in screen(gather(store.db, at=AT), columns=80, lines=24)


def test_what_is_counted_along_indexes_is_what_counting_row_by_row_gives(tmp_path: Path) -> None:
    dice = Random(1)
    with Store(tmp_path / "a.sqlite") as store:
        many.grow(store, count=12, visits=2)
        for (page,) in store.db.execute("SELECT page FROM report_pages").fetchall():
            stands = ["2020" if dice.random() < 0.3 else None for _ in range(3)]
            query = "UPDATE report_pages SET missing_since = ?, withdrawn_on = ?, unlisted_since = ? WHERE page = ?"
            store.db.execute(query, (*stands, page))
        for (report,) in store.db.execute("SELECT id FROM reports").fetchall():
            dates = dice.choice((None, 0, 7)), dice.choice((None, None, "2020"))
            store.db.execute("UPDATE reports SET days_late = ?, withdrawn_on = ? WHERE id = ?", (*dates, report))
        pages = [dict(row) for row in store.db.execute("SELECT * FROM report_pages WHERE standing = 'official'")]
        reports = [dict(row) for row in store.db.execute("SELECT * FROM reports")]

        def state_of(report: dict[str, Any]) -> str:
            if report["withdrawn_on"]:
                return "withdrawn"
            own = [page for page in pages if all(page[key] == report[key] for key in ("agency", "year"))]
            if own and all(page["missing_since"] for page in own):
                return "missing"
            return {None: "undated", 0: "in_time"}.get(report["days_late"], "late")

        counts = Counter((report["year"], state_of(report)) for report in reports)
        assert {state for _, state in counts} == {"withdrawn", "missing", "undated", "in_time", "late"}
        told = overview.punctuality(store.db)
        assert {(year, state): n for year, said in told.items() for state, n in said.items() if n} == counts
        standing = reader.standing(store.db)
        assert standing["pages"] == len(pages)
        assert standing["missing"] == sum(bool(page["missing_since"] and not page["withdrawn_on"]) for page in pages)
        assert standing["withdrawn"] == sum(bool(page["withdrawn_on"]) for page in pages)
        assert standing["unlisted"] == sum(bool(page["unlisted_since"] and not page["missing_since"]) for page in pages)
        assert overview.states(store.db) == Counter(row["state"] for row in reader.health(store.db))
        assert {row["source"] for row in overview.in_state(store.db, "ok", limit=-1)} == {
            row["source"] for row in reader.health(store.db) if row["state"] == "ok"
        }
