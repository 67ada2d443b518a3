"""Notices as a feed (Atom, RFC 4287), in a file for a web server to serve."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from archive import overview, reader
from archive.browse import feeds
from archive.browse.words import is_web
from archive.database import Row
from archive.health import words
from crawler.files import replace
from crawler.notices.notice import Notice, SendError
from crawler.status import NEWS

ENTRIES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """The file that the feed is written to, and `link`, the address that it is served at."""

    file: str
    link: str

    def send(self, notice: Notice, db: sqlite3.Connection) -> None:
        """Write the feed anew, of what the archive knows; raises SendError where the file cannot be written."""
        events = [
            feeds.entry(event, link=event["url"] if is_web(event["url"]) else None)
            for event in overview.latest(db, NEWS, limit=ENTRIES)
        ]
        faults = [
            _fault(row)
            for row in reader.health_changes(db, after=None, until=notice.until)
            if row["was"] or row["state"] != "ok"
        ]
        entries = sorted((*events, *faults), key=lambda entry: (entry.at, entry.id), reverse=True)[:ENTRIES]
        try:
            replace(
                Path(self.file),
                feeds.write(
                    entries, title="政府信息公开年报 · gongkai", id_=f"urn:gongkai:{notice.origin}", address=self.link
                ),
            )
        except OSError as error:
            raise SendError(f"feed {self.file} was not written: {error}") from error


def _fault(row: Row) -> feeds.Entry:
    said = words()[row["state"]]
    return feeds.Entry(
        id=f"urn:gongkai:health:{row['source']}:{row['run']}",
        at=row["since"],
        title=f"{row['agency']}：{said['name']['zh']} · {said['name']['en']}",
        summary=f"{row['evidence']}. {said['advice']['zh']} {said['advice']['en']}",
    )
