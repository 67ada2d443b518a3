"""Answers that are not the page asked for: challenges, walls, notices, soft 404s; and what a robots.txt really says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from pipelines.decode import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OF_THE_HOST = frozenset(
    {"ruishu", "jiasule", "c3vk", "ct6t", "geobl", "firewall", "cookie-loop", "login", "parked", "no-site"}
)
"""Reasons that speak of the whole host: its other pages would be answered alike."""

MOST_HOPS = 5
"""Redirects in a row that are followed (RFC 9309, 2.3.1.2, asks for five at least)."""

_CHALLENGES = (
    # name, what its body holds, what its cookies hold and the statuses it sets them with; source: facts/sites.md.
    # Real pages may set the cookies as well: 加速乐 does on every answer, so there the status decides.
    ("ruishu", re.compile(r"\$_ts\s*(?:=|\[|\.)"), None, ()),
    ("jiasule", re.compile(r"__jsl_clearance|\bgo\(\{\s*[\"']bts\b"), re.compile(r"__jsl_clearance|__jsluid_"), (521,)),
    ("c3vk", re.compile(r"\bC3VK\s*="), re.compile(r"\bC3VK="), (302,)),
    ("ct6t", re.compile(r"\bCT6TS?\s*="), re.compile(r"\bCT6TS?="), (302,)),
    ("geobl", re.compile(r"reason\s*[:：]\s*GeoBL"), None, ()),
)
_WALL = re.compile(
    r"访问(?:已)?被(?:拦截|阻断|拒绝|禁止)|请求(?:已)?被(?:拦截|阻断|拒绝)|疑似黑客攻击|可能对网站造成安全威胁|请求带有不合法参数|"
    r"(?:您|你)的?IP.{0,20}(?:禁止|限制|封|拦截|黑名单)|网站防火墙|安全验证|人机验证|请完成验证|访问(?:过于|太)频繁|"
    r"Request (?:blocked|denied)|Access Denied|\bWAF\b",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"页面(?:没有找到|未找到|不存在|已删除|已被删除|找不到|丢失|走丢了)|(?:您|你)(?:要)?(?:访问|浏览|查找|请求)的(?:页面|网页|内容|信息|文件|资源|地址)"
    r".{0,12}(?:不存在|已删除|已被删除|找不到|没有找到|未找到|无法显示|已下线)|无法找到(?:该|此|您)?.{0,6}(?:页|文件|资源)|"
    r"(?:信息|文章|内容|栏目)(?:不存在|已删除|已被删除|已下线|已撤销|尚未发布)(?=[\s！!。，,~]|或|$)|Not\s?Found|^40[34]\b|\b404\s?(?:错误|页面|-|—|Error|$)|Error\s?404",
    re.IGNORECASE,
)
_SORRY = re.compile(
    r"(?:对不起|抱歉|很遗憾).{0,12}(?:没有找到|找不到|不存在|无法(?:找到|访问|显示)|已(?:被)?删除)|page you requested cannot be found",
    re.IGNORECASE,
)
_WORK = r"(?:维护|升级|改版|改造|检修|割接|迁移|建设)"
_NOTICES: tuple[tuple[Literal["blocked", "failed"], str, re.Pattern[str], re.Pattern[str]], ...] = (
    # outcome, reason, what its title says, what a page of next to nothing else says
    (
        "failed",
        "parked",
        re.compile(
            r"域名.{0,8}(?:出售|转让|待售|停放|过期|到期)|domain.{0,30}(?:for sale|expired|parked)", re.IGNORECASE
        ),
        re.compile(
            r"域名.{0,10}(?:出售|转让|待售|停放|已?过期|已?到期)|(?:出售|转让|购买)(?:此|该|本|这个)?域名|"
            r"domain.{0,30}(?:for sale|expired|parked)|buy this domain",
            re.IGNORECASE,
        ),
    ),
    (
        "failed",
        "no-site",
        re.compile(r"没有找到站点|站点创建成功|Welcome to nginx|^IIS|Test Page", re.IGNORECASE),
        re.compile(
            r"(?:网站|域名).{0,8}未(?:经|完成)?备案|没有找到站点|站点创建成功|网站(?:已|被)(?:暂停|关停|关闭)|Welcome to nginx|It works!",
            re.IGNORECASE,
        ),
    ),
    (
        "failed",
        "maintenance",
        re.compile(
            rf"{_WORK}中|正在(?:进行)?.{{0,6}}{_WORK}|^(?:系统|网站|平台|停机|升级|改版)+{_WORK}?(?:公告|通知|提示|页面?)?$|"
            r"Under (?:Maintenance|Construction)|Site Maintenance",
            re.IGNORECASE,
        ),
        re.compile(
            rf"正在(?:进行)?.{{0,8}}{_WORK}|(?:系统|网站|平台|本站|服务器?|门户).{{0,6}}{_WORK}(?:中|期间|公告|通知)|停机{_WORK}|"
            rf"{_WORK}.{{0,16}}(?:暂停|无法|不能|暂不|停止)(?:对外)?(?:提供)?(?:访问|服务|使用|开放)|"
            r"(?:网站|系统|平台)(?:暂停|停止)(?:对外)?(?:访问|服务|开放)|under (?:maintenance|construction)",
            re.IGNORECASE,
        ),
    ),
    (
        "failed",
        "error-page",
        re.compile(r"^50[0234]\b|服务器错误|Internal Server Error|Bad Gateway|Service Unavailable", re.IGNORECASE),
        re.compile(
            r"(?:系统|服务器|程序|数据库)(?:内部|连接|运行)?(?:繁忙|异常|错误|出错|失败)|HTTP Status 50\d|"
            r"Internal Server Error|Bad Gateway|Service (?:Temporarily )?Unavailable",
            re.IGNORECASE,
        ),
    ),
    (
        "blocked",
        "login",
        re.compile(r"(?!)"),  # a title that speaks of logging in needs a password field beside it
        re.compile(
            r"请(?:您)?(?:先|重新)登[录陆]|(?:尚未|还没有|没有|未)登[录陆]|登[录陆](?:已)?(?:超时|失效|过期)|会话(?:已)?(?:超时|失效|过期)"
        ),
    ),
)
_LOGIN_TITLE = re.compile(
    r"^(?:用户|系统|会员|管理员?|后台|单点|统一)*登[录陆]|登[录陆](?:页面?|界面|系统|平台)?$|身份认证|\blog\s?in\b|sign\s?in",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"<input\b[^<>]*\btype\s*=\s*[\"']?password", re.IGNORECASE)
_LINK = re.compile(r"<a\s[^<>]*>[^<]*", re.IGNORECASE)
_ARTICLE = re.compile(
    rb"""<meta[^<>]{0,200}(?:ArticleTitle|PubDate)["'\s][^<>]{0,40}content\s*=\s*["'][^"']{2}""", re.IGNORECASE
)
_DATED = re.compile(r"(?:发布|发文|成文|发表)(?:时间|日期)[】\]]?\s*[:：]?\s*20\d\d")
_TITLE = re.compile(r"<title[^<>]*>([^<]{0,300})", re.IGNORECASE)
_UNSAID = re.compile(
    r"<(?:[^<>snt!][^<>]*+>"  # the other tags first, since there are so many
    r"|(script|style|noscript)\b[^<]*+(?:<(?!/\1\s*>)[^<]*+)*+(?:</\1\s*>)?"
    r"|title[^<>]*>[^<]{0,300}|!--[^-]*+(?:-(?!->)[^-]*+)*+(?:-->)?|[^<>]*>)|&nbsp;",
    re.IGNORECASE,
)
_MOVES = re.compile(
    r"""location(?:\.href)?\s*=\s*["']([^"']+)["']|location\.replace\(\s*["']([^"']+)["']|"""
    r"""http-equiv=["']?refresh[^<>]{0,40}url=["']?([^"'<>\s]+)""",
    re.IGNORECASE,
)
_NOT_HAN = re.compile(r"[^\u4e00-\u9fff]+")
_LOGIN_PATH = re.compile(
    r"(?:^|/)(?:user|admin)?(?:login|signin|sso|cas|passport|oauth2?|uaa)(?:[/.;]|$)", re.IGNORECASE
)
_MISSING_PATH = re.compile(r"(?:^|/)(?:(?:error|page|err)[/_-]?)?(?:404|not[_-]?found)(?:\.\w+)?/?$", re.IGNORECASE)
_ERROR_PATH = re.compile(r"(?:^|/)(?:error|err|50[0-9]|403)(?:\.\w+)?/?$", re.IGNORECASE)
_HOME_PATH = re.compile(r"/?(?:(?:index|default|home|main)(?:\.\w+)?)?", re.IGNORECASE)
_SHORT_TEXT = 300
_FRAMED_TEXT = 2000  # a short notice inside a site's whole frame of menus
_FEW_LINKS = 10
_SMALL_BODY = 262_144
_SHELL_BODY = 500
_HOME_BODY = 1_048_576
_HOME_TEXT = 200
_ROBOTS_BODY = 524_288  # RFC 9309, 2.5: at least 500 KiB are read


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an answer is instead of the page asked for, and the rule that says so."""

    outcome: Literal["blocked", "gone", "failed"]
    reason: str


