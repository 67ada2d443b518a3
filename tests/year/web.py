"""The country's web, served on loopback behind a proxy that answers from memory and writes down what was asked."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Literal, cast
from urllib.parse import urlsplit

from year.country import Country, Office, Page

Asked = tuple[int, bool | None]
"""A day on which a page was asked for, and whether it was there; None where it led elsewhere."""

Hang = Literal["hang", "dead"]
REFUSALS = {
    "challenge": (412, "<script>$_ts=window['$_ts'];if(!$_ts)$_ts={};</script>"),
    "forbidden": (403, "<h1>403</h1>"),
    "error": (503, "<h1>503</h1>"),
}
"""What a host answers, whatever is asked; a challenge comes for robots.txt too."""

ROBOTS = "User-agent: *\nDisallow: /\n"
SORRY = "<p>对不起，您访问的页面不存在。</p>"
TURNED_OFF = (
    "<html><head><title>{name}</title></head><body><div class=banner>{name}</div>{news}<div id=app></div></body></html>"
)
ADVERTISEMENTS = ("热烈庆祝云岫县旅游节开幕", "云岫山泉，清甜一方", "欢迎参加云岫县书法大赛", "云岫县马拉松报名中")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a host answers."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(kw_only=True)
class Fuse:
    """What is done at a request of a day, the `left`-th."""

    day: int
    left: int
    deed: Callable[[], None]


@dataclass(kw_only=True)
class Web:
    """The web of a country on `day`.

    `asked` tells of each address of a report when it was asked for, `read` of each
    office on what days its list came, `tried` on what days anything was asked there.
    """

    country: Country
    day: int = 0
    asked: defaultdict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))
    read: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    tried: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    count: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    fuse: Fuse | None = None

    def __post_init__(self) -> None:
        offices = self.country.all
        self.of_host = {host: office for office in offices for host in (office.host, office.moved_to)}

    def turn(self, day: int) -> None:
        """Let another day begin."""
        self.day = day
        self.count.clear()

    def ask(self, url: str, conditions: Mapping[str, str]) -> Answer | Hang:
        """Answer a request."""
        parts = urlsplit(url)
        if parts.hostname == "calendar.example":
            self.turn(int(parts.path[1:]))
            return Answer()
        office = self.of_host[parts.hostname or ""]
        self.requests += 1
        self.count[office.id] += 1
        self.tried[office.id].append(self.day)
        if self.fuse and self.fuse.day == self.day:
            self.fuse.left -= 1
            if self.fuse.left == 0:
                self.fuse.deed()
        answer = self._answer(office, parts.hostname or "", parts.path)
        if isinstance(answer, str):
            return answer
        return _validated(office, answer, conditions)

    def _answer(self, office: Office, host: str, path: str) -> Answer | Hang:
        trouble = office.trouble(self.day)
        if trouble in ("dead", "hang"):
            return "dead" if trouble == "dead" else "hang"
        if trouble in REFUSALS:
            status, body = REFUSALS[trouble]
            return Answer(status=404 if path == "/robots.txt" and status < 500 else status, body=body)
        if trouble == "moved" and host == office.host:
            self.asked[f"http://{host}{path}"].append((self.day, None))
            return Answer(status=301, headers={"Location": f"http://{office.moved_to}{path}"})
        if path == "/robots.txt":
            return Answer(body=ROBOTS) if trouble == "robots" else Answer(status=404)
        page = next((page for page in office.pages if path in (page.path, page.new_path)), None)
        hiccup = office.hiccups.get(self.day, "")
        self.count[path_of := f"{office.id}{path}"] += 1
        if page and ((hiccup == "once" and self.count[path_of] == 1) or (hiccup == "page" and page is office.pages[0])):
            return Answer(status=500, body="<h1>500</h1>")
        if hiccup == "stuck" and self.count[office.id] == 3:
            return "hang"
        answer = self._report(office, page, host, path) if page else self._place(office, path, trouble)
        return replace(answer, seconds=0.1) if hiccup == "slow" else answer

    def _report(self, office: Office, page: Page, host: str, path: str) -> Answer:
        stands = page.address(self.day)
        leads = stands == page.new_path != path and page.before(self.day)[-1] == "moved"
        self.asked[f"http://{host}{path}"].append((self.day, None if leads else stands == path))
        if stands == path:
            return Answer(body=self._frame(office, self._words(office, page)))
        if leads:
            return Answer(status=302, headers={"Location": page.new_path})
        return self._sorry(office)

    def _place(self, office: Office, path: str, trouble: str) -> Answer:
        """Answer for the home page and for the lists, of which each layout has its own addresses."""
        style = (
            "trs"
            if trouble == "facelift" and office.style != "trs"
            else "plain"
            if trouble == "facelift"
            else office.style
        )
        columns = {"plain": "/nb/", "trs": "/zwgk/nb/index.html", "deep": "/nb/list.html", "table": "/nb/"}
        column = columns[style]
        if path == column:
            self.read[office.id].append(self.day)
        if trouble == "redesign" and path in ("/", column):
            news = "".join(f'<a href="/news/{n}.html">云岫县召开第{n}次工作会议</a>' for n in range(9))
            return Answer(body=TURNED_OFF.format(name=office.name, news=news))
        if path == "/":
            way = ("/xxgk/", "政府信息公开") if style == "deep" else (column, "政府信息公开年报")
            links = f'<a href="{way[0]}">{way[1]}</a> <a href="/bsfw/">办事服务</a>'
            return Answer(body=self._frame(office, f"<h2>{office.name}</h2>{links}"))
        if path == "/xxgk/":
            return Answer(body=self._frame(office, '<a href="/nb/list.html">政府信息公开年报</a>'))
        if path == column or (style == "table" and path == "/nb/list_2.html"):
            stand = [(page, at) for page in reversed(office.pages) if (at := page.address(self.day))]
            shown = stand[2:] if path.endswith("_2.html") else stand[:2] if style == "table" else stand
            entries = "" if trouble == "empty" else self._entries(office, style, shown)
            more = '<a href="/nb/list_2.html">下一页</a>' if style == "table" and path == column and entries else ""
            return Answer(
                body=self._frame(office, f"<h2>政府信息公开年报</h2>{entries}{more}", title="政府信息公开年报")
            )
        return self._sorry(office)

    def _entries(self, office: Office, style: str, shown: list[tuple[Page, str]]) -> str:
        links = [f'<a href="{at}">{_title(office, page)}</a><span>{self.date(page)}</span>' for page, at in shown]
        if style == "table":
            return "<table>" + "".join(f"<tr><td>{link}</td></tr>" for link in links) + "</table>"
        script = '<script>createPageHTML(1, 0, "index", "html");</script>' if style == "trs" else ""
        return "<ul>" + "".join(f"<li>{link}</li>" for link in links) + f"</ul>{script}"

    def _words(self, office: Office, page: Page) -> str:
        """Write a report; each edition says another number."""
        number = sum(map(ord, page.url)) % 97 + 11 * page.edition(self.day)
        words = (
            f"根据《中华人民共和国政府信息公开条例》，{office.name}编制本年度报告，统计期限自{page.year}年1月1日至12月31日。"
            f"</p><p>一、主动公开政府信息{number + 300}条。二、依申请公开：收到申请{number}件。三、行政复议0件，行政诉讼0件。"
            "</p><p>四、存在的主要问题：公开不够及时，解读形式单一。五、其他需要报告的事项：未收取信息处理费。"
        )
        counter = f" 浏览次数：{self.requests + 100}次" * (office.noise == "counter")
        return (
            f"<h1>{_title(office, page)}</h1><div>发布时间：{self.date(page)}{counter}</div>"
            f'<div class="content"><p>{words}</p></div>'
        )

    def date(self, page: Page) -> str:
        return (self.country.begin + timedelta(days=page.published)).strftime("%Y-%m-%d")

    def _sorry(self, office: Office) -> Answer:
        return Answer(status=200 if office.sorry else 404, body=SORRY)

    def _frame(self, office: Office, main: str, title: str = "") -> str:
        """Set a page in the site's frame, with what is different on each fetch or day there."""
        today = self.country.begin + timedelta(days=self.day)
        noise = {
            "counter": f"<p>您是第{self.requests + 10_000}位访问者</p>",
            "today": f"<p>今天是{today.year}年{today.month}月{today.day}日</p>",
            "advertisement": f'<div class="ad">{ADVERTISEMENTS[self.day % len(ADVERTISEMENTS)]}</div>',
        }.get(office.noise, "")
        return (
            f"<html><head><meta charset=utf-8><title>{title or office.name}</title></head><body>"
            f"<div class=header>{office.name}{noise}</div>{main}<div class=footer>主办单位：{office.name}</div></body></html>"
        )


