"""Make everything derived again from the truth: clean every payload of a report page or document, then work out what follows."""

from __future__ import annotations

from collections.abc import Iterator

from archive.store import Store
from pipelines.clean import CLEANER
from pipelines.forms import dictionary
from pipelines.workers import Workers, clean_one, given_up, why


def rebuild(store: Store, *, workers: Workers) -> Iterator[tuple[str, str | None]]:
    """Throw the derived rows away and make them again; yields as `clean_left` does."""
    store.clear_derived()
    yield from clean_left(store, workers=workers)
    store.derive_all()


def clean_left(store: Store, *, workers: Workers) -> Iterator[tuple[str, str | None]]:
    """Clean the payloads of report pages and their documents that have no text of this cleaner.

    Yields each one's URL, and why it could not be cleaned, or None where its text is saved.
    """
    store.describe_forms([*dictionary.entries()], [*dictionary.year_rules()])
    item = None
    for item, made in workers.each(clean_one, store.uncleaned(cleaner=CLEANER)):
        error = made.exception()
        text = given_up(item, error) if error else made.result()
        if text:
            store.save_text(item.payload, text)
        yield item.url, None if text or error is None else why(error)
    if item:
        store.judge_all()
