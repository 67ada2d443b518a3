"""Is it a yearly disclosure report, of which year, by which agency: from titles and texts alone."""

from __future__ import annotations

import functools
import re
from typing import Literal

from pipelines.normalise import simplified
from pipelines.repair import unglossed
from pipelines.words import any_of, words

Verdict = Literal["report", "doubt", "other"]

_LONGEST_TITLE = 200
_YEARS = range(2004, 2101)
_DIGITS = str.maketrans("０１２３４５６７８９〇○Ο零一二三四五六七八九", "01234567890000123456789")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")
_WIDE_DIGIT = re.compile("[０-９]")
_HAN_YEAR = re.compile(r"二[〇○Ο零0][〇○Ο零0一二三四五六七八九][〇○Ο零0一二三四五六七八九](?=年|度|-)")

_PERIOD = re.compile(r"(?P<year>20\d\d)年?0?1月0?1日[^。；]{0,8}?(?:至|到|起|止|－|—|-|~|～)[^。；]{0,10}?12月31日")
_SCHOOL_PERIOD = re.compile(
    r"20\d\d年[89]月0?1日[^。；]{0,8}?(?:至|到|起|止|－|—|-|~|～)[^。；\d]{0,6}(?P<year>20\d\d)年[78]月31日"
)

_YEAR_WORDS = re.compile(r"(?:20\d\d(?:学?年)?\s*[-—－–~～至]{1,2}\s*)?20\d\d(?:学年度?|年度|年)?(?:度)?")
_SUBJECT = re.compile(r"(?:(?<!人民)政府信息|信息|政务|校务|院务)(?:主动)?公开.*$")
_AROUND_NAME = re.compile(r"^(?:关于|公布|发布|印发|年度|度|的)+|(?:关于|公布|发布|印发|对|年度|度|的)+$")
_EDGES = '《》“”"()（）-—_:：,，、 '
_UNNAMED = re.compile(
    r"(?:我|本)?(?:省|市|县|区|局|镇|乡|站|网|单位|机关)?|本网站?|本站(?:原创)?|原创|管理员|admin|网站管理员|互联网|网络|其他|未知|政府|年度",
    re.IGNORECASE,
)


def title_verdict(title: str) -> Verdict:
    """Judge a link's or a page's title: surely a yearly disclosure report, surely not, or doubtful.

    A report names 信息公开 or 政务公开 with 年度报告, 年报 or a year and 报告. Reports on websites, budgets,
    guides, catalogues, notices on how to write reports, explanations and bare tables are not. Titles that
    name no subject ("2019年年度报告") or read like news of a report are doubtful. The words are in identify.toml.

    >>> title_verdict("某某市水务局2018年政务公开报告"), title_verdict("2019年年度报告"), title_verdict("公开指南")
    ('report', 'doubt', 'other')
    """
    bare = plain(title[:_LONGEST_TITLE])
    if not says("subject", bare):
        return "doubt" if bare and says("vague", bare) else "other"
    if says("decoy", bare):
        return "other"
    if not says("report", bare):
        return "doubt" if says("summary", bare) and _year(bare) else "other"
    if says("unnamed", bare) and _year(bare) is None:
        return "doubt"
    return "doubt" if says("news", bare.removeprefix("关于")[2:]) else "report"


def says(kind: str, bare: str) -> bool:
    """Say whether a plain title or text has a word of one kind; the kinds are the tables of identify.toml.

    >>> says("decoy", "2019年政务公开工作要点"), says("subject", "公开招聘")
    (True, False)
    """
    return any_of("pipelines", "identify.toml", kind).search(bare) is not None


def certainty(title: str, text: str) -> float:
    """Say how sure it is that a fetched page is a report, from 0 to 1; from 0.5 on it is taken for one.

    A page that surely is titled a report needs little or no body (it may only carry a document); a doubtful
    title needs a body that speaks of disclosure like one: five of eight kinds of evidence near 信息公开.
    """
    verdict = title_verdict(title)
    if verdict == "other":
        return 0.0
    opening = plain(text[:30_000])
    evidence = sum(word.pattern.search(opening) is not None for word in words("pipelines", "identify.toml")["evidence"])
    if verdict == "report":
        return 0.6 + evidence / 20 if len(opening) < 300 or evidence >= 3 else 0.3
    return evidence / 10 if says("subject", opening[:1500]) else 0.0


def report_year(title: str, text: str) -> int | None:
    """Read the year a report is about: from its title, else from its 统计期限; 2004 to 2100 or None.

    A school year counts as the year it ends in. Neither a path nor a publication date is ever asked.

    >>> report_year("二〇一三年政府信息公开年度报告", ""), report_year("年度报告", "自2022年1月1日起至12月31日止")
    (2013, 2022)
    """
    return _year(plain(title)) or _period(plain(text[:20_000])) or _year_of_opening(plain(text[:200]))


def agency_of(title: str, source: str | None = None) -> str | None:
    """Name the agency: what is left of the title without year and subject, else the page's named source.

    >>> agency_of("2013年某某市水务局政府信息公开年度报告"), agency_of("2019年度报告", "某某县人民政府")
    ('某某市水务局', '某某县人民政府')
    """
    bare = plain(title[:_LONGEST_TITLE])
    if says("subject", bare):
        name = _SUBJECT.sub("", _YEAR_WORDS.sub(" ", bare)).replace(" ", "").strip(_EDGES)
        name = _AROUND_NAME.sub("", name).strip(_EDGES)
        if _names(name):
            return name
    name = "".join((source or "").split())
    return name if _names(name) else None


def _names(name: str) -> bool:
    """Tell whether a string can be an agency's name."""
    return (
        3 <= len(name) <= 40 and _UNNAMED.fullmatch(name) is None and re.search(r"[\u4e00-\u9fff]{2}", name) is not None
    )


@functools.lru_cache(maxsize=64)
def plain(text: str) -> str:
    """Write a text without white space and toned glosses, in simplified characters, its years in ASCII digits.

    >>> plain("二〇一三年　政府信息公開年報")
    '2013年政府信息公开年报'
    """
    bare = simplified(unglossed("".join(text.split()), "toned"))
    if _WIDE_DIGIT.search(bare):
        bare = bare.translate(_FULL_WIDTH)
    return _HAN_YEAR.sub(lambda found: found[0].translate(_DIGITS), bare)


def _year(bare: str) -> int | None:
    """Read the year of a title: that of a school year's end, else the first that is no document number's."""
    pair = re.search(r"(20\d\d)(?:学?年)?[-—－–~～至]{1,2}(20\d\d)学?年", bare)
    found = pair[2] if pair else None
    if not found:
        single = re.search(r"(?<![\d〔\[])(20\d\d)(?![\d〕\]])", bare)
        found = single[1] if single else None
    return int(found) if found and int(found) in _YEARS else None


def _period(bare: str) -> int | None:
    found = _PERIOD.search(bare) or _SCHOOL_PERIOD.search(bare)
    return int(found["year"]) if found and int(found["year"]) in _YEARS else None


def _year_of_opening(bare: str) -> int | None:
    """Read the year from a text that opens with the report's own title."""
    found = re.search(r"(20\d\d)年(?:度)?[^。；，]{0,30}(?:信息|政务)公开[^。；，]{0,8}(?:年度报告|年报)", bare)
    return int(found[1]) if found and int(found[1]) in _YEARS else None
