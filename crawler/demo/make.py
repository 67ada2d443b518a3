"""Make the files in the folder `made` again, with LibreOffice and Chromium: python -m crawler.demo.make."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from crawler.demo.body import body
from crawler.demo.county import County
from crawler.demo.docx import docx
from crawler.demo.forms import Grid
from crawler.demo.model import Article, File, Office

MADE = Path(__file__).with_name("made")
SHEET = "body{margin:20px;width:1000px;font:16px 'Noto Serif CJK SC'} td p{margin:4px}"


def made_once(county: County) -> Iterator[tuple[Office, Article, File]]:
    """List the files that are made once, with what publishes them."""
    for office in county.offices:
        for article in county.column(office, day=2):
            yield from ((office, article, file) for file in article.files if file.made)


def digest(grid: Grid) -> str:
    """Name a table by what it says; each picture bears it, so that one made from other numbers is told."""
    return hashlib.sha256(repr(grid.expanded()).encode()).hexdigest()


def main() -> None:
    """Write every file anew."""
    for office, article, file in made_once(County.make()):
        content = _document(file) if file.type == "doc" else _picture(office, article, file)
        MADE.joinpath(file.made or "").write_bytes(content)


def _document(file: File) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "report.docx")
        source.write_bytes(docx(file.blocks))
        command = ["soffice", "--headless", "--convert-to", "doc:MS Word 97", "--outdir", folder, str(source)]
        subprocess.run(command, check=True)  # noqa: S603
        return source.with_suffix(".doc").read_bytes()


def _picture(office: Office, article: Article, file: File) -> bytes:
    """Photograph a table of the report's page, in 16 greys."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(device_scale_factor=1.5)
        page.set_content(f"<style>{SHEET}</style>{body(article, office)}")
        shot = page.locator("table").nth(list(article.grids).index(file.grid or "")).screenshot()
        browser.close()
    about, out = PngInfo(), BytesIO()
    about.add_text("digest", digest(article.grids[file.grid or ""]))
    Image.open(BytesIO(shot)).convert("L").quantize(16).save(out, "PNG", optimize=True, pnginfo=about)
    return out.getvalue()


if __name__ == "__main__":
    main()
