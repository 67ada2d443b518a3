"""Bytes in, characters out: what a page's bytes say comes before what any label says about them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Why = Literal["bom", "utf-8", "meta", "header", "guess"]

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(
    rb"""(?:<meta\b[^<>]{0,300}?\bcharset|<\?xml[^<>]{0,100}?\bencoding)\s*=\s*["']?\s*([\w.:-]{2,30})""", re.IGNORECASE
)
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{2,30})""", re.IGNORECASE)
_READ_AS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "hz": "gb18030",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
}
_MULTIBYTE = {"utf-8", "gb18030", "big5hkscs", "utf-16", "utf-16-le", "utf-16-be"}
_NARROW = re.compile(r"[\x00-\xa0]+")
# Characters written alike in both scripts that any page of ours is full of: a misreading shows almost none.
_FREQUENT = "的一不在有人中大上年月日公信政府工作法及和部市行理可以件面用主文本局首"
_SNIFFED = 8192


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """A page's characters, the encoding they were read by, why that one, and how many places were lost."""

    text: str = field(repr=False)
    charset: str
    why: Why
    lost: int


def decode(payload: bytes, *, content_type: str | None = None) -> Decoded:
    """Read a payload's bytes as text, keeping everything that decodes and counting what does not.

    Order: byte order mark, strict UTF-8 (a page cut off in mid-character is still UTF-8), the label in the
    page, the label in the header, a guess. A label holds only if its reading looks like Chinese; gb2312 and
    gbk are read as gb18030. Never raises. Order and figures: measured on 41 mislabelled pages.

    >>> decode("年度报告".encode("gbk"), content_type="text/html; charset=ISO-8859-1").charset
    'gb18030'
    """
    for mark, charset in _BOMS:
        if payload.startswith(mark):
            return _read(payload[len(mark) :], charset, "bom")
    try:
        return Decoded(text=payload.decode("utf-8"), charset="utf-8", why="utf-8", lost=0)
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return _read(payload, "utf-8", "utf-8")
    readings: list[Decoded] = []
    for reading in _readings(payload, content_type):
        if reading.lost == 0 and _reads_well(reading.text):
            return reading
        readings.append(reading)
    return min(readings, key=lambda reading: (not _reads_well(reading.text), reading.lost))


def _readings(payload: bytes, content_type: str | None) -> Iterator[Decoded]:
    """Read by each label, then by guesses, only as far as asked."""
    if charset := _meta_label(payload):
        yield _read(payload, charset, "meta")
    if charset := _header_label(content_type):
        yield _read(payload, charset, "header")
    for charset in _guesses(payload):
        yield _read(payload, charset, "guess")


def _read(payload: bytes, charset: str, why: Why) -> Decoded:
    """Decode with replacement; characters U+FFFD the page already carried are not our losses."""
    text = payload.decode(charset, errors="replace")
    mark = "\ufffd".encode(charset, errors="ignore")
    own = payload.count(mark) if mark else 0
    return Decoded(text=text, charset=charset, why=why, lost=max(0, text.count("\ufffd") - own))


def _meta_label(payload: bytes) -> str | None:
    found = _META.search(payload, 0, _SNIFFED)
    return _known(found[1].decode("ascii", errors="replace")) if found else None


def _header_label(content_type: str | None) -> str | None:
    found = _HEADER.search(content_type or "")
    return _known(found[1]) if found else None


def _known(label: str) -> str | None:
    """Name the codec for a label; none for unknown ones and single-byte ones, which would read any bytes."""
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    name = _READ_AS.get(name, name)
    return name if name in _MULTIBYTE else None


def _guesses(payload: bytes) -> tuple[str, ...]:
    """Name the encodings to try on bytes that no label explains, the likeliest first."""
    head = payload[:_SNIFFED]
    if head[1::2].count(0) > len(head) // 8:
        return ("utf-16-le",)
    if head[0::2].count(0) > len(head) // 8:
        return ("utf-16-be",)
    common = ("gb18030", "utf-8", "big5hkscs")
    if any(_reads_well(head.decode(charset, errors="replace")) for charset in common):
        return common
    import charset_normalizer

    best = charset_normalizer.from_bytes(payload[: 8 * _SNIFFED]).best()
    return (*common, best.encoding) if best else common


def _reads_well(text: str) -> bool:
    """Tell Chinese or plain Latin text from a misreading, by the share of frequent characters."""
    sample = text[:200_000]
    wide = _NARROW.sub("", sample)
    strange = sum(sample.count(mark) for mark in "\ufffd\x00")
    return strange <= len(sample) // 20 and (len(wide) < 20 or sum(map(wide.count, _FREQUENT)) >= len(wide) * 0.04)
