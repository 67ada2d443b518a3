"""A whole report typed into one table, as a spreadsheet saved as HTML is: its prose rows become paragraphs again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml.html import Element

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_HEADING = re.compile(r"[一二三四五六七八九十]{1,3}、|[（(][一二三四五六七八九十]{1,3}[）)]|附[表件]")
_PROSE = 40  # characters; the forms' own full-width rows, 第二十条第（一）项, are shorter
_ROWS_OF_A_SHEET = 2


def spread(table: HtmlElement) -> None:
    """Replace a table that is a sheet by its prose rows, as paragraphs, and tables of the rows between them.

    A row is prose if its only words stand in one cell that is the whole row, more than 40 characters of them or
    ending in a full stop, and so is one that is a heading, 一、 or （一）, or stands after the data. Other tables
    stay as they are.
    """
    if next(table.iterdescendants("table"), None) is not None:
        return
    rows = [*table.iter("tr")]
    kinds = [_kind(row) for row in rows]
    if kinds.count("prose") < _ROWS_OF_A_SHEET:
        return
    _open_end(kinds)
    part: HtmlElement | None = None
    for row, kind in zip(rows, kinds, strict=True):
        if kind in ("data", "line"):
            if part is None:
                part = Element("table")
                table.addprevious(part)
            part.append(row)
        else:
            part = None
            row.tag = "div"
            for cell in row:
                cell.tag = "div"
            table.addprevious(row)
    table.drop_tree()


def _kind(row: HtmlElement) -> str:
    cells = [cell for cell in row if cell.tag in ("td", "th")]
    if len(cells) != 1:
        return "data"
    text = "".join(cells[0].text_content().split())
    if len(text) > _PROSE or text.endswith("。"):
        return "prose"
    return "heading" if _HEADING.match(text) else "line"


def _open_end(kinds: list[str]) -> None:
    """Make prose of the short rows after the last row of data: signature and date."""
    for place in reversed(range(len(kinds))):
        if kinds[place] == "data":
            break
        kinds[place] = "prose"
