"""No known system: a plain list with 上一页 and 下一页, list.html, list_2.html."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site, href

SKIN = "c-"
PAGE = 8


def section(_office: Office, slug: str) -> str:
    return f"/{slug}/list.html"


def address(_office: Office, slug: str, article: Article) -> str:
    return f"/{slug}/{article.published:%Y-%m}/{article.published:%d}/content_{article.id}.html"


def attachment(_office: Office, _slug: str, article: Article, file: File) -> str:
    return f"/upload/{article.published:%Y%m}/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    count = max(1, -(-len(articles) // PAGE))
    return {_page(slug, k): functools.partial(_list, site, slug, articles, k, count) for k in range(1, count + 1)}


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office = site.office
    column = site.name(slug)
    head = f"{escape(article.title)}", f"日期：{article.published:%Y-%m-%d}　来源：{office.name}"
    text = f'<div class="content" id="zoom">\n{body(article, office, files=site.files(article))}\n<p>责任编辑：{office.label}</p>\n</div>'
    if office.layout:
        text = f"""<table width="100%" border="0" cellspacing="0" cellpadding="0"><tr><td height="60" align="center"><font size="5"><b>{head[0]}</b></font></td></tr>
<tr><td align="center" bgcolor="#f0f0f0">{head[1]}</td></tr><tr><td>
{text}
</td></tr></table>"""
    else:
        text = f'<h1>{head[0]}</h1>\n<p class="{SKIN}info">{head[1]}</p>\n{text}'
    main = f"""<div class="{SKIN}path">您现在的位置：<a href="/">首页</a> / <a href="{href(section(office, slug), from_=noise.path)}">{column}</a></div>
{text}
{sharing(noise, SKIN)}
{code(SKIN)}
{neighbours(site, article, noise)}"""
    return frame(site, noise, title=f"{article.title}_{office.name}", main=main, column=column)


def _page(slug: str, number: int) -> str:
    return f"/{slug}/list{f'_{number}' if number > 1 else ''}.html"


def _list(site: Site, slug: str, articles: Sequence[Article], at: int, count: int, noise: Noise) -> str:
    column = site.name(slug)
    here = _page(slug, at)
    items = "\n".join(
        f'<li>·<a href="{href(address(site.office, slug, a), from_=here)}">{escape(a.title)}</a> <i>{a.published:%Y/%m/%d}</i></li>'
        for a in articles[(at - 1) * PAGE : at * PAGE]
    )
    turns = [f'<a href="{href(_page(slug, at - 1), from_=here)}">上一页</a>'] * (at > 1)
    turns += [f'<a href="{href(_page(slug, at + 1), from_=here)}">下一页</a>'] * (at < count)
    main = f"""<div class="{SKIN}path">您现在的位置：<a href="/">首页</a> / {column}</div>
<ul class="newslist">
{items}
</ul>
<div class="{SKIN}pager">第{at}页/共{count}页 {" ".join(turns)}</div>"""
    return frame(site, noise, title=f"{column}_{site.office.name}", main=main, column=column)
