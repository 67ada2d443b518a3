"""Word documents of 1997 to 2003 (DOC, WPS): an OLE container, which doc2docx makes a DOCX and legacy-doc can skim."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import legacy_doc
from doc2docx import convert
from doc2docx.errors import Doc2DocxError, EncryptedDocumentError, StreamNotFound
from legacy_doc.exceptions import LegacyDocError

from pipelines.attachments import Document, UnreadableError, docx
from pipelines.lines import tidy


def read(payload: bytes) -> Document:
    """Read an old Word or WPS document as `docx.read` does.

    Where doc2docx cannot, only the words are read, headers and footers with them, and flagged `tables-flattened`.
    Raises UnreadableError.
    """
    if docx.ENCRYPTED in payload:
        raise UnreadableError("encrypted")
    try:
        return docx.read(_converted(payload))
    except EncryptedDocumentError as error:
        raise UnreadableError("encrypted") from error
    except StreamNotFound as error:
        raise UnreadableError("not a Word document") from error
    except Doc2DocxError:
        return _skimmed(payload)


def _converted(payload: bytes) -> bytes:
    with TemporaryDirectory() as folder:  # doc2docx reads and writes files only
        old, new = Path(folder, "old.doc"), Path(folder, "new.docx")
        old.write_bytes(payload)
        convert(old, new)
        return new.read_bytes()


def _skimmed(payload: bytes) -> Document:
    try:
        words = legacy_doc.extract_text(payload).text
    except LegacyDocError as error:
        raise UnreadableError("truncated or damaged") from error
    return Document(
        blocks=tuple(filter(None, map(tidy, words.splitlines()))), pages=1, flags=frozenset({"tables-flattened"})
    )
