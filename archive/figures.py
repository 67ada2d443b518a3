"""The statistics of texts: facts and checks as rows, proved by the digest that their text's row carries."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields

from archive.database import to_json
from archive.records import Check, Fact, Figures

CODES = ("form", "table", "row", "column")
_OF_FACT = tuple(f.name for f in fields(Fact) if f.name not in CODES)
_OF_CHECK = tuple(f.name for f in fields(Check))


def add(db: sqlite3.Connection, text: int, figures: Figures) -> None:
    """Keep the facts and checks of a text, in their order; the caller holds the transaction."""
    for n, fact in enumerate(figures.facts):
        row = (text, n, _indicator(db, fact), *(getattr(fact, column) for column in _OF_FACT))
        db.execute(f"INSERT INTO stored_facts VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
    for n, check in enumerate(figures.checks):
        row = (text, n, *astuple(check))
        db.execute(f"INSERT INTO stored_checks VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608


def drop(db: sqlite3.Connection, text: int) -> None:
    """Forget the facts and checks of a text."""
    for table in ("stored_facts", "stored_checks"):
        db.execute(f"DELETE FROM {table} WHERE text = ?", (text,))  # noqa: S608


def of_text(db: sqlite3.Connection, text: int) -> Figures:
    """Give the facts and checks of a text; what was unplaced stands in its row."""
    facts = db.execute(
        f"""SELECT form, "table", "row", "column", {", ".join(f"f.{column}" for column in _OF_FACT)}
            FROM stored_facts f JOIN indicators i ON i.number = f.indicator WHERE text = ? ORDER BY n""",  # noqa: S608
        (text,),
    )
    checks = db.execute(
        f"""SELECT {", ".join(f'"{column}"' for column in _OF_CHECK)} FROM stored_checks WHERE text = ? ORDER BY n""",  # noqa: S608
        (text,),
    )
    return Figures(
        facts=tuple(Fact(**dict(row)) for row in facts),
        checks=tuple(Check(**{**dict(row), "held": bool(row["held"])}) for row in checks),
    )


def digest(figures: Figures) -> str | None:
    """Work out the SHA-256 (32 hex digits) over facts and checks; None where there are none."""
    if not figures.facts and not figures.checks:
        return None
    rows = [*map(astuple, figures.facts), *map(astuple, figures.checks)]
    plain = [[float(value) if isinstance(value, int) else value for value in row] for row in rows]
    return hashlib.sha256(to_json(plain).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unplaced(figures: Figures) -> str | None:
    """Write what no form accounts for as JSON; None where there is nothing."""
    return to_json(figures.unplaced) if figures.unplaced else None


def describe(
    db: sqlite3.Connection, dictionary: Sequence[Mapping[str, object]], year_rules: Sequence[Mapping[str, object]]
) -> bool:
    """Write down what the codes mean and which rules bind a report to the one before it; the caller holds the transaction.

    Says whether anything of it is new.
    """
    before = db.total_changes
    for table, key, rows in (("indicators", CODES, dictionary), ("year_rules", ("form", "table", "rule"), year_rules)):
        columns = [*rows[0]]
        names = ", ".join(f'"{column}"' for column in columns)
        known = {tuple(row) for row in db.execute(f"SELECT {names} FROM {table}")}  # noqa: S608
        meaning = ", ".join(f'"{column}" = excluded."{column}"' for column in columns if column not in key)
        named = ", ".join(f'"{column}"' for column in key)
        db.executemany(
            f"""INSERT INTO {table} ({names}) VALUES ({", ".join("?" * len(columns))})
                ON CONFLICT ({named}) DO UPDATE SET {meaning}""",  # noqa: S608
            [row for row in (tuple(entry.values()) for entry in rows) if row not in known],
        )
    return db.total_changes > before


def _indicator(db: sqlite3.Connection, fact: Fact) -> int:
    codes = [getattr(fact, code) for code in CODES]
    find = 'SELECT number FROM indicators WHERE (form, "table", "row", "column") = (?, ?, ?, ?)'
    found = (
        db.execute(find, codes).fetchone()
        or db.execute(
            'INSERT INTO indicators (form, "table", "row", "column") VALUES (?, ?, ?, ?) RETURNING number', codes
        ).fetchone()
    )
    return found[0]  # type: ignore[no-any-return]
