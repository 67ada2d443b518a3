"""Serving an archive with Datasette, on this machine only."""

from __future__ import annotations

import asyncio
from inspect import signature
from typing import TYPE_CHECKING, Any

from archive.browse.words import table

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {"sql_time_limit_ms": 3000, "truncate_cells_html": 300, "suggest_facets": False, "allow_download": False}
COUNTING, COUNT_MS = "select count(*) from ", 50
COUNTED = {"captures": "stored_captures", "texts": "readings"}
"""Views that have as many rows as a table, which is counted sooner."""

PUBLIC = SETTINGS | {
    "default_allow_sql": False, "sql_time_limit_ms": 2000, "facet_time_limit_ms": 500, "max_returned_rows": 500,
    "allow_csv_stream": False,
}  # fmt: skip
"""For the open web: no SQL but the canned queries, and limits on what one request may cost."""


def serve(archive: Path, *, port: int, public: bool = False) -> None:
    """Serve an archive on 127.0.0.1 until interrupted; `public` is for a proxy that shows it to the world."""
    import uvicorn

    app = datasette(archive, public=public)
    asyncio.run(app.invoke_startup())
    uvicorn.run(app.app(), host="127.0.0.1", port=port, log_level="warning")


def datasette(archive: Path, *, public: bool = False) -> Any:
    """Make a Datasette that shows an archive; its pages come by the plugin."""
    from datasette.app import Datasette

    told = metadata(archive.stem, public=public)
    more = {"config": told} if "config" in signature(Datasette).parameters else {}  # where 1.0 looks for the queries
    server = Datasette([str(archive)], settings=PUBLIC if public else SETTINGS, metadata=told, **more)
    server.remove_database(archive.stem)
    server.add_database(_archive(server, archive), name=archive.stem)
    return server


def _archive(server: Any, archive: Path) -> Any:
    """Make a database in which counting a big table is soon given up: its pages then say that there is more, not how much."""
    from datasette.database import Database

    class Archive(Database):  # type: ignore[misc]
        async def execute(self, sql: str, params: Any = None, **more: Any) -> Any:
            if not sql.startswith(COUNTING):
                return await super().execute(sql, params, **more)
            table = sql.removeprefix(COUNTING).strip(" []")
            sql = f"{COUNTING}{COUNTED[table]}" if table in COUNTED else sql
            return await super().execute(sql, params, **more | {"custom_time_limit": COUNT_MS})

    return Archive(server, path=str(archive), is_mutable=True)


def metadata(database: str, *, public: bool = False) -> dict[str, Any]:
    """Say what the tables are, how they are best looked at first, and the questions that come first."""
    described = table("metadata")
    questions = [{"name": name, **query} for name, query in described["queries"].items()]
    return {
        "title": described["title"],
        "databases": {database: {key: described[key] for key in ("tables", "queries")}},
        "plugins": {"gongkai": {"questions": questions, "public": public}},
    }
