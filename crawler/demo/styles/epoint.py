"""Epoint 新点: columns are numbers below numbers, articles are UUIDs, moreinfo.html is also 1.html and goes on in 2.html."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.dice import dice
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "ewb-"
PAGE = 6


def section(_office: Office, slug: str) -> str:
    return f"{_folder(slug)}/moreinfo.html"


def address(office: Office, slug: str, article: Article) -> str:
    name = uuid.UUID(int=dice(office.label, article.id).getrandbits(128), version=4)
    return f"{_folder(slug)}/{article.published:%Y%m%d}/{name}.html"


def attachment(_office: Office, _slug: str, article: Article, file: File) -> str:
    return f"/uploadfile/{article.published:%Y%m%d}/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    pages = {
        f"{_folder(slug)}/{k}.html": functools.partial(_list, site, slug, articles, k)
        for k in range(1, max(1, -(-len(articles) // PAGE)) + 1)
    }
    return {section(site.office, slug): functools.partial(_list, site, slug, articles, 1)} | pages


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office, column = site.office, site.name(slug)
    main = f"""<div class="ewb-loc"><span>当前位置：</span><a href="/">首页</a> &gt; <a href="../moreinfo.html">{column}</a></div>
<div class="ewb-main"><h2 class="ewb-article-title">{escape(article.title)}</h2>
<div class="ewb-article-sources">【信息时间：{article.published:%Y/%m/%d}　来源：{article.agency}　{sharing(noise, SKIN)}】</div>
<div class="con" id="webeditorview">
{body(article, office, files=site.files(article))}
</div></div>
{neighbours(site, article, noise)}
{code(SKIN)}"""
    return frame(site, noise, title=article.title, main=main, column=column, article=article)


def _folder(slug: str) -> str:
    return f"/zwgk/{slug[:6]}/{slug}" if slug.isdigit() else f"/{slug}"


def _list(site: Site, slug: str, articles: Sequence[Article], at: int, noise: Noise) -> str:
    column, folder = site.name(slug), _folder(slug)
    rows = "\n".join(
        f'<tr><td>{n}</td><td><a href="{a.published:%Y%m%d}/{address(site.office, slug, a).rpartition("/")[2]}" target="_blank" title="{escape(a.title)}">{escape(a.title)}</a></td><td>{a.published:%Y-%m-%d}</td></tr>'
        for n, a in enumerate(articles[(at - 1) * PAGE : at * PAGE], (at - 1) * PAGE + 1)
    )
    main = f"""<div class="ewb-loc"><span>当前位置：</span><a href="/">首页</a> &gt; <span id="viewGuid" value="cms_{slug}">{column}</span></div>
<table class="ewb-trade-tb"><thead><tr><th>序号</th><th>标题</th><th>发布时间</th></tr></thead><tbody>
{rows}
</tbody></table>
<div class="ewb-page"><div id="page" value="{folder}"></div>
<script>
$("#page").pagination({{
    pageIndex: {at - 1},
    pageSize: {PAGE},
    total: {len(articles)},
    pageBtnCount: 10
}});
$("#page").on("pageClicked", function (event, data) {{
    if (data.pageIndex == 0) {{
        window.location.href = "{folder}/moreinfo.html";
    }} else {{
        window.location.href = "{folder}/" + (data.pageIndex + 1) + ".html";
    }}
}});
</script></div>"""
    return frame(site, noise, title=f"{site.office.name}--{column}", main=main, column=column)
