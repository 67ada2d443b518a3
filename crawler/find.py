"""From a home page to its column of annual reports: which links of a page to try, best first."""

from __future__ import annotations

from collections.abc import Iterable

from crawler.page import Link, Page
from crawler.titles import is_column_address, judge

BUDGET = 40
"""Requests that the search for a source's column may cost in one visit."""

TO_COLUMN = 0
TOWARDS = 1
COLUMN_TYPES = ("年报", "年度报告")


def ways(links: Iterable[Link]) -> list[tuple[int, str]]:
    """List the links that may lead to the column, as (rank, URL): those to a column first, then those towards one."""
    ranks = {"column": TO_COLUMN, "towards": TOWARDS}
    found = {link.url: ranks[kind] for link in reversed(list(links)) if (kind := judge(link)) in ranks}
    return sorted((rank, url) for url, rank in found.items())


def is_column(page: Page) -> bool:
    """Say whether a page declares itself the column, by its ColumnType or ColumnName meta tag or by its address."""
    declared = page.meta.get("columntype", "") + page.meta.get("columnname", "")
    return not page.meta.get("articletitle") and (
        any(word in declared for word in COLUMN_TYPES) or is_column_address(page.url)
    )
