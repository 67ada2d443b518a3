"""Browsing an archive with Datasette: how it is started, and the names it shows."""

from __future__ import annotations

import sys
from pathlib import Path

SETTINGS = {
    "sql_time_limit_ms": "3000",
    "truncate_cells_html": "300",
    "suggest_facets": "off",
    "allow_download": "off",
}


def command(archive: Path, *, port: int) -> list[str]:
    """Give the command that serves an archive on this machine only."""
    metadata = Path(__file__).parent / "metadata.yaml"
    words = [sys.executable, "-m", "datasette", "serve", str(archive), "--host", "127.0.0.1", "--port", str(port)]
    words += ["--metadata", str(metadata)]
    for name, value in SETTINGS.items():
        words += ["--setting", name, value]
    return words
