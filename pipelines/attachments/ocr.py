"""Words in pictures: the optional extra `[ocr]`, rapidocr on onnxruntime, whose models come in its wheel.

A table is found by its ruling lines and recognised cell by cell; what is outside tables is prose.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from pipelines.attachments import Document, rulings, stitch
from pipelines.attachments.layout import Line, column, paragraphs
from pipelines.lines import glue, tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from PIL import Image

    from archive.records import Grid
    from pipelines.attachments.rulings import Box, Pixels

_MOST_WORK = 300_000
"""What is recognised of one document: the lengths of its lines in pixels, each line 48 pixels high. Some 40 s: nine pages."""

_WIDTH = 1600  # pixels; what a page is brought to unless it is near
_MOST_ENLARGED = 4
_MOST_PIXELS = 40_000_000  # of a page so brought
_POINTS = 595.0  # across a page, taken for A4
_TALLEST = 800  # pixels of prose for the detector at once; it would shrink more
_LINE = 48  # pixels; the height the model reads
_RULING, _DETECTING = 0.0005, 0.004  # work a pixel
_EDGE = 3  # pixels of white around words
_MARGIN = 24  # pixels of white above and below prose
_BORDER = 8  # pixels; no ruling is thicker
_LOW = 8  # pixels; a line with letters is higher
_SPECK = 6  # pixels; words have more ink
_SURE = 0.5
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SPACE = re.compile(r" (?=[^\x00-\xff])|(?<=[^\x00-\xff]) ")
_NARROW = re.compile(r"(?<=[\u4e00-\u9fff])[,:;]|[,:;](?=[\u4e00-\u9fff])|[()]")
_WIDE = str.maketrans("(),:;", "（），：；")
_PAGE_NUMBER = re.compile(r"[-—–－·\s]*第?\s*\d{1,3}\s*页?[-—–－·\s]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A table or a piece of prose of a page; `words` with how sure they are, `work` as `_MOST_WORK` counts."""

    items: tuple[Line | stitch.Table, ...] = ()
    words: tuple[tuple[str, float], ...] = ()
    work: float


def available() -> bool:
    """Whether the extra `[ocr]` is installed."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def read(images: Iterable[Image.Image]) -> Document:
    """Recognise pages; flagged `scanned` and `recognised`, and `pages-unread` where the work became too much.

    `pages` counts those that were begun, `confidence` is the mean over their letters. Needs `available()`.
    """
    pages: list[list[_Part]] = []
    flags = {"scanned", "recognised"}
    work = 0.0
    for page, part in ((number, part) for number, image in enumerate(images) for part in _parts(image, page=number)):
        if work > _MOST_WORK:
            flags.add("pages-unread")
            break
        if page == len(pages):
            pages.append([])
        pages[page].append(part)
        work += part.work
    words = [word for parts in pages for part in parts for word in part.words]
    letters = sum(len(word) for word, _ in words)
    return Document(
        blocks=tuple(_blocks([item for part in parts for item in part.items] for parts in pages)),
        pages=len(pages),
        flags=frozenset(flags),
        confidence=sum(len(word) * score for word, score in words) / letters if letters else 0.0,
    )


@cache
def _engine() -> Any:
    """Load the models; one thread, as the workers are processes."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.width_height_ratio": -1,  # no black bars around a single line
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.limit_type": "max",  # never enlarge: pages come at a size that suits
            "Det.limit_side_len": 2000,
            "Rec.rec_batch_num": 2,  # long lines need much memory, and are padded to the longest of a batch
            "Rec.rec_img_shape": [3, _LINE, 2 * _LINE],  # the least width: numbers stand in narrow cells
        }
    )


