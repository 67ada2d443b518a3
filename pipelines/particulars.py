"""What a page says about itself beside its text: agency, year, date, 索引号, 文号, 来源, each with where it was read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines import dates, identify

_STOP = r"[^\s：:，。；;|\[\]【】<>]"
_ORIGIN = re.compile(
    rf"(?:发布机构|发布单位|发文机关|信息来源|文章来源|来\s?源|供稿单位|稿件来源)\s{{0,3}}[：:]\s{{0,3}}(?P<value>{_STOP}{{2,40}})"
)
_INDEX = re.compile(r"索\s{0,4}引\s{0,4}号\s{0,9}[：:]?\s{0,9}(?P<value>[0-9A-Za-z][0-9A-Za-z/\-_.]{5,60})")
_DOCUMENT = re.compile(
    r"(?:发文字号|文\s{0,4}号)\s{0,9}[：:]?\s{0,9}(?P<value>[\u4e00-\u9fff]{1,20}[〔\[（(](?:19|20)\d\d[〕\])）]第?\d{1,5}号)"
)
_META_ORIGINS = ("contentsource", "source")


@dataclass(frozen=True, kw_only=True, slots=True)
class Particulars:
    """What a page says about itself; `read_from` names the place of each thing found: meta, title, visible, text, window."""

    agency: str | None
    report_year: int | None
    published_on: str | None
    dates: Mapping[str, str]
    index_number: str | None
    document_number: str | None
    origin: str | None
    read_from: Mapping[str, str]


def particulars(
    *, title: str, title_guessed: bool, text: str, meta: Mapping[str, str], visible: str, url: str
) -> Particulars:
    """Read a page's particulars; `visible` is what it says around its article, `meta` has lower-case names."""
    read = dates.dates_of(meta=meta, visible=visible, url=url)
    published_on = dates.believed(read)
    named = identify.agency_of(title)
    origins = [*_origins(meta, visible)]
    agency = named or next((name for _, value in origins if (name := identify.agency_of("", value))), None)
    in_title = identify.report_year(title, "")
    report_year = in_title or identify.report_year("", text)
    index_number, document_number = _value(_INDEX, visible), _value(_DOCUMENT, visible)
    source = next((where for where, value in origins if identify.agency_of("", value) == agency), "")
    found = {
        "title": (title or None, "window" if title_guessed else "meta" if meta.get("articletitle") else "visible"),
        "agency": (agency, "title" if named else source),
        "report_year": (report_year, "title" if in_title else "text"),
        "published_on": (published_on, "meta" if read.get("meta") == published_on else "visible"),
        "index_number": (index_number, "visible"),
        "document_number": (document_number, "visible"),
        "origin": origins[0][::-1] if origins else (None, ""),
    }
    return Particulars(
        agency=agency,
        report_year=report_year,
        published_on=published_on,
        dates=read,
        index_number=index_number,
        document_number=document_number,
        origin=origins[0][1] if origins else None,
        read_from={name: place for name, (value, place) in found.items() if value is not None},
    )


def _origins(meta: Mapping[str, str], visible: str) -> Iterator[tuple[str, str]]:
    """Walk the offices that a page names as its source, as (where, name)."""
    for name in _META_ORIGINS:
        if value := "".join(meta.get(name, "").split()):
            yield "meta", value
    for found in _ORIGIN.finditer(visible):
        yield "visible", found["value"]


def _value(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found["value"] if found else None
