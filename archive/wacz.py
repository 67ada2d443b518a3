"""WACZ 1.1.1: a zip of a WARC file, its index, its list of pages and their checksums.

https://specs.webrecorder.net/wacz/1.1.1/
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from string import punctuation
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit

from archive import warc
from archive.warc import Selection, Written

DATA = "data.warc.gz"
PARTS = {DATA: "archive/data.warc.gz", "index.cdx.gz": "indexes/index.cdx.gz", "pages.jsonl": "pages/pages.jsonl"}
UNESCAPED = punctuation.replace("%", "").replace("#", "")
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of day of every file in the zip, whose own says nothing."""


def export(db: sqlite3.Connection, file: Path, *, selection: Selection, software: str, at: str) -> Iterator[Written]:
    """Write the captures selected as a WACZ; yields each that can be looked up in it."""
    with zipfile.ZipFile(file, "w") as zipped, TemporaryFile() as data:
        found = []
        for written in warc.export(db, data, selection=selection, software=software, at=at):
            found.append(written)
            yield written
        index = gzip.compress("".join(sorted(map(_line, found))).encode(), mtime=0)
        pages = "".join(f"{json.dumps(page, ensure_ascii=False)}\n" for page in _pages(db, found)).encode()
        resources = [_resource(DATA, _add(zipped, PARTS[DATA], data))]
        for name, content in (("index.cdx.gz", index), ("pages.jsonl", pages)):
            with TemporaryFile() as part:
                part.write(content)
                resources.append(_resource(name, _add(zipped, PARTS[name], part)))
        package = {
            "profile": "data-package", "wacz_version": "1.1.1", "title": "gongkai", "created": at, "software": software,
            "resources": resources,
        }  # fmt: skip
        listed = json.dumps(package, indent=2).encode()
        digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(listed).hexdigest()}"}
        for name, content in (("datapackage.json", listed), ("datapackage-digest.json", json.dumps(digest).encode())):
            zipped.writestr(zipfile.ZipInfo(name, EPOCH), content)


@contextmanager
def warcs(file: Path) -> Iterator[list[tuple[str, BinaryIO]]]:
    """Open the WARC files of a file, by name: those of a WACZ, or itself; raises ValueError for a zip that is broken."""
    if not zipfile.is_zipfile(file):
        with file.open("rb") as stream:
            yield [(file.name, stream)]
        return
    try:
        zipped = zipfile.ZipFile(file)
    except zipfile.BadZipFile as error:
        raise ValueError(f"a broken zip: {error}") from error
    with ExitStack() as stack:
        stack.enter_context(zipped)
        names = [name for name in zipped.namelist() if re.search(r"\.warc(\.gz)?$", name)]
        yield [(f"{file.name}!{name}", cast("BinaryIO", stack.enter_context(zipped.open(name)))) for name in names]


def surt(address: str) -> str:
    """Give the key that indexes of web archives are sorted by: the host turned round, all in lower case.

    >>> surt("https://www.A.example:443/B?z=1&a=2#c")
    'example,a)/b?a=2&z=1'
    """
    parts = urlsplit(address.partition("#")[0].lower())
    host = re.sub(r"^www\d*\.", "", parts.hostname or "")
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    path, query = (quote(unquote_to_bytes(part), safe=UNESCAPED).lower() for part in (parts.path, parts.query))
    query = "&".join(sorted(query.split("&")))
    return f"{','.join(reversed(host.split('.')))}{port}){path.rstrip('/') or '/'}{'?' * bool(query)}{query}"


def _line(written: Written) -> str:
    """Write a line of CDXJ: key, time to the second, the rest as JSON."""
    held = {
        "url": written.url, "mime": written.mime, "status": str(written.status), "digest": written.digest,
        "length": str(written.length), "offset": str(written.offset), "filename": DATA,
    }  # fmt: skip
    if written.address != written.url:
        held |= {"method": "POST", "requestBody": unquote(written.address[len(written.url) :].partition("POST&")[2])}
    stamp = re.sub(r"\D", "", written.at)[:14]
    return f"{surt(written.address)} {stamp} {json.dumps({k: v for k, v in held.items() if v is not None})}\n"


def _pages(db: sqlite3.Connection, found: Iterable[Written]) -> Iterator[dict[str, str]]:
    """List the pages that carry a report, as they were last seen in the file."""
    yield {"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}
    last = {written.page: written for written in found if written.status == 200}
    for row in db.execute("SELECT page, title FROM report_pages ORDER BY agency, year, page"):
        if written := last.get(row["page"]):
            yield {"id": row["page"], "url": written.url, "ts": written.at, "title": row["title"]}


def _add(zipped: zipfile.ZipFile, path: str, data: IO[bytes]) -> tuple[str, int, str]:
    """Store a file in the zip as it is; gives its path, length and SHA-256."""
    length = data.tell()
    data.seek(0)
    info = zipfile.ZipInfo(path, EPOCH)
    with zipped.open(info, "w", force_zip64=True) as out:
        shutil.copyfileobj(data, out, 1024**2)
    data.seek(0)
    return path, length, hashlib.file_digest(data, "sha256").hexdigest()  # type: ignore[arg-type]


def _resource(name: str, part: tuple[str, int, str]) -> dict[str, object]:
    path, length, digest = part
    return {"name": name, "path": path, "hash": f"sha256:{digest}", "bytes": length}
