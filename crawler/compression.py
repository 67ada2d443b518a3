"""Unpacks what servers compress, and keeps the bytes as they came wherever that fails: a browser is no stricter."""

from __future__ import annotations

import re
import sys
import zlib
from typing import TYPE_CHECKING, Self

import brotli
from scrapy.responsetypes import responsetypes

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

KNOWN = ("gzip", "deflate", "br", "zstd")
FAULT = "cannot be unpacked: "
GZIP = b"\x1f\x8b\x08"
FILES = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")


class PackingError(Exception):
    """Bytes are not what their Content-Encoding says, or end too early; the message says which."""


class CompressionMiddleware:
    """Takes the place of Scrapy's own, which drops an answer it cannot unpack and passes half a page for a whole."""

    def __init__(self, crawler: Crawler) -> None:
        self.most = crawler.settings.getint("DOWNLOAD_MAXSIZE")

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        request.headers.setdefault("Accept-Encoding", ", ".join(KNOWN))

    def process_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002
        encodings = [value.decode("latin-1") for value in response.headers.getlist("Content-Encoding")]
        is_text = (response.headers.get("Content-Type") or b"").startswith(b"text/")
        try:
            body = unpack(response.body, encodings, is_text=is_text, most=self.most)
        except PackingError as error:
            return response.replace(flags=[*response.flags, "dataloss", f"{FAULT}{error}"])
        if body == response.body:
            return response
        headers = response.headers.copy()
        headers.pop("Content-Encoding", None)
        # What was unpacked to its end is whole, whatever Content-Length said.
        flags = [flag for flag in response.flags if flag != "dataloss"]
        kind = responsetypes.from_args(headers=headers, url=response.url, body=body)
        return response.replace(cls=kind, headers=headers, body=body, flags=flags)


def fault(response: Response) -> str | None:
    """Say why an answer's body is still packed; None where it is not."""
    return next((flag for flag in response.flags if flag.startswith(FAULT)), None)


def unpack(body: bytes, encodings: Iterable[str], *, is_text: bool, most: int) -> bytes:
    """Undo the Content-Encodings of a body, the last first (RFC 9110, 8.4); `most` is the largest result, in bytes.

    A body that is not packed at all, whatever is declared, is taken as it is, and an encoding that is none, such as
    utf-8, is passed over. Text that is still gzip then was packed twice, or without a word, and is unpacked too.
    Raises PackingError.

    >>> unpack(b"<html>", ["gzip"], is_text=True, most=100)
    b'<html>'
    """
    declared = [name.strip().lower().removeprefix("x-") for value in encodings for name in value.split(",")]
    for name in reversed(declared):
        if name in KNOWN and body:
            body = _unpack(body, name, most)
    for _ in range(2):
        if is_text and body.startswith(GZIP):
            body = _unpack(body, "gzip", most)
    return body


def _unpack(body: bytes, name: str, most: int) -> bytes:
    try:
        unpacked, whole = {"gzip": _gunzip, "deflate": _inflate, "br": _unbrotli, "zstd": _unzstd}[name](body, most)
    except (zlib.error, brotli.error, zstd.ZstdError, ValueError, IndexError) as error:
        why = f"not {name}: {error}"
    else:
        if whole and len(unpacked) <= most:
            return unpacked
        too_much = len(unpacked) > most
        why = (
            f"{name} of more than {most} bytes" if too_much else f"{name} that ends early, after {len(unpacked)} bytes"
        )
    if _is_plain(body):
        return body
    raise PackingError(why)


def _is_plain(body: bytes) -> bool:
    """Tell text by having no control characters, which packed bytes are full of, and files by their first bytes."""
    return body.startswith(FILES) or not CONTROLS.search(body, 0, 1000)


def _gunzip(body: bytes, most: int) -> tuple[bytes, bool]:
    """Unpack gzip by its parts (RFC 1952), so that a wrong checksum or bytes behind it lose nothing."""
    if not body.startswith(GZIP):
        raise ValueError("begins otherwise")
    made = b""
    while body.startswith(GZIP) and len(made) <= most:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        made += stream.decompress(body[_after_header(body) :], most + 1 - len(made))
        if not stream.eof:
            return made, False
        body = stream.unused_data[8:]
    return made, True


def _after_header(body: bytes) -> int:
    """Find where the data of a gzip member begin (RFC 1952, 2.3)."""
    flags, at = body[3], 10
    if flags & 4:
        at += 2 + int.from_bytes(body[at : at + 2], "little")
    for ends_in_zero in (8, 16):
        if flags & ends_in_zero:
            at = body.index(0, at) + 1
    return at + 2 if flags & 2 else at


def _inflate(body: bytes, most: int) -> tuple[bytes, bool]:
    """Unpack deflate, which means zlib (RFC 9110, 8.4.1.2), and which old servers send without zlib's two bytes."""
    is_zlib = body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    return stream.decompress(body[2:] if is_zlib else body, most + 1), stream.eof


def _unbrotli(body: bytes, most: int) -> tuple[bytes, bool]:
    stream = brotli.Decompressor()
    return stream.process(body, output_buffer_limit=most + 1), stream.is_finished()


def _unzstd(body: bytes, most: int) -> tuple[bytes, bool]:
    stream = zstd.ZstdDecompressor()
    return stream.decompress(body, max_length=most + 1), stream.eof
