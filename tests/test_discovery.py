"""From a home page to every report: what is found, what is remembered, and what is said when it is no longer there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sites
from support import gongkai

from archive import reader
from archive.database import connect
from crawler.find import COLUMN, REMEMBERED, START, TOWARDS, Way, domain
from crawler.page import Link
from crawler.run import Exit
from crawler.sources import Source
from crawler.visit import BARREN, MOST_PAGES, Progress, Reading

HOST = "www.mou.gov.example"
HOME = f"http://{HOST}/"


class Office:
    """A served office whose answers a test may change, and the crawls of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answer: sites.Site = sites.healthy
        self.asked: list[str] = []

    def crawl(self, *words: str, **table: Any) -> tuple[Exit, str]:
        """Crawl it as a source with these further keys; gives the exit code and what was printed."""
        lines = [f"{key} = {value!r}" for key, value in {"delay": 0, "start_urls": [HOME], **table}.items()]
        file = self.folder / "sources.toml"
        file.write_text("\n".join(["[mou]", 'name = "云岫县某局"', *lines]), encoding="utf-8")
        self.asked.clear()
        done = gongkai("crawl", *words, "--archive", self.archive, "--sources", file, env={"http_proxy": self.proxy})
        return Exit(done.returncode), done.stdout + done.stderr

    @property
    def archive(self) -> Path:
        return self.folder / "a.sqlite"

    @property
    def paths(self) -> list[str]:
        return [url.removeprefix(HOME[:-1]) for url in self.asked if not url.endswith("/robots.txt")]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    served = Office(tmp_path)

    def answer(path: str, count: int) -> sites.Answer:
        return served.answer(path, count)

    with sites.serve(dict.fromkeys((HOST, "mou.gov.example"), answer)) as (proxy, asked):
        served.proxy, served.asked = proxy, asked
        yield served


# --- real saved sites --------------------------------------------------------------------------------------------


