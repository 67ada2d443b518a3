"""Make everything derived again from the truth: clean every payload of a report page or document, then work out what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice

from archive.records import Uncleaned
from archive.rows import TextRows, of_text
from archive.store import Store
from archive.walk import Walk, silently
from pipelines.clean import CLEANER
from pipelines.forms import dictionary
from pipelines.workers import Workers, clean_one, given_up, why

BATCH = 32
"""Texts saved in one transaction: some offices' reports, and what the workers do not wait for."""

Cleaned = Iterator[tuple[str, str | None]]
"""The URL of each payload, and why it could not be cleaned, or None where its text is saved."""


def rebuild(
    store: Store,
    *,
    workers: Workers,
    again: bool = False,
    begun: Callable[[int], object] = lambda _: None,
    walk: Walk = silently,
) -> Cleaned:
    """Make each text again in its place, then all that follows; goes on where the last rebuild was cut off, or begins `again`.

    The archive is whole all the time, of texts made before and after; one that cannot be made again stays as it was.
    `begun` is told how many there are to make, and `walk` goes through what follows from them.
    """
    _describe_forms(store)
    left = store.to_rebuild(cleaner=CLEANER, again=again)
    begun(len(left))
    yield from _clean(store, left, workers=workers, rebuilding=True)
    store.derive_all(walk=walk)


def clean_left(store: Store, *, workers: Workers, more: Iterable[Uncleaned] = ()) -> Cleaned:
    """Clean the payloads of report pages and their documents that have no text of this cleaner, then `more` as it comes."""
    _describe_forms(store)
    for items in (store.uncleaned(cleaner=CLEANER), more):
        yield from _clean(store, items, workers=workers)


def _describe_forms(store: Store) -> None:
    store.describe_forms([*dictionary.entries()], [*dictionary.year_rules()])


def _clean(store: Store, items: Iterable[Uncleaned], *, workers: Workers, rebuilding: bool = False) -> Cleaned:
    made = (_text(item, done) for item, done in workers.each(clean_one, items))
    while batch := [*islice(made, BATCH)]:
        store.save_texts([(item.payload, text) for item, text, _ in batch], rebuilding=rebuilding)
        yield from ((item.url, error) for item, _, error in batch)


def _text(item: Uncleaned, done: Future[TextRows]) -> tuple[Uncleaned, TextRows | None, str | None]:
    """Give what was made of a payload, or else why nothing was."""
    error = done.exception()
    if error is None:
        return item, done.result(), None
    unread = given_up(item, error)
    return item, of_text(unread) if unread else None, None if unread else why(error)
