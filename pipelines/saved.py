"""Cleaning a page saved as a file, for those who have pages and no archive."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.clean import clean

LARGEST = 32 * 1024 * 1024
"""The largest file that is cleaned, in bytes: what a crawl would take."""


def clean_file(file: Path, *, url: str = "") -> dict[str, Any]:
    """Clean a saved page and give what was found as a dictionary ready for JSON; grids are called tables.

    Without a `url`, links are completed from the file's own place. Raises OSError where the file cannot be read
    and ValueError where it is too large.
    """
    size = file.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{size} bytes, at most {LARGEST} are cleaned")
    text = clean(file.read_bytes(), url=url or file.resolve().as_uri())
    found = {name: value for name, value in asdict(text).items() if name not in ("cleaner", "grids")}
    return {**found, "tables": text.grids}
