"""The documents a page carries: links and frames in the article's surroundings that lead to files."""

from __future__ import annotations

import itertools
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
_LINKS = ("a", "iframe", "embed", "object")
_MAY_BE_FILE = re.compile(r"pdf|doc|xls|wps|\.et|ofd|zip|rar|file|download|%|[\t\r\n]|^ *[?;#]")
_ICON = re.compile(r"\.gif$|icon|logo|ewm|qr|^$", re.IGNORECASE)
_PICTURE = re.compile(r"\.(?:jpe?g|png|bmp|gif|tiff?|webp)(?:\?|$)", re.IGNORECASE)
_CAPTION = 12  # characters
_SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_PASSING = re.compile(
    r"(?:_|_?t|v|r|rnd|rand|random|timestamp)=[\d.]{8,20}|(?:sid|token|sessionid|jsessionid|phpsessid)=[0-9a-f-]{16,}",
    re.IGNORECASE,
)
_SURROUNDINGS = 2000  # characters
_FRAME = re.compile(r"主办单位|承办单位|ICP备|网站标识码|版权所有|网站地图|友情链接|網站地圖|主辦單位|版權所有")


def attachments(article: HtmlElement, weights: Mapping[HtmlElement, int], *, url: str) -> tuple[Attachment, ...]:
    """List the files linked in and right around an article, in order, each once, as absolute URLs.

    Links that lead nowhere, and frames whose address a script fills in, are no attachments.
    """
    found: dict[str, str] = {}
    page = article.getroottree().getroot()
    if not any(_MAY_BE_FILE.search(_target(node).lower()) for node in page.iter(*_LINKS)):
        return ()  # on most pages there is none to be looked for
    surroundings = (part.iter(*_LINKS) for part in _around(article, weights))
    for node in itertools.chain.from_iterable(surroundings):
        address = _absolute(_target(node), url)
        if address and (not found.get(address)):
            found[address] = tidy(node.text_content()) or node.get("title") or ""
    return tuple(Attachment(url=address, label=label or file_name(address)) for address, label in found.items())


def pictures(article: HtmlElement, weights: Mapping[HtmlElement, int], *, url: str) -> tuple[Attachment, ...]:
    """List the pictures that stand by themselves in an article, icons and links to pages left out, each once, as absolute URLs."""
    found: dict[str, str] = {}
    for image in article.iter("img"):
        source = next(filter(None, map(image.get, ("data-original", "data-src", "src"))), "")
        block = next(image.iterancestors("p", "div", "td", "li", "center", "body"), article)
        linked = [to for link in image.iterancestors("a") if (to := link.get("href"))]
        beside = weights.get(block, 0) > _CAPTION or any(not _PICTURE.search(to) for to in linked)
        address = None if beside else _address(source, url)
        if address and not _ICON.search(address.partition("?")[0]):
            found.setdefault(_lasting(address), tidy(image.get("alt", "")) or file_name(address))
    return tuple(Attachment(url=address, label=label) for address, label in found.items())


def is_unofficial(url: str) -> bool:
    """Tell a host that is no government's or school's by its name; an IP address and a file have none."""
    found = re.match(r"https?://([^/:?#\[\]]*[a-z][^/:?#]*)", url, re.IGNORECASE)
    return found is not None and {"gov", "edu", "mil", "localhost"}.isdisjoint(found[1].lower().split("."))


def is_file(address: str) -> bool:
    """Tell whether an address, be it relative, is a file's."""
    path = unquote(address.partition("?")[0].partition("#")[0].partition(";")[0])
    return _FILE.search(path) is not None or _SERVED.search(address) is not None


def _around(article: HtmlElement, weights: Mapping[HtmlElement, int]) -> list[HtmlElement]:
    """Climb to the element that holds little besides the article and nothing of a footer; with what follows it up to one."""
    whole, framed = article, len(_FRAME.findall(article.text_content()))
    for _ in range(4):
        above = whole.getparent()
        if above is None or above.tag in ("body", "html"):
            break
        more = weights.get(above, 0) - weights.get(article, 0)
        if more > _SURROUNDINGS or len(_FRAME.findall(above.text_content())) > framed:
            break
        whole = above
    return [whole, *itertools.takewhile(lambda node: not _FRAME.search(node.text_content()), whole.itersiblings())]


def _target(node: HtmlElement) -> str:
    return node.get("href") or node.get("src") or node.get("data") or ""


def _absolute(target: str, url: str) -> str | None:
    """Make a link to a file absolute; a viewer's link is the file it shows; None for any other link."""
    if not _MAY_BE_FILE.search(target.lower()) or (address := _address(target, url)) is None:
        return None
    shown = parse_qs(urlsplit(address).query).get("file", [""])[0]
    if is_file(address):
        return _lasting(address)
    return _absolute(shown, address) if _FILE.search(shown) else None


def _address(target: str, url: str) -> str | None:
    """Make a link absolute; None for one that leads nowhere, or that a script has yet to fill in."""
    target = "".join(target.split("\n")).strip()
    if not target or "{{" in target or target.lower().startswith(("javascript:", "mailto:", "data:")):
        return None
    try:
        address = urldefrag(urljoin(url, target)).url
        parse_qs(urlsplit(address).query)
    except ValueError:
        return None
    return address


def _lasting(address: str) -> str:
    """Leave out of a file's address what a server puts in for one session, or against caches."""
    path, mark, query = _SESSION.sub("", address).partition("?")
    kept = "&".join(part for part in query.split("&") if not _PASSING.fullmatch(part))
    return path + mark * bool(kept) + kept


def file_name(address: str) -> str:
    return unquote(urlsplit(address).path.rpartition("/")[2])
