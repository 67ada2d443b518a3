"""Is it a yearly disclosure report, of which year, by which agency: from titles and texts alone."""

from __future__ import annotations

import re
from typing import Literal

from pipelines.normalise import simplified
from pipelines.repair import unglossed

Verdict = Literal["report", "doubt", "other"]

_LONGEST_TITLE = 200
_YEARS = range(2004, 2101)
_DIGITS = str.maketrans("０１２３４５６７８９〇○Ο零一二三四五六七八九", "01234567890000123456789")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")
_HAN_YEAR = re.compile(r"二[〇○Ο零0][〇○Ο零0一二三四五六七八九][〇○Ο零0一二三四五六七八九](?=年|度|-)")

_DISCLOSURE = re.compile(r"(?:信息|政务|校务|院务|厂务)(?:主动)?公开|(?:信息与|信息和)政务公开")
_REPORT = re.compile(r"年度?报告|年报(?!表|解)|年度(?:工作)?(?:情况)?(?:的)?报告|年度工作报告")
_LOOSE_REPORT = re.compile(r"(?:20\d\d|学)(?:年|年度|度|学年)?.{0,60}公开.{0,12}报告")
_OTHER = re.compile(
    r"报表|预算|决算|指南|目录|提案|建议(?:的)?(?:办理|答复)|议案|工作要点|实施方案|工作方案|实施办法|暂行|管理办法|制度|规定|条例|"
    r"解读|图解|一图|一张图|评估|考核|通报|整改|测评|培训|会议|座谈|召开|部署|编制|报送|做好|催报|模板|样本|格式|"
    r"网站.{0,8}(?:年度|年报|工作)|工作计划|招标|采购|公告公示|双公示|请示|复函|的函$|批复|意见$|意见的|"
    r"(?<![及和与、附（(])(?:统计表|情况表|附表|统计)$|法治政府|依法行政|行政执法|政府工作报告|质量年度|"
    r"企业年报|企业年度|年检|审计(?![局厅署办])|财政(?![局厅所部科])|部门收支|专栏|申请表|流程图"
)
_NEWS = re.compile(r"发布|公布|公示|通知|公告|印发|出炉|上线")
_NOTHING_SAID = re.compile(
    r"(?:(?:政府|机关)?(?:信息|政务)公开)?(?:工作)?(?:20\d\d年?)?(?:年度?报告?|年报|年度报告|工作报告|报告|年度工作报告)?"
)
_DOUBTFUL = re.compile(
    r"(?:20\d\d)?(?:年|年度|学年)?(?:年度?报告?|年报|年度?工作?报告|度|度工作报告|工作年度报告)?(?:[（(].{0,12}[）)])?"
)
_SUMMARY = re.compile(r"(?:信息|政务)公开.{0,10}(?:总结|情况|报告)")

_EVIDENCE = (
    re.compile(r"政府信息公开条例|信息公开办法"),
    re.compile(r"主动公开"),
    re.compile(r"依申请公开|信息公开申请|公开政府信息申请|申请公开"),
    re.compile(r"行政复议|行政诉讼|复议、诉讼|申诉"),
    re.compile(r"(?:主要|存在的?)问题|不足(?:之处)?"),
    re.compile(r"收费|费用|减免|信息处理费"),
    re.compile(r"年度报告|年报|情况报告如下"),
    re.compile(r"规范性文件|本年(?:制发|新制作|新收)|统计(?:期限|时限)"),
)
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
    name no subject ("2019年年度报告") or read like news of a report are doubtful. Rules: facts/sites.md.

    >>> title_verdict("某某市水务局2018年政务公开报告"), title_verdict("2019年年度报告"), title_verdict("公开指南")
    ('report', 'doubt', 'other')
    """
    bare = _plain(title[:_LONGEST_TITLE])
    discloses = _DISCLOSURE.search(bare)
    reports = _REPORT.search(bare) or _LOOSE_REPORT.search(bare)
    if not discloses:
        return "doubt" if bare and _DOUBTFUL.fullmatch(bare) else "other"
    if _OTHER.search(bare):
        return "other"
    if not reports:
        return "doubt" if _SUMMARY.search(bare) and _year(bare) else "other"
    if _NOTHING_SAID.fullmatch(bare) and _year(bare) is None:
        return "doubt"
    return "doubt" if _NEWS.search(bare.removeprefix("关于")[2:]) else "report"


def certainty(title: str, text: str) -> float:
    """Say how sure it is that a fetched page is a report, from 0 to 1; from 0.5 on it is taken for one.

    A page that surely is titled a report needs little or no body (it may only carry a document); a doubtful
    title needs a body that speaks of disclosure like one: five of eight kinds of evidence near 信息公开.
    """
    verdict = title_verdict(title)
    if verdict == "other":
        return 0.0
    opening = _plain(text[:30_000])
    evidence = sum(kind.search(opening) is not None for kind in _EVIDENCE)
    if verdict == "report":
        return 0.6 + evidence / 20 if len(opening) < 300 or evidence >= 3 else 0.3
    return evidence / 10 if _DISCLOSURE.search(opening[:1500]) else 0.0


def report_year(title: str, text: str) -> int | None:
    """Read the year a report is about: from its title, else from its 统计期限; 2004 to 2100 or None.

    A school year counts as the year it ends in. Neither a path nor a publication date is ever asked.

    >>> report_year("二〇一三年政府信息公开年度报告", ""), report_year("年度报告", "自2022年1月1日起至12月31日止")
    (2013, 2022)
    """
    return _year(_plain(title)) or _period(_plain(text[:20_000])) or _year_of_opening(_plain(text[:200]))


def agency_of(title: str, source: str | None = None) -> str | None:
    """Name the agency: what is left of the title without year and subject, else the page's named source.

    >>> agency_of("2013年某某市水务局政府信息公开年度报告"), agency_of("2019年度报告", "某某县人民政府")
    ('某某市水务局', '某某县人民政府')
    """
    bare = _plain(title[:_LONGEST_TITLE])
    if _DISCLOSURE.search(bare):
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


def _plain(text: str) -> str:
    """Write a text without white space and toned glosses, in simplified characters, its years in ASCII digits."""
    bare = simplified(unglossed("".join(text.split()), "toned")).translate(_FULL_WIDTH)
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
