"""TRS WCM: index.html, index_1.html and a script that pages; tYYYYMMDD_ID.html; a style sheet inside the editor's box."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from html import escape

from crawler.demo.body import body
from crawler.demo.frame import code, frame, neighbours, sharing
from crawler.demo.model import Article, File, Office
from crawler.demo.site import Noise, Site

SKIN = "pz_"
PAGE = 12


def section(_office: Office, slug: str) -> str:
    return f"/{slug}/index.html"


def address(_office: Office, slug: str, article: Article) -> str:
    return f"/{slug}/{article.published:%Y%m}/t{article.published:%Y%m%d}_{article.id}.html"


def attachment(_office: Office, slug: str, article: Article, file: File) -> str:
    return f"/{slug}/{article.published:%Y%m}/{file.name}"


def lists(site: Site, slug: str, articles: Sequence[Article]) -> Mapping[str, Callable[[Noise], str]]:
    count = max(1, -(-len(articles) // PAGE))
    return {
        f"/{slug}/index{f'_{k}' if k else ''}.html": functools.partial(
            _list, site, slug, articles[k * PAGE : (k + 1) * PAGE], k, count
        )
        for k in range(count)
    }


def page(site: Site, slug: str, article: Article, noise: Noise) -> str:
    office = site.office
    files = [(f"./{file.name}", file) for file in article.files]
    column = site.name(slug)
    main = f"""<div class="{SKIN}path">当前位置：<a href="/" class="CurrChnlCls">首页</a>&gt;<a href="../index.html" class="CurrChnlCls">{column}</a></div>
<div class="xxy">
<div class="z1"><font style="FONT-SIZE: 22pt" face="黑体">{escape(article.title)}</font></div>
<div class="z2"> 来源：{office.name}    时间：{article.published:%Y-%m-%d} 09:{article.id % 60:02d} {sharing(noise, SKIN)}</div>
<div class="z3" id="zoom">
<div class="TRS_Editor"><div class="TRS_Editor"><style type="text/css">
.TRS_Editor P{{line-height:2;font-family:宋体;font-size:12pt;}}.TRS_Editor DIV{{line-height:2;font-family:宋体;font-size:12pt;}}.TRS_Editor TD{{line-height:1.5;font-family:宋体;font-size:12pt;}}
</style>
{body(article, office, files=files)}
</div></div>
<p class="bianji">责任编辑：{office.label}　审核：办公室</p>
</div>
{neighbours(site, article, noise)}
{code(SKIN)}
</div>"""
    return frame(site, noise, title=f"{article.title}-{office.name}", main=main, column=column, article=article)


def _list(site: Site, slug: str, articles: Sequence[Article], at: int, count: int, noise: Noise) -> str:
    column = site.name(slug)
    item = _double if site.office.pager == "createPageHTML" else _single
    items = "\n\n".join(item(f"./{address(site.office, slug, a).removeprefix(f'/{slug}/')}", a) for a in articles)
    call = (
        f'createPageHTML({count}, {at}, "index", "html");'
        if site.office.pager == "createPageHTML"
        else f"Pager({{size:{count}, current:{at}, prefix:'index',suffix:'html',visible:5,beforeEnd:2,textboxEnabled:true}});"
    )
    main = f"""<div class="{SKIN}path">当前位置：首页&gt;信息公开&gt;{column}</div>
<div class="c_800"><div class="t_800">{column} </div><div class="d_960_3"><ul>

{items}

</ul>
<div class="{SKIN}fy" id="fenye"><script type="text/javascript">{call}</script></div>
</div></div>"""
    return frame(site, noise, title=f"{column}-{site.office.name}", main=main, column=column)


def _double(url: str, article: Article) -> str:
    """Write an entry with its link opened twice, as one template on the live web does."""
    return f'<li><span> {article.published:%Y-%m-%d} </span><a href="{url}"><a href="{url}">{escape(article.title)}</a></li>'


def _single(url: str, article: Article) -> str:
    return f'<li><a href="{url}" title="{escape(article.title)}" target="_blank">{escape(article.title)}</a><span>[{article.published:%Y-%m-%d}]</span></li>'
