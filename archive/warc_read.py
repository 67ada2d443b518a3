"""WARC files read: the captures in them, whoever wrote them, and what is broken, named and passed over."""

from __future__ import annotations

import gzip
import io
import json
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from warcio.archiveiterator import WARCIterator
from warcio.bufferedreaders import ChunkedDataException, ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed

from archive import chain, derive, judging, rows
from archive.database import ArchiveError, name, to_json, transaction
from archive.records import Office
from archive.store import Store
from archive.warc import JSON_FIELD, NOT_MODIFIED, OURS, Headers, address, headers_of, instant, parse, request_of

LONGEST = 256 * 1024**2
"""What one record may hold, in bytes; larger ones are videos and disk images."""

SAID = {"source", "kind", "outcome", "attempt", "seconds", "redirects"}
"""What the JSON of a capture of ours always says."""

GZIP = b"\x1f\x8b\x08"
START = re.compile(rb"\x1f\x8b\x08|WARC/[01]\.\d+\r?\n")
STATUS = re.compile(r"HTTP/\d(?:\.\d)? (\d+)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A record that could not be used: where it begins in the file, and why."""

    offset: int
    why: str
    run: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What an export of ours says of itself (sources) or of the run whose captures follow."""

    held: Mapping[str, Any]
    run: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Other:
    """A record that is no fetch of a page: a note, a screenshot, an answer of the name system."""

    kind: str
    run: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """One request and what came of it, as the file has it; `status` is None where no answer came.

    `url` is an address that holds what was posted. `body` is without chunks, but still packed as its Content-Encoding
    says; None with a `digest` means the payload of an earlier record, of that `WARC-Payload-Digest`, or else of what
    `refers_to` (URL, time). `cut` says why the body is not whole. `said` is what an export of ours says of the
    capture beside HTTP, `run` the run of ours it belongs to; both are empty in files of others.
    """

    offset: int
    url: str
    at: str
    status: int | None
    headers: Headers = ()
    request_headers: Headers = ()
    body: bytes | None = field(default=None, repr=False)
    digest: str | None = None
    refers_to: tuple[str, str] | None = None
    cut: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    run: str | None = None


Item = Fetch | About | Broken | Other


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    offset: int
    kind: str
    fields: Mapping[str, str]
    block: bytes = field(repr=False)


def read(stream: BinaryIO) -> Iterator[Item]:
    """Walk the captures of a WARC file, plain or gzipped, and what else is in it; requests join their answers."""
    run: str | None = None
    asked: _Record | None = None  # a request that waits for its answer, or
    answer: _Record | None = None  # an answer that waits for its request: either may come first
    for record in _records(stream):
        if answer and not (isinstance(record, _Record) and record.kind == "request" and _belong(record, answer)):
            yield _fetch(answer, None, run)
            answer = None
        if isinstance(record, Broken):
            yield Broken(offset=record.offset, why=record.why, run=run)
        elif record.kind == "request":
            if answer:
                yield _fetch(answer, record, run)
                answer = None
            else:
                if asked:
                    yield Other(kind="request", run=run)
                asked = record
        elif held := _held(record):
            run = held["run"]["id"] if "run" in held else run
            yield About(held=held, run=run)
        elif not _is_fetch(record):
            yield Other(kind=record.kind, run=run)
        elif asked and _belong(asked, record):
            yield _fetch(record, asked, run)
            asked = None
        else:
            answer = record
    if answer:
        yield _fetch(answer, None, run)


def carry(store: Store, items: Iterator[Item]) -> tuple[int, set[str]]:
    """Take over the whole runs of an export of ours as they are, with sources and seals; each is all or nothing.

    Gives how many captures came in, and the runs that are in the archive now; one whose rows do not give the digest
    it was sealed with is left out.
    """
    count, here = 0, set()
    for run, group in groupby(items, key=lambda item: item.run):
        first = next(group)
        if not isinstance(first, About):
            continue
        if "sources" in first.held:
            with transaction(store.db):
                for source in first.held["sources"]:
                    add_source(store.db, source)
        if run is None or not first.held.get("whole"):
            continue
        known = store.db.execute("SELECT digest FROM runs WHERE id = ?", (run,)).fetchone()
        if known and known["digest"] == first.held["run"]["digest"]:
            here.add(run)
        elif not known:
            try:
                with transaction(store.db):
                    count += _carry_run(store, first.held, group)  # noqa: B031 (once a group)
            except (_AlteredError, ValueError, sqlite3.IntegrityError):
                continue  # a record is broken or missing: what is left of it is imported as anybody's
            here.add(run)
    return count, here


def add_source(db: sqlite3.Connection, row: Mapping[str, Any]) -> None:
    """Keep a source as it is described, unless the archive has a later description; the caller holds the transaction."""
    ours = db.execute("SELECT * FROM sources WHERE id = ?", (row["id"],)).fetchone()
    if ours is None:
        _insert(db, "sources", row)
    elif _age(row) > _age(ours):
        columns = [key for key in row if key != "id"]
        db.execute(
            f"UPDATE sources SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?",  # noqa: S608
            [*(row[column] for column in columns), row["id"]],
        )
        derive.described(db, row["id"])


def _age(row: Mapping[str, Any] | sqlite3.Row) -> tuple[str, ...]:
    """Order descriptions by time, and those of one time by what they say, as a merge does."""
    return (row["described_at"], *(row[column] or "" for column in sorted(row.keys())))


def described(office: Office, *, at: str) -> dict[str, Any]:
    """Give an office as a row of sources."""
    return {
        "id": office.id, "name": office.name, "agency": office.agency, "region": office.region, "level": office.level,
        "hosts": to_json(office.hosts), "copy_of": office.copy_of, "described_at": at,
    }  # fmt: skip


class _AlteredError(Exception):
    pass


def _carry_run(store: Store, held: Mapping[str, Any], items: Iterator[Item]) -> int:
    db, run = store.db, held["run"]
    db.execute("INSERT OR IGNORE INTO origins VALUES (?, 0)", (run["origin"],))
    _insert(db, "runs", run)
    pages = set()
    count = 0
    for item in items:
        if isinstance(item, Broken):
            raise _AlteredError
        if isinstance(item, Fetch):
            page, host = name(item.url), urlsplit(item.url).netloc
            db.execute("INSERT OR IGNORE INTO pages VALUES (?, ?, ?)", (page, item.url, host))
            payload = item.digest and item.digest.removeprefix("sha256:")
            if item.body is not None:
                payload = store.keep_payload(item.body, page=page, scope=f"{host} {item.said['kind']}")
            row = dict.fromkeys(rows.CAPTURE) | dict(item.said) | {
                "id": name(run["id"], item.url, item.said["attempt"]), "page": page, "run": run["id"], "at": item.at,
                "status": item.status, "payload": payload, "redirects": to_json(item.said["redirects"]),
                "request_headers": to_json(item.request_headers), "headers": to_json(item.headers),
            }  # fmt: skip
            rows.add_capture(db, row)
            pages.add(page)
            count += 1
    for table in ("visits", "columns"):
        for row in held[table]:
            _insert(db, table, row)
    if chain.digest(db, run["id"], run["previous"]) != run["digest"]:
        raise _AlteredError
    derive.pages(db, sorted(pages))
    judging.judge(db, run["id"])
    return count


def _insert(db: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    known = {column[1] for column in db.execute(f"PRAGMA table_info({table})")}
    if unknown := set(row) - known:
        raise ArchiveError(f"{table}: written by another gongkai: it has {', '.join(sorted(unknown))}")
    db.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
        [*row.values()],
    )


def _held(record: _Record) -> Mapping[str, Any] | None:
    """Give the JSON of a warcinfo record of ours."""
    if record.kind == "warcinfo":
        for line in record.block.splitlines():
            if line.startswith(f"{OURS}: ".encode()):
                return _object(line[len(OURS) + 2 :])
    return None


def _said(record: _Record) -> Mapping[str, Any]:
    """Give what the JSON of a record of ours says; nothing for a record of others."""
    held = _object(record.fields.get(JSON_FIELD.lower(), "{}")) or {}
    said = held.get(OURS)
    return said if isinstance(said, dict) and said.keys() >= SAID else {}


def _object(text: str | bytes) -> dict[str, Any] | None:
    try:
        held = json.loads(text)
    except ValueError:
        return None
    return held if isinstance(held, dict) else None


def _is_fetch(record: _Record) -> bool:
    is_web = record.fields.get("warc-target-uri", "").startswith(("http://", "https://"))
    return is_web and (record.kind in ("response", "revisit") or (record.kind == "metadata" and bool(_said(record))))


def _belong(request: _Record, answer: _Record) -> bool:
    """Say whether a request is that of an answer: one names the other, or neither names any and the address is one."""
    if answer.kind not in ("response", "revisit", "metadata"):
        return False
    ids = [record.fields.get("warc-record-id") for record in (request, answer)]
    named = [record.fields.get("warc-concurrent-to") for record in (answer, request)]
    one = request.fields.get("warc-target-uri") == answer.fields.get("warc-target-uri")
    return any(n and n == i for n, i in zip(named, ids, strict=True)) or (one and not any(named))


def _fetch(answer: _Record, request: _Record | None, run: str | None) -> Fetch | Broken:
    said = dict(_said(answer))
    url = answer.fields["warc-target-uri"]
    asked: Headers = ()
    if request:
        first, asked, form = parse(request.block)
        kinds = [value for key, value in asked if key.lower() == "content-type"]
        url = address(url, first.partition(" ")[0], "".join(kinds[:1]), form)
        asked = request_of(first, asked) if said else asked
    url, at = said.pop("url", url), said.pop("at", instant(answer.fields["warc-date"]))
    asked = _pairs(said.pop("request_headers", asked))
    status: int | None = None
    headers: Headers = ()
    body: bytes | None = None
    cut = answer.fields.get("warc-truncated")
    cut = cut and f"cut off (WARC-Truncated: {cut})"
    digest = answer.fields.get("warc-payload-digest")
    unchanged = answer.fields.get("warc-profile", "").endswith(NOT_MODIFIED.rpartition("/")[2])
    if answer.kind != "metadata":
        first, headers, body = parse(answer.block)
        found = STATUS.match(first)
        if not found and (answer.kind == "response" or first):
            return Broken(offset=answer.offset, why=f"no answer of HTTP: it begins with {first[:40]!r}", run=run)
        status = int(found[1]) if found else 304 if unchanged else 200
        if said:
            headers = headers_of(headers)
        else:
            headers = tuple((key.lower(), value) for key, value in headers)
            headers, body, cut = _whole(headers, body, cut)
        if answer.kind == "revisit" or "payload" in said:
            body = None
    if answer.kind == "metadata" or unchanged or ("payload" in said and said.pop("payload") is None):
        digest = None
    headers = _pairs(said.pop("headers", headers))
    date, uri = answer.fields.get("warc-refers-to-date"), answer.fields.get("warc-refers-to-target-uri")
    return Fetch(
        offset=answer.offset, url=url, at=at, status=status, headers=headers, request_headers=asked, body=body,
        digest=digest, refers_to=(uri, date) if uri and date else None, cut=cut, said=said, run=run,
    )  # fmt: skip


def _whole(headers: Headers, body: bytes, cut: str | None) -> tuple[Headers, bytes, str | None]:
    """Join a body sent in chunks, and say whether it is all there."""
    named = dict(headers)
    if "chunked" in named.get("transfer-encoding", "").lower():
        chunks = ChunkedDataReader(io.BytesIO(body), raise_exceptions=True)
        joined = b""
        try:
            while part := chunks.read(65536):
                joined += part
        except ChunkedDataException as error:
            # Others join the chunks and leave the header.
            joined, cut = (joined + error.data, cut or "cut off in its chunks") if joined else (body, cut)
        headers = tuple(pair for pair in headers if pair[0] != "transfer-encoding")
        return headers, joined, cut
    length = named.get("content-length", "")
    if length.isdecimal() and len(body) < int(length) and "content-encoding" not in named and not cut:
        cut = f"cut off after {len(body)} of {length} bytes"
    return headers, body, cut


def _pairs(held: Any) -> Headers:
    return tuple((key, value) for key, value in held)


class _Reader(WARCIterator):  # type: ignore[misc]
    """Counts what warcio only warns of."""

    INC_RECORD = ""


def _records(stream: BinaryIO) -> Iterator[_Record | Broken]:
    """Walk the records; after one of which nobody knows where it ends, go on where the next begins."""
    stream = _unpacked(stream)
    start: int | None = 0
    while start is not None:
        stream.seek(start)
        reader = _Reader(stream, no_record_parse=True, check_digests=True)
        lost = None
        try:
            for record in reader:
                offset = reader.offset
                yield _record(reader, record)
        except (_LostError, ArchiveLoadFailed, ValueError, EOFError, OSError, zlib.error) as error:
            lost = offset if isinstance(error, _LostError) else reader.offset
            yield Broken(offset=lost, why=str(error).strip().partition("\n")[0][:200])
        start = None if lost is None else _next_start(stream, lost + 1)


class _LostError(Exception):
    """A record is broken so that nobody knows where it ends; the message says how."""


def _record(reader: Any, record: Any) -> _Record | Broken:
    """Read one record whole; raises _LostError."""
    offset, warned = reader.offset, reader.err_count
    fields = {key.lower(): value for key, value in record.rec_headers.headers}
    length, kind = fields.get("content-length", ""), fields.get("warc-type", "")
    if not length.isdecimal():
        raise _LostError(f"its Content-Length is {length!r}, expected a number")
    if int(length) > LONGEST:
        return Broken(offset=offset, why=f"holds {length} bytes, at most {LONGEST} are read")
    block = record.raw_stream.read()
    if len(block) < int(length):
        raise _LostError(f"cut off after {len(block)} of {length} bytes")
    reader.read_to_end()
    if any(problem.startswith("block digest failed") for problem in record.digest_checker.problems):
        raise _LostError("its bytes are not those of its WARC-Block-Digest")
    if reader.err_count > warned:
        raise _LostError(f"does not end where its Content-Length, {length}, says")
    for key in ("WARC-Type", "WARC-Date", *(["WARC-Target-URI"] if kind in ("request", "response", "revisit") else [])):
        if not fields.get(key.lower()):
            return Broken(offset=offset, why=f"has no {key}")
    try:
        instant(fields["warc-date"])
    except ValueError:
        return Broken(offset=offset, why=f"its WARC-Date is {fields['warc-date'][:40]!r}, expected a time")
    return _Record(offset=offset, kind=kind, fields=fields, block=block)


def _unpacked(stream: BinaryIO) -> BinaryIO:
    """Open a file that was gzipped as a whole, not record by record; give any other as it is."""
    reader = _Reader(stream, no_record_parse=True)
    try:
        for number, _ in enumerate(reader):
            if number:
                break
    except ArchiveLoadFailed as error:
        if "non-chunked gzip" in str(error):
            stream.seek(0)
            return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]
    except (ValueError, OSError, zlib.error):
        return stream  # what is wrong with it is said when it is read
    return stream


def _next_start(stream: BinaryIO, after: int) -> int | None:
    """Find where the next record begins, at or behind a place: text that begins one, or gzip that holds such text."""
    size, overlap = 1024**2, 16
    while True:
        stream.seek(after)
        part = stream.read(size)
        for found in START.finditer(part):
            place = after + found.start()
            if found[0] != GZIP or _begins_record(stream, place):
                return place
        if len(part) < size:
            return None
        after += size - overlap


def _begins_record(stream: BinaryIO, place: int) -> bool:
    stream.seek(place)
    try:
        return zlib.decompressobj(31).decompress(stream.read(256), 5) == b"WARC/"
    except zlib.error:
        return False
