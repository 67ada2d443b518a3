"""Merging archives: any order gives the same rows, nothing comes twice, and nothing comes in part."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import gongkai

from archive import reader, verify
from archive.database import ArchiveError, connect
from archive.merge import OF_FORMS, OF_RUN, Merged, merge
from archive.records import Capture, Column, Office, Text, Visit
from archive.rows import CAPTURE
from archive.store import Store
from archive.tables import DERIVED, DERIVED_TABLES, OWN, TRUTH
from crawler.demo.county import County
from crawler.demo.server import serve
from crawler.run import Exit

OLD = sorted(Path(__file__).with_name("archives").glob("*.sqlite"))
WORDS = "依申请公开收到申请{}件，主动公开政府信息{}条。"


@dataclass(frozen=True, kw_only=True)
class Look:
    """One capture of a generated history: which page of which office showed which words, if any."""

    office: int
    page: int
    words: int | None


looks = st.builds(Look, office=st.integers(0, 1), page=st.integers(0, 2), words=st.one_of(st.none(), st.integers(0, 3)))
runs = st.tuples(st.booleans(), st.lists(looks, max_size=5))
histories = st.lists(st.lists(runs, min_size=1, max_size=3), min_size=3, max_size=3)
"""Three shards, each of some runs; a run says whether an office is described anew before it."""


def write(folder: Path, shards: Sequence[Sequence[tuple[bool, Sequence[Look]]]]) -> list[Path]:
    """Write the shards, their captures taking turns in time."""
    paths = []
    for shard, own in enumerate(shards):
        paths.append(folder / f"shard{shard}.sqlite")
        with Store(paths[-1]) as store:
            for number, (renamed, seen) in enumerate(own):
                day = f"2026-03-{number * len(shards) + shard + 1:02}T08:"
                names = [f"云岫县第{i}局{shard if renamed and i else ''}" for i in range(2)]
                offices = [
                    Office(id=f"o{i}", name=n, agency=n, region="999001", level="department", hosts=(f"o{i}.example",))
                    for i, n in enumerate(names)
                ]
                run = store.begin_run(offices, at=f"{day}00:00.000Z", label=f"{shard} {number}")
                for minute, look in enumerate(seen):
                    show(store, run.id, look, at=f"{day}00:{minute:02}.{shard:03}Z")
                visits = [Visit(source="o0", status="ok", columns=columns(store))]
                store.end_run(run.id, visits, at=f"{day}30:00.000Z", status="finished")
    return paths


def show(store: Store, run: str, look: Look, *, at: str) -> None:
    url = f"http://o{look.office}.example/{look.page}.html"
    gone = look.words is None
    body = None if gone else WORDS.format(look.words, look.page % 2).encode() * 20
    saved = store.capture(
        Capture(
            run=run, source=f"o{look.office}", url=url, at=at, kind="report", outcome="gone" if gone else "new",
            status=404 if gone else 200, body=body,
        )
    )  # fmt: skip
    if saved.payload and store.needs_text(saved.payload, cleaner="1"):
        text = Text(
            cleaner="1", title=f"{url}的报告", agency=None, report_year=2020 + look.page, published_on="2026-02-03",
            dates={}, is_report=True, charset="utf-8", charset_why="utf-8", script="hans", flags=(), grids=(),
            text=f"{url} {(body or b'').decode()}",
        )  # fmt: skip
        store.save_text(saved.payload, text)


def columns(store: Store) -> tuple[Column, ...]:
    pages = store.db.execute("SELECT url FROM pages ORDER BY url LIMIT 1").fetchall()
    return tuple(Column(url=url, parent=None, family="plain", list_pages=1, reports=2) for (url,) in pages)


def rows(db: sqlite3.Connection) -> dict[str, set[tuple[Any, ...]]]:
    """Give all that an archive knows, but for how its payloads are stored and which of the origins is its own."""
    queries = {table: f"SELECT * FROM {table}" for table in ("sources", "runs", "pages", *OF_RUN, *DERIVED)}
    queries |= {
        "captures": f"SELECT {', '.join(CAPTURE)} FROM captures",
        "origins": "SELECT DISTINCT origin FROM runs",
        "payloads": "SELECT sha256, length FROM payloads",
        "bodies": "SELECT sha256 FROM bodies JOIN payloads ON number = payload",
    }
    return {table: {tuple(row) for row in db.execute(query)} for table, query in queries.items()}


def join(into: Path, *shards: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Merge and prove the outcome; a new archive is made where there is none."""
    with Store(into) as store:
        for shard in shards:
            merge(store, shard, cleaner="1")
        assert list(verify.faults(store.db)) == []
        return rows(store.db)


