"""WARC/1.1 (ISO 28500:2017): the captures of an archive written for the tools of web archives.

Each run stands behind a warcinfo record of its own, with its visits and columns, in the order the runs began; its
captures follow by time. A capture is a request record and one of: a response; a revisit, where the payload is in the
file already or the server said 304; a metadata record, where no answer came. What HTTP cannot say of a capture is
JSON in the `WARC-JSON-Metadata` field, under the key `gongkai`, so that an import gives back the same rows.

Payloads are kept unpacked and written so. A header that spoke of the body on the wire (`Content-Encoding`,
`Transfer-Encoding`, a `Content-Length` that is not the payload's) becomes `X-Archive-Orig-…`, as in pywb.
"""

from __future__ import annotations

import json
import re
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import responses
from io import BytesIO
from typing import Any, BinaryIO
from urllib.parse import quote, unquote_plus, urlencode, urlsplit
from uuid import NAMESPACE_URL, uuid5

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.database import Row, name
from archive.reader import body_of
from archive.rows import CAPTURE

Headers = tuple[tuple[str, str], ...]

OURS = "gongkai"
"""The key under which our JSON stands in a record's `WARC-JSON-Metadata`, and its line in a warcinfo record."""

JSON_FIELD = "WARC-JSON-Metadata"
PROFILE = "http://netpreserve.org/warc/1.1/revisit/"
SAME_PAYLOAD, NOT_MODIFIED = PROFILE + "identical-payload-digest", PROFILE + "server-not-modified"

ORIGINAL = "x-archive-orig-"
ON_THE_WIRE = ("content-length", "content-encoding", "transfer-encoding")
IN_HTTP = ("id", "page", "run", "url", "at", "status", "payload", "request_headers", "headers")
"""Columns of a capture that the records themselves say; they are repeated in JSON only where HTTP cannot carry them."""

METHOD = re.compile(r"[?&]__wb_method=POST(?:&|$)")
DATA = "__wb_post_data"
BREAKS = re.compile(r"[\r\n\0]+")
BLANK_LINE = re.compile(rb"\r?\n\r?\n")
BLANK = " \t"
NO_URI = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000<>\"{}|\\^`]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which captures to write; what is empty selects all.

    `since` and `until` are times or the beginnings of some (2026-03), both within the selection.
    """

    sources: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    run: str = ""
    url_prefix: str = ""

    @property
    def where(self) -> tuple[str, list[str]]:
        """Give the condition on captures joined with pages, and its parameters."""
        parts: list[tuple[str, Iterable[str]]] = []
        if self.sources:
            parts.append((f"source IN ({', '.join('?' * len(self.sources))})", self.sources))
        if self.since:
            parts.append(("at >= ?", [self.since]))
        if self.until:
            parts.append(("substr(at, 1, length(?)) <= ?", [self.until, self.until]))
        if self.run:
            parts.append(("run = ?", [self.run]))
        if self.url_prefix:
            parts.append(("substr(url, 1, length(?)) = ?", [self.url_prefix, self.url_prefix]))
        return " AND ".join(part for part, _ in parts) or "1", [value for _, values in parts for value in values]


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A response or revisit that was written: what an index needs, and where it is in the file."""

    page: str
    address: str
    url: str
    at: str
    status: int
    mime: str
    digest: str | None
    offset: int
    length: int


