"""Where the article is, and its paragraphs and tables in order. The only room that knows trafilatura."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree
from lxml.html import Element

from pipelines import grids
from pipelines.lines import lines
from pipelines.prepare import MARK
from pipelines.rules import rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.html import HtmlElement

    from archive.records import Grid

_FOOTER = re.compile(
    r"版权所有|ICP备|公网安备|网站标识码|主办单位|承办单位|网站地图|技术支持|联系我们|版權所有|網站地圖|Copyright|建议使用|分辨率"
)
_LEGAL = re.compile(r"版权所有|ICP备|公网安备|网站标识码|主办单位|承办单位|版權所有")
_FOOT = 20
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)

_HIDDEN_SCRAP = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the article is, and whether the CMS marked it or it is only the densest part of the page."""

    element: HtmlElement
    marked: bool


def locate(root: HtmlElement, weights: Mapping[HtmlElement, int]) -> Place:
    """Find the article of a prepared tree: the container its CMS marks, else the densest element."""
    container = _marked(root, weights)
    return Place(element=_densest(root, weights) if container is None else container, marked=container is not None)


def read(place: Place, weights: Mapping[HtmlElement, int]) -> list[str | Grid]:
    """Read an article's paragraphs and tables in order; an empty list where there is none.

    A marked container is read as it stands, since an extractor could only lose from it. Elsewhere
    trafilatura says where the article begins and ends, and the words between are read here. The tree is
    changed: tables leave it, widgets too. A footer is never an article.
    """
    _drop_widgets(place.element, weights)
    tables = _take_tables(place.element)
    words = lines(place.element)
    if not place.marked:
        words = _between(words, place.element)
    text = "\n".join(words)
    if is_footer(text) or not (place.marked or _is_prose(text)):
        return []
    return _put_back(words, tables)


def is_footer(text: str) -> bool:
    """Tell a site's footer from an article: short, and two of a footer's phrases."""
    return len(text) < 600 and len(set(_FOOTER.findall(text))) >= 2


def _marked(root: HtmlElement, weights: Mapping[HtmlElement, int]) -> HtmlElement | None:
    """Choose the container with the most text; a strict one over a loose one of up to twice its weight."""
    strict: list[HtmlElement] = []
    loose: list[HtmlElement] = []
    known = {(rule.by, rule.value): rule.loose for rule in rules().containers}
    third = weights[root] / 3
    for node in weights:
        marks = [("tag", str(node.tag)), ("id", node.get("id", ""))]
        marks += [("class", word) for word in node.get("class", "").split()]
        kinds = {known[mark] for mark in marks if mark in known}
        if False in kinds:
            strict += [node] if _is_something(node) else []
        elif kinds and weights[node] and weights[node] >= third:
            loose.append(node)
    best = max(reversed(strict), key=lambda node: weights[node], default=None)
    if loose:
        most = max(weights[node] for node in loose)
        if best is None or weights[best] < most / 2:
            return min((node for node in loose if weights[node] >= most * 0.8), key=lambda node: weights[node])
    return best


def _is_something(node: HtmlElement) -> bool:
    """Tell whether a container holds words, a picture or a document, and is no footer."""
    text = node.text_content()
    return bool(text.strip() or node.find(".//img") is not None or node.find(".//iframe") is not None) and (
        not is_footer(text)
    )


def _densest(root: HtmlElement, weights: Mapping[HtmlElement, int]) -> HtmlElement:
    """Go down from the body for as long as one child holds nine tenths of the words that are not links."""
    body = root.find("body")
    node = body if body is not None else root
    while len(node):
        child = max(node, key=lambda child: weights.get(child, 0))
        if child.tag in ("p", "table", "tr", "span") or weights.get(child, 0) < weights[node] * 0.9:
            break
        node = child
    return node


def _drop_widgets(element: HtmlElement, weights: Mapping[HtmlElement, int]) -> None:
    """Take out share bars and the like, and hidden scraps; never anything that holds a third of the text."""
    words = rules().widget_words
    limit = max(weights[element] / 3, 1)
    for node in list(element.iterdescendants()):
        hidden = node.get("hidden") is not None or _HIDDEN.search(node.get("style", "")) is not None
        named = not words.isdisjoint((*node.get("class", "").lower().split(), node.get("id", "").lower()))
        if (hidden and weights.get(node, 0) < min(limit, _HIDDEN_SCRAP)) or (named and weights.get(node, 0) < limit):
            _drop(node)


def _drop(node: HtmlElement) -> None:
    if node.getparent() is not None:
        node.drop_tree()


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


def _between(words: list[str], element: HtmlElement) -> list[str]:
    """Keep the lines from the first to the last that trafilatura finds in the element, and tables after them."""
    import trafilatura

    page = Element("html")  # trafilatura finds nothing in a bare element whose prose has only line breaks
    etree.SubElement(page, "body").append(copy.deepcopy(element))
    found = trafilatura.extract(page, fast=True, include_comments=False, include_tables=True, deduplicate=False)
    kept = [_bare(line) for line in (found or "").splitlines()]
    whole = "".join(kept)
    places = [place for place, line in enumerate(words) if _bare(line) in (kept if len(line) < 12 else whole)]
    if not places:
        return []
    tables = [place for place, line in enumerate(words) if line.startswith(MARK)]
    article = words[places[0] : max([places[-1], *tables]) + 1]
    legal = [place for place, line in enumerate(article) if place > len(article) - _FOOT and _LEGAL.search(line)]
    return article[: legal[0]] if legal else article


def _is_prose(text: str) -> bool:
    """Tell an article from a list of links: it ends sentences, or is all tables."""
    return "。" in text or MARK in text


def _bare(line: str) -> str:
    return "".join(line.split()).lstrip("-#*|")


def _put_back(words: list[str], tables: list[Grid]) -> list[str | Grid]:
    return [tables[int(line.removeprefix(MARK))] if re.fullmatch(f"{MARK}[0-9]+", line) else line for line in words]
