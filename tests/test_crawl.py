"""The whole way: the real command against the demo county, compared with what the county knows of itself."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support import GONGKAI, gongkai

from archive import overview, reader
from archive.compare import changed_lines, edits
from archive.database import connect
from archive.tables import DERIVED
from crawler.demo.county import County
from crawler.demo.server import Demo, serve
from crawler.demo.show import LABELS
from crawler.run import Exit
from crawler.titles import alike


@pytest.fixture(scope="session")
def county() -> County:
    return County.make()


@pytest.fixture
def db(demo: tuple[str, Path]) -> Iterator[sqlite3.Connection]:
    connection = connect(demo[1])
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def small() -> Iterator[Demo]:
    """A county of five offices and three years, served."""
    with serve(County.make(offices=5, years=(2019, 2021))) as server:
        yield server


@pytest.fixture
def crawl(small: Demo, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Crawl the small county by command; faults end with the test."""
    sources = tmp_path / "sources.toml"
    sources.write_text(small.county.sources_toml(), encoding="utf-8")

    def run(*words: object, proxy: str = small.url, **more: Any) -> subprocess.CompletedProcess[str]:
        return gongkai(
            "crawl",
            "--archive",
            tmp_path / "a.sqlite",
            "--sources",
            sources,
            *words,
            env={"http_proxy": proxy},
            **more,
        )

    yield run
    small.day = 1
    small.faults.clear()
    small.requests.clear()


def reports_of(db: sqlite3.Connection) -> dict[str, Any]:
    return {row["url"]: row for row in reader.carriers(db)}


# --- what the archive knows of the county ------------------------------------------------------------------------


def test_every_report_and_no_decoy(county: County, db: sqlite3.Connection) -> None:
    truth = [report for day in (1, 2) for report in county.truth(day=day)["reports"]]
    of_page = {page: report for report in truth for page in report["pages"]}
    found = {url: row for url, row in reports_of(db).items() if row["standing"] == "official"}
    assert found.keys() <= of_page.keys()
    assert [report["url"] for report in truth if found.keys().isdisjoint(report["pages"])] == []
    for url, row in found.items():
        for key in ("agency", "year", "title", "published_on"):
            assert row[key] == of_page[url][key], url
    asked = {url for (url,) in db.execute("SELECT url FROM pages")}
    assert not asked & {url for day in (1, 2) for url in county.truth(day=day)["decoys"]}


def test_every_payload_is_what_was_served(county: County, db: sqlite3.Connection) -> None:
    days = {run["id"]: LABELS.index(run["label"]) + 1 for run in overview.runs(db, last=10)}
    rows = db.execute("SELECT url, run, payload, status FROM captures JOIN pages ON pages.id = page").fetchall()
    assert len(rows) > 400
    for row in rows:
        answer = county.answer(row["url"], day=days[row["run"]])
        assert row["status"] in (answer.status, 304)
        assert row["status"] == 304 or (reader.body_of(db, row["payload"]) if row["payload"] else b"") == answer.body, (
            row["url"]
        )


def test_every_number_and_sentence_is_kept(county: County, db: sqlite3.Connection) -> None:
    found = reports_of(db)
    for report in county.truth(day=2)["reports"]:
        text = reader.text_of(db, next(found[url] for url in report["pages"] if url in found)["payload"])
        if not report["only_file"]:
            assert report["pictures"] or json.loads(text["grids"]) == list(report["grids"].values()), report["url"]
            spot = -1
            for sentence in report["prose"]:
                spot = squeezed(text["text"]).find(squeezed(sentence), spot + 1)
                assert spot >= 0, f"{report['url']}: {sentence}"


def test_only_the_silent_changes_make_versions(county: County, db: sqlite3.Connection) -> None:
    (change,), (replaced,) = (county.truth(day=2)[kind] for kind in ("changed", "replaced"))
    found = {row["url"]: row for row in reader.changes(db)}
    assert found.keys() == {change["url"], replaced["url"]}
    before, after = (reader.text_of(db, found[change["url"]][key])["text"] for key in ("before", "payload"))
    assert str(change["before"]) in before
    assert str(change["after"]) in after
    assert found[replaced["url"]]["before"] == found[replaced["url"]]["payload"]  # the page itself is as it was


