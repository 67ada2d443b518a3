"""The documents in an archive, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.attachments import Document, UnreadableError
from pipelines.attachments.kinds import kind
from pipelines.attachments.read import read as read_any
from pipelines.lines import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from archive.records import Grid

ARCHIVES = frozenset({"rar", "zip"})
MOST = 500
"""How many files an archive may hold."""
LARGEST = 128 * 1024**2
"""What all files of an archive may be unpacked, in bytes."""


def check(sizes: Iterable[int]) -> None:
    """Raise UnreadableError for an archive whose files, of the given sizes in bytes, are too many or too large."""
    sizes = list(sizes)
    if len(sizes) > MOST:
        raise UnreadableError("too many files inside")
    if sum(sizes) > LARGEST:
        raise UnreadableError("too large unpacked")


def read(files: Mapping[str, Callable[[], bytes]], *, nested: bool) -> Document:
    """Read each document in an archive, in the order of their names, which stand before them; `files` unpack by call.

    Files that are no documents are passed over, and so are archives in a nested one. Flags: `members-unread` where
    some cannot be read. Raises UnreadableError where none can: the reason of the first.
    """
    blocks: list[str | Grid] = []
    documents, reasons = [], []
    for name in sorted(files):
        try:
            document = _document(files[name](), nested=nested)
        except UnreadableError as error:
            reasons.append(str(error))
            continue
        if document is not None:
            documents.append(document)
            blocks += [tidy(name), *document.blocks]
    if not documents:
        raise UnreadableError(reasons[0] if reasons else "no documents inside")
    return Document(
        blocks=tuple(blocks),
        pages=sum(document.pages for document in documents),
        flags=frozenset().union(*(d.flags for d in documents), {"members-unread"} if reasons else ()),
        confidence=min(document.confidence for document in documents),
    )


def decode(name: bytes) -> str:
    """Read a file's name that no encoding is given for: UTF-8, or else GBK.

    >>> decode("附件1.xls".encode("gbk"))
    '附件1.xls'
    """
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("gb18030", errors="replace")


def _document(payload: bytes, *, nested: bool) -> Document | None:
    if kind(payload) not in ARCHIVES:
        return read_any(payload)
    if nested:
        raise UnreadableError("archives within archives")
    return read_any(payload, nested=True)
