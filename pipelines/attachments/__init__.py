"""Documents: each type's file here reads its bytes into paragraphs and tables, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive.records import Grid


class UnreadableError(ValueError):
    """A document cannot be read; the message says why in a few words, such as encrypted or truncated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """What a document says: paragraphs and grids in their order, its pages or sheets counted.

    `flags` are words of `pipelines.clean.FLAGS`; `confidence` is how sure its letters are, 1 unless they were
    recognised in a picture.
    """

    blocks: tuple[str | Grid, ...] = field(repr=False)
    pages: int
    flags: frozenset[str] = frozenset()
    confidence: float = 1.0
