"""From a document's bytes to a Text, the same as a page's: what `pipelines.attachments` reads, repaired and identified."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from archive.records import Text
from pipelines import forms, grids, identify, links, polish, titles
from pipelines.attachments import UnreadableError
from pipelines.attachments.kinds import kind
from pipelines.attachments.read import read
from pipelines.particulars import particulars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.attachments import Document
    from pipelines.polish import Block

_SHORT = 200  # characters
_LONGEST_TITLE = 80
_OPENING = 6
_SURE = 0.5


def text_of(payload: bytes, *, url: str, cleaner: str) -> Text | None:
    """Make the text of a document; None where the bytes are none, a web page perhaps.

    `charset` is the document's type and `charset_why` document, or why it could not be read; that is flagged.
    """
    try:
        document = read(payload)
    except UnreadableError as error:
        return unreadable(payload, url=url, cleaner=cleaner, why=str(error))
    return _text(document, kind(payload) or "", url=url, cleaner=cleaner) if document else None


def unreadable(payload: bytes, *, url: str, cleaner: str, why: str) -> Text:
    """Say of a document that it could not be read, and why."""
    return Text(
        cleaner=cleaner,
        title=links.file_name(url),
        agency=None,
        report_year=None,
        published_on=None,
        dates={},
        is_report=False,
        charset=kind(payload) or "unknown",
        charset_why=why,
        script="hans",
        flags=("no-article", "unreadable"),
        text="",
        grids=(),
    )


def _text(document: Document, type_: str, *, url: str, cleaner: str) -> Text:
    mended = polish.mended(list(document.blocks), "")
    title = _title(mended.blocks)
    blocks = list(zip(mended.blocks, document.blocks, strict=True))
    while repeated := titles.repeats(_opening([block for block, _ in blocks]), title):
        blocks = blocks[repeated:]
    said = [p for block, raw in blocks for p in zip(grids.as_lines(block), grids.as_lines(raw), strict=True)]
    text = "\n".join(line for line, _ in said)
    tables = tuple(block for block in mended.blocks if not isinstance(block, str))
    about = particulars(title=title, title_guessed=False, text=text, meta={}, visible="", url=url)
    certainty = identify.certainty(title, text)
    raised = {
        "agency-unknown": about.agency is None,
        "host-unofficial": links.is_unofficial(url),
        "no-article": not text,
        "short": 0 < len(text) < _SHORT,
        "year-unknown": about.report_year is None,
    }
    return Text(
        cleaner=cleaner,
        title=title or links.file_name(url),
        agency=about.agency,
        report_year=about.report_year,
        published_on=None,
        dates=about.dates,
        read_from=about.read_from,
        is_report=certainty >= _SURE,
        confidence=round(certainty, 2),
        charset=type_,
        charset_why="document",
        script="hant" if "traditional-converted" in mended.flags else "hans",
        flags=tuple(sorted(mended.flags | document.flags | {flag for flag, up in raised.items() if up})),
        repairs=mended.repairs,
        originals=tuple((n, was) for n, (line, was) in enumerate(said, start=1) if line != was),
        text=text,
        grids=tables,
        legible=None if document.confidence == 1 else round(document.confidence, 3),
        figures=forms.read(text=text, grids=tables, report_year=about.report_year),
    )


def _title(blocks: Sequence[Block]) -> str:
    """Find the line, or two, of a document's opening that titles a report; else its first line."""
    opening = _opening(blocks)
    for line in (*opening, *("".join(pair) for pair in itertools.pairwise(opening))):
        if len(line) <= _LONGEST_TITLE and not line.endswith("。") and identify.title_verdict(line) == "report":
            return line
    return opening[0][:_LONGEST_TITLE] if opening else ""


def _opening(blocks: Sequence[Block]) -> list[str]:
    """List the paragraphs a document opens with, up to its sixth or its first table."""
    return list(itertools.takewhile(lambda block: isinstance(block, str), blocks[:_OPENING]))  # type: ignore[arg-type]
