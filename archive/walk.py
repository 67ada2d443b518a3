"""Going through much, so that whoever asked for it can be told how far it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

Walk = Callable[[Collection[Any], str], Iterable[Any]]
"""Goes through things that are called so, and may tell how many it has come past."""


def silently(things: Collection[Any], _: str) -> Iterable[Any]:
    """Go through things and tell nothing."""
    return things
