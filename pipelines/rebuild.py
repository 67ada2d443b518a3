"""Make everything derived again from the truth: clean every payload of a report page, then work out what follows."""

from __future__ import annotations

from collections.abc import Iterator

from archive.store import Store
from pipelines.clean import CLEANER
from pipelines.workers import Workers, clean_one, why


def rebuild(store: Store, *, workers: Workers) -> Iterator[tuple[str, str | None]]:
    """Throw the derived rows away and make them again; yields as `clean_left` does."""
    store.clear_derived()
    yield from clean_left(store, workers=workers)
    store.derive_all()


def clean_left(store: Store, *, workers: Workers) -> Iterator[tuple[str, str | None]]:
    """Clean the payloads of report pages that have no text of this cleaner.

    Yields each one's URL, and why it could not be cleaned, or None where its text is saved.
    """
    for item, made in workers.each(clean_one, store.uncleaned(cleaner=CLEANER)):
        if error := made.exception():
            yield item.url, why(error)
        else:
            store.save_text(item.payload, made.result())
            yield item.url, None
