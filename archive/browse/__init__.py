"""A Datasette plugin for archives: pages to read beside its tables. Datasette finds it where this package is installed.

Only hooks that Datasette 0.65 and 1.0 both have.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasette import hookimpl

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from datasette.filters import FilterArguments
    from markupsafe import Markup


@hookimpl
def register_routes(datasette: Any) -> list[tuple[str, Callable[..., Any]]]:
    """Pages under /-/gongkai, and the index too where an archive is all that is served."""
    from archive.browse import web

    return web.routes(datasette)


@hookimpl
def menu_links(datasette: Any) -> list[dict[str, str]]:
    """The main pages."""
    from archive.browse import web

    return web.menu(datasette)


@hookimpl
def extra_css_urls(database: str | None, datasette: Any) -> list[str]:
    """The one style sheet, which also gives Datasette's tables of an archive room for Chinese."""
    if not any(is_archive(datasette, name) for name in ([database] if database else datasette.databases)):
        return []
    return [datasette.urls.path("/-/static-plugins/gongkai/gongkai.css")]


@hookimpl
def extra_js_urls(database: str | None, datasette: Any) -> list[str]:
    """What Datasette's own pages of an archive lack for those who cannot see them."""
    if not database or not is_archive(datasette, database):
        return []
    return [datasette.urls.path("/-/static-plugins/gongkai/tables.js")]


@hookimpl
def render_cell(row: Any, value: Any, column: str, database: str, datasette: Any) -> Markup | None:
    """Short names and times, links to pages, long words folded."""
    if value is None or not is_archive(datasette, database):
        return None
    from archive.browse import cells

    return cells.render(row, value, column, datasette.urls.path)


@hookimpl(trylast=True)
def prepare_connection(conn: sqlite3.Connection, database: str, datasette: Any) -> None:
    """Let Datasette's own search box find Chinese words: its `escape_fts` is replaced for archives."""
    if not is_archive(datasette, database):
        return
    from archive import search

    conn.create_function("escape_fts", 1, lambda words: search.match(words or ""))


@hookimpl
def filters_from_request(request: Any, database: str, table: str, datasette: Any) -> FilterArguments | None:
    """Let it find signs and blanks between words too, which the index does not hold."""
    words = request.args.get("_search")
    if (
        table != "report_texts"
        or not words
        or request.args.get("_searchmode") == "raw"
        or not is_archive(datasette, database)
    ):
        return None
    from datasette.filters import FilterArguments

    from archive import search

    conditions, given = search.rest(words)
    return FilterArguments(conditions, given)


def is_archive(datasette: Any, database: str) -> bool:
    """Say whether a database that Datasette serves is an archive."""
    known = datasette.databases.get(database)
    return bool(known and known.path and Path(known.path).is_file() and _has_our_id(str(known.path)))


@cache
def _has_our_id(path: str) -> bool:
    from archive.database import APPLICATION_ID

    with Path(path).open("rb") as file:
        return file.read(72)[68:] == APPLICATION_ID.to_bytes(4, "big")  # SQLite file format, offset 68
