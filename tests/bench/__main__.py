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

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.crawls import gongkai, memory, plain, serving

from crawler.demo.county import County

ROUNDS = 3
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
        with serving(offices=offices):
            sides = {
                "gongkai": lambda: gongkai(folder),
                "plain": lambda: plain(folder, "extract"),
                "fetch": lambda: plain(folder, "fetch"),
            }
            for run in sides.values():
                run().wait()  # not counted: the server writes its pages on first asking
            measured = [{side: measure(run, pages=len(urls)) for side, run in sides.items()} for _ in range(ROUNDS)]
    size = statistics.mean(len(county.answer(url, day=1).body) for url in urls)
    print(
        f"{len(urls)} reports of {offices} hosts, {size / 1000:.0f} kB each, {os.cpu_count()} cores, median of {ROUNDS}\n"
    )
    print(f"{'':<26}{'gongkai':>10}{'plain':>10}{'fetch only':>12}{'to plain':>10}{'to fetch':>10}")
    for key, label in ROWS:
        own, other, bare = (statistics.median(one[side][key] for one in measured) for side in sides)
        print(f"{label:<26}{own:>10.1f}{other:>10.1f}{bare:>12.1f}{own / other:>10.2f}{own / bare:>10.2f}")


def measure(start: Callable[[], subprocess.Popen[bytes]], *, pages: int) -> dict[str, float]:
    """Time one crawl: pages a second, CPU milliseconds a page, and the most memory its processes held at once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = start()
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(0.5)  # looking takes 7 ms of a core that the crawl wants
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if process.returncode:
        raise SystemExit(f"the crawl ended with {process.returncode}")
    return {"pages/s": pages / seconds, "cpu": 1000 * cpu / pages, "peak": peak / 1e6}


if __name__ == "__main__":
    main()
