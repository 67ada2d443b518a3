"""The demo county is what it says it is: true to the forms, the same every time, and changed only where it says so."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import tomllib
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from PIL import Image

from crawler.demo.county import County
from crawler.demo.forms import forms
from crawler.demo.make import MADE, digest, made_once
from crawler.demo.model import MIRROR
from crawler.demo.server import Demo, serve
from crawler.demo.styles import style_of
from crawler.demo.web import url_of
from crawler.page import post, request_of
from pipelines.attachments.kinds import kind
from pipelines.attachments.read import read

LINK = re.compile(r"""(?:href|src)=["']([^"'#]+)|url=([^"']+)|encodeURI\('([^']+)'""")
NOISE = re.compile(r'(?s)<div class="(?:prevnext|related)">.*?</div>|[0-9A-Fa-f]{16,}|\d+')


@pytest.fixture(scope="module")
def county() -> County:
    return County.make()


@pytest.fixture(scope="module")
def truths(county: County) -> dict[int, dict]:
    return {day: county.truth(day=day) for day in (1, 2)}


@pytest.fixture
def demo(county: County):
    with serve(county) as demo:
        yield demo


def text_of(county: County, url: str, *, day: int = 1) -> str:
    office = next((o for o in county.offices if urlsplit(url).hostname in o.hosts), None)
    answer = county.answer(url, day=day)
    assert answer.status == 200, url
    return answer.body.decode(office.bytes if office else "utf-8")


def ask(
    demo: Demo, url: str, *, proxy: bool, form: str | None = None, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    parts = urlsplit(url)
    path = f"{parts.path or '/'}{'?' * bool(parts.query)}{parts.query}"
    if parts.scheme == "https":
        trusting = ssl._create_unverified_context()  # noqa: S323 (the certificate is made by the server under test)
        connection = http.client.HTTPSConnection("127.0.0.1", demo.port, timeout=10, context=trusting)
        connection.set_tunnel(parts.netloc)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=10)
    target = url if proxy and parts.scheme == "http" else path
    try:
        connection.request(
            "POST" if form is not None else "GET", target, body=form, headers={"Host": parts.netloc, **headers}
        )
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def broken_rules(report: dict) -> list[str]:
    """Name every rule of the form that a report's numbers break."""
    n, form = report["numbers"], report["form"]
    if form is None:
        return []
    if form == "gbf-2014-32":
        spec = forms()[form]
        sums = [whole for whole, parts in spec["sums"].items() if n[whole] != sum(n[p] for p in parts)]
        return sums + [part for part, whole in spec["at_most"] if n[part] > n[whole]]
    broken, who = [], [code for code, _ in forms()["applicants"]]
    rows = [code for code, _, below in forms()[form]["t3"] if not below]
    for w in who:
        t3 = {row: n[f"t3.{row}.{w}"] for row in rows}
        broken += [f"balance {w}"] * (t3["1"] + t3["2"] != t3["3.7"] + t3["4"])
        broken += [f"total {w}"] * (t3["3.7"] != sum(t3[r] for r in forms()[form]["results"]))
    broken += [f"row {r}" for r in rows if n[f"t3.{r}.t"] != sum(n[f"t3.{r}.{w}"] for w in who[:-1])]
    return broken + [p for p, _ in forms()["paths"] if n[f"t4.{p}t"] != sum(n[f"t4.{p}{i}"] for i in "1234")]


def test_every_report_keeps_every_rule_of_its_form(truths):
    reports = truths[1]["reports"]
    assert {r["form"] for r in reports} == {None, "gbf-2014-32", "gkb-2019-60", "gkb-2021-30"}
    assert {r["url"]: broken_rules(r) for r in reports if broken_rules(r)} == {}


def test_what_one_year_leaves_open_the_next_takes_over(truths):
    modern = {(r["source"], r["year"]): r["numbers"] for r in truths[1]["reports"] if r["year"] >= 2019}
    pairs = [(n, modern[s, y + 1]) for (s, y), n in modern.items() if (s, y + 1) in modern]
    assert len(pairs) > 50
    assert all(a[f"t3.4.{w}"] == b[f"t3.2.{w}"] for a, b in pairs for w in ("p", "c1", "c2", "c3", "c4", "c5", "t"))
    stocks = [(a, b) for a, b in pairs if "t2.20.1.norm.valid" in a]
    made, void, valid = (f"t2.20.1.norm.{what}" for what in ("made", "void", "valid"))
    assert all(b[valid] == a[valid] + b[made] - b[void] for a, b in stocks)


