"""NFCMS, Guangdong's portals: content/post_ID.html with an mpost_ID.html for telephones, and index_2.html.

The column is divided into folders: sbj (the office's own), bm/2021n (departments by year), gq (towns).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "nf-"
PAGE = 6
LATEST = 3
FOLDERS = {"sbj": "本级", "bm": "县直部门", "gq": "各镇"}


def section(_office: Office, slug: str) -> str:
    return f"/{slug}/index.html"


def address(office: Office, slug: str, article: Article) -> str:
    return f"/{_folder(office, slug)}/content/post_{article.id}.html"


def mobile(address: str) -> str:
    return address.replace("/post_", "/mpost_")


def attachment(_office: Office, _slug: str, article: Article, file: File) -> str:
    return f"/attachment/0/{article.id // 1000}/{article.id}/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    made = dict(_pages(site, _folder(site.office, slug), articles))
    if slug == site.office.slug:
        years = sorted((folder for folder in site.shared if folder.startswith("bm/")), reverse=True)
        made[section(site.office, slug)] = functools.partial(_index, site)
        if years:
            made[f"/{slug}/bm/index.html"] = functools.partial(_years, site, years)
        for folder, shared in site.shared.items():
            made |= _pages(site, f"{slug}/{folder}", shared)
    return made


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office, column = site.office, site.name(slug)
    twin = f"http://{office.host}{mobile(address(office, slug, article))}"
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; <a href="/{_folder(office, slug)}/index.html">{column}</a></div>
<script>(function(u){{if(u.indexOf("iPhone")>-1&&document.location.href!="{twin}"){{document.location.href="{twin}"}}}})(window.navigator.userAgent);
window.NFCMS_PUB_TYPE="post";window.NFCMS_POST_ID="{article.id}";</script>
<div class="{SKIN}content"><h1 class="{SKIN}title">{escape(article.title)}</h1>
<ul class="{SKIN}info"><li>听全文</li><li>来源：{article.agency}</li><li>发布时间：{article.published:%Y-%m-%d} 09:{article.id % 60:02d}</li><li>浏览次数：<span id="NFCMS-POST-VISIT-1">-</span></li><li>分享到：</li></ul>
<div class="zw"><div class="article-content">
{body(article, office, files=site.files(article))}
</div></div></div>
{neighbours(site, article, noise)}
{code(SKIN)}"""
    return frame(site, noise, title=f"{article.title} - {office.name}", main=main, column=column, article=article)


def _folder(office: Office, slug: str) -> str:
    return f"{slug}/sbj" if slug == office.slug else slug


def _pages(site: Site, folder: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    count = max(1, -(-len(articles) // PAGE))
    return {_page(folder, k): functools.partial(_list, site, folder, articles, k, count) for k in range(1, count + 1)}


def _page(folder: str, number: int) -> str:
    return f"/{folder}/index{f'_{number}' if number > 1 else ''}.html"


def _item(site: Site, path: str, article: Article) -> str:
    title = escape(article.title)
    return f'<li><a href="http://{site.office.host}{path}" title="{title}">{title}</a><span class="time">{article.published:%Y-%m-%d}</span></li>'


def _list(site: Site, folder: str, articles: Sequence[Article], at: int, count: int, noise: Noise) -> str:
    column = site.name(folder)
    items = "\n".join(_item(site, site.address(a), a) for a in articles[(at - 1) * PAGE : at * PAGE])
    turns = "".join(
        f'<span class="current">{k}</span>'
        if k == at
        else f'<a href="http://{site.office.host}{_page(folder, k)}">{k}</a>'
        for k in range(1, count + 1)
    )
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; {column}</div>
<div class="{SKIN}list"><ul>
{items}
</ul><div class="page">{turns if count > 1 else ""}</div></div>"""
    return frame(site, noise, title=f"{column} - {site.office.name}", main=main, column=column)


def _index(site: Site, noise: Noise) -> str:
    """Write the column's first page: its folders, and the latest of its own reports for readers with telephones."""
    office, column = site.office, site.name(site.office.slug)
    latest = [a for a in site.column if a.year][:LATEST]
    items = "\n".join(_item(site, mobile(site.address(a)), a) for a in latest)
    kept = {"sbj", *(folder.partition("/")[0] for folder in site.shared)}
    heads = "\n".join(
        f'<h3><a href="/{office.slug}/{folder}/">{name}</a></h3>' for folder, name in FOLDERS.items() if folder in kept
    )
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; {column}</div>
<div class="{SKIN}tabs">{heads}
<ul>
{items}
</ul></div>"""
    return frame(site, noise, title=f"{column} - {office.name}", main=main, column=column)


def _years(site: Site, folders: Sequence[str], noise: Noise) -> str:
    """Write the departments' page, which only leads on to their years."""
    column = site.name(site.office.slug)
    items = "\n".join(f'<li><a href="/{site.office.slug}/{folder}/">{folder[3:7]}年</a></li>' for folder in folders)
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; {column} &gt; 县直部门</div>
<ul class="{SKIN}years">
{items}
</ul>"""
    return frame(site, noise, title=f"县直部门 - {column} - {site.office.name}", main=main, column=column)
