"""JEECMS: everything is .jhtml, index_2.jhtml is only in an onclick, and one site lists what it has by http, https and www."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "jee-"
PAGE = 7


def section(_office: Office, slug: str) -> str:
    return f"/{slug}/index.jhtml"


def address(_office: Office, slug: str, article: Article) -> str:
    return f"/{slug}/{article.id}.jhtml"


def attachment(_office: Office, _slug: str, article: Article, file: File) -> str:
    return f"/u/cms/www/{article.published:%Y%m}/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    entries = list(_entries(site, articles))
    count = max(1, -(-len(entries) // PAGE))
    return {f"/{slug}/{_page(k)}": functools.partial(_list, site, slug, entries, k, count) for k in range(1, count + 1)}


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office, column = site.office, site.name(slug)
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> - <a href="{section(office, slug)}">{column}</a></div>
<div class="{SKIN}article"><h1>{escape(article.title)}</h1>
<div class="msgbar">发布时间：{article.published:%Y-%m-%d} 09:{article.id % 60:02d}:00 来源：{article.agency} {sharing(noise, SKIN)}</div>
<div class="content"><div class="txt" id="zoom">
{body(article, office, files=site.files(article))}
</div></div></div>
{neighbours(site, article, noise)}
{code(SKIN)}"""
    return frame(site, noise, title=f"{article.title}-{office.name}", main=main, column=column, article=article)


def _entries(site: Site, articles: Sequence[Article]) -> Iterator[tuple[str, Article]]:
    """Walk a list's entries; a site that moved to https and to www and back still lists reports as it did then."""
    host = site.office.host
    moves = [("", f"https://{host}"), (f"http://www.{host}",), (f"https://www.{host}", f"http://{host}"), ("",)]
    for n, article in enumerate(articles):
        for base in moves[n % len(moves)] if site.office.twins and article.year else ("",):
            yield f"{base}{site.address(article)}", article


def _page(number: int) -> str:
    return f"index_{number}.jhtml" if number > 1 else "index.jhtml"


def _list(site: Site, slug: str, entries: Sequence[tuple[str, Article]], at: int, count: int, noise: Noise) -> str:
    column = site.name(slug)
    items = "\n".join(
        f'<li><span>{a.published:%Y-%m-%d}</span><a href="{url}" title="{escape(a.title)}" target="_blank">{escape(a.title)}</a></li>'
        for url, a in entries[(at - 1) * PAGE : at * PAGE]
    )

    def turn(label: str, to: int) -> str:
        if to == at or not 1 <= to <= count:
            return f'<a disabled="disabled">{label}</a>'
        return f"""<a href="#" onclick="location.href=encodeURI('{_page(to)}');">{label}</a>"""

    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> - {column}</div>
<ul class="{SKIN}list">
{items}
</ul>
<div class="pagesite"><div>共{len(entries)}条记录 {at}/{count}页 {turn("首页", 1)} {turn("上一页", at - 1)} {turn("下一页", at + 1)} {turn("尾页", count)}</div></div>"""
    return frame(site, noise, title=f"{column}-{site.office.name}", main=main, column=column)
