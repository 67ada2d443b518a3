"""How an archive and its sources stand: gathered once, for a screen and for programs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from wcwidth import clip, ljust, wrap

from archive import overview, reader, sizes
from archive.health import STATES, words
from crawler.run import Exit

NEWS = {
    "found": "new",
    "changed": "changed",
    "reverted": "changed back",
    "withdrawn": "withdrawn",
    "returned": "returned",
}
"""Events that are told, and how they are called; a page that is missing for the first day may be back on the next."""

LATELY = timedelta(days=7)
RUNS, EVENTS = 3, 3
"""How many runs and events a screen shows."""

FAULTS = 100
"""How many sources are named that are in one state."""

_COVERAGE = ("in_time", "late", "undated", "missing", "withdrawn", "not_found")
_LABEL = 10


def gather(db: sqlite3.Connection, *, at: str, every: bool = False) -> dict[str, Any]:
    """Gather how an archive stands at a time, under the keys that the README describes.

    What a screen has room for, which costs about the same in any archive, or `every` source, run and count of requests.
    """
    runs = overview.runs(db, last=10 if every else RUNS)
    states = overview.states(db)
    lately = (datetime.fromisoformat(at) - LATELY).isoformat()
    return {
        "at": at,
        "archive": str(sizes.file_of(db)),
        "counts": reader.counts(db),
        "standing": reader.standing(db),
        "runs": [
            {**row, "seconds": seconds(row), "requests": overview.requests(db, row["id"]) if every else None}
            for row in runs
        ],
        "states": {state: states[state] for state in STATES if state in states},
        "faults": [
            row
            for state in STATES
            if state in states and state != "ok"
            for row in overview.in_state(db, state, limit=-1 if every else FAULTS)
        ],
        "visits": overview.visits(db) if every else None,
        "years": overview.years(db),
        "changes": {
            "last_run": overview.counted(db, since=runs[0]["started_at"]) if runs else {},
            "last_7_days": overview.counted(db, since=lately),
            "latest": overview.latest(db, NEWS, limit=EVENTS),
        },
        "disk": {
            "archive": sizes.total(db),
            "added_per_day": sizes.added_per_day(db, at=at),
            "free": sizes.free_disk(db),
        },
    }


def seconds(run: Mapping[str, Any]) -> float | None:
    """Say how long a run took; None for one without an end."""
    if not run["ended_at"]:
        return None
    return (datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])).total_seconds()


def exit_code(state: Mapping[str, Any]) -> Exit:
    """Judge what was gathered: whether a source needs a person, or the last run was cut off, or nothing is well."""
    if state["faults"] and not state["states"].get("ok"):
        return Exit.NOTHING_WORKED
    cut_off = state["runs"] and state["runs"][0]["status"] in ("killed", "interrupted")
    return Exit.SOME_FAILED if state["faults"] or cut_off else Exit.WELL


def screen(state: Mapping[str, Any], *, columns: int | None, lines: int | None, every: bool = False) -> str:
    """Set out what was gathered for a screen of so many columns and lines; None is no end.

    Of the sources, those that need a person are named, as far as there is room; `every` names them all.
    """
    short = bool(lines and state["faults"])
    made = [*_archive(state), *_runs(state, most=RUNS - short), *_changes(state, most=EVENTS - 2 * short)]
    made += [*_years(state, columns or 80), _sources(state)]
    if columns:
        made = [clip(line, 0, columns).rstrip() for line in made]
    groups = [(name, [*rows]) for name, rows in groupby(state["faults"], key=lambda row: row["state"])]
    for n, (name, rows) in enumerate(groups):
        room = None if lines is None else max(3, (lines - len(made)) // (len(groups) - n))
        made += _faults(name, rows, count=state["states"][name], columns=columns, room=room)
    if every:
        made += [_visit(visit) for visit in state["visits"]]
    return "\n".join(made)


def counts(events: Mapping[str, int]) -> str:
    """Write counts of events in words: `3 new, 1 withdrawn`, or `nothing`.

    >>> counts({"found": 3, "missing": 1, "withdrawn": 1})
    '3 new, 1 withdrawn'
    """
    return ", ".join(f"{events[kind]} {said}" for kind, said in NEWS.items() if events.get(kind)) or "nothing"


def _labelled(label: str, lines: Iterable[str]) -> list[str]:
    return [f"{label if n == 0 else '':<{_LABEL}}{line}" for n, line in enumerate(lines)]


def _archive(state: Mapping[str, Any]) -> list[str]:
    """Tell what there is, and what it takes."""
    count, disk, standing = state["counts"], state["disk"], state["standing"]
    absent = [f"{standing[key]:,} {key}" for key in ("missing", "withdrawn", "moved", "unlisted") if standing[key]]
    grows = "" if disk["added_per_day"] is None else f", about {size(disk['added_per_day'])} more a day"
    return [
        *_labelled("archive", [f"{count['reports']:,} reports; pages {', '.join(absent) or 'all there'}"]),
        *_labelled(
            "disk", [f"{size(disk['archive'])}, {count['captures']:,} captures{grows}; {size(disk['free'])} free"]
        ),
    ]


def _runs(state: Mapping[str, Any], *, most: int) -> list[str]:
    rows = [
        f"{minute(run['started_at'])}  {run['status']:<11}{_lasted(run['seconds']):>7}{run['captures']:>8} captures  "
        f"{run['ok']} of {run['sources']} ok"
        for run in state["runs"][:most]
    ]
    return _labelled("runs", rows or ["none yet"])


def _changes(state: Mapping[str, Any], *, most: int) -> list[str]:
    told = state["changes"]
    latest = [
        f"  {event['at'][:10]}  {ljust(NEWS[event['kind']], 12)}  {event['agency']} {event['year']}"
        for event in told["latest"][:most]
    ]
    heads = f"in the last run {counts(told['last_run'])}; in 7 days {counts(told['last_7_days'])}"
    return _labelled("changes", [heads, *latest])


def _years(state: Mapping[str, Any], columns: int) -> list[str]:
    """Set out the years as columns, the latest first, as many as there is room for."""
    years = state["years"][: (columns - 2 * _LABEL - 2) // 7]
    if not years:
        return _labelled("reports", ["none yet"])
    rows = [f"{'of ' + format(years[0]['offices'], ','):<{_LABEL}}" + "".join(f"{year['year']:>7}" for year in years)]
    for key in _COVERAGE:
        if any(year[key] for year in years):
            said = key.replace("_", " ")
            rows.append(f"{said:<{_LABEL}}" + "".join(f"{year[key] or '·':>7}" for year in years))
    return _labelled("reports", rows)


def _sources(state: Mapping[str, Any]) -> str:
    known, judged = state["counts"]["sources"], sum(state["states"].values())
    said = [f"{count:,} {name}" for name, count in state["states"].items()]
    if known > judged:
        said.append(f"{known - judged:,} not visited yet")
    return f"{'sources':<{_LABEL}}{known:,}: {', '.join(said) or 'none visited yet'}"


def _faults(
    name: str, rows: Sequence[Mapping[str, Any]], *, count: int, columns: int | None, room: int | None
) -> list[str]:
    """Name sources in one state: what a person does about it, then each with its evidence, in so many lines."""
    said = words()[name]
    each = None if room is None else 1 + (room > 4)
    head = f"  {name} {said['name']['zh']} ({count:,}): {said['advice']['en']}"
    told, named = _wrapped(head, columns=columns, indent=4, most=each), 0
    for row in rows:
        line = f"    {row['source']}  {row['agency']}, since {row['since'][:10]}: {row['evidence']}"
        block = _wrapped(line, columns=columns, indent=6, most=each)
        if room and len(told) + len(block) + (named < count - 1) > room:
            break
        told += block
        named += 1
    return [*told, f"    … and {count - named:,} more, which `gongkai status --all` names"] if named < count else told


def _wrapped(line: str, *, columns: int | None, indent: int, most: int | None) -> list[str]:
    """Break a line at a width, and cut it off after so many lines."""
    if columns is None:
        return [line]
    made = wrap(line.lstrip(), columns - 1, initial_indent=" " * (indent - 2), subsequent_indent=" " * indent)
    return made if most is None or len(made) <= most else [*made[: most - 1], f"{made[most - 1]}…"]


def _visit(visit: Mapping[str, Any]) -> str:
    return f"  {visit['source']:<20} {visit['status']:<8} {visit['at'][:10]}  {visit['reason'] or ''}".rstrip()


def _lasted(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def minute(at: str) -> str:
    """Write a time to the minute.

    >>> minute("2026-03-01T08:00:00.000Z")
    '2026-03-01 08:00'
    """
    return at[:16].replace("T", " ")


def size(count: float) -> str:
    """Write bytes as a reader wants them.

    >>> size(999), size(123_456_789), size(2.5e9)
    ('0.0 MB', '123.5 MB', '2.5 GB')
    """
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