def export(db: sqlite3.Connection, out: BinaryIO, *, selection: Selection, software: str, at: str) -> Iterator[Written]:
    """Write the captures selected, gzipped record by record; yields each that a reader may look up.

    Only an export of everything holds whole runs, which an import takes over with their seals.
    """
    writer = _Writer(out)
    where, values = selection.where
    whole = selection == Selection()
    db.execute("BEGIN")  # one state of the archive, whatever is written to it meanwhile
    try:
        runs = [dict(run) for run in db.execute("SELECT * FROM runs ORDER BY started_at, id")]
        used = db.execute(
            f"SELECT DISTINCT source FROM captures JOIN pages ON pages.id = page WHERE {where}",  # noqa: S608
            values,
        )
        writer.about({"sources": _sources(db, None if whole else {source for (source,) in used})}, software, at)
        for run in runs:
            captures = db.execute(
                f"""SELECT {", ".join(f"captures.{column}" for column in CAPTURE)}, url, length
                    FROM captures JOIN pages ON pages.id = page WHERE run = ? AND {where}
                    ORDER BY at, attempt, captures.id""",  # noqa: S608
                [run["id"], *values],
            )
            first = captures.fetchone()
            if not whole and first is None:
                continue
            parts = {t: _rows(db, f"SELECT * FROM {t} WHERE run = ?", run["id"]) for t in ("visits", "columns")}  # noqa: S608
            held = {"run": run, "whole": True, **parts} if whole and run["digest"] else {"run": run, "whole": False}
            writer.about(held, software, run["started_at"])
            for capture in (first, *captures) if first else ():
                yield from writer.capture(db, dict(capture))
    finally:
        db.execute("ROLLBACK")


