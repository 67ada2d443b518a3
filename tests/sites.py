"""Sites that mean a crawler harm, or are merely broken, one a host, served through a loopback proxy.

Each trap is a function from (path with query, how many requests its host has had) to an answer; `TRAPS` says what the
visit must come to, in words of its reason, and how many requests it may cost at the most.
"""

from __future__ import annotations

import gzip
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes | Iterator[bytes]]
Site = Callable[[str, int], Answer]
YEARS = (2021, 2022, 2023)
HTML = {"Content-Type": "text/html; charset=utf-8"}


def page(body: str, *, title: str = "云岫县某局", status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    whole = f"<html><head><meta charset=utf-8><title>{title}</title></head><body>{body}</body></html>"
    return status, HTML | named, whole.encode()


def report(year: int, office: str = "云岫县某局") -> Answer:
    words = (
        f"根据《中华人民共和国政府信息公开条例》编制本年度报告。统计期限自{year}年1月1日至12月31日。一、主动公开政府信息{year}条。"
        "二、依申请公开：收到申请3件。三、行政复议0件，行政诉讼0件。四、存在的主要问题：公开不够及时。五、未收取信息处理费。"
    )
    title = f"{office}{year}年政府信息公开工作年度报告"
    return page(f"<h1>{title}</h1><div class=TRS_Editor><p>{words}</p><p>{words}</p></div>", title=title)


def listing(years: tuple[int, ...] = YEARS, *, more: str = "") -> str:
    links = "".join(
        f'<li><a href="/nb/t{y}0131_{y}.html">云岫县某局{y}年政府信息公开工作年度报告</a></li>' for y in years
    )
    return f"<ul>{links}</ul>{more}"


HOME = page('<a href="/nb/">政府信息公开年报</a> <a href="/zwgk/">政务公开</a>')


def healthy(path: str, _: int) -> Answer:
    """Answer as an honest office does: a home page, a column, its reports."""
    if path == "/":
        return HOME
    if path == "/nb/":
        return page(listing(), title="政府信息公开年报")
    if path.startswith("/nb/t20"):
        return report(int(path[5:9]))
    return page("", status=404)


def lure(trap: Callable[[str, int], Answer | None]) -> Site:
    """Make a site that is honest but where the trap has an answer of its own."""
    return lambda path, count: trap(path, count) or healthy(path, count)


def calendar(path: str, _: int) -> Answer | None:
    """List events by month, each month with a next one."""
    if not path.startswith("/nb/?month=") and path != "/nb/":
        return None
    month = int(path.partition("=")[2] or 0)
    more = f'<a href="/nb/?month={month + 1}">下一页</a>'
    return page(listing(more=more) if month == 0 else f"<p>{month}月无活动</p>{more}")


def endless_lists(path: str, _: int) -> Answer | None:
    """Page without end, each page with new entries that are no reports but a sorry page with status 200."""
    if path.startswith("/nb/?page="):
        n = int(path.partition("=")[2])
        entries = "".join(
            f'<a href="/nb/t20200101_{n * 10 + i}.html">第{n * 10 + i}号公开年度报告2020年</a>' for i in range(3)
        )
        return page(f'{entries}<a href="/nb/?page={n + 1}">下一页</a>')
    if path == "/nb/":
        return page(listing(more='<a href="/nb/?page=2">下一页</a>'))
    return page("<p>对不起，您访问的页面不存在。</p>") if path.startswith("/nb/t20200101_") else None


def random_parameters(path: str, count: int) -> Answer | None:
    """Show the same list under ever new addresses."""
    if path.startswith("/nb/"):
        return page(listing(more=f'<a href="/nb/?t={count}">下一页</a>')) if "t2" not in path else None
    return None


def deeper_and_deeper(path: str, _: int) -> Answer | None:
    """Lead from column to column, each one folder deeper."""
    if path.startswith("/nb/") and "t2" not in path:
        return page(
            listing(more='<a href="nb/">政府信息公开年报</a>')
            if path == "/nb/"
            else '<a href="nb/">政府信息公开年报</a>'
        )
    return None


def towards_without_end(path: str, count: int) -> Answer:
    """Promise 政府信息公开 behind every link, and never a report."""
    return page("".join(f'<a href="/x{count}_{i}/">政府信息公开</a>' for i in range(30)) + f"<p>{path}</p>")


def drip(path: str, _: int) -> Answer | None:
    """Send a byte a second."""
    return (200, HTML, (time.sleep(0.5) or b"<" for _ in range(600))) if path == "/nb/" else None


def huge(path: str, _: int) -> Answer | None:
    """Send a page without end."""
    return (200, HTML, (b"<p>x</p>" * 8192 for _ in range(100_000))) if path == "/nb/" else None


def bomb(path: str, _: int) -> Answer | None:
    """Send little that unpacks to a gigabyte."""
    packed = gzip.compress(gzip.compress(b"\0" * 100_000_000, 9), 9) if path == "/nb/" else b""
    unpacked_once = gzip.decompress(packed) if packed else b""
    return (200, HTML | {"Content-Encoding": "gzip"}, unpacked_once) if packed else None


def stub(path: str, _: int) -> Answer | None:
    """Claim fifty pages and have two."""
    script = "<script>createPageHTML(50, 0, 'index', 'html')</script>"
    if path == "/nb/":
        return page(listing((2021, 2022), more=script + '<i class="TRS_Editor"></i>'))
    return page(listing((2023,))) if path == "/nb/index_1.html" else None


def moving(path: str, count: int) -> Answer | None:
    """Redirect to an ever new address."""
    return (302, {"Location": f"/nb/?hop={count}"}, b"") if path.startswith("/nb/") and "t2" not in path else None


def circling(path: str, _: int) -> Answer | None:
    """Redirect to itself, with a cookie that must come back."""
    return (302, {"Location": path, "Set-Cookie": "CT6T=1a2b3c; path=/"}, b"") if path == "/nb/" else None


def refusing(path: str, _: int) -> Answer | None:
    """Forbid everything in robots.txt."""
    return (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /\n") if path == "/robots.txt" else None


def always(status: int, body: str, **headers: str) -> Site:
    """Answer the same whatever is asked."""
    return lambda path, _: (
        page("", status=404) if path == "/robots.txt" else page(body, status=status, title="", **headers)
    )


@dataclass(frozen=True, kw_only=True)
class Trap:
    """A hostile host: its answers, and what the visit must come to."""

    answer: Site
    status: str
    says: str
    reports: int
    at_most: int


TRAPS = {
    "calendar": Trap(answer=lure(calendar), status="ok", says=r"5 pages in a row named no further report", reports=3, at_most=16),
    "endless_lists": Trap(
        answer=lure(endless_lists), status="ok|partial", says=r"more than 100 pages|gone", reports=3, at_most=460
    ),
    "random_parameters": Trap(
        answer=lure(random_parameters), status="ok", says=r"shows the same entries as a page before it", reports=3, at_most=10
    ),
    "deeper": Trap(answer=lure(deeper_and_deeper), status="ok", says=r"the search stopped after 40 pages", reports=3, at_most=50),
    "towards": Trap(answer=towards_without_end, status="failed", says=r"the search stopped after 40 pages", reports=0, at_most=44),
    "drip": Trap(answer=lure(drip), status="failed", says=r"took longer than|Timeout", reports=0, at_most=12),
    "huge": Trap(answer=lure(huge), status="failed", says=r"larger than|exceeded|maxsize|Cancelled|took longer", reports=0, at_most=12),
    "bomb": Trap(answer=lure(bomb), status="failed", says=r"bytes", reports=0, at_most=12),
    "stub": Trap(answer=lure(stub), status="ok", says=r"the column is shorter than it says", reports=3, at_most=10),
    "moving": Trap(answer=lure(moving), status="failed|blocked", says=r"redirect", reports=0, at_most=30),
    "circling": Trap(answer=lure(circling), status="blocked", says=r"redirect loop|ct6t", reports=0, at_most=8),
    "refusing": Trap(answer=lure(refusing), status="failed|refused", says=r"robots", reports=0, at_most=1),
    "ruishu": Trap(
        answer=always(412, "<script>$_ts=window['$_ts'];if(!$_ts)$_ts={};</script>"), status="blocked", says="ruishu", reports=0, at_most=3
    ),
    "jiasule": Trap(
        answer=always(521, "<script>document.cookie='x'</script>", Set_Cookie="__jsluid_s=0a1b; path=/"),
        status="blocked", says="jiasule", reports=0, at_most=3,
    ),
    "firewall": Trap(answer=always(200, "<h1>您的访问被拦截</h1>"), status="blocked", says="firewall", reports=0, at_most=3),
    "forbidden": Trap(answer=always(403, "<h1>403</h1>"), status="blocked", says="http-403", reports=0, at_most=5),
    "sorry": Trap(answer=always(200, "<p>对不起，您访问的页面不存在。</p>"), status="failed", says="soft-404", reports=0, at_most=4),
    "maintenance": Trap(
        answer=always(200, "<p>网站系统维护中，暂停访问，请稍后再试。</p>"), status="failed", says="maintenance", reports=0, at_most=9
    ),
}  # fmt: skip
HEALTHY = ("healthy_one", "healthy_two")


def host_of(name: str) -> str:
    return f"{name.replace('_', '-')}.gov.example"


@contextmanager
def serve(answers: Mapping[str, Site]) -> Iterator[tuple[str, list[str]]]:
    """Serve sites by host; gives the proxy's address and, as they come, the addresses asked for."""
    asked: list[str] = []
    count: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            host = parts.hostname or ""
            asked.append(self.path)
            count[host] += 1
            path = parts._replace(scheme="", netloc="").geturl()
            status, headers, body = answers[host](path, count[host])
            whole = isinstance(body, bytes)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header(*(("Content-Length", str(len(body))) if whole else ("Connection", "close")))  # type: ignore[arg-type]
            self.end_headers()
            self.close_connection = not whole
            try:
                for part in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(part)
            except OSError:
                self.close_connection = True  # the crawler had enough of it

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None: ...

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def traps() -> dict[str, Site]:
    """Give every trap, and two healthy sites, by host."""
    return {host_of(name): trap.answer for name, trap in TRAPS.items()} | {host_of(name): healthy for name in HEALTHY}


def sources_toml() -> str:
    """Write a source for every host: its name and its home page."""
    return "\n".join(
        f'[{name}]\nname = "云岫县某局"\nstart_urls = ["http://{host_of(name)}/"]\ndelay = 0\nexpect_min = 3\n'
        for name in (*TRAPS, *HEALTHY)
    )
