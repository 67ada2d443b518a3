"""The only clock: UTC, in milliseconds, as the archive writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Say the time as 2026-01-31T08:00:00.000Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