def judge(
    *, status: int, headers: Mapping[str, str], body: bytes, url: str = "", home: str | None = None
) -> Verdict | None:
    """Recognise an answer that is not the page asked for; None for a page, a redirect and a 304.

    `headers` have lower-case names, `url` is the address asked for. `home` is given for a page that lies within a
    site, which is gone if the home page comes in its place: the home page's `fingerprint`, "" where it is not known.
    Challenges are looked for first, since they come with any status; a page that says it does not exist is gone even
    with status 200. A page that declares an article (ArticleTitle, PubDate, a labelled date) is never taken for one
    of these, whatever its text speaks of.
    """
    content_type = headers.get("content-type")
    page = _Page(body=body, content_type=content_type, upto=_SMALL_BODY)
    if status == 200 and page.declares_article:
        return None
    if status == 200 and home and not is_home(url):
        own = page.fingerprint if page.whole else fingerprint(body, content_type=content_type)
        if own == home:
            return Verdict(outcome="gone", reason="home-page")
    if status == 200 and page.is_article:
        return None
    if page.is_bare and (named := _challenge(status, headers, page, url)):
        return Verdict(outcome="blocked", reason=named)
    if 300 <= status < 400:
        return _redirect(status, headers.get("location"), url, is_inner=home is not None)
    notice = _notice(page)
    if status == 200:
        return notice or _judge_page(page, url, is_inner=home is not None)
    if notice and (status >= 500 or notice.reason == "no-site"):
        return notice
    if status in (404, 410):
        return Verdict(outcome="gone", reason=f"http-{status}")
    if status == 401:
        return Verdict(outcome="blocked", reason="login")
    if status in (403, 405, 412, 429, 451, 521):
        return Verdict(outcome="blocked", reason=f"http-{status}")
    return Verdict(outcome="failed", reason=f"http-{status}") if status >= 400 else None


