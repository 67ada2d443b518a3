"""An archive that was altered, rotted or cut off: what is wrong is found and named, and nothing that was kept is lost."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sites
from click.testing import CliRunner
from support import GONGKAI, gongkai
from year.crawls import Here

from archive import chain, reader, verify
from archive.database import ArchiveError, connect
from archive.merge import merge as take
from archive.records import Capture, Column, Office, Text, Visit
from archive.rows import TextRows, bond
from archive.store import Store
from archive.tables import DERIVED, DERIVED_TABLES, TRUTH
from crawler.cli import main
from crawler.importing import Imported, import_file
from crawler.run import Exit
from crawler.schedule import LONGEST
from pipelines import rebuild as remaking
from pipelines.clean import CLEANER

RUN = "(SELECT id FROM runs ORDER BY started_at LIMIT 1 OFFSET {})"
FIRST, SECOND, LAST = (RUN.format(n) for n in range(3))
LISTS = ("http://o0.example/column/12", "http://o1.example/column/13")
LATE = "2036-03-01T08:00:00.000Z"
NEWEST = "(SELECT id FROM runs ORDER BY started_at DESC LIMIT 1)"
OFFICES = tuple(f"office{n}" for n in range(4))
LATEST = sites.YEARS[-1] + 1
FORGOTTEN = (
    "DELETE FROM visits WHERE run = {0}; DELETE FROM columns WHERE run = {0};"
    "DELETE FROM stored_captures WHERE run = (SELECT number FROM strings WHERE text = {0});"
)


@pytest.fixture
def three(store: Store, office: Office, text: Callable[..., Text]) -> Path:
    """An archive of three finished runs of eight pages each, with free pages in the file, at rest."""
    for day in (1, 2, 3):
        at = f"2026-03-0{day}T08:00:00.000Z"
        run = store.begin_run([office], at=at, label="l").id
        for n in range(8):
            words = f"第{n}页，第{day % 2}稿。" + "".join(
                chr(0x4E00 + Random(f"{n} {i}").randrange(5000)) for i in range(600)
            )
            saved = store.capture(
                Capture(run=run, source="czj", url=f"http://czj.example/{n}.html", at=at, kind="report", outcome="new",
                        status=200, reason="r", headers=(("date", format_datetime(datetime(2026, 3, day, 8, tzinfo=UTC), usegmt=True)), ("etag", "x")), body=words.encode(), referrer="http://czj.example/", anchor="a")
            )  # fmt: skip
            if saved.payload and store.needs_text(saved.payload, cleaner="1"):
                store.save_text(saved.payload, text(words, report_year=2000 + n))
        column = Column(url="http://czj.example/1.html", parent=None, family="x", list_pages=1, reports=8)
        store.end_run(run, [Visit(source="czj", status="ok", columns=(column,))], at=at, status="finished")
    store.db.execute("CREATE TABLE filler AS SELECT frame FROM bodies")
    store.db.execute("DROP TABLE filler")
    path = store.path.with_name("three.sqlite")
    store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(store.path, path)
    assert found(path) == []
    return path


def found(path: Path, **how: Any) -> list[str]:
    with closing(connect(path)) as db:
        return list(verify.faults(db, **how))


def alter(path: Path, script: str) -> None:
    """Alter an archive as somebody does who knows SQLite, and not our guard."""
    with closing(sqlite3.connect(path)) as db:
        for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.executescript(script)


# --- altered -----------------------------------------------------------------------------------------------------


def test_every_column_of_the_truth_is_covered(three: Path) -> None:
    with closing(connect(three)) as db:
        columns = [(t, row["name"], row["type"]) for t in TRUTH for row in db.execute(f"PRAGMA table_info({t})")]
    other = {
        "TEXT": "coalesce({0}, '') || 'x'", "INTEGER": "coalesce({0}, 0) + 1000", "REAL": "{0} + 1",
        "BLOB": "substr({0}, 2)", "ANY": "{0} + 1",
    }  # fmt: skip
    missed = set()
    copy = three.with_name("altered.sqlite")
    alter(three, "")
    for table, column, kind in columns:
        shutil.copy(three, copy)
        value = other[kind].format(column)
        alter(copy, f"UPDATE {table} SET {column} = {value} WHERE rowid = (SELECT min(rowid) FROM {table})")
        if not [fault for fault in found(copy) if not fault.startswith("schema: trigger")]:
            missed.add(f"{table}.{column}")
    # What is said of a source follows its file, and may change; no row refers to a capture by its number.
    assert {column for column in missed if not column.startswith("sources.")} == {"stored_captures.number"}


ALTERED = {
    "a run in the middle is taken away": (
        FORGOTTEN.format(SECOND) + f"DELETE FROM runs WHERE id = {SECOND}",
        r"run \w+-\w+: the run before it, sealed \w{16}, is not in the archive",
    ),
    "the last run is taken away": (
        FORGOTTEN.format(LAST) + f"DELETE FROM runs WHERE id = {LAST}",
        r"head \w{16}:\w{16}: is not in the chain of archive \w{16}: 2 runs there end in \w{16}",
    ),
    "all runs are taken away": (
        "".join(f"DELETE FROM {table};" for table in (*DERIVED_TABLES, *TRUTH) if table not in ("sources", "origins")),
        r"head \w{16}:\w{16}: is not in the chain of archive \w{16}: none of its runs is here",
    ),
    "two captures change places": (
        """CREATE TEMP TABLE two AS SELECT number, payload FROM stored_captures ORDER BY number DESC LIMIT 2;
        UPDATE stored_captures SET payload = (SELECT payload FROM two WHERE two.number != stored_captures.number)
        WHERE number IN (SELECT number FROM two)""",
        r"run \w+-\w+: it or its visits, columns or captures were altered after it ended",
    ),
    "two runs change places": (
        """CREATE TEMP TABLE two AS SELECT id, started_at FROM runs ORDER BY started_at LIMIT 2;
        UPDATE runs SET started_at = (SELECT started_at FROM two WHERE two.id != runs.id) WHERE id IN (SELECT id FROM two)""",
        r"run \w+-\w+: it or its visits, columns or captures were altered after it ended",
    ),
    "a capture is put in": (
        """CREATE TEMP TABLE one AS SELECT * FROM stored_captures WHERE number = 1;
        UPDATE one SET number = NULL, id = 7, attempt = 9;
        INSERT INTO stored_captures SELECT * FROM one""",
        r"run \w+-\w+: it or its visits, columns or captures were altered after it ended",
    ),
    "a seal is taken off": (
        f"UPDATE runs SET digest = NULL WHERE id = {LAST}",
        r"run \w+-\w+: is finished and not sealed",
    ),
    "a reference leads nowhere": (
        "DELETE FROM pages WHERE rowid = 1",
        r"versions row \d+: its page is '\w{16}', which is not in pages",
    ),
    "a payload is put in": (
        "INSERT INTO payloads SELECT 99, upper(sha256), length, scope, base FROM payloads LIMIT 1",
        r"payload \w{64} \(no capture refers to it\): its bytes are not in the archive",
    ),
    "what a payload stands on is gone": (
        "UPDATE payloads SET base = 0 WHERE number = 2",
        r"payload \w{64} .*: payload of number 0: its bytes are not in the archive",
    ),
    "a derived row says something else": (
        "UPDATE versions SET captures = 7 WHERE rowid = (SELECT max(rowid) FROM versions)",
        r"versions \w{16}, \d \(http://czj.example/\d+.html\): captures is 7, expected \d",
    ),
    "a derived row is missing": (
        "DELETE FROM reports WHERE rowid = (SELECT max(rowid) FROM reports)",
        r"reports \w{16} \(http://czj.example/7.html\): is missing",
    ),
    "an index is gone": ("DROP INDEX payloads_name", r"schema: index payloads_name: is None, expected 'CREATE INDEX"),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_named(three: Path, what: str) -> None:
    script, says = ALTERED[what]
    with closing(connect(three)) as db:
        known = [(head.origin, head.digest) for head in chain.heads(db)]
    alter(three, script)
    faults = found(three, known=known)
    assert any(re.match(says, fault) for fault in faults), "\n".join(faults)
    with closing(connect(three)) as db:
        for (payload,) in db.execute("SELECT sha256 FROM payloads").fetchall():
            given(reader.body_of, db, payload)


def test_a_run_put_in_between_is_seen_as_a_fork(three: Path) -> None:
    alter(
        three,
        f"""INSERT INTO runs SELECT 'in-between', '2026-03-02T09:00:00.000Z', ended_at, status, resumes, label,
                     origin, previous, 'x', imported_from FROM runs WHERE id = {LAST}""",
    )
    with closing(sqlite3.connect(three)) as db:
        db.row_factory = sqlite3.Row
        (previous,) = db.execute("SELECT previous FROM runs WHERE id = 'in-between'").fetchone()
        made = chain.digest(db, "in-between", previous)
        db.execute("UPDATE runs SET digest = ? WHERE id = 'in-between'", (made,))
        db.commit()
        assert [fork for fork in chain.forks(db) if "in-between" in fork]
        assert len(chain.heads(db)) == 2


def test_a_clock_set_back_breaks_no_chain(store: Store, office: Office) -> None:
    for at in ("2026-03-05T08", "2026-03-03T08", "2026-03-04T08", "2026-03-04T08"):
        run = store.begin_run([office], at=f"{at}:00:00.000Z")
        store.end_run(run.id, [], at=f"{at}:01:00.000Z", status="finished")
    assert [head.runs for head in chain.heads(store.db)] == [4]
    assert list(chain.forks(store.db)) == list(verify.faults(store.db)) == []


def test_truth_is_not_altered_by_mistake(three: Path) -> None:
    with Store(three) as store:
        for table in TRUTH[2:]:
            for deed in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid"):
                with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                    store.db.execute(deed)


def test_a_sample_names_what_is_wrong_in_it_and_comes_again(three: Path) -> None:
    alter(
        three,
        "UPDATE bodies SET frame = X'00'; UPDATE stored_texts SET text = text || '。'; UPDATE stored_captures SET id = id + 1",
    )
    for how in ({"count": 2}, {"share": 0.1}):
        faults = found(three, sample=verify.Sample(seed=1, **how))
        assert (
            faults
            == found(three, sample=verify.Sample(seed=1, **how))
            != found(three, sample=verify.Sample(seed=2, **how))
        )
        for kind in ("payload ", "text of payload ", "capture ", "run "):
            assert 1 <= sum(fault.startswith(kind) for fault in faults) <= 4, (kind, faults)


def test_verify_by_command(three: Path, tmp_path: Path) -> None:
    def run(*words: object) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["verify", "--archive", str(three), *map(str, words)])
        assert isinstance(done.exception, SystemExit | None), done.exception
        return done.exit_code, done.output

    code, output = run()
    assert (code, "all as it must be" in output) == (Exit.WELL, True)
    noted = tmp_path / "noted.txt"
    noted.write_text(output)
    (head,) = re.findall(r"head (\w{16}:\w{64})  3 runs", output)
    assert run("--head", noted, "--head", head[:40])[0] == Exit.WELL
    assert run("--head", head[:20] + "0" * 20)[0] == Exit.SOME_FAILED
    code, output = run("--sample", "50%", "--head", noted)
    assert (code, "a sample of 50%, --seed " in output) == (Exit.WELL, True)
    (tmp_path / "gbk").write_text("无", encoding="gbk")
    for wrong in ("--sample 0", "--sample 101%", "--sample x", f"--head {tmp_path}/none", f"--head {tmp_path}/gbk"):
        assert run(*wrong.split())[0] == Exit.MISUSE


@pytest.mark.parametrize("words", ["verify", "show http://czj.example/1.html"])
def test_a_schema_that_is_no_utf8_is_told(three: Path, words: str) -> None:
    """SQLite quotes it in what it says, which Python's sqlite3 cannot read."""
    alter(
        three,
        """PRAGMA writable_schema = ON;
        UPDATE sqlite_master SET sql = replace(sql, 'replace(', CAST(X'7293706C61636528' AS TEXT)) WHERE name = 'captures'""",
    )
    done = CliRunner().invoke(main, [*words.split(), "--archive", str(three)])
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == Exit.SOME_FAILED


