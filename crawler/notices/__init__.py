"""Telling people what a run found, and what needs them: each channel once, whatever fails in between.

A channel is a module of this package with a record of its settings and `send`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from archive import reader
from archive.database import ArchiveError
from archive.store import Store
from crawler.notices import feed, mail, webhook
from crawler.notices.notice import SendError, gather

Channel = feed.Feed | mail.Mail | webhook.Webhook

KINDS: Mapping[str, type[Channel]] = {"mail": mail.Mail, "webhook": webhook.Webhook, "feed": feed.Feed}


class SettingsError(ArchiveError):
    """A file of channels is not as it must be; the message names the file, the key, what was got and what was expected."""


def load(path: Path) -> dict[str, Channel]:
    """Read a file of channels; raises SettingsError, for a password or header that the environment lacks too."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as a file of notices: {error}") from error
    if not tables:
        raise SettingsError(f"{path}: names no channel; known are {', '.join(KINDS)}")
    return {name: _channel(name, table, path=path) for name, table in tables.items()}


def tell(archive: Path, channels: Mapping[str, Channel], *, at: str) -> dict[str, str | None]:
    """Tell each channel what it has not been told yet; gives why it could not be told, or None, by the channel's name.

    Raises ArchiveError where the archive cannot be written to: what was told is noted in it, as soon as it was.
    """
    with Store(archive) as store:
        return {name: _tell(store, name, channel, at=at) for name, channel in channels.items()}


def _tell(store: Store, name: str, channel: Channel, *, at: str) -> str | None:
    notice = gather(store.db, after=reader.told(store.db, name), at=at)
    if notice is None:
        return None
    try:
        complaint = channel.send(notice, store.db) if notice.is_news else None
    except SendError as error:
        return str(error)
    store.tell(name, notice.until, at=at)
    return complaint


def _channel(name: str, table: Any, *, path: Path) -> Channel:
    """Make a channel of its table in the file."""
    if name not in KINDS or not isinstance(table, dict):
        raise SettingsError(f"{path}: [{name}]: no such channel; known are {', '.join(KINDS)}")
    kind = KINDS[name]
    known = {field.name.removesuffix("_"): field for field in fields(kind)}
    if unknown := table.keys() - known.keys():
        raise SettingsError(f"{path}: [{name}] {', '.join(sorted(unknown))}: no such key; known are {', '.join(known)}")
    if lacking := [key for key, field in known.items() if key not in table and field.default is MISSING]:
        raise SettingsError(f"{path}: [{name}] lacks {', '.join(lacking)}")
    types: dict[str, Any] = {"float": int | float, "tuple": list} | {kind.__name__: kind for kind in (str, int)}
    made: dict[str, Any] = {}
    for key, value in table.items():
        wanted = types[get_type_hints(kind)[known[key].name].__name__]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise SettingsError(f"{path}: [{name}] {key}: got {value!r}, expected {wanted}")
        made[known[key].name] = tuple(value) if wanted is list else value
    try:
        return kind(**made)
    except ValueError as error:
        raise SettingsError(f"{path}: [{name}] {error}") from error
