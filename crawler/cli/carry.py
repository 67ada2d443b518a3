"""Commands that carry archives out in other forms, and other people's captures in."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import click

from archive import reader
from archive.database import connect
from archive.export import FORMS
from archive.export import export as export_tables
from crawler import sources as source_files
from crawler.cli.shared import archive_option, megabytes, plain_errors, say_uncleaned
from crawler.run import Exit


@click.group()
def export() -> None:
    """Write an archive's contents in other forms."""


def _export_tables(form: str, about: str) -> None:
    """Add the command that exports tables in one form."""

    @export.command(form, help=f"Write an archive's tables as {about}.\n\nAll tables, unless some are named.")
    @archive_option
    @click.option(
        "-o", "--output", type=click.Path(path_type=Path), required=True,
        help=f"A folder for a file a table, or for one table a file that ends in .{form}.",
    )  # fmt: skip
    @click.option(
        "--table", "tables", metavar="TABLE", multiple=True, help="A table, by its file's name; again for more."
    )
    def command(archive: Path, output: Path, tables: Sequence[str]) -> None:
        from pipelines.forms.dictionary import entries

        with plain_errors():
            for file, rows in export_tables(connect(archive), output, form=form, tables=tables, dictionary=entries()):
                click.echo(f"{file}: {rows} rows")


for _form, _about in FORMS.items():
    _export_tables(_form, _about)


def _export_captures(form: str, about: str) -> None:
    """Add the command that exports captures in one form."""

    @export.command(
        form, help=f"Write captures as {about}.\n\nAn export of all can be imported with its history whole."
    )
    @archive_option
    @click.option(
        "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
    )
    @click.option("--source", "sources", metavar="SOURCE", multiple=True, help="Only this source; again for more.")
    @click.option(
        "--since", metavar="TIME", default="", help="Only captures from a time on: 2026, 2026-03, 2026-03-01."
    )
    @click.option("--until", metavar="TIME", default="", help="Only captures up to a time, and all within it.")
    @click.option("--run", metavar="RUN", default="", help="Only captures of this run.")
    @click.option("--url-prefix", metavar="URL", default="", help="Only pages whose address begins so.")
    def command(archive: Path, output: Path, sources: Sequence[str], **chosen: str) -> None:
        from archive import wacz, warc
        from crawler.clock import now

        selection = warc.Selection(sources=tuple(sources), **chosen)
        given: Any = {"selection": selection, "software": f"gongkai {version_of('gongkai')}", "at": now()}
        part = output.with_name(f"{output.name}.part")
        with plain_errors():
            db = connect(archive)
            if form == "warc":
                with part.open("wb") as out:
                    count = sum(1 for _ in warc.export(db, out, **given))
            else:
                count = sum(1 for _ in wacz.export(db, part, **given))
        part.replace(output)
        click.echo(f"{output}: {count} answers, {megabytes(output.stat().st_size)}")


_export_captures("warc", "WARC/1.1, gzipped record by record")
_export_captures("wacz", "WACZ, to be opened in any viewer of web archives")


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@archive_option
@click.option(
    "--source", "names", metavar="SOURCE", multiple=True, help="The source that the pages are of; again for more."
)
@click.option(
    "--sources", "path", type=click.Path(path_type=Path), default=source_files.BUNDLED, help="A TOML file or a folder."
)
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count(), help="Processes that clean.")
def import_(files: Sequence[Path], archive: Path, names: Sequence[str], path: Path, workers: int) -> None:
    """Take in WARC, WARC.gz and WACZ files, whoever made them, as one run each; twice adds nothing.

    Each page goes to the source whose hosts its host is one of: those named, else all known. A host of none goes to
    the first named; without any, to a source made of it, official only under .gov. An export of a whole gongkai
    archive comes in as it was. Broken records are named with their place in the file, and passed over.
    """
    from archive.store import Store
    from crawler.cli.pace import Pace
    from crawler.clock import now
    from crawler.importing import Imported, import_file, summary
    from pipelines.clean import CLEANER
    from pipelines.rebuild import clean_left
    from pipelines.workers import Workers

    failed = 0
    with plain_errors():
        known = source_files.load(path)
        named = source_files.pick(known, names) if names else ()
        given: Any = {"known": known, "named": named, "cleaner": CLEANER}
        with Store(archive) as store, Workers(workers) as pool, Pace(unit="B", scale=True) as pace:
            pace.begin(sum(file.stat().st_size for file in files))
            for file in files:
                done = Imported(file=file)
                kept = import_file(store, done, **given, at=now(), tell=pace.add)
                failed += say_uncleaned(clean_left(store, workers=pool, more=kept))
                for line in done.broken:
                    failed += 1
                    click.echo(line, err=True)
                click.echo(summary(done))
            sizes = reader.sizes(store.db)
    click.echo(
        f"{archive}: {sizes['runs']} runs, {sizes['captures']} captures of {sizes['pages']} pages, {sizes['reports']} reports"
        + (f"; {failed} faults" if failed else "")
    )
    sys.exit(Exit.SOME_FAILED if failed else Exit.WELL)


COMMANDS = (
    export,
    import_,
)
