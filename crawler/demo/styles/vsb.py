"""VSB (博达): info/1001/1234.htm, and lists whose further pages are numbered downwards."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site, href

SKIN = "vsb_"
PAGE = 6


def section(_office: Office, slug: str) -> str:
    return f"/{slug}.htm"


def address(_office: Office, slug: str, article: Article) -> str:
    return f"/info/{1001 + sum(map(ord, slug)) % 90}/{article.id}.htm"


def attachment(_office: Office, _slug: str, article: Article, file: File) -> str:
    if file.grid:
        return f"/__local/A/{article.id % 97:02d}/{file.name}"
    return f"/system/_content/download.jsp?urltype=news.DownloadAttachUrl&owner=1999001&wbfileid={article.id}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    count = max(1, -(-len(articles) // PAGE))
    paths = [section(site.office, slug), *(f"/{slug}/{k}.htm" for k in range(count - 1, 0, -1))]
    return {path: functools.partial(_list, site, slug, articles, paths, k) for k, path in enumerate(paths)}


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office = site.office
    column = site.name(slug)
    tree, number = address(office, slug, article).split("/")[2], article.id
    main = f"""<div class="{SKIN}path">当前位置: <a href="/">首页</a>&gt;&gt;<a href="{href(section(office, slug), from_=noise.path)}">{column}</a>&gt;&gt;正文</div>
<script language="javascript">_jsq_({tree},'/content.jsp',{number},{noise.visits}{number % 9})</script>
<form name="_newscontent_fromname"><div class="{SKIN}box">
<h2 align="center">{escape(article.title)}</h2>
<div align="center" class="{SKIN}info">发布时间：{article.published:%Y年%m月%d日} 09:{number % 60:02d}　编辑：{office.label}　点击：[<span id="hits">{noise.visits}</span>]　【字号：<a href="javascript:doZoom(18)">大</a> <a href="javascript:doZoom(16)">中</a> <a href="javascript:doZoom(14)">小</a>】</div>
<div id="vsb_content_501"><div class="v_news_content" id="zoom">
{body(article, office, files=site.files(article))}
<p class="vsbcontent_end" style="text-align:right;">（此件主动公开）</p>
</div></div>
<div id="div_vote_id"></div>
<p align="right">【<a href="javascript:window.opener=null;window.close();">关闭窗口</a>】【<a href="javascript:window.print();">打印</a>】</p>
</div></form>
{neighbours(site, article, noise).replace("一篇", "一条")}
{code(SKIN)}"""
    return frame(site, noise, title=f"{article.title}-{office.name}", main=main, column=column, article=article)


def _list(site: Site, slug: str, articles: Sequence[Article], paths: Sequence[str], at: int, noise: Noise) -> str:
    column = site.name(slug)
    here, count = paths[at], len(paths)
    items = "\n".join(
        f'<li id="line_u9_{n}"><a href="{href(address(site.office, slug, a), from_=here)}" target="_blank" title="{escape(a.title)}">'
        f"{escape(_short(a.title))}</a><span>{a.published:%Y-%m-%d}</span></li>"
        for n, a in enumerate(articles[at * PAGE : (at + 1) * PAGE])
    )

    def turn(label: str, to: int) -> str:
        if to == at or not 0 <= to < count:
            return f'<span class="p_no_d">{label}</span>'
        return f'<span class="p_fun"><a href="{href(paths[to], from_=here)}">{label}</a></span>'

    main = f"""<div class="{SKIN}path">当前位置: <a href="/">首页</a>&gt;&gt;{column}</div>
<div class="{SKIN}list"><ul>
{items}
</ul>
<div class="pb_sys_common"><span class="p_t">共{len(articles)}条</span> <span class="p_pages">{turn("首页", 0)}{turn("上页", at - 1)}<span class="p_no_d">{at + 1}/{count}</span>{turn("下页", at + 1)}{turn("尾页", count - 1)}</span></div>
</div>"""
    return frame(site, noise, title=f"{column}-{site.office.name}", main=main, column=column)


def _short(title: str) -> str:
    return title if len(title) <= 26 else f"{title[:25]}..."
