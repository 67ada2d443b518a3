"""Measure how what an archive is asked for grows with it: `python tests/bench_growth [folder] [captures …]`.

Prints the median milliseconds of CPU of each deed in archives of 10,000 and 100,000 captures, and of a million where that
is asked for (it takes some twenty minutes to make), and how many times more each takes than in the one before. Archives
grow in two ways: `wide` ones have more offices, `long` ones more visits to the same 91. Those made stay in the folder, if
one is given, and are taken up again. Asserts nothing.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import many
from click.testing import CliRunner

from archive import search, verify
from archive.browse.serve import datasette
from archive.database import connect
from archive.records import Capture, Office, Visit
from archive.store import Store
from crawler.cli.read import show
from crawler.cli.status import status
from crawler.run import Exit

TIMES = 15
NARROWED = ("health?state=ok", "coverage?page=2", "coverage?state=late", "coverage?region=990001")
OF_AN_OFFICE = 11  # captures in one visit


def main() -> None:
    """Print a table for each way to grow."""
    folder, sizes = None, [int(word) for word in sys.argv[1:] if word.isdigit()] or [10_000, 100_000]
    if len(sys.argv) > 1 and not sys.argv[1].isdigit():
        folder = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        for shape in ("wide", "long"):
            columns = [dict(measured(made(Path(folder or name), shape, size))) for size in sizes]
            print(f"\n{shape:<38}" + "".join(f"{size:>12,}" for size in sizes) + f"{'ratios':>12}")
            for deed, first in columns[0].items():
                took = [first, *(column[deed] for column in columns[1:])]
                ratios = [f"{after / max(before, 0.1):.1f}" for before, after in pairwise(took)]
                print(f"{deed:<38}" + "".join(f"{ms:>12.2f}" for ms in took) + "".join(f"{r:>8}" for r in ratios))


def made(folder: Path, shape: str, size: int) -> Path:
    """Make an archive of so many captures, if it is not there."""
    path = folder / f"{shape}{size}.sqlite"
    if not path.exists():
        offices, visits = (size // OF_AN_OFFICE // 10, 10) if shape == "wide" else (91, size // OF_AN_OFFICE // 91)
        part = path.with_suffix(".part")
        with Store(part) as store:
            many.grow(store, count=offices, visits=visits)
        part.rename(path)
    return path


def measured(path: Path) -> Iterator[tuple[str, float]]:
    """Do everything there is to do with an archive, and give the milliseconds that each thing takes."""
    with Store(path) as store:
        (captures,) = store.db.execute("SELECT count(*) FROM stored_captures").fetchone()
        yield "a rebuild's last steps, 100 captures", 100 * typical(lambda _: store.derive_all(), times=1) / captures
        yield from writing(store)
    with closing(connect(path)) as db:
        words = [row[0] for row in db.execute("SELECT substr(text, 20, 3) FROM stored_texts LIMIT 500")]
        yield "search", typical(lambda n: search.find(db, words[n % len(words)]))
        yield (
            "verify --sample 200",
            typical(lambda n: [*verify.faults(db, sample=verify.Sample(count=200, seed=n))], times=3),
        )
        (report,) = db.execute("SELECT agency || ' ' || year FROM reports ORDER BY id LIMIT 1").fetchone()
        asked = many.addresses(db, path.stem, times=TIMES)
        asked |= {f"-/gongkai/{page}": [f"/-/gongkai/{page}"] for page in NARROWED}
    runner = CliRunner()
    yield "status", typical(lambda _: run(runner, status, path), times=3)
    yield "status --all", typical(lambda _: run(runner, status, path, "--all"), times=3)
    yield "show", typical(lambda _: run(runner, show, path, report), times=3)
    yield from asyncio.run(browsed(path, asked))


def writing(store: Store) -> Iterator[tuple[str, float]]:
    """Visit offices once more: pages that are as they were, new, changed, and those that show another year's report now."""
    owners = [
        Office(**{**dict(row), "hosts": (f"{row['id']}.example",)})
        for row in store.db.execute(
            "SELECT id, name, agency, region, level, hosts, copy_of FROM sources WHERE copy_of IS NULL ORDER BY id LIMIT 50"
        )
    ]
    (seen,) = store.db.execute("SELECT count(*) FROM runs").fetchone()
    at = many.at(10_000 + seen)
    begun: list[str] = []
    yield "begin a run", typical(lambda _: begun.append(store.begin_run([], at=at).id), times=1)
    run_ = begun[0]

    def capture(n: int, *, body: bytes, page: int | None = None, **more: Any) -> str:
        owner = owners[n]
        number = int(owner.id[1:]) * 10 + 1 if page is None else page
        saved = store.capture(
            Capture(
                run=run_, source=owner.id, url=many.url_of(owner, number), at=at, kind="report", outcome="new", status=200,
                referrer=f"http://{owner.id}.example/list.html", body=body, **more,
            )
        )  # fmt: skip
        return saved.payload or ""

    def same(n: int) -> None:
        number = int(owners[n].id[1:]) * 10 + 1
        capture(n, body=many.page_of(number))

    def text(n: int, page: int, *, shows: int | None = None) -> None:
        payload = capture(n, body=f"{seen} {n} {page} {shows}".encode(), page=page)
        number = page if shows is None else shows
        store.save_text(payload, many.report(number, characters=400, edition=seen, numbers=True))

    yield "a capture, same", typical(same)
    yield "a capture, new page", typical(lambda n: text(n, 10**9 + seen * 1000 + n))
    yield "a capture, new version", typical(lambda n: text(n, int(owners[n].id[1:]) * 10 + 2))
    yield "a capture, other year", typical(lambda n: text(n, int(owners[n].id[1:]) * 10 + 3, shows=4))
    visits = [Visit(source=owner.id, status="ok") for owner in owners]
    yield "end a run", typical(lambda _: store.end_run(run_, visits, at=at, status="finished"), times=1)


def run(runner: CliRunner, command: Any, archive: Path, *words: str) -> None:
    """Run a command of ours here."""
    done = runner.invoke(command, ["--archive", str(archive), *words])
    if done.exit_code not in (Exit.WELL, Exit.SOME_FAILED):  # as where offices fell silent
        raise SystemExit(f"{command.name}: {done.output}")


async def browsed(path: Path, asked: dict[str, list[str]]) -> Iterator[tuple[str, float]]:
    """Ask Datasette for pages of each kind."""
    server = datasette(path)
    await server.invoke_startup()
    found = []
    for kind, addresses in asked.items():
        took = []
        for address in addresses if len(addresses) > 1 else addresses * 3:
            began = time.process_time()
            answer = await server.client.get(address)
            took.append((time.process_time() - began) * 1e3)
            if answer.status_code not in (200, 302):
                print(f"{path.stem}: {address}: {answer.status_code}", file=sys.stderr)
        found.append((kind, median(took)))
    return iter(found)


def typical(act: Callable[[int], object], *, times: int = TIMES) -> float:
    """Give the median milliseconds of CPU of something that is done with the numbers from 0."""
    took = []
    for n in range(times):
        began = time.process_time()
        act(n)
        took.append((time.process_time() - began) * 1e3)
    return median(took)


if __name__ == "__main__":
    main()
