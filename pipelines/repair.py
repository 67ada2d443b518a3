"""Damage that copying did to a text: undone where that is exact, else told and left alone (facts/garbling.md)."""

from __future__ import annotations

import functools
import itertools
import os
import re
import unicodedata
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pipelines.normalise import simple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Dialect = Literal["toned", "toneless"]

_LETTERS = "a-züɡɑ"
_MARKED = "āáǎàōóǒòēéěèīíǐìūúǔùǖǘǚǜńňǹḿ"
_TONED = f"[{_LETTERS}]{{0,5}}[{_MARKED}][{_LETTERS}]{{0,4}}"
_TONES = re.compile("[\u0300\u0301\u0304\u030c]")
_PHONETIC = str.maketrans("ɡɑ", "ga")  # GBK has both, and pinyin is often typed with them
_SOUND = rf"[{_LETTERS}{_MARKED}]{{1,6}}[)）]"
_GLOSSES = re.compile(rf"[(（](?<=[\u3400-\u9fff].){_SOUND}(?:[(（]{_SOUND})*")  # looks back late: to be quick
_GLOSS = re.compile(rf"[(（]{_SOUND}")
_LEAST: Mapping[Dialect, tuple[int, int]] = MappingProxyType({"toneless": (10, 4), "toned": (3, 1)})
"""How many glosses a page full of them has at the least, and on how many different characters."""
_LEFT = re.compile(rf"[(（]{_TONED}|{_TONED}[)）]")

_SHIFTED = re.compile(r"\?([!;]?[^\x00-\x7f]{1,40}[@-~])")
_USUAL = frozenset("\u3000、。·“”‘’—…～（），：；？！％《》〔〕【】０１２３４５６７８９")
_WIDE = str.maketrans("!;", "！；")

DAMAGES: Mapping[str, tuple[re.Pattern[str], int]] = MappingProxyType(
    {
        "bytes-damaged": (re.compile(r"\?(?:[!！;；。][\u3400-\u9fffㄅ-ㄩā-ǜ┌-╋\ue000-\uf8ff]|\d{3}年|nbsp;)"), 1),
        "commas-injected": (re.compile(r"[,，@](?:(?<!@)[、。，,；]|(?<=@)@)"), 3),
        "digits-glued": (re.compile(r"20(?:(?<!\d20)\d{3,6}日|(?<=[〔\[（(]20)\d{3,6}号)"), 1),
        "question-marks": (re.compile(r"(?m)\?(?:\?\?|(?<=[。；]\?)$|(?<=^\?)(?=[\u3400-\u9fff]))"), 1),
        "words-lost": (re.compile(r"[(（][)）]"), 1),
    }
)
"""Damage that cannot be undone: its flag, what shows it, and from how many places on. None is in 520 clean pages."""


def dialect(text: str) -> Dialect | None:
    """Tell whether a page is full of pinyin glosses, `報(bào)` or `文(wen)章(zhang)`, and of which kind.

    Three toned ones on common Traditional characters are enough; toneless ones, ten on four characters.
    """
    glosses = [*_GLOSSES.finditer(text)]
    for kind, (least, different) in _LEAST.items():
        bases = _glossed(glosses, kind)
        if len(bases) >= least and len(set(bases)) >= different:
            return kind
    return None


def unglossed(text: str, kind: Dialect) -> str:
    """Take out the glosses of a page's dialect: brackets with a reading of the character before them.

    Toned glosses go from Traditional characters only; on a page full of toneless ones both go from any.

    >>> unglossed("建(構(gòu))筑物(WORD版)和縣(市、區(qū))(2019年)，漢江(hàn)", "toned")
    '建(構)筑物(WORD版)和縣(市、區)(2019年)，漢江(hàn)'
    """
    return _GLOSSES.sub(lambda found: _stripped(found, kind), text)


def leftovers(text: str) -> int:
    """Count what looks like a gloss whose brackets were damaged, `日?qǐng)?bào)社`: counted, never guessed at."""
    return len(_LEFT.findall(text))


def unshifted(text: str) -> str:
    r"""Put back the byte A1 of a GBK `。` or U+3000 that became `?`, so that the bytes after it pair as they were.

    Only where every character then is a common one, and before was not; other places stay as they are.

    >>> unshifted("?。ㄒ唬┓e极做好，?!皬V泛，是不是?“WORD版”")
    '\u3000（一）積极做好，。“廣泛，是不是?“WORD版”'
    """
    return _SHIFTED.sub(_unshift, text)


def damages(text: str) -> frozenset[str]:
    """Name the damage in a text that cannot be undone, by the flags of DAMAGES."""
    shown = {flag: itertools.islice(pattern.finditer(text), least) for flag, (pattern, least) in DAMAGES.items()}
    return frozenset(flag for flag, places in shown.items() if len(list(places)) == DAMAGES[flag][1])


def _unshift(found: re.Match[str]) -> str:
    try:
        mended = (b"\xa1" + found[1].translate(_WIDE).encode("gb18030")).decode("gb18030")
    except UnicodeError:
        return found[0]
    if mended[0] in "。\u3000" and all(map(_is_common, mended)) and not all(map(_is_common, found[1][:-1])):
        return mended
    return found[0]


def _is_common(character: str) -> bool:
    """Tell usual punctuation and the 3,755 commonest characters of GB2312 (level 1), in either script."""
    return character in _USUAL or 0xB0 <= simple(character).encode("gb2312", "replace")[0] <= 0xD7


def _glossed(glosses: Iterable[re.Match[str]], kind: Dialect) -> list[str]:
    """List the characters that glosses of one kind stand after, a toned one only if it is common."""
    found = [found for found in glosses if (kind == "toned") == bool(_LEFT.match(found[0]))]
    if len(found) < _LEAST[kind][0]:  # most pages, which thus never load the readings
        return []
    bases = [found.string[found.start() - 1] for found in found if _stripped(found, kind) != found[0]]
    return [base for base in bases if kind == "toneless" or _is_common(base)]


def _stripped(found: re.Match[str], kind: Dialect) -> str:
    """Give what is left of a row of brackets without the readings it begins with."""
    sounds = _sounds(found.string[found.start() - 1], kind)
    glosses = itertools.dropwhile(lambda gloss: gloss[1:-1].translate(_PHONETIC) in sounds, _GLOSS.findall(found[0]))
    return "".join(glosses)


@functools.lru_cache(maxsize=1 << 14)
def _sounds(character: str, kind: Dialect) -> frozenset[str]:
    """Name the readings of a character and of its simplified form; among toned glosses, of a Traditional one only."""
    plain = simple(character)
    if kind == "toned" and plain == character:
        return frozenset()
    forms = (_readings().get(ord(form), "").split(",") for form in (character, plain))
    sounds = frozenset(itertools.chain.from_iterable(forms))
    return sounds.union(*map(_toneless, sounds))  # among toned glosses too: 個(ge) is said without its tone


def _toneless(sound: str) -> set[str]:
    """Write a reading without its tone, `lǜ` as lü, lv and lu."""
    plain = unicodedata.normalize("NFC", _TONES.sub("", unicodedata.normalize("NFD", sound)))
    return {plain, plain.replace("ü", "v"), plain.replace("ü", "u")}


@functools.cache
def _readings() -> Mapping[int, str]:
    """Load the readings of 41,923 characters (50 ms, 12 MB; five times that with the phrases)."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin.pinyin_dict import pinyin_dict

    return pinyin_dict
