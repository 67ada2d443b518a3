"""Pages that are nothing but scripts, rendered by the system's Chromium, which gets no network of its own.

What the scripts ask for is asked by Scrapy, so that robots.txt, delays and TLS hold for it as for any request, and the
archive keeps the shell, every answer its scripts got, and the page they made of it.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

from scrapy import Request, signals
from scrapy.http import HtmlResponse, Response
from scrapy.http.request import NO_CALLBACK

from crawler.clock import now
from crawler.families import FALLBACK, families, family_of
from crawler.page import Page, posted
from pipelines.blocks import MOST_HOPS

if TYPE_CHECKING:
    from playwright.async_api import Browser, Playwright, Route
    from playwright.async_api import Request as Asked
    from scrapy.crawler import Crawler

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PAGES = ("start", "column", "next", "report")
SHELL = "script-shell"

FEW_LINKS = 5
FEW_WORDS = 200
"""Fewer links and characters than these make a page with an application's root a shell."""

MOST_RESOURCES = 100
"""Scripts and data asked for by one page; what it asks for beyond is not answered."""

MOST_PAGES = 4
"""Pages open at once; of one host there is one."""

MOST_CHARACTERS = 8 * 1024 * 1024
"""The longest page that is taken."""

LAST_SECONDS = 10
"""How long Chromium may take to hand over a page, its time to load being over."""

HOST_SECONDS = 1800
"""How long a run renders pages of one host; after that they fail."""

_ROOTS = ("app", "root", "__next", "__nuxt")  # of Vue, React, Next and Nuxt
_MAY_HAVE_ROOT = re.compile(rb"""=\s*["']?(?:app|root|__next|__nuxt)\b""")  # so that few pages are parsed for it
_WORDS = "//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript or ancestor::template)]"
_HTML = "most => document.documentElement.outerHTML.slice(0, most + 1)"
_KINDS = {
    "document": "shell",
    "stylesheet": "style",  # answered with nothing, for scripts that wait for it
    "script": "resource",
    "xhr": "resource",
    "fetch": "resource",
}
_NOT_SENT = ("cookie", "sec-")
_KEPT = ("content-type", "access-control-")

Fetch = Callable[[Request], Awaitable[Response | None]]
"""How a page's scripts are answered; None where nothing came."""


class RenderError(Exception):
    """Chromium gave no page; the message says why."""


def missing() -> str | None:
    """Say what this machine lacks to render a page; None where it has all."""
    if find_spec("playwright") and _program():
        return None
    return "needs a browser: pip install 'gongkai[browser]' and Chromium"


def is_shell(page: Page) -> bool:
    """Say whether a page is a script shell: an application's root element, scripts, and next to nothing else."""
    roots = (page.tree.get_element_by_id(name, None) is not None for name in _ROOTS)
    return (
        any(roots)
        and next(page.tree.iter("script"), None) is not None
        and sum(1 for _ in page.links()) < FEW_LINKS
        and len(_words(page)) < FEW_WORDS
    )


def judge(request: Request, response: Response, outcome: str, reason: str | None) -> tuple[str, str | None]:
    """Say what an answer is, given what it was taken for: a shell that no family reads is no page, and fails as SHELL.

    A challenge stays one, and is never rendered. A page that was rendered gives that as its reason; it is a shell
    still where it says no more than before.
    """
    shell: Response | None = request.meta.get("shell")
    if outcome == "new" and shell is not None:
        reason = response.flags[0]
    may_be = (outcome == "new" or reason == SHELL) and request.meta.get("kind") in PAGES and request.method == "GET"
    if not may_be or not _MAY_HAVE_ROOT.search(response.body):
        return outcome, reason
    page = _page(response)
    if not is_shell(page) or family_of(page) is not families()[FALLBACK]:
        return outcome, reason
    if shell is not None and _words(page) != _words(_page(shell)):
        return outcome, reason
    lack = missing()
    return "failed", f"{SHELL}, {lack}" if lack else SHELL


def again(request: Request, response: Response, outcome: str, reason: str | None) -> Request | None:
    """Give the request that has a captured answer rendered, where that is wanted and can be done.

    Wanted are shells, and pages of HTML asked for with `meta["render"]`; none is rendered twice.
    """
    by_source = (
        outcome == "new"
        and request.meta.get("render")
        and request.method == "GET"
        and isinstance(response, HtmlResponse)
    )
    if "shell" in request.meta or not (by_source or (outcome, reason) == ("failed", SHELL)) or missing():
        return None
    return request.replace(meta=request.meta | {"shell": response}, dont_filter=True)


