"""What is asked again and again goes along an index, so that it takes no longer in a big archive: no plan has a scan in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from archive import overview, reader
from archive.browse import ask
from archive.browse.words import table
from archive.database import name
from archive.records import Capture
from archive.store import Run, Store

URL, AGENCY, KINDS = "http://czj.example/1.html", "云岫县财政局", ("changed", "found")
ASKED: dict[str, Callable[[sqlite3.Connection], object]] = {
    "validators": lambda db: reader.validators(db, URL),
    "documents of a page": lambda db: reader.documents_of(db, URL),
    "histories": lambda db: reader.histories(db, "czj"),
    "known reports": lambda db: reader.known_reports(db, "czj"),
    "blocked visits": lambda db: reader.blocked_visits(db, "czj"),
    "a report by name": lambda db: reader.find_reports(db, f"{AGENCY} 2020"),
    "pages of a report": lambda db: reader.carriers(db, agency=AGENCY, year=2020),
    "an office's reports": lambda db: ask.coverage(db, [AGENCY]),
    "an office's events": lambda db: ask.happened(db, KINDS, limit=5, agency=AGENCY),
    "the latest events": lambda db: ask.happened(db, KINDS, limit=5),
    "the latest events of official pages": lambda db: overview.latest(db, KINDS, limit=5),
    "what is not well": lambda db: overview.in_state(db, "silent", limit=5),
    "the copies": lambda db: ask.copies(db, limit=5),
    "who could not be reached": lambda db: ask.unreachable(db, [AGENCY]),
    "last visits": lambda db: overview.visits(db, ["czj"]),
    "what befell a page": lambda db: reader.page_events(db, name(URL)),
    "a document then": lambda db: ask.document_at(db, URL, before=None),
    "the latest captures": lambda db: db.execute("SELECT * FROM captures ORDER BY number DESC LIMIT 100").fetchone(),
    "first facts": lambda db: db.execute("SELECT * FROM facts LIMIT 100").fetchone(),
}
READ_THROUGH = {
    "SCAN k VIRTUAL TABLE INDEX 1:", "SCAN json_each VIRTUAL TABLE INDEX 1:", "SCAN next", "SCAN asked",
    "SCAN numbered", "SCAN CONSTANT ROW",
}  # fmt: skip
"""What is no table of the archive: arguments, and what a query has found so far."""
FIRST_OF_MANY = {
    "the latest captures": {"SCAN c"}, "first facts": {"SCAN c"}, "the copies": {"SCAN p USING INDEX report_pages_copies"},
}  # fmt: skip
NOT_SORTED = ("changed", "unbalanced")
"""Questions on whole archives whose first rows are found first."""


def plans(db: sqlite3.Connection, act: Callable[[], object]) -> set[str]:
    """Give the scans in the plans of all that something asks."""
    asked: list[str] = []
    db.set_trace_callback(asked.append)
    act()
    db.set_trace_callback(None)
    lines = (
        row["detail"]
        for query in asked
        if query.lstrip().startswith(("SELECT", "WITH", "UPDATE"))
        for row in db.execute(f"EXPLAIN QUERY PLAN {query}")
    )
    return {line for line in lines if line.startswith("SCAN")}


@pytest.fixture
def archive(see: Callable[..., object], store: Store) -> sqlite3.Connection:
    for day in (1, 2, 3):
        see(b"<p>1</p>", at=f"2026-03-0{day}T08:00:00.000Z", url=URL)
    assert store.db.execute("SELECT captures FROM versions WHERE page = ?", (name(URL),)).fetchone()[0] == 3
    return store.db


@pytest.mark.parametrize("what", ASKED)
def test_a_question_goes_along_an_index(archive: sqlite3.Connection, what: str) -> None:
    assert plans(archive, lambda: ASKED[what](archive)) - READ_THROUGH <= FIRST_OF_MANY.get(what, set())


def test_an_answer_that_is_the_same_goes_along_an_index(archive: sqlite3.Connection, store: Store, run: Run) -> None:
    again = Capture(
        run=run.id, source="czj", url=URL, at="2026-03-04T08:00:00.000Z", kind="report", outcome="new", body=b"<p>1</p>"
    )
    assert plans(archive, lambda: store.capture(again)) - READ_THROUGH == set()


def plan(db: sqlite3.Connection, question: str) -> str:
    """Give the plan of one of the questions that people ask first."""
    query = table("metadata")["queries"][question]["sql"]
    return "\n".join(row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", {"year": "2020"}))


@pytest.mark.parametrize("question", NOT_SORTED)
def test_what_is_shown_first_is_found_without_sorting_all(archive: sqlite3.Connection, question: str) -> None:
    assert "USE TEMP B-TREE" not in plan(archive, question)


def test_of_a_text_one_fact_is_read_and_not_all(archive: sqlite3.Connection) -> None:
    assert "f USING INDEX stored_facts_indicator (indicator=? AND text=?)" in plan(archive, "asked")