def test_a_report_that_is_only_a_document_has_its_facts(county: County, db: sqlite3.Connection) -> None:
    carriers = [report for report in county.truth(day=2)["reports"] if report["only_file"]]
    assert {report["attachments"][0]["type"] for report in carriers} >= {"doc", "pdf"}
    for report in carriers:
        page = reports_of(db)[report["url"]]["page"]
        first = db.execute("SELECT n, payload FROM carriers WHERE page = ? AND rank = 0", (page,)).fetchone()
        assert first["n"] == 1, report["url"]
        assert json.loads(reader.text_of(db, first["payload"])["grids"]) == list(report["grids"].values()), report[
            "url"
        ]
        tables = db.execute(
            "SELECT DISTINCT \"table\" FROM facts WHERE page = ? AND form != 'prose'", (page,)
        ).fetchall()
        assert len(tables) == len(report["grids"]), report["url"]


def test_a_report_in_pictures_has_its_facts_where_they_can_be_recognised(
    county: County, db: sqlite3.Connection
) -> None:
    pytest.importorskip("rapidocr")
    (report,) = [report for report in county.truth(day=2)["reports"] if report["pictures"]]
    page = reports_of(db)[report["url"]]["page"]
    rows = db.execute("SELECT payload, rank FROM carriers WHERE page = ? AND n > 0 ORDER BY n", (page,)).fetchall()
    texts = [reader.text_of(db, row["payload"]) for row in rows]
    assert [json.loads(text["grids"])[0] for text in texts] == [
        report["grids"][picture["grid"]] for picture in report["pictures"]
    ]
    assert all("recognised" in text["flags"] and text["legible"] > 0.9 for text in texts)
    assert db.execute("SELECT count(*) FROM facts WHERE page = ? AND form != 'prose'", (page,)).fetchone()[0] == 200


def test_a_document_that_says_another_number_is_flagged(county: County, db: sqlite3.Connection) -> None:
    truth = county.truth(day=2)
    for case in (*truth["differing"], *truth["replaced"]):
        page = reports_of(db)[case["url"]]["page"]
        (row,) = db.execute("SELECT differing FROM carriers WHERE page = ? AND differing NOTNULL", (page,)).fetchall()
        assert {frozenset((d["one"], d["other"])) for d in json.loads(row["differing"])} == {
            frozenset((str(case["before"]), str(case["after"])))
        }


def test_the_withdrawn_report_is_missing_and_the_others_stand(county: County, db: sqlite3.Connection) -> None:
    gone = {url for url, row in reports_of(db).items() if row["missing_since"]}
    assert gone == set(county.truth(day=2)["withdrawn"])
    told = {event["url"]: event["kind"] for event in reader.events(db) if event["kind"] != "found"}
    changed = {case["url"]: "changed" for kind in ("changed", "replaced") for case in county.truth(day=2)[kind]}
    assert told == dict.fromkeys(gone, "missing") | changed


def test_copies_are_restored_and_not_believed(county: County, db: sqlite3.Connection) -> None:
    found = reports_of(db)
    copies = county.truth(day=1)["copies"]
    assert {url for url, row in found.items() if row["standing"] == "copy"} == {copy["url"] for copy in copies}
    for copy in copies:
        text = reader.text_of(db, found[copy["url"]]["payload"])
        assert found[copy["url"]]["year"] == copy["year"]
        assert {"pinyin-repaired", "traditional-converted"} <= set(json.loads(text["flags"]))
        original = reader.text_of(db, found[copy["of"]]["payload"])
        for lines in changed_lines(original["text"], text["text"]):
            for edit in edits(*lines, context=0):
                number = copy["altered"] and f"[-{copy['altered']['before']}+{copy['altered']['after']}]"
                assert copy["brand"] in edit or edit == number, f"{copy['url']}: {edit}"


def test_a_report_on_two_hosts_is_one_report_with_two_pages(county: County, db: sqlite3.Connection) -> None:
    truth = county.truth(day=2)["reports"]
    twice = {(r["agency"], r["year"]) for r in truth if len({alike(url) for url in r["pages"]}) > 1}
    assert len(twice) > 10
    assert {(r["agency"], r["year"]) for r in reader.coverage(db) if r["pages"] > 1} == twice


