"""A page of a PDF: pypdfium2 reads its letters and ruling lines, pdfplumber finds the cells that the lines make."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from ctypes import c_float, c_int, c_uint
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipelines.attachments.layout import Letter, Line, lines
from pipelines.attachments.stitch import Box, Table, table

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LETTERS = 50_000  # on a page
_MOST_OBJECTS = 20_000  # on a page
_MOST_EDGES = 1500  # of its tables
_MOST_CORNERS = 4000  # on a page; a drawing has more
_LARGEST = 5000  # points a side; A0 is 3370
_ROW = 60.0  # points; a higher single cell is a frame
_SNAP = 3.0  # points, within which edges are one
_FARTHEST = 100_000  # points from a page's corner
_RADICALS = str.maketrans(
    "⺠⺟⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻨⻩⻬⻮⻰⻳", "民母虎西见角贝车长门青韦页风飞食马骨鬼鱼鸟麦黄齐齿龙龟"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What stands on a page, and its upper edge and size in points; `hidden` are letters that only a search finds."""

    number: int
    lines: tuple[Line, ...]
    tables: tuple[Table, ...]
    top: float
    width: int
    height: float
    pictured: bool
    hidden: bool

    @property
    def is_scan(self) -> bool:
        """Whether a picture is all there is."""
        return self.pictured and not self.lines and not self.tables


def read_page(sheet: Any, number: int) -> Page | None:
    """Read a page that pypdfium2 opened; None where it is too large.

    Raises pypdfium2.PdfiumError where it is damaged.
    """
    from pypdfium2 import raw

    with closing(sheet.get_textpage()) as text:
        if not all(1 < side < _LARGEST for side in sheet.get_size()) or text.count_chars() > _MOST_LETTERS:
            return None
        letters = list(_letters(text, sheet.get_rotation()))
    left, top, right, bottom = _upright(sheet.get_bbox(), sheet.get_rotation())
    objects = list(islice(sheet.get_objects(max_depth=5), _MOST_OBJECTS))
    pictured = any(thing.type == raw.FPDF_PAGEOBJ_IMAGE for thing in objects)
    modes = {raw.FPDFTextObj_GetTextRenderMode(thing) for thing in objects if thing.type == raw.FPDF_PAGEOBJ_TEXT}
    tables = []
    edges = (edge for thing in objects for edge in _edges(thing, sheet.get_rotation()))
    for boxes in _ruled(list(islice(edges, _MOST_OBJECTS))):
        inside: dict[Box, list[Letter]] = {box: [] for box in boxes}
        outside: list[Letter] = []
        for letter in letters:
            box = _cell_of(letter, boxes)
            (inside[box] if box else outside).append(letter)
        if len(outside) < len(letters):  # else a drawing
            cells = [(box, lines(held, page=number, in_cell=True)) for box, held in inside.items()]
            tables.append(table(cells, page=number))
        letters = outside
    return Page(
        number=number,
        lines=tuple(lines(letters, page=number)),
        tables=tuple(tables),
        top=top,
        width=round(right - left),
        height=bottom - top,
        pictured=pictured,
        hidden=pictured and modes == {raw.FPDF_TEXTRENDERMODE_INVISIBLE},
    )


def _upright(box: Box, rotation: int) -> Box:
    """Turn left, bottom, right, top as the file has them to left, top, right, bottom as a reader sees them."""
    x0, y0, x1, y1 = box
    turned = {0: (x0, -y1, x1, -y0), 90: (y0, x0, y1, x1), 180: (-x1, y0, -x0, y1), 270: (-y1, -x1, -y0, -x0)}
    return turned[rotation]


def _letters(text: Any, rotation: int) -> Iterator[Letter]:
    from pypdfium2 import raw

    for index in range(text.count_chars()):
        # A hyphen at the end of a line comes as a control character.
        code = ord("-") if raw.FPDFText_IsHyphen(text, index) == 1 else raw.FPDFText_GetUnicode(text, index)
        box = text.get_charbox(index, loose=True)
        if code >= 32 and not raw.FPDFText_IsGenerated(text, index) and _is_near(*box):
            x0, top, x1, bottom = _upright(box, rotation)
            yield Letter(text=_letter(code), x0=x0, top=top, x1=x1, bottom=bottom)


def _letter(code: int) -> str:
    """Write a letter; fonts often call a whole character by the name of the radical that looks like it."""
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    letter = chr(code)
    return unicodedata.normalize("NFKC", letter).translate(_RADICALS) if 0x2E80 <= code <= 0x2FD5 else letter


