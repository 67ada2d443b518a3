"""The archive opens in Datasette, by the real command; its pages are read by a client and by a real Chromium.

Nothing that an archive holds may come alive: `browse/hostile.html` is a page that tries, and titles, labels, addresses
and cells try too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from lxml import html
from support import GONGKAI

from archive import reader
from archive.browse.serve import datasette
from archive.database import connect
from archive.records import Attachment, Capture, Check, Fact, Figures, Office, Text, Visit
from archive.store import Store

PAGE = Path(__file__).parent / "browse" / "hostile.html"
ADDRESSES = PAGE.with_name("addresses.toml")
NEXT = Path(sys.prefix, "next")
EVIL = '"\'><script>alive=1;fetch("OUT/words")</script><img src="OUT/words" onerror="alive=1">{{7*1111111}}'
DAY = "2026-03-0{}T08:00:00.000Z"
QUERIES = ("late", "absent", "changed", "gone", "asked", "refused", "sued", "unbalanced", "numbers", "copied")

chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium")


# --- the demo's archive, by the command --------------------------------------------------------------------------


def test_browse_serves_the_reports_and_hides_the_bytes(demo: tuple[str, Path]) -> None:
    with serving(demo[1]) as home:
        reports = json.loads(get(f"{home}/demo/reports.json?_shape=array&_size=max"))
        assert len(reports) == len(reader.coverage(connect(demo[1])))
        assert "report_pages" in get(f"{home}/demo")
        assert "The distinct texts of a page" in get(f"{home}/demo/versions")
        assert "公布后的修改" in get(f"{home}/")
        for path in addresses(demo[1]):
            assert "<h1" in get(home + path) or path.endswith(".atom"), path


# --- a hostile archive -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wire() -> Iterator[socket.socket]:
    """A port on loopback at which nobody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, wire: socket.socket) -> Path:
    """An archive in which all that others wrote is meant to harm: two versions of a report, a document, a copy."""
    out = f"http://127.0.0.1:{wire.getsockname()[1]}"
    evil, page = EVIL.replace("OUT", out), PAGE.read_text(encoding="utf-8").replace("OUT", out)
    offices = [
        Office(
            id="czj", name=evil, agency=f"财政局{evil}", region="999001", level="department", hosts=("czj.example",)
        ),
        Office(id="copy", name=evil, agency="", region="999001", level="department", hosts=(), copy_of="czj"),
    ]
    path = tmp_path_factory.mktemp("hostile") / "hostile.sqlite"
    with Store(path) as store:
        for day, requests in ((1, 2), (2, 3)):
            run = store.begin_run(offices, at=DAY.format(day), label=evil).id
            for n, (source, url, kind, media_type) in enumerate(
                (
                    ("czj", "http://czj.example/1.html?<script>alive=1</script>", "report", "text/html"),
                    ("czj", f"javascript:fetch('{out}/url')//czj.example", "attachment", 'text/html"\r\nX-Evil: 1'),
                    ("copy", f"javascript:alive=1;fetch('{out}/copy')//", "report", "text/html; charset=<script>"),
                )
            ):
                body = page.replace("2 件", f"{requests} 件<!-- {n} -->").encode()
                saved = store.capture(
                    Capture(
                        run=run, source=source, url=url, kind=kind, at=DAY.format(day), outcome="new", status=200,  # type: ignore[arg-type]
                        reason=evil, body=body, headers=(("content-type", media_type),),
                        referrer="http://czj.example/1.html?<script>alive=1</script>",
                    )
                )  # fmt: skip
                assert saved.payload
                store.save_text(saved.payload, text_of(evil, requests + n, out))
            store.end_run(
                run, [Visit(source="czj", status="failed", reason=evil)], at=DAY.format(day), status="finished"
            )
    return path


def text_of(evil: str, requests: int, out: str) -> Text:
    place = {"form": "gkb-2021-30", "table": "t3", "row": "1", "column": "t"}
    return Text(
        cleaner="1", title=evil, agency=None, report_year=2023, published_on="2024-03-01", dates={}, is_report=True,
        charset='utf-8"<script>', charset_why="utf-8", script="hans", flags=(evil,), document_number=evil, index_number=evil,
        repairs={evil: 1}, attachments=(Attachment(url=f"javascript:fetch('{out}/url')//czj.example", label=evil),),
        text=f"一、{evil[:30]}\n{evil}\n| 指标 | {evil.replace('|', '')} |\n| 收到申请 | {requests} |\n{evil}",
        grids=((("指标", evil), ("收到申请", str(requests))),),
        figures=Figures(
            facts=(Fact(**place, value=requests, unit=evil, cell=evil, grid=0, at_row=1, at_column=1, sentence=evil),),
            checks=(
                Check(form=place["form"], table="t3", rule=evil, at="1", level="hard", left=requests, right=9, held=False),
            ),
        ),
    )  # fmt: skip


