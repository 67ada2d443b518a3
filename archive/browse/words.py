"""How pages say things: two languages, dates and times as readers write them, addresses that are safe to follow."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from markupsafe import Markup

Language = Literal["zh", "en"]
LANGUAGES = {"zh": "zh-CN", "en": "en"}

_CHINA = timedelta(hours=8)
_HAN = re.compile(r"[\u4e00-\u9fff]")


@cache
def table(name: str) -> dict[str, Any]:
    """Read a TOML file of this package, by its name."""
    return tomllib.loads((files(__package__) / f"{name}.toml").read_text(encoding="utf-8"))


def both(language: Language, chinese: object, english: object) -> Markup:
    """Say a thing in the reader's language, with the other small beside it.

    >>> both("zh", "首页", "Home")
    Markup('<span lang="zh-CN">首页</span> <small lang="en">Home</small>')
    """
    said = {"zh": chinese, "en": english}
    other: Language = "en" if language == "zh" else "zh"
    return Markup('<span lang="{}">{}</span> <small lang="{}">{}</small>').format(
        LANGUAGES[language], said[language], LANGUAGES[other], said[other]
    )


def one(language: Language, chinese: str, english: str) -> str:
    """Say a thing in the reader's language alone."""
    return english if language == "en" else chinese


def code(language: Language, kind: str, word: object) -> str:
    """Say a code of `words.toml`; an unknown one as it is."""
    said = table("words")[kind].get(str(word))
    return one(language, *said) if said else str(word)


def day(language: Language, when: str | None) -> Markup:
    """Write a date, or the day in China of a time in UTC, as readers do; a dash for none, and what is no date as it is.

    >>> str(day("zh", "2025-01-05")), str(day("en", None))
    ('<time datetime="2025-01-05">2025年1月5日</time>', '—')
    """
    return _time(language, when, clock=False)


def moment(language: Language, when: str | None) -> Markup:
    """Write a time in UTC as the time in China, to the minute.

    >>> str(moment("en", "2026-03-01T20:15:00.000Z"))
    '<time datetime="2026-03-01T20:15:00.000Z">2 Mar 2026 04:15</time>'
    """
    return _time(language, when, clock=True)


def _time(language: Language, when: str | None, *, clock: bool) -> Markup:
    if not when:
        return Markup("—")
    try:
        at = (
            datetime.fromisoformat(when)
            if "T" in when
            else datetime.combine(date.fromisoformat(when), datetime.min.time())
        )
    except ValueError:
        return Markup("{}").format(when)
    local = at.astimezone(UTC) + _CHINA if at.tzinfo else at
    said = f"{local.year}年{local.month}月{local.day}日" if language == "zh" else f"{local.day} {local:%b} {local.year}"
    return Markup('<time datetime="{}">{}</time>').format(when, f"{said} {local:%H:%M}" if clock else said)


def number(value: object) -> str:
    """Write a number with its thousands apart, without a fraction that is none.

    >>> number(12345), number(3.0), number(251.8), number(None)
    ('12,345', '3', '251.8', '—')
    """
    if isinstance(value, int | float):
        return f"{value:,.10g}" if abs(value) < 1e10 else f"{value:,.0f}"
    return "—" if value is None else str(value)


def link(url: str | None, words: str | None = None) -> Markup:
    """Link to an address outside, where it is one of http or https; any other is shown and leads nowhere.

    >>> str(link("javascript:alert(1)"))
    '<span class="address">javascript:alert(1)</span>'
    """
    said = words or url or "—"
    if not is_web(url):
        return Markup('<span class="address">{}</span>').format(said)
    return Markup('<a class="address" href="{}" rel="noopener noreferrer nofollow">{}</a>').format(url, said)


def is_web(url: str | None) -> bool:
    """Say whether an address is one of http or https, as a browser reads it."""
    try:
        return bool(url) and urlsplit(str(url)).scheme in ("http", "https") and not re.search(r"[\x00-\x20]", str(url))
    except ValueError:
        return False


def speaker(language: Language) -> dict[str, Callable[..., object]]:
    """Give what templates speak with, in a language."""
    return {
        "_": lambda chinese, english: both(language, chinese, english),
        "one": lambda chinese, english: one(language, chinese, english),
        "code": lambda kind, word: code(language, kind, word),
        "day": lambda when: day(language, when),
        "moment": lambda when: moment(language, when),
        "number": number,
        "link": link,
        "is_web": is_web,
    }


def region_name(region: str, seat: str | None) -> str:
    """Name a region by its government there, else by its province.

    >>> region_name("999001", "云岫县人民政府"), region_name("440103", None)
    ('云岫县', '广东 440103')
    """
    if seat and _HAN.search(seat):
        return seat.removesuffix("人民政府")
    said = table("words")["region"].get(region[:2])
    return f"{said[0]} {region}" if said else region
