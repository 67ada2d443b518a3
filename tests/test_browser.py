"""Pages made by scripts, with a real Chromium: `browser/<case>/` is a site and what a crawl of it must ask for.

`cases/scripts.toml` are scripts that try what a page may try; `cases/shells.toml` pages that are shells, or none.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import re
import socket
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from scrapy import Request
from scrapy.http import HtmlResponse, Response
from support import gongkai

from archive import overview, reader
from archive.database import connect
from crawler import browser
from crawler.page import Page, posted

HERE = Path(__file__).parent
SITES = {case.parent.name: case.parent for case in sorted(HERE.glob("browser/*/case.toml"))}
LIST = """fetch("/list.json").then(a => a.json()).then(list => {
    app.innerHTML = list.map(([url, title]) => `<a href="${url}">${title}</a>`).join("") })"""
SHELL = (
    '<meta charset="utf-8"><link rel="preconnect" href="http://OUT"><div id="app"></div><script src="/app.js"></script>'
)

pytestmark = pytest.mark.xdist_group("browser")  # one worker starts Chromium, and crawls the sites once
chromium = pytest.mark.skipif(browser.missing() is not None, reason=browser.missing() or "")


def cases(name: str) -> list[Any]:
    table = tomllib.loads((HERE / "cases" / f"{name}.toml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in table["case"]]


@pytest.mark.parametrize("case", cases("shells"))
def test_shell(case: dict[str, Any]) -> None:
    assert browser.is_shell(Page(url="http://a.example/", text=case["body"])) == case["shell"]


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert browser.missing() == "needs a browser: pip install 'gongkai[browser]' and Chromium"


# --- one page, and what its script may try -----------------------------------------------------------------------


@pytest.fixture(scope="session")
def tripwires() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ports on loopback, TCP and UDP, that nobody may knock at."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        for wire in (tcp, udp):
            wire.setblocking(False)
        yield tcp, udp


@pytest.fixture(scope="module")
def render() -> Iterator[Callable[..., tuple[str, str]]]:
    """Render pages with one Chromium, giving each three seconds."""
    program = browser.Chromium(user_agent="gongkai/test", seconds=3)
    with asyncio.Runner() as loop:
        yield lambda shell, fetch: loop.run(program.render(shell, fetch=fetch))
        loop.run(program.close())


@chromium
@pytest.mark.parametrize("case", cases("scripts"))
def test_script(
    case: dict[str, Any], tripwires: tuple[socket.socket, socket.socket], render: Callable[..., tuple[str, str]]
) -> None:
    out, udp = (f"127.0.0.1:{wire.getsockname()[1]}" for wire in tripwires)
    script = case["script"].replace("LIST", LIST).replace("OUT", out).replace("UDP", udp)
    answers = {"/app.js": ("text/javascript", script), "/list.json": ("text/json", '[["/1.html", "2020年年报"]]')}
    asked: list[Request] = []

    async def fetch(request: Request) -> Response | None:
        asked.append(request)
        path = urlsplit(request.url).path
        if path == "/slow":
            await asyncio.sleep(30)
        if urlsplit(request.url).netloc != "a.example" or path not in answers:
            return None
        kind, text = answers[path]
        return Response(request.url, headers={"Content-Type": kind}, body=text.encode())

    headers = {"Content-Type": "text/html"}
    shell = HtmlResponse("http://a.example/#/list", headers=headers, body=SHELL.replace("OUT", out).encode())
    try:
        html, how = render(shell, fetch)
    except browser.RenderError as error:
        html, how = "", str(error)
    assert case.get("shows", "") in html
    assert case.get("how", "rendered by Chromium") in how
    assert len(asked) <= browser.MOST_RESOURCES
    assert not any("Cookie" in request.headers for request in asked)
    for knock in (tripwires[0].accept, partial(tripwires[1].recv, 1)):
        with pytest.raises(BlockingIOError):
            knock()


# --- whole sites, by the command ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def proxy() -> Iterator[tuple[str, list[str]]]:
    """The sites, served to whoever takes this address for a proxy, and what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # with 1.0 it would close connections that it has not said it would

        def do_GET(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append(posted(self.path, form) if self.command == "POST" else self.path)
            url = urlsplit(self.path)
            file = HERE / "browser" / (url.hostname or "").removesuffix(".example") / url.path.strip("/")
            moved = file.with_name(f"{file.name}.location")
            body = file.read_bytes() if file.is_file() else b""
            self.send_response(200 if body else 302 if moved.is_file() else 404)
            if moved.is_file():
                self.send_header("Location", moved.read_text(encoding="utf-8").strip())
            self.send_header("Content-Type", mimetypes.guess_type(file.name)[0] or "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # all sites are asked at once

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.fixture(scope="session")
def archive(proxy: tuple[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All sites crawled twice."""
    folder = tmp_path_factory.mktemp("browser")
    for name, site in SITES.items():
        table = tomllib.loads((site / "case.toml").read_text(encoding="utf-8"))["source"]
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
        (folder / f"{name}.toml").write_text("\n".join([f"[{name}]", *lines]), encoding="utf-8")
    for _ in range(2):
        gongkai("crawl", "--archive", folder / "a.sqlite", "--sources", folder, env={"http_proxy": proxy[0]})
    return folder / "a.sqlite"


@chromium
@pytest.mark.parametrize("site", SITES)
def test_site(site: str, archive: Path) -> None:
    case = tomllib.loads((SITES[site] / "case.toml").read_text(encoding="utf-8"))
    with closing(connect(archive)) as db:
        first, second = (asked(db, run["id"], site) for run in reversed(overview.runs(db, last=2)))
        assert sorted(first) == sorted(case["requests"])
        reports = [line.replace(" new ", " same ") for line in case["requests"] if line.startswith("report")]
        assert sorted(line for line in second if line.startswith("report")) == sorted(reports)
        found = [row for row in reader.carriers(db) if row["source"] == site]
        assert [row["year"] for row in found] == case["reports"]
        assert {row["versions"] for row in found} <= {1}


@chromium
def test_all_that_was_asked_is_in_the_archive(archive: Path, proxy: tuple[str, list[str]]) -> None:
    with closing(connect(archive)) as db:
        rows = db.execute(
            """SELECT url FROM captures JOIN pages ON pages.id = page
               WHERE outcome != 'refused' AND coalesce(reason, '') NOT LIKE 'rendered%'"""
        )
        assert sorted(url for (url,) in rows) == sorted(proxy[1])


def asked(db: Any, run: str, source: str) -> list[str]:
    """Give a run's captures of a source as a case writes them."""
    rows = db.execute(
        "SELECT kind, outcome, url, reason FROM captures JOIN pages ON pages.id = page WHERE run = ? AND source = ?",
        (run, source),
    )
    lines = [f"{kind} {outcome} {url.partition('.example')[2]} {why or ''}".strip() for kind, outcome, url, why in rows]
    return [re.sub(r"(Chromium) [\d.]+", r"\1", line) for line in lines]