def _parts(image: Image.Image, *, page: int) -> Iterator[_Part]:
    """Read a page's tables and the prose above, between and below them, in their order."""
    import cv2
    import numpy as np

    grey = np.asarray(image.convert("L"))
    if not 0.75 <= image.width / _WIDTH <= 1.5:
        scale = min(_WIDTH / image.width, _MOST_ENLARGED, (_MOST_PIXELS / grey.size) ** 0.5)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    grey = rulings.upright(grey)
    ink = rulings.ink(grey)
    tables = rulings.tables(ink)
    yield _Part(work=grey.size * _RULING)
    prose, left = grey.copy(), ink.copy()
    for x1, y1, x2, y2 in (box for table in tables for box in table):
        place = np.s_[max(y1 - _BORDER, 0) : y2 + _BORDER, max(x1 - _BORDER, 0) : x2 + _BORDER]
        prose[place], left[place] = np.median(grey), 0
    edges = [0, *(min(top for _, top, _, _ in table) for table in tables), len(grey)]
    for table, (top, bottom) in zip([None, *tables], pairwise(edges), strict=True):
        if table:
            yield _table(grey, ink, table, page=page)
        for begin, end in _pieces(left[top:bottom]):
            yield _prose(prose[max(top + begin, 0) : top + end], top=max(top + begin, 0), page=page)


def _pieces(ink: Pixels) -> Iterator[tuple[int, int]]:
    """Cut rows into pieces that the detector takes, between lines; it needs some white above and below."""
    import numpy as np

    dark = (ink > 0).sum(axis=1)
    inked = np.flatnonzero(dark > 2)
    begin = int(inked[0]) - _MARGIN if len(inked) else 0
    while len(inked) and inked[-1] - begin > _TALLEST:
        half = begin + _TALLEST // 2
        end = half + int(np.argmin(dark[half : begin + _TALLEST]))
        yield begin, end
        inked, begin = inked[inked >= end], end
    if len(inked):
        yield begin, int(inked[-1]) + _MARGIN


def _table(grey: Pixels, ink: Pixels, boxes: Sequence[Box], *, page: int) -> _Part:
    """Recognise a table cell by cell, each line of a cell by itself."""
    import numpy as np

    rows = [_rows(ink[y1:y2, x1:x2]) for x1, y1, x2, y2 in boxes]
    heights = [bottom - top for cell in rows for top, bottom in cell if bottom - top >= _LOW]
    high = float(np.median(heights or [_LOW]))
    crops: list[Pixels] = []
    places: list[tuple[int, Box]] = []
    for index, (x1, y1, x2, y2) in enumerate(boxes):
        for top, bottom in _joined(rows[index], most=1.3 * high):
            dark = np.flatnonzero(ink[y1 + top : y1 + bottom, x1:x2].any(axis=0))
            more = max(_EDGE, int(high - bottom + top) // 2)  # 一 and — are flat
            upper, lower = max(y1, y1 + top - more), min(y2, y1 + bottom + more)
            begin, end = max(x1, x1 + int(dark[0]) - 2 * _EDGE), min(x2, x1 + int(dark[-1]) + 2 * _EDGE)
            crops.append(grey[upper:lower, begin:end])
            places.append((index, (begin, upper, end, lower)))
    words = _recognise(crops)
    point = _POINTS / grey.shape[1]
    lines: list[list[Line]] = [[] for _ in boxes]
    for (index, place), (word, _) in zip(places, words, strict=True):
        if word:
            lines[index].append(_line(word, place, point=point, page=page))
    scaled = [(x1 * point, y1 * point, x2 * point, y2 * point) for x1, y1, x2, y2 in boxes]
    table = stitch.table(zip(scaled, lines, strict=True), page=page)
    return _Part(items=(table,), words=words, work=sum(_work(place) for _, place in places))


def _rows(ink: Pixels) -> list[tuple[int, int]]:
    """Find the runs of rows with ink, specks left out."""
    import numpy as np

    dark = (ink > 0).sum(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], dark > 0, [0])))).tolist()
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if dark[a:b].sum() >= _SPECK]


def _joined(rows: Iterable[tuple[int, int]], *, most: float) -> list[tuple[int, int]]:
    """Join the strokes of one line, such as the two of 二: runs that are together no higher than `most`."""
    lines: list[tuple[int, int]] = []
    for top, bottom in rows:
        if lines and bottom - lines[-1][0] <= most:
            lines[-1] = lines[-1][0], bottom
        else:
            lines.append((top, bottom))
    return lines


