"""What a payload is, told by its first bytes and its directory; names and headers say it wrongly too often."""

from __future__ import annotations

import re

from pipelines.attachments import UnreadableError
from pipelines.attachments.container import opened

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAMS = {"WordDocument": "doc", "Workbook": "xls", "Book": "xls", "EncryptedPackage": "docx"}
_PARTS = {"word/": "docx", "xl/": "xlsx", "ofd.xml": "ofd"}
_PDF = re.compile(rb"[^<]{0,1024}?%PDF-", re.DOTALL)  # others before it than a web page's are borne, as readers do
_STARTS = {
    b"PK\5\6": "zip",
    b"Rar!\x1a\x07": "rar",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"{\\rtf": "rtf",
    b"\xff\xd8\xff": "image",
    b"\x89PNG\r\n\x1a\n": "image",
    b"GIF8": "image",
    b"II*\0": "image",
    b"MM\0*": "image",
}
_IMAGE = re.compile(rb"RIFF....WEBP|BM....\0\0\0\0", re.DOTALL)
_MHTML = re.compile(rb"\s*(?:From: [^\n]*\n(?:[\w-]+: [^\n]*\n)*)?MIME-Version:", re.IGNORECASE)


def kind(payload: bytes) -> str | None:
    """Tell a document's type: pdf, docx, doc, xlsx, xls, ofd, zip, rar, image, or 7z, rtf, mhtml, which nobody reads.

    None for all else: web pages and plain text, also where they are named .doc, and programs, sounds and films. An
    encrypted package of Word's or Excel's is told as docx; which of them it holds cannot be known.
    """
    if payload.startswith(b"PK\3\4"):
        return _of_package(payload)
    if payload.startswith(_OLE):
        return _of_container(payload)
    for start, name in _STARTS.items():
        if payload.startswith(start):
            return name
    if _IMAGE.match(payload):
        return "image"
    if _PDF.match(payload):
        return "pdf"
    return "mhtml" if _MHTML.match(payload) else None


def _of_package(payload: bytes) -> str:
    """Tell a ZIP by its members; where its end is missing, by names that stand anywhere in it."""
    try:
        with opened(payload) as package:
            names = [name.casefold() for name in package.namelist()]
    except UnreadableError:
        start = payload[: 64 * 1024].decode("latin-1").casefold()
        names = [part for part in ("[content_types].xml", *_PARTS) if part in start]
    office = "[content_types].xml" in names
    for part, name in _PARTS.items():
        if any(found.lstrip("/").startswith(part) for found in names) and (office or name == "ofd"):
            return name
    return "zip"


def _of_container(payload: bytes) -> str | None:
    """Tell an OLE container by the first stream of a known name; a document put into another's comes after it."""
    places = {payload.find(_entry(stream)): name for stream, name in _STREAMS.items()}
    places.pop(-1, None)
    return places[min(places)] if places else None


def _entry(name: str) -> bytes:
    """Write the start of a directory entry: the name's 32 places, and its length in bytes, the closing zero included."""
    return name.encode("utf-16-le").ljust(64, b"\0") + (2 * len(name) + 2).to_bytes(2, "little")
