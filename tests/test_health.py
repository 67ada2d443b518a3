"""Each source's health: how a visit is judged, what real crawls of ill sites come to, and that a rebuild says the same."""

from __future__ import annotations

import asyncio
import html
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import days
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import health, overview, reader, verify
from archive.browse.serve import datasette
from archive.database import connect
from archive.health import Answer, Listing, Opened, Sight, judge
from archive.merge import merge
from archive.records import Capture, Column, Office, Text, Visit
from archive.store import Store

HERE = Path(__file__).parent
CASES = tomllib.loads((HERE / "cases/health.toml").read_text(encoding="utf-8"))


def answer(words: str) -> Answer:
    kind, outcome, path, *reason = words.split(" ", 3)
    url = path if "://" in path else f"http://czj.example{path}"
    named = kind.startswith("*")
    return Answer(
        capture=path, kind=kind.lstrip("*"), url=url, outcome=outcome, reason="".join(reason) or None, named=named
    )


@pytest.mark.parametrize("case", CASES["visit"])
def test_a_visit_is_judged(case: str) -> None:
    given = CASES["visit"][case]
    sight = Sight(
        day=date(2026, 6, 10), status=given.get("status", "ok"), reason=given.get("reason"),
        hosts=("czj.example", "*.czj.example"), answers=tuple(map(answer, given.get("answers", ()))),
        named=given.get("named", 0), gone=given.get("gone", 0),
        listings=tuple(Listing(day=date.fromisoformat(day), named=n) for day, n in given.get("listed", {}).items()),
        opened=tuple(Opened(capture="1", url="/1", legible=legible) for legible in given.get("legible", ())),
        partial=given.get("partial", 0), arrivals={2025: 0},
    )  # fmt: skip
    found = judge(sight, was=given.get("was"))
    assert (found.state if found else "kept") == given["state"], found
    assert found is None or "\n" not in found.evidence
    assert_says(found, given.get("says", ""))


@pytest.mark.parametrize("case", CASES["late"])
def test_a_late_office_is_no_alarm_before_its_day(case: str) -> None:
    given = CASES["late"][case]
    came = {int(year): None if late == "?" else late for year, late in given["came"].items()}
    was, alarm, told = None, None, {}
    for day in map(date.fromisoformat, given["days"]):
        seen = "seen" in given and day >= given["seen"]
        arrivals = came | ({2025: 0} if seen else {})
        more = {"named": len(came), "answers": (answer("column same /nb/"),)}
        found = judge(
            Sight(day=day, status="ok", level=given.get("level", "department"), arrivals=arrivals, **more), was=was
        )
        assert found
        was = told[day.isoformat()] = found.state
        alarm = alarm or (found if found.state == "silent" else None)
    assert told == given["days"]
    assert_says(alarm, given.get("says", ""))


def assert_says(found: health.Judgement | None, words: str) -> None:
    assert found is None or re.search(words, found.evidence), found


def test_every_state_has_its_words() -> None:
    assert tuple(health.words()) == health.STATES
    for said in health.words().values():
        assert {key: set(both) for key, both in said.items()} == {"name": {"zh", "en"}, "advice": {"zh", "en"}}


# --- real crawls -------------------------------------------------------------------------------------------------

ILL = {
    "redesigned": "broken", "cleared": "broken", "garbled": "broken", "led": "moved",
    "linked": "moved", "down": "unreachable", "listless": "unreachable", "reportless": "unreachable",
    "refusing": "refused", "challenged": "blocked", "shrunk": "thin",
}  # fmt: skip
"""What a site's trouble on the second day must come to; it is over on the third."""

WELL = ("elsewhere", "unlisting", "withdrawing", "stumbling")
"""Sites of which single pages change, fail or go: nothing of that is an illness."""


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ill")
    command = [sys.executable, str(HERE / "days.py"), str(folder), "0,1,3", "ill"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, cwd=HERE.parent)
    assert done.returncode == 0, done.stderr
    return folder / "a.sqlite"


