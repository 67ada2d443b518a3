"""Measure the whole way against plain Scrapy and trafilatura, and against fetching alone, in one run, on generated sites.

`python tests/bench [offices]`. Prints medians and their ratios; asserts nothing. All sides crawl the same hosts, one
request at a time each, from a server of its own process; gongkai also finds the reports, keeps raw bytes and versions,
and reads the statistics. Reports are counted, which are what the others are told to ask for; they have no documents.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crawler.demo.county import County

ROUNDS = 3
HERE = Path(__file__).parent
ROWS = (("pages/s", "pages a second"), ("cpu", "CPU ms a page"), ("peak", "peak MB, all processes"))


def main() -> None:
    offices = int(sys.argv[1]) if len(sys.argv) > 1 else 167
    county = County.make(offices=offices, documents=False)
    urls = [report["url"] for report in county.truth(day=1)["reports"]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "urls").write_text("\n".join(urls), encoding="utf-8")
        tables = county.sources_toml().partition("[mirror_")[0]
        (folder / "sources.toml").write_text(tables, encoding="utf-8")
        server = subprocess.Popen(
            [sys.executable, "-m", "crawler.demo", "--pages-alone", "--offices", str(offices), "--port", "8765"],
            stdout=subprocess.DEVNULL,
        )
        try:
            time.sleep(3)
            sides = {
                "gongkai": lambda: gongkai(folder),
                "plain": lambda: plain(folder, "extract"),
                "fetch": lambda: plain(folder, "fetch"),
            }
            for run in sides.values():
                run().wait()  # not counted: the server writes its pages on first asking
            measured = [{side: measure(run, pages=len(urls)) for side, run in sides.items()} for _ in range(ROUNDS)]
        finally:
            server.terminate()
            server.wait()
    size = statistics.mean(len(county.answer(url, day=1).body) for url in urls)
    print(
        f"{len(urls)} reports of {offices} hosts, {size / 1000:.0f} kB each, {os.cpu_count()} cores, median of {ROUNDS}\n"
    )
    print(f"{'':<26}{'gongkai':>10}{'plain':>10}{'fetch only':>12}{'to plain':>10}{'to fetch':>10}")
    for key, label in ROWS:
        own, other, bare = (statistics.median(one[side][key] for one in measured) for side in sides)
        print(f"{label:<26}{own:>10.1f}{other:>10.1f}{bare:>12.1f}{own / other:>10.2f}{own / bare:>10.2f}")


def gongkai(folder: Path) -> subprocess.Popen[bytes]:
    """Crawl into a new archive."""
    for file in folder.glob("a.sqlite*"):
        file.unlink()
    words = ["-m", "crawler.cli", "crawl", "--archive", folder / "a.sqlite", "--sources", folder / "sources.toml"]
    return _start(words)


def plain(folder: Path, work: str) -> subprocess.Popen[bytes]:
    """Crawl into a new feed, or only fetch."""
    (folder / "feed.jsonl").unlink(missing_ok=True)
    return _start([HERE / "plain.py", work, folder / "urls", folder / "feed.jsonl"])


def measure(start: Callable[[], subprocess.Popen[bytes]], *, pages: int) -> dict[str, float]:
    """Time one crawl: pages a second, CPU milliseconds a page, and the most memory its processes held at once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = start()
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if process.returncode:
        raise SystemExit(f"the crawl ended with {process.returncode}")
    return {"pages/s": pages / seconds, "cpu": 1000 * cpu / pages, "peak": peak / 1e6}


def _start(words: list[object]) -> subprocess.Popen[bytes]:
    environment = os.environ | {"http_proxy": "http://127.0.0.1:8765"}
    return subprocess.Popen([sys.executable, *map(str, words)], env=environment, stdout=subprocess.DEVNULL)


def _memory(pid: int) -> int:
    """Add up the resident bytes of a process and its children, those shared counted in proportion."""
    total, left = 0, [pid]
    while left:
        one = left.pop()
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            left += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
        except (OSError, ValueError):  # it has just ended
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


if __name__ == "__main__":
    main()
