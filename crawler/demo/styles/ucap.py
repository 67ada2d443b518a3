"""UCAP 开普: columns are cNNN, pages common_list_2.shtml named by a script, articles 32 hexadecimal digits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.dice import dice
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "ucap-"
PAGE = 7


def section(_office: Office, slug: str) -> str:
    return _page(slug, 1)


def address(office: Office, slug: str, article: Article) -> str:
    name = dice(office.label, article.id).getrandbits(128)
    return f"/{_column(slug)}/{article.published:%Y%m}/{name:032x}.shtml"


def attachment(office: Office, slug: str, article: Article, file: File) -> str:
    return f"{address(office, slug, article).removesuffix('.shtml')}/files/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    count = max(1, -(-len(articles) // PAGE))
    return {_page(slug, k): functools.partial(_list, site, slug, articles, k, count) for k in range(1, count + 1)}


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office, column = site.office, site.name(slug)
    main = f"""<div class="{SKIN}path">您的位置：<a href="/">首页</a> &gt; <a href="{section(office, slug)}">{column}</a></div>
<meta name="channelid" content="{_column(slug)}"><meta name="manuscriptId" content="{article.id}">
<div class="{SKIN}con"><h1><UCAPTITLE>{escape(article.title)}</UCAPTITLE></h1>
<div class="{SKIN}info">发布时间：<publishtime>{article.published:%Y-%m-%d} 09:{article.id % 60:02d}</publishtime> 来源：{article.agency} {sharing(noise, SKIN)}</div>
<div id="UCAP-CONTENT"><UCAPCONTENT>
{body(article, office, files=site.files(article))}
</UCAPCONTENT></div></div>
{neighbours(site, article, noise)}
{code(SKIN)}"""
    return frame(site, noise, title=article.title, main=main, column=column, article=article)


def _column(slug: str) -> str:
    return slug if slug[1:].isdigit() else f"c{100_000 + sum(map(ord, slug))}"


def _page(slug: str, number: int) -> str:
    return f"/{_column(slug)}/common_list{f'_{number}' if number > 1 else ''}.shtml"


def _list(site: Site, slug: str, articles: Sequence[Article], at: int, count: int, noise: Noise) -> str:
    column = site.name(slug)
    items = "\n".join(
        f'<li><a href="{address(site.office, slug, a)}" title="{escape(a.title)}" target="_blank">{escape(_short(a.title))}</a><span>{a.published:%Y-%m-%d}</span></li>'
        for a in articles[(at - 1) * PAGE : at * PAGE]
    )
    main = f"""<div class="{SKIN}path">您的位置：<a href="/">首页</a> &gt; {column}</div>
<div id="xxgkzd_list"><ul>
{items}
</ul></div>
<div id="page_div"></div><script type="text/javascript">createPageHTML('page_div',{count}, {at},'common_list','shtml',{len(articles)});</script>"""
    return frame(site, noise, title=column, main=main, column=column)


def _short(title: str) -> str:
    return title if len(title) <= 24 else f"{title[:23]}…"
