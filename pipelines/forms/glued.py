"""Numbers of a row that lost what stood between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.forms.model import Rule

_MOST_TRIES = 2_000
_LONGEST = 15  # digits of a number


def split(digits: str, codes: Sequence[str], rules: Sequence[Rule]) -> tuple[int, ...] | None:
    """Part a row of digits into one number for each column, or None unless just one parting keeps all rules.

    Numbers of several digits do not begin with 0. Every column must stand in a sum, whose total is its last; a row
    with too many partings to try is given up.
    """
    sums = {rule.left[0]: rule.right for rule in rules if rule.scope == "rows" and rule.op == "=" and not rule.last}
    summed = {code for total, parts in sums.items() for code in (total, *parts)}
    if not digits.isdecimal() or len(digits) < len(codes) or not summed or summed != set(codes):
        return None
    tries = 0

    def parted(start: int, numbers: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        nonlocal tries
        tries += 1
        n = len(numbers)
        if n == len(codes):
            if start == len(digits):
                yield numbers
            return
        if parts := sums.get(codes[n]):
            words = str(sum(numbers[codes.index(code)] for code in parts))
            if digits.startswith(words, start):
                yield from parted(start + len(words), (*numbers, int(words)))
            return
        furthest = min(len(digits) - (len(codes) - n - 1), start + _LONGEST)
        for stop in range(start + 1, min(furthest, start + 1 if digits[start : start + 1] == "0" else furthest) + 1):
            if tries > _MOST_TRIES:
                return
            yield from parted(stop, (*numbers, int(digits[start:stop])))

    found: list[tuple[int, ...]] = []
    for numbers in parted(0, ()):
        found.append(numbers)
        if len(found) > 1:
            return None
    return found[0] if found and tries <= _MOST_TRIES else None