def _title(office: Office, page: Page) -> str:
    return f"{office.name}{page.year}年政府信息公开工作年度报告"


def _validated(office: Office, answer: Answer, conditions: Mapping[str, str]) -> Answer:
    """Give an answer its validators, or say that it is not modified."""
    if answer.status != 200 or office.validators == "none" or office.noise == "counter":
        return answer
    digest = hashlib.sha256(answer.body.encode()).hexdigest()
    stamp = format_datetime(Country.begin - timedelta(seconds=int(digest[:6], 16)), usegmt=True)
    name, condition, value = {
        "etag": ("ETag", "if-none-match", f'"{digest[:16]}"'),
        "date": ("Last-Modified", "if-modified-since", stamp),
    }[office.validators]
    if conditions.get(condition) == value:
        return Answer(status=304, headers={name: value})
    return Answer(status=200, body=answer.body, headers={name: value})


class _Connection(asyncio.Protocol):
    """One client of the proxy: requests without a body, answered in turn."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.come = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.come += data
        while b"\r\n\r\n" in self.come:
            head, _, self.come = self.come.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            self._serve(self.web.ask(first.split()[1], headers))

    def _serve(self, answer: Answer | Hang) -> None:
        if isinstance(answer, str):
            if answer == "dead":
                self.transport.close()
            return
        asyncio.get_running_loop().call_later(answer.seconds, self._send, answer)

    def _send(self, answer: Answer) -> None:
        body = answer.body.encode()
        headers = {"Content-Type": "text/html; charset=utf-8", **answer.headers}
        if answer.status != 304:
            headers["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(
            f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n{lines}\r\n".encode() + body
        )


@contextmanager
def serve(web: Web) -> Iterator[str]:
    """Serve a web until the block ends; gives the proxy's address."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _Connection(web), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()
