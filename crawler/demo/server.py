"""The demo county on loopback: a web server that is also the proxy by which a crawler reaches its hosts."""

from __future__ import annotations

import functools
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any, Literal
from urllib.parse import urlsplit

from crawler.demo import tls
from crawler.demo.api import not_allowed
from crawler.demo.county import County
from crawler.demo.model import DOMAIN, MIRROR, Answer
from crawler.page import METHOD

Fault = Literal["dead", "error", "cut", "short", "empty", "loop", "slow"]
"""What may be wrong with a host: it closes the connection unanswered; answers 500; breaks off in mid-character;
does the same but says it was all; lists no reports; redirects to itself for ever; waits `pause` seconds first."""


@dataclass(kw_only=True)
class Demo:
    """A county being served. Set `day` to move it on, and `faults[host]` to make a host misbehave."""

    county: County
    port: int
    day: int = 1
    pause: float = 1.0
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Give the address to open in a browser, and to set as a crawler's proxy for http and https."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serve(county: County, port: int = 0) -> Iterator[Demo]:
    """Serve a county on 127.0.0.1 until the block ends; port 0 takes a free one. Raises OSError if the port is taken."""
    demo = Demo(county=county, port=port)
    with _Server(("127.0.0.1", port), functools.partial(_Handler, demo)) as server:
        demo.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield demo
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that closing it leaves none behind."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, *args: Any) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(*args)

    @functools.cached_property
    def tls(self) -> SSLContext:
        return tls.context()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        for connection in tuple(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    scheme = "http"
    server_version = "Apache"
    sys_version = ""

    def __init__(self, demo: Demo, *args: Any) -> None:
        self.demo = demo
        super().__init__(*args)

    def do_CONNECT(self) -> None:
        """Be the other end of the tunnel too."""
        self.send_response(200)
        self.end_headers()
        self.server.open.discard(self.request)
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.server.open.add(self.request)
        self.setup()
        self.scheme = "https"
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        if self.scheme == "https":
            self.server.shutdown_request(self.request)

    def do_GET(self) -> None:
        self._serve(_asked(self.path, self.headers.get("Host", ""), self.scheme))

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("utf-8", "replace")
        url = _asked(self.path, self.headers.get("Host", ""), self.scheme)
        self._serve(f"{url}{'&' if '?' in url else '?'}{METHOD}=POST&{form}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _serve(self, url: str) -> None:
        self.demo.requests.append(url)
        host = urlsplit(url).hostname or ""
        fault = self.demo.faults.get(host)
        if fault == "dead":
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(self.demo.pause)
        self._send(self._answer(url, host, fault), cut=fault == "cut")

    def log_message(self, *args: object) -> None:
        """Keep no log: `Demo.requests` has every address asked for."""

    def _answer(self, url: str, host: str, fault: Fault | None) -> Answer:
        county, day = self.demo.county, self.demo.day
        if host in {"127.0.0.1", "localhost"}:
            return _index(self.demo)
        if fault == "error":
            return Answer(status=500, headers={"Content-Type": "text/plain"}, body=b"Internal Server Error\n")
        if fault == "loop":
            return Answer(status=302, headers={"Location": url}, body=b"")
        if fault == "empty":
            bare = (replace(o, years=()) if o.host == host else o for o in county.offices)
            county = replace(county, offices=tuple(bare))
        forged = self.command != "POST" and METHOD in url
        answer = not_allowed() if forged else county.answer(url, day=day)
        if fault == "short":
            answer = replace(answer, body=_broken_off(answer.body))
        if answer.headers.get("ETag", "") == self.headers.get("If-None-Match", "-"):
            return replace(answer, status=304, body=b"")
        return answer

    def _send(self, answer: Answer, *, cut: bool) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(_broken_off(answer.body) if cut else answer.body)
        self.close_connection = self.close_connection or cut


def _asked(path: str, host: str, scheme: str) -> str:
    """Give the absolute URL of a request, asked as of a proxy or by Host; x.localhost stands for the county's x."""
    url = path if path.startswith("http://") else f"{scheme}://{host}{path}"
    parts = urlsplit(url)
    name = (parts.hostname or "").lower()
    if name.endswith(".localhost"):
        label = name.removesuffix(".localhost")
        name = MIRROR if label == _MIRROR_LABEL else f"{label}.{DOMAIN}"
    return parts._replace(netloc=name, fragment="").geturl()


_MIRROR_LABEL = MIRROR.split(".")[1]


def _broken_off(body: bytes) -> bytes:
    """Cut a body near its middle, one byte into a character of two or more."""
    middle = len(body) // 2
    return body[: next((i for i in range(middle, len(body)) if body[i] > 0xC0), middle) + 1]


def _index(demo: Demo) -> Answer:
    hosts = [(office.label, office.name, office.host) for office in demo.county.offices]
    hosts.append((_MIRROR_LABEL, "（仿冒站）", MIRROR))
    rows = "\n".join(
        f'<li><a href="http://{label}.localhost:{demo.port}/">{escape(name)}</a> <code>{host}</code></li>'
        for label, name, host in hosts
    )
    page = f"""<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>云岫县 · demo county</title></head><body>
<h1>云岫县 — a county that does not exist</h1>
<p>Day {demo.day}: {demo.county.today(demo.day):%Y-%m-%d}. Click an office to browse it,
or crawl the hosts beside the names with <code>http_proxy={demo.url} https_proxy={demo.url}</code>.</p>
<ul>
{rows}
</ul></body></html>
"""
    return Answer(status=200, headers={"Content-Type": "text/html; charset=utf-8"}, body=page.encode())
