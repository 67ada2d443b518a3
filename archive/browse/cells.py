"""One cell of Datasette's tables, as a reader of the archive wants it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from archive.browse.words import is_web, link, moment

if TYPE_CHECKING:
    from collections.abc import Callable

LONG = 120
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_NAME = re.compile(r"[0-9a-f]{16}")
_DIGEST = re.compile(r"[0-9a-f]{20,64}")


def render(row: Any, value: Any, column: str, path: Callable[[str], str]) -> Markup | None:
    """Show a value: a report or a payload linked, a hash short, a time in China's, more than 120 characters folded.

    None leaves it to Datasette.
    """
    if not isinstance(value, str):
        return None
    is_report = "days_late" in row.keys()  # noqa: SIM118 a row is no mapping
    if is_report and column == "title":
        return Markup('<a href="{}">{}</a>').format(path(f"/-/gongkai/report/{row['id']}"), value)
    if column == "report" and _NAME.fullmatch(value):
        return _short(value, path(f"/-/gongkai/report/{value}"))
    if _DIGEST.fullmatch(value):
        return _short(value, path(f"/-/gongkai/raw/{value}") if column in ("payload", "sha256") else None)
    if _TIME.fullmatch(value):
        return moment("zh", value)
    if is_web(value):
        return link(value, value if len(value) <= LONG else f"{value[:LONG]}…")
    if len(value) > LONG:
        return Markup('<details class="long"><summary>{}…</summary>{}</details>').format(value[:LONG], value[LONG:])
    return None


def _short(value: str, href: str | None) -> Markup:
    shown = Markup('<span title="{}">{}</span>').format(value, value[:8])
    return Markup('<a href="{}">{}</a>').format(href, shown) if href else shown
