"""龙讯 lonsun: reports at OpennessAnnualReport/show/ID.html, their list in a frame, its further pages behind a label.

The column's address, spage.xp, is only a frame around /public/column/ID.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.api import ANY, asked, fragment, number
from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Answer, Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "ls-"
PAGE = 6
LABEL = "/site/label/8888"


def section(office: Office, slug: str) -> str:
    return _framed(office) if slug == office.slug else f"/{slug}/index.html"


def address(office: Office, slug: str, article: Article) -> str:
    return f"/OpennessAnnualReport/show/{article.id}.html" if slug == office.slug else f"/{slug}/{article.id}.html"


def attachment(_office: Office, _slug: str, article: Article, file: File) -> str:
    return f"/group1/M00/{article.id % 97:02d}/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str | Answer]]:
    listed = functools.partial(_list, site, slug, articles)
    if slug != site.office.slug:
        return {section(site.office, slug): listed}
    return {
        _framed(site.office): functools.partial(_frame, site),
        _column(site.office): listed,
        LABEL + ANY: functools.partial(_label, site),
    }


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office, column = site.office, site.name(slug)
    main = f"""<div class="{SKIN}path">当前位置：<a href="/index.html">首页</a> &gt; <a href="{escape(section(office, slug))}">{column}</a></div>
<div class="{SKIN}con"><h1 class="newstitle">{escape(article.title)}</h1>
<div class="wzfbxx">发布日期：{article.published:%Y-%m-%d} 09:{article.id % 60:02d} 信息来源：{article.agency} {sharing(noise, SKIN)}</div>
<div class="wzcon j-fontContent">
{body(article, office, files=site.files(article))}
</div></div>
{neighbours(site, article, noise)}
{code(SKIN)}"""
    return frame(site, noise, title=f"{article.title}_{office.name}", main=main, column=column, article=article)


def _organ(office: Office) -> str:
    return f"66{sum(map(ord, office.label)):05d}"


def _framed(office: Office) -> str:
    return f"/public/spage.xp?doAction=sindex&unitid={_organ(office)}&frame=nb"


def _column(office: Office) -> str:
    return f"/public/column/{_organ(office)}?type=3&action=list"


def _frame(site: Site, noise: Noise) -> str:
    column = site.name(site.office.slug)
    main = f'<iframe name="nb" src="{escape(_column(site.office))}" width="100%" height="900" frameborder="0" scrolling="no"></iframe>'
    return frame(site, noise, title=f"{column}_{site.office.name}", main=main, column=column)


def _list(site: Site, slug: str, articles: Sequence[Article], noise: Noise) -> str:
    office, column, count = site.office, site.name(slug), -(-len(articles) // PAGE)
    main = f"""<div class="{SKIN}path">当前位置：<a href="/index.html">首页</a> &gt; {column}</div>
<div class="gk_list" id="public_list">{_items(site, articles[:PAGE])}</div>
<div class="page" id="page_public_info"></div>
<script>
$(function () {{
    Ls.pagination("#page_public_info", function (pageIndex, pageSize) {{
        Ls.ajax({{ dataType: "html", url: "{LABEL}?IsAjax=1&dataType=html", data: {{
            siteId: "9990011", pageSize: "{PAGE}", pageIndex: pageIndex, action: "list", isDate: "true", dateFormat: "yyyy-MM-dd",
            length: "46", organId: "{_organ(office)}", type: "3", catId: "", cId: "", result: "暂无相关信息",
            labelName: "publicInfoList", file: "/yx/publicInfoList"
        }} }});
    }}, {{ pageIndex: 1, pageCount: {count}, total: {len(articles)} }});
}});
</script>"""
    return frame(site, noise, title=f"{column}_{office.name}", main=main, column=column)


def _label(site: Site, noise: Noise) -> Answer:
    """Answer with one page of the organ's list as a piece of HTML, asked for by GET or by POST."""
    query = asked(noise)
    wanted = query.get("labelName") == "publicInfoList" and query.get("organId") == _organ(site.office)
    at, size = (max(1, number(query.get(key), default=n)) for key, n in (("pageIndex", 1), ("pageSize", PAGE)))
    shown = site.column[(at - 1) * size : at * size] if wanted else ()
    return fragment(_items(site, shown) if shown else "暂无相关信息")


def _items(site: Site, articles: Sequence[Article]) -> str:
    items = "\n".join(
        f'<li><div><a class="title" href="{site.address(a)}" target="_blank" title="{escape(a.title)}">{escape(a.title)}</a></div><span class="date">{a.published:%Y-%m-%d}</span></li>'
        for a in articles
    )
    return f"<ul>\n{items}\n</ul>"