def test_what_the_demo_says(county: County, demo: tuple[str, Path]) -> None:
    said = demo[0]
    (change,) = county.truth(day=2)["changed"]
    for words in (
        change["url"], f"[-{change['before']}+{change['after']}]", "missing (withdrawn", "copies, kept and not believed",
        f"of the county's {len(set(urls(county)))} reports found, 0 that are none", "make browse",
    ):  # fmt: skip
        assert words in said


def urls(county: County) -> Iterator[str]:
    for day in (1, 2):
        yield from (report["url"] for report in county.truth(day=day)["reports"])


def test_a_rebuild_gives_what_the_crawl_gave(demo: tuple[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with sqlite3.connect(demo[1]) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    before = derived(copy)
    assert all(rows for table, rows in before.items() if table != "volatile_lines"), "the county's rules know its noise"
    done = gongkai("rebuild", "--archive", copy)
    assert done.returncode == 0, done.stderr
    assert derived(copy) == before
    assert gongkai("verify", "--archive", copy).returncode == 0


def test_status_show_and_verify(county: County, demo: tuple[str, Path]) -> None:
    status = gongkai("status", "--archive", demo[1])
    assert "2 of" not in status.stdout.splitlines()[0]
    assert status.stdout.count("finished") == 2
    assert len(json.loads(gongkai("status", "--json", "--archive", demo[1]).stdout)["runs"]) == 2
    report = county.truth(day=1)["reports"][0]
    for what in (report["url"], f"{report['agency']} {report['year']}"):
        assert report["title"] in gongkai("show", what, "--archive", demo[1]).stdout
    copy = county.truth(day=1)["copies"][0]["url"]
    shown = gongkai("show", copy, "--archive", demo[1]).stdout
    assert "repaired: pinyin" in shown
    assert "(bào)" not in shown
    assert "報(bào)告" in gongkai("show", copy, "--original", "--archive", demo[1]).stdout
    unclear = gongkai("show", report["agency"], "--archive", demo[1])
    assert (unclear.returncode, "names" in unclear.stderr) == (Exit.MISUSE, True)
    assert "all as it must be" in gongkai("verify", "--archive", demo[1]).stdout


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_a_second_crawl_finds_nothing_new(crawl: Callable[..., Any], tmp_path: Path) -> None:
    assert crawl().returncode == Exit.WELL
    before = derived(tmp_path / "a.sqlite", but=("last_seen", "captures", "outcome"))
    assert crawl().returncode == Exit.WELL
    assert derived(tmp_path / "a.sqlite", but=("last_seen", "captures", "outcome")) == before


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            "dead",
            r"failed +\d+ +0.*\n.*no report found, expected at least 3; .*(ResponseNeverReceived|Connection|DownloadFailed)",
        ),
        (
            "error",
            r"failed +\d+ +0.*\n.*no report found, expected at least 3; http://\S+: refused: robots.txt answers 500",
        ),
        ("cut", r"failed +\d+ +0.*\n.*no report found, expected at least 3; .*cut off after \d+ of \d+ bytes"),
        ("empty", r"empty +\d+ +0.*\n.*no report found, expected at least 3"),
        ("loop", r"(failed|blocked) +\d+ +0.*\n.*no report found, expected at least 3"),
    ],
)
def test_a_host_that_fails_is_named_and_the_others_are_crawled(
    crawl: Callable[..., Any], small: Demo, tmp_path: Path, fault: Any, says: str
) -> None:
    office = small.county.offices[1]
    small.faults[office.host] = fault
    done = crawl()
    assert done.returncode == Exit.SOME_FAILED, done.stdout + done.stderr
    assert re.search(rf"{office.source} +{says}", done.stdout), done.stdout
    db = connect(tmp_path / "a.sqlite")
    assert {r["agency"] for r in reader.coverage(db)} == {o.name for o in small.county.offices} - {office.name}
    captured = {row["outcome"] for row in db.execute("SELECT outcome FROM captures WHERE source = ?", (office.source,))}
    assert captured, "what went wrong is captured too"
    assert gongkai("verify", "--archive", tmp_path / "a.sqlite").returncode == Exit.WELL
    small.faults.clear()
    assert crawl(*(o.source for o in small.county.offices)).returncode == Exit.WELL  # a source named rests no longer
    assert len(reader.coverage(db)) == len(set(urls_of(small)))