def judge_chain(chain: Sequence[str], *, cookies: str) -> Verdict | None:
    """Recognise redirects that lead nowhere; `chain` is all addresses asked for in turn, and where the last sends us.

    `cookies` is the Set-Cookie header of the last answer: to return with one is to wait for it to be sent back. One
    return without is let pass, since another server behind the same address may answer otherwise.

    >>> judge_chain(["http://a.example/", "http://a.example/"], cookies="seen=1")
    Verdict(outcome='blocked', reason='cookie-loop')
    """
    returns = len(chain) - len(set(chain))
    if returns and cookies:
        return Verdict(outcome="blocked", reason="cookie-loop")
    if returns > 1 or len(chain) > MOST_HOPS + 1:
        return Verdict(outcome="blocked", reason="redirect-loop")
    return None


def is_home(url: str) -> bool:
    """Tell whether an address is that of a site's home page.

    >>> is_home("http://www.a.example/index.html"), is_home("http://www.a.example/zwgk/index.html")
    (True, False)
    """
    parts = urlsplit(url)
    return _HOME_PATH.fullmatch(parts.path) is not None and not parts.query


def fingerprint(body: bytes, *, content_type: str | None = None) -> str:
    """Name what a page says in Chinese, without its counters and dates; "" for one that says too little to be known."""
    return _Page(body=body, content_type=content_type, upto=_HOME_BODY).fingerprint


