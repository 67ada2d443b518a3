"""Worker processes that clean, each piece of work within bounds; they go with their parent, however it ends."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Self

from archive.records import Text, Uncleaned
from archive.rows import TextRows, of_text
from pipelines.attachments.kinds import kind
from pipelines.clean import CLEANER, clean
from pipelines.documents import unreadable
from pipelines.pool import EndedError, Given, Made, Pool

SECONDS = 60
"""What one payload may take to clean; the worker is ended after it."""

MEMORY = 3 * 1024**3
"""The address space of one worker, in bytes; what needs more ends in MemoryError."""


class CleaningError(Exception):
    """A payload could not be cleaned within bounds; the message says which bound, or what ended the worker."""


class Workers(Pool):
    """A pool of `count` processes; closed, it waits for what it was given."""

    def __init__(self, count: int) -> None:
        super().__init__(count, begin=_bound, seconds=SECONDS)

    def start(self) -> None:
        """Begin the processes before there is work, for they have much to import."""
        for _ in range(self.count):
            self.submit(bytes, b"")

    def each(self, work: Callable[[Given], Made], given: Iterable[Given]) -> Iterator[tuple[Given, Future[Made]]]:
        """Do a piece of work for each, in their order, only so many ahead that memory stays flat."""
        under_way: deque[tuple[Given, Future[Made]]] = deque()
        for one in given:
            under_way.append((one, self.submit(work, one)))
            if len(under_way) >= 16 * self.count:
                yield under_way.popleft()
        yield from under_way

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def clean_one(item: Uncleaned) -> TextRows:
    """Clean a payload as it was first served, and write the text as its rows."""
    return of_text(clean(item.body, url=item.url, headers=item.headers))


def given_up(item: Uncleaned, error: BaseException) -> Text | None:
    """Say of a document that it could not be read within bounds; None for a page, which is tried again another time."""
    return unreadable(item.body, url=item.url, cleaner=CLEANER, why=why(error)) if kind(item.body) else None


def why(error: BaseException) -> str:
    """Say in a few words what kept a worker from doing its work.

    >>> why(TimeoutError()), why(MemoryError())
    ('not done after 60 s', 'needs more than 3 GB of memory')
    """
    if isinstance(error, TimeoutError):
        return f"not done after {SECONDS} s"
    if isinstance(error, MemoryError):
        return f"needs more than {MEMORY >> 30} GB of memory"
    if isinstance(error, EndedError):
        return f"ended its worker, {error}"
    return f"{type(error).__name__}: {error}"


def _bound() -> None:
    """Limit this worker's memory, and leave when the parent is gone: after `kill -9` nobody else tells it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(10)  # who gives us work comes first, for that keeps all busy
    gc.set_threshold(20_000, 20, 20)  # as in `crawler.run`, for the same reason

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
