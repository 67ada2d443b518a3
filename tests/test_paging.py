"""From the first page of a list to every report in it, on small sites in each family's own shapes."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlencode

import pytest

from crawler.families import family_of
from crawler.page import Page, post
from crawler.titles import judge

HOST = "http://mz.yunxiu.example"
MOST_PAGES = 60
Site = tuple[str, dict[str, str]]
Reports = Sequence[tuple[str, str]]


def test_every_report_is_reached_from_the_first_page(case: Case) -> None:
    family, build, address, total = case
    reports = [
        (HOST + address.format(n), f"云岫县第{n}中心2020年政府信息公开工作年度报告") for n in range(1001, 1001 + total)
    ]
    start, site = build(reports)
    found, asked = [], set[str]()
    coming = deque([start])
    while coming:
        url = coming.popleft()
        if url not in asked:
            asked.add(url)
            assert len(asked) <= MOST_PAGES, "no end"
            page = Page(url=url, text=site[url])
            assert family_of(page).__name__.rpartition(".")[2] == family, url
            found += [(link.url, link.title) for link in family_of(page).links(page) if judge(link) == "report"]
            coming.extend(family_of(page).next_pages(page))
    assert sorted(found) == reports
    assert asked == site.keys()


def pages_of(reports: Reports, size: int) -> Iterator[tuple[int, Reports]]:
    return ((start // size + 1, reports[start : start + size]) for start in range(0, len(reports), size))


def items(shown: Reports) -> str:
    return "".join(
        f'<li><a href="{url}" title="{title}">{title}</a><span>2021-01-20</span></li>' for url, title in shown
    )


def html(body: str) -> str:
    return f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>年报</title></head><body><a href="/">首页</a>{body}</body></html>'


def static(
    name: Callable[[int], str], pager: Callable[[int, int], str], *, mark: str = ""
) -> Callable[[Reports], Site]:
    """Build a list of static pages: `name(k)` is the address of page k of N, `pager(k, N)` what turns it."""

    def build(reports: Reports) -> Site:
        pages = list(pages_of(reports, 10))
        site = {HOST + name(k): html(f"{mark}<ul>{items(shown)}</ul>{pager(k, len(pages))}") for k, shown in pages}
        return HOST + name(1), site

    return build


def datastore(shown: Reports, head: str = "") -> str:
    records = "".join(f"<record><![CDATA[{items([report])}]]></record>" for report in shown)
    return f"<datastore>{head}<recordset>{records}</recordset></datastore>"


def hanweb_groups(reports: Reports) -> Site:
    """Each group names the next one."""
    proxy = f"{HOST}/module/web/jpage/dataproxy.jsp?page={{}}&webid=7&columnid=1234&unitid=401"
    pages = list(pages_of(reports, 10))
    site = {}
    for k, shown in pages:
        following = f'<a href="{proxy.format(k)}"></a>' if k < len(pages) else ""
        site[proxy.format(k - 1)] = datastore(shown, f"<nextgroup><![CDATA[{following}]]></nextgroup>")
    start = f"{HOST}/col/col1234/index.html"
    return start, {start: html(f'<script type="text/xml">{site.pop(proxy.format(0))}</script>')} | site


def hanweb_total(reports: Reports) -> Site:
    """The page names the first group, and the answers how many there are."""
    proxy = f"{HOST}/module/web/jpage/dataproxy.jsp?page={{}}&appid=1&webid=7&path=/&columnid=1234&unitid=401"
    pages = list(pages_of(reports, 10))
    head = f"<totalrecord>{len(reports)}</totalrecord><totalpage>{len(pages)}</totalpage>"
    start = f"{HOST}/col/col1234/index.html"
    first = datastore([], f'<nextgroup><![CDATA[<a href="{proxy.format(1)}"></a>]]></nextgroup>')
    site = {proxy.format(k): datastore(shown, head) for k, shown in pages}
    return start, {start: html(f'<script type="text/xml">{first}</script>')} | site


def hanweb_posts(reports: Reports, wrap: Callable[[str], str] = str) -> Site:
    """The script says what to post for which records."""
    params = {"col": "1", "appid": "1", "webid": "7", "path": "/", "columnid": "1234", "sourceContentType": "1",
              "unitid": "401", "webname": "云岫县民政局", "permissiontype": "0"}  # fmt: skip
    start = f"{HOST}/col/col1234/index.html"
    script = f"""<script>$(function(){{$('#401').jpage({{themeName:'default',totalRecord:{len(reports)},openCookies:false,
        dataStore:dataStore401,groupSize:2,proxyUrl:'/module/web/jpage/dataproxy.jsp',perPage:5,
        ajaxParam:{json.dumps(params, ensure_ascii=False)}}});}});</script>"""
    head = f"<totalrecord>{len(reports)}</totalrecord><totalpage>{-(-len(reports) // 5)}</totalpage>"
    site = {start: html(f'<div id="401"><script type="text/xml">{datastore(reports[:10])}</script></div>{script}')}
    for k, shown in list(pages_of(reports, 10))[1:]:
        span = f"startrecord={k * 10 - 9}&endrecord={k * 10}&perpage=5"
        site[post(f"{HOST}/module/web/jpage/dataproxy.jsp?{span}", params)] = wrap(datastore(shown, head))
    return start, site


def hanweb_json(reports: Reports) -> Site:
    return hanweb_posts(reports, lambda xml: json.dumps({"code": 200, "data": {"xml": xml}}, ensure_ascii=False))


def jpaas(reports: Reports) -> Site:
    start = f"{HOST}/zfxxgk/ndbg/index.html"
    query = {"parseType": "bulidstatic", "webId": "7", "tplSetId": "Ms7", "pageType": "column", "tagId": "当前栏目list",
             "editType": "null", "pageId": "1234"}  # fmt: skip
    unit = "/api-gateway/jpaas-publish-server/front/page/build/unit"
    site = {start: html(f"""<script src="/script/unitbuild.js" url="{unit}" queryData="{query}"></script>""")}
    for k, shown in pages_of(reports, 10):
        further = {"paramJson": json.dumps({"pageNo": k, "pageSize": 10}, separators=(",", ":"))} if k > 1 else {}
        pager = f'<div class="pagination" rows="10" count="{len(reports)}" pageNo="{k}"></div>'
        answer = {"success": True, "data": {"html": f'<div class="page-content"><ul>{items(shown)}</ul></div>{pager}'}}
        site[f"{HOST}{unit}?{urlencode(query | further)}"] = json.dumps(answer)
    return start, site


def trs_fujian(reports: Reports) -> Site:
    start = f"{HOST}/zwgk/zfxxgknb/nlist.htm"
    (_, first), *more = pages_of(reports, 10)
    script = f"""<script>var SiteInfo = {{ itpSiteId: 21, searchId: 200210 }};</script><script>
        require(["list2.trsapi", "tools"], function(listModel, tools) {{ listModel({{ maxStaticIndex: 1,
        listArgs: {{ channelid: SiteInfo.searchId, classsql: "" || "chnlid=7", sortfield: "-docorderpri,-docreltime" }},
        pagebar: {{ prepage: 10, recordCount: '{len(reports)}' }} }}); }});</script>"""
    site = {start: html(f'<div class="rules_tabs_01"><ul>{items(first)}</ul></div>{script}')}
    asked = {"channelid": "200210", "classsql": "chnlid=7", "sortfield": "-docorderpri,-docreltime", "prepage": "10"}
    for k, shown in more:
        data = [{"doctitle": title, "chnldocurl": url, "docreltime": 1611100800000} for url, title in shown]
        answer = {"data": data, "pageCount": len(more) + 1}
        site[post(f"{HOST}/fjdzapp/search", asked | {"page": str(k)})] = json.dumps(answer, ensure_ascii=False)
    return start, site


def gkmlpt(reports: Reports) -> Site:
    start = f"{HOST}/mzj/gkmlpt/index"
    tree = [
        {
            "id": 5,
            "name": "法定主动公开内容",
            "children": [{"id": 6, "name": "通知公告", "children": [], "jump_url": ""}],
        },
        {"id": 7, "name": "政府信息公开年报", "children": [], "jump_url": "", "post_count": len(reports)},
    ]
    config = f"window._CONFIG = {{ SID: '999001', TREE: {json.dumps(tree)}, SERVICE_AREA_ID: 1 }};"
    site = {start: html(f"<script>{config}</script>")}
    for k, shown in pages_of(reports, 100):
        articles = [{"id": k, "title": title, "url": url, "post_url": ""} for url, title in shown]
        answer = {"articles": articles, "classify": {"id": 7, "post_count": len(reports)}, "total": len(reports)}
        site[f"{HOST}/mzj/gkmlpt/api/all/7?page={k}&sid=999001"] = json.dumps(answer)
    return start, site


def lonsun(reports: Reports) -> Site:
    start = f"{HOST}/public/column/33?type=4&catId=7&action=list"
    said = {"siteId": "9", "pageSize": "10", "pageIndex": "1", "action": "list", "organId": "33", "type": "4",
            "catId": "7", "file": "/xxgk/publicInfoList_newest2020"}  # fmt: skip
    call = f"""Ls.ajax({{dataType: "html", url: "/site/label/8888?IsAjax=1&labelName=publicInfoList", data: {said}}})"""
    site = {start: html(f'<div id="list"></div><script>{call}</script>')}
    count = -(-len(reports) // 10)
    for k, shown in pages_of(reports, 10):
        query = urlencode({"IsAjax": "1", "labelName": "publicInfoList"} | said | {"pageIndex": k})
        script = f"<script>Ls.pagination('#page', load, {{pageCount: {count}, pageIndex: {k}}});</script>"
        site[f"{HOST}/site/label/8888?{query}"] = f'<ul class="xxgk_nav_list">{items(shown)}</ul>{script}'
    return start, site


def numbers(name: Callable[[int], str]) -> Callable[[int, int], str]:
    """Write a pager of links: the pages around, the next and the last."""

    def pager(k: int, last: int) -> str:
        near = "".join(f'<a href="{name(n)}">{n}</a>' for n in range(max(1, k - 1), min(last, k + 1) + 1) if n != k)
        return near + (f'<a href="{name(k + 1)}">下一页</a><a href="{name(last)}">尾页</a>' if k < last else "")

    return pager


def by_number(first: str, others: str, *, of: Callable[[int], int] = int) -> Callable[[int], str]:
    """Name the pages of a list: the first, and the others by the number of page k."""
    return lambda k: first if k == 1 else others.format(of(k))


NFCMS = by_number("/zwgk/zfxxgknb/index.html", "/zwgk/zfxxgknb/index_{}.html")
LONSUN = by_number("/opennessAnnualReport/?branch_id=5", "/opennessAnnualReport/?branch_id=5&page={}")
TRS = by_number("/zfxxgk/ndbg/index.html", "/zfxxgk/ndbg/index_{}.html", of=lambda k: k - 1)
VSB = by_number("/xxgk/ndbg.htm", "/xxgk/ndbg/{}.htm", of=lambda k: 6 - k)
SITEGRAY = '<script src="/_sitegray/_sitegray.js"></script>'
UCAP = by_number("/c10700/common_list.shtml", "/c10700/common_list_{}.shtml")
EPOINT = by_number("/zwgk/002005/moreinfo.html", "/zwgk/002005/{}.html")
JEECMS = by_number("/xxgknb/index.jhtml", "/xxgknb/index_{}.jhtml")
PLAIN = by_number("/nb/list_1.html", "/nb/list_{}.html")

Case = tuple[str, Callable[[Reports], Site], str, int]
CASES: Sequence[Case] = [
    ("hanweb", hanweb_groups, "/art/2021/1/20/art_1234_{}.html", 47),
    ("hanweb", hanweb_total, "/art/2021/1/20/art_1234_{}.html", 47),
    ("hanweb", hanweb_posts, "/art/2021/1/20/art_1234_{}.html", 47),
    ("hanweb", hanweb_json, "/art/2021/1/20/art_1234_{}.html", 47),
    ("jpaas", jpaas, "/zfxxgk/ndbg/art/2021/art_{}.html", 47),
    ("trs_fujian", trs_fujian, "/zwgk/zfxxgknb/202101/t20210120_{}.htm", 47),
    ("gkmlpt", gkmlpt, "/gkmlpt/content/9/9103/post_{}.html", 247),
    ("nfcms", static(NFCMS, numbers(NFCMS)), "/zwgk/zfxxgknb/content/post_{}.html", 47),
    ("lonsun", lonsun, "/public/33/{}.html", 47),
    ("lonsun", static(LONSUN, numbers(LONSUN)), "/XxgkAnnualReport/show/{}.html", 47),
    ("trs", static(TRS, lambda k, n: f'<script>createPageHTML({n}, {k - 1}, "index", "html");</script>'),
     "/zfxxgk/ndbg/202101/t20210120_{}.html", 47),
    ("trs", static(TRS, lambda k, n: f"<script>Pager({{size:{n}, current:{k - 1}, prefix:'index', suffix:'html'}});</script>"),
     "/zfxxgk/ndbg/202101/t20210120_{}.html", 47),
    ("ucap", static(UCAP, lambda k, n: f"<script>createPageHTML('page_div',{n},{k},'common_list','shtml',47);</script>"),
     "/c10700/202101/d79c0d5ea0504757bb3d823a6eca{}.shtml", 47),
    ("vsb", static(VSB, lambda _k, n: f"<script>_simple_list_gotopage_fun({n},'u7_goto',2)</script>", mark=SITEGRAY), "/info/1101/{}.htm", 47),
    ("epoint", static(EPOINT, lambda _k, _n: """<div class="ewb-page"></div><script>
        pager({total: 47, pageSize: 10}); if (index == 1) location.href = "moreinfo.html";</script>"""),
     "/zwgk/002005/20210120/0c1d-{}.html", 47),
    ("jeecms", static(JEECMS, lambda k, n: f"<div>共47条 {k}/{n}页</div>"), "/xxgknb/{}.jhtml", 47),
    ("generic", static(PLAIN, numbers(PLAIN)), "/nb/show.php?id={}", 47),
]  # fmt: skip


@pytest.mark.parametrize(
    ("family", "address", "body"),
    [
        ("hanweb", "/module/web/jpage/dataproxy.jsp?page=1&webid=7", "<html>系统维护</html>"),
        ("hanweb", "/module/web/jpage/dataproxy.jsp?page=1&webid=7", '{"code": 500}'),
        ("hanweb", "/module/web/jpage/dataproxy.jsp?page=1&webid=7", '{"code": 200, "data": "<datas'),
        ("jpaas", "/api-gateway/jpaas-publish-server/front/page/build/unit?webId=7", "<html>系统维护</html>"),
        ("jpaas", "/api-gateway/jpaas-publish-server/front/page/build/unit?webId=7", '{"data": null}'),
        ("trs_fujian", "/fjdzapp/search?__wb_method=POST&page=2", ""),
        ("trs_fujian", "/fjdzapp/search?__wb_method=POST&page=2", '{"error": "1"}'),
        ("trs_fujian", "/fjdzapp/search?__wb_method=POST&page=2", '{"data": ["1"]}'),
        ("gkmlpt", "/gkmlpt/api/all/7?page=1&sid=1", "null"),
        ("gkmlpt", "/gkmlpt/index", "<html>系统维护</html>"),
        ("gkmlpt", "/gkmlpt/index", "<script>window._CONFIG = { SID: '1', TREE: [{\"id\": </script>"),
    ],
)
def test_an_answer_that_is_none_is_heard_of(family: str, address: str, body: str) -> None:
    page = Page(url=HOST + address, text=body)
    assert family_of(page).__name__.rpartition(".")[2] == family
    with pytest.raises(ValueError, match=r"^got .*, expected "):
        list(family_of(page).links(page))


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1].__name__}")
def case(request: pytest.FixtureRequest) -> Case:
    given: Case = request.param
    return given