def robots(*, status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Give the rules that an answer for robots.txt amounts to, in UTF-8.

    A server error forbids everything and any other refusal nothing (RFC 9309, 2.3.1). Nor does a page of HTML, in
    which a parser may well find a Disallow. Rules in GBK are read as such: read as UTF-8, /公开 would become /.
    """
    if status >= 500:
        return b"User-agent: *\nDisallow: /\n"
    if status != 200:
        return b""
    text = decode(body[:_ROBOTS_BODY], content_type=headers.get("content-type")).text
    return b"" if text.lstrip().startswith("<") else text.encode("utf-8", "replace")


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A page, of which so many bytes are looked at, and what can be told of it at once."""

    body: bytes = field(repr=False)
    content_type: str | None
    upto: int

    @property
    def whole(self) -> bool:
        return len(self.body) <= self.upto

    @cached_property
    def text(self) -> str:
        return decode(self.body[: self.upto], content_type=self.content_type).text if self.body else ""

    @cached_property
    def fingerprint(self) -> str:
        words = _NOT_HAN.sub("", self.words)
        return hashlib.sha256(words.encode()).hexdigest() if len(words) >= _HOME_TEXT else ""

    @cached_property
    def title(self) -> str:
        found = _TITLE.search(self.text)
        return found[1].strip() if found else ""

    @cached_property
    def words(self) -> str:
        """What it says, without its title, scripts, tags and white space."""
        return _plain(self.text)

    @cached_property
    def says(self) -> str:
        """What it says for itself, not in links to other pages."""
        return _plain(_LINK.sub(" ", self.text))

    @cached_property
    def declares_article(self) -> bool:
        """Said in ASCII (of UTF-16 without its zeros), so that most pages need not be decoded."""
        return _ARTICLE.search(self.body[: self.upto].replace(b"\0", b"")) is not None

    @cached_property
    def is_article(self) -> bool:
        return self.declares_article or _DATED.search(self.words) is not None

    @cached_property
    def is_bare(self) -> bool:
        """Whether it is a page that has next to nothing to say and to link; the JSON of a list is no page."""
        return (
            self.whole
            and not self.is_article
            and len(self.words) <= _SHORT_TEXT
            and len(_LINK.findall(self.text)) < _FEW_LINKS
            and not self.text.lstrip().startswith(("{", "["))
        )


def _plain(text: str) -> str:
    return " ".join(_UNSAID.sub(" ", text).split())


def _challenge(status: int, headers: Mapping[str, str], page: _Page, url: str) -> str | None:
    """Name the challenge; its marks count only on a bare page."""
    cookies = headers.get("set-cookie", "")
    again = not url or urljoin(url, headers.get("location", "")) == url
    for name, in_body, in_cookies, statuses in _CHALLENGES:
        if in_body.search(page.text):
            return name
        if in_cookies and status in statuses and again and in_cookies.search(cookies):
            return name
    return "firewall" if _WALL.search(f"{page.title} {page.says}") else None


def _redirect(status: int, location: str | None, url: str, *, is_inner: bool) -> Verdict | None:
    if status == 304:
        return None
    if not location:
        return Verdict(outcome="failed", reason=f"http-{status}")
    return _judge_target(location, url, is_inner=is_inner)


def _judge_target(location: str, url: str, *, is_inner: bool) -> Verdict | None:
    """Judge where a page sends its readers."""
    asked, target = urlsplit(url), urlsplit(urljoin(url, location))
    if _LOGIN_PATH.search(target.path) and not _LOGIN_PATH.search(asked.path):
        return Verdict(outcome="blocked", reason="login")
    if _MISSING_PATH.search(target.path):
        return Verdict(outcome="gone", reason="soft-404")
    if _ERROR_PATH.search(target.path):
        return Verdict(outcome="failed", reason="error-page")
    only_scheme = target.netloc == asked.netloc and target.scheme != asked.scheme  # a server's clumsy way to https
    if is_inner and is_home(target.geturl()) and not is_home(url) and not only_scheme:
        return Verdict(outcome="gone", reason="home-page")
    return None


def _notice(page: _Page) -> Verdict | None:
    """Recognise a page that is only a notice, or a form to log in by."""
    for outcome, reason, in_title, in_words in _NOTICES:
        if (page.is_bare and in_words.search(page.says)) or (
            not page.is_article and len(page.words) < _FRAMED_TEXT and in_title.search(page.title)
        ):
            return Verdict(outcome=outcome, reason=reason)
    if _PASSWORD.search(page.text) and (
        (page.is_bare and re.search("登[录陆]", page.words))
        or (len(page.words) < _FRAMED_TEXT and _LOGIN_TITLE.search(page.title))
    ):
        return Verdict(outcome="blocked", reason="login")
    return None


def _judge_page(page: _Page, url: str, *, is_inner: bool) -> Verdict | None:
    text, words = page.text, page.words
    if not text.strip():
        return Verdict(outcome="failed", reason="empty")
    if page.title and len(words) < _FRAMED_TEXT and _MISSING.search(page.title):
        return Verdict(outcome="gone", reason="soft-404")
    if page.whole and len(words) < _SHORT_TEXT and _MISSING.search(words):
        return Verdict(outcome="gone", reason="soft-404")
    if page.whole and len(words) < _FRAMED_TEXT and _SORRY.search(words):
        return Verdict(outcome="gone", reason="soft-404")
    if words:
        return None
    moves = _MOVES.search(text)
    target = next(filter(None, moves.groups())) if moves else ""
    reloads = moves and urljoin(url, target) == url
    if moves and page.whole and not reloads:
        return _judge_target(target, url, is_inner=is_inner)
    if reloads or (len(text) < _SHELL_BODY and not moves and "<script" in text.lower()):
        return Verdict(outcome="blocked", reason="script-shell")
    return None