class BrowserMiddleware:
    """Answers a request that holds a shell with the page which the shell's scripts make.

    It sits above the captures, whose turns at the host its scripts' own requests must take.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.chromium = Chromium(
            user_agent=crawler.settings["USER_AGENT"], seconds=crawler.settings.getfloat("BROWSER_TIMEOUT")
        )
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.spent: defaultdict[str, float] = defaultdict(float)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        middleware = cls(crawler)
        crawler.signals.connect(middleware.chromium.close, signals.engine_stopped)
        return middleware

    async def process_request(self, request: Request) -> Response | None:
        shell: Response | None = request.meta.get("shell")
        if shell is None:
            return None
        host = urlsplit(shell.url).netloc
        async with self.turns[host]:
            request.meta["asked_at"] = (now(), began := monotonic())
            if self.spent[host] > HOST_SECONDS:
                raise RenderError(f"pages of {host} took more than {HOST_SECONDS} s to render; the rest were left")
            try:
                html, how = await self.chromium.render(shell, fetch=partial(self.fetch, request))
            finally:
                self.spent[host] += monotonic() - began
        headers = {"Content-Type": "text/html; charset=utf-8"}
        body = html.encode("utf-8", "replace")  # a script may write half a character
        return HtmlResponse(shell.url, headers=headers, body=body, encoding="utf-8", flags=[how])

    async def fetch(self, page: Request, asked: Request) -> Response | None:
        """Ask for a resource of a page, as long as it is on the source's hosts; whatever comes is a capture."""
        spider: Any = self.crawler.spider
        engine: Any = self.crawler.engine
        meta: dict[str, Any] = {key: page.meta[key] for key in ("source", "tls") if key in page.meta}
        meta |= {"kind": "resource", "referrer": page.url, "dont_redirect": True}
        url = asked.url
        for _ in range(MOST_HOPS + 1):
            if not spider.progress[page.meta["source"]].may_ask(url):
                return None
            address = posted(url, asked.body) if asked.method == "POST" else url
            request = asked.replace(url=url, meta=meta | {"address": address}, callback=NO_CALLBACK)
            try:
                response: Response = await engine.download_async(request)
            except Exception:  # noqa: BLE001
                return None  # of whatever kind it was, it is a capture; the script is told that nothing came
            location = response.headers.get("Location")
            if not 300 <= response.status < 400 or not location:
                return response
            url = urljoin(url, location.decode("latin-1"))
        return None


class Chromium:
    """The system's Chromium, started when a page is first rendered; each page is alone, with no cookies but its own."""

    def __init__(self, *, user_agent: str, seconds: float) -> None:
        self.user_agent = user_agent
        self.seconds = seconds
        self.pages = asyncio.Semaphore(MOST_PAGES)
        self.starting = asyncio.Lock()
        self.driver: Playwright | None = None
        self.browser: Browser | None = None

    async def render(self, shell: Response, *, fetch: Fetch) -> tuple[str, str]:
        """Give what a shell's scripts make of it, and how it was made.

        A page that never comes to rest is taken as it is after `seconds`. Raises RenderError.
        """
        from playwright.async_api import Error
        from playwright.async_api import TimeoutError as StillBusy

        async with self.pages:
            try:
                browser = await self._start()
                how = f"rendered by Chromium {browser.version}"
                async with await browser.new_context(
                    user_agent=self.user_agent, locale="zh-CN", service_workers="block", accept_downloads=False
                ) as context:
                    await context.route("**/*", _Answers(shell, fetch).answer)
                    page = await context.new_page()
                    try:
                        await page.goto(shell.url, wait_until="commit", timeout=self.seconds * 1000)
                        await page.wait_for_load_state("networkidle", timeout=self.seconds * 1000)
                    except StillBusy:
                        how += f", still busy after {self.seconds:.0f} s"
                    html = await asyncio.wait_for(page.evaluate(_HTML, MOST_CHARACTERS), LAST_SECONDS)
                    await context.unroute_all(behavior="ignoreErrors")
            except TimeoutError as error:  # left as it is, Scrapy would take it for a slow server, and ask again
                raise RenderError(f"its scripts gave no page within {self.seconds + LAST_SECONDS:.0f} s") from error
            except Error as error:
                raise RenderError(error.message.partition("\n")[0]) from error
        if len(html) > MOST_CHARACTERS:
            raise RenderError(f"its scripts made a page of more than {MOST_CHARACTERS} characters")
        return f"<!DOCTYPE html>\n{html}", how

    async def close(self) -> None:
        """End Chromium, where it was started."""
        if self.browser:
            await self.browser.close()
        if self.driver:
            await self.driver.stop()

    async def _start(self) -> Browser:
        from playwright.async_api import async_playwright

        async with self.starting:
            self.driver = self.driver or await async_playwright().start()
            if self.browser is None or not self.browser.is_connected():
                self.browser = await self.driver.chromium.launch(
                    executable_path=_program(),
                    chromium_sandbox=os.geteuid() != 0,  # which root cannot have
                    args=[
                        "--disable-gpu",
                        "--host-resolver-rules=MAP * ~NOTFOUND",
                        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
                    ],
                )
            return self.browser


class _Answers:
    """What one page is given: its shell, then scripts and data by way of `fetch`, and nothing else."""

    def __init__(self, shell: Response, fetch: Fetch) -> None:
        self.shell = shell
        self.fetch = fetch
        self.asked: Counter[str | None] = Counter()

    async def answer(self, route: Route, asked: Asked) -> None:
        """Give what a page asked for; a page that leads elsewhere, or to a file, stays what it is."""
        response = await self._response(asked)
        if response is None:
            await route.abort("aborted")
            return
        headers = {name.decode("latin-1").lower(): value for name, value in response.headers.items()}
        kept = {name: value[-1].decode("latin-1") for name, value in headers.items() if name.startswith(_KEPT)}
        await route.fulfill(status=response.status, headers=kept, body=response.body)

    async def _response(self, asked: Asked) -> Response | None:
        kind = _KINDS.get(asked.resource_type)
        self.asked[kind] += 1
        if kind == "shell" and self.asked[kind] == 1:
            return self.shell
        if kind == "style":
            return Response(asked.url, headers={"Content-Type": "text/css"})
        if kind == "resource" and self.asked[kind] <= MOST_RESOURCES:
            headers = {name: value for name, value in asked.headers.items() if not name.startswith(_NOT_SENT)}
            body = asked.post_data_buffer or b""
            return await self.fetch(Request(asked.url, method=asked.method, headers=headers, body=body))
        return None


def _program() -> str | None:
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def _page(response: Response) -> Page:
    content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
    return Page.of(response.body, url=response.url, headers={"content-type": content_type})


def _words(page: Page) -> str:
    return "".join("".join(page.tree.xpath(_WORDS)).split())
