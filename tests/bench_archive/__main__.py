"""Measure the archive's storage against other ways to keep the very same fetches, in one run.

`python tests/bench_archive [pages days]`. Every side is given the same fetches in the same order, keeps them all, and
proves each distinct sequence of bytes readable. Prints bytes on disk a fetch, and milliseconds to write a fetch and to
read a payload; asserts nothing about them.
"""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fetches import Fetch, Web
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive import reader
from archive.database import connect, to_json
from archive.payloads import zstd
from archive.records import Capture, Office
from archive.store import Store

SOLID = {zstd.CompressionParameter.compression_level: 19, zstd.CompressionParameter.window_log: 27,
         zstd.CompressionParameter.enable_long_distance_matching: 1}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way of keeping the fetches: bytes on disk, and milliseconds a write and a read."""

    label: str
    size: int
    write: float
    read: float | None = None


class UnreadableError(Exception):
    """A side did not give back what it was given."""


def main() -> None:
    """Measure every side, and what the archive spends its bytes on."""
    pages, days = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (200, 30)
    web = Web.make(pages=pages, days=days)
    wanted: dict[str, int] = {}
    raw = 0
    for fetch in web.fetches():
        raw += len(fetch.body)
        wanted[digest(fetch.body)] = len(fetch.body)
    count = len(web.urls) * web.days
    print(
        f"{count} fetches: {len(web.urls)} pages ({len(web.saved)} of them real) on {web.days} days; {raw / 1e6:.0f} MB, "
        f"{len(wanted)} distinct payloads\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = gongkai(web, folder / "a.sqlite", wanted)
        spent = spending(folder / "a.sqlite")
        sides = [
            own,
            warc(web, folder / "a.warc.gz", wanted, requests=True),
            warc(web, folder / "b.warc.gz", wanted, requests=False),
            blobs(web, folder / "b.sqlite", wanted),
            solid(web, folder / "all.zst"),
        ]
        cleaned = rebuilt(folder / "a.sqlite")
    print(f"{'':<42}{'bytes a fetch':>14}{'× raw':>8}{'× gongkai':>11}{'write ms':>10}{'read ms':>9}")
    for side in sides:
        read = f"{side.read:>9.2f}" if side.read is not None else f"{'':>9}"
        print(
            f"{side.label:<42}{side.size / count:>14.0f}{raw / side.size:>8.1f}{side.size / own.size:>11.2f}"
            f"{side.write:>10.2f}{read}"
        )
    print("\nwhat the archive spends, bytes a fetch")
    for label, size in spent.items():
        print(f"  {label:<40}{size / count:>14.0f}")
    print(f"  with texts, versions, reports beside it {cleaned / count:>14.0f}")


def gongkai(web: Web, file: Path, wanted: Mapping[str, int]) -> Measured:
    """Keep them as a crawl does, a transaction a fetch, a run a day."""
    hosts = tuple(sorted({url.split("/")[2] for url in web.urls}))
    office = Office(id="bench", name="云岫县", agency="云岫县", region="999001", level="government", hosts=hosts)
    fetches = web.fetches()
    writing = 0.0
    with Store(file) as store:
        for _ in range(web.days):
            today = list(islice(fetches, len(web.urls)))
            run = store.begin_run([office], at=_iso(today[0])).id
            captures = [
                Capture(
                    run=run, source="bench", url=fetch.url, at=_iso(fetch), kind="report", outcome="new", status=200,
                    seconds=0.113, referrer=f"http://{fetch.url.split('/')[2]}/xxgk/nb/",
                    request_headers=fetch.request_headers, headers=fetch.headers, body=fetch.body,
                )
                for fetch in today
            ]  # fmt: skip
            began = time.perf_counter()
            for capture in captures:
                store.capture(capture)
            writing += time.perf_counter() - began
            store.end_run(run, [], at=_iso(today[-1]), status="finished")
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(connect(file)) as db:
        reading = proved(wanted, lambda sha256: reader.body_of(db, sha256))
    return Measured(
        label="gongkai",
        size=file.stat().st_size,
        write=1000 * writing / (web.days * len(web.urls)),
        read=reading,
    )


def warc(web: Web, file: Path, wanted: Mapping[str, int], *, requests: bool) -> Measured:
    """Keep them as WARC.gz: a response each, or a revisit where the same bytes were served before."""
    offsets: dict[str, int] = {}
    first: dict[str, tuple[str, str]] = {}
    writing = 0.0
    with file.open("wb") as stream:
        writer = WARCWriter(stream, gzip=True)
        for fetch in web.fetches():
            sha256, at = digest(fetch.body), _iso(fetch)
            began = time.perf_counter()
            heads = StatusAndHeaders("200 OK", list(fetch.headers), protocol="HTTP/1.1")
            if sha256 in first:
                url, date = first[sha256]
                record = writer.create_revisit_record(
                    fetch.url, f"sha256:{sha256}", url, date, http_headers=heads, warc_headers_dict={"WARC-Date": at}
                )
            else:
                record = writer.create_warc_record(
                    fetch.url, "response", payload=io.BytesIO(fetch.body), length=len(fetch.body), http_headers=heads,
                    warc_headers_dict={"WARC-Date": at, "WARC-Payload-Digest": f"sha256:{sha256}"},
                )  # fmt: skip
                first[sha256] = (fetch.url, at)
                offsets[sha256] = stream.tell()
            writer.write_record(record)
            if requests:
                asked = StatusAndHeaders(
                    f"GET /{fetch.url.split('/', 3)[3]} HTTP/1.1", list(fetch.request_headers), is_http_request=True
                )
                writer.write_record(
                    writer.create_warc_record(
                        fetch.url, "request", http_headers=asked,
                        warc_headers_dict={"WARC-Date": at, "WARC-Concurrent-To": record.rec_headers["WARC-Record-ID"]},
                    )
                )  # fmt: skip
            writing += time.perf_counter() - began

    def read(sha256: str) -> bytes:
        stream.seek(offsets[sha256])
        return next(iter(ArchiveIterator(stream))).content_stream().read()

    with file.open("rb") as stream:
        reading = proved(wanted, read)
    return Measured(
        label="WARC.gz with revisits, warcio" + ", requests too" * requests,
        size=file.stat().st_size,
        write=1000 * writing / (web.days * len(web.urls)),
        read=reading,
    )


def blobs(web: Web, file: Path, wanted: Mapping[str, int]) -> Measured:
    """Keep them as zstd blobs, each on its own, the same bytes once."""
    writing = 0.0
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE bodies (sha256 TEXT PRIMARY KEY, frame BLOB NOT NULL)")
        db.execute("CREATE TABLE fetches (url TEXT, at TEXT, request_headers TEXT, headers TEXT, sha256 TEXT)")
        for fetch in web.fetches():
            began = time.perf_counter()
            sha256 = digest(fetch.body)
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT OR IGNORE INTO bodies VALUES (?, ?)", (sha256, zstd.compress(fetch.body, 3)))
            row = (fetch.url, _iso(fetch), to_json(fetch.request_headers), to_json(fetch.headers), sha256)
            db.execute("INSERT INTO fetches VALUES (?, ?, ?, ?, ?)", row)
            db.execute("COMMIT")
            writing += time.perf_counter() - began
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        frame = "SELECT frame FROM bodies WHERE sha256 = ?"
        reading = proved(wanted, lambda sha256: zstd.decompress(db.execute(frame, (sha256,)).fetchone()[0]))
    return Measured(
        label="SQLite, a zstd -3 blob each",
        size=file.stat().st_size,
        write=1000 * writing / (web.days * len(web.urls)),
        read=reading,
    )


def solid(web: Web, file: Path) -> Measured:
    """Pack all of them into one stream, as `zstd -19 --long=27` does: what no archive one can read from comes below."""
    began = time.perf_counter()
    with zstd.open(file, "wb", options=SOLID) as stream:
        for part in _parts(web):
            stream.write(part)
    seconds = time.perf_counter() - began
    given, back = hashlib.sha256(), hashlib.sha256()
    for part in _parts(web):
        given.update(part)
    with zstd.open(file, "rb", options={zstd.DecompressionParameter.window_log_max: 27}) as stream:
        while part := stream.read(1 << 20):
            back.update(part)
    if given.digest() != back.digest():
        raise UnreadableError(file)
    return Measured(
        label="solid zstd -19 --long=27 of all",
        size=file.stat().st_size,
        write=1000 * seconds / (web.days * len(web.urls)),
    )


def rebuilt(file: Path) -> int:
    """Clean all of them, and give the file's size with all that follows."""
    from pipelines.rebuild import rebuild
    from pipelines.workers import Workers

    with Store(file) as store, Workers(os.cpu_count() or 1) as pool:
        for url, error in rebuild(store, workers=pool):
            if error:
                print(f"{url}: {error}", file=sys.stderr)
        store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size


