"""The frame of every page: head, banner, menus, footer, and the widgets that stand around an article."""

from __future__ import annotations

from html import escape

from crawler.demo.dice import dice
from crawler.demo.model import Article, Office
from crawler.demo.site import REPORTS, ZONE, Noise, Site, href


def frame(site: Site, noise: Noise, *, title: str, main: str, column: str = "", article: Article | None = None) -> str:
    """Put a page together around its main part; `column` and `article` are told in the head."""
    office, skin = site.office, site.skin
    charset = f'<meta http-equiv="Content-Type" content="text/html; charset={office.meta}">' if office.meta else ""
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
{charset}
<meta http-equiv="X-UA-Compatible" content="IE=edge,chrome=1">
{_metas(office, noise, column, article)}
<title>{escape(title)}</title>
<style type="text/css">
{_css(skin)}
</style>
<script type="text/javascript">
{_script(skin)}
var _sid="{noise.session}",_tk="{noise.token}",_now="{noise.today:%Y/%m/%d}";
</script>
</head>
<body>
<div class="{skin}top"><div class="{skin}w"><span class="{skin}welcome">欢迎访问{office.name}网站！今天是{noise.today.year}年{noise.today.month}月{noise.today.day}日</span>
<span class="{skin}tools"><a href="javascript:toTrad();">繁體版</a> | <a href="javascript:;" onclick="setHome(this)">设为首页</a> | <a href="javascript:;">无障碍浏览</a> | <a href="javascript:;">长者模式</a></span></div></div>
<div class="{skin}banner"><div class="{skin}w"><a href="/"><img src="/images/logo.png" alt="{office.name}" width="520" height="90"></a>
<form id="searchform" name="searchform" action="/search" method="get" onsubmit="return checkInput();"><input type="hidden" name="sid" value="{noise.session}"><input id="textfield" name="searchword" type="text" value="" placeholder="请输入关键词"><input type="submit" value="搜索"></form>
</div></div>
{_menu(site, skin)}
<div class="{skin}main"><div class="{skin}w">
{main}
</div></div>
{_friends(site, skin)}
<div class="{skin}footer"><div class="{skin}w">
<p><a href="javascript:;">网站地图</a> | <a href="javascript:;">关于我们</a> | <a href="javascript:;">联系我们</a> | <a href="javascript:;">版权声明</a></p>
<p>主办单位：{office.name}　承办单位：云岫县大数据中心　地址：云岫县云岫镇</p>
<p>云ICP备99900100号-1　网站标识码：{_site_code(office)}　云公网安备 99900102000018号</p>
<p>建议您使用1366×768分辨率、IE9.0以上版本浏览器浏览本网站　您是第{noise.visits * 7}位访问者</p>
</div></div>
<script type="text/javascript">visit("{noise.token}",{noise.visits});</script>
</body>
</html>
"""


def sharing(noise: Noise, skin: str) -> str:
    """Write the row of buttons that stands above or below an article."""
    return f"""<div class="{skin}share">字号：[ <a href="javascript:doZoom(18)">大</a> <a href="javascript:doZoom(16)">中</a> <a href="javascript:doZoom(14)">小</a> ]
<a href="javascript:window.print();">打印</a> <a href="javascript:window.close();">关闭</a>
<span class="bdsharebuttonbox">分享到：<a href="javascript:;" title="分享到微信">微信</a><a href="javascript:;" title="分享到新浪微博">微博</a><a href="javascript:;" title="分享到QQ空间">QQ空间</a></span>
浏览次数：<span id="hits">{noise.visits}</span></div>"""


def code(skin: str) -> str:
    """Write the square to photograph with a telephone."""
    return f'<div class="{skin}ewm"><img src="/images/ewm.png" width="110" height="110" alt="二维码"><p>扫一扫在手机打开当前页</p></div>'


def neighbours(site: Site, article: Article, noise: Noise) -> str:
    """Link the articles before and after this one, and some news of the day."""
    shelf = site.shelves[site.slug(article)]
    at = next(n for n, a in enumerate(shelf) if a is article)

    def link(a: Article) -> str:
        return f'<a href="{escape(href(site.address(a), from_=noise.path))}">{escape(a.title)}</a>'

    before, after = ("".join(map(link, around)) or "没有了" for around in (shelf[:at][-1:], shelf[at + 1 :][:1]))
    related = dice(noise.token).sample(site.news, 4)
    items = "".join(f"<li>{link(a)}<span>{a.published:%m-%d}</span></li>" for a in related if a is not article)
    return f"""<div class="prevnext"><p>上一篇：{before}</p><p>下一篇：{after}</p></div>
