"""One office's site on one day: what stands on it and where, and the noise of the day."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from crawler.demo.dice import dice
from crawler.demo.model import Article, File, Office
from crawler.demo.styles import style_of

if TYPE_CHECKING:
    from crawler.demo.county import County

NEWS, ZONE, OPEN = "gzdt", "xxgk", "zwgk"
SECTIONS = {
    "jgzn": "机构职能",
    NEWS: "工作动态",
    "zcwj": "政策文件",
    ZONE: "政府信息公开",
    "bsfw": "办事服务",
    "hdjl": "互动交流",
    "ztzl": "专题专栏",
}
REPORTS = "政府信息公开年报"
INTRANET = "/nbgz/"


@dataclass(frozen=True, kw_only=True)
class Site:
    """What an office's report column and its news show on one day, and where they stand in its style."""

    office: Office
    column: tuple[Article, ...]
    news: tuple[Article, ...]
    links: tuple[tuple[str, str], ...]
    shared: Mapping[str, tuple[Article, ...]]

    @classmethod
    def of(cls, county: County, office: Office, *, day: int) -> Site:
        """Collect what an office shows on a day."""
        return cls(
            office=office,
            column=tuple(county.column(office, day=day)),
            news=tuple(county.news(office)),
            links=tuple((o.name, f"http://{o.host}/") for o in county.offices[:60]),
            shared=county.shared(office, day=day),
        )

    @functools.cached_property
    def shelves(self) -> Mapping[str, Sequence[Article]]:
        """Give every list of articles by its slug; a portal lists other offices' reports in folders of its column."""
        folders = {f"{self.office.slug}/{folder}": articles for folder, articles in self.shared.items()}
        return {NEWS: self.news, self.office.slug: self.column, **folders}

    @property
    def menu(self) -> Mapping[str, str]:
        """Name the sections that the menu links; by the `deep` route 政务公开 stands in for 政府信息公开."""
        deep = self.office.route == "deep"
        return dict((OPEN, "政务公开") if deep and slug == ZONE else (slug, name) for slug, name in SECTIONS.items())

    @property
    def skin(self) -> str:
        """Give what all class names of the style begin with."""
        return style_of(self.office).SKIN

    @property
    def guarded(self) -> bool:
        """Say whether the site has a part that robots.txt asks crawlers to leave alone."""
        return INTRANET in (self.office.robots or "")

    def section(self, slug: str) -> str:
        """Give the path of a section's first page."""
        return style_of(self.office).section(self.office, slug)

    def name(self, slug: str) -> str:
        """Name a section as its own pages do."""
        return REPORTS if slug.startswith(self.office.slug) else SECTIONS[slug]

    def slug(self, article: Article) -> str:
        """Give the slug of the list an article stands in."""
        return next(slug for slug, shelf in self.shelves.items() if any(a is article for a in shelf))

    def address(self, article: Article) -> str:
        """Give the path of an article."""
        return style_of(self.office).address(self.office, self.slug(article), article)

    def files(self, article: Article) -> list[tuple[str, File]]:
        """Give each file of an article with its path."""
        style, slug = style_of(self.office), self.slug(article)
        return [(style.attachment(self.office, slug, article, file), file) for file in article.files]


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What differs from one fetch day to another and means nothing."""

    path: str
    today: date
    token: str
    session: str
    visits: int

    @classmethod
    def of(cls, path: str, *, today: date, key: str) -> Noise:
        """Draw the noise of one page on one day."""
        rng = dice(key)
        return cls(
            path=path,
            today=today,
            token=f"{rng.getrandbits(64):016x}",
            session=f"{rng.getrandbits(128):032X}",
            visits=rng.randint(40, 90_000),
        )


def href(path: str, *, from_: str) -> str:
    """Write a path relative to the page it stands on."""
    return posixpath.relpath(path, posixpath.dirname(from_.partition("?")[0]))
