"""An element's words as lines: one a paragraph, in the order a reader meets them."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from pipelines.prepare import core

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.html import HtmlElement

_BLOCKS = frozenset(
    """
    address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hr html iframe legend li main menu nav ol p pre section summary table tbody td
    tfoot th thead tr ucapcontent ul
    """.split()  # noqa: SIM905
)
_BREAK = "\u2028"
_INVISIBLE = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff\u00ad")
_UNTIDY = re.compile(r"[\s\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_SPACES = re.compile(r"[ \t\r\n\f\v\x85\xa0\u2000-\u200a\u202f\u205f]+")
_WRAP = re.compile(r"(?<=[^\x00-\xa0])[ \t]*[\r\n]\s*(?=[^\x00-\xa0])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line and the innermost block that its first word stands in."""

    text: str
    block: HtmlElement


def lines(element: HtmlElement) -> list[str]:
    """Read an element's text as lines, as `placed` does."""
    return [line for words, _ in _runs(element) for line in _split(words)]


def of_cell(cell: HtmlElement) -> str:
    """Read a cell's text as one line: its lines joined, with a space only between two Latin edges."""
    inner = core(cell) if len(cell) else cell
    words = inner.text or ""
    return _glued(words) if not len(inner) and "\n" not in words else glue(lines(cell))


def placed(element: HtmlElement) -> list[Line]:
    """Read an element's text as lines, broken where a browser would break them.

    Runs of white space become one space; white space at the edges of a line, and a line end between two
    Chinese characters (which is the source's, not the text's), go. The element's own tail is not read.
    """
    return [Line(text=line, block=block) for words, block in _runs(element) for line in _split(words)]


def _runs(element: HtmlElement) -> Iterator[tuple[str, HtmlElement]]:
    """Walk an element's words between one block's edge and the next, with the block in which they begin."""
    pieces: list[str] = []
    begun, blocks = element, [element]
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if node.tag in _BLOCKS:
            if pieces:
                yield "".join(pieces), begun
                pieces.clear()
            if event == "start":
                blocks.append(node)
                if node.tag == "pre":
                    _break_lines(node)
            else:
                blocks.pop()
        words = node.text if event == "start" else node.tail if node is not element else None
        if words:
            if not pieces:
                begun = blocks[-1]
            pieces.append(words)
    if pieces:
        yield "".join(pieces), begun


def tidy(text: str) -> str:
    r"""Make one line of a string as `lines` does.

    >>> tidy(" 一、\xa0\xa0总体\n情况　")
    '一、 总体情况'
    """
    text = text.strip()
    if not _UNTIDY.search(text):
        return text
    text = text.translate(_INVISIBLE)
    if "\n" in text:
        text = _WRAP.sub("", text)
    return _SPACES.sub(" ", text).strip()


def glue(parts: Iterable[str]) -> str:
    """Join a cell's paragraphs, with a space only between two Latin edges.

    >>> glue(["商业", "企业"]), glue(["12", "34"])
    ('商业企业', '12 34')
    """
    whole = ""
    for part in parts:
        whole += f" {part}" if whole and whole[-1].isascii() and part[:1].isascii() else part
    return whole


def _split(words: str) -> list[str]:
    return [line for part in words.split(_BREAK) if (line := tidy(part))]


@functools.lru_cache(maxsize=1 << 13)
def _glued(words: str) -> str:
    """Make one line of a cell's words; the cells of forms say the same on page after page."""
    return glue(_split(words))


def _break_lines(pre: HtmlElement) -> None:
    """Turn the line ends of preformatted text into marks that survive the folding of white space."""
    for node in pre.iter():
        if node.text:
            node.text = node.text.replace("\n", _BREAK)
        if node.tail and node is not pre:
            node.tail = node.tail.replace("\n", _BREAK)
