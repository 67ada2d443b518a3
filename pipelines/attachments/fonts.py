"""What stands for fonts that a PDF names but does not carry, as many a 宋体: the same on every machine.

pdfium asks the system for such a font, takes what it has, and leaves out letters without extent: where no font has
Chinese ones, as on most servers, the last of each piece, and all that lie on their side. `boxes.ttf` has one glyph, as
large as a letter, for every character (OpenType, cmap format 13); it was made with fontTools and copies no other font.
"""

from __future__ import annotations

from ctypes import memmove
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def settle() -> Any:
    """Have pdfium ask nobody for fonts; gives what it holds on to, which has to live as long as the process."""
    from pypdfium2 import raw

    font = files("pipelines.attachments").joinpath("boxes.ttf").read_bytes()
    calls = dict(raw.FPDF_SYSFONTINFO._fields_)

    def data(_info: Any, _font: Any, table: int, buffer: Any, size: int) -> int:
        if table:
            return 0  # it is not a collection
        if size >= len(font):
            memmove(buffer, font, len(font))
        return len(font)

    any_font = calls["MapFont"](lambda *_: 1)
    info = raw.FPDF_SYSFONTINFO(version=1, MapFont=any_font, GetFontData=calls["GetFontData"](data))
    raw.FPDF_SetSystemFontInfo(info)
    return info