def test_ill_sites_are_told_by_the_next_run_and_well_ones_never(crawled: Path) -> None:
    expected = {site: ["ok", state, "ok"] for site, state in ILL.items()} | {site: ["ok"] for site in WELL}
    expected |= {"never": ["silent"]}
    with closing(connect(crawled)) as db:
        told = {site: [row["state"] for row in reader.health_of(db, site)] for site in days.ILL}
        rows = [row for site in days.ILL for row in reader.health_of(db, site)]
        captures = {row["id"]: row["source"] for row in db.execute("SELECT id, source FROM captures")}
        assert list(verify.faults(db)) == []
    assert told == expected
    assert all(captures[row["capture"]] == row["source"] for row in rows if row["capture"])
    assert all(row["capture"] for row in rows if row["state"] not in ("ok", "thin"))


def test_what_changed_between_two_runs_is_told_once(crawled: Path) -> None:
    with closing(connect(crawled)) as db:
        first, second, third = (
            row["id"] for row in sorted(overview.runs(db, last=9), key=lambda run: run["started_at"])
        )
        now = {row["source"]: row["state"] for row in reader.health(db)}
        then = {row["source"]: row["state"] for row in reader.health(db, at="2026-06-02T23:00:00.000Z")}
        changes = reader.health_changes(db, after=first, until=second)
        assert {row["source"]: row["state"] for row in changes} == ILL
        assert {row["was"] for row in changes} == {"ok"}
        assert {r["source"] for r in reader.health_changes(db, after=second, until=third)} == set(ILL)
        assert len(reader.health_changes(db, after=None, until=first)) == len(days.ILL)
    assert (now["down"], then["down"], then["never"]) == ("ok", "unreachable", "silent")


def test_what_was_told_outlives_a_rebuild(store: Store, office: Office) -> None:
    ids = [store.begin_run([office], at=at).id for at in ("2026-03-02T08:00:00.000Z", "2026-03-01T08:00:00.000Z")]
    assert reader.told(store.db, "mail") is None
    for run in ids:  # the clock was set back between them
        store.tell("mail", run, at="2026-03-02T09:00:00.000Z")
        store.derive_all()
        assert (reader.told(store.db, "mail"), reader.told(store.db, "feed")) == (run, None)


def test_a_visit_that_was_over_when_its_run_was_killed_is_none_of_the_next_run(store: Store, office: Office) -> None:
    column = Column(url="http://czj.example/nb/", parent=None, family="plain", list_pages=1, reports=5)
    visit = Visit(source=office.id, status="ok", columns=(column,))
    bare = replace(visit, columns=())
    runs = (
        ("2026-03-01T08", ("column",), visit),
        ("2026-03-02T08", ("column",), visit),
        ("2026-03-02T09", ("report",), bare),
    )
    for n, (hour, kinds, seen) in enumerate(runs):
        run = store.begin_run([office], at=f"{hour}:00:00.000Z")
        for kind in kinds:
            at, url = f"{hour}:01:00.000Z", column.url if kind == "column" else "http://czj.example/1"
            store.capture(Capture(run=run.id, source=office.id, at=at, url=url, kind=kind, outcome="new", body=b"1"))
        if n == 1:
            store.end_visit(run.id, seen)  # and then it is killed
        else:
            store.end_run(run.id, [seen], at=f"{hour}:02:00.000Z", status="finished")
    assert run.resumes
    assert not store.db.execute("SELECT * FROM health WHERE run = ?", (run.id,)).fetchall()


# --- crawls, rebuilds, merges ------------------------------------------------------------------------------------

OFFICES = [
    Office(id="czj", name="财政局", agency="云岫县财政局", region="", level="department", hosts=("czj.example",)),
    Office(id="zf", name="政府", agency="云岫县人民政府", region="", level="government", hosts=("zf.example",)),
    Office(id="mirror", name="m", agency="m", region="", level="department", hosts=(), copy_of="czj"),
]
PAGES = st.tuples(
    st.sampled_from("abc"), st.sampled_from(("czj", "zf")), st.sampled_from((2024, 2025)),
    st.sampled_from(("new", "new", "new", "failed", "gone")), st.booleans(), st.booleans(),
)  # fmt: skip
"""A page of a host, the year of its report, how it answered, whether it can be read, and whether its text comes late."""
STEPS = st.fixed_dictionaries(
    {
        "month": st.sampled_from(("2025-12", "2026-01", "2026-03", "2026-05", "2026-12", "2027-03")),
        "day": st.integers(1, 28),
        "source": st.sampled_from(("czj", "czj", "zf", "mirror")),
        "status": st.sampled_from(("ok", "ok", "ok", "partial", "thin", "empty", "resting", "unfinished")),
        "ends": st.sampled_from(("finished", "finished", "spent", "interrupted", None)),
        "list": st.sampled_from(("new", "new", "new", "failed", "blocked", "moved", "gone", None)),
        "named": st.sampled_from((0, 2, 2, 5)),
        "pages": st.lists(PAGES, max_size=4),
        "renamed": st.booleans(),
    }
)
"""One run: what it saw of one source, and whether an office was described anew before it."""


