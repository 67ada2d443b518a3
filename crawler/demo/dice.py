"""Chance that repeats: everything invented here is drawn from dice named by a key."""

from __future__ import annotations

import random


def dice(*key: object) -> random.Random:
    """Give the dice of a key: the same key always throws the same."""
    return random.Random("/".join(map(str, key)))  # noqa: S311 (nothing here is a secret)
