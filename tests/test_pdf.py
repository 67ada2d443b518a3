"""A real report printed to PDF, and the drawing of pages that are pictures."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.attachments import pdf

DOCUMENTS = Path(__file__).parent / "documents" / "pdf"


def test_real_report(shared: Path) -> None:
    document = pdf.read((shared / "facts" / "sample_report_2024.pdf").read_bytes())
    grids = [[list(row) for row in block] for block in document.blocks if not isinstance(block, str)]
    assert grids == json.loads((DOCUMENTS / "sample_report_2024.json").read_text(encoding="utf-8"))
    paragraphs = [block for block in document.blocks if isinstance(block, str)]
    assert (len(paragraphs), document.pages, document.flags) == (18, 6, frozenset())
    assert not any(paragraph.startswith("- ") for paragraph in paragraphs)


def test_pictures_are_drawn() -> None:
    (picture,) = pdf.scans((DOCUMENTS / "scanned" / "report.pdf").read_bytes())
    assert picture.size == (1653, 2339)
    assert not list(pdf.scans((DOCUMENTS / "text-layer" / "report.pdf").read_bytes()))