def test_the_grids_have_the_forms_shapes(truths):
    shapes = {
        "gbf-2014-32": {"statistics": (73, 3)},
        "gkb-2019-60": {"t2": (18, 4), "t3": (26, 10), "t4": (4, 15)},
        "gkb-2021-30": {"t2": (14, 4), "t3": (28, 10), "t4": (4, 15)},
        None: {},
    }
    for report in truths[1]["reports"]:
        assert {id_: (len(g), len(g[0])) for id_, g in report["grids"].items()} == shapes[report["form"]]
        assert all(len(row) == len(grid[0]) for grid in report["grids"].values() for row in grid)


def test_the_words_on_the_page_are_the_truth(county, truths):
    for day, truth in truths.items():
        for report in truth["reports"]:
            if report["only_file"]:
                continue
            page = re.sub(r"<[^>]+>", "", text_of(county, report["url"], day=day))
            assert all(paragraph in page for paragraph in report["prose"]), report["url"]
            assert report["pictures"] or all(word in page for word in report["words"].values())
            assert report["title"] in page


def test_between_the_days_only_what_is_told_changes(county, truths):
    one, two = ({r["url"]: r for r in truths[day]["reports"]} for day in (1, 2))
    assert (truths[1]["new"], truths[1]["withdrawn"], truths[1]["changed"]) == ([], [], [])
    assert sorted(two.keys() - one.keys()) == truths[2]["new"]
    assert sorted(one.keys() - two.keys()) == truths[2]["withdrawn"]
    assert (len(truths[2]["new"]), len(truths[2]["withdrawn"]), len(truths[2]["changed"])) == (2, 1, 1)
    change = truths[2]["changed"][0]
    changed = {url for url in one.keys() & two.keys() if one[url] != two[url]}
    assert changed == {change["url"], truths[2]["replaced"][0]["url"]}
    before, after = one[change["url"]], two[change["url"]]
    differing = {code for code, n in before["numbers"].items() if after["numbers"][code] != n}
    assert differing == {change["code"]}
    assert (before["numbers"][change["code"]], after["numbers"][change["code"]]) == (change["before"], change["after"])
    assert sum(a != b for a, b in zip(before["prose"], after["prose"], strict=True)) == 1
    assert broken_rules(after)
    gone = truths[2]["withdrawn"][0]
    assert (county.answer(gone, day=1).status, county.answer(gone, day=2).status) == (200, 404)


def test_between_the_days_every_page_has_noise_and_nothing_else(county, truths):
    changed = truths[2]["changed"][0]["url"]
    still = {office.host for office in county.offices if office.still}
    for report in truths[2]["reports"]:
        if (url := report["url"]) in truths[2]["new"]:
            continue
        pages = [text_of(county, url, day=day) for day in (1, 2)]
        assert (pages[0] == pages[1]) == (urlsplit(url).hostname in still)
        assert NOISE.sub("", pages[0]) == NOISE.sub("", pages[1])
        bodies = [re.sub(r"<[^>]+>", "", page) for page in pages]
        same = [all(p in body for p in report["prose"]) for body in bodies]
        assert same == [url != changed or report["only_file"], True]


def test_everything_is_drawn_from_the_seed(county, truths):
    again, other = County.make(), County.make(seed=7)
    assert json.dumps(again.truth(day=2)) == json.dumps(truths[2])
    assert other.truth(day=1) != truths[1]
    url = truths[1]["reports"][0]["url"]
    assert again.answer(url, day=1) == county.answer(url, day=1) == county.answer(url, day=1)


@pytest.mark.parametrize("day", [1, 2])
def test_every_report_is_reached_from_the_home_page_by_the_paging_of_its_system(county, truths, day):
    articles = {url for report in truths[day]["reports"] for url in report["pages"]} | {*truths[day]["decoys"]}
    for name, source in tomllib.loads(county.sources_toml()).items():
        if source.get("copy_of"):
            continue
        assert [urlsplit(url).path for url in source["start_urls"]] == ["/"]
        hosts = source["hosts"]
        shown = [[url for url in r["pages"] if urlsplit(url).hostname in hosts] for r in truths[day]["reports"]]
        expected = [addresses for addresses in shown if addresses]
        seen = walk(county, source["start_urls"], hosts, articles, day=day)
        assert [addresses for addresses in expected if not seen & set(addresses)] == [], name
    for office in county.offices:
        if office.style != "annual":
            assert len(county.column(office, day=day)) > style_of(office).PAGE, "the list has a second page"


