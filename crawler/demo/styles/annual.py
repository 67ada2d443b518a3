"""Hanweb's report page: xxgkAnnualReport.jsp gives one report an office and year, and no list anywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.frame import code, frame, sharing
from crawler.demo.model import Article, File, Office
from crawler.demo.site import REPORTS, Noise, Site
from crawler.demo.styles import hanweb

SKIN = hanweb.SKIN


def section(office: Office, slug: str) -> str:
    return _year(office, max(office.years, default=2008)) if slug == office.slug else hanweb.section(office, slug)


def address(office: Office, slug: str, article: Article) -> str:
    return _year(office, article.year) if article.year else hanweb.address(office, slug, article)


def attachment(office: Office, slug: str, article: Article, file: File) -> str:
    return hanweb.attachment(office, slug, article, file)


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    if slug != site.office.slug:
        return hanweb.lists(site, slug, articles)
    return {_year(site.office, year): functools.partial(_none, site, year) for year in range(2000, 2031)}


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    if not article.year:
        return hanweb.page(site, slug, article, noise)
    return _frame(site, article.year, noise, article, body(article, site.office, files=site.files(article)))


def _year(office: Office, year: int) -> str:
    return f"/module/xxgk/xxgkAnnualReport.jsp?area={_area(office)}&fbtime={year}"


def _none(site: Site, year: int, noise: Noise) -> str:
    return _frame(site, year, noise, None, f"<p>暂无{year}年的年度报告。</p>")


def _frame(site: Site, year: int, noise: Noise, article: Article | None, text: str) -> str:
    office = site.office
    title = escape(article.title) if article else ""
    dated = (
        f"<span>生成日期：{article.published:%Y-%m-%d}</span> <span>发布机构：{office.name}</span>" if article else ""
    )
    main = f"""<div class="{SKIN}path">当前位置：<a href="/">首页</a> &gt; 政府信息公开 &gt; {REPORTS}</div>
<div class="xxgk_nb" id="div_nb_{year}"><h2 class="{SKIN}title">{title}</h2>
<div class="{SKIN}info">{dated} {sharing(noise, SKIN) if article else ""}</div>
<div id="zoom" class="nb_content">
{text}
</div></div>
{code(SKIN) if article else ""}"""
    return frame(site, noise, title=f"{office.name}{REPORTS}", main=main, column=REPORTS)


def _area(office: Office) -> str:
    """Give the 18 characters by which the county's report page knows an office."""
    return f"11999001MB{sum(map(ord, office.label)) * 37:07d}E"
