"""Many small offices, each a host, served through a loopback proxy that notes who asked for what, and when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import sites


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request: the host, who asked, and when it came and was answered (seconds)."""

    host: str
    path: str
    agent: str
    began: float
    ended: float


def names(count: int) -> list[str]:
    return [f"s{n:03}" for n in range(count)]


def sources_toml(count: int, *, delay: float) -> str:
    return "\n".join(
        f'[{name}]\nname = "云岫县{name}局"\nstart_urls = ["http://{name}.gov.example/"]\ndelay = {delay}\nexpect_min = 3\n'
        for name in names(count)
    )


def answer(host: str, path: str) -> sites.Answer:
    """Answer as an office does that has three reports."""
    office = f"云岫县{host.partition('.')[0]}局"
    return sites.report(int(path[5:9]), office) if path.startswith("/nb/t20") else sites.healthy(path, 0)


@contextmanager
def serve(*, seconds: float = 0) -> Iterator[tuple[str, list[Asked]]]:
    """Serve all hosts, each answer taking so long; gives the proxy's address and, as they come, the requests."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            began = time.monotonic()
            parts = urlsplit(self.path)
            time.sleep(seconds)
            status, headers, body = answer(parts.hostname or "", parts.path)
            assert isinstance(body, bytes)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            asked.append(
                Asked(
                    host=parts.hostname or "", path=parts.path, agent=self.headers["User-Agent"], began=began,
                    ended=time.monotonic(),
                )
            )  # fmt: skip
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: Any) -> None: ...  # whoever asked was killed

    with Server(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
