"""Headline numbers that a report states in sentences, each with its sentence as evidence.

What is stated, and in which words, is data: prose.toml. This file knows what a number is, which year a sentence
speaks of, and when a number is not what it seems; a number it is unsure of is left out.
"""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, field
from importlib import resources
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from archive.records import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

When = Literal["now", "end", "since", "other", "unsaid"]
"""The report's own year, up to its last day, up to some day, another time, or not said."""

_SURE = 0.6
_LONGEST = 3000  # no sentence is longer: a table or data without full stops
_FORMS = str.maketrans("０１２３４５６７８９％（），：；．", "0123456789%(),:;.")
_DROPPED = re.compile(r"[\s“”‘’\"「」](?:(?<!\s)|(?<!\d\s)\s*|\s*(?!\d))")  # white space but between digits
_NAME = re.compile(r"《[^《》]{0,80}》")
_SENTENCE = re.compile(r"[^。！？!?]+[。！？!?]?")
_SECTION = re.compile(r"[一二三四五六七八九十]{1,3}、")
_WORTH = re.compile(
    r"[0-9０-９一二两三四五六七八九十百千零〇]\s?[万条件份个宗起项次人名篇期场元册处家批]|未|没有|无|为[0零]"
)

_NUMBER = (
    r"(?P<n>(?<![\d第〔\[.~～—–－\-])(?<!\d[,、至到 ])(?:\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:\.\d+)?"
    r"|(?<![零〇一二两三四五六七八九十百千万亿第几数上])(?:[一二两三四五六七八九十][零一二两三四五六七八九十百千]{0,6}|零|〇))"
)
_MACROS = {
    "gap": r"[^\d,;:()]{0,15}?",
    "way": r"[^\d,;:()、和及与等]{0,15}?",
    "is": r"[的数量件总共合计有达到为是了:,(]{0,8}",
    "none": (
        r"(?:未(?:曾)?(?:有|发生|收到|接到|接收到|出现|产生|被|因|涉及|引发|存在)|没有|"
        r"无(?=因|行政|政府|有关|涉及|针对|人|公民|复议|诉讼|相关|举报|投诉))"
    ),
}
_AFTER = r"(?!以上|以下|以内|左右|上下|余|多|[/～~—–\-]|月|工作日)"
_JOINT = re.compile(r"[^\d件条份个宗起项次人名篇期场元册处)][、和及与或]")
_TIMES = re.compile(
    r"(?=[比较与同上截到以至历自去前往下明今2二年全本当一])(?:"  # few places need a closer look
    r"(?P<skip>(?:比|较|与|同)(?:20\d\d年|去年|上一?年)|上一?年度?(?:申请)?(?:结转|转入)|同比)"
    r"|(?P<since>(?:截[至止到]|到)[^\d,;]{0,4}(?P<end>20\d\d)年(?P<last>12月31日|12月底)?|截[至止到]|到年底|以来|至今|历年"
    r"|自20\d\d年)"
    r"|(?P<other>去年|上一?年|前年|往年|同期|下一步|明年|今后)"
    r"|(?P<year>20\d\d|二[〇○零Ο][〇○零Ο一二三四五六七八九]{2})年"
    r"|(?P<now>年度累计|全年|本年|今年|当年|年内|一年来|年度内))"
)
_OPENING = re.compile(rf"[^《\d]{{0,4}}?{_TIMES.pattern}")
_NOT_PLAIN = re.compile(
    r"比(?!例|重)|较|增加|增长|减少|下降|回落|上升|平均|[日月年人]均|每|至少|不少于|不低于|不超过|超|逾|约(?!谈|束|定)|近(?![年期日])"
    r"|将(?!政|信息|公开|文件)|拟|预计|力争|争取|目标|任务|季度|半年|月份|月底|未|没有|延期"
)
_NOT_NONE = re.compile(
    r"部分|个别|有的|一些|除|其他(?!组织|单位)|其它|再|违|不当|失误|败诉|纠正|撤销|期|若|如(?!下|期)"
)
_EXCEPT = re.compile(r"除[^,;]{0,40}外,$")
_CLAUSE_END = re.compile(r"[,;:。]")
_YEAR_DIGITS = str.maketrans("〇○零Ο一二三四五六七八九", "0000123456789")
_ONES = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One wording of an indicator; `catch` is a sentence that states it, `keep` one that does not.

    `word` stands in whatever the pattern finds: looking for it first spares most searches.
    """

    source: str = field(repr=False)
    word: str
    catch: str
    keep: str

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """The wording ready to be looked for, which takes a tenth of a second for all: who only lists them need not wait."""
        return re.compile(self.source)


@dataclass(frozen=True, kw_only=True, slots=True)
class Indicator:
    """One headline number: its code, labels, unit and wordings.

    `near` must stand in its line or in the section's heading, `bar` must not stand in its clause. A `whole` is not
    read after 其中, and `total` is what has piled up over the years.
    """

    code: str
    zh: str
    en: str
    unit: str
    whole: bool
    total: bool
    near: re.Pattern[str] | None
    bar: re.Pattern[str] | None
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sentence:
    """One sentence: as written, as it is matched, where each matched character stood, and what it is about.

    `carried` is the time that the sentence before it spoke of, or its own first words; `times` are the words for a
    time in it: start, end, which.
    """

    written: str
    bare: str
    places: Sequence[int]
    line: int
    about: str
    carried: When
    times: tuple[tuple[int, int, When], ...]


@functools.cache
def indicators() -> tuple[Indicator, ...]:
    """Read the packaged indicators; a key that is missing or unknown raises TypeError or KeyError with its name."""
    source = resources.files(__package__).joinpath("prose.toml").read_text(encoding="utf-8")
    return tuple(_indicator(table) for table in tomllib.loads(source)["indicator"])


def stated(text: str, *, report_year: int | None) -> tuple[Fact, ...]:
    """List the headline numbers that a report's sentences state of its own year, sentence by sentence.

    Values are as written: 1.2万条 is 1.2 with the unit 万条. Without `report_year` a sentence that names a year is
    not read. An indicator that one sentence gives two values is left out there; two sentences may differ.
    """
    facts: dict[tuple[str, float | None, str], Fact] = {}
    sentences = [*_sentences(text, report_year)]
    whole = "\n".join(sentence.bare for sentence in sentences)
    said = [
        (each, one)
        for each in indicators()
        for one in each.patterns
        if (one.word in whole if one.word else one.pattern.search(whole))
    ]
    for sentence in sentences:
        for fact in _facts(sentence, said):
            facts.setdefault((fact.row, fact.value, fact.unit), fact)
    return tuple(facts.values())


def _indicator(table: dict[str, Any]) -> Indicator:
    units = table.pop("units")
    macros = _MACROS | {
        "n": f"{_NUMBER}(?P<unit>(?>万?(?:{units}))){_AFTER}",
        "zero": rf"(?P<n>(?<![\d.])(?:0|零|〇))(?P<unit>{units})?(?![\d.%])",
    }
    patterns = tuple(
        Pattern(source=_spelled_out(wording := row.pop("pattern"), macros), word=_word(wording), **row)
        for row in table.pop("patterns")
    )
    words = {name: re.compile(table[name]) if name in table else None for name in ("near", "bar")}
    return Indicator(**{"whole": False, "total": False} | table | words | {"patterns": patterns})


def _spelled_out(pattern: str, macros: Mapping[str, str]) -> str:
    return re.sub(r"\{([a-z]+)\}", lambda m: macros[m[1]], pattern)


def _word(pattern: str) -> str:
    """Find the longest word outside all brackets of a pattern, which is not one of several.

    >>> _word("(?:网站|信息网){way}(?:公开|发布)了?政府信息{is}{n}"), _word("公告|公示")
    ('政府信息', '')
    """
    bare, brackets = re.sub(r"\\.|\[[^\]]*\]", " ", pattern), 1
    while brackets:
        bare, brackets = re.subn(r"\([^()]*\)", " ", bare)
    found = re.findall(r"[\u4e00-\u9fff]+(?![\u4e00-\u9fff?*]|\{\d)", bare)
    return "" if "|" in bare else max(found, key=len, default="")


# --- sentences ---


def _sentences(text: str, report_year: int | None) -> Iterator[_Sentence]:
    """Find the sentences that may state something; rows of tables are none."""
    section = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("|"):
            continue
        if _SECTION.match(line):
            section = line[:60]
        carried: When = "unsaid"
        for found in _SENTENCE.finditer(line):
            opening = _OPENING.match(found[0])
            carried = (opening and _when(opening, report_year)) or carried
            if len(found[0]) <= _LONGEST and _WORTH.search(found[0]):
                bare, places = _bare(found[0])
                marks = ((mark, _when(mark, report_year)) for mark in _TIMES.finditer(bare))
                yield _Sentence(
                    written=found[0],
                    bare=bare,
                    places=places,
                    line=number,
                    about=section + line,
                    carried=carried,
                    times=tuple((*mark.span(), when) for mark, when in marks if when),
                )


def _bare(sentence: str) -> tuple[str, Sequence[int]]:
    """Leave what is matched: no white space but between digits, no quotation marks, no words of a document's name."""
    blank = _NAME.sub(lambda name: "《" + " " * (len(name[0]) - 2) + "》", sentence.translate(_FORMS))
    if not _DROPPED.search(blank):
        return blank, range(len(blank))
    edges = [0, *itertools.chain.from_iterable(gap.span() for gap in _DROPPED.finditer(blank)), len(blank)]
    parts = map(range, edges[::2], edges[1::2])
    return _DROPPED.sub("", blank), [*itertools.chain.from_iterable(parts)]


