"""An office's first page, its disclosure page, and the page that is nobody's business."""

from __future__ import annotations

import posixpath
from html import escape

from crawler.demo.frame import frame
from crawler.demo.site import INTRANET, OPEN, REPORTS, ZONE, Noise, Site


def home(site: Site, noise: Noise) -> str:
    """Write a site's first page; how it leads to the report column is the office's habit."""
    office, skin = site.office, site.skin
    items = "\n".join(
        f'<li><a href="{escape(site.address(a))}" title="{escape(a.title)}">{escape(a.title)}</a><span>{a.published:%m-%d}</span></li>'
        for a in site.news
    )
    main = f"""<div class="{skin}left"><div class="{skin}pic"><img src="/images/hdp.jpg" width="560" height="320" alt=""></div>
<div class="{skin}news"><h3>工作动态</h3><ul>
{items}
</ul></div>
<div class="{skin}box"><h3>通知公告</h3><ul>
{items}
</ul></div></div>
<div class="{skin}right">
{_openness(site, route=office.route)}
<div class="{skin}side"><h3>网上办事</h3>{"".join(f'<a href="javascript:;">{t}</a> ' for t in office.topics)}</div>
<div class="{skin}side"><h3>内部链接</h3>{f'<a href="{INTRANET}index.html">内部工作</a> ' if site.guarded else ""}<a href="javascript:;">邮箱登录</a> <a href="javascript:;">协同办公</a></div>
</div>"""
    return frame(site, noise, title=office.name, main=main, column="首页")


def openness(site: Site, noise: Noise) -> str:
    """Write the 政务公开 page, which leads on to the disclosure page."""
    skin = site.skin
    main = f"""<div class="{skin}path">当前位置：首页 &gt; 政务公开</div>
<div class="{skin}box"><ul>
<li><a href="{site.section("zcwj")}">政策文件</a></li>
<li><a href="javascript:;">政策解读</a></li>
<li><a href="{site.section(ZONE)}">政府信息公开</a></li>
<li><a href="javascript:;">基层政务公开标准化规范化</a></li>
</ul></div>"""
    return frame(site, noise, title=f"政务公开-{site.office.name}", main=main, column="政务公开")


def zone(site: Site, noise: Noise) -> str:
    """Write the disclosure page that stands between the first page and the report column."""
    skin, route = site.skin, "image" if site.office.route == "image" else "menu"
    main = f"""<div class="{skin}path">当前位置：首页 &gt; 政府信息公开</div>
{_openness(site, route=route)}
<div class="{skin}box"><p>本栏目依法公开{site.office.name}的机构职能、政策文件、{"、".join(site.office.topics)}等信息。</p></div>"""
    return frame(site, noise, title=f"政府信息公开-{site.office.name}", main=main, column="政府信息公开")


def intranet(site: Site, noise: Noise) -> str:
    """Write a page that robots.txt asks crawlers to leave alone."""
    office = site.office
    entries = (f"{office.name}{a.year}年政府信息公开年度报告（内部征求意见稿）" for a in site.column if a.year)
    items = "\n".join(f'<li><a href="{INTRANET}{n}.html">{title}</a></li>' for n, title in enumerate(entries))
    return frame(site, noise, title=f"内部工作-{office.name}", main=f"<ul>\n{items}\n</ul>", column="内部工作")


def _openness(site: Site, *, route: str) -> str:
    """Write the box of links about disclosure; by other routes than menu and image it only leads on."""
    skin, column = site.skin, escape(site.section(site.office.slug))
    deep = route == "deep"
    zone, head = (site.section(OPEN), "政务公开") if deep else (site.section(ZONE), "政府信息公开")
    links = {
        "menu": f'<li><a href="{column}">{REPORTS}</a></li>',
        "image": f'<li><a href="{posixpath.dirname(column)}/"><img src="/images/pic_04.jpg" width="240" height="60"></a></li>',
    }
    return f"""<div class="{skin}side"><h3><a href="{zone}">{head}</a></h3><ul>
<li><a href="javascript:;">政府信息公开指南</a></li>
<li><a href="javascript:;">政府信息公开制度</a></li>
<li><a href="{zone}">法定主动公开内容</a></li>
{links.get(route, "")}
<li><a href="javascript:;">依申请公开</a></li>
</ul></div>"""
