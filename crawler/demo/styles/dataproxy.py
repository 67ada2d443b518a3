"""Hanweb where the pages after the first are posted for: the script on the page says what to send to dataproxy.jsp."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.api import ANY, asked, is_posted, not_allowed, number, xml_answer
from crawler.demo.frame import frame
from crawler.demo.model import Answer, Article, Office
from crawler.demo.site import Noise, Site
from crawler.demo.styles import hanweb

SKIN = hanweb.SKIN
PAGE = 6
PROXY = "/module/web/jpage/dataproxy.jsp"

section = hanweb.section
address = hanweb.address
attachment = hanweb.attachment
page = hanweb.page


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str | Answer]]:
    return {
        section(site.office, slug): functools.partial(_list, site, slug, articles),
        PROXY + ANY: functools.partial(_proxy, site),
    }


def _unit(office: Office, slug: str) -> str:
    return f"{sum(map(ord, office.label))}{sum(map(ord, slug)) % 1000:03d}"


def _list(site: Site, slug: str, articles: Sequence[Article], noise: Noise) -> str:
    office, column, unit = site.office, site.name(slug), _unit(site.office, slug)
    sent = {"col": 1, "appid": 1, "webid": 18, "path": "/", "columnid": hanweb.column_id(slug), "sourceContentType": 1}
    sent |= {"unitid": unit, "webname": office.name, "permissiontype": 0}
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; {column}</div>
<div class="{SKIN}list"><div id="{unit}"></div>
<script type="text/xml">
{_store(site, articles, first=1, last=PAGE, per=PAGE)}
</script>
<script type="text/javascript">jQuery(function(){{jQuery("#{unit}").jpage({{totalRecord:{len(articles)},perPage:{PAGE},groupSize:3,proxyUrl:'{PROXY}',ajaxParam:{json.dumps(sent, ensure_ascii=False)}}});}});</script>
</div>"""
    return frame(site, noise, title=f"{office.name} {column}", main=main, column=column)


def _proxy(site: Site, noise: Noise) -> Answer:
    """Answer with the records from startrecord to endrecord of a column."""
    if not is_posted(noise):
        return not_allowed()
    query = asked(noise)
    shelves = {(hanweb.column_id(slug), _unit(site.office, slug)): shelf for slug, shelf in site.shelves.items()}
    articles = shelves.get((query.get("columnid", ""), query.get("unitid", "")), ())
    per = max(1, number(query.get("perpage"), default=PAGE))
    first = max(1, number(query.get("startrecord"), default=1))
    last = number(query.get("endrecord"), default=first + per - 1)
    return xml_answer(
        f"<?xml version='1.0' encoding='UTF-8'?>\n{_store(site, articles, first=first, last=last, per=per)}"
    )


def _store(site: Site, articles: Sequence[Article], *, first: int, last: int, per: int) -> str:
    records = "\n".join(
        f'<record><![CDATA[<li><a href="{site.address(a)}" target="_blank" title="{escape(a.title)}">{escape(a.title)}</a><span>{a.published:%Y-%m-%d}</span></li>]]></record>'
        for a in articles[first - 1 : last]
    )
    return f"""<datastore>
<totalrecord>{len(articles)}</totalrecord><totalpage>{-(-len(articles) // per)}</totalpage>
<recordset>
{records}
</recordset>
</datastore>"""