def _when(mark: re.Match[str], report_year: int | None) -> When | None:
    """Say which time a word names; None for one that only compares."""
    if mark["skip"]:
        return None
    if mark["since"]:
        return "end" if mark["last"] and mark["end"] == str(report_year) else "since"
    if mark["year"]:
        return "now" if mark["year"].translate(_YEAR_DIGITS) == str(report_year) else "other"
    return "now" if mark["now"] else "other"


# --- facts ---


def _facts(sentence: _Sentence, said: Iterable[tuple[Indicator, Pattern]]) -> Iterator[Fact]:
    """Read one sentence; an indicator with two values is unsure and gives none. `said` are those to look for."""
    places = [
        (indicator, match)
        for indicator, wording in said
        if wording.word in sentence.bare
        for match in wording.pattern.finditer(sentence.bare)
    ]
    for indicator, several in itertools.groupby(places, key=itemgetter(0)):
        if indicator.near is None or indicator.near.search(sentence.about):
            found = [fact for _, match in several if (fact := _fact(sentence, indicator, match))]
            if len({(fact.value, fact.unit) for fact in found}) == 1:
                yield found[0]


def _fact(sentence: _Sentence, indicator: Indicator, match: re.Match[str]) -> Fact | None:
    numbered = "n" in match.re.groupindex
    start = match.start("n") if numbered else match.start()
    end = match.end("unit") if numbered and match["unit"] else match.end("n" if numbered else 0)
    value = _value(match["n"], match["unit"] or "") if numbered else 0
    if value is None or not _is_plain(sentence.bare, match, indicator, value):
        return None
    if not _is_of_the_year(sentence, start if numbered else end, indicator):
        return None
    return Fact(
        form="prose",
        table="p",
        row=indicator.code,
        column="n",
        value=value,
        unit=(match["unit"] if numbered else None) or indicator.unit,
        cell=sentence.written[sentence.places[start] : sentence.places[end - 1] + 1],
        line=sentence.line,
        sentence=sentence.written.strip(),
        sure=_SURE,
    )


