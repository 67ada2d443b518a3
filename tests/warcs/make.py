"""Makes the files that stand here for those of other programs, in their shapes; run by hand, in this folder.

wget/ is by GNU Wget 1.21.3 itself: `wget --warc-file pages -i addresses` on the site of an invented office.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

HERE = Path(__file__).parent
SITE = "http://czj.yunxiu.gov.example"


def page(title: str, words: str) -> bytes:
    return f"<html><head><meta charset=utf-8><title>{title}</title></head><body><h1>{title}</h1>{words}</body></html>".encode()


def report(year: int) -> bytes:
    words = (
        f"<p>统计期限自{year}年1月1日至12月31日。一、主动公开政府信息{year}条。二、依申请公开：收到申请3件。</p>" * 4
    )
    return page(f"云岫县财政局{year}年政府信息公开工作年度报告", words)


COLUMN = page("政府信息公开年报", '<ul><li><a href="/nb/t1.html">云岫县财政局2021年政府信息公开工作年度报告</a></ul>')


class Made:
    """One WARC file being made."""

    def __init__(self, version: str, *, packed: bool = True) -> None:
        self.out = BytesIO()
        self.writer = WARCWriter(self.out, gzip=packed, warc_version=version)
        self.count = 0

    def add(
        self, kind: str, url: str, at: str, first: str, headers: list[tuple[str, str]], body: bytes, **fields: str
    ) -> str:
        self.count += 1
        id_ = f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{url} {self.count}')}>"
        named = {"WARC-Record-ID": id_, "WARC-Date": at} | {k.replace("_", "-"): v for k, v in fields.items()}
        http = StatusAndHeaders(first, headers, is_http_request=kind == "request") if first else None
        if http and kind != "request":
            http.protocol, _, http.statusline = first.partition(" ")
        record = self.writer.create_warc_record(
            url, kind, payload=BytesIO(body), length=len(body), http_headers=http, warc_headers_dict=named
        )
        self.writer.write_record(record)
        return id_


def browsertrix() -> None:
    """WARC/1.1 in a WACZ: answer before request, SHA-256, JSON metadata of their own, notes under urn:."""
    made = Made("1.1")
    for number, (path, body) in enumerate({"/nb/": COLUMN, "/nb/t1.html": report(2021)}.items()):
        at = f"2022-03-0{number + 1}T01:02:03.456789Z"
        more = {"WARC_JSON_Metadata": '{"ipType":"Public"}', "WARC_Page_ID": "p1", "WARC_Resource_Type": "document"}
        digest = f"sha256:{sha256(body).hexdigest()}"
        headers = [
            ("Content-Type", "text/html"),
            ("x-orig-content-encoding", "gzip"),
            ("Content-Length", str(len(body))),
        ]
        id_ = made.add(
            "response", SITE + path, at, "HTTP/1.1 200 OK", headers, body, WARC_Payload_Digest=digest, **more
        )
        asked = [("Referer", f"{SITE}/"), ("User-Agent", "Chrome")]
        made.add("request", SITE + path, at, f"GET {path} HTTP/1.1", asked, b"", WARC_Concurrent_To=id_)
        made.add("resource", f"urn:pageinfo:{SITE}{path}", at, "", [], b'{"urls":{}}', Content_Type="application/json")
    form = b"page=2"
    headers = [("Content-Type", "application/json")]
    id_ = made.add("response", f"{SITE}/list", at, "HTTP/1.1 200 OK", headers, b'{"items":[]}')
    asked = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "6")]
    made.add("request", f"{SITE}/list", at, "POST /list HTTP/1.1", asked, form, WARC_Concurrent_To=id_)
    with zipfile.ZipFile(HERE / "browsertrix/pages.wacz", "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("archive/rec-0.warc.gz"), made.out.getvalue())
        zipped.writestr(zipfile.ZipInfo("pages/pages.jsonl"), '{"format": "json-pages-1.0", "id": "pages"}\n')
        zipped.writestr(
            zipfile.ZipInfo("datapackage.json"), json.dumps({"profile": "data-package", "wacz_version": "1.1.1"})
        )


def commoncrawl() -> None:
    """WARC/1.0: request, response unpacked with X-Crawl- headers, metadata; one answer truncated; a challenge."""
    made = Made("1.0")
    made.add("warcinfo", "", "2021-04-01T00:00:00Z", "", [], b"isPartOf: CC-MAIN-2021-17\r\n")
    for second, (path, body, cut) in enumerate(
        [
            ("/nb/t1.html", report(2020), ""),
            ("/nb/t2.html", report(2019)[:200], "length"),
            ("/nb/t3.html", b"<script>$_ts={}</script>", ""),
        ]
    ):
        at = f"2021-04-1{second}T10:00:00Z"
        id_ = made.add("request", SITE + path, at, f"GET {path} HTTP/1.1", [("User-Agent", "CCBot/2.0")], b"")
        headers = [
            ("Content-Type", "text/html"),
            ("X-Crawl-Content-Encoding", "gzip"),
            ("Content-Length", str(len(body))),
        ]
        first = "HTTP/1.1 412 Precondition Failed" if body.startswith(b"<script") else "HTTP/1.1 200 OK"
        more = {"WARC_Truncated": cut} if cut else {}
        made.add("response", SITE + path, at, first, headers, body, WARC_Concurrent_To=id_, **more)
        made.add("metadata", SITE + path, at, "", [], b"fetchTimeMs: 120\r\n", WARC_Concurrent_To=id_)
    (HERE / "commoncrawl/pages.warc.gz").write_bytes(made.out.getvalue())


def heritrix() -> None:
    """Plain WARC/1.0: answers in chunks and packed, as they came; revisits with a head and without; a name looked up."""
    made = Made("1.0", packed=False)
    made.add(
        "response", "dns:czj.yunxiu.gov.example", "2019-01-01T00:00:00Z", "", [], b"127.0.0.1", Content_Type="text/dns"
    )
    body = gzip.compress(report(2018), mtime=0)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100], body[100:], b""))
    headers = [("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")]
    url, digest = f"{SITE}/nb/t1.html", "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"
    made.add("response", url, "2019-01-01T00:00:01Z", "HTTP/1.1 200 OK", headers, chunks, WARC_Payload_Digest=digest)
    profile = "http://netpreserve.org/warc/1.0/revisit/"
    same = {"WARC_Payload_Digest": digest, "WARC_Profile": profile + "identical-payload-digest"}
    made.add("revisit", url, "2019-01-02T00:00:01Z", "HTTP/1.1 200 OK", headers, b"", **same)
    more = {"WARC_Profile": profile + "server-not-modified"}
    made.add("revisit", url, "2019-01-03T00:00:01Z", "", [], b"", **more)
    lost = same | {"WARC_Payload_Digest": "sha1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    made.add("revisit", url, "2019-01-04T00:00:01Z", "HTTP/1.1 200 OK", headers, b"", **lost)
    headers = [("Location", "/index.html")]
    made.add("response", f"{SITE}/nb/t9.html", "2019-01-05T00:00:01Z", "HTTP/1.1 302 Found", headers, b"")
    (HERE / "heritrix/pages.warc").write_bytes(made.out.getvalue())


if __name__ == "__main__":
    for make in (browsertrix, commoncrawl, heritrix):
        (HERE / make.__name__).mkdir(exist_ok=True)
        make()
