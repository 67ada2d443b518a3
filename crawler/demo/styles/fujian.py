"""TRS as Fujian has it: the first page of a list is static, the pages after it are posted for and come as JSON."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.api import ANY, asked, is_posted, json_answer, not_allowed, number
from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Answer, Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "trt-"
PAGE = 5
SEARCH = "/fjdzapp/search"
CHANNELS = "200210"


def section(_office: Office, slug: str) -> str:
    return f"/{slug}/index.htm"


def address(_office: Office, slug: str, article: Article) -> str:
    return f"/{slug}/{article.published:%Y%m}/t{article.published:%Y%m%d}_{article.id}.htm"


def attachment(_office: Office, slug: str, article: Article, file: File) -> str:
    return f"/{slug}/{article.published:%Y%m}/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str | Answer]]:
    return {
        section(site.office, slug): functools.partial(_list, site, slug, articles),
        SEARCH + ANY: functools.partial(_search, site),
    }


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office, column = site.office, site.name(slug)
    files = [(f"./{file.name}", file) for file in article.files]
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; <a href="../">{column}</a></div>
<div class="article_component"><div class="article_area"><div class="article_title">{escape(article.title)}</div>
<div class="article_attr"><span class="article_source">来源：{article.agency}</span> <span class="article_time">时间：{article.published:%Y-%m-%d} 09:{article.id % 60:02d}</span> {sharing(noise, SKIN)}</div>
<div class="article_content"><div class="TRS_Editor">
{body(article, office, files=files)}
</div></div></div></div>
{neighbours(site, article, noise)}
{code(SKIN)}"""
    return frame(site, noise, title=f"{article.title}_{office.name}", main=main, column=column, article=article)


def _channel(slug: str) -> str:
    return f"chnlid={1000 + sum(map(ord, slug))}"


def _list(site: Site, slug: str, articles: Sequence[Article], noise: Noise) -> str:
    column = site.name(slug)
    items = "\n".join(
        f'<dl><dd class="trt-col-sm-24"><a href="./{address(site.office, slug, a).removeprefix(f"/{slug}/")}" target="_blank" title="{escape(a.title)}">{escape(a.title)}</a></dd>'
        f'<dd class="trt-col-4">{a.published:%Y-%m-%d}</dd></dl>'
        for a in articles[:PAGE]
    )
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; {column}</div>
<div class="rules_tabs_01" ms-visible="showStatic">
{items}
</div>
<div class="rules_tabs_01" ms-visible="!showStatic" style="display: none"><dl ms-repeat="list"><dd><a ms-attr-href="el.chnldocurl" ms-text="el.doctitle|html" target="_blank"></a></dd><dd ms-text="el.docreltime|date('yyyy-MM-dd')"></dd></dl></div>
<script>
var SiteInfo = {{
    itpSiteId: 21,
    searchId: {CHANNELS}, //默认的文档检索频道的ID
    defaultPgTemp: "pgBar.html"
}};
</script>
<script>
require(["list2.trsapi", "tools"], function(listModel, tools) {{
    listModel({{
        quickMode: "动静结合",
        maxStaticIndex: 1,
        listArgs: {{
            channelid: SiteInfo.searchId,
            classsql: "" || "{_channel(slug)}",
            sortfield: "-docorderpri,-docreltime"
        }},
        pagebar: {{
            prepage: {PAGE},
            recordCount: '{len(articles)}',
            pgCountMode: "recordCount"
        }}
    }});
}});
</script>"""
    return frame(site, noise, title=f"{column}_{site.office.name}", main=main, column=column)


def _search(site: Site, noise: Noise) -> Answer:
    """Answer a posted search for one page of a channel."""
    if not is_posted(noise):
        return not_allowed()
    query = asked(noise)
    channels = {_channel(slug): articles for slug, articles in site.shelves.items()}
    articles = channels.get(query.get("classsql", ""), ()) if query.get("channelid") == CHANNELS else ()
    at, size = (max(1, number(query.get(key), default=n)) for key, n in (("page", 1), ("prepage", PAGE)))
    found = [
        {
            "doctitle": a.title,
            "chnldocurl": f"http://{site.office.host}{site.address(a)}",
            "docreltime": f"{a.published:%Y-%m-%d} 09:{a.id % 60:02d}:00",
        }
        for a in articles[(at - 1) * size : at * size]
    ]
    return json_answer({"data": found, "count": len(articles), "page": at, "pageCount": -(-len(articles) // size)})
