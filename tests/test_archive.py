"""The archive: what goes in comes out, nothing is lost, and what is derived follows from the truth."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import payloads, reader, verify
from archive.database import ArchiveError, LockedError, connect
from archive.health import due_on
from archive.records import Attachment, Capture, Office, Text
from archive.store import Run, Store
from archive.tables import DERIVED

DAY = "2026-03-{:02}T08:00:00.000Z"


@given(st.binary(max_size=5000), st.binary(max_size=5000), st.integers(0, 4999))
def test_a_payload_comes_back_alone_and_as_a_delta(body: bytes, base: bytes, cut: int) -> None:
    for new in (body, base[:cut] + body + base[cut:]):
        frame = payloads.pack(new, bases=[("base", base)])
        assert payloads.unpack(frame.data, base=base if frame.base else None) == new


def test_a_small_change_costs_little_in_a_page_and_in_a_large_file() -> None:
    for size in (50_000, 8_000_000):
        base = bytes((i * i * 7 + i // 251 * 13) % 251 for i in range(size // 100)) * 100
        new = base[: size // 2] + b"2026" + base[size // 2 :]
        frame = payloads.pack(new, bases=[("base", base)])
        assert frame.base == "base"
        assert len(frame.data) < size / 300


def test_a_wrong_base_is_an_error_and_never_other_bytes(store: Store, see: Callable[..., Any]) -> None:
    base, other = (b" ".join(payloads.digest(bytes([n, m])).encode() for n in range(30)) for m in (0, 1))
    see(other, at=DAY.format(1), url="http://other.example/")
    see(base, at=DAY.format(2))
    sha256 = see(base + b"new", at=DAY.format(3)).payload
    assert [row["base"] for row in store.db.execute("SELECT base FROM payloads ORDER BY number")] == [None, None, 2]
    store.db.execute("DROP TRIGGER guard_update_payloads")
    store.db.execute("UPDATE payloads SET base = 1 WHERE base = 2")
    with pytest.raises(ArchiveError, match=f"payload {sha256}: damaged"):
        reader.body_of(store.db, sha256)


def test_versions_reversion_withdrawal_and_return(store: Store, see: Callable[..., Any]) -> None:
    see(b"one", at=DAY.format(1))
    see(b"two", at=DAY.format(2))
    see(b"one", at=DAY.format(3))
    see(b"404", at=DAY.format(4), outcome="gone", status=404)
    page = reader.find_page(store.db, "http://czj.example/1.html")
    assert page
    versions = reader.versions(store.db, page["id"])
    assert [(v["n"], v["text"], v["captures"], v["reversions"]) for v in versions] == [
        (1, "one", 2, 1),
        (2, "two", 1, 0),
    ]
    assert [r["withdrawn_on"] for r in reader.coverage(store.db)] == [None]
    see(b"404", at=DAY.format(5), outcome="gone", status=404)
    assert [r["withdrawn_on"] for r in reader.coverage(store.db)] == ["2026-03-05"]
    see(b"one", at=DAY.format(6))
    assert [r["withdrawn_on"] for r in reader.coverage(store.db)] == [None]
    assert list(verify.faults(store.db)) == []


def test_noise_in_the_bytes_is_no_version(store: Store, see: Callable[..., Any]) -> None:
    for day, noise in enumerate(("counter 1", "counter 2"), start=1):
        see(noise.encode(), at=DAY.format(day), text="the same words")
    page = reader.find_page(store.db, "http://czj.example/1.html")
    assert page
    assert [v["captures"] for v in reader.versions(store.db, page["id"])] == [2]


def test_a_challenge_page_is_kept_and_never_a_version(store: Store, see: Callable[..., Any]) -> None:
    saved = see(b"<script>$_ts", at=DAY.format(1), outcome="blocked", status=412)
    assert reader.body_of(store.db, saved.payload) == b"<script>$_ts"
    assert reader.coverage(store.db) == []
    assert list(store.uncleaned(cleaner="1")) == []


def test_copies_are_kept_and_not_believed(store: Store, see: Callable[..., Any], office: Office) -> None:
    mirror = Office(id="mirror", name="m", agency="m", region="", level="department", hosts=(), copy_of="czj")
    store.begin_run([office, mirror], at=DAY.format(1))
    see(b"copy", at=DAY.format(2), url="http://mirror.example/1.html", source="mirror", agency=None)
    assert reader.coverage(store.db) == []
    see(b"original", at=DAY.format(3))
    assert [(r["agency"], r["pages"]) for r in reader.coverage(store.db)] == [("云岫县财政局", 1)]
    assert [c["standing"] for c in reader.carriers(store.db)] == ["official", "copy"]


def test_a_changed_description_of_a_source_is_followed(store: Store, see: Callable[..., Any]) -> None:
    see(b"one", at=DAY.format(1), agency="县财政局")
    moved = Office(
        id="czj", name="n", agency="青石县财政局", region="999002", level="department", hosts=("czj.example",)
    )
    store.begin_run([moved], at=DAY.format(2))
    assert [(r["agency"], r["region"]) for r in reader.coverage(store.db)] == [("青石县财政局", "999002")]
    assert list(verify.faults(store.db)) == []


@pytest.mark.parametrize(
    ("year", "level", "due"),
    [
        (2018, "department", "2019-03-31"),
        (2019, "department", "2020-01-31"),
        (2019, "government", "2020-03-31"),
        (2008, "government", "2009-03-31"),
    ],
)
def test_due(year: int, level: str, due: str) -> None:
    assert due_on(year, level=level).isoformat() == due


def test_a_run_cut_off_is_taken_up_and_an_old_or_finished_one_is_not(
    store: Store, run: Run, see: Callable[..., Any], office: Office
) -> None:
    see(b"one", at=DAY.format(1))
    see(b"", at=DAY.format(1), url="http://czj.example/down.html", outcome="failed", status=500)
    second = store.begin_run([office], at="2026-03-01T09:00:00.000Z")
    assert (second.resumes, second.captured) == (run.id, {"http://czj.example/1.html"})
    third = store.begin_run([office], at="2026-03-01T10:00:00.000Z")
    assert (third.resumes, third.captured) == (second.id, {"http://czj.example/1.html"})
    store.end_run(third.id, [], at="2026-03-01T11:00:00.000Z", status="finished")
    assert store.begin_run([office], at="2026-03-01T12:00:00.000Z").resumes is None
    assert store.begin_run([office], at=DAY.format(5)).resumes is None
    states = dict(store.db.execute("SELECT id, status FROM runs").fetchall())
    assert [states[r] for r in (run.id, second.id, third.id)] == ["killed", "killed", "finished"]


def test_a_changed_byte_is_found_and_named(store: Store, see: Callable[..., Any]) -> None:
    saved = see(b"the words of a report" * 20, at=DAY.format(1))
    (frame,) = store.db.execute("SELECT frame FROM bodies").fetchone()
    store.db.execute("DROP TRIGGER guard_update_bodies")
    for place in range(0, len(frame), 7):
        broken = frame[:place] + bytes([frame[place] ^ 1]) + frame[place + 1 :]
        store.db.execute("UPDATE bodies SET frame = ?", (broken,))
        assert any(saved.payload in fault for fault in verify.faults(store.db)), place


def test_derived_rows_that_do_not_follow_are_named(store: Store, see: Callable[..., Any]) -> None:
    see(b"one", at=DAY.format(1))
    store.db.execute("UPDATE reports SET year = 1999")
    (fault,) = verify.faults(store.db)
    assert "year is 1999, expected 2020" in fault


def test_one_writer(store: Store) -> None:
    with pytest.raises(LockedError, match=r"a\.sqlite: locked by process \d+"), Store(store.path):
        pass


def test_what_is_not_ours_is_refused_and_left_untouched(tmp_path: Path) -> None:
    other, noise = tmp_path / "other.sqlite", tmp_path / "noise.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    noise.write_bytes(b"not a database at all, but long enough to be read as one" * 20)
    for path in (other, noise):
        before = path.read_bytes()
        with pytest.raises(ArchiveError, match="not a"), Store(path):
            pass
        with pytest.raises(ArchiveError, match="not a"):
            connect(path)
        assert path.read_bytes() == before
    with pytest.raises(ArchiveError, match="no such archive"):
        connect(tmp_path / "missing.sqlite")


def test_an_archive_of_another_gongkai_is_refused(store: Store) -> None:
    store.db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('gongkai', 'later', '')")
    path = store.path
    store.__exit__(None, None, None)
    with pytest.raises(ArchiveError, match="another gongkai"), Store(path):
        pass


def test_rooms_stand_one_behind_the_other() -> None:
    for room, forbidden in (
        ("archive", ("scrapy", "trafilatura", "pipelines", "crawler")),
        ("pipelines", ("scrapy", "crawler")),
    ):
        code = (
            f"import importlib, pkgutil, sys, {room}\n"
            f"for m in pkgutil.walk_packages({room}.__path__, '{room}.'):\n"
            "    importlib.import_module(m.name)\n"
            f"sys.exit(', '.join(sorted(set({forbidden!r}) & set(sys.modules))) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{room} imports {done.stderr}"


def test_lines_that_change_with_every_fetch_make_no_versions(store: Store, see: Callable[..., Any]) -> None:
    """What no rule knows is learned of its repetition; an edit beside it is a version still, and so in any order."""
    for day in range(1, 20):
        for page in (1, 2, 3):
            received = 29 if (page, day > 4) == (2, True) else 28
            words = f"第{page}份报告，全年收到申请{received}件。\n已有{day * 37 + page}人读过本页"
            see(words.encode(), at=DAY.format(day), url=f"http://czj.example/{page}.html")
    versions = "SELECT url, count(*) FROM versions JOIN pages ON pages.id = page GROUP BY url ORDER BY url"
    found = [tuple(row) for row in store.db.execute(versions)]
    assert found == [(f"http://czj.example/{page}.html", n) for page, n in ((1, 1), (2, 2), (3, 1))]
    before = {table: set(map(tuple, store.db.execute(f"SELECT * FROM {table}"))) for table in DERIVED}
    assert before["volatile_lines"] == {("czj.example", "已有人读过本页")}
    store.derive_all()
    assert {table: set(map(tuple, store.db.execute(f"SELECT * FROM {table}"))) for table in DERIVED} == before


def test_a_document_replaced_while_its_page_is_not_modified_makes_a_version(
    store: Store, office: Office, text: Callable[..., Text]
) -> None:
    url, file = "http://czj.example/1.html", Attachment(url="http://czj.example/1.doc", label="附件")
    for day, page, document in ((1, b"1", b"old"), (2, None, b"old"), (3, None, b"new")):
        fields = {"run": store.begin_run([office], at=DAY.format(day)).id, "source": "czj", "at": DAY.format(day)}
        outcome = "new" if page else "not-modified"
        shown = store.capture(Capture(**fields, url=url, kind="report", outcome=outcome, body=page)).payload
        if shown:
            store.save_text(shown, text("1", attachments=(file,)))
        fields |= {"kind": "attachment", "outcome": "new", "referrer": url}
        said = store.capture(Capture(**fields, url=file.url, body=document)).payload
        if said and store.needs_text(said, cleaner="1"):
            store.save_text(said, text(document.decode(), is_report=False))
        store.end_run(fields["run"], [], at=DAY.format(day), status="finished")
    (first, second) = store.db.execute("SELECT payload, first_seen, last_seen FROM versions ORDER BY n").fetchall()
    assert first["payload"] == second["payload"] is not None
    assert (first["last_seen"], second["first_seen"]) == (DAY.format(2), DAY.format(3))
