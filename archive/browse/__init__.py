"""Browsing an archive with Datasette, on this machine only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

SETTINGS = {"sql_time_limit_ms": 3000, "truncate_cells_html": 120, "suggest_facets": False, "allow_download": False}


def serve(archive: Path, *, port: int) -> None:
    """Serve an archive on 127.0.0.1 until interrupted."""
    import uvicorn
    from datasette.app import Datasette

    datasette = Datasette([str(archive)], settings=SETTINGS, metadata=metadata(archive.stem))
    asyncio.run(datasette.invoke_startup())
    uvicorn.run(datasette.app(), host="127.0.0.1", port=port, log_level="warning")


def metadata(database: str) -> dict[str, Any]:
    """Say what the tables are, and how they are best looked at first."""
    tables = {
        "reports": {
            "description": "One agency's report on one year; days_late counts from the day the law sets.",
            "sort": "agency",
            "label_column": "title",
        },
        "report_pages": {
            "description": "The pages that carry reports: official ones, and copies, which are not believed.",
            "facets": ["standing", "source"],
        },
        "versions": {
            "description": "The distinct texts of a page, and when they were seen.",
            "sort_desc": "first_seen",
        },
        "texts": {"description": "What cleaning made of a payload.", "size": 10},
        "captures": {
            "description": "One fetch of one page at one time, failures included.",
            "sort_desc": "at",
            "facets": ["outcome", "kind"],
        },
        "visits": {"description": "What one run did at one source.", "facets": ["status"]},
        "runs": {"description": "One crawl job.", "sort_desc": "started_at"},
        "columns": {
            "description": "Where a visit found reports listed, and how many; the next visit goes straight there.",
            "facets": ["family"],
        },
        "events": {"description": "What happened to a page, with the capture that shows it.", "sort_desc": "at"},
        "volatile_lines": {
            "description": "Lines that change with every fetch of a host's pages, without their numbers."
        },
        "origins": {"description": "The archives in which the runs were made."},
        "pages": {"label_column": "url"},
        "sources": {"label_column": "name"},
        "bodies": {"hidden": True},
        "_sqlite_migrations": {"hidden": True},
    }
    return {"title": "政府信息公开工作年度报告", "databases": {database: {"tables": tables}}}
