"""An article's paragraphs and tables in order. The only room that knows trafilatura."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree
from lxml.html import Element

from pipelines import bounds, grids
from pipelines.lines import lines, placed
from pipelines.prepare import MARK
from pipelines.rules import rules
from pipelines.sheets import spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.html import HtmlElement

    from archive.records import Grid
    from pipelines.containers import Place

_HIDDEN = re.compile(r"display\s*:\s*none")

_HIDDEN_SCRAP = 200
_LONG_LINE = 20
_NO_SPACE = str.maketrans("", "", " \t\r\n\xa0\u3000")
_PARTICULARS = frozenset(
    """
    索引号 发布机构 发布单位 发文机关 主题分类 体裁分类 组配分类 成文日期 生成日期 发文日期 发布日期 名称 标题 文号 发文字号
    主题词 有效性 公开方式 公开范围 公开时限 内容概述
    """.split()  # noqa: SIM905
)
_BESIDE_A_LINK = 40
_LONGEST_PARTICULAR = 200
_FEWEST_PARTICULARS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """An article's paragraphs and tables in order, and the words of the widgets that were dropped from it."""

    blocks: list[str | Grid]
    dropped: list[str]


def read(place: Place, weights: Mapping[HtmlElement, int], *, title: str = "") -> Article:
    """Read an article; it has no blocks where there is none.

    A marked container is read as it stands, since an extractor could only lose from it, and so is a part of a page
    with nothing of a site's frame in it. Elsewhere trafilatura says where the article is, and its words are read
    here. The tree is changed: tables leave it, widgets too. A footer is never an article.
    """
    dropped = _drop_widgets(place.element, weights)
    for table in list(place.element.iter("table")):
        spread(table)
    for table in list(place.element.iter("table")):
        if _is_particulars(table) or (
            _is_list(table, weights) and not (place.marked and _goes_on(table, place.element))
        ):
            dropped += _drop(table)
    tables = _take_tables(place.element)
    all_lines = placed(place.element)
    end = bounds.tail(all_lines[: bounds.related(all_lines, weights)])
    dropped += [line.text for line in all_lines[end:]]
    found = all_lines[:end]
    if not place.marked:
        said = "\n".join(line.text for line in found) if bounds.is_bare(found, weights) else _found(place.element)
        span = bounds.within(found, said, weights, title=title)
        found = span.article
        dropped += span.frame
        again = bounds.once([line.text for line in found])
        for block in _put_back([line.text for line in found[again:]], tables):
            dropped += [block] if isinstance(block, str) else [cell for row in block for cell in row]
        found = found[:again]
    links = bounds.links_at_ends(found, weights)
    dropped += [found[n].text for n in links]
    words = [line.text for n, line in enumerate(found) if n not in links]
    text = "\n".join(words)
    if bounds.is_footer(text) or not (place.marked or _is_prose(text)):
        return Article(blocks=[], dropped=dropped)
    return Article(blocks=_put_back(words, tables), dropped=dropped)


def _drop_widgets(element: HtmlElement, weights: Mapping[HtmlElement, int]) -> list[str]:
    """Take out share bars and the like, and hidden scraps; never anything that holds a third of the text.

    Returns the words of what was taken out.
    """
    words = rules().widget_words
    limit = max(weights[element] / 3, 1)
    dropped: list[str] = []
    for node in list(element.iter()):
        if not (has := dict(node.items())):
            continue
        style, kinds, name = has.get("style", "").lower(), has.get("class"), has.get("id")
        hidden = ("none" in style and _HIDDEN.search(style) is not None) or "hidden" in has
        named = (kinds and not words.isdisjoint(kinds.lower().split())) or (name and name.lower() in words)
        if not (hidden or named):
            continue
        weight = weights.get(node, 0)
        scrap = hidden and (weight < min(limit, _HIDDEN_SCRAP) or _stands_twice(node, element))
        if node is not element and (scrap or (named and weight < limit)):
            dropped += _drop(node)
    return dropped


def _stands_twice(node: HtmlElement, element: HtmlElement) -> bool:
    """Tell whether a hidden part only repeats what the element says elsewhere, as a copy for telephones does."""
    whole = "".join("".join(element.itertext()).split())
    said = ["".join(line.split()) for line in lines(node)]
    return bool(said) and all(whole.count(line) > 1 for line in said if len(line) >= _LONG_LINE)


def _drop(node: HtmlElement) -> list[str]:
    if node.getparent() is None:
        return []
    words = [" ".join(node.itertext())]
    node.drop_tree()
    return words


def _is_list(table: HtmlElement, weights: Mapping[HtmlElement, int]) -> bool:
    """Tell a list of links laid out as a table: most rows hold a link, and little beside it."""
    if next(table.iter("a"), None) is None:
        return False
    rows = list(table.iter("tr"))
    linked = sum(row.find(".//a[@href]") is not None for row in rows)
    return linked * 2 > len(rows) and weights.get(table, 0) <= len(rows) * _BESIDE_A_LINK


def _goes_on(table: HtmlElement, element: HtmlElement) -> bool:
    """Tell whether a text has sentences after a table, or none before it."""
    before, _, after = element.text_content().rpartition(table.text_content())
    return "。" in after or "。" not in before


def _is_particulars(table: HtmlElement) -> bool:
    """Tell the table of 索引号, 发布机构 and the like that stands above an article (国办发〔2017〕47号)."""
    whole = "".join(table.text_content().split())
    if sum(name in whole for name in _PARTICULARS) < _FEWEST_PARTICULARS:
        return False
    cells = {"".join(cell.itertext()).translate(_NO_SPACE).rstrip("：:") for cell in table.iter("td", "th")}
    return len(cells & _PARTICULARS) >= _FEWEST_PARTICULARS and max(map(len, cells)) < _LONGEST_PARTICULAR


def _take_tables(element: HtmlElement) -> list[Grid]:
    """Replace each data table by a marked paragraph, inner tables first; the grids, in the order of the marks."""
    taken: list[Grid] = []
    for table in reversed(list(element.iter("table"))):
        if table is element or (grid := grids.read(table)) is None:
            continue
        mark = Element("p")
        mark.text = f"{MARK}{len(taken)}"
        taken.append(grid)
        for caption in table.iter("caption"):
            caption.tag = "p"
            table.addprevious(caption)
        table.addprevious(mark)
        table.drop_tree()
    return taken


def _found(element: HtmlElement) -> str:
    """Ask trafilatura for the article of an element."""
    import trafilatura

    page = element.makeelement("html")  # trafilatura finds nothing in a bare element whose prose has only line breaks
    etree.SubElement(page, "body").append(copy.deepcopy(element))
    return trafilatura.extract(page, fast=True, include_comments=False, include_tables=True, deduplicate=False) or ""


def _is_prose(text: str) -> bool:
    """Tell an article from a list of links: it ends sentences, or is all tables."""
    return "。" in text or MARK in text


def _put_back(words: list[str], tables: list[Grid]) -> list[str | Grid]:
    return [tables[int(line.removeprefix(MARK))] if re.fullmatch(f"{MARK}[0-9]+", line) else line for line in words]
