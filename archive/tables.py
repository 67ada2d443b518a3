"""The tables of an archive by what they hold, and what its schema is known by: see `archive.migrations`."""

from __future__ import annotations

TRUTH = (
    "origins", "sources", "runs", "visits", "columns", "pages", "strings", "payloads", "bodies", "stored_captures",
)  # fmt: skip
"""The tables of the truth, those that others refer to first; `captures` is a view of them."""

DERIVED = (
    "volatile_lines", "year_checks", "carriers", "reports", "report_pages", "events", "versions", "facts", "checks", "texts",
    "health",
)  # fmt: skip
"""What is derived, as it is read."""

FOLLOWING = (
    "health", "year_checks", "stored_carriers", "reports", "report_pages", "events", "versions", "volatile_lines",
)  # fmt: skip
TEXTS = ("stored_facts", "stored_checks", "readings", "stored_texts")
DERIVED_TABLES = ("report_texts", *FOLLOWING, *TEXTS)
"""The tables that hold it, those that refer to others first: what is searched, what follows from captures and texts, and
texts."""

OWN = ("notices",)
"""What belongs to this archive alone: a rebuild keeps it, a merge does not take it."""

KNOWN = (
    "truth",
    "derived",
    "columns",
    "chain",
    "events",
    "old_archives",
    "guard",
    "volatile_lines",
    "compact",
    "statistics",
    "search",
    "health",
    "growth",
    "totals",
    "plans",
)
"""The names of all migrations, in their order."""

QUICKER = frozenset({"growth", "totals", "plans"})
"""Those that alter no row: what follows from captures and texts stands as it did."""

AT = "iif(typeof(at) = 'integer', strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch'), at)"
"""The time of a stored capture, which is in milliseconds since 1970, or else as it was given."""

ABSENT = "coalesce(missing_since, withdrawn_on, moved_to, unlisted_since) NOTNULL"
"""Which of the pages that carry reports are not as they were found, in the words of their index."""
