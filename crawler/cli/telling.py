"""What is told after a crawl, however it ended: notices and metrics."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archive.database import ArchiveError, LockedError, connect
from crawler.clock import now

if TYPE_CHECKING:
    from crawler.notices import Channel


@contextmanager
def telling(archive: Path, *, notices: Path | None, metrics: Path | None) -> Iterator[list[str]]:
    """Tell what a crawl did when it is over, one that failed too, and gather why that could not be told, said already.

    Nothing is told where another crawl holds the archive: that one tells. Raises SettingsError before it begins.
    """
    channels: Mapping[str, Channel] = {}
    if notices:
        from crawler.notices import load

        channels = load(notices)
    failed: list[str] = []

    def tell() -> None:
        try:
            if archive.is_file() and channels:
                from crawler.notices import tell as send

                if say_untold(send(archive, channels, at=now())):
                    failed.append("notices")
            if archive.is_file() and metrics:
                from crawler.metrics import write

                with closing(connect(archive)) as db:
                    write(db, metrics)
        except (ArchiveError, sqlite3.Error, OSError) as error:
            click.echo(f"the run could not be told of: {error}", err=True)
            failed.append("run")

    try:
        yield failed
    except LockedError:
        raise
    except BaseException:
        tell()
        raise
    tell()


def say_untold(told: Mapping[str, str | None]) -> int:
    """Name the channels that could not be told, or not all of them, and count them."""
    failed = [f"{name}: {why}" for name, why in told.items() if why]
    for line in failed:
        click.echo(line, err=True)
    return len(failed)