# --- rotted ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", [*range(12), *(pytest.param(n, marks=pytest.mark.soak) for n in range(12, 100))])
def test_a_changed_byte_is_found_or_harmless(three: Path, trial: int) -> None:
    assert_no_harm(three, trial)


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(200))
def test_a_changed_byte_of_the_demo_is_found_or_harmless(demo: tuple[str, Path], tmp_path: Path, trial: int) -> None:
    assert_no_harm(at_rest(demo[1], tmp_path / "a.sqlite"), trial)


def assert_no_harm(sound: Path, trial: int) -> None:
    """Change one byte: it must be found and named, or leave every row as it was; no wrong text is ever given out."""
    random = Random(trial)
    rotten = sound.with_name("rotten.sqlite")
    contents = bytearray(sound.read_bytes())
    place, where = byte_of(sound, random, len(contents))
    contents[place] ^= random.randrange(1, 256)
    rotten.write_bytes(contents)
    said = CliRunner().invoke(main, ["verify", "--archive", str(rotten)])
    assert isinstance(said.exception, SystemExit | None), (place, where, said.exception)
    assert said.exit_code in (Exit.WELL, Exit.SOME_FAILED, Exit.MISUSE)
    with closing(connect(sound)) as good:
        try:
            bad = connect(rotten)
        except (ArchiveError, sqlite3.DatabaseError):
            assert said.exit_code != Exit.WELL, (place, where)
            return
        with closing(bad):
            if said.exit_code == Exit.WELL:
                assert rows_of(bad) == rows_of(good), (place, where)
            for (payload,) in good.execute("SELECT sha256 FROM payloads"):
                assert given(reader.body_of, bad, payload) in (None, reader.body_of(good, payload)), (place, where)
            for (payload,) in good.execute("SELECT payload FROM texts"):
                assert given(reader.text_of, bad, payload) in (None, reader.text_of(good, payload)), (place, where)
            pages = [
                tuple(row) for row in good.execute("SELECT id, url FROM pages WHERE id IN (SELECT page FROM versions)")
            ]
            for page, _ in pages:
                texts = {version["text"] for version in reader.versions(good, page)}
                assert {version["text"] for version in given(reader.versions, bad, page) or ()} <= texts, (place, where)
    _, url = random.choice(pages)
    shown = CliRunner().invoke(main, ["show", "--archive", str(rotten), url])
    assert isinstance(shown.exception, SystemExit | None), (place, where, shown.exception)