def test_nothing_of_a_hostile_archive_is_alive(hostile: Path) -> None:
    for path, answer in answers(hostile, addresses(hostile)):
        assert answer.status_code == 200, path
        if path.endswith(".atom"):
            ElementTree.fromstring(answer.content)  # noqa: S314 what we wrote ourselves
            continue
        assert "7777777" not in answer.text, path
        for element in html.fromstring(answer.content).iter(html.etree.Element):
            where = f"{path}: {html.tostring(element)[:200]!r}"
            assert not any(key.startswith("on") for key in element.attrib), where
            assert element.tag != "img", where
            assert element.tag != "script" or element.get("src", "/-/").startswith("/-/"), where
            assert element.tag != "script" or "alive" not in (element.text or ""), where
            for key in ("href", "src", "action", "formaction", "data"):
                assert element.get(key, "/").startswith(("/", "#", "?", "http://", "https://")), where


def test_a_page_as_served_is_in_a_sandbox(hostile: Path) -> None:
    rows = connect(hostile).execute("SELECT payload, kind FROM captures").fetchall()
    kinds = {f"/-/gongkai/raw/{row['payload']}": row["kind"] for row in rows}
    for path, answer in answers(hostile, [*kinds]):
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] in ("text/html; charset=utf-8", "application/octet-stream")
        assert answer.headers["content-type"].startswith("text/") == (kinds[path] == "report")
        assert "attachment" in answer.headers.get("content-disposition", "") or kinds[path] == "report"
        assert "x-evil" not in answer.headers
        assert "alive" in answer.text
        assert "<iframe" not in answer.text or kinds[path] == "attachment"
        ((_, kept),) = answers(hostile, [f"{path}?download"])
        assert hashlib.sha256(kept.content).hexdigest() == path.rpartition("/")[2]


def test_pages_let_only_our_scripts_run(hostile: Path) -> None:
    ((_, answer),) = answers(hostile, ["/-/gongkai"])
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "base-uri 'none'"} <= {*policy}


@pytest.mark.parametrize("public", [True, False], ids=["public", "private"])
def test_what_readers_may(hostile: Path, *, public: bool) -> None:
    expected = wanted(hostile, "public" if public else "private")
    for path, answer in answers(hostile, [*expected], public=public):
        status, says = expected[path]
        assert (path, answer.status_code) == (path, status)
        assert says in answer.text or status != 200, path
        assert str(hostile.parent) not in answer.text or not public, path


@pytest.mark.skipif(not NEXT.is_dir(), reason="needs the newest Datasette alpha: make .venv/next")
def test_the_next_datasette_too(hostile: Path) -> None:
    with serving(hostile, "--public", path=NEXT) as home:
        for path, (status, says) in wanted(hostile, "next").items():
            try:
                answer, text = 200, get(home + path)
            except HTTPError as error:
                answer, text = error.code, error.read().decode()
            assert (path, answer) == (path, status)
            assert says in text or status != 200, path
            assert str(hostile.parent) not in text, path


