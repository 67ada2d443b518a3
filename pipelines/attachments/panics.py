"""What a library written in Rust raises where it finds a fault of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.attachments import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def named() -> Iterator[None]:
    """Raise UnreadableError, damaged, for a panic: no Exception, and a class that cannot be imported."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise UnreadableError("damaged") from error
