"""Publication dates: where a page says them, and which one to believe."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATE = r"(?P<year>(?:19|20)\d\d)\s{0,3}[-/.年－]\s{0,3}(?P<month>\d{1,2})\s{0,3}[-/.月－]\s{0,3}(?P<day>\d{1,2})(?!\d)"
_FIRST = re.compile(r"(?<!\d)" + _DATE)
_PUBLISHED = re.compile(
    r"(?:发布|發佈|發布|公布|发表|公开|更新|上网|信息)(?:日期|时间|時間)\s{0,9}[：:∶]?\s{0,9}" + _DATE
)
_PLAIN = re.compile(r"(?<![限年度文成生印发效计告名])(?:日期|时间|時間)\s{0,3}[：:∶]\s{0,9}" + _DATE)
_WRITTEN = re.compile(r"(?:成文|生成|发文|印发|产生)(?:日期|时间)\s{0,9}[：:∶]?\s{0,9}" + _DATE)
_ABOVE_SOURCE = re.compile(_DATE + r"[日\s\d:：时分秒]{0,120}(?:信息)?来\s?源\s{0,3}[：:∶]")
_PATHS = (
    re.compile(r"/t?(?P<year>20\d\d)(?P<month>\d\d)(?P<day>\d\d)(?:_|/|\.)"),
    re.compile(r"/(?P<year>20\d\d)[/-](?P<month>\d{1,2})[/-](?P<day>\d{1,2})/"),
    re.compile(r"/(?P<year>20\d\d)/(?P<month>\d\d)(?P<day>\d\d)/"),
)
_META_NAMES = ("pubdate", "publishdate", "publish_date", "article:published_time", "publishtime", "firstpublishedtime")


def first_date(text: str) -> str | None:
    """Read the first date that can be one as YYYY-MM-DD; impossible dates are none.

    >>> first_date("2023- 08- 28 09: 20"), first_date("2026/08/24 09:30"), first_date("2023-02-30")
    ('2023-08-28', '2026-08-24', None)
    """
    return _first(text, _FIRST)


def dates_of(*, meta: Mapping[str, str], visible: str, url: str) -> dict[str, str]:
    """Collect the dates a page gives for itself, by where they were read: meta, visible, path.

    `meta` has lower-case names; `visible` is the page's text outside its article. A visible date needs a
    label, of publication before a bare 时间 before a 来源 after it; a date of writing (成文日期) counts only where meta says nothing.
    The path's date is evidence only.
    """
    named = next(filter(None, (first_date(meta[name]) for name in _META_NAMES if name in meta)), None)
    labels = (_PUBLISHED, _PLAIN, _ABOVE_SOURCE) if named else (_PUBLISHED, _PLAIN, _ABOVE_SOURCE, _WRITTEN)
    path = url.partition("?")[0]
    found = {
        "meta": named,
        "visible": next(filter(None, (_first(visible, label) for label in labels)), None),
        "path": next(filter(None, (_first(path, shape) for shape in _PATHS)), None),
    }
    return {place: date for place, date in found.items() if date}


def believed(dates: Mapping[str, str]) -> str | None:
    """Choose the publication date: meta's, unless the page shows an earlier one; never the path's.

    A meta date later than the visible one is the time the page was generated again (sc-edu: meta
    2020-09-26, visible 2020-01-17).

    >>> believed({"meta": "2020-09-26", "visible": "2020-01-17", "path": "2020-01-16"})
    '2020-01-17'
    """
    return min((dates[place] for place in ("meta", "visible") if place in dates), default=None)


def disagree(dates: Mapping[str, str]) -> bool:
    """Tell whether meta and the visible date differ."""
    return "meta" in dates and "visible" in dates and dates["meta"] != dates["visible"]


def _first(text: str, shape: re.Pattern[str]) -> str | None:
    for found in shape.finditer(text):
        try:
            date = datetime.date(int(found["year"]), int(found["month"]), int(found["day"]))
        except ValueError:
            continue
        if date.year >= 1990:
            return date.isoformat()
    return None
