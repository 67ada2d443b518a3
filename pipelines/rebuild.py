"""Make everything derived again from the truth: clean every payload of a report page, then work out what follows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from archive.records import Text, Uncleaned
from archive.store import Store
from pipelines.clean import CLEANER
from pipelines.workers import Workers, clean_one


def rebuild(store: Store, *, workers: Workers) -> Iterator[str]:
    """Throw the derived rows away and make them again, yielding each payload's name when its text is saved."""
    store.clear_derived()
    yield from clean_left(store, workers=workers)
    store.derive_all()


def clean_left(store: Store, *, workers: Workers) -> Iterator[str]:
    """Clean the payloads of report pages that have no text of this cleaner, yielding the name of each."""
    under_way: deque[tuple[Uncleaned, Future[Text]]] = deque()
    for item in store.uncleaned(cleaner=CLEANER):
        under_way.append((item, workers.submit(clean_one, item)))
        if len(under_way) >= 8 * workers.count:
            yield _save(store, *under_way.popleft())
    while under_way:
        yield _save(store, *under_way.popleft())


def _save(store: Store, item: Uncleaned, made: Future[Text]) -> str:
    store.save_text(item.payload, made.result())
    return item.payload
