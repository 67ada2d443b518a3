"""What follows from captures and texts, worked out anew beside what stands: to be compared with it, and to mend it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from archive import derive
from archive.tables import FOLLOWING
from archive.walk import Walk, silently


def work_out(db: sqlite3.Connection, schema: Iterable[sqlite3.Row], *, walk: Walk = silently) -> None:
    """Work out all that follows in temporary tables, made by a schema, that stand before those of the archive.

    The caller holds a transaction.
    """
    for row in schema:
        if row["tbl_name"] in FOLLOWING and row["sql"]:
            made = re.sub(r"^CREATE (TABLE|(?:UNIQUE )?INDEX) ", r"CREATE \1 temp.", row["sql"])
            db.execute(re.sub(r" REFERENCES \w+ \(\w+\)", "", made))  # these do not reach out of temporary tables
    derive.everything(db, index=False, walk=walk)


def key(db: sqlite3.Connection, table: str) -> list[str]:
    """Name the columns by which a table's rows are known."""
    return [row["name"] for row in db.execute(f"PRAGMA temp.table_info({table})") if row["pk"]]


def unlike(table: str, *, stands: bool) -> str:
    """Write the query for the rows of a table that stand but do not follow, or the other way round."""
    sides = ("main", "temp") if stands else ("temp", "main")
    return " EXCEPT ".join(f"SELECT * FROM {side}.{table}" for side in sides)  # noqa: S608


def mend(db: sqlite3.Connection) -> None:
    """Put what was worked out in the place of what stands otherwise, and forget it; the caller holds a transaction."""
    for table in FOLLOWING:
        own = ", ".join(f'"{column}"' for column in key(db, table))
        wrong = f"SELECT {own} FROM ({unlike(table, stands=True)})"  # noqa: S608
        db.execute(f"DELETE FROM main.{table} WHERE ({own}) IN ({wrong})")  # noqa: S608
        db.execute(f"INSERT INTO main.{table} {unlike(table, stands=False)}")
        db.execute(f"DROP TABLE temp.{table}")
