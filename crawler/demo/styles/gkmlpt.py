"""gkmlpt, Guangdong's disclosure platform: a page that is a script with a tree of categories, whose lists come as JSON.

What the platform does not hold is NFCMS.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from html import escape
from typing import Any

from crawler.demo.api import ANY, asked, json_answer, number
from crawler.demo.body import body
from crawler.demo.frame import code, frame, sharing
from crawler.demo.model import Answer, Article, File, Office
from crawler.demo.site import NEWS, REPORTS, ZONE, Noise, Site
from crawler.demo.styles import nfcms

SKIN = "gkml-"
PAGE = 5
CHINA = timezone(timedelta(hours=8))


def section(office: Office, slug: str) -> str:
    return "/gkmlpt/index" if slug in (office.slug, ZONE) else nfcms.section(office, slug)


def address(office: Office, slug: str, article: Article) -> str:
    if slug != office.slug:
        return nfcms.address(office, slug, article)
    return f"/gkmlpt/content/{article.id // 1_000_000}/{article.id // 1000}/post_{article.id}.html"


def attachment(office: Office, slug: str, article: Article, file: File) -> str:
    return f"/gkmlpt{nfcms.attachment(office, slug, article, file)}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str | Answer]]:
    if slug != site.office.slug:
        return nfcms.lists(site, slug, articles)
    interfaces = {
        f"/gkmlpt/api/all/{number}{ANY}": functools.partial(_articles, site, number, name)
        for number, name in _categories(site.office).items()
    }
    return {section(site.office, slug): functools.partial(_index, site), **interfaces}


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    if slug != site.office.slug:
        return nfcms.page(site, slug, article, noise)
    office, column = site.office, site.name(slug)
    text = body(article, office, files=site.files(article))
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; <a href="/gkmlpt/index#{_reports(office)}">{column}</a></div>
<div class="{SKIN}content"><table class="classify"><tr><td>索引号：999001{article.id}</td><td>分类：{column}</td></tr>
<tr><td>发布机构：{article.agency}</td><td>成文日期：{article.published:%Y-%m-%d}</td></tr>
<tr><td colspan="2">名称：{escape(article.title)}</td></tr><tr><td>文号：</td><td>发布日期：{article.published:%Y-%m-%d}</td></tr></table>
<h1 class="title">{escape(article.title)}</h1>
<div class="{SKIN}info">发布日期：{article.published:%Y-%m-%d} 09:{article.id % 60:02d} 来源：{article.agency} {sharing(noise, SKIN)}</div>
<div class="article-content">
{text}
</div></div>
{code(SKIN)}
{_config(office, DETAIL={**_entry(site, article, column), "content": text})}"""
    return frame(site, noise, title=f"{article.title} - {office.name}", main=main, column=column, article=article)


def _reports(office: Office) -> int:
    return 2000 + sum(map(ord, office.label)) % 900


def _categories(office: Office) -> Mapping[int, str]:
    """Number the categories: only two hold anything."""
    names = ["机构职能", "工作动态", "规划计划", "部门预决算", REPORTS]
    return dict(zip(range(_reports(office) - 4, _reports(office) + 1), names, strict=True))


def _config(office: Office, **more: Any) -> str:
    fields = {"SITE_ID": 100 + sum(map(ord, office.label)) % 800, **more, "SERVICE_AREA_ID": 9990}
    lines = ",\n".join(f"    {key}: {json.dumps(value)}".replace("<", "\\u003C") for key, value in fields.items())
    return f"<script>window._CONFIG = {{\n    SID: '{_sid(office)}',\n{lines}\n}};</script>"


def _sid(office: Office) -> str:
    return f"999{sum(map(ord, office.label)) % 1000:03d}"


def _index(site: Site, noise: Noise) -> str:
    """Write the page that is a script: its tree, and no list."""
    held = {"工作动态": len(site.news), REPORTS: len(site.column)}
    *under, last = (
        {"id": n, "name": name, "parent_id": 0, "jump_url": "", "post_count": held.get(name, 0), "children": []}
        for n, name in _categories(site.office).items()
    )
    top = {"id": _reports(site.office) + 1, "name": "法定主动公开内容", "parent_id": 0, "jump_url": ""}
    guide = {
        "id": _reports(site.office) + 2,
        "name": "政府信息公开指南",
        "jump_url": "/zcwj/index.html",
        "children": [],
    }
    tree = [guide, {**top, "post_count": len(site.news), "children": under}, last]
    main = f"""<div id="app"></div>
{_config(site.office, TREE=tree)}
<script src="/gkmlpt/static/js/app.js"></script>"""
    return frame(site, noise, title=f"政府信息公开目录 - {site.office.name}", main=main, column="政府信息公开目录")


def _articles(site: Site, category: int, name: str, noise: Noise) -> Answer:
    """Answer with one page of a category; pages 0 and 1 are the same."""
    held = {"工作动态": site.shelves[NEWS], REPORTS: site.column}.get(name, ())
    at = max(1, number(asked(noise).get("page"), default=1))
    return json_answer(
        {
            "classify": {"id": category, "name": name, "post_count": len(held)},
            "articles": [_entry(site, a, name) for a in held[(at - 1) * PAGE : at * PAGE]],
            "total": len(held),
        }
    )


def _entry(site: Site, article: Article, name: str) -> dict[str, Any]:
    day = article.published
    stamp = int(datetime(day.year, day.month, day.day, 9, article.id % 60, tzinfo=CHINA).timestamp())
    return {
        "id": article.id,
        "title": article.title,
        "publisher": article.agency,
        "document_number": "",
        "classify_main_name": name,
        "date": stamp,
        "first_publish_time": stamp,
        "display_publish_time": stamp,
        "created_at": f"{day:%Y-%m-%d} 09:{article.id % 60:02d}:00",
        "url": f"http://{site.office.host}{site.address(article)}",
        "post_url": "",
    }
