"""When to ask for a page again, from what is known of it: pure, in whole days (UTC).

Each page has its turns, whether lists name it or not. A page that is gone and off the lists has one more: as soon as a
list names it again. One that is gone while a list goes on naming it has not, so a dead link costs no daily request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from archive.database import name

FULL_AFTER = timedelta(days=14)
"""A page's last full answer is never older than this where its server is asked only whether it changed."""

WATCHED = 30
"""Days after it appeared or changed for which a page is asked for daily."""

LONGEST = 90
"""The most days between two requests for a page that stands."""

CONFIRMED = 3
"""Days for which a page that is gone is asked for daily, so that it is known to be from several days."""

RETURNS = 365
"""Days for which a page that is gone is asked for monthly."""

SEASON = (1, 2, 3)
"""The months in which reports are published (Regulation of 2019, art. 49), and corrected: all are asked for weekly."""

LIST_SEASON = (1, 2, 3, 4)
"""The months in which lists are read daily; those who are late publish in April."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What is known of a page that may be a report.

    The days when it was first seen, its newest version was, and it last gave an answer; since when it is gone; whether
    it was asked for that last answer without a list that named it; and the year of its report.
    """

    first_seen: date
    changed: date
    answered: date | None
    gone_since: date | None = None
    unlisted: bool = False
    year: int | None = None

    @property
    def settled(self) -> date:
        """The day since which the page says what it says, so far as is known: a report of years ago was there before us."""
        if self.year is None or self.changed > self.first_seen or self.first_seen.year <= self.year + 1:
            return self.changed
        return date(self.year + 1, 3, 31)


def interval(history: History, *, today: date) -> int | None:
    """Say how many days lie between two requests for a page; None where it is not to be asked for again."""
    if history.gone_since:
        gone = (today - history.gone_since).days
        return 1 if gone <= CONFIRMED else 30 if gone <= RETURNS else None
    quiet = (today - history.settled).days
    days = 1 if quiet <= WATCHED else min(quiet // 10, LONGEST)
    return min(days, 7) if today.month in SEASON else days


def is_due(history: History, *, today: date) -> bool:
    """Say whether a page is to be asked for; one that never gave an answer always is."""
    days = interval(history, today=today)
    return history.answered is None or (days is not None and (today - history.answered).days >= days)


def may_be_back(history: History) -> bool:
    """Say whether a page is to be asked for, be it its turn or not, as soon as a list names it."""
    return history.gone_since is not None and history.unlisted


def lists_are_due(read: date | None, *, today: date) -> bool:
    """Say whether a source's home page and columns are to be read, given the day they last were."""
    return read is None or (today - read).days >= (1 if today.month in LIST_SEASON else 7)


def wants_full(url: str, *, answered: datetime, now: datetime) -> bool:
    """Say whether a page is to be asked for in full, given when it last came in full.

    Each page has a time of its own between half of FULL_AFTER and all of it, so that not all fall on one day.
    """
    share = int(name(url), 16) / 16**16
    return now - answered >= FULL_AFTER * (1 - share / 2)
