"""Answers that are not the page asked for: challenges, firewalls, shells of script, soft 404s."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pipelines.decode import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHALLENGES = (
    # name, what its body holds, what its cookies hold; sources: facts/sites.md
    ("ruishu", re.compile(r"\$_ts\s*(?:=|\[|\.)"), None),
    ("jiasule", re.compile(r"__jsl_clearance|\bgo\(\{\"bts\""), re.compile(r"__jsl_clearance|__jsluid_")),
    ("c3vk", re.compile(r"\bC3VK\s*="), re.compile(r"\bC3VK=")),
    ("ct6t", re.compile(r"\bCT6TS?\s*="), re.compile(r"\bCT6TS?=")),
    ("geobl", re.compile(r"reason\s*[:：]\s*GeoBL"), None),
)
_WALL = re.compile(
    r"访问(?:已)?被(?:拦截|阻断|拒绝|禁止)|请求(?:已)?被(?:拦截|阻断|拒绝)|疑似黑客攻击|可能对网站造成安全威胁|"
    r"(?:您|你)的?IP.{0,20}(?:禁止|限制|封|拦截|黑名单)|网站防火墙|安全验证|人机验证|请完成验证|访问过于频繁|"
    r"Request (?:blocked|denied)|Access Denied|WAF",
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
_ARTICLE = re.compile(
    r"""<meta[^<>]{0,200}(?:ArticleTitle|PubDate)["'\s][^<>]{0,40}content\s*=\s*["'][^"']{2}""", re.IGNORECASE
)
_CODE = re.compile(r"<(script|style|noscript)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^<>]*>([^<]{0,300})", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>|&nbsp;|<!--.*?-->")
_MOVES = re.compile(
    r"""location(?:\.href)?\s*=\s*["'][^"']+["']|location\.replace\(\s*["'][^"']+["']|http-equiv=["']?refresh""",
    re.IGNORECASE,
)
_SHORT_TEXT = 300
_FRAMED_TEXT = 2000  # a short notice inside a site's whole frame of menus
_SMALL_BODY = 65_536
_SHELL_BODY = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What an answer is instead of the page asked for, and the rule that says so."""

    outcome: Literal["blocked", "gone", "failed"]
    reason: str


def judge(*, status: int, headers: Mapping[str, str], body: bytes) -> Verdict | None:
    """Recognise an answer that is not the page asked for; None for a page, a redirect and a 304.

    `headers` have lower-case names. Challenges are looked for first, since they come with any status; a
    page that says it does not exist is gone even with status 200. A page that declares an article
    (ArticleTitle, PubDate) is never taken for one of these, whatever its text speaks of.
    """
    text = decode(body[:_SMALL_BODY], content_type=headers.get("content-type")).text if body else ""
    if status == 200 and _is_article(text):
        return None
    named = _challenge(status, headers.get("set-cookie", ""), text)
    if named:
        return Verdict(outcome="blocked", reason=named)
    if status in (404, 410):
        return Verdict(outcome="gone", reason=f"http-{status}")
    if status in (403, 405, 412, 429, 451, 521):
        return Verdict(outcome="blocked", reason=f"http-{status}")
    if status >= 400:
        return Verdict(outcome="failed", reason=f"http-{status}")
    if status != 200:
        return None
    return _judge_page(text, whole=len(body) < _SMALL_BODY)


def _challenge(status: int, cookies: str, text: str) -> str | None:
    """Name the challenge; its marks count only on an answer that has next to nothing else to say."""
    if _is_article(text) or len(_words(text)) > _SHORT_TEXT:
        return None
    for name, in_body, in_cookies in _CHALLENGES:
        if in_body.search(text) or (in_cookies is not None and in_cookies.search(cookies) and _waits(status, text)):
            return name
    return "firewall" if _WALL.search(_said(text)) else None


def _waits(status: int, text: str) -> bool:
    """Tell whether an answer that sets a challenge's cookie is the challenge: real pages may set it as well."""
    return status != 200 or len(_words(text)) < 10


def _judge_page(text: str, *, whole: bool) -> Verdict | None:
    words = _words(text)
    if not text.strip():
        return Verdict(outcome="failed", reason="empty")
    title = _TITLE.search(text)
    if title and _MISSING.search(title[1].strip()):
        return Verdict(outcome="gone", reason="soft-404")
    if whole and len(words) < _SHORT_TEXT and _MISSING.search(words):
        return Verdict(outcome="gone", reason="soft-404")
    if whole and len(words) < _FRAMED_TEXT and _SORRY.search(words):
        return Verdict(outcome="gone", reason="soft-404")
    if len(text) < _SHELL_BODY and not words and "<script" in text.lower() and not _MOVES.search(text):
        return Verdict(outcome="blocked", reason="script-shell")
    return None


def _is_article(text: str) -> bool:
    return _ARTICLE.search(text) is not None


def _said(text: str) -> str:
    title = _TITLE.search(text)
    return f"{title[1] if title else ''} {_words(text)}"


def _words(text: str) -> str:
    """What a page says, without its title, scripts, tags and white space."""
    return " ".join(_TAG.sub(" ", _CODE.sub(" ", _TITLE.sub(" ", text))).split())
