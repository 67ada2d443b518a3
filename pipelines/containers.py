"""Where the article is: the container its CMS marks, else the densest part of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml.html import Element

from pipelines import grids
from pipelines.bounds import is_discussion, is_footer
from pipelines.lines import lines
from pipelines.rules import rules

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_NAMES = frozenset(("class", "id"))
_SENTENCE = re.compile(r"[。；]")
_PARAGRAPH = 60
_NEARLY_ALL = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the article is, and whether the CMS marked it or it is only the densest part of the page."""

    element: HtmlElement
    marked: bool


def locate(root: HtmlElement, weights: dict[HtmlElement, int]) -> Place:
    """Find the article of a prepared tree.

    A box is put around a container and what follows it, where the editor closed it too early or used one for each
    paragraph; its weight is added to the weights.
    """
    container = _marked(root, weights)
    if container is None:
        return Place(element=_densest(root, weights), marked=False)
    return Place(element=_whole(container, root, weights), marked=True)


def _marked(root: HtmlElement, weights: dict[HtmlElement, int]) -> HtmlElement | None:
    """Choose the container with the most text; a strict one over a loose one of up to twice its weight."""
    strict: list[HtmlElement] = []
    loose: list[HtmlElement] = []
    third = weights[root] / 3
    tags = {value for by, value in rules().container_kinds if by == "tag"}
    for node, weight in weights.items():  # from the last to the first
        if _NAMES.isdisjoint(node.keys()) and node.tag not in tags:
            continue
        kinds = _kinds(node)
        if False in kinds:
            strict += [node] if _is_something(node) else []
        elif kinds and weight and weight >= third:
            loose.append(node)
    best = max(reversed(strict), key=lambda node: weights[node], default=None)
    if loose:
        most = max(weights[node] for node in loose)
        if best is None or weights[best] < most / 2:
            return min((node for node in loose if weights[node] >= most * 0.8), key=lambda node: weights[node])
    return best


def _kinds(node: HtmlElement) -> set[bool]:
    """Say which kinds of container rule fit an element: loose ones (True), strict ones (False)."""
    known = rules().container_kinds
    marks = [("tag", node.tag)]
    if name := node.get("id"):
        marks.append(("id", name))
    if words := node.get("class"):
        marks += [("class", word) for word in words.split()]
    return {known[mark] for mark in marks if mark in known}


def _is_something(node: HtmlElement) -> bool:
    """Tell whether a container holds words, a picture or a document, and is no footer."""
    text = node.text_content()
    return bool(text.strip() or node.find(".//img") is not None or node.find(".//iframe") is not None) and (
        not is_footer(text)
    )


def _whole(container: HtmlElement, root: HtmlElement, weights: dict[HtmlElement, int]) -> HtmlElement:
    """Take along the siblings that go on with the text, or its parent's, unless the container has nearly all of it."""
    if not 0 < weights[container] < weights[root] * _NEARLY_ALL:
        return container
    for node in (container, container.getparent()):
        if node is None or node.tag in ("body", "html"):
            break
        before = list(_run(node, weights, backwards=True))
        after = list(_run(node, weights, backwards=False))
        if before or after:
            box = Element("div")
            run = [*reversed(before), node, *after]
            run[0].addprevious(box)
            box.extend(run)
            weights[box] = sum(weights[part] for part in run)
            return box
    return container


def _run(container: HtmlElement, weights: dict[HtmlElement, int], *, backwards: bool) -> Iterator[HtmlElement]:
    """Walk the siblings up to the last that is a container too, or holds sentences or a table; before it only the former."""
    waiting: list[HtmlElement] = []
    for sibling in container.itersiblings(preceding=backwards):
        waiting.append(sibling)
        if _kinds(sibling) or (not backwards and _goes_on(sibling, weights)):
            yield from waiting
            waiting.clear()


def _goes_on(node: HtmlElement, weights: dict[HtmlElement, int]) -> bool:
    words = rules().widget_words
    if not words.isdisjoint((*node.get("class", "").lower().split(), node.get("id", "").lower())):
        return False
    text = node.text_content()
    if any(map(is_discussion, lines(node)[:1])):
        return False
    long = weights.get(node, 0) > _PARAGRAPH and _SENTENCE.search(text) is not None
    table = node if node.tag == "table" else node.find(".//table")
    return not is_footer(text) and (long or (table is not None and grids.read(table) is not None))


def _densest(root: HtmlElement, weights: dict[HtmlElement, int]) -> HtmlElement:
    """Go down from the body for as long as one child holds nine tenths of the words that are not links."""
    body = root.find("body")
    node = body if body is not None else root
    while len(node):
        child = max(node, key=lambda child: weights.get(child, 0))
        if child.tag in ("p", "table", "tr", "span") or weights.get(child, 0) < weights[node] * 0.9:
            break
        node = child
    return node
