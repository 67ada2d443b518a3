"""The county as a web: hosts, paths, and what they answer."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from crawler.demo import mirror
from crawler.demo.api import ANY
from crawler.demo.home import home, intranet, openness, zone
from crawler.demo.model import MIRROR, Answer, Article, File, Office
from crawler.demo.site import INTRANET, OPEN, SECTIONS, ZONE, Noise, Site
from crawler.demo.styles import addresses, style_of

if TYPE_CHECKING:
    from crawler.demo.county import County

Page = Callable[[Noise], str | Answer]

INDEXES = ("index.html", "index.htm", "index.shtml", "index.jhtml", "common_list.shtml", "moreinfo.html", "list.html")
"""What a server looks for in a folder."""

MISSING = "<html><head><title>404 Not Found</title></head><body><h1>404</h1><p>您访问的页面不存在或已被删除。</p></body></html>"


@dataclass(frozen=True, kw_only=True)
class Web:
    """Answers for every host of a county; pages are written when they are first asked for, and the last 8,192 kept."""

    county: County

    def answer(self, url: str, *, day: int) -> Answer:
        """Answer one request; 502 for a host that is not the county's."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if host != MIRROR and host not in self._offices:
            return Answer(
                status=502, headers={"Content-Type": "text/plain"}, body=f"no such host here: {host}\n".encode()
            )
        return self._kept(host, _key(f"{parts.path or '/'}?{parts.query}"), day)

    @functools.cached_property
    def _offices(self) -> dict[str, Office]:
        return {host: office for office in self.county.offices for host in office.hosts}

    @functools.cached_property
    def _kept(self) -> Callable[[str, str, int], Answer]:
        return functools.lru_cache(maxsize=8192)(self._answer)

    @functools.cached_property
    def _site(self) -> Callable[[Office, int], Mapping[str, Page]]:
        return functools.cache(lambda office, day: _pages(Site.of(self.county, office, day=day)))

    def _answer(self, host: str, path: str, day: int) -> Answer:
        if host == MIRROR:
            return self._copied(path, day)
        office = self._offices[host]
        if path == "/robots.txt":
            return _robots(office)
        page = _find(self._site(office, day), path)
        noise = self._noise(host, path, day)
        if page is None:
            return _html(404, MISSING)
        session = f"JSESSIONID={noise.session}; Path=/; HttpOnly"
        return _made(page(noise), charset=office.bytes, declared=office.header, session=session)

    def _noise(self, host: str, path: str, day: int) -> Noise:
        if host in self._offices and self._offices[host].still:
            day = 1
        return Noise.of(path, today=self.county.today(day), key=f"{self.county.seed}/{host}{path}/{day}")

    def _copied(self, path: str, day: int) -> Answer:
        """Answer for the mirror: a copy made on day 1, with one number altered, never made again."""
        edit = self.county.altered
        office = self._offices[edit.host] if edit else None
        page = _find(self._copy, path) if edit else None
        if page is None:
            return _html(404, MISSING)
        made = page(self._noise(office.host, path, 1))
        if isinstance(made, str):
            token = self._noise(MIRROR, path, day).token
            made = mirror.hijack(made, official=office.host, host=MIRROR, charset=office.meta, token=token)
        return _made(made)

    @functools.cached_property
    def _copy(self) -> Mapping[str, Page]:
        edit = self.county.altered
        office = self._offices[edit.host]
        altered = self.county.edited(office, edit)
        site = Site.of(self.county, office, day=1)
        return _pages(replace(site, column=tuple(altered if a.year == edit.year else a for a in site.column)))


def column_of(office: Office) -> str:
    """Give the path of an office's report column."""
    return style_of(office).section(office, office.slug)


def url_of(office: Office, article: Article) -> str:
    """Give the address of an article in an office's report column."""
    return f"http://{office.host}{style_of(office).address(office, office.slug, article)}"


def urls_of(county: County, office: Office, article: Article, *, day: int) -> list[str]:
    """Give every official address of an article in an office's report column, the plain one first.

    Beside it stand mobile twins, https and www, and the pages of portals that list other offices' reports.
    """
    schemes = ("http", "https") if office.twins else ("http",)
    paths = addresses(office, office.slug, article)
    found = [f"{scheme}://{host}{path}" for scheme in schemes for host in office.hosts for path in paths]
    for portal in county.portals if article.year else ():
        for folder, articles in county.shared(portal, day=day).items():
            if any((a.agency, a.year) == (article.agency, article.year) for a in articles):
                paths = addresses(portal, f"{portal.slug}/{folder}", article)
                found += [f"http://{portal.host}{path}" for path in paths]
    return found


def _pages(site: Site) -> dict[str, Page]:
    return {_key(path): page for path, page in _laid_out(site)}


def _laid_out(site: Site) -> Iterator[tuple[str, Page]]:
    """Lay out one site: its first page, sections, news, report column, articles and attachments."""
    office, style = site.office, style_of(site.office)
    for path in ("/", "/index.html"):
        yield path, functools.partial(home, site)
    for slug in SECTIONS:
        yield from style.lists(site, slug, site.shelves.get(slug, ())).items()
    if OPEN in site.menu:
        yield site.section(OPEN), functools.partial(openness, site)
    yield site.section(ZONE), functools.partial(zone, site)
    yield from style.lists(site, office.slug, site.column).items()
    for slug, articles in site.shelves.items():
        for article in articles:
            for path in addresses(office, slug, article):
                yield path, functools.partial(style.page, site, slug, article)
            for file in article.files:
                yield style.attachment(office, slug, article, file), functools.partial(_content, file)
    if site.guarded:
        yield f"{INTRANET}index.html", functools.partial(intranet, site)


def _content(file: File, _noise: Noise) -> Answer:
    body = file.content()
    kind = {"pdf": "application/pdf", "png": "image/png"}.get(file.type, "application/octet-stream")
    headers = {"Content-Type": kind, "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'}
    return Answer(status=200, headers=headers, body=body)


def _key(path: str) -> str:
    """Write a path so that the order of its parameters does not matter."""
    path, _, query = path.partition("?")
    ordered = urlencode(sorted(parse_qsl(query, keep_blank_values=True)))
    return f"{path}?{ordered}" if ordered else path


def _find(pages: Mapping[str, Page], path: str) -> Page | None:
    tried = [path, path.partition("?")[0] + ANY, *(path + name for name in INDEXES if path.endswith("/"))]
    return next((pages[name] for name in tried if name in pages), None)


def _made(made: str | Answer, *, charset: str = "utf-8", declared: str = "utf-8", session: str = "") -> Answer:
    if isinstance(made, Answer):
        return made
    return _html(200, made, charset=charset, declared=declared, session=session)


def _html(status: int, text: str, *, charset: str = "utf-8", declared: str = "utf-8", session: str = "") -> Answer:
    kind = f"text/html; charset={declared}" if declared else "text/html"
    cookie = {"Set-Cookie": session} if session else {}
    return Answer(status=status, headers={"Content-Type": kind, **cookie}, body=text.encode(charset))


def _robots(office: Office) -> Answer:
    if office.robots is None:
        return _html(404, MISSING)
    if office.robots == "soft":
        return _html(200, MISSING.replace("404 Not Found", office.name))
    return Answer(status=200, headers={"Content-Type": "text/plain"}, body=office.robots.encode())
