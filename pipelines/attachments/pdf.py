"""PDF: `page` reads each page with pypdfium2 and pdfplumber, `stitch` and `layout` put the pages together."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipelines.attachments import Document, UnreadableError, fonts, ocr
from pipelines.attachments.layout import Line, column, paragraphs
from pipelines.attachments.page import Page, read_page
from pipelines.attachments.stitch import Table, belong, grid, stitch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

    from archive.records import Grid

_MOST_PAGES = 300
_DOTS = 200  # an inch, of a page drawn to be recognised
_MOST_PIXELS = 16_000_000  # of such a page; A4 has 4 million
_MARGIN = 0.12  # of a page's height, where its running lines stand
_PAGE_NUMBER = re.compile(r"[-—–－·•\s]*第?\s*\d{1,4}\s*页?\s*([/／,，共]\s*共?\s*\d{1,4}\s*页?)?[-—–－·•\s]*")


def read(payload: bytes) -> Document:
    """Read the paragraphs and tables of a PDF.

    Where all pages are pictures their words are recognised, if the extra `[ocr]` is installed. Flags: `scanned` where
    a page is a picture (see `scans`), `text-layer` where a scanner's own recognition is the
    text, `document-truncated` where its end is missing, `pages-unread` where pages are damaged, beyond the 300th or
    too large. Raises UnreadableError: encrypted, truncated, damaged, no readable page, too large unpacked.
    """
    with _open(payload) as document:
        count = len(document)
        pages = _pages(document)
    if not pages:
        raise UnreadableError("no readable page")
    flags = {
        "document-truncated": _is_truncated(payload),
        "pages-unread": len(pages) < count,
        "scanned": any(page.is_scan for page in pages),
        "text-layer": any(page.hidden for page in pages),
    }
    found = Document(
        blocks=tuple(_blocks(pages)), pages=count, flags=frozenset(flag for flag, up in flags.items() if up)
    )
    if found.blocks or not flags["scanned"] or not ocr.available():
        return found
    recognised = ocr.read(scans(payload))  # only where nothing of certain origin would stand beside it
    return replace(recognised, pages=count, flags=found.flags | recognised.flags)


def scans(payload: bytes) -> Iterator[Image]:
    """Draw the pages that are pictures, at 200 dpi and at most 16 million pixels.

    Raises UnreadableError as `read` does.
    """
    with _open(payload) as document:
        for page in _pages(document):
            if page.is_scan:
                with closing(document[page.number]) as sheet:
                    width, height = sheet.get_size()
                    scale = min(_DOTS / 72, (_MOST_PIXELS / (width * height)) ** 0.5)
                    yield sheet.render(scale=scale, may_draw_forms=False).to_pil()


def _open(payload: bytes) -> Any:
    import pypdfium2

    fonts.settle()
    try:
        return pypdfium2.PdfDocument(payload)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise UnreadableError("encrypted") from None
        raise UnreadableError("truncated" if _is_truncated(payload) else "damaged") from None


def _is_truncated(payload: bytes) -> bool:
    return b"%%EOF" not in payload[-4096:]


def _pages(document: Any) -> list[Page]:
    """Read the pages, those that cannot be read left out."""
    import pypdfium2

    pages = []
    for number in range(min(len(document), _MOST_PAGES)):
        with suppress(pypdfium2.PdfiumError), closing(document[number]) as sheet:
            if found := read_page(sheet, number):
                pages.append(found)
    return _without_running_lines(pages)


def _without_running_lines(pages: list[Page]) -> list[Page]:
    """Leave out page numbers, and what stands in the margins of most pages, digits aside."""
    marks = [{_mark(line, page) for line in page.lines if _is_marginal(line, page)} for page in pages]
    times = Counter(mark for found in marks for mark in found)
    running = {mark for mark, n in times.items() if n > 1 and n * 2 >= len(pages)}
    return [
        replace(
            page,
            lines=tuple(
                line
                for line in page.lines
                if not _is_marginal(line, page)
                or not (_PAGE_NUMBER.fullmatch(line.text) or _mark(line, page) in running)
            ),
        )
        for page in pages
    ]


def _is_marginal(line: Line, page: Page) -> bool:
    return not _MARGIN < (line.top - page.top) / page.height < 1 - _MARGIN


def _mark(line: Line, page: Page) -> tuple[str, int]:
    return re.sub(r"\d+", "#", line.text), round((line.top - page.top) / 10)


def _blocks(pages: list[Page]) -> Iterator[str | Grid]:
    """Put paragraphs and tables in the order they are read, those that go on over page breaks in one."""
    found: list[Line | Table] = []
    for page in pages:
        blocks: list[Line | Table] = [*page.lines, *page.tables]
        for block in sorted(blocks, key=lambda block: block.top):
            above = found[-1] if found else None
            if isinstance(above, Table) and isinstance(block, Table) and belong(above, block):
                found[-1] = stitch(above, block)
            else:
                found.append(block)
    widths = {page.number: page.width for page in pages}
    columns = {
        wide: column([line for page in pages if page.width == wide for line in page.lines]) for wide in widths.values()
    }
    # A cell that is still alone was a frame around text.
    settled = (
        piece
        for block in found
        for piece in (block.lines if isinstance(block, Table) and block.columns == 1 else [block])
    )
    for wide, group in groupby(settled, key=lambda block: None if isinstance(block, Table) else widths[block.page]):
        if wide is None:
            yield from (grid(block) for block in group if isinstance(block, Table))
        else:
            yield from paragraphs([block for block in group if isinstance(block, Line)], columns[wide])
