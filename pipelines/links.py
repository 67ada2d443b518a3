"""The documents a page carries: links and frames in the article's surroundings that lead to files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urldefrag, urljoin, urlsplit

from archive.records import Attachment
from pipelines.lines import tidy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.html import HtmlElement

_FILE = re.compile(r"\.(?:pdf|docx?|xlsx?|wps|et|ofd|zip|rar)$", re.IGNORECASE)
_SERVED = re.compile(r"downfile\.jsp|download\.jsp\?.*wbfileid=|/module/download/", re.IGNORECASE)
_SURROUNDINGS = 300


def attachments(article: HtmlElement, weights: Mapping[HtmlElement, int], *, url: str) -> tuple[Attachment, ...]:
    """List the files linked in and right around an article, in order, each once, as absolute URLs.

    Links that lead nowhere, and frames whose address a script fills in, are no attachments.
    """
    found: dict[str, str] = {}
    for node in _around(article, weights).iter("a", "iframe", "embed", "object"):
        target = node.get("href") or node.get("src") or node.get("data") or ""
        address = _absolute(target, url)
        if address and (not found.get(address)):
            found[address] = tidy(node.text_content()) or node.get("title") or ""
    return tuple(Attachment(url=address, label=label or _file_name(address)) for address, label in found.items())


def _around(article: HtmlElement, weights: Mapping[HtmlElement, int]) -> HtmlElement:
    """Climb to the element that still holds little besides the article: titles, dates, lists of files."""
    whole = article
    for _ in range(4):
        above = whole.getparent()
        if above is None or above.tag in ("body", "html"):
            break
        if weights.get(above, 0) - weights.get(article, 0) > _SURROUNDINGS:
            break
        whole = above
    return whole


def _absolute(target: str, url: str) -> str | None:
    """Make a link to a file absolute; a viewer's link is the file it shows; None for any other link."""
    target = "".join(target.split("\n")).strip()
    if not target or "{{" in target or target.lower().startswith(("javascript:", "mailto:", "data:")):
        return None
    try:
        address = urldefrag(urljoin(url, target)).url
        parts = urlsplit(address)
        shown = parse_qs(parts.query).get("file", [""])[0]
    except ValueError:
        return None
    if _FILE.search(unquote(parts.path)) or _SERVED.search(address):
        return address
    return _absolute(shown, address) if _FILE.search(shown) else None


def _file_name(address: str) -> str:
    return unquote(urlsplit(address).path.rpartition("/")[2])
