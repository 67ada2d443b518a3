"""How a CMS lists and pages: one file a family, found by its name.

A family is a module with `recognise(page)`, `links(page)` and `next_pages(page)`; one may add `entries(url, years)`
for reports that have an address without any list. `generic` is the fallback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, cast

from crawler.page import Link, Page

FALLBACK = "generic"


class Family(Protocol):
    """What a family module offers."""

    __name__: str

    def recognise(self, page: Page) -> bool:
        """Say whether this CMS made the page."""

    def links(self, page: Page) -> Iterator[Link]:
        """Walk the entries of a list."""

    def next_pages(self, page: Page) -> Iterator[str]:
        """Walk the addresses of the list's other pages."""


@cache
def families() -> dict[str, Family]:
    """Load every family by name, the fallback last."""
    names = sorted((m.name for m in iter_modules(__path__)), key=lambda name: (name == FALLBACK, name))
    return {name: cast("Family", import_module(f"{__name__}.{name}")) for name in names}


def family_of(page: Page) -> Family:
    """Recognise the family of a page from the page itself."""
    return next(family for family in families().values() if family.recognise(page))


def entries(url: str, years: range) -> Iterator[str]:
    """Walk the addresses of the reports on these years, where a family knows `url` for an entry that needs no list."""
    for named in _entries():
        yield from named(url, years)


@cache
def _entries() -> tuple[Callable[[str, range], Iterator[str]], ...]:
    return tuple(family.entries for family in families().values() if hasattr(family, "entries"))
