"""ZIP containers, opened and unpacked with the standard library and its many errors made one."""

from __future__ import annotations

import zlib
from io import BytesIO
from lzma import LZMAError
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from pipelines.attachments import UnreadableError

if TYPE_CHECKING:
    from zipfile import ZipInfo

# What zipfile raises where a file is damaged, or packed in a way that it does not know.
_BROKEN = (BadZipFile, zlib.error, LZMAError, EOFError, NotImplementedError, OSError, ValueError)
_ENCRYPTED = 0x1
_END = b"PK\5\6"


def opened(payload: bytes) -> ZipFile:
    """Open a ZIP. Raises UnreadableError: damaged, or truncated where its end is missing, with its directory."""
    try:
        return ZipFile(BytesIO(payload))
    except _BROKEN as error:
        raise UnreadableError("damaged" if _END in payload else "truncated") from error


def unpack(package: ZipFile, info: ZipInfo) -> bytes:
    """Unpack one file, no further than its declared size. Raises UnreadableError: encrypted, damaged."""
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableError("encrypted")
    try:
        return package.read(info)
    except _BROKEN as error:
        raise UnreadableError("damaged") from error
