"""The crawls that are measured, and the county that they crawl."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


@contextmanager
def serving(*, offices: int, years: str = "2008-2025") -> Iterator[None]:
    """Serve a county's reports, without documents, from a process of its own."""
    words = ["-m", "crawler.demo", "--pages-alone", "--offices", str(offices), "--years", years, "--port", "8765"]
    server = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    try:
        time.sleep(3)
        yield
    finally:
        server.terminate()
        server.wait()


def gongkai(folder: Path, *, statistics: bool = True) -> subprocess.Popen[bytes]:
    """Crawl into a new archive, with or without reading the statistics of reports."""
    for file in folder.glob("a.sqlite*"):
        file.unlink()
    program: list[object] = ["-m", "crawler.cli"] if statistics else [HERE / "bare.py"]
    return _start([*program, "crawl", "--archive", folder / "a.sqlite", "--sources", folder / "sources.toml"])


def plain(folder: Path, work: str) -> subprocess.Popen[bytes]:
    """Crawl into a new feed, or only fetch."""
    (folder / "feed.jsonl").unlink(missing_ok=True)
    return _start([HERE / "plain.py", work, folder / "urls", folder / "feed.jsonl"])


def memory(pid: int) -> int:
    """Add up the resident bytes of a process and its children, those shared counted in proportion."""
    total, left = 0, [pid]
    while left:
        one = left.pop()
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            for children in Path(f"/proc/{one}/task").glob("*/children"):  # whichever thread began them
                left += map(int, children.read_text().split())
        except (OSError, ValueError):  # it has just ended
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def _start(words: list[object]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"http_proxy": "http://127.0.0.1:8765"}
    return subprocess.Popen([sys.executable, *map(str, words)], env=environment, stdout=subprocess.DEVNULL)
