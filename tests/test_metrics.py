"""Metrics: read back by Prometheus' own parsers, of both formats, and few enough for any number of sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as strict

from archive.records import Capture
from archive.store import Run, Store
from crawler import metrics

FORMATS = {"openmetrics": strict.text_string_to_metric_families, "prometheus": parser.text_string_to_metric_families}


def read(path: Path, how: str) -> dict[tuple[str, ...], float]:
    text = path.read_text(encoding="utf-8")
    return {
        (sample.name.removeprefix("gongkai_"), *sample.labels.values()): sample.value
        for family in FORMATS[how](text)
        for sample in family.samples
    }


@pytest.mark.parametrize("how", FORMATS)
def test_what_a_run_did_is_read_back(how: str, store: Store, run: Run, see: Callable[..., Any], tmp_path: Path) -> None:
    see(b"2020", at="2026-03-01T08:00:00.000Z")
    store.capture(
        Capture(
            run=run.id,
            source="czj",
            url="http://czj.example/2",
            at="2026-03-01T08:00:00.000Z",
            kind="report",
            outcome="refused",
        )
    )
    store.end_run(run.id, [], at="2026-03-01T08:02:00.000Z", status="finished")
    file = tmp_path / "gongkai.prom"
    file.write_text("old", encoding="utf-8")
    metrics.write(store.db, file)
    assert file.read_text(encoding="utf-8").endswith("# EOF\n")
    assert {path.name for path in tmp_path.iterdir() if "prom" in path.name} == {"gongkai.prom"}
    values = read(file, how)
    assert values["last_run_start_time_seconds",] == 1772352000
    assert values["last_run_duration_seconds",] == 120
    assert values["last_run_status", "finished"] == 1
    assert values["last_run_status", "killed"] == 0
    assert values["last_run_count", "requests"] == 1
    assert values["last_run_count", "new"] == 1
    assert values["reports", "late", "2020"] == 1
    assert values["archive_bytes",] > 0
    assert values["disk_free_bytes",] > 0


def test_series_are_few_for_any_number_of_sources(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [
        {"source": f's{n}"\n\\', "state": "unreachable", "since": f"2026-03-01T08:{n % 60:02}:00.000Z"}
        for n in range(2000)
    ]
    monkeypatch.setattr("archive.reader.health", lambda _: many)
    metrics.write(store.db, tmp_path / "a.prom")
    for how in FORMATS:
        values = read(tmp_path / "a.prom", how)
        assert values["sources", "unreachable"] == 2000
        assert sum(name == "source_fault_start_time_seconds" for name, *_ in values) == metrics.NAMED
        assert len(values) < 400