@given(histories)
@settings(max_examples=8, deadline=None)
def test_any_order_gives_the_same(shards: list[list[tuple[bool, list[Look]]]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        a, b, c = write(folder, shards)
        whole = join(folder / "abc.sqlite", a, b, c)
        assert len(whole["runs"]) == sum(map(len, shards))
        assert join(folder / "abc.sqlite", b, a) == whole
        assert join(folder / "cba.sqlite", c, b, a) == whole
        join(folder / "bc.sqlite", b, c)
        assert join(a, folder / "bc.sqlite") == whole


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Two archives that share pages and payloads, three runs in each."""
    random = Random(5)
    drawn = [
        [(n == 1, [Look(office=random.randrange(2), page=page, words=random.randrange(4)) for page in range(3)])
         for n in range(3)]
        for _ in range(2)
    ]  # fmt: skip
    return write(tmp_path, drawn)


def test_the_text_made_where_a_payload_was_served_first_stands(tmp_path: Path) -> None:
    early, late = write(
        tmp_path, [[(False, [Look(office=0, page=0, words=1)])], [(False, [Look(office=1, page=0, words=1)])]]
    )
    for n, order in enumerate(((early, late), (late, early))):
        with Store(tmp_path / f"{n}.sqlite") as store:
            for path in order:
                merge(store, path, cleaner="1")
            assert [row["text"][:24] for row in store.db.execute("SELECT text FROM texts")] == [
                "http://o0.example/0.html"
            ]


def test_texts_of_another_cleaner_are_left_to_be_made(shards: list[Path], tmp_path: Path) -> None:
    with Store(tmp_path / "new.sqlite") as store:
        for path in shards:
            merge(store, path, cleaner="2")
        assert reader.sizes(store.db)["texts"] == 0
        served = store.db.execute("SELECT count(DISTINCT payload) FROM captures WHERE kind = 'report'").fetchone()[0]
        assert len(list(store.uncleaned(cleaner="2"))) == served > 3


def test_a_run_that_is_not_over_is_left_and_comes_when_it_is(shards: list[Path], tmp_path: Path) -> None:
    with Store(tmp_path / "new.sqlite") as store, Store(shards[0]) as crawling:
        run = crawling.begin_run([], at="2026-03-30T08:00:00.000Z")
        show(crawling, run.id, Look(office=0, page=0, words=3), at="2026-03-30T08:00:01.000Z")
        assert merge(store, shards[0], cleaner="1").left == (run.id,)
        assert list(verify.faults(store.db)) == []
        crawling.end_run(run.id, [], at="2026-03-30T09:00:00.000Z", status="finished")
        assert merge(store, shards[0], cleaner="1") == Merged(runs=1, known=3, captures=1, payloads=0, left=())


def test_a_damaged_payload_stops_it_and_no_run_comes_in_part(shards: list[Path], tmp_path: Path) -> None:
    with closing(sqlite3.connect(shards[0])) as db:
        (payload, run), *_ = db.execute(
            "SELECT payload, run FROM captures GROUP BY payload ORDER BY min(at) DESC LIMIT 1"
        ).fetchall()
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute(
            "UPDATE bodies SET frame = zeroblob(length(frame)) WHERE payload = (SELECT number FROM payloads WHERE sha256 = ?)",
            (payload,),
        )
        db.commit()
    with Store(tmp_path / "new.sqlite") as store:
        with pytest.raises(ArchiveError, match=rf"shard0\.sqlite: run {run}: .*payload {payload}: damaged"):
            merge(store, shards[0], cleaner="1")
        assert list(verify.faults(store.db)) == []
        assert store.db.execute("SELECT count(*) FROM captures WHERE run = ?", (run,)).fetchone()[0] == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE stored_captures SET status = 201", "altered after it ended"),
        ("UPDATE runs SET label = 'x'", "altered after it ended"),
        ("DELETE FROM visits", "altered after it ended"),
    ],
)
def test_a_rewritten_history_is_refused(shards: list[Path], tmp_path: Path, change: str, says: str) -> None:
    join(tmp_path / "whole.sqlite", *shards)
    with closing(sqlite3.connect(shards[0])) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute(change)
        db.commit()
    with Store(tmp_path / "new.sqlite") as store, pytest.raises(ArchiveError, match=says):
        merge(store, shards[0], cleaner="1")
    with closing(sqlite3.connect(shards[0])) as db:
        db.execute("UPDATE runs SET digest = replace(digest, substr(digest, 1, 8), '01234567')")
        db.commit()
    with (
        Store(tmp_path / "whole.sqlite") as store,
        pytest.raises(ArchiveError, match=r"whole\.sqlite.*01234567.*shard0\.sqlite.*rewritten"),
    ):
        merge(store, shards[0], cleaner="1")


DIES = """
import os, signal, sys
from itertools import count
from pathlib import Path
from archive import derive, merge
from archive.store import Store
told, steps, last = derive.pages, count(1), int(sys.argv[1])
def pages(db, page_ids):
    told(db, page_ids)
    if next(steps) == last:
        os.kill(os.getpid(), signal.SIGKILL)
with Store(Path(sys.argv[2])) as store:
    derive.pages = pages
    for path in sys.argv[3:]:
        merge.merge(store, Path(path), cleaner="1")
"""


def test_killed_in_the_midst_it_leaves_whole_runs_and_goes_on(shards: list[Path], tmp_path: Path) -> None:
    whole = join(tmp_path / "whole.sqlite", *shards)
    into = tmp_path / "killed.sqlite"
    for last in (1, 2, 3, 2):
        done = subprocess.run([sys.executable, "-c", DIES, str(last), into, *shards], check=False)
        assert done.returncode == -9
        with closing(connect(into)) as db:
            assert list(verify.faults(db)) == []
    assert 0 < len(rows(connect(into))["runs"]) < len(whole["runs"])
    assert join(into, *shards) == whole


@pytest.mark.soak
def test_killed_at_any_time_it_goes_on(shards: list[Path], tmp_path: Path) -> None:
    whole = join(tmp_path / "whole.sqlite", *shards)
    random = Random(9)
    for n in range(30):
        into = tmp_path / f"{n}.sqlite"
        process = subprocess.Popen([sys.executable, "-c", DIES, "0", into, *shards])
        with suppress(subprocess.TimeoutExpired):
            process.wait(random.uniform(0.2, 0.8))
        process.kill()
        process.wait()
        assert join(into, *shards) == whole


@pytest.mark.parametrize("old", OLD, ids=lambda path: path.stem)
def test_an_archive_of_an_older_schema_is_taken_from_a_copy(old: Path, tmp_path: Path) -> None:
    copy = shutil.copy(old, tmp_path / old.name)
    whole = join(tmp_path / "whole.sqlite", copy)
    assert copy.read_bytes() == old.read_bytes()
    assert join(tmp_path / "whole.sqlite", copy) == whole
    with Store(copy) as store:  # brought up to date in its place, it is still the same archive
        run = store.begin_run([], at="2026-12-01T08:00:00.000Z")
        store.end_run(run.id, [], at="2026-12-01T09:00:00.000Z", status="finished")
    grown = join(tmp_path / "whole.sqlite", copy)
    assert len(grown["runs"] - whole["runs"]) == 2  # this one, and the one that the old archive never ended
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith(".")} == set()


def test_every_table_is_merged_or_derived(shards: list[Path]) -> None:
    with closing(connect(shards[0])) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        tables -= {name for name in tables if name.startswith("report_search")}  # the index of report_texts
        of_run = {
            table for table in tables for row in db.execute(f"PRAGMA table_info({table})") if row["name"] == "run"
        }
    assert tables == {*TRUTH, *DERIVED_TABLES, *OF_FORMS, *OWN, "_sqlite_migrations", "sqlite_stat1"}
    assert of_run == {*OF_RUN, *OWN, "stored_captures", "health"}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    """Crawl sources of a small county by command, on some of its days, to an archive of the given name."""
    folder = tmp_path_factory.mktemp("county")
    with serve(County.make(offices=3, years=(2020, 2021))) as server:
        file = folder / "sources.toml"
        file.write_text(server.county.sources_toml(), encoding="utf-8")

        def crawl(name: str, *sources: str, days: Sequence[int]) -> Path:
            for day in days:
                server.day = day
                done = gongkai(
                    "crawl", *sources, "--archive", folder / name, "--sources", file, env={"http_proxy": server.url}
                )
                assert done.returncode == Exit.WELL, done.stdout
            return folder / name

        yield crawl


@pytest.mark.parametrize("days", [(1,), pytest.param((1, 2), marks=pytest.mark.soak)])
def test_shards_give_what_one_crawl_gives(county: Callable[..., Path], tmp_path: Path, days: Sequence[int]) -> None:
    name = f"{len(days)}-{{}}.sqlite".format
    whole = county(name("whole"), days=days)
    shards = [
        county(name(n), *sources, days=days)
        for n, sources in enumerate((("yunxiu_o001", "mirror_haoyun"), ("yunxiu_o002", "yunxiu_www")))
    ]
    merged = gongkai("merge", tmp_path / "m.sqlite", *shards)
    assert merged.returncode == Exit.WELL, merged.stderr
    assert merged.stdout.count(f"{len(days)} runs taken over, 0 known already") == 2
    query = """SELECT url, report_pages.source, standing, agency, year, title, published_on, withdrawn_on, versions,
                      payload FROM report_pages JOIN pages ON id = page"""
    with closing(connect(tmp_path / "m.sqlite")) as ours, closing(connect(whole)) as theirs:
        assert list(verify.faults(ours)) == []
        assert {tuple(row) for row in ours.execute(query)} == {tuple(row) for row in theirs.execute(query)}
        assert reader.coverage(ours) == reader.coverage(theirs)
        assert len(reader.coverage(ours)) > 3