@contextmanager
def folder_served(root: Path) -> Iterator[str]:
    """Serve a folder at its own address on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.mark.parametrize("start", ["index.html", "xxgk/ndbg/index.html"])
def test_a_real_site(shared: Path, tmp_path: Path, start: str) -> None:
    root = shared / "pages/trs_wcm/jlcity-linye"
    sources = tmp_path / "s.toml"
    with folder_served(root) as url:
        sources.write_text(
            f'[a]\nname = "吉林市林业局"\nstart_urls = ["{url}{start}"]\ndelay = 0\nexpect_min = 3', encoding="utf-8"
        )
        done = gongkai("crawl", "--archive", tmp_path / "a.sqlite", "--sources", sources)
    assert done.returncode == Exit.WELL, done.stdout + done.stderr
    db = connect(tmp_path / "a.sqlite")
    found = {page["url"].removeprefix(f"{url}xxgk/ndbg/"): page["published_on"] for page in reader.carriers(db)}
    assert found == {
        "201708/t20170804_633603.html": "2017-05-30",  # as the page says twice; only its address has 4 August
        "201812/t20181224_633607.html": "2018-12-24",
        "201903/t20190307_633608.html": "2019-03-07",
    }
    for address, payload in db.execute(
        "SELECT url, payload FROM captures JOIN pages ON pages.id = page WHERE status = 200"
    ):
        assert reader.body_of(db, payload) == (root / address.removeprefix(url)).read_bytes()
    asked = db.execute("SELECT kind, count(*) FROM captures GROUP BY kind ORDER BY kind").fetchall()
    assert dict(map(tuple, asked)) == {"robots": 1, "start": 1, "column": 1, "report": 3} or start != "index.html"


def test_what_detect_prints_is_a_source_that_crawls(shared: Path, tmp_path: Path) -> None:
    with folder_served(shared / "pages/trs_wcm/jlcity-linye") as url:
        printed = gongkai("detect", url)
        assert printed.returncode == Exit.WELL, printed.stderr
        assert re.search(r"# trs: \S+/xxgk/ndbg/index\.html lists 3\n(.*\n)*expect_min = 3\n", printed.stdout)
        assert 'region = "220200"' in printed.stdout
        (tmp_path / "s.toml").write_text(printed.stdout, encoding="utf-8")
        done = gongkai("crawl", "--archive", tmp_path / "a.sqlite", "--sources", tmp_path / "s.toml")
    assert done.returncode == Exit.WELL, done.stdout
    assert len(reader.carriers(connect(tmp_path / "a.sqlite"))) == 3


def test_a_real_list_of_which_two_reports_are_saved(shared: Path, tmp_path: Path) -> None:
    saved = {path.name.split("__")[1]: path for path in (shared / "pages/trs_fujian").glob("pingtan__*")}
    for name, path in saved.items():
        file = f"{name[1:7]}/{name}.htm" if name.startswith("t2") else "index.htm"
        (tmp_path / "nb" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "nb" / file).write_bytes(path.read_bytes())
    with folder_served(tmp_path) as url:
        sources = tmp_path / "s.toml"
        sources.write_text(f'[a]\nname = "平潭"\nstart_urls = ["{url}nb/index.htm"]\ndelay = 0', encoding="utf-8")
        done = gongkai("crawl", "--archive", tmp_path / "a.sqlite", "--sources", sources)
    assert re.search(r"/fjdzapp/search\S*: failed: http-501", done.stdout), done.stdout  # a folder answers no POST
    assert done.returncode == Exit.SOME_FAILED
    db = connect(tmp_path / "a.sqlite")
    assert [row["year"] for row in reader.carriers(db)] == [2019, 2024]
    assert db.execute("SELECT count(*) FROM captures WHERE kind = 'report' AND outcome = 'gone'").fetchone()[0] == 8


# --- what is remembered ------------------------------------------------------------------------------------------


def test_the_second_visit_goes_straight_to_the_column(office: Office) -> None:
    assert office.crawl()[0] is Exit.WELL
    assert office.paths[:2] == ["/", "/nb/"]
    code, said = office.crawl()
    assert code is Exit.WELL, said
    assert sorted(office.paths) == ["/nb/", *(f"/nb/t{y}0131_{y}.html" for y in sites.YEARS)]
    ((column, reports),) = [(row["url"], row["reports"]) for row in reader.columns_of(connect(office.archive), "mou")]
    assert (column, reports) == (f"{HOME}nb/", 3)


def test_a_column_that_dies_is_searched_again(office: Office) -> None:
    office.crawl()

    def moved(path: str, count: int) -> sites.Answer:
        if path == "/":
            return sites.page('<a href="/new/">政府信息公开年报</a>')
        if path == "/new/":
            return sites.page(sites.listing((*sites.YEARS, 2024)))
        return sites.page("", status=404) if path == "/nb/" else sites.healthy(path, count)

    office.answer = moved
    code, said = office.crawl()
    assert code is Exit.WELL, said
    assert re.search(r"/nb/: gone: http-404; .*searched for again", said)
    assert {row["year"] for row in reader.coverage(connect(office.archive))} == {2021, 2022, 2023, 2024}
    office.crawl()
    assert office.paths[0] == "/new/"


def test_a_column_that_fails_for_once_is_remembered(office: Office) -> None:
    fails = False

    def two_columns(path: str, count: int) -> sites.Answer:
        if path == "/":
            return sites.page('<a href="/nb/">政府信息公开年报</a><a href="/old/nb/">往年政府信息公开年报</a>')
        if path == "/old/nb/":
            return sites.page("", status=500) if fails else sites.page(sites.listing((2020,)))
        return sites.healthy(path, count)

    office.answer = two_columns
    assert office.crawl()[0] is Exit.WELL
    fails = True
    assert office.crawl()[0] is Exit.SOME_FAILED
    fails = False
    assert office.crawl()[0] is Exit.WELL
    assert {"/nb/", "/old/nb/"} <= {*office.paths}
    assert "/" not in office.paths


def test_a_shorter_list_and_a_missing_year_are_told(office: Office) -> None:
    assert office.crawl()[0] is Exit.WELL
    assert office.crawl(years=[2021, 2024])[0] is Exit.SOME_FAILED
    assert "no report found on 2024, expected" in office.crawl(years=[2021, 2024])[1]

    def shorter(path: str, count: int) -> sites.Answer:
        return sites.page(sites.listing((2022, 2023))) if path == "/nb/" else sites.healthy(path, count)

    office.answer = shorter
    code, said = office.crawl()
    assert (code, "3 reports were listed the last time, 1 of them no longer are" in said) == (Exit.SOME_FAILED, True), (
        said
    )


def test_a_source_that_blocks_rests_unless_it_is_named(office: Office) -> None:
    office.answer = sites.always(412, "<script>$_ts=1;</script>")
    assert office.crawl()[0] is Exit.NOTHING_WORKED
    code, said = office.crawl()
    assert (code, office.paths) == (Exit.NOTHING_WORKED, [])
    assert re.search(
        r"resting.*\n +left in peace until \d{4}-\d\d-\d\d \d\d:\d\d UTC, having been blocked 1 times", said
    ), said
    office.answer = sites.healthy
    assert office.crawl("mou")[0] is Exit.WELL
    assert office.crawl()[0] is Exit.WELL


def test_one_page_under_several_addresses_is_asked_for_once(office: Office) -> None:
    twins = [f"http://{host}/nb/t20220131_2022.html" for host in (HOST, "mou.gov.example")]

    def twofold(path: str, count: int) -> sites.Answer:
        more = "".join(f'<a href="{url}#top">云岫县某局2022年政府信息公开工作年度报告</a>' for url in twins)
        return sites.page(sites.listing(more=more)) if path == "/nb/" else sites.healthy(path, count)

    office.answer = twofold
    assert office.crawl()[0] is Exit.WELL
    assert len([url for url in office.asked if url in twins]) == 1
    assert len(reader.coverage(connect(office.archive))) == 3


def test_a_page_gone_from_one_address_is_asked_for_at_the_other(office: Office) -> None:
    def half(path: str, count: int) -> sites.Answer:
        if path == "/nb/":
            links = [f"http://{host}/nb/mpost_7.html" for host in ("mou.gov.example",)] + ["/nb/post_7.html"]
            return sites.page("".join(f'<a href="{url}">云岫县某局2020年政府信息公开工作年度报告</a>' for url in links))
        if path == "/nb/post_7.html":
            return sites.report(2020)
        return sites.page("", status=404) if "mpost" in path else sites.healthy(path, count)

    office.answer = half
    assert office.crawl()[0] is Exit.WELL
    assert [row["year"] for row in reader.coverage(connect(office.archive))] == [2020]


def test_a_report_of_two_sources_on_two_hosts_is_one_report_with_two_pages(tmp_path: Path) -> None:
    portal, own = "www.yunxiu.gov.example", "mou.yunxiu.gov.example"

    def listed(path: str, count: int) -> sites.Answer:
        if path == "/nb/":
            links = "".join(
                f'<a href="/bm/t{y}0201_{y}.html">云岫县某局{y}年政府信息公开工作年度报告</a>' for y in sites.YEARS
            )
            return sites.page(links)
        return sites.report(int(path[5:9])) if path.startswith("/bm/t") else sites.healthy(path, count)

    file = tmp_path / "s.toml"
    tables = (("xian", "云岫县人民政府", portal), ("mou", "云岫县某局", own))
    file.write_text(
        "".join(f'[{source}]\nname = "{name}"\nstart_urls = ["http://{host}/"]\ndelay = 0\n' for source, name, host in tables), encoding="utf-8"
    )  # fmt: skip
    with sites.serve({portal: listed, own: sites.healthy}) as (proxy, _):
        done = gongkai("crawl", "--archive", tmp_path / "a.sqlite", "--sources", file, env={"http_proxy": proxy})
    assert done.returncode == Exit.WELL, done.stdout
    found = [(r["agency"], r["year"], r["pages"]) for r in reader.coverage(connect(tmp_path / "a.sqlite"))]
    assert found == [("云岫县某局", year, 2) for year in sites.YEARS]


@pytest.mark.parametrize(
    ("remembered", "stale", "first"),
    [({}, True, [HOME]), ({"nb": 3}, False, ["nb"]), ({"nb": 3}, True, ["nb", HOME])],
)
def test_where_a_visit_looks_first(remembered: dict[str, int], stale: bool, first: list[str]) -> None:
    source = Source(id="mou", name="某局", start_urls=(HOME,))
    progress = Progress(
        source=source, near={HOST}, remembered={HOME + k: v for k, v in remembered.items()}, stale=stale
    )
    progress.plan(Way(rank=REMEMBERED, url=url, kind="column") for url in progress.remembered)
    looked = []
    while way := progress.next_way():
        looked.append(way.url)
        if way.kind == "column":
            progress.read(way, way.url, family="generic").turn([Link(url=HOME + "1", title="")], [])
    assert looked == [HOME + name if name != HOME else HOME for name in first]


def test_the_nearest_way_is_tried_first_and_strange_hosts_never() -> None:
    progress = Progress(source=Source(id="mou", name="某局", start_urls=(HOME,)), near={HOST})
    ways = [
        Way(rank=TOWARDS, url=HOME + "towards", kind="start"),
        Way(rank=COLUMN, url="http://bm.mou.gov.example/nb/", kind="column"),
        Way(rank=COLUMN, url=HOME + "column", kind="column"),
        Way(rank=COLUMN, url="http://www.other.example/nb/", kind="column"),
    ]
    progress.plan(ways)
    looked = list(iter(progress.next_way, None))
    assert [way.url for way in looked if way] == [
        HOME + "column",
        HOME + "towards",
        "http://bm.mou.gov.example/nb/",
        HOME,
    ]
    assert START < COLUMN


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([["a"], ["b"], ["c"]], None),
        ([["a"], ["a"]], "shows the same entries as a page before it"),
        ([["a"], *[[]] * BARREN], f"{BARREN} pages in a row named no further report"),
        ([[str(n)] for n in range(MOST_PAGES)], f"has more than {MOST_PAGES} pages"),
    ],
)
def test_a_column_without_end_is_left_with_a_reason(pages: list[list[str]], why: str | None) -> None:
    reading = Reading(way=Way(rank=COLUMN, url=HOME, kind="column"), url=HOME, family="generic")
    reasons = [
        reading.turn([Link(url=name, title="") for name in names], [f"{HOME}{n}"]) for n, names in enumerate(pages)
    ]
    assert reasons[:-1] == [None] * (len(pages) - 1)
    assert reasons[-1] is None if why is None else (reasons[-1] or "").startswith(why)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.gz.gov.cn", "gz.gov.cn"), ("zwgk.changchun.gov.cn:8443", "changchun.gov.cn"), ("gov.cn", "gov.cn"),
        ("www.gov.cn", "www.gov.cn"), ("218.106.148.33:8443", "218.106.148.33"), ("www.tiehuamiye.com", "tiehuamiye.com"),
    ],
)  # fmt: skip
def test_domain(host: str, name: str) -> None:
    assert domain(host) == name
