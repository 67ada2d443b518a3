"""Pinyin glosses that hijacked mirrors put after characters, `報(bào)`, and how they are taken out again."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Dialect = Literal["toned", "toneless"]

_GLOSS = re.compile(
    r"(?P<before>[\u3400-\u9fff\uf900-\ufaff])(?P<glosses>(?:\([a-zāáǎàōóǒòēéěèīíǐìūúǔùǖǘǚǜüńňǹḿ]{1,6}\))+)"
)
_SYLLABLE = re.compile(
    r"(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?"
    r"(?:i?an?g?|i?ao|ai|ei|e[nr]?|eng|i|ie|in|ing|iu|iong|ong?|ou?|u|ua|uo|uai|ui|uang?|uan|un|ue|ü|üe)"
)
_DAMAGED = re.compile(r"[a-zü]{0,5}[āáǎàōóǒòēéěèīíǐìūúǔùǖǘǚǜ][a-z]{0,3}\)")
_TONES = frozenset("\u0304\u0301\u030c\u0300")
_TONED_LEAST = 8
_TONELESS_LEAST = 40
_DIFFERENT_LEAST = 4


def dialect(text: str) -> Dialect | None:
    """Tell whether a page is full of glosses, and of which kind.

    Toned glosses (one tone mark in a legal syllable) count from 8 on 4 different characters, toneless ones
    only from 40, since `(kg)`-like brackets are common. A page with fewer keeps every bracket: no harm first.
    """
    toned = [found["before"] for found in _GLOSS.finditer(text) if _all(found["glosses"], toned=True)]
    if len(toned) >= _TONED_LEAST and len(set(toned)) >= _DIFFERENT_LEAST:
        return "toned"
    plain = [found["before"] for found in _GLOSS.finditer(text) if _all(found["glosses"], toned=False)]
    if len(plain) >= _TONELESS_LEAST and len(set(plain)) >= _DIFFERENT_LEAST:
        return "toneless"
    return None


def unglossed(text: str, kind: Dialect) -> str:
    """Take out the glosses of a page's dialect; brackets of any other kind stay.

    >>> unglossed("建(構(gòu))筑物(WORD版)和縣(市、區(qū))(2019年)", "toned")
    '建(構)筑物(WORD版)和縣(市、區)(2019年)'
    """

    def strip(found: re.Match[str]) -> str:
        fits = _all(found["glosses"], toned=True) or (kind == "toneless" and _all(found["glosses"], toned=False))
        return found["before"] if fits else found[0]

    return _GLOSS.sub(strip, text)


def leftovers(text: str) -> int:
    """Count what looks like a gloss whose brackets were damaged, `日?qǐng)?bào)社`: counted, never guessed at."""
    return len(_DAMAGED.findall(text))


def _all(glosses: str, *, toned: bool) -> bool:
    return all(_is_syllable(gloss, toned=toned) for gloss in glosses[1:-1].split(")("))


def _is_syllable(gloss: str, *, toned: bool) -> bool:
    """Tell a legal pinyin syllable with exactly one tone mark, or with none."""
    marks = unicodedata.normalize("NFD", gloss)
    tones = sum(mark in _TONES for mark in marks)
    plain = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
    return tones == (1 if toned else 0) and _SYLLABLE.fullmatch(plain) is not None
