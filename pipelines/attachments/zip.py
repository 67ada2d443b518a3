"""ZIP archives with documents in them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipelines.attachments import Document, container, members

if TYPE_CHECKING:
    from zipfile import ZipInfo


def read(payload: bytes, *, nested: bool = False) -> Document:
    """Read the documents in a ZIP as `members.read` does. Raises UnreadableError."""
    with container.opened(payload) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        members.check(info.file_size for info in infos)
        return members.read({_name(info): partial(container.unpack, archive, info) for info in infos}, nested=nested)


def _name(info: ZipInfo) -> str:
    """Read a name as its program wrote it; the standard library takes all that is not marked as UTF-8 for CP437."""
    try:
        return members.decode(info.filename.encode("cp437"))
    except UnicodeEncodeError:
        return info.filename
