"""One report, many carriers: which of a page and its documents is the report's text, and where others differ from it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from archive.records import Grid

_LEAST_SHARE = 0.5
_LEAST_CONTEXT = 4  # Chinese characters; 年月日 alone says nothing
_THOUSANDS = re.compile(r"(?<=\d)[,，](?=\d{3}(?!\d))")
_NOISE = re.compile("[\"'“”‘’「」#＃\\s]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CELL = re.compile(r"([-+]?\d+(?:\.\d+)?)(%|万元|[件条次人元个宗份])?")
_SENTENCE = re.compile(r"[。;!?]")
_CLAUSE = re.compile(r"[,:]")
_ENUMERATED = re.compile(r"^\(?\d{1,2}[.、)](?!\d)")
_LETTER = re.compile(r"[^\W\d_]")
_HAN = re.compile(r"[\u4e00-\u9fff]")

Places = dict[str, list[tuple[str, ...]]]
"""Numbers by the place where they stand, once for each time that the place is met."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Carrier:
    """What a page or a document says of a report: `text` and `grids` as a `Text` has them.

    `recognised` is for words read from a picture.
    """

    text: str = field(repr=False)
    grids: tuple[Grid, ...] = field(default=(), repr=False)
    is_report: bool
    recognised: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Two numbers in the same place: a cell's labels, or the words around it with # for each number."""

    context: str
    one: str
    other: str


def fullest(carriers: Sequence[Carrier]) -> int:
    """Say which carrier's text is the report's; of equals the earlier.

    A report goes before what is none, half as much text as the longest has before a stub, certain words before
    recognised ones, more text before less, more cells before fewer. Raises ValueError where there is no carrier.
    """
    reports = [carrier for carrier in carriers if carrier.is_report] or carriers
    most = max(map(_length, reports))

    def rank(index: int) -> tuple[bool, bool, bool, int, int]:
        one = carriers[index]
        length, cells = _length(one), sum(len(row) for grid in one.grids for row in grid)
        return one.is_report, length >= _LEAST_SHARE * most, not one.recognised, length, cells

    return max(range(len(carriers)), key=rank)


def differing(one: Carrier, other: Carrier) -> tuple[Difference, ...]:
    """Find the numbers that two carriers give differently, in cells of the same labels and in the same sentences.

    What one of them lacks, or has in more places than the other, is no difference; nor is 0.50 beside 0.5.
    """
    ones, others = _sentences(one.text), _sentences(other.text)
    in_one, in_other = _places(ones), _places(others)
    found = chain(
        _unlike(_in_tables(one.grids), _in_tables(other.grids)),
        _unlike(in_one, in_other),
        _unlike(_places(_clauses(ones, but=in_other)), _places(_clauses(others, but=in_one))),
    )
    return tuple(dict.fromkeys(found))


def _length(carrier: Carrier) -> int:
    return len("".join(carrier.text.split()))


def _in_tables(grids: Iterable[Grid]) -> Places:
    """List cells by the two labels nearest to them on the left and above."""
    found: Places = defaultdict(list)
    for grid in filter(None, grids):
        above: list[tuple[str, ...]] = [()] * len(grid[0])
        for row in grid:
            left: tuple[str, ...] = ()
            for column, cell in enumerate(map(_plain, row)):
                if _LETTER.search(cell) and not _CELL.fullmatch(cell):
                    left, above[column] = _nearer(left, cell), _nearer(above[column], cell)
                elif left or above[column]:
                    found[" · ".join((*left, *above[column]))].append((cell,))
    return found


def _nearer(labels: tuple[str, ...], label: str) -> tuple[str, ...]:
    """Add a label; one that spans several places is one."""
    return labels if labels[-1:] == (label,) else (*labels[-1:], label)


def _sentences(text: str) -> list[str]:
    """Split a text, its tables left out."""
    lines = (_plain(line) for line in text.splitlines() if not line.startswith("|"))
    return [_ENUMERATED.sub("", part, count=1) for line in lines for part in _SENTENCE.split(line)]


def _clauses(sentences: Iterable[str], *, but: Container[str]) -> list[str]:
    """Split the sentences that the other text has not; a clause that stands twice has no certain place."""
    parts = [part for whole in sentences if _context(whole) not in but for part in _CLAUSE.split(whole)]
    times = Counter(map(_context, parts))
    return [part for part in parts if times[_context(part)] == 1]


def _places(parts: Iterable[str]) -> Places:
    """List the numbers of sentences or clauses by the words around them, # for each number."""
    found: Places = defaultdict(list)
    for part in parts:
        numbers, context = tuple(_NUMBER.findall(part)), _context(part)
        if numbers and len(_HAN.findall(context)) >= _LEAST_CONTEXT:
            found[context].append(numbers)
    return found


def _context(part: str) -> str:
    return _NUMBER.sub("#", part)


def _unlike(ones: Places, others: Places) -> Iterator[Difference]:
    for context, numbers in ones.items():
        beside = others.get(context, [])
        if len(beside) == len(numbers):
            pairs = zip(chain.from_iterable(numbers), chain.from_iterable(beside), strict=True)
            yield from (Difference(context=context, one=a, other=b) for a, b in pairs if _differ(a, b))


def _differ(a: str, b: str) -> bool:
    """Tell two numbers apart, unless their units differ.

    >>> _differ("12件", "13"), _differ("0.50", "0.5"), _differ("0", "/"), _differ("2万元", "20000元")
    (True, False, False, False)
    """
    one, other = _CELL.fullmatch(a), _CELL.fullmatch(b)
    if not one or not other or (one[2] and other[2] and one[2] != other[2]):
        return False
    return Decimal(one[1]) != Decimal(other[1])


def _plain(words: str) -> str:
    """Write words the same way whoever typed them: no white space, quotes or #, narrow signs, no thousands separators.

    >>> _plain("收到 １,024 件（含“网上”）")
    '收到1024件(含网上)'
    """
    return unicodedata.normalize("NFKC", _THOUSANDS.sub("", _NOISE.sub("", words)))
