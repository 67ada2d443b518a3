"""Pictures without the extra `[ocr]`, its limits with it, and pictures that are no tables; tests/documents/image has the rest."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from pipelines.attachments import image, ocr
from pipelines.workers import Workers

PICTURES = Path(__file__).parent / "documents" / "image"
TABLES = [path for path in sorted(PICTURES.glob("form-2021-*/*")) if path.suffix != ".json"]
SMALL = next(PICTURES.glob("form-2021-table-4-*/table.*"))


def chart() -> Image.Image:
    picture = Image.new("L", (800, 500), "white")
    draw = ImageDraw.Draw(picture)
    for y in range(50, 451, 80):
        draw.line((60, y, 780, y), fill=200)
    for x in range(80, 760, 85):
        draw.rectangle((x, 450 - x // 2, x + 50, 450), fill=90)
    return picture


NO_TABLES = {
    "icon": Image.new("L", (64, 64), "white"),
    "banner": Image.linear_gradient("L").resize((1000, 120)),
    "blank": Image.new("L", (800, 600), "white"),
    "photograph": Image.effect_noise((900, 600), 80).filter(ImageFilter.GaussianBlur(3)),
    "chart": chart(),
}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.parent.name)
def test_a_picture_of_a_table_is_told(path: Path) -> None:
    assert image.looks_like_a_table(path.read_bytes())


@pytest.mark.parametrize("name", NO_TABLES)
def test_another_picture_is_told(name: str) -> None:
    NO_TABLES[name].save(payload := BytesIO(), "PNG")
    assert not image.looks_like_a_table(payload.getvalue())


def test_bytes_that_are_no_picture_are_no_table() -> None:
    assert not image.looks_like_a_table(b"<html>404</html>")


def test_without_the_extra_a_picture_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    document = image.read(next(PICTURES.glob("*/*.tif")).read_bytes())
    assert (document.blocks, document.pages, sorted(document.flags)) == ((), 2, ["scanned"])


def test_recognition_ends_where_it_is_too_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr")
    monkeypatch.setattr(ocr, "_MOST_WORK", 1)
    document = image.read(next(PICTURES.glob("*/*.tif")).read_bytes())
    assert (document.pages, sorted(document.flags)) == (1, ["pages-unread", "recognised", "scanned"])


def test_recognition_fits_in_a_worker() -> None:
    pytest.importorskip("rapidocr")
    with Workers(1) as workers:
        document = workers.submit(image.read, SMALL.read_bytes()).result()
    assert document.confidence > 0.9
    assert [len(block) for block in document.blocks] == [4]


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (20, 400)], ids=str)
def test_an_odd_size_is_read(size: tuple[int, int]) -> None:
    pytest.importorskip("rapidocr")
    assert ocr.read([Image.effect_noise(size, 50)]).blocks == ()
