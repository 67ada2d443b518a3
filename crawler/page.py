"""A fetched page as the families see it: its address, its text, its tree, and the links in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from pipelines.decode import decode
from pipelines.prepare import tree

NO_PAGE = re.compile(r"\s*(#|javascript:|mailto:|tel:|data:|about:|$)", re.IGNORECASE)
SPACE = re.compile(r"\s+")


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

    def absolute(self, href: str) -> str | None:
        """Give a link's full address without fragment; None where it leads to no page."""
        if NO_PAGE.match(href):
            return None
        try:
            url = urljoin(self.url, href.strip()).partition("#")[0]
            parts = urlsplit(url)
        except ValueError:  # a broken IPv6 address, say
            return None
        return url if parts.scheme in ("http", "https") and parts.netloc else None

    def links(self) -> Iterator[Link]:
        """Walk the links of the page in their order."""
        return anchors(self, self.tree)


def anchors(page: Page, fragment: HtmlElement) -> Iterator[Link]:
    """Walk the `<a href>` of a fragment of a page; the title attribute counts where the text was cut short."""
    for element in fragment.iter("a"):
        url = page.absolute(element.get("href") or "")
        if url:
            text = SPACE.sub("", element.text_content())
            full = SPACE.sub("", element.get("title") or "")
            alt = "".join(image.get("alt") or image.get("title") or "" for image in element.iter("img"))
            cut = text.endswith(("…", "...")) and full
            yield Link(url=url, title=(full if cut else text) or full or SPACE.sub("", alt))
