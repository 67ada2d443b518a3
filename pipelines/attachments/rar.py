"""RAR archives with documents in them, read with rars."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipelines.attachments import Document, UnreadableError, members, panics

if TYPE_CHECKING:
    from rars import RarFile, RarInfo


def read(payload: bytes, *, nested: bool = False) -> Document:
    """Read the documents in a RAR as `members.read` does. Raises UnreadableError."""
    import rars

    try:
        with panics.named():
            archive = rars.RarFile.from_bytes(payload)
    except rars.PasswordRequired as error:
        raise UnreadableError("encrypted") from error
    except rars.Error as error:
        raise UnreadableError("damaged") from error
    infos = [info for info in archive.infolist() if not info.is_dir()]
    members.check(info.file_size for info in infos)
    return members.read({_name(info): partial(_unpack, archive, info) for info in infos}, nested=nested)


def _unpack(archive: RarFile, info: RarInfo) -> bytes:
    import rars

    options = rars.ReadOptions(max_member_output_bytes=members.LARGEST)
    try:
        with panics.named():
            content: bytes = archive.read(info, options=options)
    except rars.PasswordRequired as error:
        raise UnreadableError("encrypted") from error
    except MemoryError as error:
        raise UnreadableError("too large unpacked") from error
    except (rars.Error, KeyError) as error:  # KeyError: a link, which holds no bytes
        raise UnreadableError("damaged") from error
    return content


def _name(info: RarInfo) -> str:
    """Read a name: the one kept in Unicode, or else the bytes that its program wrote."""
    return members.decode(info.orig_filename_bytes) if "\ufffd" in info.filename else info.filename
