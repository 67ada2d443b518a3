"""Atom feeds (RFC 4287) of what befell reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from archive.browse.words import code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.database import Row

_ATOM = "http://www.w3.org/2005/Atom"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """What a feed is called, and which events it tells."""

    title: str
    kinds: tuple[str, ...]


FEEDS = {
    "new": Feed(title="新发现的报告 · New reports", kinds=("found",)),
    "changes": Feed(title="公布后修改的报告 · Changed reports", kinds=("changed", "reverted")),
    "withdrawals": Feed(title="失联、撤下的报告 · Withdrawn reports", kinds=("missing", "withdrawn", "returned")),
}


def atom(name: str, events: Sequence[Row], *, absolute: Callable[..., str], home: str) -> bytes:
    """Write a feed of events, newest first; `absolute` makes the address of a page from the parts of its path."""
    feed = Element("feed", xmlns=_ATOM)
    _add(feed, "title", FEEDS[name].title)
    _add(feed, "id", f"{home}/-/gongkai/feed/{name}")
    _add(feed, "updated", events[0]["at"] if events else "1970-01-01T00:00:00Z")
    SubElement(feed, "link", rel="self", href=absolute("feed", f"{name}.atom"))
    SubElement(_add(feed, "author"), "name").text = "gongkai"
    for event in events:
        entry = _add(feed, "entry")
        _add(entry, "title", f"{code('zh', 'event', event['kind'])}：{event['agency']} {event['year']}年度报告")
        _add(entry, "id", f"urn:gongkai:{event['page']}:{event['at']}:{event['kind']}")
        _add(entry, "updated", event["at"])
        SubElement(entry, "link", rel="alternate", href=_address(event, absolute))
        _add(entry, "summary", f"{event['title']} {event['url']}")
    return bytes(tostring(feed, encoding="utf-8", xml_declaration=True))


def _address(event: Row, absolute: Callable[..., str]) -> str:
    if event["kind"] == "changed" and (event["detail"] or "").isdigit():
        return absolute("diff", event["page"], str(int(event["detail"]) - 1), event["detail"])
    return absolute("report", event["report"]) if event["report"] else absolute("copies")


def _add(parent: Element, tag: str, words: str | None = None) -> Element:
    child = SubElement(parent, tag)
    child.text = words and _NO_XML.sub("", words)
    return child
