"""What is stored in parts is read as it was written, whatever servers send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.database import to_json
from archive.records import Capture, Office
from archive.store import Store

NAMES = st.sampled_from(
    ["date", "Date", "content-length", "etag", "last-modified", "set-cookie", "referer", "if-none-match", "x", "server"]
)
VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.datetimes(timezones=st.just(UTC)).map(lambda at: format_datetime(at, usegmt=True)),
    st.integers(0, 10**6).map(str),
    st.from_regex(r"[0-9A-Za-z_-]{14,40}", fullmatch=True),
    st.sampled_from(["http://a.example/", "17", "None", "\x01", "\t", "$[0]", '"', "\\", "\u2028"]),
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=14).map(tuple)
TIMES = st.one_of(
    st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z"),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.just("2026-02-30T08:00:00.000Z"),
)


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, str]]:
    office = Office(id="a", name="a", agency="a", region="999001", level="department", hosts=("a.example",))
    with Store(Path(tmp_path_factory.mktemp("rows"), "a.sqlite")) as store:
        yield store, store.begin_run([office], at=datetime(2026, 3, 1, tzinfo=UTC).isoformat()).id


@given(
    headers=HEADERS, request_headers=HEADERS, at=TIMES, seconds=st.floats(0, 1e6), referrer=st.none() | VALUES,
    anchor=st.none() | VALUES, body=st.none() | st.binary(max_size=40), redirects=st.lists(VALUES, max_size=2).map(tuple),
)  # fmt: skip
def test_a_capture_is_read_as_it_was_written(writing: tuple[Store, str], **fields: object) -> None:
    store, run = writing
    capture = Capture(
        run=run, source="a", url="http://a.example/", kind="start", outcome="failed", status=500, **fields
    )
    store.capture(capture)
    row = store.db.execute("SELECT * FROM captures ORDER BY attempt DESC LIMIT 1").fetchone()
    for field in ("redirects", "request_headers", "headers"):
        assert row[field] == to_json(getattr(capture, field))
    for field in ("run", "source", "at", "kind", "outcome", "reason", "status", "seconds", "referrer", "anchor"):
        assert row[field] == getattr(capture, field), field
