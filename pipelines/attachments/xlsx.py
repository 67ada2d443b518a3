"""Workbooks since 2007 (XLSX, XLSM, XLSB; Excel, WPS, LibreOffice), read with python-calamine.

It gives what cells hold, not how they are shown: a percentage stays a fraction, a rounded number is whole.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from functools import reduce
from io import BytesIO
from itertools import groupby, product
from typing import TYPE_CHECKING

from pipelines.attachments import Document, UnreadableError, container, panics
from pipelines.lines import glue, tidy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from python_calamine import CalamineSheet

    from archive.records import Grid

LARGEST = 64 * 1024**2
"""What the parts of a workbook may be unpacked, in bytes."""
MOST_PLACES = 4_000_000
"""How many cells may lie between the first and the last of a sheet, which calamine lays out in memory."""
MOST_CELLS = 200_000
"""How many cells of a sheet may say something, and how many a grid may have."""

_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{0,3})([0-9]{1,7})["']""")
_UNNAMED = re.compile(r"(?:sheet|工作表|表)\s*\d*", re.IGNORECASE)
_PARAGRAPH = re.compile(r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[）)]|附[表件]|.{41}|.*。$")


def read(payload: bytes) -> Document:
    """Read a workbook's sheets as `workbook` does. Raises UnreadableError: encrypted, truncated too."""
    _check(payload)
    return workbook(payload)


def workbook(payload: bytes) -> Document:
    """Read the visible sheets, each after its name: tables as grids, with what stands alone above them as paragraphs.

    Blank rows end a table, and a column in which none of its cells begins is not in it. A row is a paragraph where its
    one cell is a heading, 一、 or （一）, ends in a full stop or has more than 40 characters, and is as wide as the table
    or above it. `pages` are the visible sheets. Raises UnreadableError: damaged, too large unpacked.
    """
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        with panics.named(), CalamineWorkbook.from_filelike(BytesIO(payload)) as book:
            sheets = [sheet for sheet in book.sheets_metadata if sheet.typ is SheetTypeEnum.WorkSheet]
            names = [sheet.name for sheet in sheets if sheet.visible is SheetVisibleEnum.Visible]
            blocks: list[str | Grid] = []
            for name in names:
                found = list(_blocks(book.get_sheet_by_name(name)))
                blocks += [tidy(name), *found] if found and not _UNNAMED.fullmatch(tidy(name)) else found
    except CalamineError as error:
        raise UnreadableError("damaged") from error
    return Document(blocks=tuple(blocks), pages=len(names))


def _check(payload: bytes) -> None:
    """Raise UnreadableError for parts that are too large, and for cells so far apart that calamine would end."""
    if "EncryptedPackage".encode("utf-16-le") in payload:
        raise UnreadableError("encrypted")
    with container.opened(payload) as package:
        parts = [info for info in package.infolist() if info.filename.endswith((".xml", ".bin", ".rels"))]
        if sum(info.file_size for info in parts) > LARGEST:
            raise UnreadableError("too large unpacked")
        for info in parts:
            content = container.unpack(package, info)  # all of them, as a size may be a lie
            if "worksheets/" in info.filename and _spread(content) > MOST_PLACES:
                raise UnreadableError("too large unpacked")


def _spread(sheet: bytes) -> int:
    """Count the places between the first and the last cell of a sheet's XML, by the names of its cells and rows."""
    places = set(_PLACE.findall(sheet))
    columns = [
        reduce(lambda number, letter: 26 * number + letter - 64, name, 0) for name in {c for c, _ in places if c}
    ]
    rows = [int(row) for _, row in places]
    return (max(rows, default=0) - min(rows, default=0) + 1) * (max(columns, default=0) - min(columns, default=0) + 1)


def _cells(sheet: CalamineSheet) -> tuple[list[list[str]], dict[tuple[int, int], tuple[int, int]]]:
    """Read the rows, spans expanded, and for each place of a span where that begins."""
    if sheet.start is None:
        return [], {}
    if sheet.height * sheet.width > MOST_PLACES:
        raise UnreadableError("too large unpacked")
    rows = [[_shown(value) for value in row] for row in sheet.to_python()]
    if sum(text != "" for row in rows for text in row) > MOST_CELLS:
        raise UnreadableError("too large unpacked")
    begins: dict[tuple[int, int], tuple[int, int]] = {}
    top, left = sheet.start
    spanned = 0
    for (first, start), (last, end) in sheet.merged_cell_ranges or ():
        row, column = first - top, start - left
        if not (0 <= row < len(rows) and 0 <= column < len(rows[row]) and rows[row][column]):
            continue
        deep, wide = range(row, min(last - top + 1, len(rows))), range(column, min(end - left + 1, len(rows[row])))
        spanned += len(deep) * len(wide)
        if spanned > MOST_PLACES:
            raise UnreadableError("too large unpacked")
        for place in product(deep, wide):
            begins[place] = row, column
            rows[place[0]][place[1]] = rows[row][column]
    return rows, begins


def _blocks(sheet: CalamineSheet) -> Iterator[str | Grid]:
    rows, begins = _cells(sheet)
    # Where the cells that say something in a row begin: in it or above it.
    words = [{begins.get((r, c), (r, c)) for c, text in enumerate(row) if text} for r, row in enumerate(rows)]
    for filled, part in groupby(range(len(rows)), key=lambda r: bool(words[r])):
        if filled:
            yield from _part([r for r in part if any(begun == r for begun, _ in words[r])], rows, words)


def _part(part: list[int], rows: Sequence[list[str]], words: Sequence[set[tuple[int, int]]]) -> Iterator[str | Grid]:
    """Divide rows that no blank one divides into paragraphs and grids."""
    first = next((r for r in part if len(words[r]) > 1), None)
    columns = _columns(part, words)

    def is_paragraph(r: int) -> bool:
        if len(words[r]) > 1 or first is None:
            return first is None
        text = next(filter(None, rows[r]))
        return (r < first or all(rows[r][c] for c in columns)) and _PARAGRAPH.match(text) is not None

    for alone, group in groupby(part, key=is_paragraph):
        table = list(group)
        if alone:
            yield from (next(filter(None, rows[r])) for r in table)
        elif len(table) * len(own := _columns(table, words)) <= MOST_CELLS:
            yield tuple(tuple(rows[r][c] for c in own) for r in table)
        else:
            raise UnreadableError("too large unpacked")


def _columns(part: Sequence[int], words: Sequence[set[tuple[int, int]]]) -> list[int]:
    return sorted({column for r in part for _, column in words[r]})


def _shown(value: object) -> str:
    """Write a cell's value as a reader would see it.

    >>> _shown(217.0), _shown(0.1 + 0.2), _shown(datetime(2024, 1, 31)), _shown(True)
    ('217', '0.3', '2024-01-31', 'TRUE')
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime) and value.time() == time():
        return str(value.date())
    return glue(filter(None, map(tidy, str(value).splitlines())))