def byte_of(path: Path, random: Random, size: int) -> tuple[int, str]:
    """Choose a byte: of the file's header, of the pages of a table or index, of a free page, or any."""
    with closing(sqlite3.connect(path)) as db:
        (page_size,) = db.execute("PRAGMA page_size").fetchone()
        try:
            names: dict[str, list[int]] = {}
            for name, number in db.execute("SELECT name, pageno FROM dbstat"):
                names.setdefault(name, []).append(number)
        except sqlite3.OperationalError:  # not every SQLite can tell
            return random.randrange(size), "anywhere"
    used = {number for numbers in names.values() for number in numbers}
    names["free pages"] = [n for n in range(2, size // page_size + 1) if n not in used]
    name = random.choice(["header", *sorted(name for name in names if names[name])])
    if name == "header":
        return random.randrange(100), name
    return (random.choice(names[name]) - 1) * page_size + random.randrange(page_size), name


def given(read: Callable[[sqlite3.Connection, str], Any], db: sqlite3.Connection, what: str) -> Any:
    """Give what is read, or None where it is refused."""
    try:
        return read(db, what)
    except (ArchiveError, sqlite3.DatabaseError):
        return None


def rows_of(db: sqlite3.Connection) -> dict[str, set[tuple[Any, ...]]]:
    return {
        table: {tuple(row) for row in db.execute(f"SELECT * FROM {table} NOT INDEXED")}
        for table in (*TRUTH, *DERIVED_TABLES)
        if table != "bodies"  # a byte of a frame that gives the same payload does no harm
    }


# --- cut off -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def crawled(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """What a crawl made, at rest: the demo's archive in the long trials, else one of four small sites."""
    folder = tmp_path_factory.mktemp("crawled")
    if os.environ.get("GONGKAI_SOAK"):
        return at_rest(request.getfixturevalue("demo")[1], folder / "a.sqlite")
    with four_offices(folder) as (proxy, words):
        done = gongkai(*words, env={"http_proxy": proxy})
    assert done.returncode == Exit.WELL, done.stdout + done.stderr
    return at_rest(folder / "a.sqlite", folder / "rest.sqlite")


SLOW_CLOCK = f"""
import time
from crawler import clock
clock.now = lambda: time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - {86400 * LONGEST}))
from crawler.cli import main  # it takes the clock from there
main()
"""
"""Runs `gongkai` by a clock that is slow by the longest time between two requests for a page."""


@pytest.fixture(scope="session")
def long_ago(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a crawl of four small sites made so long ago that all of it is due, at rest."""
    folder = tmp_path_factory.mktemp("long_ago")
    with four_offices(folder) as (proxy, words):
        done = subprocess.run(
            [sys.executable, "-c", SLOW_CLOCK, *map(str, words)],
            check=False, capture_output=True, text=True, timeout=120, env=os.environ | {"http_proxy": proxy},
        )  # fmt: skip
    assert done.returncode == Exit.WELL, done.stdout + done.stderr
    return at_rest(folder / "a.sqlite", folder / "rest.sqlite")


def grown(path: str, count: int) -> sites.Answer:
    """Answer as an office does that has since opened a second column, for its latest report."""
    if path == "/":
        return sites.page('<a href="/nb/">政府信息公开年报</a> <a href="/new/">政府信息公开年度报告</a>')
    if path == "/new/":
        return sites.page(sites.listing((LATEST,)), title="政府信息公开年度报告")
    return sites.healthy(path, count)


@contextmanager
def four_offices(
    folder: Path, *, site: sites.Site = sites.healthy, pause: float = 0.0
) -> Iterator[tuple[str, list[object]]]:
    """Serve four small sites that take a while to answer; gives the proxy's address and the words of their crawl."""

    def answer(path: str, count: int) -> sites.Answer:
        time.sleep(pause)
        return site(path, count)

    toml = "".join(
        f'[{office}]\nname = "云岫县第{n}局"\nregion = "999001"\nlevel = "department"\ndelay = 0.05\nstart_urls = ["http://{office}.example/"]\n'
        for n, office in enumerate(OFFICES)
    )
    (folder / "sources.toml").write_text(toml, encoding="utf-8")
    with sites.serve({f"{office}.example": answer for office in OFFICES}) as (proxy, _):
        yield proxy, ["crawl", "--archive", folder / "a.sqlite", "--sources", folder / "sources.toml", "-v"]


def rebuild(folder: Path, crawled: Path) -> list[object]:
    at_rest(crawled, folder / "a.sqlite")
    return ["rebuild", "--archive", folder / "a.sqlite"]


def merge(folder: Path, crawled: Path) -> list[object]:
    return ["merge", folder / "a.sqlite", crawled]


def import_(folder: Path, crawled: Path) -> list[object]:
    made = gongkai("export", "warc", "--archive", crawled, "-o", folder / "a.warc.gz")
    assert made.returncode == Exit.WELL, made.stderr
    return ["import", "--archive", folder / "a.sqlite", folder / "a.warc.gz"]


COMMANDS: dict[str, Callable[[Path, Path], list[object]]] = {"rebuild": rebuild, "merge": merge, "import": import_}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name in main.commands])
@pytest.mark.parametrize("trial", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in range(1, 35))])
def test_kill_9_loses_nothing_that_was_kept(crawled: Path, tmp_path: Path, name: str, trial: int) -> None:
    words = COMMANDS[name](tmp_path, crawled)
    archive = tmp_path / "a.sqlite"
    before = kept(archive)
    moment = Random(f"{name} {trial}").uniform(0.3, 8.0 if os.environ.get("GONGKAI_SOAK") else 1.6)
    with subprocess.Popen(
        [*GONGKAI, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(moment)
        process.kill()
    assert before <= kept(archive)
    said = gongkai("verify", "--archive", archive)
    assert said.returncode == Exit.WELL or not kept(archive), f"killed after {moment:.2f} s\n{said.stderr}"
    done = gongkai(*words)
    assert done.returncode == Exit.WELL, f"killed after {moment:.2f} s\n{done.stdout}{done.stderr}"
    assert_sound(archive)
    assert before <= kept(archive)
    assert derived(archive) == derived(crawled), f"killed after {moment:.2f} s"


@pytest.fixture(scope="session")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of many kinds at two offices, visited three times, with a change and a page gone; at rest."""
    folder = tmp_path_factory.mktemp("cleaned")
    pages = [file.read_bytes() for file in sorted((Path(__file__).parent / "pages").glob("*/*/page.html"))[:12]]
    owners = [Office(id=f"o{n}", name=f"云岫县第{n}局", agency=f"云岫县第{n}局", region="999001", level="department",
                     hosts=(f"o{n}.example",)) for n in range(2)]  # fmt: skip
    with Store(folder / "a.sqlite") as store:
        for day in (1, 2, 3):
            at = f"2026-03-0{day}T08:00:00.000Z"
            run = store.begin_run(owners, at=at).id
            shown = [*pages, b"<p>list 0</p>", b"<p>list 1</p>"]
            if day == 2:
                shown[1] = pages[-1]
            for n, body in enumerate(shown):
                kind, gone = "report" if n < len(pages) else "column", n == day == 3
                store.capture(
                    Capture(run=run, source=f"o{n % 2}", url=f"http://o{n % 2}.example/{kind}/{n}", at=at, kind=kind,
                            status=404 if gone else 200,
                            outcome="gone" if gone else "new", body=None if gone else body, referrer=LISTS[n % 2])
                )  # fmt: skip
            assert {error for _, error in remaking.clean_left(store, workers=Here(1))} <= {None}
            columns = [Column(url=url, parent=None, family="x", list_pages=1, reports=6) for url in LISTS]
            visits = [Visit(source=f"o{n}", status="ok", columns=(column,)) for n, column in enumerate(columns)]
            store.end_run(run, visits, at=at, status="finished")
    assert found(folder / "a.sqlite") == []
    return at_rest(folder / "a.sqlite", folder / "rest.sqlite")


def merged(store: Store, other: Path) -> Iterator[object]:
    take(store, other, cleaner="another")
    return remaking.clean_left(store, workers=Here(1))


TEXTS_AGAIN: dict[str, Callable[[Store, Path], Iterator[object]]] = {
    "rebuild": lambda store, _: remaking.rebuild(store, workers=Here(1)),
    "merge": merged,
    "import": lambda store, file: remaking.clean_left(
        store,
        workers=Here(1),
        more=import_file(store, Imported(file=file), known=(), named=(), at=LATE, cleaner=CLEANER),
    ),
}


@pytest.mark.parametrize("name", TEXTS_AGAIN)
def test_an_archive_is_whole_whenever_a_text_is_made(
    cleaned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """After each transaction, where `kill -9` would leave it, and beside a writer."""
    monkeypatch.setattr(remaking, "BATCH", 1)
    archive, given = tmp_path / "a.sqlite", Path(str(COMMANDS[name](tmp_path, cleaned)[-1]))
    if name == "rebuild":
        of_another_cleaner(archive)
    with Store(archive) as store:
        for _ in TEXTS_AGAIN[name](store, given):
            assert found(archive) == []
    assert derived(archive) == derived(cleaned)


def of_another_cleaner(archive: Path) -> None:
    """Have all texts be as another cleaner made them."""
    with Store(archive) as store:
        texts = [dict(row) for row in store.db.execute("SELECT * FROM texts")]
        made = []
        for text in texts:
            row = {key: value for key, value in text.items() if key not in ("payload", "digest")} | {
                "cleaner": "another", "title": f"{text['title']}（旧）", "key": text["key"][::-1], "figures": None,
            }  # fmt: skip
            made.append((text["payload"], TextRows(row=row | {"digest": chain.row_digest(row)})))
        store.save_texts(made)
    assert found(archive) == []


@pytest.mark.parametrize("cleaner", ["another", "the same"])
def test_a_rebuild_that_was_cut_off_goes_on(
    cleaned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleaner: str
) -> None:
    monkeypatch.setattr(remaking, "BATCH", 3)
    archive = at_rest(cleaned, tmp_path / "a.sqlite")
    if cleaner == "another":
        of_another_cleaner(archive)
    counts: list[int] = []

    def rebuilt(**how: Any) -> Iterator[object]:
        return remaking.rebuild(store, workers=Here(1), begun=counts.append, **how)

    with Store(archive) as store:
        assert len([*islice(rebuilt(), 4)]) == 4
    with Store(archive) as store:
        assert len([*islice(rebuilt(), 1)]) == 1
    copy = at_rest(archive, tmp_path / "copy.sqlite")
    with Store(archive) as store:
        assert len([*rebuilt()]) == counts[-1]
    all_ = counts[0]
    assert counts == [all_, all_ - 6, all_ - 9]
    with Store(copy) as store:
        assert len([*rebuilt(again=True)]) == len([*rebuilt()]) == all_
    for path in (archive, copy):
        assert found(path) == []
        assert derived(path) == derived(cleaned)


ROTTEN = {
    "texts": "UPDATE stored_texts SET title = title || 'x'",
    "facts": "UPDATE stored_facts SET value = 7; DELETE FROM stored_checks",
    "whose text is whose": "UPDATE readings SET text = (SELECT max(text) FROM readings)",
    "what they are known by": "UPDATE stored_texts SET digest = substr(digest, 2)",
    "what nothing gave": "CREATE TEMP TABLE one AS SELECT * FROM stored_texts LIMIT 1; UPDATE one SET number = 999, digest = 'x'; INSERT INTO stored_texts SELECT * FROM one; INSERT INTO stored_checks SELECT 999, 0, form, \"table\", rule, at, level, 1, 2, 0 FROM stored_checks LIMIT 1",
    "the index": "INSERT INTO report_search (report_search) VALUES ('delete-all')",
    "what is searched": "UPDATE report_texts SET text = 999, title = 'x' WHERE number = 1; UPDATE report_texts SET year = 1 WHERE number = 2; DELETE FROM report_texts WHERE number = 3",
    "a text that is searched": "DELETE FROM stored_texts WHERE number = (SELECT min(text) FROM report_texts)",
    "what follows": "UPDATE versions SET captures = 7; DELETE FROM reports; DELETE FROM health",
}


@pytest.mark.parametrize("what", ROTTEN)
def test_a_rebuild_mends(cleaned: Path, tmp_path: Path, what: str) -> None:
    archive = at_rest(cleaned, tmp_path / "a.sqlite")
    with closing(sqlite3.connect(archive)) as db:
        db.executescript(ROTTEN[what])
    assert found(archive) or what == "what nothing gave"
    with Store(archive) as store:
        assert {error for _, error in remaking.rebuild(store, workers=Here(1))} == {None}
    assert found(archive) == []
    assert derived(archive) == derived(cleaned)


@pytest.mark.parametrize("due", [(), ("--due",)], ids=["crawl", "due"])
@pytest.mark.parametrize("trial", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in range(1, 35))])
def test_kill_9_loses_no_capture_that_was_acknowledged(
    long_ago: Path, tmp_path: Path, due: tuple[str, ...], trial: int
) -> None:
    archive = tmp_path / "a.sqlite"
    if due:
        shutil.copy(long_ago, archive)
    at_first = kept(archive)
    random = Random(f"{due} {trial}")
    count, pause = random.randrange(1, 32), random.uniform(0, 0.3)
    acknowledging = re.compile(r"^[\d:]+ \S+ ([a-z-]+) (http://\S+)", re.MULTILINE)  # a page and what came of it
    with four_offices(tmp_path, site=grown, pause=0.1) as (proxy, words):
        crawl = [*map(str, words), *due]
        with subprocess.Popen(
            [*GONGKAI, *crawl], stderr=subprocess.PIPE, text=True, env=os.environ | {"http_proxy": proxy}
        ) as process:
            assert process.stderr
            told = (line for line in process.stderr if acknowledging.match(line))
            said = "".join(islice(told, count))
            time.sleep(pause)
            process.kill()
            said += process.stderr.read()
        acknowledged = set(acknowledging.findall(said))
        assert acknowledged
        assert acknowledged <= asked(
            archive, f"SELECT outcome, url FROM captures JOIN pages ON pages.id = page WHERE run = {NEWEST}"
        )
        before = kept(archive)
        assert at_first < before
        done = gongkai(*crawl, env={"http_proxy": proxy})
        assert done.returncode == Exit.WELL, done.stdout + done.stderr
        again = gongkai(*words, "--due", env={"http_proxy": proxy})
    assert "4 of 4 sources have nothing due\n" in again.stdout, again.stdout + again.stderr
    assert before <= kept(archive)
    assert_sound(archive)
    with closing(connect(archive)) as db:
        assert [head.runs for head in chain.heads(db)] == [db.execute("SELECT count(*) FROM runs").fetchone()[0]]
        carriers = {(row["source"], row["year"], row["versions"]) for row in reader.carriers(db)}
        assert carriers == {(office, year, 1) for office in OFFICES for year in (*sites.YEARS, LATEST)}
        assert {event["kind"] for event in reader.events(db)} == {"found"}


def test_verify_runs_beside_a_writer(crawled: Path, tmp_path: Path) -> None:
    words = rebuild(tmp_path, crawled)
    with subprocess.Popen([*GONGKAI, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None:
            assert found(tmp_path / "a.sqlite") == []
        assert process.returncode == Exit.WELL
        told = process.stderr.read() if process.stderr else b""
    for unit in (b"pages", b"histories", b"reports", b"indexed texts"):
        assert b" " + unit + b"/s\n" in told


def test_a_text_that_its_payload_does_not_give_is_named(crawled: Path, tmp_path: Path) -> None:
    archive = at_rest(crawled, tmp_path / "a.sqlite")
    with closing(sqlite3.connect(archive)) as db:
        db.row_factory = sqlite3.Row
        row = dict(db.execute("SELECT * FROM texts ORDER BY payload LIMIT 1").fetchone()) | {
            "document_number": "县财〔2023〕1号"
        }
        (payload, number) = db.execute(
            "SELECT r.payload, text FROM readings r JOIN payloads p ON p.number = r.payload WHERE sha256 = ?",
            (sha256 := row.pop("payload"),),
        ).fetchone()
        digest = chain.row_digest(row)
        given = (row["document_number"], digest, number)
        db.execute("UPDATE stored_texts SET document_number = ?, digest = ? WHERE number = ?", given)
        db.execute("UPDATE readings SET bond = ? WHERE payload = ?", (bond(payload, digest), payload))
        db.commit()
    assert_sound(archive)
    done = gongkai("verify", "--archive", archive, "--texts")
    assert (done.returncode, done.stderr.count("\n")) == (Exit.SOME_FAILED, 1), done.stderr
    assert re.match(f"text of payload {sha256} .http.*: cleaned again, other in document_number", done.stderr)


def assert_sound(archive: Path) -> None:
    done = gongkai("verify", "--archive", archive)
    assert done.returncode == Exit.WELL, done.stdout + done.stderr


def kept(archive: Path) -> set[tuple[Any, ...]]:
    """The captures in an archive, by all they say; none in one that is only being made."""
    return asked(archive, "SELECT * FROM captures")


def asked(archive: Path, query: str) -> set[tuple[Any, ...]]:
    if not archive.exists():
        return set()
    with closing(sqlite3.connect(archive)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'captures'").fetchone():
            return set()
        return set(db.execute(query))


def derived(archive: Path) -> dict[str, set[tuple[Any, ...]]]:
    with closing(connect(archive)) as db:
        return {table: {tuple(row) for row in db.execute(f"SELECT * FROM {table}")} for table in DERIVED}


def at_rest(archive: Path, copy: Path) -> Path:
    """Copy an archive into one file."""
    with closing(sqlite3.connect(archive)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    return copy
