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


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that a feed tells; `id` is an IRI that never changes, `link` where to read more, if there is such a place."""

    id: str
    at: str
    title: str
    summary: str
    link: str | None = None


def write(entries: Sequence[Entry], *, title: str, id_: str, address: str) -> bytes:
    """Write a feed of entries, newest first; `address` is where it is served itself."""
    feed = Element("feed", xmlns=_ATOM)
    _add(feed, "title", title)
    _add(feed, "id", id_)
    _add(feed, "updated", entries[0].at if entries else "1970-01-01T00:00:00Z")
    SubElement(feed, "link", rel="self", href=address)
    SubElement(_add(feed, "author"), "name").text = "gongkai"
    for told in entries:
        item = _add(feed, "entry")
        _add(item, "title", told.title)
        _add(item, "id", told.id)
        _add(item, "updated", told.at)
        if told.link:
            SubElement(item, "link", rel="alternate", href=told.link)
        _add(item, "summary" if told.link else "content", told.summary)  # without a link it needs content (4.1.2)
    return bytes(tostring(feed, encoding="utf-8", xml_declaration=True))


def entry(event: Row, *, link: str | None) -> Entry:
    """Make an entry of what befell a page of a report."""
    return Entry(
        id=f"urn:gongkai:{event['page']}:{event['at']}:{event['kind']}",
        at=event["at"],
        title=f"{code('zh', 'event', event['kind'])}：{event['agency']} {event['year']}年度报告",
        summary=f"{event['title']} {event['url']}",
        link=link,
    )


def atom(name: str, events: Sequence[Row], *, absolute: Callable[..., str], home: str) -> bytes:
    """Write a feed of events, newest first; `absolute` makes the address of a page from the parts of its path."""
    return write(
        [entry(event, link=_address(event, absolute)) for event in events],
        title=FEEDS[name].title,
        id_=f"{home}/-/gongkai/feed/{name}",
        address=absolute("feed", f"{name}.atom"),
    )


def _address(event: Row, absolute: Callable[..., str]) -> str:
    if event["kind"] == "changed" and (event["detail"] or "").isdigit():
        return absolute("diff", event["page"], str(int(event["detail"]) - 1), event["detail"])
    return absolute("report", event["report"]) if event["report"] else absolute("copies")


def _add(parent: Element, tag: str, words: str | None = None) -> Element:
    child = SubElement(parent, tag)
    child.text = words and _NO_XML.sub("", words)
    return child
