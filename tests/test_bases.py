"""What a payload is stored against: a page pays for its own words once, and after a redesign once more."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from archive import reader
from archive.rows import known_payload
from archive.store import Store

LOOKS = ("old", "new")
PAGES, DAYS = 6, 12


def words(*parts: object, count: int) -> bytes:
    dice = random.Random(" ".join(map(str, parts)))
    return b" ".join(dice.randbytes(6).hex().encode() for _ in range(count))


def fetches() -> Iterator[tuple[int, int, bytes]]:
    for day in range(DAYS):
        for page in range(PAGES):
            look = words(LOOKS[day >= DAYS // 2], count=900)
            yield day, page, look + words(page, count=300) + words(page, day, count=8)


@pytest.fixture
def frames(store: Store, see: Callable[..., Any]) -> dict[tuple[int, int], tuple[int, int]]:
    """The size of each frame, and how many bases it stands on, by day and page."""
    found = {}
    for day, page, body in fetches():
        at = f"2026-03-{day + 1:02}T08:00:00.000Z"
        sha256 = see(body, at=at, url=f"http://czj.example/{page}.html", kind="resource").payload
        assert reader.body_of(store.db, sha256) == body
        number = known_payload(store.db, sha256)
        (size,) = store.db.execute("SELECT length(frame) FROM bodies WHERE payload = ?", (number,)).fetchone()
        depth = -1
        while number:
            (number,) = store.db.execute("SELECT base FROM payloads WHERE number = ?", (number,)).fetchone()
            depth += 1
        found[day, page] = size, depth
    return found


def test_a_page_fetched_again_costs_what_is_new_in_it(frames: dict[tuple[int, int], tuple[int, int]]) -> None:
    own, noise = len(words(0, count=300)) // 2, len(words(0, count=8))
    for (day, page), (size, _) in frames.items():
        first = page == 0 and day in (0, DAYS // 2)  # of its look
        paying = day in (0, DAYS // 2, DAYS // 2 + 1)
        assert first or size < (1.5 * own + noise if paying else 2 * noise), (day, page)
    assert sum(depth == 0 for _, depth in frames.values()) == len(LOOKS)
    assert max(depth for _, depth in frames.values()) == 2
