"""The words of one cell: a number, a sign for nothing, a unit, or a label and its key."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

_HALF = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x2212: ord("-")}
_UNSEEN = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad]+")
_UNITS = r"万?(?:元|条|件|次|篇|项|个|人|份|宗|起|期|场|册|家)|人次|万人次|万人"
_UNIT = re.compile(_UNITS)
_NUMBER = re.compile(
    rf"(?P<sign>[-+]|增加?|减少?)?(?P<whole>\d{{1,3}}(?:[,\u00a0\u2009\u202f]\d{{3}}){{1,4}}|\d{{1,15}})(?P<part>\.\d+)?\s*(?P<unit>{_UNITS})?"
)
_NOTHING = re.compile(r"[-—–―─一/\\|·.*]{0,4}|无|不填|空|空白|未填")
_GARBLED = re.compile(
    rf"(?!\s*\(?\d{{1,2}}[.)]\s*$)(?=.*\d)[\d\s.,%+/—–―无-]+|(?:[+-]?\d[\d.,]*\s*(?:{_UNITS})\s*){{2,}}"
)
_STATED_UNIT = re.compile(rf"[(\[](?:计?量?单位[:为]?)?({_UNITS})[)\]]|单位[:为]?({_UNITS})$")

_HAN = "一二三四五六七八九十"
_LEAD = re.compile(
    rf"其中(?=[^\w]|[{_HAN}]、|\d|[①-⓿⑴-⒇Ⅰ-ↈ]|[\u4e00-\u9fff]{{2}}):?"
    rf"|[((][{_HAN}\d]{{1,3}}[))][、.,:]?|[{_HAN}]{{1,3}}[、.,:]|[①-⓿❶-➓Ⅰ-ↈ][、.,:]?"
    r"|\d{1,2}[))、.,:]+|\d{1,2}(?=[\u4e00-\u9fff])(?![年月日个])|[*★☆●·•\-—#]+"
)
_SPACED_NUMERAL = re.compile(rf"^\s*[{_HAN}]{{1,3}}\s+(?=\S)")
_YEAR = re.compile(r"\{Y+\}年|\d{2,4}年")
_YEARS = re.compile(r"(?<!\d)(?:20)?(\d\d)年(?!\d{1,2}月|以来|起|至今)|(?<!\d)20(\d\d)年(?=1月1日|12月31日)")
_YEAR_DIGITS = str.maketrans("〇○零Ο一二三四五六七八九", "0000123456789")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_OPEN = re.compile(r"[(\[].*")
_OTHER = re.compile(r"[^\u3400-\u9fff\w]|_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A number as it was written, with the unit written beside it or ""."""

    value: int | float
    unit: str


@functools.lru_cache(maxsize=4096)
def number(cell: str) -> Number | None:
    """Read a cell that holds one number of at most 15 digits and nothing else, or None.

    >>> number("１，９１５条"), number("75394432.52元"), number("减2")
    (Number(value=1915, unit='条'), Number(value=75394432.52, unit='元'), Number(value=-2, unit=''))
    >>> number("1 200"), number("约5"), number("50%"), number("")
    (None, None, None, None)
    """
    found = _NUMBER.fullmatch(half(cell).strip())
    if not found:
        return None
    whole = re.sub(r"\D", "", found["whole"])
    size = float(whole + found["part"]) if found["part"] else int(whole)
    return Number(value=-size if (found["sign"] or "")[:1] in ("-", "减") and size else size, unit=found["unit"] or "")


@functools.lru_cache(maxsize=4096)
def is_nothing(cell: str) -> bool:
    """Say whether a cell is blank or holds a sign for nothing.

    >>> [is_nothing(cell) for cell in ("", "/", "——", "无", "0", "其他")]
    [True, True, True, True, False, False]
    """
    return _NOTHING.fullmatch(_UNSEEN.sub("", half(cell))) is not None


@functools.lru_cache(maxsize=4096)
def is_garbled(cell: str) -> bool:
    """Say whether a cell holds digits but no words, and yet is no number or numbering.

    >>> [is_garbled(cell) for cell in ("12 3", "50%", "1,2", "5/无", "12", "1.", "约5")]
    [True, True, True, True, False, False, False]
    """
    return number(cell) is None and _GARBLED.fullmatch(half(cell)) is not None


@functools.lru_cache(maxsize=4096)
def unit(cell: str) -> str:
    """Read a cell that holds a unit and nothing else, or "".

    >>> unit("万元"), unit("单位")
    ('万元', '')
    """
    bare = _UNSEEN.sub("", half(cell)).strip("()")
    return bare if _UNIT.fullmatch(bare) else ""


def stated_unit(label: str) -> str:
    """Read the unit that a label gives in brackets, or "".

    >>> stated_unit("本年收费金额（单位：万元）")
    '万元'
    """
    found = _STATED_UNIT.search(_UNSEEN.sub("", half(label)))
    return found[1] or found[2] if found else ""


@functools.lru_cache(maxsize=8192)
def key(label: str) -> str:
    """Leave what two ways of writing a label share: no numbering, remarks in brackets, punctuation, or year.

    >>> key("（二）部分公开（区分处理的，只计这一情形，不计其他情形）"), key("其中：⑴ 专职人员数★")
    ('部分公开', '专职人员数')
    >>> key("2016年度"), key("15新闻发布会发布信息数"), key("第二十条第（一）项")
    ('年度', '新闻发布会发布信息数', '第二十条第一项')
    """
    bare = _YEAR.sub("年", _UNSEEN.sub("", _SPACED_NUMERAL.sub("", half(label))))
    while (found := _LEAD.match(bare)) and found.end() < len(bare):
        bare = bare[found.end() :]
    if not bare.startswith("第二十条"):
        short = _OPEN.sub("", _BRACKETS.sub("", _BRACKETS.sub("", bare)))
        bare = short if _OTHER.sub("", short) else bare
    return _OTHER.sub("", bare).replace("其它", "其他").replace("合计", "总计")


@functools.lru_cache(maxsize=4096)
def is_words(cell: str) -> bool:
    """Say whether a cell holds words: neither a number, nor digits of some, nor a sign for nothing."""
    return not is_nothing(cell) and number(cell) is None and not is_garbled(cell)


@functools.lru_cache(maxsize=8192)
def shape(cell: str) -> str:
    """Write any cell of a kind in one way, words as they are: what holds of the one by its kind holds of all.

    >>> [shape(cell) for cell in ("1,915条", "12 3", "50%", "——", "新收申请")]
    ['0', '0 0', '0 0', '', '新收申请']
    """
    return "0" if number(cell) else "0 0" if is_garbled(cell) else "" if is_nothing(cell) else cell


@functools.lru_cache(maxsize=4096)
def names_another_year(words: str, year: int | None) -> bool:
    """Say whether words name whole years of which none is `year`.

    >>> [names_another_year(words, 2016) for words in ("2015年度", "二〇一五年", "15年发生数", "至2015年12月31日")]
    [True, True, True, True]
    >>> [names_another_year(words, 2016) for words in ("2016年", "2015年至2016年", "2008年以来", "2017年1月20日")]
    [False, False, False, False]
    """
    if year is None or "年" not in words:
        return False
    bare = _UNSEEN.sub("", half(words)).translate(_YEAR_DIGITS)
    named = {short or last for short, last in _YEARS.findall(bare)}
    return bool(named) and f"{year % 100:02}" not in named


def half(text: str) -> str:
    """Write full-width Latin letters, digits and signs as ASCII ones."""
    return text.translate(_HALF)