def test_pages_that_answer_500_are_asked_again_and_named(crawl: Callable[..., Any], small: Demo) -> None:
    office = small.county.offices[1]

    class Broken(County):
        def answer(self, url: str, *, day: int) -> Any:
            answer = super().answer(url, day=day)
            return answer if url.endswith("/robots.txt") else replace(answer, status=500, body=b"error")

    with serve(Broken(offices=small.county.offices, years=small.county.years, seed=small.county.seed)) as server:
        done = crawl(office.source, proxy=server.url)
        assert len([url for url in server.requests if not url.endswith("/robots.txt")]) == 3
    assert done.returncode == Exit.NOTHING_WORKED
    assert re.search(r"no report found, expected at least 3; http://\S+: failed: http-500", done.stdout), done.stdout


def test_a_list_that_falls_silent_is_told_though_its_reports_are_known(
    crawl: Callable[..., Any], small: Demo, tmp_path: Path
) -> None:
    office = small.county.offices[1]
    assert crawl(office.source).returncode == Exit.WELL
    known = reports_of(connect(tmp_path / "a.sqlite"))

    class Redesigned(County):
        def answer(self, url: str, *, day: int) -> Any:
            answer = super().answer(url, day=day)
            page = b"<title>x</title><p>" + "网站改版，栏目调整中，请稍后访问。".encode() * 30
            return answer if url in known or answer.status != 200 else replace(answer, body=page)

    with serve(Redesigned(offices=small.county.offices, years=small.county.years, seed=small.county.seed)) as server:
        done = crawl(office.source, proxy=server.url)
    assert done.returncode == Exit.SOME_FAILED
    assert re.search(rf"{office.source} +thin .*\n +no list of reports found any more; 3 known ones", done.stdout), (
        done.stdout
    )
    assert reports_of(connect(tmp_path / "a.sqlite")).keys() == known.keys()


def test_nothing_worked_is_another_exit_code(crawl: Callable[..., Any], small: Demo) -> None:
    office = small.county.offices[0]
    small.faults[office.host] = "dead"
    assert crawl(office.source).returncode == Exit.NOTHING_WORKED


def test_a_page_that_ends_in_mid_character_is_kept_with_a_flag(
    crawl: Callable[..., Any], small: Demo, tmp_path: Path
) -> None:
    assert crawl().returncode == Exit.WELL
    office = small.county.offices[1]
    small.faults[office.host] = "short"
    crawl(office.source)
    db = connect(tmp_path / "a.sqlite")
    flags = [json.loads(row["flags"]) for row in db.execute("SELECT flags FROM texts")]
    assert any("bytes-lost" in own for own in flags)


def test_robots_are_obeyed_and_refusals_captured(small: Demo, tmp_path: Path) -> None:
    office = small.county.offices[1]
    url = f"http://{office.host}/refused/"
    sources = tmp_path / "refused.toml"
    sources.write_text(f'[{office.source}]\nname = "x"\nstart_urls = ["{url}"]\ndelay = 0', encoding="utf-8")
    answer = small.county.answer
    robots = answer(f"http://{office.host}/robots.txt", day=1)

    class Refusing(County):
        def answer(self, url: str, *, day: int) -> Any:
            if url.endswith("/robots.txt"):
                return replace(
                    robots,
                    status=200,
                    headers={"Content-Type": "text/plain"},
                    body=b"User-agent: gongkai\nDisallow: /refused/\n",
                )
            return answer(url, day=day)

    with serve(Refusing(offices=small.county.offices, years=small.county.years, seed=small.county.seed)) as server:
        done = gongkai(
            "crawl", "--archive", tmp_path / "r.sqlite", "--sources", sources, env={"http_proxy": server.url}
        )
        assert done.returncode == Exit.NOTHING_WORKED
        assert [asked for asked in server.requests if "/refused/" in asked] == []
    rows = connect(tmp_path / "r.sqlite").execute(
        "SELECT outcome, status FROM captures JOIN pages ON pages.id = page WHERE url = ?", (url,)
    )
    assert [tuple(row) for row in rows] == [("refused", None)]


