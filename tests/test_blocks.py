"""Blocks and lies: one folder under tests/blocks is one answer; hosts that give such answers are crawled for real."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from scrapy.robotstxt import ProtegoRobotParser
from support import gongkai

from archive.database import connect
from crawler.run import Exit
from pipelines import blocks
from pipelines.blocks import judge

HERE = Path(__file__).parent / "blocks"
HOSTS = tomllib.loads((HERE / "hosts.toml").read_text(encoding="utf-8"))
PAGE = (
    "<html><head><meta charset='utf-8'><meta name='ArticleTitle' content='{0}'><title>{0}</title></head>"
    "<body><h1>{0}</h1><p>全年主动公开政府信息一百二十六条。</p></body></html>"
)
REPORTS = [f"/nb/{year}.html" for year in range(2011, 2019)]
LIST = "".join(f"<li><a href='{path}'>{path[4:8]}年政府信息公开工作年度报告</a></li>" for path in REPORTS)
REALLY_BAD = {"other_gov/protego__robots_fmprc.html": "soft-404"}


def rows(name: str) -> list[Any]:
    table = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in table["case"]]


def as_list(verdict: blocks.Verdict | None) -> list[str] | None:
    return verdict and [verdict.outcome, verdict.reason]


@pytest.mark.parametrize("answer", sorted(HERE.glob("*/answer.json")), ids=lambda path: path.parent.name)
def test_answer(answer: Path) -> None:
    """`verdict` is what the answer is, null for a page; `inner` says that it is not a source's own address."""
    given = json.loads(answer.read_text(encoding="utf-8"))
    body, home = answer.with_name("body.html"), answer.with_name("home.html")
    known = blocks.fingerprint(home.read_bytes()) if home.exists() else ""
    verdict = judge(
        status=given["status"],
        headers=given["headers"],
        body=body.read_bytes(),
        url=given["url"],
        home=known if given["inner"] else None,
    )
    assert as_list(verdict) == given["verdict"], given["says"]


@pytest.mark.parametrize("case", rows("short"))
def test_short_answer(case: dict[str, Any]) -> None:
    verdict = judge(status=case["status"], headers=case.get("headers", {}), body=case["body"].encode())
    assert as_list(verdict) == case.get("verdict")


@pytest.mark.parametrize("case", rows("robots"))
def test_robots(case: dict[str, Any]) -> None:
    body = case["text"].encode(case.get("written", "utf-8"))
    rules = ProtegoRobotParser(blocks.robots(status=case.get("status", 200), headers={}, body=body), None)
    for path in case.get("refused", ()):
        assert not rules.allowed(f"http://a.example{path}", "gongkai/1"), path
    for path in case.get("allowed", ()):
        assert rules.allowed(f"http://a.example{path}", "gongkai/1"), path


def test_the_robots_of_a_real_site_that_are_a_page(shared: Path) -> None:
    body = (shared / "pages/other_gov/protego__robots_fmprc.html").read_bytes()
    assert blocks.robots(status=200, headers={}, body=body) == b""


