"""OFD, the national fixed-layout format (GB/T 33190): ofdkit reads words, this file ruling lines; laid out as PDF is."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from pipelines.attachments import Document, UnreadableError, container
from pipelines.attachments.layout import Letter, lines
from pipelines.attachments.page import Page, _cell_of, _edge, _ruled
from pipelines.attachments.pdf import _blocks, _without_running_lines
from pipelines.attachments.stitch import table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any
    from xml.etree.ElementTree import Element

    from ofdkit import Page as Sheet
    from ofdkit import TextRun

    Point = tuple[float, float]

LARGEST = 64 * 1024**2
"""What all XML of a document may be unpacked, in bytes."""

_MOST_PAGES = 300
_MOST_RUNS = 20_000  # of words, on a page
_MOST_EDGES = 20_000  # before those in a row are joined
_DEEPEST = 16
_POINTS = 72 / 25.4  # a millimetre
_ASCENT = 0.88  # of a letter's height, above the line it stands on
_NUMBERS = {"M": 2, "S": 2, "L": 2, "Q": 4, "B": 6, "A": 7, "C": 0}  # that follow a path's signs


def read(payload: bytes) -> Document:
    """Read the paragraphs and tables of an OFD.

    Flags: `scanned` where a page is a picture, `pages-unread` where pages are damaged or beyond the 300th. Raises
    UnreadableError: encrypted, truncated, damaged, too large unpacked.
    """
    import ofdkit
    from ofdkit.package import Package

    with container.opened(payload) as archive:
        if sum(info.file_size for info in archive.infolist() if info.filename.lower().endswith(".xml")) > LARGEST:
            raise UnreadableError("too large unpacked")
        if any(info.filename.lower() == "encryptions.xml" for info in archive.infolist()):
            raise UnreadableError("encrypted")
    pages = []
    try:
        with ofdkit.open(payload) as document, Package(payload) as package:
            count = len(document.pages)
            for sheet in document.pages[:_MOST_PAGES]:
                with suppress(ofdkit.OFDError):
                    pages.append(_page(sheet, package.read_xml(sheet.location or "")))
    except ofdkit.OFDError as error:
        raise UnreadableError("damaged") from error
    if not pages:
        raise UnreadableError("damaged")
    flags = {"pages-unread": len(pages) < count, "scanned": any(page.is_scan for page in pages)}
    return Document(
        blocks=tuple(_blocks(_without_running_lines(pages))),
        pages=count,
        flags=frozenset(flag for flag, up in flags.items() if up),
    )


def _page(sheet: Sheet, root: Element) -> Page:
    # Once each: what is drawn twice is meant to look bold.
    runs = {(run.text, round(run.x, 1), round(run.y, 1)): run for run in sheet.runs[:_MOST_RUNS]}
    letters = [letter for run in runs.values() for letter in _letters(run)]
    edges = list(
        islice((edge for layer in root.iter() if _name(layer) == "Layer" for edge in _edges(layer)), _MOST_EDGES)
    )
    tables = []
    for boxes in _ruled(edges):
        inside: dict[Any, list[Letter]] = {box: [] for box in (*boxes, None)}
        for letter in letters:
            inside[_cell_of(letter, boxes)].append(letter)
        letters = inside.pop(None)
        cells = [(box, lines(held, page=sheet.index, in_cell=True)) for box, held in inside.items()]
        tables.append(table(cells, page=sheet.index))
    _, top, width, height = (side * _POINTS for side in sheet.box)
    return Page(
        number=sheet.index,
        lines=tuple(lines(letters, page=sheet.index)),
        tables=tuple(tables),
        top=top,
        width=round(width),
        height=max(height, 1.0),
        pictured=any(_name(thing) == "ImageObject" for thing in root.iter()),
        hidden=False,
    )


def _letters(run: TextRun) -> Iterator[Letter]:
    """Place the letters of a run, whose first and last are known; one of ASCII is half as wide as another."""
    widths = [0.5 if letter.isascii() else 1.0 for letter in run.text]
    before, room = 0.0, run.width - widths[-1] * run.size
    for letter, width in zip(run.text, widths, strict=True):
        x = run.x + room * before / (sum(widths[:-1]) or 1)
        before += width
        yield Letter(
            text=letter,
            x0=x * _POINTS,
            top=(run.y - _ASCENT * run.size) * _POINTS,
            x1=(x + width * run.size) * _POINTS,
            bottom=(run.y + (1 - _ASCENT) * run.size) * _POINTS,
        )


def _edges(parent: Element, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Find the lines across and down in a layer's paths; those that show nothing, or white areas, have none."""
    for thing in parent:
        if _name(thing) == "PageBlock" and depth < _DEEPEST:
            yield from _edges(thing, depth + 1)
        elif _name(thing) == "PathObject" and _is_seen(thing):
            a, b, c, d, e, f = _floats(thing.get("CTM"), 6) or (1, 0, 0, 1, 0, 0)
            left, top, *_ = _floats(thing.get("Boundary"), 4) or (0, 0)
            for side in _sides(next((part.text or "" for part in thing if _name(part) == "AbbreviatedData"), "")):
                one, other = (
                    ((a * x + c * y + e + left) * _POINTS, -(b * x + d * y + f + top) * _POINTS) for x, y in side
                )
                yield from _edge(one, other, 0)


def _is_seen(path: Element) -> bool:
    if path.get("Stroke", "true") != "false":
        return True
    colours = [part.get("Value", "") for part in path if _name(part) == "FillColor"]
    return path.get("Fill") == "true" and colours != ["255 255 255"]


def _sides(path: str) -> Iterator[tuple[Point, Point]]:
    """Read the straight lines of a path, such as M 0 0 L 90 0 C, in its own coordinates."""
    signs = iter(path.split())
    start = here = (0.0, 0.0)
    for sign in signs:
        numbers = _floats(" ".join(islice(signs, _NUMBERS.get(sign, 0))), _NUMBERS.get(sign, 0))
        before = here
        here = start if sign == "C" else (numbers[-2], numbers[-1]) if numbers else here
        if sign in ("M", "S"):
            start = here
        elif sign in ("L", "C"):
            yield before, here


def _floats(text: str | None, count: int) -> tuple[float, ...]:
    """Read so many numbers; none where they are not so many."""
    try:
        numbers = tuple(map(float, (text or "").split()))
    except ValueError:
        return ()
    return numbers if len(numbers) == count else ()


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