def _is_near(*places: float) -> bool:
    """Tell places that a page may have; a broken file's are anywhere, or no numbers."""
    return all(abs(place) < _FARTHEST for place in places)


def _edges(thing: Any, rotation: int) -> Iterator[dict[str, Any]]:
    """Find the lines across and down in a path, as pdfplumber describes them; white areas have none."""
    from pypdfium2 import raw

    if thing.type != raw.FPDF_PAGEOBJ_PATH or _is_white(thing):
        return
    matrix, holder = thing.get_matrix(), thing.container
    while holder:
        matrix, holder = matrix.multiply(holder.get_matrix()), holder.container
    start = here = (0.0, 0.0)
    x, y = c_float(), c_float()
    for index in range(min(raw.FPDFPath_CountSegments(thing), _MOST_OBJECTS)):
        segment = raw.FPDFPath_GetPathSegment(thing, index)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        kind, before, here = raw.FPDFPathSegment_GetType(segment), here, matrix.on_point(x.value, y.value)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            start = here
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield from _edge(before, here, rotation)
        if raw.FPDFPathSegment_GetClose(segment):
            yield from _edge(here, start, rotation)


def _is_white(path: Any) -> bool:
    """Tell a path that is only filled, and with white."""
    from pypdfium2 import raw

    fill, stroke = c_int(), c_int()
    colour = [c_uint() for _ in range(4)]
    raw.FPDFPath_GetDrawMode(path, fill, stroke)
    raw.FPDFPageObj_GetFillColor(path, *colour)
    return not stroke.value and all(part.value == 255 for part in colour[:3])


def _edge(one: tuple[float, float], other: tuple[float, float], rotation: int) -> Iterator[dict[str, Any]]:
    if not _is_near(*one, *other):
        return
    (left, right), (low, high) = (sorted(pair) for pair in zip(one, other, strict=True))
    x0, top, x1, bottom = _upright((left, low, right, high), rotation)
    wide, high = x1 - x0, bottom - top
    if min(wide, high) < 1 < max(wide, high):
        yield _across(x0, x1, top) if wide > high else _down(top, bottom, x0)


def _across(x0: float, x1: float, y: float) -> dict[str, Any]:
    return {"orientation": "h", "x0": x0, "x1": x1, "top": y, "bottom": y, "width": x1 - x0, "height": 0.0}


def _down(top: float, bottom: float, x: float) -> dict[str, Any]:
    return {"orientation": "v", "x0": x, "x1": x, "top": top, "bottom": bottom, "width": 0.0, "height": bottom - top}


def _ruled(edges: list[dict[str, Any]]) -> list[list[Box]]:
    """Find the cells of each ruled table, and the lowest single one, which may be a table's first row.

    A table of one column is a frame around text.
    """
    from pdfplumber import table as ruling

    down = [edge for edge in edges if edge["orientation"] == "v"]
    for end, outermost in (("top", min), ("bottom", max)):
        if down:  # browsers leave a table open where the page breaks it
            y = outermost(edge[end] for edge in down)
            ends = [edge["x0"] for edge in down if abs(edge[end] - y) < _SNAP]
            edges = [*edges, _across(min(ends), max(ends), y)]
    merged = ruling.merge_edges(edges, _SNAP, _SNAP, _SNAP, _SNAP)
    long = [edge for edge in merged if max(edge["x1"] - edge["x0"], edge["bottom"] - edge["top"]) >= _SNAP]
    if len(long) > _MOST_EDGES:
        return []
    corners = ruling.edges_to_intersections(long, _SNAP, _SNAP)
    if len(corners) > _MOST_CORNERS:
        return []
    cells = ruling.intersections_to_cells(corners)
    tables = ruling.cells_to_tables(cells)
    alone = {cell for cell in cells if cell[3] - cell[1] < _ROW}.difference(*tables)
    lowest = [[max(alone, key=lambda cell: cell[3])]] if alone else []
    return lowest + [boxes for boxes in tables if len({round(box[0]) for box in boxes}) > 1]


def _cell_of(letter: Letter, boxes: list[Box]) -> Box | None:
    x, y = (letter.x0 + letter.x1) / 2, (letter.top + letter.bottom) / 2
    return next((box for box in boxes if box[0] <= x < box[2] and box[1] <= y < box[3]), None)
