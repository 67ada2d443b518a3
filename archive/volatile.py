"""Lines that only repetition shows to be noise: counters, clocks and tokens, in words that no cleaning rule knows."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

LEAST_KEYS = 4
"""A page with fewer distinct texts teaches nothing."""

_CHANGES, _SHARE, _PAGES = LEAST_KEYS - 1, 0.3, 2
_CHANGES_ALONE, _SHARE_ALONE = 5, 0.8
_DATE = str.maketrans("", "", "年月日时分秒")
_RUN = re.compile(r"[0-9a-fA-F]{16,}|[0-9０-９][0-9０-９,.:：/-]*")


def frame(line: str) -> str:
    """Leave a line's words without its numbers and tokens; empty where it has none of either, or hardly a word.

    A date alone has no frame: reports are signed with it.

    >>> frame("（已阅 1024）"), frame("| 12 | 3 |"), frame("已阅"), frame("2021年1月28日")
    ('（已阅）', '', '', '')
    """
    bare = "".join(line.split())
    left = _RUN.sub("", bare)
    return left if left != bare and sum(map(str.isalpha, left.translate(_DATE))) > 1 else ""


def learn(pages: Iterable[Sequence[str]]) -> frozenset[str]:
    """Name the frames of a site's volatile lines; each page is its texts, one a capture, in the order of time.

    A line is volatile that showed new numbers three times and in more than 30 % of a page's pairs of captures, on two
    pages; or five times and in more than 80 %, on one: no office edits the same line so often. A number that had been
    seen before is not new, as two servers may answer by turns.
    """
    taught = Counter[str]()
    for texts in pages:
        shown, said = Counter[str](), defaultdict[str, set[tuple[str, ...]]](set)
        for lines in map(_framed, texts):
            shown.update(lines.keys())
            for name, words in lines.items():
                said[name].add(tuple(words))
        for name, n in shown.items():
            new, pairs = len(said[name]) - 1, n - 1
            alone = new >= _CHANGES_ALONE and new > pairs * _SHARE_ALONE
            taught[name] += _PAGES if alone else new >= _CHANGES and new > pairs * _SHARE
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
