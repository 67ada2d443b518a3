"""The labels of a Word document's automatic lists (一、 （一） 1.), which stand in none of its paragraphs."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HAN = "〇一二三四五六七八九"
_CHINESE = frozenset(
    {"chineseCounting", "chineseCountingThousand", "ideographDigital", "japaneseCounting", "taiwaneseCounting",
     "taiwaneseCountingThousand"}
)  # fmt: skip
_LONGEST_DESCENT = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class _Level:
    start: int
    style: str
    text: str
    suffix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _List:
    counted_with: str | None
    levels: Mapping[int, _Level]
    restarts: Mapping[int, int]


class Numbering:
    """Counts the numbered paragraphs of one document, which are to be shown to it in their order.

    The lists are those of its numbering part, which a paragraph or its style names (ISO/IEC 29500-1, 17.9).
    """

    def __init__(self, numbering: _Element | None, styles: _Element | None) -> None:
        self._lists = {} if numbering is None else _lists(numbering)
        self._styles = {} if styles is None else {str(style.get(f"{W}styleId")): style for style in styles}
        self._counts: defaultdict[str | None, dict[int, int]] = defaultdict(dict)
        self._restarted: set[tuple[str | None, int]] = set()

    def label(self, paragraph: _Element) -> str:
        """Count a paragraph, and give the label it is shown with; empty where it has none, or a bullet."""
        number, depth = self._place(paragraph)
        found = self._lists.get(number)
        if found is None or depth not in found.levels:
            return ""
        level, counts = found.levels[depth], self._counts[found.counted_with]
        if depth in found.restarts and (number, depth) not in self._restarted:
            self._restarted.add((number, depth))
            counts[depth] = found.restarts[depth]
        else:
            counts[depth] = counts[depth] + 1 if depth in counts else level.start
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        if level.style == "bullet":
            return ""

        def written(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            above = found.levels.get(at, level)
            return _written(counts.get(at, above.start), above.style)

        label = re.sub("%([1-9])", written, level.text)
        return f"{label} " if label[-1:].isalnum() and level.suffix != "nothing" else label

    def _place(self, paragraph: _Element) -> tuple[str | None, int]:
        """Find which list a paragraph is in, by itself or by its style, and how deep."""
        of, depth = paragraph, None
        for _ in range(_LONGEST_DESCENT):
            depth = value(of, "pPr/numPr/ilvl") if depth is None else depth
            if number := value(of, "pPr/numPr/numId"):
                return number, whole(depth, 0)
            parent = self._styles.get(value(of, "pPr/pStyle" if of is paragraph else "basedOn") or "")
            if parent is None:
                break
            of = parent
        return None, 0


def value(element: _Element, path: str) -> str | None:
    """Read the `val` of a property; empty where the property stands without one, None where it is not there."""
    found = element.find(_qualified(path))
    return None if found is None else found.get(f"{W}val", "")


@functools.cache
def _qualified(path: str) -> str:
    return "/".join(f"{W}{step}" for step in path.split("/"))


def whole(text: str | None, otherwise: int) -> int:
    """Read a count of at most four digits."""
    return int(text) if re.fullmatch("[0-9]{1,4}", text or "") and text else otherwise


def _lists(numbering: _Element) -> dict[str | None, _List]:
    plain = {kind.get(f"{W}abstractNumId"): _levels(kind) for kind in numbering.iterfind(f"{W}abstractNum")}
    lists = {}
    for number in numbering.iterfind(f"{W}num"):
        kind = value(number, "abstractNumId")
        levels, restarts = dict(plain.get(kind, {})), {}
        for override in number.iterfind(f"{W}lvlOverride"):
            levels |= _levels(override)
            if (start := value(override, "startOverride")) is not None:
                restarts[whole(override.get(f"{W}ilvl"), 0)] = whole(start, 1)
        lists[number.get(f"{W}numId")] = _List(counted_with=kind, levels=levels, restarts=restarts)
    return lists


def _levels(element: _Element) -> dict[int, _Level]:
    return {
        whole(level.get(f"{W}ilvl"), 0): _Level(
            start=whole(value(level, "start"), 0),
            style=value(level, "numFmt") or "decimal",
            text=value(level, "lvlText") or "",
            suffix=value(level, "suff") or "tab",
        )
        for level in element.iterfind(f"{W}lvl")
    }


def _written(number: int, style: str) -> str:
    """Write a number in a list's style; in digits where the style is rarer than these.

    >>> [_written(n, "japaneseCounting") for n in (1, 10, 23)], _written(2, "decimalEnclosedCircle")
    (['一', '十', '二十三'], '②')
    """
    if style in _CHINESE and 0 < number < 100:
        tens, ones = divmod(number, 10)
        return (_HAN[tens] if tens > 1 else "") + ("十" if tens else "") + (_HAN[ones] if ones else "")
    if style.startswith("decimalEnclosedCircle") and 0 < number <= 20:
        return chr(ord("①") + number - 1)
    if style in ("upperLetter", "lowerLetter") and 0 < number <= 26:
        return chr(ord("A" if style == "upperLetter" else "a") + number - 1)
    return str(number)