def spending(file: Path) -> dict[str, int]:
    """Add up the archive's pages by what they hold, largest first."""
    with closing(connect(file)) as db:
        rows = db.execute(
            """SELECT CASE WHEN m.type = 'index' THEN 'indexes of ' ELSE '' END || m.tbl_name AS part, sum(pgsize) AS size
               FROM dbstat JOIN sqlite_master m USING (name) GROUP BY part ORDER BY size DESC LIMIT 10"""
        )
        return {row["part"]: row["size"] for row in rows}


def proved(wanted: Mapping[str, int], read: Callable[[str], bytes]) -> float:
    """Read back every distinct payload, and give the milliseconds each took; raises UnreadableError if one is not what it was."""
    seconds = 0.0
    for sha256 in wanted:
        began = time.perf_counter()
        body = read(sha256)
        seconds += time.perf_counter() - began
        if digest(body) != sha256:
            raise UnreadableError(sha256)
    return 1000 * seconds / len(wanted)


def digest(body: bytes) -> str:
    """Name a payload."""
    return hashlib.sha256(body).hexdigest()


def _parts(web: Web) -> Iterator[bytes]:
    for fetch in web.fetches():
        yield to_json((fetch.url, _iso(fetch), fetch.request_headers, fetch.headers)).encode()
        yield fetch.body


def _iso(fetch: Fetch) -> str:
    return fetch.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


if __name__ == "__main__":
    main()
