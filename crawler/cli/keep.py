"""Commands that prove, remake, join and copy archives."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from itertools import chain as chained
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archive import reader
from archive.database import connect
from crawler.cli.shared import archive_option, megabytes, plain_errors, say_uncleaned
from crawler.run import Exit

if TYPE_CHECKING:
    from archive.verify import Sample


@click.command()
@archive_option
@click.option(
    "--sample", metavar="N|N%", default=None, help="Only N payloads and captures drawn at random, or N% of them: fast."
)
@click.option("--seed", type=int, default=None, help="Draw the sample of an earlier run again.")
@click.option(
    "--head", "noted", metavar="HEAD|FILE", multiple=True,
    help="A head printed earlier, or a file that holds some: prove that it is still part of the history.",
)  # fmt: skip
@click.option("--texts", is_flag=True, help="Clean the payloads again too, and compare the texts: slow.")
def verify(archive: Path, sample: str | None, seed: int | None, noted: Sequence[str], *, texts: bool) -> None:
    """Prove every payload by its SHA-256, every run by its digest, follow every reference, derive every row again.

    Prints each fault, and the head of each archive's chain of runs: note it elsewhere, for only a head noted there
    shows that history was rewritten as a whole, or its end cut off. A chain that forks is no fault: two copies of
    an archive went on and were merged, or somebody put a run in. Writes nothing and may run beside a crawl. A sample
    of N% has SQLite's quick check of the whole file too, one of N has none.
    """
    from archive import chain
    from archive.verify import faults

    known = [head for words in noted for head in _heads(words)]
    part = _sample(sample, seed=seed) if sample else None
    found = 0
    with plain_errors():
        db = connect(archive)
        for fault in chained(faults(db, sample=part, known=known), _cleaned_otherwise(db, part) if texts else ()):
            found += 1
            click.echo(fault, err=True)
        for head in chain.heads(db):
            click.echo(f"head {head}")
        for fork in chain.forks(db):
            click.echo(fork)
        sizes = reader.sizes(db)
    looked = f"a sample of {sample}, --seed {part.seed}: " if part else ""
    verdict = f"{found} faults" if found else "all as it must be"
    click.echo(
        f"{archive}: {sizes['payloads']} payloads, {sizes['captures']} captures, {sizes['versions']} versions: "
        f"{looked}{verdict}"
    )
    sys.exit(Exit.SOME_FAILED if found else Exit.WELL)


@click.command()
@archive_option
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that clean.")
@click.option("--again", is_flag=True, help="From the beginning, after a rebuild that was cut off too.")
def rebuild(archive: Path, workers: int, *, again: bool) -> None:
    """Make all texts, versions and reports again from the captures.

    One that was cut off goes on where it was. All the time the archive is whole and can be read: each text is
    replaced as it is made, with what follows from it.
    """
    from archive.store import Store
    from crawler.cli.pace import Pace
    from pipelines.rebuild import rebuild as run
    from pipelines.workers import Workers

    with plain_errors():
        connect(archive, older=True).close()
        with Store(archive) as store, Workers(workers) as pool, Pace(unit=" pages") as pace:
            made = run(store, workers=pool, again=again, begun=pace.begin, walk=pace.over)
            failed = say_uncleaned(pace.each(made))
            sizes = reader.sizes(store.db)
    click.echo(
        f"{archive}: {sizes['texts']} texts, {sizes['versions']} versions, {sizes['reports']} reports made again"
        + (f"; {failed} pages not cleaned" if failed else "")
    )
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


@click.command()
@click.argument("into", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("archives", metavar="FROM...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that clean.")
def merge(into: Path, archives: Sequence[Path], workers: int) -> None:
    """Take over into INTO what other archives have more; it is made where it is not there.

    Any order gives the same, and nothing is taken twice. A crawl may be writing to a FROM: the run that it has not
    ended is left, for the next time. Texts of another cleaner's making are made again.
    """
    from archive.merge import merge as take
    from archive.store import Store
    from pipelines.clean import CLEANER
    from pipelines.rebuild import clean_left
    from pipelines.workers import Workers

    with plain_errors():
        for archive in archives:
            connect(archive, older=True).close()
        with Store(into) as store, Workers(workers) as pool:
            for archive in archives:
                done = take(store, archive, cleaner=CLEANER)
                click.echo(
                    f"{archive}: {done.runs} runs taken over, {done.known} known already; "
                    f"{done.captures} captures, {done.payloads} payloads"
                )
                for run in done.left:
                    click.echo(f"  run {run} left: it is going on, or was killed and the next crawl there will end it")
            failed = say_uncleaned(clean_left(store, workers=pool))
            sizes = reader.sizes(store.db)
    click.echo(
        f"{into}: {sizes['runs']} runs, {sizes['captures']} captures of {sizes['pages']} pages, {sizes['reports']} reports"
        + (f"; {failed} pages not cleaned" if failed else "")
    )
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


@click.command()
@click.argument("copy", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@archive_option
def backup(copy: Path, archive: Path) -> None:
    """Write a consistent copy of the archive to FILE, which must not be there yet; a crawl may be writing beside it.

    The copy is the same archive at an earlier time: crawl on in one of the two only.
    """
    from archive.database import backup as write

    with plain_errors():
        write(archive, copy)
    click.echo(f"{copy}: {megabytes(copy.stat().st_size)}, a copy of {archive}")


def _heads(words: str) -> Sequence[tuple[str, str]]:
    """Read heads of chains as they were printed, given themselves or in a file."""
    from archive.chain import noted

    file = Path(words)
    found = noted(words) or (noted(file.read_text(encoding="utf-8", errors="replace")) if file.is_file() else [])
    if not found:
        raise click.BadParameter(
            f"{words}: neither a head, ORIGIN:DIGEST, nor a file that holds one", param_hint="--head"
        )
    return found


def _sample(words: str, *, seed: int | None) -> Sample:
    """Read what --sample was given."""
    from archive.verify import Sample

    seed = secrets.randbelow(10**9) if seed is None else seed
    number = words.removesuffix("%")
    if number != words and re.fullmatch(r"[0-9]+(\.[0-9]+)?", number) and 0 < float(number) <= 100:
        return Sample(share=float(number) / 100, seed=seed)
    if number == words and number.isdecimal() and int(number):
        return Sample(count=int(number), seed=seed)
    raise click.BadParameter(f"{words}: neither a number of rows nor a share such as 5%", param_hint="--sample")


def _cleaned_otherwise(db: sqlite3.Connection, sample: Sample | None) -> Iterator[str]:
    """Clean again what was cleaned, and name each text that comes out otherwise."""
    from archive.verify import cleaned
    from pipelines.clean import CLEANER
    from pipelines.workers import Workers, clean_one, why

    with Workers(os.cpu_count() or 1) as pool:
        for item, made in pool.each(clean_one, cleaned(db, cleaner=CLEANER, sample=sample)):
            if error := made.exception():
                yield f"text of payload {item.payload} ({item.url}): cannot be cleaned again: {why(error)}"
                continue
            stands, follows = reader.text_of(db, item.payload), made.result().row
            if unlike := [field for field in follows if follows[field] != stands[field] and field != "digest"]:
                yield f"text of payload {item.payload} ({item.url}): cleaned again, other in {', '.join(unlike)}"


COMMANDS = (
    verify,
    rebuild,
    merge,
    backup,
)
