"""A PDF as small as one can be: Chinese text and ruled tables on A4 pages, in a font every reader brings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from crawler.demo.forms import Cell, Grid

_LEFT, _TOP, _WIDTH, _HEIGHT = 60, 780, 476, 720  # points, as all lengths here
_SIZE, _LEADING = 14, 18
_CELL_SIZE, _CELL_LEADING, _PADDING = 8, 10, 2
_WIDEST = 16  # characters, as a column's share of the width is reckoned

Piece = tuple[float, str]
"""What no page break may part: its height, and how it is drawn downwards from the origin."""


def pdf(blocks: Sequence[str | Grid]) -> bytes:
    """Set paragraphs and tables as a PDF, readable by eye and by extractors."""
    pages: list[str] = []
    left = 0.0
    for height, drawn in (piece for block in blocks for piece in _pieces(block)):
        if height > left:
            pages.append("")
            left = _HEIGHT
        pages[-1] += f"q 1 0 0 1 {_LEFT} {_TOP - _HEIGHT + left:g} cm {drawn}Q\n"
        left -= height
    return _file(list(_objects(pages)))


def _pieces(block: str | Grid) -> Iterator[Piece]:
    if isinstance(block, Grid):
        yield from _table(block)
        yield _LEADING, ""
    else:
        for line in _wrapped(f"　　{block}", _WIDTH / _SIZE):
            yield _LEADING, _text(line, 0, -_SIZE, _SIZE)


def _table(grid: Grid) -> Iterator[Piece]:
    """Rule a table's rows; those that one cell spans are one piece."""
    rows = grid.places()
    columns = range(len(rows[0]) + 1)
    shares = [max(_share(row[c].cell) for row in rows) for c in columns[:-1]]
    edges = [_WIDTH * sum(shares[:c]) / sum(shares) for c in columns]
    first = 0
    for last, row in enumerate(rows):
        if any(place.row + place.cell.rowspan - 1 > last for place in row):
            continue
        yield _ruled({(p.row - first, p.column): p.cell for r in rows[first : last + 1] for p in r}, edges)
        first = last + 1


def _share(cell: Cell) -> int:
    return min(max(len(cell.text), 2), _WIDEST) if cell.colspan == 1 else 2


def _ruled(cells: dict[tuple[int, int], Cell], edges: Sequence[float]) -> Piece:
    """Draw the cells that begin at a row and a column, between the edges of columns."""
    texts = {
        (r, c): _wrapped(cell.text, (edges[c + cell.colspan] - edges[c] - 2 * _PADDING) / _CELL_SIZE)
        for (r, c), cell in cells.items()
    }
    bottoms = [0.0]
    for r in range(1 + max(r for r, _ in cells)):
        lines = max(len(texts[at]) for at, cell in cells.items() if at[0] == r and cell.rowspan == 1)
        bottoms.append(bottoms[-1] + lines * _CELL_LEADING + 2 * _PADDING)
    drawn = ""
    for (r, c), cell in cells.items():
        left, right, top, bottom = edges[c], edges[c + cell.colspan], -bottoms[r], -bottoms[r + cell.rowspan]
        drawn += f"{left:g} {bottom:g} {right - left:g} {top - bottom:g} re S\n"
        for n, line in enumerate(texts[r, c]):
            drawn += _text(line, left + _PADDING, top - _PADDING - _CELL_SIZE - n * _CELL_LEADING, _CELL_SIZE)
    return bottoms[-1], drawn


def _wrapped(text: str, width: float) -> list[str]:
    """Break text into lines as wide as so many Chinese characters; numbers and addresses are not broken."""
    lines, left = [""], width
    for word in re.findall("[!-~]+|.", text):
        wide = len(word) / 2 if word.isascii() else 1
        if wide > left:
            lines.append("")
            left = width
        lines[-1] += word
        left -= wide
    return lines


def _text(text: str, x: float, y: float, size: int) -> str:
    return f"BT/F {size} Tf {x:g} {y:g} Td<{text.encode('utf-16-be').hex()}>Tj ET\n"


def _objects(pages: Sequence[str]) -> Iterator[bytes]:
    first = 7
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(pages)))
    yield b"<</Type/Catalog/Pages 2 0 R>>"
    yield f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode()
    yield b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[4 0 R]/ToUnicode 6 0 R>>"
    yield (
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/FontDescriptor 5 0 R/DW 1000/W[1 95 500]"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>>>"
    )
    yield (
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]"
        b"/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 93>>"
    )
    yield _stream(
        b"/CIDInit/ProcSet findresource begin 12 dict begin begincmap/CMapName/U def/CMapType 2 def\n"
        b"1 begincodespacerange<0000><FFFF>endcodespacerange\n1 beginbfrange<0000><FFFF><0000>endbfrange\n"
        b"endcmap CMapName currentdict/CMap defineresource pop end end"
    )
    for i, page in enumerate(pages):
        yield (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>"
            f"/Contents {first + 2 * i + 1} 0 R>>"
        ).encode()
        yield _stream(f"0.5 w {page}".encode())


def _stream(content: bytes) -> bytes:
    return b"<</Length %d>>stream\n%s\nendstream" % (len(content), content)


def _file(objects: Sequence[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n%\xe4\xba\x91\xe5\xb2\xab\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = (len(objects) + 1, table, len(objects) + 1, len(out))
    return bytes(
        out + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % tail
    )
