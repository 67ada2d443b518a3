"""Lines that only repetition shows to be noise: counters, clocks and tokens, in words that no cleaning rule knows."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

LEAST_KEYS = 4
"""A page with fewer distinct texts teaches nothing."""

_CHANGES = LEAST_KEYS - 1
_PAGES = 2
_SHARE = 0.3
_RUN = re.compile(r"[0-9a-fA-F]{16,}|[0-9０-９][0-9０-９,.:：/-]*")


def frame(line: str) -> str:
    """Leave a line's words without its numbers and tokens; empty where it has none of either, or hardly a word.

    >>> frame("（已阅 1024）"), frame("| 12 | 3 |"), frame("已阅")
    ('（已阅）', '', '')
    """
    bare = "".join(line.split())
    left = _RUN.sub("", bare)
    return left if left != bare and sum(map(str.isalpha, left)) > 1 else ""


def learn(pages: Iterable[Sequence[str]]) -> frozenset[str]:
    """Name the frames of a site's volatile lines; each page is its texts, one a capture, in the order of time.

    A line is volatile whose numbers changed three times and in more than 30 % of a page's pairs of captures, on two
    pages: no office edits the same line of two reports so often.
    """
    taught = Counter[str]()
    for texts in pages:
        pairs, changed = Counter[str](), Counter[str]()
        for before, after in itertools.pairwise(map(_framed, texts)):
            both = before.keys() & after.keys()
            pairs.update(both)
            changed.update(name for name in both if before[name] != after[name])
        taught.update(name for name, n in changed.items() if n >= _CHANGES and n > pairs[name] * _SHARE)
    return frozenset(name for name, n in taught.items() if n >= _PAGES)


def without(text: str, frames: frozenset[str]) -> str:
    """Leave out a text's volatile lines."""
    return "\n".join(line for line in text.splitlines() if frame(line) not in frames) if frames else text


def _framed(text: str) -> dict[str, list[str]]:
    """Collect a text's lines by their frames."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if name := frame(line):
            found.setdefault(name, []).append("".join(line.split()))
    return found
