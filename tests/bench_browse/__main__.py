"""Measure searching: `python tests/bench_browse [reports characters]`.

Prints the size of the index, what it costs a save, and the median milliseconds of a search by kind of query, beside a
scan by LIKE of the same texts; asserts nothing about them.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import median
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[1]))

import many

from archive import search
from archive.database import connect
from archive.store import Store

QUERIES = 100
SCANNED = 5
INDEX = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'report\\_search%' ESCAPE '\\' OR name LIKE 'report\\_texts%' ESCAPE '\\'"
LIKE = "SELECT count(*) FROM report_texts r JOIN stored_texts t ON t.number = r.text WHERE t.text LIKE '%' || ? || '%'"


def main() -> None:
    """Print the sizes, then a line for each kind of query."""
    reports, characters = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (20_000, 1500)
    with tempfile.TemporaryDirectory() as name:
        few = min(1000, reports)
        with patch("archive.indexing.update"):
            without = filled(Path(name, "without.sqlite"), reports=few, characters=characters)
        own = filled(Path(name, "few.sqlite"), reports=few, characters=characters) - without
        path = Path(name, "a.sqlite")
        filled(path, reports=reports, characters=characters)
        with closing(connect(path)) as db:
            (text,) = db.execute("SELECT sum(length(CAST(text AS BLOB))) FROM stored_texts").fetchone()
            (index,) = db.execute(INDEX).fetchone()
            print(
                f"{reports} reports, {text / 1e6:.0f} MB of text; index {index / 1e6:.0f} MB, {index / text:.2f} × text; "
                f"a save of {text / reports / 1e3:.1f} kB takes {own / few * 1e3:.2f} ms CPU more\n"
            )
            print(f"{'query':<26}{'pages found':>12}{'find ms':>9}{'worst':>8}{'count ms':>9}{'LIKE ms':>9}")
            for kind, queries in kinds(db):
                line(db, kind, queries)


def filled(path: Path, *, reports: int, characters: int) -> float:
    """Save reports in a new archive, and give the seconds of CPU that it took."""
    with Store(path) as store:
        began = time.process_time()
        for _ in many.fill(store, reports=reports, characters=characters):
            pass
        return time.process_time() - began


def kinds(db: sqlite3.Connection) -> Iterator[tuple[str, list[str]]]:
    """Cut queries of each kind out of the texts."""
    dice = Random(1)
    texts = [text for (text,) in db.execute("SELECT text FROM stored_texts ORDER BY number LIMIT 1000")]

    def cut(length: int, fits: Callable[[str], bool] = str.isalnum) -> str:
        while True:
            text = dice.choice(texts)
            start = dice.randrange(len(text) - length)
            if fits(query := text[start : start + length]):
                return query

    for length in (2, 3, 4, 6, 8):
        yield f"{length} characters", [cut(length) for _ in range(QUERIES)]
    yield "1 character", [cut(1) for _ in range(QUERIES)]
    yield "two words", [f"{cut(2)} {cut(2)}" for _ in range(QUERIES)]
    yield "with a sign, compared", [cut(5, lambda query: query[2] in "，。、（）") for _ in range(QUERIES)]
    yield "that stands nowhere", [cut(4)[::-1] for _ in range(QUERIES)]
    yield "that stands everywhere", ["政府信息公开"]


def line(db: sqlite3.Connection, kind: str, queries: list[str]) -> None:
    """Print what queries of one kind take."""
    found = [timed(lambda query=query: search.find(db, query)) for query in queries]
    counted = [timed(lambda query=query: search.count(db, query)) for query in queries]
    scanned = [timed(lambda query=query: db.execute(LIKE, (query,)).fetchone()) for query in queries[:SCANNED]]
    pages = median(search.count(db, query) for query in queries)
    print(
        f"{kind:<26}{pages:>12.0f}{median(found):>9.1f}{max(found):>8.1f}{median(counted):>9.1f}{median(scanned):>9.0f}"
    )


def timed(act: Callable[[], object]) -> float:
    """Give the milliseconds that something takes."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    main()
