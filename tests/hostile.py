"""Documents made to do harm: mutations of good ones, and bombs by hand."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, is_zipfile

from pipelines.attachments import UnreadableError
from pipelines.attachments.read import read

DOCUMENTS = Path(__file__).parent / "documents"


def attempt(payload: bytes) -> tuple[str, int]:
    """Read a payload; say what came of it, and the most memory this process ever had, in KiB."""
    try:
        document = read(payload)
        said = "no document" if document is None else "document"
    except UnreadableError as error:
        said = f"unreadable: {error}"
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return said, int(status["VmHWM"].split()[0])


def examples(*, without: frozenset[str]) -> list[Path]:
    """List the example files that can be read, but for types that take too long."""
    cases = [case for case in sorted(DOCUMENTS.glob("*/*/")) if case.parent.name not in without]
    read = [case for case in cases if '"unreadable"' not in (case / "expected.json").read_text(encoding="utf-8")]
    return [file for case in read for file in case.iterdir() if file.name != "expected.json"]


def mutations(files: list[Path], *, count: int, seed: int) -> Iterator[bytes]:
    """Make so many mutations of the files, as many of each type, one to three changes in each.

    Half of those that are a ZIP are changed inside and packed anew, so that their check sums are right.
    """
    dice = random.Random(seed)
    types = sorted({file.parents[1].name for file in files})
    for number in range(count):
        mine = [file for file in files if file.parents[1].name == types[number % len(types)]]
        payload = bytearray(dice.choice(mine).read_bytes())
        if is_zipfile(BytesIO(payload)) and dice.random() < 0.5:
            with ZipFile(BytesIO(payload)) as package:
                parts = {name: bytearray(package.read(name)) for name in package.namelist()}
            _change(parts[dice.choice([name for name, content in parts.items() if content])], dice)
            yield zipped(parts)
        else:
            _change(payload, dice)
            yield bytes(payload)


def _change(payload: bytearray, dice: random.Random) -> None:
    for _ in range(dice.randint(1, 3)):
        dice.choice((_flip, _cut, _repeat, _zero, _rename))(payload, dice)


def _flip(payload: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 8, 64))):
        payload[dice.randrange(len(payload))] ^= 1 << dice.randrange(8)


def _cut(payload: bytearray, dice: random.Random) -> None:
    del payload[dice.randrange(1, len(payload)) :]


def _repeat(payload: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(payload))
    chunk = payload[start : start + dice.choice((16, 512, 4096))]
    payload[start:start] = chunk * dice.randint(1, 20)


def _zero(payload: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(payload))
    stop = min(len(payload), start + dice.choice((4, 64, 1024)))
    payload[start:stop] = bytes(stop - start)


def _rename(payload: bytearray, dice: random.Random) -> None:
    """Give it another type's first bytes."""
    start = dice.choice(
        (b"%PDF-1.7\n", b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"Rar!\x1a\x07\0", b"\x89PNG\r\n\x1a\n")
    )
    payload[: len(start)] = start


def zipped(files: Mapping[str, bytes | bytearray]) -> bytes:
    """Make a ZIP."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return out.getvalue()


def _nested(depth: int) -> bytes:
    payload = b"%PDF-1.7\n"
    for _ in range(depth):
        payload = zipped({"a.zip": payload})
    return payload


def _lying(payload: bytes, size: int) -> bytes:
    """Let a ZIP of one file say that it is smaller than it is, in both places."""
    changed = bytearray(payload)
    for start, place in ((changed.find(b"PK\3\4"), 22), (changed.find(b"PK\1\2"), 24)):
        struct.pack_into("<I", changed, start + place, size)
    return bytes(changed)


def _replaced(example: str, part: str, content: bytes) -> bytes:
    """Put another part into an example's package."""
    with ZipFile(DOCUMENTS / example) as package:
        assert part in package.namelist()
        files = {name: package.read(name) for name in package.namelist()}
    return zipped(files | {part: content})


_DOCX = "docx/form-2021-python-docx/report.docx"
_XLSX = "xlsx/values/values.xlsx"
_OFD = "ofd/form-2021-lines/report.ofd"
_CELLS = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData>%s</worksheet>'
_ROW = b"<row>" + b"<c><v>1</v></c>" * 100 + b"</row>"
_CORNERS = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">%s]><a>&l9;</a>' % b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10)
)


def _sheet(cells: bytes, more: bytes = b"") -> bytes:
    return _replaced(_XLSX, "xl/worksheets/sheet1.xml", _CELLS % (cells, more))


def _page(content: bytes) -> bytes:
    page = b'<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Content><ofd:Layer>%s</ofd:Layer></ofd:Content></ofd:Page>'
    return _replaced(_OFD, "Doc_0/Pages/Page_0/Content.xml", page % content)


def _png(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "unreadable: empty"),
    "zeros": (lambda: bytes(1000), "no document"),
    "zip bomb": (lambda: zipped({"a.pdf": bytes(129 * 1024**2)}), "unreadable: too large unpacked"),
    "zip bomb that lies": (lambda: _lying(zipped({"a.pdf": bytes(8 * 1024**2)}), 10), "unreadable: damaged"),
    "zip of many": (lambda: zipped({f"{n}.pdf": b"" for n in range(600)}), "unreadable: too many files inside"),
    "zip in zip in zip …": (lambda: _nested(20), "unreadable: archives within archives"),
    "laughs in docx": (lambda: _replaced(_DOCX, "word/document.xml", _LAUGHS), "unreadable: .+"),
    "laughs in xlsx": (lambda: _replaced(_XLSX, "xl/worksheets/sheet1.xml", _LAUGHS), "unreadable: .+|document"),
    "laughs in shared strings": (lambda: _replaced(_XLSX, "xl/workbook.xml", _LAUGHS), "unreadable: .+|document"),
    "laughs in ofd": (lambda: _replaced(_OFD, "OFD.xml", _LAUGHS), "unreadable: damaged"),
    "million cells": (lambda: _sheet(_ROW * 10_000), "unreadable: too large unpacked"),
    "corners of a sheet": (lambda: _sheet(_CORNERS), "unreadable: too large unpacked"),
    "dimensions of a sheet": (
        lambda: _sheet(b'<row r="1"><c r="A1"><v>1</v></c></row>', b'<dimension ref="A1:XFD1048576"/>'),
        "document",
    ),
    "merged without end": (
        lambda: _sheet(_ROW * 1000, b"<mergeCells>" + b'<mergeCell ref="A1:XFD1048576"/>' * 100 + b"</mergeCells>"),
        "unreadable: too large unpacked",
    ),
    "deep ofd": (lambda: _page(b"<ofd:PageBlock>" * 50_000 + b"</ofd:PageBlock>" * 50_000), "document"),
    "ofd of lines": (
        lambda: _page(b'<ofd:PathObject Boundary="0 0 9 9"><ofd:AbbreviatedData>M 0 0 %s</ofd:AbbreviatedData></ofd:PathObject>' % (b"L 90 0 L 0 90 L 0 0 " * 50_000)),
        "document",
    ),
    "looping pdf": (
        lambda: b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 999999999/Parent 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
        "unreadable: .+",
    ),
    "picture of a wall": (lambda: _png(60_000, 60_000), "unreadable: too large unpacked"),
    "rtf": (lambda: b"{\\rtf1 a}", "unreadable: nothing here reads rtf"),
}  # fmt: skip