def test_real_pages_are_pages(shared: Path) -> None:
    with (shared / "pages/index.tsv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file, delimiter="\t")]
    judged = {name: judge(status=200, headers={}, body=(shared / "pages" / name).read_bytes()) for name in names}
    assert len(judged) > 500
    assert {name: verdict.reason for name, verdict in judged.items() if verdict} == REALLY_BAD


# --- a real crawl of hosts that block and lie -----------------------------------------------------------------------


@dataclass
class Web:
    """The hosts as a crawler's proxy, and what was asked of them."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    def answer(self, method: str, url: str) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(url)
        self.asked.append((parts.netloc, method, parts.path))
        name = parts.netloc.removesuffix(".example")
        pages = HOSTS[name].get("pages", {})
        given = pages.get(parts.path) or (pages.get("*") if parts.path != "/robots.txt" else {"status": 404})
        if isinstance(given, str):
            folder = HERE / given
            told = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
            given = {"body": f"{given}/body.html", "status": told["status"], **told["headers"]}
        given = dict(given or {})
        status = given.pop("status", 200)
        body = PAGE.format(f"云岫县{parts.netloc}政府信息公开年度报告：{parts.path}").encode() if status == 200 else b""
        if parts.path == "/" and HOSTS[name].get("seen") == []:
            body = f"<html><body><ul>{LIST}</ul></body></html>".encode()
        if "refresh" in given:
            body = f'<meta http-equiv="refresh" content="0;url={given.pop("refresh")}">'.encode() + body
        if "body" in given:
            body = (HERE / given.pop("body")).read_bytes()
        return status, {name: value.replace("{url}", url) for name, value in given.items()}, body


pytestmark = pytest.mark.xdist_group("blocks")  # one worker asks the hosts, once


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Web, Any]]:
    """What was asked of the hosts in one run over all of them, and the archive it made."""
    web, folder = Web(), tmp_path_factory.mktemp("blocks")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.cookies += self.headers.get_all("Cookie", [])
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, body = web.answer(self.command, self.path)
            self.send_response(status)
            for name, value in {"content-type": "text/html", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")  # a form is not posted again where an old connection has just ended
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    sources = "\n".join(
        f'[{name}]\nname = "{name}"\ndelay = 0\nstart_urls = ["http://{name}.example/"]\n'
        f"seen = {[[2011, f'http://{name}.example{path}'] for path in host.get('seen', REPORTS)]}"
        for name, host in HOSTS.items()
    )
    (folder / "sources.toml").write_text(sources, encoding="utf-8")

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # all hosts are asked at once

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        done = gongkai(
            "crawl",
            "--archive",
            folder / "a.sqlite",
            "--sources",
            folder / "sources.toml",
            env={"http_proxy": f"http://127.0.0.1:{server.server_address[1]}"},
        )
        server.shutdown()
    assert done.returncode == Exit.SOME_FAILED, done.stdout + done.stderr
    db = connect(folder / "a.sqlite")
    yield web, db
    db.close()


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_is_asked_no_more_than_it_bears(crawled: tuple[Web, Any], name: str) -> None:
    web, db = crawled
    asked = [(method, path) for host, method, path in web.asked if host == f"{name}.example"]
    reason = db.execute("SELECT reason FROM visits WHERE source = ?", (name,)).fetchone()[0] or ""
    assert len(asked) == HOSTS[name].get("requests", len(asked)), asked
    assert HOSTS[name].get("says", "") in reason
    assert "left alone" in reason or "says" not in HOSTS[name]
    assert "left alone" not in reason or "says" in HOSTS[name]
    captured = {
        row["url"].removeprefix(f"http://{name}.example"): [row["outcome"], row["reason"] or ""]
        for row in db.execute(
            "SELECT url, outcome, c.reason FROM captures c JOIN pages ON pages.id = page WHERE source = ? ORDER BY at, c.id",
            (name,),
        )
    }
    for path, *outcome in HOSTS[name].get("captured", ()):
        assert captured[path] == outcome, path
    total = db.execute("SELECT count(*) FROM captures WHERE source = ? AND outcome != 'refused'", (name,))
    assert total.fetchone()[0] == len(asked), "every answer is captured"


def test_no_cookie_is_sent_back(crawled: tuple[Web, Any]) -> None:
    assert crawled[0].cookies == []


def test_what_is_not_the_page_is_never_a_version(crawled: tuple[Web, Any]) -> None:
    bad = crawled[1].execute(
        """SELECT url FROM pages JOIN captures c ON c.page = pages.id WHERE pages.id IN (SELECT page FROM versions)
           GROUP BY url HAVING max(outcome IN ('new', 'same')) = 0"""
    )
    assert bad.fetchall() == []