def test_a_page_that_cannot_be_cleaned_is_named_and_kept(small: Demo, tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(small.county.sources_toml(), encoding="utf-8")
    archive = tmp_path / "a.sqlite"
    code = (
        "import pipelines.items, support; pipelines.items.clean_one = support.die; "
        "from crawler.cli import main; main()"
    )  # fmt: skip
    words = ["crawl", small.county.offices[0].source, "--archive", str(archive), "--sources", str(sources)]
    env = os.environ | {"http_proxy": small.url, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == Exit.NOTHING_WORKED, done.stdout
    assert re.search(r"http://\S+: CleaningError: ended its worker", done.stdout)
    assert rows(archive, "SELECT count(*) FROM captures WHERE kind = 'report'") == [(2,)]
    assert gongkai("crawl", *words[1:], env={"http_proxy": small.url}).returncode == Exit.WELL


def test_misuse(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    sqlite3.connect(other).execute("CREATE TABLE t (x)").connection.close()
    for words, says in (
        (("crawl", "nowhere"), "nowhere: no such source"),
        (("crawl", "--sources", tmp_path / "no.toml"), "no.toml: no such file"),
        (("crawl", "weihai_rsj", "--archive", other), "other.sqlite: not a gongkai archive"),
        (("status", "--archive", tmp_path / "no.sqlite"), "no.sqlite: no such archive"),
        (("verify", "--archive", other), "other.sqlite: not a gongkai archive"),
        (("demo", "--archive", other), "other.sqlite: not a gongkai archive"),
        (("clean", tmp_path / "no.html"), "no.html"),
    ):
        done = gongkai(*words)
        assert (done.returncode, says in done.stderr, "Traceback" in done.stderr) == (Exit.MISUSE, True, False), (
            done.stderr
        )
    assert not list(tmp_path.glob("no.*"))


def test_a_locked_archive_is_named(crawl: Callable[..., Any], store: Any) -> None:
    done = crawl("--archive", store.path)
    assert done.returncode == Exit.LOCKED
    assert f"{store.path}: locked by process {os.getpid()}" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_source_an_address_and_a_limit(crawl: Callable[..., Any], small: Demo, tmp_path: Path) -> None:
    office = small.county.offices[0]
    assert crawl(office.source, "--limit", "2").returncode == Exit.WELL
    db = connect(tmp_path / "a.sqlite")
    assert [r["agency"] for r in reader.coverage(db)] == [office.name] * 2
    assert crawl(f"http://{office.host}/").returncode == Exit.WELL
    assert {row["url"] for row in reader.carriers(db)} == {url for url in urls_of(small) if office.host in url}


def test_scrapy_itself_runs_the_spider(small: Demo, tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(small.county.sources_toml(), encoding="utf-8")
    words = ["scrapy", "crawl", "reports", "-s", f"ARCHIVE={tmp_path / 's.sqlite'}"]
    words += ["-a", f"sources={small.county.offices[0].source}", "-a", f"path={sources}"]
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False, timeout=60,
        cwd=Path(__file__).parents[1], env=os.environ | {"http_proxy": small.url},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {row["url"] for row in reader.carriers(connect(tmp_path / "s.sqlite"))}
    assert found == {url for url in urls_of(small) if small.county.offices[0].host in url}


# --- what ends in the middle -------------------------------------------------------------------------------------


def test_ctrl_c_ends_cleanly_and_the_next_run_goes_on(small: Demo, tmp_path: Path, crawl: Callable[..., Any]) -> None:
    archive = tmp_path / "a.sqlite"
    with start_slow(small, tmp_path) as process:
        wait_for(lambda: rows(archive, "SELECT count(*) FROM captures WHERE kind = 'report'") > [(2,)])
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == Exit.INTERRUPTED, errors
    assert rows(archive, "SELECT status FROM runs") == [("interrupted",)]
    small.faults.clear()
    assert crawl().returncode == Exit.WELL
    assert_whole(archive, small)


@pytest.mark.parametrize("trial", [*range(4), *(pytest.param(n, marks=pytest.mark.soak) for n in range(4, 200))])
def test_kill_9_loses_only_what_was_in_flight(
    small: Demo, tmp_path: Path, crawl: Callable[..., Any], trial: int
) -> None:
    moment = Random(trial).uniform(0.6, 4.0)
    with start_slow(small, tmp_path, pause=0.05) as process:
        time.sleep(moment)
        process.kill()
    small.faults.clear()
    done = crawl()
    assert done.returncode == Exit.WELL, f"killed after {moment:.2f} s\n{done.stdout}{done.stderr}"
    assert_whole(tmp_path / "a.sqlite", small)


def test_a_killed_crawl_leaves_no_process_behind(small: Demo, tmp_path: Path, crawl: Callable[..., Any]) -> None:  # noqa: ARG001
    archive = tmp_path / "a.sqlite"
    with start_slow(small, tmp_path) as process:
        wait_for(lambda: rows(archive, "SELECT count(*) FROM texts") > [(0,)])
        children = children_of(process)
        assert children
        process.kill()
    wait_for(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


@pytest.mark.parametrize("texts", [0, 9])
def test_workers_that_are_killed_cost_a_crawl_nothing(
    small: Demo, tmp_path: Path, crawl: Callable[..., Any], texts: int  # noqa: ARG001
) -> None:  # fmt: skip
    archive = tmp_path / "a.sqlite"
    with start_slow(small, tmp_path, pause=0.1) as process:
        wait_for(lambda: rows(archive, "SELECT count(*) FROM texts") > [(texts,)])
        for child in children_of(process):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(child, signal.SIGKILL)
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == Exit.WELL, printed + errors
    assert_whole(archive, small)


def children_of(process: subprocess.Popen[str]) -> list[int]:
    """List the processes that a crawl began, in whichever of its threads."""
    begun = (file.read_text().split() for file in Path(f"/proc/{process.pid}/task").glob("*/children"))
    return [int(child) for children in begun for child in children]


def start_slow(small: Demo, folder: Path, *, pause: float = 0.3) -> subprocess.Popen[str]:
    """Start a crawl of which every answer takes `pause` seconds."""
    small.pause = pause
    small.faults.update({office.host: "slow" for office in small.county.offices})
    return subprocess.Popen(
        [*GONGKAI, "crawl", "--archive", folder / "a.sqlite", "--sources", folder / "sources.toml"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"http_proxy": small.url},
    )  # fmt: skip


def assert_whole(archive: Path, small: Demo) -> None:
    db = connect(archive)
    assert {row["url"] for row in reader.carriers(db) if row["standing"] == "official"} == set(urls_of(small))
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    asked = Counter(tuple(row) for row in db.execute("SELECT run, page FROM captures WHERE kind = 'report'"))
    assert max(asked.values()) == 1, "no page twice in a run"
    taken_up = (
        "SELECT count(*) - count(DISTINCT page) FROM captures WHERE kind = 'report' AND outcome IN ('new', 'same')"
    )
    if rows(archive, "SELECT count(*) FROM runs WHERE status = 'finished'") == [(1,)]:
        assert rows(archive, taken_up) == [(0,)], "no page twice in a run and the one that took it up"
    assert gongkai("verify", "--archive", archive).returncode == Exit.WELL


def urls_of(small: Demo) -> Iterator[str]:
    return (report["url"] for report in small.county.truth(day=small.day)["reports"])


def rows(archive: Path, query: str) -> list[Any]:
    """Ask an archive that is perhaps only being made."""
    with closing(sqlite3.connect(archive)) as db:
        try:
            return db.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def derived(archive: Path, but: tuple[str, ...] = ()) -> dict[str, set[tuple[Any, ...]]]:
    db = connect(archive)
    found = {}
    for table in DERIVED:
        columns = [f'"{row["name"]}"' for row in db.execute(f"PRAGMA table_info({table})") if row["name"] not in but]
        found[table] = {tuple(row) for row in db.execute(f"SELECT {', '.join(columns)} FROM {table}")}
    return found


def squeezed(text: str) -> str:
    return "".join(text.split())
