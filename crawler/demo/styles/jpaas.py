"""Hanweb's new jpaas: a column page is a script, and its list comes as HTML in JSON from the publish server's unit."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.api import ANY, asked, json_answer, number
from crawler.demo.dice import dice
from crawler.demo.frame import frame
from crawler.demo.model import Answer, Article, Office
from crawler.demo.site import Noise, Site
from crawler.demo.styles import hanweb

SKIN = hanweb.SKIN
PAGE = 6
UNIT = "/api-gateway/jpaas-publish-server/front/page/build/unit"

section = hanweb.section
attachment = hanweb.attachment
page = hanweb.page


def address(office: Office, _slug: str, article: Article) -> str:
    return f"/art/{article.published.year}/art_{_hex(office.label, article.id)}.html"


def lists(site: Site, slug: str, _articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str | Answer]]:
    return {
        section(site.office, slug): functools.partial(_list, site, slug),
        UNIT + ANY: functools.partial(_unit, site),
    }


def _hex(*key: object) -> str:
    return f"{dice(*key).getrandbits(128):032x}"


def _query(office: Office, slug: str) -> Mapping[str, str]:
    return {
        "parseType": "bulidstatic",
        "webId": _hex(office.label, "web"),
        "tplSetId": _hex("template"),
        "pageType": "column",
        "tagId": "信息列表",
        "editType": "null",
        "pageId": hanweb.column_id(slug),
    }


def _list(site: Site, slug: str, noise: Noise) -> str:
    column, query = site.name(slug), _query(site.office, slug)
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; {column}</div>
<div class="{SKIN}list"><div id="{query["tagId"]}"></div>
<script id="{_hex(slug)}" src="/script/unitbuild.js" webId="{query["webId"]}" parseType="bulidstatic" url="{UNIT}" queryData="{escape(json.dumps(query, ensure_ascii=False, separators=(",", ":")))}"></script>
</div>"""
    return frame(site, noise, title=f"{site.office.name} {column}", main=main, column=column)


def _unit(site: Site, noise: Noise) -> Answer:
    """Answer with one page of a column's list; pages are asked for in paramJson."""
    query = asked(noise)
    shelves = {hanweb.column_id(slug): articles for slug, articles in site.shelves.items()}
    articles = shelves.get(query.get("pageId", ""), ())
    try:
        wanted = json.loads(query.get("paramJson") or "{}")
    except ValueError:
        return json_answer({"code": "500", "message": "paramJson", "data": None})
    at, size = (number(str(wanted.get(key)), default=n) for key, n in (("pageNo", 1), ("pageSize", PAGE)))
    items = "\n".join(
        f'<li><a href="{site.address(a)}" target="_blank" title="{escape(a.title)}">{escape(a.title)}</a><b>{a.published:%Y-%m-%d}</b></li>'
        for a in articles[(at - 1) * size : at * size]
    )
    made = f"""<div class="page-content"><ul>
{items}
</ul></div><div class="pagination" rows="{size}" count="{len(articles)}" pageNo="{at}"></div>"""
    return json_answer({"code": "200", "success": True, "data": {"html": made}})
