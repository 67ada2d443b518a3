"""How each content management system writes a site: one file a system, found by its name.

A style says where a section, an article and an attachment live (`section`, `address`, `attachment`), what the pages
of a list are (`lists`), and how an article's page looks (`page`). One may add `mobile(path)`, an article's twin for
telephones.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crawler.demo.model import Answer, Article, File, Office
    from crawler.demo.site import Noise, Site


class Style(Protocol):
    """What every file in this folder defines; SKIN begins the names of its classes."""

    SKIN: str

    def section(self, office: Office, slug: str) -> str:
        """Give the path of a list's first page."""

    def address(self, office: Office, slug: str, article: Article) -> str:
        """Give the path of an article in a section."""

    def attachment(self, office: Office, slug: str, article: Article, file: File) -> str:
        """Give the path of an article's attachment."""

    def lists(
        self, site: Site, slug: str, articles: Sequence[Article]
    ) -> Mapping[str, Callable[[Noise], str | Answer]]:
        """Give every page of a list by its path; one that ends in `api.ANY` takes any parameters."""

    def page(self, site: Site, slug: str, article: Article, noise: Noise) -> str:
        """Write an article's page."""


def style_of(office: Office) -> Style:
    """Find the style an office's site is written in."""
    return importlib.import_module(f"{__name__}.{office.style}")


def addresses(office: Office, slug: str, article: Article) -> tuple[str, ...]:
    """Give every path at which an article stands: its own, and its twin for telephones where the style has them."""
    style = style_of(office)
    own = style.address(office, slug, article)
    mobile = getattr(style, "mobile", None)
    return (own, mobile(own)) if mobile else (own,)