def _recognise(crops: Sequence[Pixels]) -> tuple[tuple[str, float], ...]:
    """Read each crop as one line; "" where that is no better than a guess."""
    import cv2

    if not crops:
        return ()
    read = _engine().recognize_txt([cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR) for crop in crops])
    scored = zip(map(_tidied, read.txts), read.scores, strict=True)
    return tuple((text if score >= _SURE else "", score) for text, score in scored)


def _prose(grey: Pixels, *, top: int, page: int) -> _Part:
    """Detect and recognise lines of prose; what stands in one row is one line."""
    import cv2

    read = _engine()(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), use_cls=False)
    work = grey.size * _DETECTING
    if read.boxes is None:
        return _Part(work=work)
    words = tuple(zip(map(_tidied, read.txts), read.scores, strict=True))
    boxes = [(*box.min(axis=0).tolist(), *box.max(axis=0).tolist()) for box in read.boxes]
    rows: list[list[tuple[str, Box]]] = []
    for (x1, y1, x2, y2), (word, _) in sorted(zip(boxes, words, strict=True), key=lambda pair: pair[0][1] + pair[0][3]):
        if not word:
            continue
        if not rows or top + (y1 + y2) / 2 > rows[-1][-1][1][3]:
            rows.append([])
        rows[-1].append((word, (x1, y1 + top, x2, y2 + top)))
    point = _POINTS / grey.shape[1]
    lines = [_line(*_whole(row), point=point, page=page, gaps=len(row) - 1) for row in rows]
    return _Part(items=_even(lines), words=words, work=work + sum(map(_work, boxes)))


def _blocks(pages: Iterable[Sequence[Line | stitch.Table]]) -> Iterator[str | Grid]:
    """Join lines to paragraphs and tables to tables, over the ends of pages too; page numbers go."""
    found: list[Line | stitch.Table] = []
    for page in pages:
        for place, item in enumerate(page):
            above = found[-1] if found else None
            if isinstance(item, Line):
                if place not in (0, len(page) - 1) or not _PAGE_NUMBER.fullmatch(item.text):
                    found.append(item)
            elif isinstance(above, stitch.Table) and stitch.belong(above, item):
                found[-1] = stitch.stitch(above, item)
            else:
                found.append(item)
    within = column([item for item in found if isinstance(item, Line)])
    for _, group in groupby(found, key=lambda item: isinstance(item, Line)):
        items = list(group)
        yield from paragraphs([item for item in items if isinstance(item, Line)], within)
        yield from (stitch.grid(item) for item in items if isinstance(item, stitch.Table))


def _line(word: str, place: Box, *, point: float, page: int, gaps: int = 0) -> Line:
    x0, top, x1, _ = (side * point for side in place)
    letters = sum(0.5 if letter.isascii() else 1 for letter in word)  # as wide as Chinese ones
    return Line(text=word, page=page, x0=x0, x1=x1, top=top, size=(x1 - x0) / letters, gaps=gaps)


def _whole(row: Sequence[tuple[str, Box]]) -> tuple[str, Box]:
    """Join the words in one row."""
    words, boxes = zip(*sorted(row, key=lambda pair: pair[1]), strict=True)
    left, top, right, bottom = zip(*boxes, strict=True)
    return glue(words), (min(left), min(top), max(right), max(bottom))


def _even(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Give lines of nearly one size the same: a few letters measure it badly."""
    middle = statistics.median([line.size for line in lines] or [1])
    return tuple(replace(line, size=middle) if abs(line.size / middle - 1) < 0.25 else line for line in lines)


def _work(place: Box) -> float:
    x1, y1, x2, y2 = place
    return _LINE * (x2 - x1) / max(1, y2 - y1)


def _tidied(text: str) -> str:
    """Tidy a recognised line; beside Chinese the model takes wide signs for narrow ones, and sees spaces.

    >>> _tidied("(七) 总计:0.5万元"), _tidied("10:30")
    ('（七）总计：0.5万元', '10:30')
    """
    text = _SPACE.sub("", tidy(text))
    return _NARROW.sub(lambda sign: sign[0].translate(_WIDE), text) if _HAN.search(text) else text