def lives(store: Store, steps: Sequence[dict[str, Any]], *, shuffled: Random) -> None:
    """Save what these runs saw; some texts come only after all of them."""
    late: dict[str, Text] = {}
    for step in steps:
        day = f"{step['month']}-{step['day']:02}"
        renamed = [replace(OFFICES[0], level="government" if step["renamed"] else "department"), *OFFICES[1:]]
        run = store.begin_run(renamed, at=f"{day}T08:00:00.000Z").id
        source, url = step["source"], f"http://{step['source']}.example/nb/"
        asked: Any = {"run": run, "source": source, "at": f"{day}T08:10:00.000Z"}
        if step["list"]:
            reason = "http://new.example/" if step["list"] == "moved" else None
            store.capture(Capture(url=url, kind="column", outcome=step["list"], reason=reason, body=b"list", **asked))
        for page, host, year, outcome, legible, is_late in step["pages"]:
            words = f"{page} {year} {legible}"
            body = f"{words}, said on {day}".encode() if outcome == "new" else None
            saved = store.capture(
                Capture(url=f"http://{host}.example/{page}", kind="report", outcome=outcome, body=body, **asked)
            )
            text = Text(
                cleaner="1", title="年报", agency=None, report_year=year, published_on=f"{year + 1}-02-0{len(words) % 7 + 1}",
                dates={}, is_report=legible, charset="utf-8", charset_why="utf-8", script="hans", flags=(), text=words, grids=(),
            )  # fmt: skip
            if saved.payload and is_late:
                late[saved.payload] = text
            elif saved.payload and store.needs_text(saved.payload, cleaner="1"):
                store.save_text(saved.payload, text)
        column = Column(url=url, parent=None, family="plain", list_pages=1, reports=step["named"])
        visit = Visit(source=source, status=step["status"], columns=(column,) if step["list"] == "new" else ())
        if step["ends"]:
            store.end_run(run, [visit], at=f"{day}T09:00:00.000Z", status=step["ends"])
    for payload in shuffled.sample(sorted(late), len(late)):
        store.save_text(payload, late[payload])


def rows(store: Store) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in store.db.execute("SELECT * FROM health")}


@given(steps=st.lists(STEPS, min_size=1, max_size=8), cut=st.integers(0, 8), shuffled=st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_crawls_rebuilds_and_merges_judge_alike(steps: list[dict[str, Any]], cut: int, shuffled: Random) -> None:
    with TemporaryDirectory() as folder:
        shards = [Path(folder, f"{name}.sqlite") for name in "ab"]
        for shard, own in zip(shards, (steps[:cut], steps[cut:]), strict=True):
            with Store(shard) as store:
                lives(store, own, shuffled=shuffled)
                made = rows(store)
                assert list(verify.faults(store.db)) == []
                store.derive_all()
                assert rows(store) == made
        told = []
        for order in (shards, shards[::-1]):
            with Store(Path(folder, f"{len(told)}.sqlite")) as store:
                for shard in order:
                    merge(store, shard, cleaner="1")
                told.append(rows(store))
                store.derive_all()
                assert rows(store) == told[-1]
        assert told[0] == told[1]


# --- the page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_tells_how_sources_are_and_what_to_do(crawled: Path, language: str) -> None:
    def get(words: str) -> str:
        answer = asyncio.run(datasette(crawled).client.get(f"/-/gongkai/health?lang={language}{words}"))
        return html.unescape(answer.text)

    words = health.words()
    now, in_time = get(""), get("&source=led")
    assert words["silent"]["advice"][language] in now
    assert words["moved"]["advice"][language] not in now
    assert words["moved"]["advice"][language] in in_time
    assert in_time.count("elsewhere.gov.example, which is not one of the source") == 1