# --- in a real browser -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tab(hostile: Path) -> Iterator[tuple[Any, str]]:
    """A tab of Chromium, and the address of a server of the hostile archive."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with serving(hostile, "--public") as home, sync_api.sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        yield program.new_page(viewport={"width": 390, "height": 844}), home
        program.close()


@chromium
@pytest.mark.xdist_group("browser")
def test_no_script_runs_and_nothing_is_asked_for_elsewhere(
    hostile: Path, wire: socket.socket, tab: tuple[Any, str]
) -> None:
    page, home = tab
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    raw = [
        f"/-/gongkai/raw/{row['payload']}"
        for row in connect(hostile).execute("SELECT payload FROM captures WHERE kind = 'report'")
    ]
    for path in [*addresses(hostile), *raw]:
        if not path.endswith((".atom", *QUERIES)):  # those show the same cells as the tables
            page.goto(home + path)
            page.wait_for_timeout(50)
            assert page.url.startswith(home), path
            assert page.evaluate("window.alive") is None, path
            if "/-/gongkai" in path and path not in raw:
                assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.wait_for_timeout(500)
    assert [url for url in asked if not url.startswith(home)] == []
    with pytest.raises(BlockingIOError):
        wire.accept()[0].close()


@chromium
@pytest.mark.xdist_group("browser")
def test_main_pages_have_no_serious_fault_for_those_who_read_otherwise(hostile: Path, tab: tuple[Any, str]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page, home = tab
    for path in addresses(hostile):
        ours = not path.endswith(".atom") and "/copy" not in path and "carrier" not in path
        if ours and path.startswith(("/-/gongkai/", "/hostile/reports", "/hostile/late")):
            page.goto(home + path)
            found = axe.run(page).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == [], (
                path
            )


# --- helpers -----------------------------------------------------------------------------------------------------


def addresses(archive: Path) -> list[str]:
    """List an address of each page and of each table of an archive."""
    db = connect(archive)
    main = db.execute(
        "SELECT r.* FROM reports r JOIN report_pages p ON p.page = r.page ORDER BY p.versions DESC"
    ).fetchone()
    copy = db.execute(
        "SELECT page, agency FROM report_pages WHERE standing = 'copy' ORDER BY agency = ? DESC", (main["agency"],)
    ).fetchone()
    text = db.execute("SELECT payload FROM versions WHERE page = ?", (main["page"],)).fetchone()[0]
    own = [
        "", "?lang=en", "/coverage", "/coverage?state=late&region=99", "/coverage?state=none&q=%E5%B1%80&level=department",
        "/changes", "/changes?kind=found", "/copies", "/health?lang=zh", "/health?state=ok&page=1", "/health?q=%E5%B1%80",
        "/search?q=%E6%94%B6%E5%88%B0+%E7%94%B3%E8%AB%8B&year=2023", f"/office?name={quote(main['agency'])}",
        f"/report/{main['id']}", f"/report/{main['id']}?carrier=1", f"/diff/{main['page']}/1/2", f"/text/{text}",
        f"/copy/{copy['page']}", "/feed/new.atom", "/feed/changes.atom", "/feed/withdrawals.atom",
    ]  # fmt: skip
    tables = ("reports", "report_pages", "texts", "events", "captures", "facts", "sources", "visits")
    name = archive.stem
    row = f"reports/{main['id']}"
    return ["/", *(f"/-/gongkai{path}" for path in own), *(f"/{name}/{table}" for table in (*tables, row, *QUERIES))]


def wanted(archive: Path, reader: str) -> dict[str, tuple[int, str]]:
    """Give the addresses of `ADDRESSES`, and what a reader gets there: a status, and words where it is 200."""
    db = connect(archive)
    main = db.execute(
        "SELECT r.id AS report, page, r.agency, payload FROM reports r JOIN versions USING (page) WHERE n = 1"
    ).fetchone()
    named = dict(main) | {"copy": db.execute("SELECT page FROM report_pages WHERE standing = 'copy'").fetchone()[0]}
    return {
        quote(row["path"].format(**{key: quote(value) for key, value in named.items()}), safe="/?&=+%"): (
            row.get(reader, row.get("public", 200) if reader == "next" else 200),
            row.get("says", "").format(**named),
        )
        for row in tomllib.loads(ADDRESSES.read_text(encoding="utf-8"))["address"]
    }


def answers(archive: Path, paths: Sequence[str], *, public: bool = False) -> list[tuple[str, Any]]:
    """Ask a Datasette in this process."""

    async def ask() -> list[tuple[str, Any]]:
        served = datasette(archive, public=public)
        await served.invoke_startup()
        return [(path, await served.client.get(path)) for path in paths]

    with ThreadPoolExecutor(1) as aside:  # in this thread a tab that is still open has its loop
        return aside.submit(asyncio.run, ask()).result()


@contextmanager
def serving(archive: Path, *words: str, path: Path | None = None) -> Iterator[str]:
    """Run `gongkai browse`, and give its address; packages in `path` go before our own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*GONGKAI, "browse", "--archive", str(archive), "--port", str(port), *words]
    env = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            get(f"http://127.0.0.1:{port}/-/static/app.css")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def get(url: str) -> str:
    """Fetch a page from a server that may still be starting."""
    for _ in range(100):
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
                return str(answer.read().decode())
        except HTTPError:
            raise
        except URLError:
            time.sleep(0.1)
    raise AssertionError(f"{url}: no answer")
