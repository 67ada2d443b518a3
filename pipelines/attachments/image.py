"""A picture: JPEG, PNG, GIF, BMP, TIFF or WEBP, opened by Pillow; `ocr` recognises the words."""

from __future__ import annotations

import itertools
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageFilter, ImageOps

from pipelines.attachments import Document, UnreadableError, ocr

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
_MOST_PIXELS = 40_000_000  # A3 at 300 dpi has 17 million
_MOST_PAGES = 100
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError)  # TypeError: a TIFF without its dimensions

_LEAST_WIDTH, _LEAST_HEIGHT = 300, 60
_WIDTH = 1000
_STRIPS = 16
_THICKEST = 7  # pixels, not a ruling any more; odd
_DARK = 120  # of 255
_LIGHT, _LEAST_LIGHT = 160, 0.6  # of 255, of a picture
_LEAST_RULES = 3


def read(payload: bytes) -> Document:
    """Read a picture's words and tables; a document with no blocks where the extra `[ocr]` is not installed.

    Raises UnreadableError: not a picture, truncated, too large unpacked.
    """
    if ocr.available():
        return ocr.read(frames(payload))
    return Document(blocks=(), pages=sum(1 for _ in frames(payload)), flags=frozenset({"scanned"}))


def frames(payload: bytes) -> Iterator[Image.Image]:
    """Open a picture's pages, upright and on white; only a TIFF has more than one.

    Raises UnreadableError as `read` does.
    """
    picture = _open(payload)
    for page in range(_MOST_PAGES if picture.format == "TIFF" else 1):
        frame = _frame(picture, page)
        if frame is None:
            return
        yield frame


def looks_like_a_table(payload: bytes) -> bool:
    """Tell whether a picture shows a ruled table: light, at least 300 × 60 pixels, ruled across and down.

    A ruling is a thin dark line through one of sixteen strips; three of them must be in half of the strips
    across, and in a quarter of the strips down, where columns are spanned. False for what cannot be opened.
    """
    try:
        page = next(frames(payload)).convert("L")
    except UnreadableError:
        return False
    if page.width < _LEAST_WIDTH or page.height < _LEAST_HEIGHT:
        return False
    page.thumbnail((_WIDTH, 4 * _WIDTH))
    if sum(page.histogram()[_LIGHT:]) < _LEAST_LIGHT * page.width * page.height:
        return False
    filled = page.filter(ImageFilter.MaxFilter(_THICKEST)).filter(ImageFilter.MinFilter(_THICKEST))
    ink = ImageChops.subtract(filled, page).point(lambda level: 255 * (level > 20))
    across = ink.resize((_STRIPS, ink.height), Image.Resampling.BOX)
    down = ink.resize((ink.width, _STRIPS), Image.Resampling.BOX).transpose(Image.Transpose.TRANSPOSE)
    return _ruled(across) >= _STRIPS / 2 and _ruled(down) >= _STRIPS / 4


def _open(payload: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            return Image.open(BytesIO(payload), formats=_FORMATS)
    except _BOMBS:
        raise UnreadableError("too large unpacked") from None
    except _BROKEN:
        raise UnreadableError("not a picture") from None


def _frame(picture: Image.Image, page: int) -> Image.Image | None:
    """Load one page as a reader sees it, or None after the last."""
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            if page:
                picture.seek(page)
            if picture.width * picture.height <= _MOST_PIXELS:
                upright = ImageOps.exif_transpose(picture).convert("RGBA")
                white = Image.new("RGBA", upright.size, "white")
                return Image.alpha_composite(white, upright).convert("RGB")
    except EOFError:
        if page:
            return None
        raise UnreadableError("truncated") from None
    except _BROKEN:
        raise UnreadableError("truncated") from None
    raise UnreadableError("too large unpacked")


def _ruled(strips: Image.Image) -> int:
    """Count the columns of a picture in which at least three runs of pixels are dark."""
    count = 0
    for strip in range(strips.width):
        levels = strips.crop((strip, 0, strip + 1, strips.height)).tobytes()
        runs = itertools.groupby(levels, key=lambda level: level > _DARK)
        count += sum(dark for dark, _ in runs) >= _LEAST_RULES
    return count
