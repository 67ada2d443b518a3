"""What befell a page, told from its captures in time: its texts, its absences, its place on the lists.

Nothing here reads the archive. A blocked or failed answer is evidence of nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

ANSWERED = ("new", "same", "not-modified")
"""Outcomes with which a page shows that it is there."""

EVIDENCE_DAYS = 2
"""On how many different days (UTC) a page must be found gone, or off its lists, before that is believed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One capture of a page, and the key of the text it showed: a 304 shows what was shown before."""

    capture: str
    run: str
    source: str
    at: str
    outcome: str
    reason: str | None = None
    referrer: str | None = None
    redirects: tuple[str, ...] = ()
    payload: str | None = None
    key: str | None = None

    @property
    def answered(self) -> bool:
        return self.outcome in ANSWERED

    @property
    def day(self) -> str:
        return self.at[:10]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """A capture of another page that showed the same text."""

    page: str
    url: str
    seen: Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that befell a page, and the capture that shows it."""

    at: str
    kind: str
    capture: str
    detail: str | None = None


@dataclass(kw_only=True, slots=True)
class Version:
    """A distinct text of a page; `reversions` counts the returns to it."""

    n: int
    key: str
    payload: str
    first_seen: str
    last_seen: str
    captures: int = 0
    reversions: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """A time in which a page was found gone or led elsewhere: the answers before and after it, and the text last shown.

    `first_day` is the day on which the page first showed that text.
    """

    last: Seen
    key: str | None
    first_day: str
    gone: tuple[Seen, ...]
    redirects: tuple[Seen, ...]
    back: Seen | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """How a page stands after its last capture; a page that has moved is not withdrawn."""

    missing_since: str | None = None
    withdrawn_on: str | None = None
    moved_to: str | None = None
    unlisted_since: str | None = None


def versions(history: Sequence[Seen]) -> tuple[list[Version], list[Event]]:
    """Tell a page's distinct texts: found, changed, reverted."""
    known: dict[str, Version] = {}
    events = []
    current: Version | None = None
    for seen in history:
        if not seen.answered or seen.key is None:
            continue
        version = known.get(seen.key)
        if version is None:
            version = Version(
                n=len(known) + 1, key=seen.key, payload=seen.payload or "", first_seen=seen.at, last_seen=seen.at
            )
            known[seen.key] = version
            events.append(_event(seen, "changed" if current else "found", str(version.n)))
        elif version is not current:
            version.reversions += 1
            events.append(_event(seen, "reverted", str(version.n)))
        version.captures += 1
        version.last_seen = seen.at
        current = version
    return list(known.values()), events


def absences(history: Sequence[Seen]) -> Iterator[Absence]:
    """Walk the times at which a page that had answered did not show itself any more."""
    last: Seen | None = None
    key: str | None = None
    first_days: dict[str | None, str] = {}
    gone: list[Seen] = []
    redirects: list[Seen] = []

    def absence(back: Seen | None) -> Iterator[Absence]:
        if last and (gone or redirects):
            yield Absence(
                last=last, key=key, first_day=first_days[key], gone=(*gone,), redirects=(*redirects,), back=back
            )

    for seen in history:
        if seen.answered:
            yield from absence(seen)
            gone, redirects = [], []
            last, key = seen, seen.key or key
            first_days.setdefault(key, seen.day)
        elif last and seen.outcome == "gone":
            gone.append(seen)
        elif last and seen.outcome == "moved":
            redirects.append(seen)
    yield from absence(None)


def absent(absence: Absence, *, url: str, elsewhere: Sequence[Sighting]) -> tuple[list[Event], State]:
    """Tell an absence of the page at `url`: missing, moved, withdrawn, returned; and how the page stood before it returned.

    `elsewhere` is where the text last shown here was shown, in time.
    """
    events = []
    move = _move(absence, url=url, elsewhere=elsewhere)
    withdrawn = _believed(absence.gone)
    if absence.gone:
        events.append(_event(absence.gone[0], "missing", absence.gone[0].reason))
    if move:
        proof, shown, place = move
        events.append(_event(max(proof, shown, key=attrgetter("at")), "moved", place.url))
    if withdrawn and not (move and events[-1].at <= withdrawn.at):
        events.append(_event(withdrawn, "withdrawn", withdrawn.reason))
    if events and absence.back:
        events.append(_event(absence.back, "returned"))
    since = [seen.at for seen in (*absence.gone[:1], *(move[:1] if move else ()))]
    return events, State(
        missing_since=min(since, default=None),
        withdrawn_on=withdrawn.day if withdrawn and not move else None,
        moved_to=move[2].page if move else None,
    )


def listings(history: Sequence[Seen], *, left_out: Callable[[Seen, Seen], bool]) -> tuple[list[Event], str | None]:
    """Tell when a page that answers left the lists that named it, and came back; and since when it is off them.

    `left_out(seen, named)` says whether the run of `seen` read the list by which `named` was asked, and no list named
    the page's text. That a list names a page counts whatever the page then answers.
    """
    events = []
    named_in = {seen.run for seen in history if seen.referrer}
    named: dict[str, Seen] = {}
    off: list[Seen] = []
    unlisted = False
    for seen in history:
        if seen.referrer:
            if unlisted:
                events.append(_event(seen, "relisted", seen.referrer))
            named[seen.source] = seen
            off, unlisted = [], False
        elif seen.answered and not unlisted and seen.source in named and seen.run not in named_in:
            before = named[seen.source]
            if left_out(seen, before):
                off.append(seen)
            if _believed(off):
                events.append(_event(seen, "unlisted", before.referrer))
                unlisted = True
    return events, off[0].at if unlisted else None


def _move(absence: Absence, *, url: str, elsewhere: Sequence[Sighting]) -> tuple[Seen, Seen, Sighting] | None:
    """Find where a text went: the evidence here, the capture there, and the place.

    Where a redirect led to it; else, once it is gone here, where it was shown first on a later day than here, so that
    a page which always had two addresses has not moved when it loses one.
    """
    first_days: dict[str, str] = {}
    led = {seen.run: seen for seen in reversed(absence.redirects)}
    found = []
    for place in elsewhere:
        first = first_days.setdefault(place.page, place.seen.day)
        if place.seen.at <= absence.last.at or (absence.back and place.seen.at >= absence.back.at):
            continue
        if url in place.seen.redirects and place.seen.run in led:
            found.append((led[place.seen.run], place.seen, place))
        if absence.gone and first > absence.first_day:
            found.append((absence.gone[0], place.seen, place))
    return min(found, key=lambda move: (max(move[0].at, move[1].at), move[2].url), default=None)


def _believed(evidence: Sequence[Seen]) -> Seen | None:
    """Give the capture that completes the evidence, if there is enough of it."""
    days: set[str] = set()
    for seen in evidence:
        days.add(seen.day)
        if len(days) == EVIDENCE_DAYS:
            return seen
    return None


def _event(seen: Seen, kind: str, detail: str | None = None) -> Event:
    return Event(at=seen.at, kind=kind, capture=seen.capture, detail=detail)
