"""How an archive stands, as metrics that Prometheus' node exporter reads from a file (its textfile collector).

All are gauges without timestamps, which OpenMetrics and the exporter's older format write alike.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from archive import overview, reader, sizes
from archive.health import STATES
from crawler.files import replace
from crawler.status import NEWS, seconds

NAMED = 200
"""How many sources that are not well are named, so that a fault of the network is no flood of series."""

YEARS = 20
"""On how many years reports are counted."""

COUNTS = ("gone", "blocked", "failed")
STATUSES = ("finished", "spent", "interrupted", "killed", "running")
PUNCTUALITY = ("in_time", "late", "undated", "missing", "withdrawn", "not_found")


def write(db: sqlite3.Connection, path: Path) -> None:
    """Write the metrics of an archive to a file, whose name must end in .prom to be read; raises OSError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Archive(db))
    replace(path, generate_latest(registry))


class _Archive(Collector):
    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def collect(self) -> Iterator[Metric]:
        yield from _run(self.db)
        yield from _sources(self.db)
        years = {(str(row["year"]), key): row[key] for row in overview.years(self.db)[:YEARS] for key in PUNCTUALITY}
        yield _gauge("reports", "Reports on a year, by punctuality", years, ("year", "punctuality"))
        yield _gauge("archive_bytes", "The archive on disk, with its log", {(): sizes.total(self.db)})
        yield _gauge("disk_free_bytes", "What is free where the archive lies", {(): sizes.free_disk(self.db)})


def _run(db: sqlite3.Connection) -> Iterator[Metric]:
    """Tell of the last run, if there is one."""
    for run in overview.runs(db, last=1):
        began = datetime.fromisoformat(run["started_at"]).timestamp()
        yield _gauge("last_run_start_time_seconds", "When the last run began", {(): began})
        if (lasted := seconds(run)) is not None:
            yield _gauge("last_run_duration_seconds", "How long the last run took", {(): lasted})
        states = {(status,): float(run["status"] == status) for status in STATUSES}
        yield _gauge("last_run_status", "How the last run ended: 1 for that status", states, ("status",))
        events = overview.counted(db, since=run["started_at"])
        said = {("requests",): overview.requests(db, run["id"])} | {(key,): run[key] for key in COUNTS}
        said |= {(NEWS[kind],): events.get(kind, 0) for kind in NEWS}
        yield _gauge("last_run_count", "What the last run asked and found", said, ("what",))


def _sources(db: sqlite3.Connection) -> Iterator[Metric]:
    """Count the sources by health, and name those that are not well."""
    health = reader.health(db)
    counts = {(state,): sum(row["state"] == state for row in health) for state in STATES}
    yield _gauge("sources", "Sources by state of health", counts, ("state",))
    faults = sorted((row for row in health if row["state"] != "ok"), key=lambda row: (row["since"], row["source"]))
    named = {(row["source"], row["state"]): datetime.fromisoformat(row["since"]).timestamp() for row in faults[-NAMED:]}
    yield _gauge(
        "source_fault_start_time_seconds",
        "Since when a source is not well, the latest such",
        named,
        ("source", "state"),
    )


def _gauge(name: str, help_: str, values: Mapping[Any, float], labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    made = GaugeMetricFamily(f"gongkai_{name}", help_, labels=labels)
    for of, value in values.items():
        made.add_metric(of, value)
    return made
