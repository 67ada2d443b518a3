"""The statistics of texts: facts and checks as rows, proved by the digest that their text's row carries."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from archive.database import to_json
from archive.records import Check, Fact, Figures

CODES = ("form", "table", "row", "column")
_OF_FACT = tuple(f.name for f in fields(Fact))[len(CODES) :]
_OF_CHECK = tuple(f.name for f in fields(Check))
_values_of_fact = attrgetter(*CODES, *_OF_FACT)
_values_of_check = attrgetter(*_OF_CHECK)


Numbers = dict[tuple[object, ...], int]
"""What indicators have as their numbers, by their codes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """Facts and checks as nothing but values, in the order of their fields: quickly handed from process to process."""

    facts: Sequence[tuple[object, ...]]
    checks: Sequence[tuple[object, ...]]


def values(figures: Figures) -> Values:
    """Give the values of facts and checks."""
    return Values(facts=[*map(_values_of_fact, figures.facts)], checks=[*map(_values_of_check, figures.checks)])


def add(db: sqlite3.Connection, text: int, given: Values, *, numbers: Numbers) -> None:
    """Keep the facts and checks of a text, in their order; the caller holds the transaction.

    `numbers` are those of the indicators that this transaction has come across; those of further forms join them.
    """
    codes = ", ".join(f'"{code}"' for code in CODES)
    of_facts = [fact[: len(CODES)] for fact in given.facts]
    for form in {fact[0] for fact in of_facts if fact not in numbers}:
        known = db.execute(f"SELECT {codes}, number FROM indicators WHERE form = ?", (form,))  # noqa: S608
        numbers |= {tuple(row)[:-1]: row[-1] for row in known}
    for fact in of_facts:
        if fact not in numbers:
            added = db.execute(f"INSERT INTO indicators ({codes}) VALUES (?, ?, ?, ?) RETURNING number", fact)  # noqa: S608
            (numbers[fact],) = added.fetchone()
    db.executemany(
        f"INSERT INTO stored_facts VALUES (?, ?, ?, {', '.join('?' * len(_OF_FACT))})",  # noqa: S608
        [
            (text, n, numbers[codes], *fact[len(CODES) :])
            for n, (codes, fact) in enumerate(zip(of_facts, given.facts, strict=True))
        ],
    )
    db.executemany(
        f"INSERT INTO stored_checks VALUES (?, ?, {', '.join('?' * len(_OF_CHECK))})",  # noqa: S608
        [(text, n, *check) for n, check in enumerate(given.checks)],
    )


def drop(db: sqlite3.Connection, text: int) -> None:
    """Forget the facts and checks of a text."""
    for table in ("stored_facts", "stored_checks"):
        db.execute(f"DELETE FROM {table} WHERE text = ?", (text,))  # noqa: S608


def stored(db: sqlite3.Connection, text: int) -> Values:
    """Give the values of a text's facts and checks as they stand; what was unplaced stands in its row."""
    facts = db.execute(
        f"""SELECT form, "table", "row", "column", {", ".join(f"f.{column}" for column in _OF_FACT)}
            FROM stored_facts f JOIN indicators i ON i.number = f.indicator WHERE text = ? ORDER BY n""",  # noqa: S608
        (text,),
    )
    checks = db.execute(
        f"""SELECT {", ".join(f'"{column}"' for column in _OF_CHECK)} FROM stored_checks WHERE text = ? ORDER BY n""",  # noqa: S608
        (text,),
    )
    return Values(facts=[*map(tuple, facts)], checks=[*map(tuple, checks)])


def of_text(db: sqlite3.Connection, text: int) -> Figures:
    """Give the facts and checks of a text; what was unplaced stands in its row."""
    own = stored(db, text)
    facts = [dict[str, Any](zip((*CODES, *_OF_FACT), fact, strict=True)) for fact in own.facts]
    checks = [dict[str, Any](zip(_OF_CHECK, check, strict=True)) for check in own.checks]
    return Figures(
        facts=tuple(Fact(**fact) for fact in facts),
        checks=tuple(Check(**check | {"held": bool(check["held"])}) for check in checks),
    )


def digest(given: Values) -> str | None:
    """Work out the SHA-256 (32 hex digits) over facts and checks; None where there are none."""
    if not given.facts and not given.checks:
        return None
    rows = (*given.facts, *given.checks)
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
