"""A document of any type, read by the file that is named as its type."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from pipelines.attachments import UnreadableError
from pipelines.attachments.kinds import kind

if TYPE_CHECKING:
    from pipelines.attachments import Document


def read(payload: bytes, **how: bool) -> Document | None:
    """Read a document by what it is, whatever it is called; None where it is no document, a web page perhaps.

    `how` is handed on to the type's own `read`. Raises UnreadableError, for a type that nothing here reads too.
    """
    if not payload:
        raise UnreadableError("empty")
    name = kind(payload)
    if name is None:
        return None
    module = f"{__package__}.{name}"
    if find_spec(module) is None:
        raise UnreadableError(f"nothing here reads {name}")
    return cast("Document", import_module(module).read(payload, **how))
