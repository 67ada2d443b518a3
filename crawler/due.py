"""What the archive knows of a source, and whether anything of it is due; no crawl is begun for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from archive import reader
from crawler import families, schedule
from crawler.sources import Source
from crawler.titles import alike
from crawler.visit import Progress

FIRST_YEAR = 2008
"""The Regulation of 2007 asked for the first reports on 2008."""

SEARCH_AGAIN = timedelta(days=30)
"""How long the columns that are remembered are enough, before a source's own addresses are read again as well."""

LONGEST_REST = 32
"""Days, at the most, that a source is left in peace which blocked us time and again."""


def due(db: sqlite3.Connection, sources: Iterable[Source], *, at: str) -> list[Source]:
    """Choose the sources that have something due at a time (ISO 8601, UTC), but for those left in peace."""
    return [
        source for source in sources if not rest(db, source, at=at) and recall(db, source, at=at, due=True).has_work()
    ]


def recall(
    db: sqlite3.Connection, source: Source, *, at: str, due: bool, captured: Collection[str] = frozenset()
) -> Progress:
    """Recall what the archive knows of a source: its columns, when they were last searched for, and its reports.

    `due` leaves out what is not due by `crawler.schedule`; `captured` are the addresses the run has asked for already.
    """
    now = datetime.fromisoformat(at)
    remembered = {row["url"]: row["reports"] for row in reader.columns_of(db, source.id)}
    named = {url: [*entries(source, url, at=at)] for url in source.start_urls}
    listless = dict.fromkeys(entry for own in named.values() for entry in own)
    has_list = not all(named.values())
    histories = {row["url"]: _history(row) for row in reader.histories(db, source.id)}
    reports = reader.known_reports(db, source.id)

    def lists_due() -> bool:
        return schedule.lists_are_due(_day(reader.lists_read_at(db, source.id)), today=now.date())

    progress = Progress(
        source=source,
        near={*source.own_hosts, *(host for host in source.hosts if "*" not in host)},
        remembered=remembered,
        has_list=has_list,
        lists=not due or ((has_list or bool(remembered)) and lists_due()),
        standing=(
            *listless,
            *(url for url in reports if schedule.interval(histories[url], today=now.date())),
            *source.report_urls,
        ),
        undue={
            url
            for url, history in histories.items()
            if due and url not in captured and not schedule.is_due(history, today=now.date())
        },
        back={url for url, history in histories.items() if schedule.may_be_back(history)} - listless.keys(),
    )
    if progress.has_work():  # so that a source of which nothing is due costs nearly nothing
        searched = reader.searched_at(db, source.id)
        progress.stale = searched is None or now - datetime.fromisoformat(searched) > SEARCH_AGAIN
        for url in reports:
            if not histories[url].gone_since:
                progress.known.setdefault(alike(url), []).append(url)
    return progress


def entries(source: Source, url: str, *, at: str) -> Iterator[str]:
    """Give the addresses of the reports that have one without any list, where `url` is such an entry."""
    first, last = source.years or (FIRST_YEAR, datetime.fromisoformat(at).year - 1)
    return families.entries(url, range(first, last + 1))


def rest(db: sqlite3.Connection, source: Source, *, at: str) -> str | None:
    """Say why and until when a source that blocked us is left in peace: 1, 2, 4 … days after its last refusals."""
    times, last = reader.blocked_visits(db, source.id)
    if not last:
        return None
    until = datetime.fromisoformat(last) + timedelta(days=min(2 ** (times - 1), LONGEST_REST))
    if until <= datetime.fromisoformat(at):
        return None
    return f"left in peace until {until:%Y-%m-%d %H:%M} UTC, having been blocked {times} times in a row"


def _history(row: Mapping[str, Any]) -> schedule.History:
    days = {key: _day(row[key]) for key in ("first_seen", "changed", "answered", "gone_since")}
    return schedule.History(**days, year=row["year"], unlisted=row["unlisted"])  # type: ignore[arg-type]


def _day(at: str | None) -> date | None:
    return datetime.fromisoformat(at).date() if at else None
