"""Workbooks before 2007 (XLS, ET; Excel, WPS, LibreOffice), read with python-calamine as XLSX is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipelines.attachments import UnreadableError, xlsx

if TYPE_CHECKING:
    from pipelines.attachments import Document

# FILEPASS, which says how all that follows is encrypted, stands after a stream's first record.
_ENCRYPTED = re.compile(rb"\x09\x08(?:\x10\0.{16}|\x08\0.{8})(?:\x86\0\0\0)?\x2f\0", re.DOTALL)


def read(payload: bytes) -> Document:
    """Read an old workbook's sheets as `xlsx.workbook` does. Raises UnreadableError: encrypted too."""
    if _ENCRYPTED.search(payload):
        raise UnreadableError("encrypted")
    return xlsx.workbook(payload)
