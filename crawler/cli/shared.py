"""What the commands share: how they fail, and the archive they ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from archive.database import ArchiveError, LockedError
from crawler import sources as source_files
from crawler.run import Exit

ARCHIVE = Path("gongkai.sqlite")


class Stop(click.ClickException):
    """An error for the reader, without a traceback."""

    def __init__(self, message: str, *, code: Exit) -> None:
        super().__init__(message)
        self.exit_code = code


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the errors a user can do something about into one line and an exit code."""
    try:
        yield
    except LockedError as error:
        raise Stop(str(error), code=Exit.LOCKED) from error
    except (ArchiveError, source_files.SourceError) as error:
        raise Stop(str(error), code=Exit.MISUSE) from error
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter where it quotes a damaged schema
        hint = "`gongkai verify` names what is damaged in it"
        raise Stop(f"SQLite cannot go on with the archive: {error}. {hint}", code=Exit.SOME_FAILED) from error


def archive_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --archive."""
    return click.option(
        "--archive",
        type=click.Path(path_type=Path, dir_okay=False),
        default=ARCHIVE,
        show_default=True,
        help="The archive: one SQLite file.",
    )(command)


def say_uncleaned(made: Iterable[tuple[str, str | None]]) -> int:
    """Name each page that could not be cleaned, and count them."""
    failed = [(url, error) for url, error in made if error]
    for url, error in failed:
        click.echo(f"{url}: {error}", err=True)
    return len(failed)


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