def _is_plain(bare: str, match: re.Match[str], indicator: Indicator, value: float) -> bool:
    """Tell a number that stands for its indicator from one that is compared, planned, rough or shared by several."""
    numbered = "n" in match.re.groupindex
    end = match.start("n") if numbered else match.end()
    opens = 1 + max(bare.rfind(mark, 0, end) for mark in ",;:")
    clause = bare[min(match.start(), opens) : end]
    if indicator.bar and indicator.bar.search(clause):
        return False
    if not numbered:
        return not (
            _NOT_NONE.search(clause + _CLAUSE_END.split(bare[end : end + 12])[0]) or _EXCEPT.search(bare[:opens][-44:])
        )
    return not _NOT_PLAIN.search(clause) and (value == 0 or not _JOINT.fullmatch(bare[: match.start()][-2:]))


def _is_of_the_year(sentence: _Sentence, end: int, indicator: Indicator) -> bool:
    """Say whether what stands at a place is said of the report's year, or, for a total, of all years."""
    before = bisect_right(sentence.times, end, key=itemgetter(1))
    _, said, when = sentence.times[before - 1] if before else (0, 0, sentence.carried)
    piled = "累计" in sentence.bare[said:end]
    if indicator.total:
        return piled and when in ("since", "end")
    part = sentence.bare.rfind("其中", 1 + max(sentence.bare.rfind(mark, 0, end) for mark in ";)"), end)
    if indicator.whole and part >= 0 and (said < part or when != "now") and "新增" not in sentence.bare[part:end]:
        return False
    return when == "now" or (not piled and when in ("end", "unsaid"))


def _value(number: str, unit: str) -> int | float | None:
    """Read a number as written; None where a count would not be whole or numerals are no number.

    >>> _value("1,915", "条"), _value("1.2", "万条"), _value("2.5", "件"), _value("一百零二", "件"), _value("三四", "件")
    (1915, 1.2, None, 102, None)
    """
    if number[0].isdecimal():
        digits = number.replace(",", "")
        if "." not in digits:
            return int(digits)
        return float(digits) if unit.startswith("万") or unit == "元" else None
    total, pending = 0, None
    for sign in number:
        if sign in _TENS:
            total, pending = total + (1 if pending is None else pending) * _TENS[sign], None
        elif pending:
            return None
        else:
            pending = _ONES[sign]
    return total + (pending or 0)
