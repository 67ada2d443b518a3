"""A page's title: the one it declares, else the one it shows, else what its window is called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.identify import title_verdict
from pipelines.lines import tidy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.html import HtmlElement

_SHOWS = frozenset(("div", "p", "h2", "h3", "span", "td"))
_HOLDS = frozenset(("div", "p", "span", "td"))
_KEYWORDS = 2  # commas in an ArticleTitle that is really the site's keywords
_SHOWN = re.compile(
    r"(?:^|[\s_-])(?:article[_-]?title|news[_-]?title|con[_-]?title|content[_-]?title|info[_-]?title|xl_title|main_title|arti?_title|wz_title|bt_title|z1|ucaptitle)(?:$|\s)",
    re.IGNORECASE,
)
_NEARLY_SHOWN = re.compile(r"(?:title|tit|biaoti|bt)\d?(?:$|\s)", re.IGNORECASE)
_LABEL = re.compile(r"正文|.{0,4}(?:动态|中心|公开|信息|公告|新闻|首页|要闻)")
_SEPARATOR = re.compile(r"\s*[_|｜]\s*|\s+[-–—]+\s*|\s*[-–—]+\s+|-{2,}|(?<=[^\x00-\x7f])-(?=[^\x00-\x7f])")

_ABOUT = re.compile(r"公开|报告|年报|通知|关于|報告|年報")
_SITE = re.compile(r"(?:网|网站|门户|政府|平台)$")
_SECTION = re.compile(r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[）)]")
_LONGEST = 120


def title_of(root: HtmlElement, meta: Mapping[str, str]) -> tuple[str, bool]:
    """Find a page's title, and say whether it had to be guessed from the window's name.

    ArticleTitle meta, then a heading the page shows, be it only a lesser one that is a report's, then `<title>`
    without the site's name. The tree must still have its head.
    """
    site = meta.get("sitename", "")
    declared = once(meta.get("articletitle", ""))
    if declared and declared != site and declared.count(",") < _KEYWORDS:
        return declared, False
    window = _of_window(root, site)
    shown = [title for title in _shown(root) if title not in ("", site) and _fits(title)]
    for fits in (window.__eq__, _ABOUT.search, lambda title: not _SITE.search(title)):
        for title in shown:
            if fits(title):
                return title, False
    return window, True


def _fits(title: str) -> bool:
    """Tell what can be a title: not too long, and no section's heading."""
    return len(title) <= _LONGEST and not _SECTION.match(title)


def once(title: str) -> str:
    """Write a title that is doubled only once.

    >>> once("某市2019年年报 某市2019年年报")
    '某市2019年年报'
    """
    title = tidy(title)
    bare = "".join(title.split())
    half = len(bare) // 2
    return bare[:half] if half > 3 and bare[:half] == bare[half:] else title


def repeats(words: Sequence[str], title: str) -> int:
    """Count the opening lines that only repeat the title, be it broken over several lines or after a column's name.

    >>> repeats(["某市水务局", "2017年年报", "一、概述"], "某市水务局2017年年报")
    2
    """
    wanted = _core(title)
    for start in range(min(3, len(words))) if wanted else ():
        joined = ""
        for count, line in enumerate(words[start : start + 4], start=start + 1):
            joined = _core(joined + line)
            if joined == wanted:
                return count
            if not wanted.startswith(joined):
                break
        if not _LABEL.fullmatch(words[start]):
            break
    return 0


def _core(title: str) -> str:
    """Leave out the words that a title may have on one line and not on another."""
    return re.sub(r"[\s《》“”\"的度]|关于|工作", "", title)


def _shown(root: HtmlElement) -> list[str]:
    """List the headings a page shows: great ones, ones its CMS calls a title, lesser ones that title a report."""
    great = [once(node.text_content()) for node in root.iter("h1", "ucaptitle")]
    called = [(node, name) for node in root.iter() if (name := node.get("class") or node.get("id"))]
    marked = [once(node.text_content()) for node, name in called if node.tag in _SHOWS and _SHOWN.search(name)]
    lesser = [once(node.text_content()) for node in root.iter("h2", "h3", "h4")]
    lesser += [once(node.text_content()) for node, name in called if node.tag in _HOLDS and _NEARLY_SHOWN.search(name)]
    return great + marked + [title for title in lesser if title_verdict(title) == "report"]


def window_of(root: HtmlElement) -> str:
    """Read what a page calls its window: its own title, and mostly the site's name with it."""
    return next((tidy(node.text_content()) for node in root.iter("title")), "")


def _of_window(root: HtmlElement, site: str) -> str:
    """Take the part of the window's name that is not the site's: the first, or the longest where it is."""
    window = window_of(root)
    parts = [part for part in _SEPARATOR.split(window.removesuffix(site)) if part and part != site]
    named = [part for part in parts if _ABOUT.search(part)]
    return once((named or parts or [""])[0])
