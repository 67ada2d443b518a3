"""Hanweb: a list is XML inside a script, ten records at a time, with the next ten behind dataproxy.jsp."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "hw-"
PAGE = 10


def section(_office: Office, slug: str) -> str:
    return f"/col/col{column_id(slug)}/index.html"


def address(_office: Office, slug: str, article: Article) -> str:
    day = article.published
    return f"/art/{day.year}/{day.month}/{day.day}/art_{column_id(slug)}_{article.id}.html"


def attachment(_office: Office, _slug: str, _article: Article, file: File) -> str:
    return f"/module/download/downfile.jsp?classid=0&filename={file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    further = range(2, -(-len(articles) // PAGE) + 1)
    first = {section(site.office, slug): functools.partial(_list, site, slug, articles)}
    return first | {_proxy(site.office, slug, k): functools.partial(_records, site, slug, articles, k) for k in further}


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office = site.office
    column = site.name(slug)
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; <a href="{section(office, slug)}">{column}</a></div>
<div class="article"><h1 class="{SKIN}title"><!--<$[信息名称]>begin-->{escape(article.title)}<!--<$[信息名称]>end--></h1>
<div class="{SKIN}info">发布日期：<!--<$[信息日期]>begin-->{article.published:%Y-%m-%d}<!--<$[信息日期]>end-->　信息来源：{office.name}　{sharing(noise, SKIN)}</div>
<div id="zoom" class="main-txt"><!--ZJEG_RSS.content.begin--><meta name="ContentStart"><!--<$[信息内容]>begin-->
{body(article, office, files=site.files(article))}
<!--<$[信息内容]>end--><meta name="ContentEnd"><!--ZJEG_RSS.content.end--></div>
<div class="{SKIN}foot">责任编辑：{office.label}001　{code(SKIN)}</div>
{neighbours(site, article, noise)}</div>"""
    return frame(
        site,
        noise,
        title=f"{office.name} {column} {article.title}",
        main=main,
        column=column,
        article=article,
    )


def column_id(slug: str) -> str:
    """Give the number of a column."""
    return slug if slug.isdigit() else f"1300{sum(map(ord, slug))}"


def _proxy(office: Office, slug: str, number: int) -> str:
    unit = f"unitid={sum(map(ord, office.label))}{len(slug)}"
    return f"/module/web/jpage/dataproxy.jsp?page={number}&webid=18&columnid={column_id(slug)}&{unit}"


def _records(site: Site, slug: str, articles: Sequence[Article], number: int, _noise: Noise | None = None) -> str:
    shown = articles[(number - 1) * PAGE : number * PAGE]
    more = number * PAGE < len(articles)
    following = f'<a href="{_proxy(site.office, slug, number + 1)}"></a>' if more else ""
    records = "\n".join(
        f'<record><![CDATA[<li><a href="{address(site.office, slug, a)}" target="_blank" title="{escape(a.title)}">'
        f'{escape(a.title)}</a><span class="bt-date">{a.published:%Y-%m-%d}</span></li>]]></record>'
        for a in shown
    )
    return f"""<datastore>
<nextgroup><![CDATA[{following}]]></nextgroup>
<recordset>
{records}
</recordset>
</datastore>"""


def _list(site: Site, slug: str, articles: Sequence[Article], noise: Noise) -> str:
    column = site.name(slug)
    unit = f"{sum(map(ord, site.office.label))}{len(slug)}"
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; {column}</div>
<div class="{SKIN}list"><div id="{unit}"><ul></ul></div>
<script type="text/xml">
{_records(site, slug, articles, 1)}
</script>
<script type="text/javascript">jQuery && jQuery(function(){{new jPage("{unit}",{{totalRecord:{len(articles)},perPage:{PAGE},proxyUrl:"/module/web/jpage/dataproxy.jsp"}});}});</script>
</div>"""
    return frame(site, noise, title=f"{site.office.name} {column}", main=main, column=column)
