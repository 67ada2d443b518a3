"""`gongkai crawl`, cleaning in this process, with a disk that fails: `python run.py FAULT CAPTURES WORD...`.

After so many captures FAULT comes true: `full` (SQLite may not use another page), `read-only` (SQLite may not write),
`limit` (no file of this process may grow), `die` (kill -9); `none` never does.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from year.crawls import Here

from archive.store import Store
from pipelines import items


def full(store: Store) -> None:
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count = {pages}")


def read_only(store: Store) -> None:
    store.db.execute("PRAGMA query_only = ON")


def limit(store: Store) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = store.path.with_name(store.path.name + "-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def die(_: Store) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


FAULTS: dict[str, Callable[[Store], None]] = {"full": full, "read-only": read_only, "limit": limit, "die": die}


def failing(fault: str, *, after: int) -> None:
    """Let the fault come true at a capture."""
    whole = Store.capture
    count = 0

    def capture(store: Store, given: Any) -> Any:
        nonlocal count
        count += 1
        if count == after + 1 and fault in FAULTS:
            FAULTS[fault](store)
        return whole(store, given)

    Store.capture = capture  # type: ignore[method-assign]


if __name__ == "__main__":
    vars(items)["Workers"] = Here
    failing(sys.argv[1], after=int(sys.argv[2]))
    from crawler.cli import main

    main(["crawl", *sys.argv[3:]])
