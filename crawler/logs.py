"""Logs for programs: a JSON object a line, with the run, the source and the URL that it is about; never what a page says."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path

LONGEST = 1000
"""Characters of a message that are written; an error may quote what it stumbled over."""


class JsonLines(logging.Formatter):
    """Writes records, our own and Scrapy's, as one JSON object each.

    `at` (UTC), `level`, `run` from the record on that begins one, `source` and `url` where a record is about one, `event`
    (a word of ours, else the logger's name), `message`, and `error`, an exception with the place in the code.
    """

    run: str | None = None

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        said = vars(record)
        self.run = said.get("run", self.run)
        args = record.args if isinstance(record.args, Mapping) else {}
        request = args.get("request")  # of Scrapy's records
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "run": self.run,
            "source": said.get("source") or getattr(request, "meta", {}).get("source"),
            "url": said.get("url") or getattr(request, "url", None),
            "event": said.get("event", record.name),
            "message": record.getMessage()[:LONGEST],
            "error": self.formatException(record.exc_info)[-LONGEST:] if record.exc_info else None,
        }
        return json.dumps({key: value for key, value in line.items() if value}, ensure_ascii=False)


def write_to(path: Path) -> logging.Handler:
    """Add all that is logged from now on to a file, which may be moved away at any time; raises OSError."""
    handler = WatchedFileHandler(path, encoding="utf-8")
    handler.setLevel(logging.INFO)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    return handler


def say_captures() -> None:
    """Print what the crawler logs of its captures; warnings are printed anyway."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.addFilter(lambda record: record.levelno < logging.WARNING)
    logging.getLogger("crawler").addHandler(handler)
