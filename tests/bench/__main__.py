"""Measure the whole way against plain Scrapy and trafilatura, and against fetching alone, in one run, on generated sites.

`python tests/bench [offices]`. Prints medians and their ratios; asserts nothing. All sides crawl the same hosts, one
request at a time each, from a server of its own process; gongkai also finds the reports, keeps raw bytes and versions,
and reads the statistics: once it does without these, which the baseline has nothing like. Reports are counted, which are
what the others are told to ask for; they have no documents.
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
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.crawls import gongkai, memory, plain, serving

from crawler.demo.county import County

ROUNDS = 3


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
                "without statistics": lambda: gongkai(folder, statistics=False),
                "plain": lambda: plain(folder, "extract"),
                "fetch only": lambda: plain(folder, "fetch"),
            }
            gongkai(folder).wait()  # not counted: the server writes its pages on first asking
            measured = [{side: measure(run, pages=len(urls)) for side, run in sides.items()} for _ in range(ROUNDS)]
    size = statistics.mean(len(county.answer(url, day=1).body) for url in urls)
    print(
        f"{len(urls)} reports of {offices} hosts, {size / 1000:.0f} kB each, {os.cpu_count()} cores, median of {ROUNDS}\n"
    )
    rates = {side: statistics.median(one[side].rate for one in measured) for side in sides}
    print(
        f"{'':<20}{'pages a second':>16}{'to plain':>10}{'to fetch':>10}{'CPU ms a page':>15}{'MB, all processes':>19}"
    )
    for side, rate in rates.items():
        cpu, peak = (statistics.median(getattr(one[side], key) for one in measured) for key in ("cpu", "peak"))
        to_plain, to_fetch = rate / rates["plain"], rate / rates["fetch only"]
        print(f"{side:<20}{rate:>16.1f}{to_plain:>10.2f}{to_fetch:>10.2f}{cpu:>15.1f}{peak:>19.0f}")


class Measured(NamedTuple):
    """One crawl: pages a second, CPU milliseconds a page, and the most megabytes that its processes held at once."""

    rate: float
    cpu: float
    peak: float


def measure(start: Callable[[], subprocess.Popen[bytes]], *, pages: int) -> Measured:
    """Time one crawl."""
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
    return Measured(rate=pages / seconds, cpu=1000 * cpu / pages, peak=peak / 1e6)


if __name__ == "__main__":
    main()