<div class="related"><h4>相关新闻</h4><ul>{items}</ul></div>"""


def _metas(office: Office, noise: Noise, column: str, article: Article | None) -> str:
    metas = {"SiteName": office.name, "SiteDomain": office.host, "SiteIDCode": _site_code(office)}
    if column:
        metas |= {"ColumnName": column, "ColumnKeywords": f"{office.name},{column}", "ColumnType": column}
        metas["ColumnDescription"] = f"{office.name}{column}栏目"
    if article:
        metas |= {"ArticleTitle": article.title, "PubDate": f"{article.published:%Y-%m-%d} 09:{article.id % 60:02d}"}
        metas |= {"ContentSource": article.agency, "Url": f"http://{office.host}{noise.path}"}
    return "\n".join(f'<meta name="{name}" content="{escape(content)}">' for name, content in metas.items())


def _site_code(office: Office) -> str:
    return f"999001{sum(map(ord, office.label)) % 10000:04d}"


def _menu(site: Site, skin: str) -> str:
    below = "".join(f'<dd><a href="javascript:;" title="{t}">{t}</a></dd>' for t in site.office.topics)
    panel = f'<dd><a href="{site.section(ZONE)}">政府信息公开指南</a></dd><dd><a href="{escape(site.section(site.office.slug))}" title="{REPORTS}"><i></i>{REPORTS}</a></dd>'
    panels = {ZONE: panel} if site.office.route == "mega" else {}
    items = "".join(
        f'<li class="{skin}nav_{slug}"><a href="{site.section(slug)}">{name}</a><dl>{panels.get(slug, below)}</dl></li>'
        for slug, name in site.menu.items()
    )
    return f'<div class="{skin}menu"><ul class="{skin}w"><li><a href="/">网站首页</a></li>{items}</ul></div>'


def _friends(site: Site, skin: str) -> str:
    towns = [f"{a}{b}镇" for a in "望临安平长永" for b in "川江湾原丘"]
    options = {
        "县直部门网站": site.links,
        "乡镇网站": [(town, f"http://www.town{n:02d}.example/") for n, town in enumerate(towns)],
        "周边县市": [
            (f"{town[:2]}县人民政府", f"http://www.county{n:02d}.gov.example/") for n, town in enumerate(towns)
        ],
    }
    selects = "".join(
        f'<select class="{skin}links" onchange="openLink(this)"><option value="">---{head}---</option>'
        + "".join(f'\n<option value="{url}" title="{name}">{name}</option>' for name, url in named)
        + "</select>\n"
        for head, named in options.items()
    )
    return f'<div class="{skin}friends"><div class="{skin}w"><span>友情链接</span>\n{selects}</div></div>'


def _css(skin: str) -> str:
    parts = [
        "top",
        "banner",
        "menu",
        "main",
        "list",
        "path",
        "title",
        "info",
        "share",
        "box",
        "side",
        "links",
        "footer",
    ]
    rules = [
        f""".{skin}{part}{{margin:0 auto;padding:{n % 7 + 2}px {n % 5 + 4}px;font-size:{13 + n % 4}px;line-height:{24 + n % 9}px;}}
.{skin}{part} a{{color:#{n * 9:02x}3366;text-decoration:none;}}
.{skin}{part} a:hover{{color:#c00;text-decoration:underline;}}
.{skin}{part} li{{height:{30 + n % 8}px;border-bottom:1px dashed #ccc;background:url(/images/dot{n % 3}.gif) no-repeat left center;}}
.{skin}{part} h3{{font-weight:bold;font-size:{16 + n % 3}px;border-left:4px solid #036;padding-left:{n + 4}px;}}"""
        for n, part in enumerate(parts)
    ]
    return "\n".join(
        [
            "body{font-family:'Microsoft YaHei',SimSun,sans-serif;font-size:14px;color:#333;margin:0;}",
            "ul,dl,dd{list-style:none;margin:0;padding:0;}",
            *rules,
            f".{skin}w{{width:1200px;max-width:96%;margin:0 auto;}}",
            f".{skin}menu li{{display:inline-block;position:relative;margin-right:18px;}}",
            f".{skin}menu dl{{display:none;}}",
        ]
    )


def _script(skin: str) -> str:
    return f"""function $id(name){{return document.getElementById(name);}}
function checkInput(){{var v=$id("textfield").value;if(!v||v==="请输入关键词"){{alert("请输入关键词！");return false;}}return true;}}
function doZoom(size){{var z=$id("zoom")||document.body;z.style.fontSize=size+"px";var p=z.getElementsByTagName("p");for(var i=0;i<p.length;i++){{p[i].style.fontSize=size+"px";}}}}
function openLink(box){{var url=box.options[box.selectedIndex].value;if(url){{window.open(url);}}}}
function setHome(link){{try{{link.style.behavior="url(#default#homepage)";link.setHomePage(location.href);}}catch(e){{alert("您的浏览器不支持此操作，请手动设置。");}}}}
function toTrad(){{alert("繁體版正在建設中");}}
function visit(token,count){{var span=$id("hits");if(span){{span.innerHTML=count;}}window._visit={{token:token,count:count}};}}
function tab(group,index){{var i=0,head,part;while((head=$id("{skin}"+group+"_"+i))){{part=$id("{skin}"+group+"_box_"+i);head.className=i===index?"on":"";if(part){{part.style.display=i===index?"block":"none";}}i++;}}}}
function createPageHTML(count,index,name,ext){{if(count<=1){{return;}}var html="";for(var i=0;i<count;i++){{var url=i===0?name+"."+ext:name+"_"+i+"."+ext;html+=i===index?"<span>"+(i+1)+"</span> ":"<a href='"+url+"'>"+(i+1)+"</a> ";}}document.write(html);}}
function Pager(settings){{createPageHTML(settings.size,settings.current,settings.prefix,settings.suffix);}}
window.onerror=function(){{return true;}};"""
