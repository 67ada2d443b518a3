"""Measure what a second crawl of unchanged pages costs, against the first.

`python tests/bench_archive/second_crawl.py [offices]`. The county stands still and its hosts answer 304 to who knows what
they have; `gongkai crawl` is run twice on it, then once more for what is due. Bytes received are bodies and headers as the
captures have them, rows those of all tables. Asserts nothing.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from archive.database import connect
from crawler.demo.county import County
from crawler.demo.model import Answer
from crawler.demo.server import serve

COLUMNS = ("reports", "requests", "answered 304", "bytes received", "rows written", "archive bytes", "seconds")
CRAWLS = {"first": (), "second": (), "third, --due": ("--due",)}


class Still(County):
    """The county on its first day for ever, every page with the ETag of its bytes."""

    def answer(self, url: str, *, day: int) -> Answer:
        """Answer as on the first day."""
        answer = super().answer(url, day=min(day, 1))
        if answer.status != 200:
            return answer
        return replace(answer, headers={**answer.headers, "ETag": f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'})


def main() -> None:
    """Crawl, and print a line for each crawl."""
    county = Still.make(offices=int(sys.argv[1]) if len(sys.argv) > 1 else 28)
    print(f"{'':<14}" + "".join(f"{column:>16}" for column in COLUMNS))
    with tempfile.TemporaryDirectory() as name, serve(county) as demo:
        sources, archive = Path(name, "sources.toml"), Path(name, "a.sqlite")
        sources.write_text(county.sources_toml().partition("[mirror_")[0], encoding="utf-8")
        words = [sys.executable, "-m", "crawler.cli", "crawl", "--archive", archive, "--sources", sources]
        before = dict.fromkeys(COLUMNS, 0.0)
        for crawl, more in CRAWLS.items():
            began = time.perf_counter()
            environment = os.environ | {"http_proxy": demo.url, "https_proxy": demo.url}
            done = subprocess.run(
                [*map(str, words), *more], env=environment, capture_output=True, text=True, check=False
            )
            seconds = time.perf_counter() - began
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)
            now = state(archive) | {"seconds": seconds, "requests": len(demo.requests)}
            grown = {column: now[column] - before[column] for column in COLUMNS} | {"seconds": seconds}
            print(f"{crawl:<14}" + "".join(f"{grown[column]:>16,.0f}" for column in COLUMNS))
            before = now


def state(archive: Path) -> dict[str, float]:
    """Count what an archive holds by now."""
    with closing(connect(archive)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        reports, unchanged, received = db.execute(
            """SELECT (SELECT count(*) FROM reports), count(*) FILTER (WHERE status = 304),
                      sum(coalesce(length, 0) + length(headers)) FROM captures"""
        ).fetchone()
        rows = sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
    size = archive.stat().st_size
    return {
        "reports": reports, "answered 304": unchanged, "bytes received": received, "rows written": rows,
        "archive bytes": size,
    }  # fmt: skip


if __name__ == "__main__":
    main()
