"""Measure how soon the pages of a big archive come, alone and beside a crawl that writes into it.

`python tests/bench_browse/beside.py [reports]`: 10,000 reports in three versions each, served by `gongkai browse`; the demo
county is crawled into the same archive by `gongkai crawl`. Prints seconds by the clock, and every error; asserts nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from urllib.error import HTTPError, URLError

sys.path.insert(0, str(Path(__file__).parents[1]))

import many
from support import GONGKAI

from archive.database import connect
from archive.store import Store
from crawler.demo.county import County
from crawler.demo.server import serve

PORT = 8765
ROUNDS = 3
HEAD = f"{'seconds':<26}{'alone':>10}{'worst':>10}{'beside':>10}{'worst':>10}"


def main() -> None:
    """Make the archive, and print a line for each kind of page."""
    reports = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "a.sqlite")
        with Store(archive) as store:
            many.grow(store, count=reports // 10, visits=3, often=True)
        with closing(connect(archive)) as db:
            asked = many.addresses(db, archive.stem, times=ROUNDS)
        with browsing(archive):
            alone = {kind: [*times(addresses)] for kind, addresses in asked.items()}
            with crawling(archive) as crawl:
                beside = {kind: [*times(addresses)] for kind, addresses in asked.items()}
                going_on = crawl.poll() is None
    print(HEAD)
    for kind, took in alone.items():
        figures = (median(took), max(took), median(beside[kind]), max(beside[kind]))
        print(f"{kind:<26}" + "".join(f"{seconds:>10.2f}" for seconds in figures))
    print("the crawl was going on to the end" if going_on else "the crawl was over before the last page was read")


def times(addresses: Iterable[str]) -> Iterator[float]:
    """Give the seconds until each page is here."""
    for address in addresses:
        began = time.perf_counter()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{address}", timeout=60) as answer:
                answer.read()
        except (HTTPError, URLError) as error:
            print(f"{address}: {error}")
        yield time.perf_counter() - began


@contextmanager
def browsing(archive: Path) -> Iterator[None]:
    """Serve an archive by the command."""
    words = [*GONGKAI, "browse", "--archive", str(archive), "--port", str(PORT)]
    process = subprocess.Popen(words)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/-/versions.json").close()
                break
            except URLError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def crawling(archive: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Crawl the demo county into an archive by the command, and go on when the first captures are there."""
    county = County.make(offices=60)
    sources = archive.with_name("sources.toml")
    sources.write_text(county.sources_toml(), encoding="utf-8")
    words = [*GONGKAI, "crawl", "--archive", str(archive), "--sources", str(sources)]
    with serve(county) as demo:
        process = subprocess.Popen(
            words, env=os.environ | {"http_proxy": demo.url, "https_proxy": demo.url}, stdout=subprocess.DEVNULL
        )
        try:
            while len(demo.requests) < 50 and process.poll() is None:
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
