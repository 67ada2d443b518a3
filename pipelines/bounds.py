"""Which lines of a container are the article: where it begins and ends, and what follows it on the page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.lines import tidy
from pipelines.links import is_file
from pipelines.normalise import simple
from pipelines.prepare import MARK
from pipelines.repair import unglossed
from pipelines.rules import rules

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from pipelines.lines import Line

_LEGAL = re.compile(r"版权所有|ICP备|公网安备|网站标识码|主办单位|承办单位|版權所有")
_FOOTER = re.compile(
    r"版权(?:所有|归)|ICP备|公网安备|网站标识码|主办单位|承办单位|网站地图|技术支持|联系我们|版權所有|網站地圖|"
    r"[开主承]办(?:单位)?[：:]|"
    r"Copyright|建议使用|分辨率"
)
_RELATED = re.compile(
    r"(?:[【\[]?(?:相关|推荐|热点|热门|延伸|最新)(?:新闻|稿件|链接|阅读|文章|信息|推荐|解读|政策|内容|发布|动态|公告)[】\]]?|友情链接)[:：]?"
)
_DISCUSSION = re.compile(
    r"(?:网友|用户|最新|热门|全部|文章|精彩)?(?:评论|留言|跟帖)(?:列表|区)?(?:[（(]?(?:共)?\d*[条个]?[）)]?)[:：]?"
)
_SENTENCE = re.compile(r"[^。\n]*。")
_CLAUSE = re.compile("[、，。]")
_PARAGRAPHS = frozenset(("p", "span", "font", "strong", "b", "label", "li", "h1", "h2", "h3", "h4", "h5", "h6"))
_FOOT = 20
_MOST_OF_IT = 0.9
_OF_A_TABLE = 200
_LONG_LINE = 20
_TWIN = 200  # characters
_LONGEST_HEADING = 60  # characters, with glosses
_AT_AN_END = 30  # characters: a title, a signature, a date
_BESIDE_LINKS = 12  # characters: a date, a bullet


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """The lines that are the article, and those around it that are links, a footer's or outside its box."""

    article: list[Line]
    frame: list[str]


def is_footer(text: str) -> bool:
    """Tell a site's footer from an article: short, and two of a footer's phrases outside its sentences."""
    return len(text) < 600 and len(set(_FOOTER.findall(_SENTENCE.sub("", text)))) >= 2


def within(words: Sequence[Line], found: str, weights: Mapping[HtmlElement, int], *, title: str) -> Span:
    """Find the article in a page that marks none, from what an extractor found of it.

    The article's box is the innermost element that holds nine tenths of what was found. Its lines from the first
    to the last found are the article, and those before and after them in the box that are neither links nor a
    footer's: extractors drop opening labels, signatures and trailing headings. Nothing before the title's own
    heading belongs to it.
    """
    kept = [_bare(line) for line in found.splitlines()]
    whole = "".join(kept)
    hits = Counter[int]()
    for place, line in enumerate(words):
        bare = _bare(line.text)
        if line.text.startswith(MARK):
            hits[place] = _OF_A_TABLE
        elif bare in (kept if len(line.text) < 12 else whole) and not _is_links(line, weights):
            hits[place] = len(bare)
    hits = _after_title(hits, words, title)
    if not hits:
        return Span(article=[], frame=[])
    box = set(_box(hits, words).iter())
    inside = [place for place in sorted(hits) if words[place].block in box]
    first, last = inside[0], inside[-1]

    def belongs(place: int) -> bool:
        line = words[place]
        return line.block in box and not _is_links(line, weights) and not _is_frames(line, _FOOTER)

    while first and belongs(first - 1) and title not in (_bare(words[first - 1].text), _bare(words[first].text)):
        first -= 1
    while last + 1 < len(words) and belongs(last + 1):
        last += 1
    legal = [n for n, line in enumerate(words) if n > last - _FOOT and _is_frames(line, _LEGAL)]
    end = min([last + 1, *legal])
    frame = [n for n in range(len(words)) if n < first or (n >= end and (legal or not belongs(n)))]
    return Span(article=list(words[first:end]), frame=[words[n].text for n in frame])


def is_bare(words: Sequence[Line], weights: Mapping[HtmlElement, int]) -> bool:
    """Tell lines that are an article's alone: sentences, no links, nothing of a footer's, and no long label at an end."""
    return (
        any(line.text.endswith("。") for line in words)
        and all(line.text.endswith("。") or len(line.text) <= _AT_AN_END for line in (words[0], words[-1]))
        and not any(_is_links(line, weights) or _is_frames(line, _FOOTER) for line in words)
    )


def related(words: Sequence[Line], weights: Mapping[HtmlElement, int]) -> int:
    """Say at which line 相关新闻 and its links begin, or what readers say, when nothing else follows; else the number of lines."""
    short = [n for n, line in enumerate(words) if len(line.text) <= _LONGEST_HEADING and not _CLAUSE.search(line.text)]
    heads = [(n, _plain(words[n].text)) for n in short]
    heads = [(n, bare) for n, bare in heads if _RELATED.fullmatch(bare) or _DISCUSSION.fullmatch(bare)]
    if not heads:
        return len(words)
    last_link = max((n for n, line in enumerate(words) if _is_links(line, weights)), default=-1)
    last_table = max((n for n, line in enumerate(words) if line.text.startswith(MARK)), default=-1)
    end = len(words)
    while end and (
        _is_page_link(words[end - 1], weights)
        or len(words[end - 1].text) <= _BESIDE_LINKS
        or _is_aside(words[end - 1].text)
    ):
        end -= 1
    for place, bare in heads:
        if (end <= place + 1 <= last_link) if _RELATED.fullmatch(bare) else (last_table < place):
            return place
    return len(words)


