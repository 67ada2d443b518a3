"""Searching finds what LIKE finds, all of it and nothing else, in an index that is never out of step with the archive."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import many
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import gongkai

from archive import reader, search, verify
from archive.database import connect
from archive.merge import merge
from archive.records import Attachment, Capture, Office
from archive.rows import of_text
from archive.store import Run, Store

CASES = tomllib.loads(Path(__file__).with_name("cases").joinpath("search.toml").read_text(encoding="utf-8"))
OLD = sorted(Path(__file__).with_name("archives").glob("*.sqlite"))
ALL = -1
LIKE = """SELECT DISTINCT page FROM report_texts r JOIN stored_texts t ON t.number = r.text
          WHERE r.title LIKE :like ESCAPE '!' OR r.agency LIKE :like ESCAPE '!' OR t.text LIKE :like ESCAPE '!'"""


ONCE = pytest.mark.xdist_group("search")  # one worker makes the archive, once


@pytest.fixture(
    scope="module",
    params=[pytest.param((2000, 200), marks=ONCE), pytest.param((20_000, 1500), marks=(ONCE, pytest.mark.soak))],
    ids=["few", "many"],
)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """Generated reports: 2,000 short ones, in the long trials 20,000 as long as real ones."""
    reports, characters = request.param
    path = Path(tmp_path_factory.mktemp("search"), "a.sqlite")
    with Store(path) as store:
        for _ in many.fill(store, reports=reports, characters=characters):
            pass
    with closing(connect(path)) as db:
        yield db


def queries(db: sqlite3.Connection, *, count: int, longest: int) -> Iterator[str]:
    """Cut words of 2 characters and more out of texts, wherever they stand; some are then altered, and stand nowhere."""
    dice = Random(8)
    texts = [text for (text,) in db.execute("SELECT text FROM stored_texts ORDER BY number")]
    while count:
        text = dice.choice(texts)
        start = dice.randrange(len(text) - longest)
        query = text[start : start + dice.randint(2, longest)]
        if dice.random() < 0.1:
            query = query[::-1]
        if query.split() == [query] and any(map(str.isalnum, query)) and not set(query) & set('"“”'):
            count -= 1
            yield query


def like(db: sqlite3.Connection, words: str) -> set[str]:
    escaped = "".join(f"!{sign}" if sign in "!%_" else sign for sign in words)
    return {page for (page,) in db.execute(LIKE, {"like": f"%{escaped}%"})}


def pages(db: sqlite3.Connection, query: str) -> set[str]:
    return {hit.page for hit in search.find(db, query, limit=ALL)}


def test_it_finds_what_like_finds(archive: sqlite3.Connection) -> None:
    for query in queries(archive, count=200, longest=8):
        wanted = like(archive, query)
        assert pages(archive, query) == wanted, query
        assert search.count(archive, query) == len(wanted), query
        indexed = "SELECT page FROM report_texts WHERE number IN (SELECT rowid FROM report_search WHERE report_search MATCH ?)"
        plainly = {page for (page,) in archive.execute(indexed, (search.match(query),))}
        assert plainly == wanted if query.isalnum() else plainly >= wanted, query


def test_single_characters_and_several_words_too(archive: sqlite3.Connection) -> None:
    words = list(queries(archive, count=40, longest=2))
    for one, other in zip(words[::2], words[1::2], strict=True):
        if one[0].isalnum():
            assert pages(archive, one[0]) == like(archive, one[0])
            assert pages(archive, f"{one[0]} {other}") == like(archive, one[0]) & like(archive, other)


def test_filters_narrow_it_and_pages_follow_each_other(archive: sqlite3.Connection) -> None:
    everything = search.find(archive, "年", limit=ALL)
    assert len(everything) == search.count(archive, "年") > 100
    assert len({hit.page for hit in everything}) == len(everything)
    assert [
        hit for start in range(0, len(everything), 97) for hit in search.find(archive, "年", limit=97, offset=start)
    ] == everything
    for only in ({"year": 2020}, {"region": "99900"}, {"region": "999003", "kind": "government"}, {"standing": "copy"}):
        hits = search.find(archive, "年", limit=ALL, **only)
        assert hits == [
            h for h in everything if all(str(getattr(h, key)).startswith(str(value)) for key, value in only.items())
        ]
        assert len(hits) == search.count(archive, "年", **only)
        assert only == {"region": "99900"} or 0 < len(hits) < len(everything)


@pytest.mark.parametrize("case", CASES["found"], ids=lambda case: case["query"])
def test_what_is_found(case: dict[str, Any], see: Callable[..., Any], store: Store) -> None:
    see(b"1", at="2026-03-01T08:00:00.000Z", text=case["text"], title=case.get("title", "报告"), agency=None)
    hits = search.find(store.db, case["query"])
    assert len(hits) == search.count(store.db, case["query"]) == int(case["found"])
    for hit in hits:
        for part, places, wanted in ((hit.title, hit.title_marks, "title_marked"), (hit.snippet, hit.marks, "marked")):
            assert [part[start:end] for start, end in places] == case.get(wanted, []), wanted


def test_a_snippet_is_the_place_where_most_words_stand(see: Callable[..., Any], store: Store) -> None:
    words = "就业。" + "一" * 300 + "。\n| 就业 | 培训 |\n" + "二" * 300
    see(b"1", at="2026-03-01T08:00:00.000Z", text=words)
    (hit,) = search.find(store.db, "培训 就业")
    assert hit.snippet[0] == hit.snippet[-1] == "…"
    assert [hit.snippet[start:end] for start, end in hit.marks] == ["就业", "培训"]
    assert search.marks(words, "培训 就业") == ((0, 2), (307, 309), (312, 314))


def test_it_is_in_step_with_every_change(
    see: Callable[..., Any], store: Store, run: Run, text: Callable[..., Any]
) -> None:
    days = (f"2026-03-{day:02}T08:00:00.000Z" for day in range(1, 10))

    def shows(*words: str) -> None:
        for word in ("甲乙", "丙丁", "附件内", "戊己", "庚辛"):
            assert search.count(store.db, word) == (word in words), word
        assert list(verify.faults(store.db)) == []

    file = Attachment(url="http://czj.example/1.pdf", label="附件")
    see("甲乙".encode(), at=next(days))
    shows("甲乙")
    see("丙丁".encode(), at=next(days))  # the page was edited
    shows("丙丁")
    see("甲乙".encode(), at=next(days))  # and put back
    shows("甲乙")
    saved = see("戊己".encode(), at=next(days), attachments=(file,))
    shows("戊己")
    answer = Capture(
        run=run.id, source="czj", url=file.url, referrer="http://czj.example/1.html", at=next(days), kind="attachment",
        outcome="new", body=b"%PDF",
    )  # fmt: skip
    store.save_text(store.capture(answer).payload or "", text("附件内", is_report=False))
    shows("戊己", "附件内")
    store.save_text(saved.payload, text("庚辛", attachments=(file,)))  # cleaned otherwise
    shows("庚辛", "附件内")
    assert {hit.n for hit in search.find(store.db, "附件内")} == {1}
    assert {hit.n for hit in search.find(store.db, "庚辛")} == {0}
    see(None, at=next(days), outcome="gone", status=404)
    shows("庚辛", "附件内")
    store.derive_all()
    shows("庚辛", "附件内")
    store.save_text(saved.payload, text("庚辛", is_report=False))  # then the page's last report is the one before it
    shows("甲乙")


def test_an_office_that_is_described_anew_is_found_so(see: Callable[..., Any], store: Store, office: Office) -> None:
    see(b"1", at="2026-03-01T08:00:00.000Z", agency=None)
    store.begin_run([replace(office, agency="云岫县审计局", region="998001")], at="2026-03-02T08:00:00.000Z")
    assert [hit.region for hit in search.find(store.db, "审计局")] == ["998001"]
    assert list(verify.faults(store.db)) == []


def hits(db: sqlite3.Connection) -> list[search.Hit]:
    return [
        hit for query in ("年", "人民政府", "就", "政府信息 2020", "1") for hit in search.find(db, query, limit=ALL)
    ]


def test_a_rebuild_and_a_merge_find_what_the_crawl_found(tmp_path: Path) -> None:
    with Store(tmp_path / "a.sqlite") as store:
        texts = [*many.fill(store, reports=60, characters=500)]
        crawled = hits(store.db)
        assert len(crawled) > 100
        for item in reversed([*store.uncleaned(cleaner="2")]):
            text = texts[int(item.url.rpartition("/")[2].removesuffix(".html"))]
            store.save_texts([(item.payload, of_text(replace(text, cleaner="2")))])
            assert hits(store.db) == crawled
        store.derive_all()
        assert hits(store.db) == crawled
        with Store(tmp_path / "joined.sqlite") as joined:
            for _ in range(2):
                merge(joined, store.path, cleaner="2")
                assert hits(joined.db) == crawled
                assert list(verify.faults(joined.db)) == []


@pytest.mark.parametrize("old", OLD, ids=lambda path: path.stem)
def test_an_old_archive_gets_its_index(old: Path, tmp_path: Path) -> None:
    with Store(Path(shutil.copy(old, tmp_path))) as store:
        searched = store.db.execute("SELECT count(DISTINCT page) FROM report_texts").fetchone()[0]
        assert searched == len(reader.carriers(store.db)) > 0
        assert search.count(store.db, "公开") == searched


DAMAGE = {
    "is not searched": "DELETE FROM report_texts WHERE number = 1",
    "is searched but is not": "UPDATE report_texts SET year = 1999",
    "counts 2 words otherwise": "INSERT INTO report_search (rowid, text, title, agency) VALUES (1, '甲乙 乙', '', '')",
}


@pytest.mark.parametrize("fault", DAMAGE)
def test_verify_names_an_index_that_is_out_of_step(see: Callable[..., Any], store: Store, fault: str) -> None:
    see(b"1", at="2026-03-01T08:00:00.000Z")
    store.db.execute(DAMAGE[fault])
    assert any(fault in found for found in verify.faults(store.db))
    store.derive_all()
    assert list(verify.faults(store.db)) == []


@given(text=st.text(alphabet=st.sampled_from("政府信息公开1aB_ 。、\n𠀀é\ud800") | st.characters()))
def test_the_index_has_each_character_of_a_word_with_the_next(text: str) -> None:
    words = re.findall(r"[^\W_]+", text)
    assert search.grams(text).split() == [word[n : n + 2] for word in words for n in range(len(word))]


@pytest.mark.parametrize(
    "query", ["", " ", '"', '""', "+", "*", "a OR", "NEAR(", "{", "\x00", "\ud800", "^", "-", "公" * 9999, "公 " * 9999]
)
def test_no_query_is_an_error(see: Callable[..., Any], store: Store, query: str) -> None:
    see("公".encode(), at="2026-03-01T08:00:00.000Z")
    assert len(search.find(store.db, query)) == search.count(store.db, query)


def test_it_is_an_ordinary_table_of_datasette(archive: sqlite3.Connection) -> None:
    """The search box of Datasette asks so, with `escape_fts` from a plugin."""
    path = archive.execute("PRAGMA database_list").fetchone()["file"]
    with closing(sqlite3.connect(path)) as db:
        db.create_function("escape_fts", 1, search.match)
        query = "SELECT title FROM report_texts WHERE number IN (SELECT rowid FROM report_search WHERE report_search MATCH escape_fts(?))"
        assert db.execute(query, ("政府 2020",)).fetchall()


def test_the_command_finds_and_shows(demo: tuple[str, Path]) -> None:
    done = gongkai("search", "就業", "培训", "--archive", demo[1])
    assert done.returncode == 0
    shown = done.stdout.splitlines()
    assert "云岫县人力资源和社会保障局" in shown[0]
    assert "就业" in done.stdout
    assert int(shown[-1].split()[0]) > 1
    narrowed = gongkai(
        "search",
        "就业",
        "--year",
        1999,
        "--region",
        "999",
        "--agency-kind",
        "department",
        "--copies",
        "--archive",
        demo[1],
    )
    assert narrowed.stdout.splitlines() == ["0 pages of reports"]
