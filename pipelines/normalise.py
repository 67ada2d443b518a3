"""Script and Unicode form."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal

from archive.script import encodable, t2s

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_TRADITIONAL_SHARE = 0.02
_SHORT, _SHORT_SHARE = 200, 0.08  # characters; in so short a text one 繁體 of a menu would be 2 %
_IN_BOTH = frozenset("乾菸薹拚捱摺吒後徵夥榘於袷麴醣麽")  # t2s changes them, yet GB2312 has them
# Most mirrors' converter leaves 于 后 征 干 as they are: the others are then no work of its own, but 於潜, 王乾.
_NOT_MADE = re.compile("([於後徵乾])")
# 著 stays where it is a word of its own in simplified writing; the mirrors' converters wrote it for every 着.
_ZHU = re.compile(r"(?<![显卓昭原名论专土巨译编合遗拙撰所新近])著(?![名作者称述录书《])")
_TAIWAN = re.compile("網路|計畫|程式|入口網站|智慧財產|巨觀|簡訊|最佳化")
_TAIWAN_LEAST = 3


def script_of(text: str) -> Literal["hans", "hant"]:
    """Tell Traditional writing from Simplified: t2s would change more than 2 % of its Chinese characters.

    In a text of under 200 it is 8 %. The seeds measure 0 in Simplified and 0.28 in Traditional writing. Characters that simplified text uses
    too, as in 乾县 and 於潜, are no evidence.

    >>> script_of("政府信息公開工作年度報告"), script_of("乾县人民政府信息公开指南")
    ('hant', 'hans')
    """
    done = t2s(text)
    if done == text:
        return "hans"
    changed = sum(a != b and a not in _IN_BOTH for a, b in zip(encodable(text), done, strict=False))
    han = len(_HAN.findall(text))
    return "hant" if changed > han * (_SHORT_SHARE if han < _SHORT else _TRADITIONAL_SHARE) else "hans"


def simplified(text: str) -> str:
    """Write Traditional text in Simplified characters, and leave every other text as it is.

    Characters only: Taiwan's own words stay, as nothing tells what they stood for.

    >>> simplified("政府信息公開年度報告，著力解決顯著問題"), simplified("乾县人民政府")
    ('政府信息公开年度报告，着力解决显著问题', '乾县人民政府')
    """
    if script_of(text) == "hans":
        return text
    kept = _NOT_MADE if text.count("于") + text.count("后") > text.count("於") + text.count("後") else None
    parts = kept.split(text) if kept else [text]
    done = "".join(part if place % 2 else t2s(part) for place, part in enumerate(parts))
    return _ZHU.sub("着", done) if done.count("著") > done.count("着") else done


@functools.lru_cache(maxsize=1 << 14)
def simple(character: str) -> str:
    """Write one character in its Simplified form; 著 is 着, as converters take it.

    >>> simple("報"), simple("报"), simple("著")
    ('报', '报', '着')
    """
    return "着" if character == "著" else t2s(character)


def is_taiwanese(text: str) -> bool:
    """Tell a text put into Taiwan's words, which converting its characters does not bring back.

    >>> is_taiwanese("入口網站的計畫與程式"), is_taiwanese("門戶網站的計劃與程序")
    (True, False)
    """
    return len(_TAIWAN.findall(text)) >= _TAIWAN_LEAST


def composed(text: str) -> str:
    """Compose characters (NFC, never NFKC, which turns ① into 1 and （ into an ASCII bracket).

    >>> composed("①（，；）")
    '①（，；）'
    """
    return unicodedata.normalize("NFC", text)
