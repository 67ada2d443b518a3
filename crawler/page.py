"""A fetched page as the families see it: its address, its text, its tree, and the links in it.

A request by POST has an address too: its URL with `__wb_method=POST` and the form's fields in its query, as the
indexes of web archives write it (pywb, warcio). So a page is one string everywhere, in a list, a set or the archive.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlencode, urljoin, urlsplit

from lxml.html import HtmlElement

from pipelines.decode import decode
from pipelines.prepare import tree

METHOD = "__wb_method"
NO_PAGE = re.compile(r"\s*(#|javascript:|mailto:|tel:|data:|about:|$)", re.IGNORECASE)
LEADS_ON = re.compile(r"""location(?:\.href\s*=|\s*=|\.replace\()\s*["']([^"']+)["']""")
SPACE = re.compile(r"\s+")
HOST = r"""(?:https?:)?//(?P<host>[^/"'<>]++)"""
"""The host of an address, in the patterns that `Page.has_own` looks for."""

PLAIN = re.compile(
    r"(?P<base>https?://[a-zA-Z\d.:-]+(?:/|$)|/|(?:\./)?(?=[\w%~-]))"
    r"(?P<rest>(?:[\w%~-][\w%~.-]*+/?)*+(?:\?[^#\s]+)?)"
)
"""An address with nothing in it to resolve: the parts of its path neither begin with a dot nor are empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link with the words a reader sees: absolute URL without fragment, and its text or title."""

    url: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page decoded; the tree is made when it is first asked for."""

    url: str
    text: str = field(repr=False)

    @classmethod
    def of(cls, body: bytes, *, url: str, headers: Mapping[str, str]) -> Page:
        """Decode a payload by its bytes, its labels and its headers (names in lower case)."""
        return cls(url=url, text=decode(body, content_type=headers.get("content-type")).text)

    @cached_property
    def tree(self) -> HtmlElement:
        """The page as lxml read it."""
        return tree(self.text)

    @cached_property
    def meta(self) -> Mapping[str, str]:
        """The head's meta tags by lower-case name (国办发〔2017〕47号 prescribes them); the first of a name counts."""
        found: dict[str, str] = {}
        for element in self.tree.iter("meta"):
            found.setdefault((element.get("name") or "").lower(), (element.get("content") or "").strip())
        return found

    def holds(self, *words: str) -> bool:
        """Say whether one of these stands in the page or its address: quickly, before a pattern is searched for."""
        return any(word in self.text or word in self.url for word in words)

    def search(self, pattern: re.Pattern[str], *words: str) -> re.Match[str] | None:
        """Search for a pattern that has one of these words in it."""
        return pattern.search(self.text) if self.holds(*words) else None

    def has_own(self, pattern: re.Pattern[str], text: str) -> bool:
        """Say whether a pattern is found in a text of the page; where it finds a host, that must be the page's own."""
        own = (None, urlsplit(self.url).netloc)
        return any(found["host"] in own for found in pattern.finditer(text))

    def absolute(self, href: str) -> str | None:
        """Give a link's full address without fragment; None where it leads to no page.

        Most are plain, and put together at once as `urljoin` would.
        """
        if NO_PAGE.match(href):
            return None
        try:
            if plain := PLAIN.fullmatch(href):
                return self._bases.get(plain["base"], plain["base"]) + plain["rest"]
            url = urljoin(self.url, href.strip()).partition("#")[0]
            parts = urlsplit(url)
        except ValueError:  # a broken IPv6 address, say
            return None
        return url if parts.scheme in ("http", "https") and parts.netloc else None

    @cached_property
    def _bases(self) -> Mapping[str, str]:
        folder = urljoin(self.url, ".")
        return {"/": urljoin(self.url, "/"), "./": folder, "": folder}

    def links(self) -> Iterator[Link]:
        """Walk the links of the page in their order."""
        return iter(self._links)

    @cached_property
    def _links(self) -> tuple[Link, ...]:
        return tuple(anchors(self, self.tree))

    def frames(self) -> Iterator[str]:
        """Walk the pages that are shown in this one or in its place: frames, and where a page without links leads on."""
        for element in self.tree.iter("iframe", "frame"):
            yield from filter(None, [self.absolute(element.get("src") or "")])
        if any(self.links()):
            return
        for element in self.tree.iter("meta"):
            if (element.get("http-equiv") or "").lower() == "refresh":
                yield from filter(
                    None, [self.absolute(re.sub(r"^[^=]*=\s*", "", element.get("content") or "").strip("'\" "))]
                )
        for found in LEADS_ON.finditer(self.text):
            yield from filter(None, [self.absolute(found[1])])


def post(url: str, fields: Mapping[str, object]) -> str:
    """Give the address of what a form answers: `url` asked by POST with these fields, in their order.

    >>> post("http://a.example/search?site=1", {"page": 2})
    'http://a.example/search?site=1&__wb_method=POST&page=2'
    """
    return f"{url}{'&' if '?' in url else '?'}{urlencode({METHOD: 'POST', **fields})}"


def posted(url: str, body: bytes) -> str:
    """Give the address of what is answered to a body posted there, of whatever type it is (pywb's `__wb_post_data`)."""
    return post(url, {"__wb_post_data": b64encode(body).decode()})


def request_of(address: str) -> tuple[str, str | None]:
    """Take an address apart into the URL to ask and the form to post there, None where it is an ordinary GET.

    >>> request_of("http://a.example/search?site=1&__wb_method=POST&page=2"), request_of("http://a.example/?a=1")
    (('http://a.example/search?site=1', 'page=2'), ('http://a.example/?a=1', None))
    """
    url, _, form = re.split(rf"([?&]{METHOD}=POST&?)", address, maxsplit=1) if METHOD in address else (address, "", "")
    return url, form if METHOD in address else None


def anchors(page: Page, fragment: HtmlElement) -> Iterator[Link]:
    """Walk the `<a href>` of a fragment of a page; the title attribute counts where the text was cut short."""
    for element in fragment.iter("a"):
        url = page.absolute(element.get("href") or "")
        if url:
            yield Link(url=url, title=_title(element))


def shown(element: HtmlElement) -> str:
    """Give the text of an element without white space; most links are bare text, which need not be gathered."""
    return _bare(element.text_content() if len(element) else element.text)


def _title(element: HtmlElement) -> str:
    text = shown(element)
    if text and not text.endswith(("…", "...")):
        return text
    alt = (image.get("alt") or image.get("title") or "" for image in element.iter("img"))
    return _bare(element.get("title")) or text or _bare("".join(alt))


def _bare(text: str | None) -> str:
    return "".join((text or "").split())
