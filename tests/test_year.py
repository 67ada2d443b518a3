"""A short year: every kind of event, of break, and of fault of our own machine, crawled daily. The long one is `make year`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from year import score, trial
from year.country import Country
from year.disk import disk
from year.trial import Year

pytestmark = pytest.mark.xdist_group("year")
SHORT = Country(offices=11, days=25, begin=datetime(2026, 1, 25, 4, tzinfo=UTC))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Year, score.Score, bool]]:
    """The year, its score, and whether the archive had a disk of its own."""
    folder: Path = tmp_path_factory.mktemp("year")
    with disk(folder / "disk") as own:
        *_, year = trial.run(SHORT, folder, own)
        yield year, score.of(year, folder / "disk" / "a.sqlite"), own.mounted


def test_all_is_told_in_time_and_nothing_else(lived: tuple[Year, score.Score, bool]) -> None:
    year, told, _ = lived
    assert told.wrong == []
    assert {kind for kind, one in (*told.events.items(), *told.alarms.items()) if one.expected} == {
        "found", "changed", "reverted", "withdrawn", "returned", "moved", "readdressed",
        "blocked", "broken", "refused", "silent", "unreachable", "ends",
    }  # fmt: skip
    assert len(year.killed) == 3


def test_a_bad_disk_is_told_and_got_over(lived: tuple[Year, score.Score, bool]) -> None:
    year, _, mounted = lived
    if not mounted:
        pytest.skip("this machine does not let us mount a disk")
    assert [(day, kind, code != 0) for day, kind, code, _ in year.ended] == [(1, "full", True), (8, "frozen", True)]
