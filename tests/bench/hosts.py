"""Measure one run over very many hosts: its pace at each, and its memory as it goes on.

`python tests/bench/hosts.py [hosts]`. Each host of a generated county has the reports of six years, and is asked once a
second at the most. Prints the memory of all processes by quarters of the run, and how long hosts waited for their next
request, by when their answers came. Asserts nothing.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.crawls import gongkai, memory, serving

from archive.database import connect
from crawler.demo.county import County

YEARS = (2020, 2025)
DELAY = 1.0


def main() -> None:
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    county = County.make(offices=hosts, years=YEARS, documents=False)
    tables = county.sources_toml().partition("[mirror_")[0].replace("delay = 0.0", f"delay = {DELAY}")
    with tempfile.TemporaryDirectory() as name, serving(offices=hosts, years="-".join(map(str, YEARS))):
        folder = Path(name)
        (folder / "sources.toml").write_text(tables, encoding="utf-8")
        began = time.perf_counter()
        crawl = gongkai(folder)
        taken = []
        while crawl.poll() is None:
            taken.append(memory(crawl.pid) / 1e6)
            time.sleep(0.5)
        seconds = time.perf_counter() - began
        if crawl.returncode:
            raise SystemExit(f"the crawl ended with {crawl.returncode}")
        with closing(connect(folder / "a.sqlite")) as db:
            answers = db.execute(
                "SELECT host, at, seconds FROM captures JOIN pages ON pages.id = page ORDER BY host, at"
            ).fetchall()
    waits = [wait for _, of_host in groupby(answers, key=lambda row: row["host"]) for wait in waited([*of_host])]
    print(f"{hosts} hosts, {DELAY} s between requests of one, {os.cpu_count()} cores\n")
    print(f"{len(answers)} requests in {seconds:.0f} s, {len(answers) / seconds:.0f} a second")
    quarters = [max(taken[len(taken) * n // 4 : len(taken) * (n + 1) // 4]) for n in range(4)]
    print("MB, most by quarters: " + ", ".join(f"{most:.0f}" for most in quarters))
    print(f"seconds between a host's answers: median {median(waits):.1f}, {max(waits):.1f} at most")


def waited(answers: list[Any]) -> list[float]:
    """Give the seconds from each answer of a host to the next."""
    ends = [datetime.fromisoformat(row["at"]).timestamp() + row["seconds"] for row in answers]
    return [after - before for before, after in pairwise(ends)]


if __name__ == "__main__":
    main()
