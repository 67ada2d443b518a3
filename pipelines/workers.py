"""Worker processes that clean: they come with the first payload and go with their parent, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Self, TypeVar

from archive.records import Text, Uncleaned
from pipelines.clean import clean

Given = TypeVar("Given")
Made = TypeVar("Made")


class Workers:
    """A pool of `count` processes; closed, it waits for what it was given."""

    def __init__(self, count: int) -> None:
        self.count = count
        # Spawned, not forked: a forked child would share the archive's lock and connection.
        self._pool = ProcessPoolExecutor(
            max_workers=count, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
        )

    def submit(self, work: Callable[[Given], Made], given: Given) -> Future[Made]:
        """Have a worker do a piece of work."""
        return self._pool.submit(work, given)

    def close(self) -> None:
        """Finish what was submitted, and end the processes."""
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def clean_one(item: Uncleaned) -> Text:
    """Clean a payload as it was first served."""
    return clean(item.body, url=item.url, headers=item.headers)


def _end_with_parent() -> None:
    """Leave when the parent is gone: after `kill -9` nobody else tells a worker that waits for work."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
