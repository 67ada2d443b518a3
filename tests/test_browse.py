"""The archive opens in Datasette, by the real command."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

from support import GONGKAI

from archive import reader
from archive.database import connect


def test_browse_serves_the_reports_and_hides_the_bytes(demo: tuple[str, Path]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [*GONGKAI, "browse", "--archive", str(demo[1]), "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            reports = json.loads(get(f"http://127.0.0.1:{port}/demo/reports.json?_shape=array&_size=max"))
            assert len(reports) == len(reader.coverage(connect(demo[1])))
            home = get(f"http://127.0.0.1:{port}/demo")
            assert "report_pages" in home
            assert "The distinct texts of a page" in get(f"http://127.0.0.1:{port}/demo/versions")
        finally:
            process.terminate()


def get(url: str) -> str:
    """Fetch a page from a server that may still be starting."""
    for _ in range(100):
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
                return str(answer.read().decode())
        except URLError:
            time.sleep(0.1)
    raise AssertionError(f"{url}: no answer")