class _Writer:
    """Writes records, and knows which payloads are in the file already."""

    def __init__(self, out: BinaryIO) -> None:
        self.out = out
        self.warc = WARCWriter(out, gzip=True, warc_version="1.1")
        self.response_of: dict[str, tuple[str, str]] = {}
        self.shown: dict[str, str] = {}

    def about(self, held: Mapping[str, Any], software: str, at: str) -> None:
        """Write a warcinfo record: of the file, or of a run, for the records that follow."""
        lines = {"software": software, "format": "WARC File Format 1.1", OURS: json.dumps(held, separators=(",", ":"))}
        if run := held.get("run"):
            lines = {"isPartOf": f"run {run['id']}"} | lines
        block = "".join(f"{key}: {value}\r\n" for key, value in lines.items()).encode()
        self._write("", "warcinfo", at, id_=name(lines[OURS]), block=block, type_="application/warc-fields")

    def capture(self, db: sqlite3.Connection, row: Row) -> Iterator[Written]:
        """Write the records of one capture."""
        url, form = split(row["url"])
        target = NO_URI.sub(lambda found: quote(found[0]), url)
        request_headers, headers = (_pairs(row[column]) for column in ("request_headers", "headers"))
        said = {key: value for key, value in row.items() if key not in (*IN_HTTP, "length") and value is not None}
        said["redirects"] = json.loads(row["redirects"])
        head = _request_head(target, form, request_headers)
        asked = row["outcome"] != "refused"
        if not asked or request_of(*parse(head)[:2]) != request_headers:
            said["request_headers"] = request_headers
        if not asked or address(target, *_posted(head + (form or b""))) != row["url"]:
            said["url"] = row["url"]
        if instant(row["at"]) != row["at"]:
            said["at"] = row["at"]
        about = name(row["id"], "answer")
        if row["status"] is None:
            self._failure(target, row, said, about)
            written = None
        else:
            written = self._answer(db, target, row, headers, said, about)
        if asked:
            self._write(
                target, "request", row["at"], id_=name(row["id"], "request"), head=head, block=form or b"",
                type_="application/http; msgtype=request", fields={"WARC-Concurrent-To": _urn(about)},
            )  # fmt: skip
        if written:
            yield written

    def _failure(self, target: str, row: Row, said: dict[str, Any], about: str) -> None:
        if row["headers"] != "[]":
            said["headers"] = json.loads(row["headers"])
        words = (("outcome", row["outcome"]), ("reason", BREAKS.sub(" ", row["reason"] or "")))
        block = "".join(f"{key}: {value}\r\n" for key, value in words).encode("utf-8", "replace")
        fields = {JSON_FIELD: json.dumps({OURS: said}, separators=(",", ":"))}
        self._write(
            target, "metadata", row["at"], id_=about, block=block, type_="application/warc-fields", fields=fields
        )

    def _answer(
        self, db: sqlite3.Connection, target: str, row: Row, headers: Headers, said: dict[str, Any], about: str
    ) -> Written:
        payload, page = row["payload"], row["page"]
        digest = payload or (row["status"] == 304 and self.shown.get(page)) or None
        is_revisit = payload in self.response_of if row["length"] else payload is None and row["status"] == 304
        head = _answer_head(row["status"], headers, length=row["length"])
        if headers_of(parse(head)[1]) != headers:
            said["headers"] = headers
        if payload is None and not is_revisit:
            said["payload"] = None
        fields = {JSON_FIELD: json.dumps({OURS: said}, separators=(",", ":"))}
        if digest:
            fields["WARC-Payload-Digest"] = f"sha256:{digest}"
        if is_revisit:
            fields["WARC-Profile"] = SAME_PAYLOAD if payload else NOT_MODIFIED
            if digest:
                uri, date = self.response_of[digest]
                fields |= {"WARC-Refers-To-Target-URI": uri, "WARC-Refers-To-Date": date}
        body = b"" if is_revisit or payload is None else body_of(db, payload)
        offset = self.out.tell()
        self._write(
            target, "revisit" if is_revisit else "response", row["at"], id_=about, head=head, block=body,
            type_="application/http; msgtype=response", fields=fields,
        )  # fmt: skip
        if payload and not is_revisit:
            self.response_of[payload] = target, instant(row["at"])
        if payload:
            self.shown[page] = payload
        kinds = [value for key, value in headers if key.lower() == "content-type"]
        return Written(
            page=page, address=row["url"], url=target, at=row["at"], status=row["status"],
            mime="warc/revisit" if is_revisit else "".join(kinds[:1]).partition(";")[0].strip(),
            digest=digest and f"sha256:{digest}", offset=offset, length=self.out.tell() - offset,
        )  # fmt: skip

    def _write(
        self,
        target: str,
        kind: str,
        at: str,
        *,
        id_: str,
        block: bytes,
        type_: str,
        head: bytes | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        record = self.warc.create_warc_record(
            target,
            kind,
            payload=BytesIO(block),
            length=len(block),
            warc_content_type=type_,
            warc_headers_dict={"WARC-Record-ID": _urn(id_), "WARC-Date": instant(at), **(fields or {})},
            http_headers=_Bytes(head or b""),
        )
        self.warc.write_record(record)


class _Bytes(StatusAndHeaders):  # type: ignore[misc]
    """The head of an HTTP message that warcio writes as it is; its own would percent-encode what is not ASCII."""

    def __init__(self, head: bytes) -> None:
        super().__init__("as it is", [])
        self.head = head

    def to_ascii_bytes(self, header_filter: object = None) -> bytes:  # noqa: ARG002
        return self.head


def parse(block: bytes) -> tuple[str, Headers, bytes]:
    """Take an HTTP message apart into its first line, its headers as they stand (latin-1) and its body."""
    end = BLANK_LINE.search(block)
    head, body = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    first, *lines = re.split(r"\r?\n", head.decode("latin-1"))
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:  # a folded line (RFC 9112, 5.2)
            headers[-1] = headers[-1][0], f"{headers[-1][1]} {line.strip(BLANK)}".strip(BLANK)
        elif ":" in line:
            key, _, value = line.partition(":")
            headers.append((key.strip(BLANK), value.strip(BLANK)))
    return first, tuple(headers), body


def split(url: str) -> tuple[str, bytes | None]:
    """Take an address apart into the URL that was asked and the bytes that were posted there, None for a GET.

    >>> split("http://a.example/s?a=1&__wb_method=POST&page=2"), split("http://a.example/")
    (('http://a.example/s?a=1', b'page=2'), ('http://a.example/', None))
    """
    found = METHOD.search(url)
    if not found:
        return url, None
    form = url[found.end() :]
    if form.startswith(f"{DATA}="):
        with suppress(ValueError):
            return url[: found.start()], b64decode(unquote_plus(form[len(DATA) + 1 :]), validate=True)
    return url[: found.start()], form.encode("utf-8", "surrogatepass")


def address(url: str, method: str, content_type: str, body: bytes) -> str:
    """Give the address of what was asked: the URL itself, or with the form that was posted there in its query.

    >>> address("http://a.example/s", "POST", "application/x-www-form-urlencoded", b"page=2")
    'http://a.example/s?__wb_method=POST&page=2'
    """
    if method != "POST":
        return url
    form = ""
    if content_type.startswith("application/x-www-form-urlencoded"):
        with suppress(UnicodeDecodeError):
            form = body.decode()
    form = form or urlencode({DATA: b64encode(body).decode()})
    return f"{url}{'&' if '?' in url else '?'}__wb_method=POST&{form}"


def instant(at: str) -> str:
    """Write a time as the archive does, in UTC and milliseconds; raises ValueError where it is none.

    >>> instant("2015-07-08T21:55:13Z"), instant("2026-01-31T08:00:00.000Z")
    ('2015-07-08T21:55:13.000Z', '2026-01-31T08:00:00.000Z')
    """
    read = datetime.fromisoformat(at)
    read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    return read.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def headers_of(headers: Headers) -> Headers:
    """Give the headers of an answer as they were served, where `_answer_head` wrote them."""
    if any(key.lower() == f"{ORIGINAL}content-length" for key, _ in headers):
        headers = headers[:-1]
    return tuple((key[len(ORIGINAL) :] if key.lower().startswith(ORIGINAL) else key, value) for key, value in headers)


def request_of(first: str, headers: Headers) -> Headers:
    """Give the headers of a request as they were kept, where `_request_head` wrote them."""
    return headers[1 : -1 if first.startswith("POST ") else None]


def _answer_head(status: int, headers: Headers, *, length: int | None) -> bytes:
    """Write the head of an answer, for the payload as it is kept; `length` None leaves all headers as they are."""
    lines = []
    wrong = False
    for key, value in headers:
        on_the_wire = length is not None and key.lower() in ON_THE_WIRE
        fits = key.lower() == "content-length" and value == str(length)
        wrong = wrong or (on_the_wire and not fits and key.lower() == "content-length")
        lines.append((ORIGINAL + key if on_the_wire and not fits else key, value))
    if wrong:
        lines.append(("Content-Length", str(length)))
    return _lines(f"HTTP/1.1 {status} {responses.get(status, '')}", lines)


def _request_head(target: str, form: bytes | None, headers: Headers) -> bytes:
    """Write the head of a request; Host, and the length of a form, are no part of what is kept of one."""
    parts = urlsplit(target)
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    first = f"{'GET' if form is None else 'POST'} {path} HTTP/1.1"
    lines = [("Host", parts.netloc), *headers]
    if form is not None:
        lines.append(("Content-Length", str(len(form))))
    return _lines(first, lines)


def _posted(request: bytes) -> tuple[str, str, bytes]:
    first, headers, body = parse(request)
    kinds = [value for key, value in headers if key.lower() == "content-type"]
    return first.partition(" ")[0], "".join(kinds[:1]), body


def _lines(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{key}: {value}" for key, value in headers), "", ""]
    return "\r\n".join(BREAKS.sub(" ", line) for line in lines).encode("latin-1", "replace")


def _pairs(column: str) -> Headers:
    return tuple((key, value) for key, value in json.loads(column))


def _rows(db: sqlite3.Connection, query: str, *values: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(query, values)]


def _sources(db: sqlite3.Connection, used: set[str] | None) -> list[dict[str, Any]]:
    """List sources, all of them or those used with those they copy, the copied first."""
    rows = _rows(db, "SELECT * FROM sources ORDER BY copy_of IS NOT NULL, id")
    if used is not None:
        used = used | {row["copy_of"] for row in rows if row["id"] in used}
    return [row for row in rows if used is None or row["id"] in used]


def _urn(id_: str) -> str:
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{OURS}:{id_}')}>"