def is_discussion(line: str) -> bool:
    """Tell the heading of what readers say."""
    return _DISCUSSION.fullmatch(_plain(line)) is not None


def links_at_ends(words: Sequence[Line], weights: Mapping[HtmlElement, int]) -> set[int]:
    """Number the lines that only lead to other pages before a text's first sentence, and after its last or last table.

    A sentence that is all link is the text's right after another or a table, and a headline's after a signature.
    """
    links = {n for n, line in enumerate(words) if _is_page_link(line, weights)}
    said = [n for n, line in enumerate(words) if n not in links and _is_said(line)] if links else []
    if not said:
        return set()
    first, last = next((n for n in said if not words[n].text.startswith(MARK)), said[0]), said[-1]
    while last + 1 in links and _is_said(words[last + 1]):
        last += 1
    return {n for n in links if not first <= n <= last}


def _is_page_link(line: Line, weights: Mapping[HtmlElement, int]) -> bool:
    """Tell a line of links of which none leads to a file, a mailbox or a place on the page, or is named like an annex."""
    if weights.get(line.block, _OF_A_TABLE) > _BESIDE_LINKS:
        return False
    links = {tidy(link.text_content()): link.get("href") for link in line.block.iter("a") if link.get("href")}
    kept = any(is_file(name) or is_file(to) or to.startswith(("mailto:", "#")) for name, to in links.items())
    is_sentence = line.text.endswith("。") and not any(name.endswith("。") for name in links)
    return bool(links) and not (kept or is_sentence or "附" in line.text)


def _is_said(line: Line) -> bool:
    """Tell a sentence of a text, or a table, from what widgets say."""
    return line.text.startswith(MARK) or (line.text.endswith("。") and not rules().names_line(_plain(line.text)))


def tail(words: Sequence[Line]) -> int:
    """Say at which of the last lines a site's footer begins, with no sentence after it; else the number of lines."""
    for place in range(max(0, len(words) - _FOOT), len(words)):
        if _is_frames(words[place], _FOOTER):
            rest = [line.text for line in words[place:]]
            if is_footer("\n".join(rest)) and not any(line.endswith("。") for line in rest):
                return place
    return len(words)


def once(words: Sequence[str]) -> int:
    """Say at which line a text begins again word for word, as in a copy for telephones; else the number of lines.

    Every line of the one must stand in the other, tables, files, widgets' lines and the line before the copy aside: two
    notices that differ in a number are two. Lines that end the one and are in no copy go with the copy, where all of
    the copy is in the one.
    """
    start = next((n for n, line in enumerate(words) if len(line) >= _LONG_LINE), len(words))
    again = next((n for n in range(start + 2, len(words)) if words[n] == words[start]), None)
    if again is None:  # most texts
        return len(words)
    first = [n for n in range(start, again - 1) if not _is_aside(words[n])]
    copy = {line for line in words[again:] if not _is_aside(line)}
    end = again - 1
    if copy <= {words[n] for n in first}:
        while first and words[first[-1]] not in copy:
            end = first.pop()
    whole = sum(len(words[n]) for n in first) >= _TWIN and all(words[n] in copy for n in first)
    return end if whole else len(words)


def _is_aside(line: str) -> bool:
    return line.startswith(MARK) or is_file(line) or rules().names_line(line)


def _is_frames(line: Line, words: re.Pattern[str]) -> bool:
    """Tell a line of a site's frame; a sentence that speaks of 技术支持 is the article's."""
    return words.search(line.text) is not None and not line.text.endswith("。")


def _after_title(hits: Counter[int], words: Sequence[Line], title: str) -> Counter[int]:
    """Leave out what was found before the title's heading, if more was found after it."""
    bare = "".join(title.split())
    heads = [n for n, line in enumerate(words) if bare and "".join(line.text.split()) == bare]
    for head in heads[:1]:
        after = Counter({n: size for n, size in hits.items() if n >= head})
        if after.total() * 2 > hits.total():
            return after
    return hits


def _box(hits: Counter[int], words: Sequence[Line]) -> HtmlElement:
    """Find the innermost element that holds nine tenths of what was found and is more than a paragraph."""
    under: Counter[HtmlElement] = Counter()
    for place, size in hits.items():
        block = words[place].block
        under[block] += size
        for parent in block.iterancestors():
            under[parent] += size
    enough = hits.total() * _MOST_OF_IT
    start = words[next(iter(hits))].block
    box: HtmlElement = next(iter(start.iterancestors("html")), start)
    while (inner := next((child for child in box if under[child] >= enough), None)) is not None:
        box = inner
    if box.tag in _PARAGRAPHS:
        box = next(node for node in box.iterancestors() if node.tag not in _PARAGRAPHS)
    row = box.getparent()
    if box.tag == "td" and row is not None and len(row) == 1:  # a layout with a row for each paragraph
        box = next(box.iterancestors("table"), box)
    return box


def _is_links(line: Line, weights: Mapping[HtmlElement, int]) -> bool:
    """Tell a line of a menu or a list: its block holds links, and next to nothing beside them."""
    block = line.block
    if line.text.endswith("。"):
        return False
    return weights.get(block, _OF_A_TABLE) <= _BESIDE_LINKS and block.find(".//a[@href]") is not None


def _plain(line: str) -> str:
    """Write a line without white space, a short one in simplified characters and without glosses."""
    bare = "".join(line.split())
    return bare if len(bare) > _OF_A_TABLE else "".join(map(simple, unglossed(bare, "toneless")))


def _bare(line: str) -> str:
    return "".join(line.split()).lstrip("-#*|")
