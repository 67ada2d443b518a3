"""A DOCX as small as one can be: paragraphs, and tables with merged cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from crawler.demo.forms import Grid

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OOXML = "http://schemas.openxmlformats.org"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_OOXML}/package/2006/content-types">'
    f'<Default Extension="rels" ContentType="{_RELATIONS}"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_OOXML}/package/2006/relationships"><Relationship Id="rId1" '
    f'Type="{_OOXML}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
    "word/_rels/document.xml.rels": f'<Relationships xmlns="{_OOXML}/package/2006/relationships"/>',
}
_EDGES = "".join(
    f'<w:{edge} w:val="single" w:sz="4"/>' for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
)
_WIDTH = 9000  # twentieths of a point


def docx(blocks: Sequence[str | Grid]) -> bytes:
    """Write paragraphs and tables as a Word document."""
    text = "".join(_paragraph(block) if isinstance(block, str) else "".join(_table(block)) for block in blocks)
    document = f'<w:document xmlns:w="{_OOXML}/wordprocessingml/2006/main"><w:body>{text}</w:body></w:document>'
    file = BytesIO()
    with ZipFile(file, "w") as package:
        for name, part in {**_PARTS, "word/document.xml": document}.items():
            package.writestr(ZipInfo(name), _HEAD + part, ZIP_DEFLATED)  # dated 1980: the same bytes every time
    return file.getvalue()


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{escape(text, quote=False)}</w:t></w:r></w:p>"


def _table(grid: Grid) -> Iterator[str]:
    rows = grid.places()
    width = _WIDTH // len(rows[0])
    columns = f'<w:gridCol w:w="{width}"/>' * len(rows[0])
    yield f'<w:tbl><w:tblPr><w:tblW w:w="{_WIDTH}" w:type="dxa"/><w:tblBorders>{_EDGES}</w:tblBorders></w:tblPr>'
    yield f"<w:tblGrid>{columns}</w:tblGrid>"
    for r, row in enumerate(rows):
        yield "<w:tr>"
        for cell, begun in ((place.cell, place.row) for c, place in enumerate(row) if place.column == c):
            merged = "" if cell.rowspan == 1 else '<w:vMerge w:val="restart"/>' if begun == r else "<w:vMerge/>"
            yield (
                f'<w:tc><w:tcPr><w:tcW w:w="{width * cell.colspan}" w:type="dxa"/><w:gridSpan w:val="{cell.colspan}"/>'
                f"{merged}</w:tcPr>{_paragraph(cell.text if begun == r else '')}</w:tc>"
            )
        yield "</w:tr>"
    yield "</w:tbl>"
