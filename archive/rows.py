"""Rows as they are stored: what repeats is written once, in `strings`, and a fetch is a line of numbers.

Headers are stored as a form that many answers share, and the values that change with each: the views `captures` and
`texts` put them together, in plain SQL, so that whoever reads sees whole rows.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from archive import figures, indexing
from archive.chain import row_digest
from archive.database import ArchiveError, name, to_json
from archive.payloads import Frame
from archive.records import Text

SLOTS = 8
"""How many values a form leaves out at the most."""

REFERRER, LENGTH, CLOCK = map(chr, range(SLOTS + 1, SLOTS + 4))
"""Stand in a form for the capture's own referrer, its payload's length, and the Date so many seconds after the capture;
like the slots, signs that JSON never has unescaped (RFC 8259, 7)."""

_CHANGING = re.compile(
    r"""(?<=",")  # first, for it stands nearly nowhere
        (?:(?<=\["date",")|(?<=\["content-length",")|(?<=\["last-modified",")|(?<=\["etag",")|(?<=\["expires",")|
           (?<=\["age",")|(?<=\["if-none-match",")|(?<=\["if-modified-since","))(?:[^"\\]|\\.)+
        |(?<![0-9A-Za-z_-])(?=[A-Za-z_-]*[0-9])[0-9A-Za-z_-]{16,}""",
    re.IGNORECASE | re.VERBOSE,
)

CAPTURE = (
    "id", "page", "run", "source", "at", "kind", "attempt", "status", "outcome", "reason", "payload", "seconds",
    "referrer", "anchor", "redirects", "request_headers", "headers",
)  # fmt: skip
"""The columns of a capture, as the view has them."""

TEXT = (
    "cleaner", "key", "title", "agency", "report_year", "published_on", "dates", "index_number", "document_number",
    "origin", "read_from", "is_report", "confidence", "charset", "charset_why", "script", "flags", "repairs", "originals",
    "missing", "text", "grids", "attachments",
)  # fmt: skip
"""The columns that a text has had from the first, beside its number and digest."""

OF_FIGURES = ("legible", "unplaced", "figures")
"""Those that it has since there are figures."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_DATE = re.compile(r'(?<=\["date",")[^"\\]+', re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TEXTS_OF_VERSIONS = """payloads ON substr(sha256, 1, 8) = substr(v.payload, 1, 8) AND sha256 = v.payload
                       JOIN readings r ON r.payload = payloads.number JOIN stored_texts t ON t.number = r.text"""
"""Joins versions `v`, or whatever else has a payload's SHA-256, with texts `t`, along the indexes."""

_REPEATED = (
    "page", "run", "source", "kind", "outcome", "reason", "referrer", "anchor", "redirects", "request_form", "form",
)  # fmt: skip


def cut(headers: str, *, own: Mapping[str, str]) -> tuple[str, str | None]:
    r"""Leave out of headers, as JSON, what changes from answer to answer: the form, and the values as JSON, if any.

    `own` are values that the capture's row says itself, and the signs that stand for them.

    >>> cut('[["Server","nginx"],["Content-Length","58211"],["Age","7"]]', own={"58211": "N"})
    ('[["Server","nginx"],["Content-Length","N"],["Age","\x01"]]', '["7"]')
    """
    values: list[str] = []

    def take(found: re.Match[str]) -> str:
        if sign := own.get(found[0]):
            return sign
        if len(values) == SLOTS:
            return found[0]
        values.append(found[0])
        return chr(len(values))

    form = _CHANGING.sub(take, headers)
    return form, to_json(values) if values else None


def add_capture(db: sqlite3.Connection, row: Mapping[str, Any]) -> None:
    """Add a capture, given as the view `captures` shows it; one that is there already by name is left."""
    number, length = _payload(db, row["payload"])
    request, referrer = row["request_headers"], row["referrer"]
    if referrer and to_json(referrer) == f'"{referrer}"':
        request = request.replace(f'"{referrer}"', f'"{REFERRER}"')
    request_form, request_cut = cut(request, own={})
    clock = _clock(row["headers"], at=row["at"])
    own = {} if length is None else {str(length): LENGTH}
    form, values = cut(row["headers"], own=own if clock is None else own | {clock[0]: CLOCK})
    stored = {column: row[column] for column in CAPTURE if not column.endswith("headers")} | {
        "id": int.from_bytes(bytes.fromhex(row["id"]), signed=True),
        "at": _milliseconds(row["at"]),
        "payload": number,
        "seconds": round(1000 * row["seconds"]) if round(row["seconds"], 3) == row["seconds"] else row["seconds"],
        "request_form": request_form,
        "request_cut": request_cut,
        "form": form,
        "cut": values,
        "clock": clock and clock[1],
    }
    stored |= {column: string(db, stored[column]) for column in _REPEATED if stored[column] is not None}
    db.execute(
        f"INSERT INTO stored_captures ({', '.join(stored)}) VALUES ({', '.join('?' * len(stored))}) ON CONFLICT DO NOTHING",  # noqa: S608
        [*stored.values()],
    )


def _milliseconds(at: str) -> int | str:
    """Give a time in milliseconds since 1970, if that says all of it, else as it is."""
    if not _TIME.fullmatch(at):
        return at
    try:
        return round((datetime.fromisoformat(at) - _EPOCH) / timedelta(milliseconds=1))
    except ValueError:  # the 30th of February
        return at


def _clock(headers: str, *, at: str) -> tuple[str, int] | None:
    """Find the Date of an answer and how many seconds it is after the capture, if that says all of it."""
    found = _DATE.search(headers)
    if found is None or not _TIME.fullmatch(at):
        return None
    try:
        date = parsedate_to_datetime(found[0])
        after = round((date - datetime.fromisoformat(f"{at[:19]}Z")) / timedelta(seconds=1))
        return (found[0], after) if format_datetime(date, usegmt=True) == found[0] else None
    except (ValueError, OverflowError):
        return None


def string(db: sqlite3.Connection, text: str) -> int:
    """Give the number of a text in `strings`, adding it if need be."""
    if found := db.execute("SELECT number FROM strings WHERE text = ?", (text,)).fetchone():
        return found[0]  # type: ignore[no-any-return]
    return db.execute("INSERT INTO strings (text) VALUES (?) RETURNING number", (text,)).fetchone()[0]  # type: ignore[no-any-return]


def add_payload(db: sqlite3.Connection, sha256: str, *, length: int, scope: int, frame: Frame) -> None:
    """Keep a payload as it was packed; `scope` is the number of the string that names its host and kind."""
    number = db.execute(
        "INSERT INTO payloads (sha256, length, scope, base) VALUES (?, ?, ?, ?)", (sha256, length, scope, frame.base)
    ).lastrowid
    db.execute("INSERT INTO bodies VALUES (?, ?)", (number, frame.data))


def payload_number(db: sqlite3.Connection, sha256: str | None) -> int | None:
    """Give the number of a payload, or None where it is not in the archive."""
    return _payload(db, sha256)[0]


def known_payload(db: sqlite3.Connection, sha256: str) -> int:
    """Give the number of a payload; raises ArchiveError where it is not in the archive."""
    number = payload_number(db, sha256)
    if number is None:
        raise ArchiveError(f"payload {sha256}: not in the archive")
    return number


def _payload(db: sqlite3.Connection, sha256: str | None) -> tuple[int | None, int | None]:
    # The plus keeps SQLite from putting the constant into substr() too, which would hide the index from it.
    query = "SELECT number, length FROM payloads WHERE substr(sha256, 1, 8) = substr(?1, 1, 8) AND +sha256 = ?1"
    found = db.execute(query, (sha256,)).fetchone()
    return (found[0], found[1]) if found else (None, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextRows:
    """A text as it is written: its row, with the digest that shows whether that still is what was written, and its values."""

    row: Mapping[str, Any]
    values: figures.Values | None = None


def of_text(text: Text) -> TextRows:
    """Write a text as its rows; who has many does it where they are cleaned, not where they are kept."""
    given = figures.values(text.figures)
    row: dict[str, object] = {"key": text.key} | {
        f.name: _column(getattr(text, f.name)) for f in fields(text) if f.name != "figures"
    }
    row |= {"unplaced": figures.unplaced(text.figures), "figures": figures.digest(given)}
    return TextRows(row=row | {"digest": row_digest(row)}, values=given)


def _column(value: object) -> object:
    """Write a field as a column holds it: what is not one value becomes JSON."""
    if isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, str | int | float) else to_json(value)


def add_text(db: sqlite3.Connection, payload: int, given: TextRows, *, numbers: figures.Numbers | None = None) -> None:
    """Keep what cleaning made of a payload: one row for all payloads of which it made the very same.

    Who keeps many gives `figures.add` the same `numbers` for all.
    """
    drop_text(db, payload)
    row = given.row
    known = db.execute("SELECT 1 FROM stored_texts WHERE digest = ?", (row["digest"],)).fetchone()
    db.execute(
        f"INSERT INTO stored_texts ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) ON CONFLICT DO NOTHING",  # noqa: S608
        [*row.values()],
    )
    (number,) = db.execute("SELECT number FROM stored_texts WHERE digest = ?", (row["digest"],)).fetchone()
    if given.values and not known:
        figures.add(db, number, given.values, numbers={} if numbers is None else numbers)
    db.execute("INSERT INTO readings VALUES (?, ?, ?)", (payload, number, bond(payload, row["digest"])))


def bond(payload: int, digest: str) -> int:
    """Give the number (64 bits) that shows that a text still is the one made of this payload."""
    return int.from_bytes(bytes.fromhex(name(payload, digest)), signed=True)


def shown(db: sqlite3.Connection, payload: int) -> list[str]:
    """List the pages that have answered with a payload."""
    pages = db.execute(
        "SELECT DISTINCT text FROM stored_captures c JOIN strings ON strings.number = page WHERE payload = ?",
        (payload,),
    )
    return [page for (page,) in pages]


def drop_text(db: sqlite3.Connection, payload: int) -> None:
    """Forget what cleaning made of a payload."""
    for (text,) in db.execute("DELETE FROM readings WHERE payload = ? RETURNING text", (payload,)).fetchall():
        if not db.execute("SELECT 1 FROM readings WHERE text = ?", (text,)).fetchone():
            figures.drop(db, text)
            indexing.drop(db, text)
            db.execute("DELETE FROM stored_texts WHERE number = ?", (text,))
