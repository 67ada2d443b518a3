"""A PDF as small as one can be: lines of Chinese text on A4 pages, in a font every reader brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

WIDE, HIGH = 34, 40  # characters a line, lines a page


def pdf(paragraphs: Sequence[str]) -> bytes:
    """Set paragraphs of text as a PDF of plain pages, readable by eye and by extractors."""
    lines = [p[i : i + WIDE] for p in paragraphs for i in range(0, len(p), WIDE)]
    pages = [lines[i : i + HIGH] for i in range(0, len(lines), HIGH)] or [[]]
    return _file(list(_objects(pages)))


def _objects(pages: Sequence[Sequence[str]]) -> Iterator[bytes]:
    first = 7
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(pages)))
    yield b"<</Type/Catalog/Pages 2 0 R>>"
    yield f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>".encode()
    yield b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[4 0 R]/ToUnicode 6 0 R>>"
    yield (
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/FontDescriptor 5 0 R/DW 1000"
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
        text = "".join(f"<{line.encode('utf-16-be').hex()}>Tj T*\n" for line in page)
        yield (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>"
            f"/Contents {first + 2 * i + 1} 0 R>>"
        ).encode()
        yield _stream(f"BT/F 14 Tf 18 TL 60 770 Td\n{text}ET".encode())


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
