"""How the archive and its sources stand, what it takes, and telling people of it."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from archive.database import connect
from crawler.cli.cluster import fleet_lines, look
from crawler.cli.shared import archive_option, plain_errors
from crawler.cli.telling import say_untold
from crawler.clock import now
from crawler.run import Exit


@click.command()
@archive_option
@click.option(
    "--all",
    "every",
    is_flag=True,
    help="Name every source, those that are well too with their last visits; and ten runs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option("--database", envvar="GONGKAI_DATABASE", help="Say how the fleet stands too.  [$GONGKAI_DATABASE]")
def status(archive: Path, database: str | None, *, every: bool, as_json: bool) -> None:
    """Say how the archive stands: its last runs, what changed, the reports on each year, and the sources by health.

    Names the sources that need a person: since when, by what evidence, and what to do. Exit codes: 0 all well; 1 a
    source needs a person, the last run was cut off, or the fleet has an alarm; 2 misuse; 3 no source is well.
    """
    from crawler.status import exit_code, gather, screen

    with plain_errors(), closing(connect(archive)) as db:
        state = gather(db, at=now(), every=every or as_json)
    fleet = look(database) if database else None
    if as_json:
        click.echo(json.dumps(state | {"fleet": fleet}, ensure_ascii=False, indent=2, default=str))
    else:
        terminal = shutil.get_terminal_size() if sys.stdout.isatty() else None
        lines = terminal.lines - 1 if terminal and not every else None
        click.echo(screen(state, columns=terminal and terminal.columns, lines=lines, every=every))
        if fleet:
            click.echo("\n".join(fleet_lines(fleet)))
    sys.exit(exit_code(state) or (Exit.SOME_FAILED if fleet and fleet["alarms"] else Exit.WELL))


@click.command()
@archive_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def size(archive: Path, *, as_json: bool) -> None:
    """Say what takes the room in the archive, part by part, and by how much it has grown each month.

    What each month added is exact for the bytes that were served, and an estimate for all that is kept and made of them.
    """
    from archive import sizes
    from crawler.status import size as said

    with plain_errors(), closing(connect(archive)) as db:
        parts, months, captures = sizes.parts(db), sizes.growth(db), sizes.captures(db)
    whole = sum(part.bytes for part in parts)
    if as_json:
        rows = [asdict(part) | {"words": sizes.WORDS[part.name]} for part in parts]
        told = {"bytes": whole, "captures": captures, "parts": rows, "months": [asdict(month) for month in months]}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(f"{said(whole)}, {captures:,} captures")
    for part in parts:
        kind = "truth" if part.truth else ""
        each = part.bytes / captures if captures else 0
        click.echo(
            f"  {said(part.bytes):>10} {part.bytes / whole:>4.0%} {each:>9,.0f} B a capture  {kind:<6} {sizes.WORDS[part.name]}"
        )
    for month in months:
        click.echo(
            f"{month.month}  {month.captures:>9,} captures, {said(month.payloads):>9} of payloads, about {said(month.estimate)} in all"
        )


@click.command()
@archive_option
def trim(archive: Path) -> None:
    """Give back the room that nothing needs any more; the truth, and all that is made of it, stays as it is.

    Words taken out of the index for searching are swept out of it, and where a twentieth of the file is free pages, as
    after a cleaner that makes less of what was captured, it is written anew. Of other rows that nothing shows none are
    ever left: they go with what they were made from.
    """
    from archive import sizes
    from archive.store import Store
    from crawler.status import size as said

    with plain_errors():
        connect(archive, older=True).close()
        with Store(archive) as store:
            done = sizes.trim(store.db)
    what = "written anew" if done.rewritten else "not written anew: too little of it is free"
    click.echo(f"{archive}: {said(done.before)} before, {said(done.after)} after; {what}")


@click.command()
@archive_option
@click.option(
    "--notices",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="A TOML file of channels: mail, webhook, feed.",
)
def notify(archive: Path, path: Path) -> None:
    """Tell each channel what it has not been told yet, as `crawl --notices` does after each run.

    Where sending failed, or the crawl was killed before it could tell anybody. Exit codes: 0 all are told; 1 a channel
    could not be told; 2 misuse; 3 none could; 4 the archive is locked.
    """
    from crawler import notices

    with plain_errors():
        channels = notices.load(path)
        connect(archive, older=True).close()
        failed = say_untold(notices.tell(archive, channels, at=now()))
    sys.exit(Exit.WELL if not failed else Exit.SOME_FAILED if failed < len(channels) else Exit.NOTHING_WORKED)


COMMANDS = (status, size, trim, notify)