def walk(county: County, urls: list[str], hosts: list[str], articles: set[str], *, day: int) -> set[str]:
    """Follow every link and frame of some hosts and what their scripts ask for, but no link of these articles."""
    seen, waiting = set(), list(urls)
    while waiting:
        if (url := waiting.pop()) in seen or urlsplit(url).hostname not in hosts:
            continue
        seen.add(url)
        answer = county.answer(url, day=day)
        if answer.status != 200 or answer.body.startswith(b"%PDF"):
            continue
        page = "" if url in articles else text_of(county, url, day=day)
        if "json" in answer.headers["Content-Type"]:
            said = json.loads(page)
            entries = said.get("articles") or said["data"]
            page = entries["html"] if isinstance(entries, dict) else "".join(map(linked, entries))
        waiting += [urljoin(url, unescape("".join(found))) for found in LINK.findall(page)]
        waiting += further(url, page)
    return seen


def linked(entry: dict) -> str:
    return f'<a href="{entry.get("url") or entry["chnldocurl"]}">'


def further(url: str, page: str) -> Iterator[str]:
    """Walk the requests that the scripts of a page make for lists, each system's in its own way."""
    for found in re.finditer(r"createPageHTML\((\d+),|Pager\(\{size:(\d+)", page):  # TRS
        yield from (urljoin(url, f"index_{k}.html") for k in range(1, int(found[1] or found[2])))
    for found in re.finditer(r"createPageHTML\('page_div',(\d+), \d+,'(\w+)','shtml',\d+\)", page):  # UCAP
        yield from (urljoin(url, f"{found[2]}_{k}.shtml") for k in range(2, int(found[1]) + 1))
    for found in re.finditer(r"pagination\(\{\s+pageIndex: \d+,\s+pageSize: (\d+),\s+total: (\d+)", page):  # Epoint
        yield from (urljoin(url, f"{k}.html") for k in range(2, -(-int(found[2]) // int(found[1])) + 1))
    if "window._CONFIG" in page and "TREE:" in page:  # gkmlpt
        sid = re.search(r"SID: '(\d+)'", page)[1]
        tree = json.loads(re.search(r"TREE: (\[.*\]),\n", page)[1])
        for node in [*tree, *(child for parent in tree for child in parent["children"])]:
            pages = range(1, -(-node.get("post_count", 0) // 5) + 1)
            yield from (urljoin(url, f"/gkmlpt/api/all/{node['id']}?page={k}&sid={sid}") for k in pages)
    for found in re.finditer(r'url="(/api-gateway/[^"]+)" queryData="([^"]+)"', page):  # jpaas
        query = json.loads(unescape(found[2]))
        for k in range(1, 5):
            yield urljoin(
                url, f"{found[1]}?{urlencode({**query, 'paramJson': json.dumps({'pageNo': k, 'pageSize': 6})})}"
            )
    for found in re.finditer(
        r"totalRecord:(\d+),perPage:(\d+),.*proxyUrl:'([^']+)',ajaxParam:(\{.*?\})", page
    ):  # Hanweb
        for first in range(int(found[2]) + 1, int(found[1]) + 1, int(found[2])):
            at = f"{found[3]}?startrecord={first}&endrecord={first + int(found[2]) - 1}&perpage={found[2]}"
            yield post(urljoin(url, at), json.loads(found[4]))
    if found := re.search(r'classsql: "" \|\| "([^"]+)"[^§]*prepage: (\d+),\s+recordCount: \'(\d+)\'', page):  # Fujian
        channel = re.search(r"searchId: (\d+)", page)[1]
        for k in range(2, -(-int(found[3]) // int(found[2])) + 1):
            asked = {"channelid": channel, "classsql": found[1], "prepage": found[2], "page": k}
            yield post(urljoin(url, "/fjdzapp/search"), asked)
    if found := re.search(r'url: "(/site[^"?]+)[^§]*organId: "(\d+)"[^§]*pageCount: (\d+)', page):  # lonsun
        for k in range(2, int(found[3]) + 1):
            asked = {"labelName": "publicInfoList", "organId": found[2], "type": 3, "pageSize": 6, "pageIndex": k}
            yield urljoin(url, f"{found[1]}?{urlencode(asked)}")
    if "xxgkAnnualReport.jsp" in url:
        yield from (re.sub(r"fbtime=\d+", f"fbtime={year}", url) for year in range(2008, 2026))


def test_every_address_of_a_report_shows_it(county, truths):
    for day, truth in truths.items():
        seen = [url for report in truth["reports"] for url in report["pages"]]
        assert len(seen) == len(set(seen))
        assert all(report["pages"][0] == report["url"] for report in truth["reports"])
        for report in truth["reports"]:
            for url in report["pages"]:
                page = re.sub(r"<[^>]+>", "", text_of(county, url, day=day))
                assert report["title"] in page
                assert report["only_file"] or report["prose"][-1] in page


def test_a_portal_and_a_site_with_many_names_show_reports_at_several_addresses(truths):
    hosts = {r["url"]: [urlsplit(url).hostname for url in r["pages"]] for r in truths[1]["reports"]}
    portal = "zwgk.yunxiu.gov.example"
    shared = [url for url, own in hosts.items() if portal in own and own[0] != portal]
    assert len({urlsplit(url).hostname for url in shared}) == 5
    assert len(shared) == 15
    (twins,) = {tuple(urlsplit(u)[:2] for u in r["pages"]) for r in truths[1]["reports"] if r["source"] == "yunxiu_whj"}
    assert twins == tuple(
        (scheme, host)
        for scheme in ("http", "https")
        for host in ("whj.yunxiu.gov.example", "www.whj.yunxiu.gov.example")
    )


def test_interfaces_answer_as_the_systems_do(county):
    def said(url: str) -> dict:
        return json.loads(county.answer(url, day=1).body)

    gkmlpt = "http://zrj.yunxiu.gov.example/gkmlpt"
    category = re.search(
        r'"id": (\d+), "name": "\\u653f\\u5e9c\\u4fe1\\u606f\\u516c\\u5f00\\u5e74\\u62a5"',
        text_of(county, f"{gkmlpt}/index"),
    )[1]
    pages = [said(f"{gkmlpt}/api/all/{category}?page={k}&sid=1") for k in range(6)]
    assert pages[0] == pages[1] != pages[2]
    assert sum(len(page["articles"]) for page in pages[1:]) == pages[0]["total"] == pages[0]["classify"]["post_count"]
    assert pages[5]["articles"] == []
    for url in (
        "http://jtj.yunxiu.gov.example/fjdzapp/search?page=2",
        "http://sfj.yunxiu.gov.example/module/web/jpage/dataproxy.jsp?startrecord=1",
    ):
        assert county.answer(url, day=1).status == 405


def test_one_report_a_year_by_address_and_a_plain_word_where_there_is_none(county, truths):
    reports = {r["year"]: r["url"] for r in truths[1]["reports"] if r["source"] == "yunxiu_rsj"}
    assert 2014 not in reports
    assert "暂无2014年的年度报告" in text_of(county, reports[2015].replace("fbtime=2015", "fbtime=2014"))


def test_bytes_and_declared_charsets_disagree_where_they_should(county):
    page = county.answer("http://czj.yunxiu.gov.example/", day=1)
    assert "charset" not in page.headers["Content-Type"]
    assert "charset=gb2312" in page.body.decode("gb18030")
    liar = county.answer("http://slj.yunxiu.gov.example/", day=1)
    assert liar.headers["Content-Type"].endswith("utf-8")
    assert "云岫县水利局" in liar.body.decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        liar.body.decode("utf-8")


def test_robots_are_of_four_kinds(county):
    def robots(label: str) -> tuple[int, bytes]:
        answer = county.answer(f"http://{label}.yunxiu.gov.example/robots.txt", day=1)
        return answer.status, answer.body

    assert robots("www") == (200, b"User-agent: *\nDisallow: /nbgz/\n")
    assert b"Crawl-delay: 0.2" in robots("wjj")[1]
    assert robots("lyj")[0] == 200
    assert b"<html" in robots("lyj")[1]
    assert robots("czj")[0] == 404


def test_the_mirror_copies_one_office_in_other_words(county, truths):
    copies = truths[1]["copies"]
    (altered,) = (c["altered"] for c in copies if c["altered"])
    assert altered["before"] != altered["after"]
    for copy in copies:
        assert urlsplit(copy["url"]).hostname == MIRROR
        assert urlsplit(copy["url"]).path == urlsplit(copy["of"]).path
        text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", "", text_of(county, copy["url"]))
        assert "報(bào)" in text
        assert "報" not in text.replace("報(bào)", "")
        assert copy["brand"] in text


@pytest.mark.parametrize("day", [1, 2])
def test_attachments_say_what_is_told(county, truths, day):
    files = {f["url"]: f for r in truths[day]["reports"] for f in r["attachments"]}
    assert {f["type"] for f in files.values()} == {"pdf", "docx", "doc"}
    for url, file in files.items():
        payload = county.answer(url, day=day).body
        assert kind(payload) == file["type"]
        blocks = read(payload).blocks
        assert [[list(row) for row in block] for block in blocks if not isinstance(block, str)] == file["grids"], url
        assert "".join(block for block in blocks if isinstance(block, str)) == "".join(file["paragraphs"]), url


def test_attachments_give_the_numbers_of_their_reports_but_where_it_is_told(truths):
    told = {edit["attachment"]: edit for edit in (*truths[2]["differing"], *truths[2]["replaced"])}
    for report in truths[2]["reports"]:
        for file in report["attachments"]:
            ours = [row for grid in report["grids"].values() for row in grid]
            pairs = zip(ours, [row for grid in file["grids"] for row in grid], strict=True)
            differing = [cells for rows in pairs for cells in zip(*rows, strict=True) if len(set(cells)) > 1]
            edit = told.pop(file["url"], None)
            assert differing == ([(str(edit["before"]), str(edit["after"]))] if edit else []), file["url"]
            if not report["only_file"]:
                said = file["paragraphs"][1:]
                assert sum(a != b for a, b in zip(report["prose"], said, strict=True)) == bool(edit), file["url"]
    assert told == {}


def test_some_reports_are_documents_or_pictures_alone(county, truths):
    reports = {(r["source"], r["year"]): r for r in truths[1]["reports"] if r["only_file"] or r["pictures"]}
    assert {at: [f["type"] for f in report["attachments"]] for at, report in reports.items()} == {
        ("yunxiu_mzj", 2021): ["doc"],
        ("yunxiu_qsz", 2019): ["pdf"],
        ("yunxiu_nyj", 2023): [],
    }
    assert "<iframe " in text_of(county, reports["yunxiu_qsz", 2019]["url"])
    photographed = reports["yunxiu_nyj", 2023]
    page = text_of(county, photographed["url"])
    assert "<table" not in page
    assert [picture["grid"] for picture in photographed["pictures"]] == list(photographed["grids"])
    for picture in photographed["pictures"]:
        assert urlsplit(picture["url"]).path in page
        assert county.answer(picture["url"], day=1).headers["Content-Type"] == "image/png"


def test_files_made_once_are_of_the_same_numbers_still(county):
    made = [(article, file) for _, article, file in made_once(county)]
    assert sorted(file.made for _, file in made) == sorted(file.name for file in MADE.iterdir())
    for article, file in made:
        if file.grid:
            with Image.open(MADE / file.made) as picture:
                assert picture.text["digest"] == digest(article.grids[file.grid]), f"{file.made}: make it again"


def test_a_file_is_replaced_and_its_page_is_not(county, truths):
    (edit,) = truths[2]["replaced"]
    page, file = ([county.answer(edit[key], day=day) for day in (1, 2)] for key in ("url", "attachment"))
    assert page[0] == page[1]
    assert file[0].body != file[1].body
    assert file[0].headers["ETag"] != file[1].headers["ETag"]
    assert truths[1]["replaced"] == []


def test_the_source_tables_say_what_a_crawl_should_find(county, truths):
    tables = tomllib.loads(county.sources_toml())
    assert tables["mirror_haoyun"]["hosts"] == []
    assert tables["mirror_haoyun"]["copy_of"] == "yunxiu_czj"
    for name, table in tables.items():
        if name != "mirror_haoyun":
            at = [{urlsplit(url).hostname for url in r["pages"]} for r in truths[1]["reports"]]
            assert table["expect_min"] == sum(bool(hosts & set(table["hosts"])) for hosts in at)
            assert "family" not in table
        assert county.answer(table["start_urls"][0], day=1).status == 200


@pytest.mark.parametrize("count", [1, 7, 60])
def test_a_county_can_be_of_any_size(count):
    big = County.make(offices=count, years=(2016, 2022))
    assert len({office.host for office in big.offices}) == len({office.name for office in big.offices}) == count
    office = big.offices[-1]
    reports = [a for a in big.column(office, day=2) if a.year]
    assert {r.year for r in reports} >= set(range(2016, 2022)) - {2019}
    assert big.answer(url_of(office, reports[0]), day=2).status == 200


def test_the_server_answers_as_proxy_and_by_host(county, demo, truths):
    url = truths[1]["reports"][0]["url"]
    for proxy in (True, False):
        status, body, _ = ask(demo, url, proxy=proxy)
        assert (status, body) == (200, county.answer(url, day=1).body)
    alias = url.replace("yunxiu.gov.example", f"localhost:{demo.port}")
    assert ask(demo, alias, proxy=False)[1] == county.answer(url, day=1).body
    assert b"czj.localhost" in ask(demo, demo.url + "/", proxy=False)[1]
    assert ask(demo, "http://nobody.example/", proxy=True)[0] == 502
    demo.day = 2
    assert ask(demo, truths[2]["new"][0], proxy=True)[0] == 200


def test_the_server_takes_forms(county, demo):
    for url in (
        "http://jtj.yunxiu.gov.example/fjdzapp/search",
        "http://sfj.yunxiu.gov.example/module/web/jpage/dataproxy.jsp?startrecord=1&endrecord=6",
    ):
        address = post(url, {"channelid": "200210", "page": 2, "webname": "云岫县司法局"})
        target, form = request_of(address)
        status, body, _ = ask(demo, target, proxy=True, form=form)
        assert (status, body) == (200, county.answer(address, day=1).body)
        assert demo.requests[-1] == address
        assert ask(demo, address, proxy=True)[0] == 405


def test_the_server_is_the_other_end_of_a_tunnel_too(county, demo, truths):
    report = next(r for r in truths[1]["reports"] if r["source"] == "yunxiu_whj")
    for url in report["pages"]:
        assert ask(demo, url, proxy=True)[:2] == (200, county.answer(url, day=1).body)
    assert demo.requests == report["pages"]


def test_the_server_does_not_send_a_known_attachment_again(demo, truths):
    url = next(f["url"] for r in truths[1]["reports"] for f in r["attachments"])
    tag = ask(demo, url, proxy=True)[2]["ETag"]
    assert ask(demo, url, proxy=True, **{"If-None-Match": tag})[:2] == (304, b"")


def test_hosts_fail_as_they_are_told(demo, truths):
    host = "jyj.yunxiu.gov.example"
    url = next(r["url"] for r in truths[1]["reports"] if host in r["url"])
    demo.faults[host] = "dead"
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        ask(demo, url, proxy=True)
    demo.faults[host] = "error"
    assert ask(demo, url, proxy=True)[0] == 500
    demo.faults[host] = "cut"
    with pytest.raises(http.client.IncompleteRead):
        ask(demo, url, proxy=True)
    demo.faults[host] = "short"
    with pytest.raises(UnicodeDecodeError):
        ask(demo, url, proxy=True)[1].decode()
    demo.faults[host] = "loop"
    status, _, headers = ask(demo, url, proxy=True)
    assert (status, headers["Location"]) == (302, url)
    demo.faults[host] = "slow"
    demo.pause = 0.05
    assert ask(demo, url, proxy=True)[0] == 200
    demo.faults[host] = "empty"
    assert ask(demo, url, proxy=True)[0] == 404
    assert ask(demo, f"http://{host}/xxgk/nb.htm", proxy=True)[0] == 200


def test_the_server_closes_kept_connections(county):
    with serve(county) as demo:
        kept = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=5)
        kept.request("GET", "http://czj.yunxiu.gov.example/", headers={"Host": "czj.yunxiu.gov.example"})
        kept.getresponse().read()
        assert kept.sock is not None
    assert kept.sock.recv(1) == b""
    kept.close()
