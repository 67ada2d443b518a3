"""Taking in WARC and WACZ files, made by anyone: their records become captures, judged as the crawler judges answers.

An export of ours is taken over as it is: its whole runs with their seals, its captures with what was known of them.
The records of others become one run, which names the file and its SHA-256. What a crawl knows because it asked for
a page, an import works out: the source from the host, the kind from the page itself and the lists before it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urldefrag, urljoin, urlsplit

from w3lib.html import get_meta_refresh
from w3lib.url import safe_url_string

from archive import reader, wacz
from archive.database import transaction
from archive.records import Capture, Office, Uncleaned, owns
from archive.rows import payload_number
from archive.store import DERIVING, Store
from archive.texts import served_first
from archive.warc_read import About, Broken, Fetch, Item, Other, add_source, carry, described, read
from crawler.compression import PackingError, unpack
from crawler.due import FIRST_YEAR
from crawler.families import families, family_of
from crawler.find import is_column
from crawler.page import Link, Page
from crawler.settings import DOWNLOAD_MAXSIZE
from crawler.sources import Source, of_address
from crawler.titles import alike, judge
from pipelines import blocks

REDIRECTS = (301, 302, 303, 307, 308)
LONGEST_WAIT = 100
"""Seconds after which a page may send its readers on, to be taken for a redirect; Scrapy's own default."""

TEXT = ("text/", "application/json", "application/xml", "application/javascript", "application/xhtml")


@dataclass(kw_only=True)
class Imported:
    """What came of a file: captures that are new, those known already, records that are none, and those broken.

    `run` is the run made of it; None where nothing was new, or only whole runs of ours came in.
    """

    file: Path
    run: str | None = None
    captures: int = 0
    known: int = 0
    others: int = 0
    broken: list[str] = field(default_factory=list)


def import_file(
    store: Store,
    done: Imported,
    *,
    known: Iterable[Source],
    named: Iterable[Source],
    at: str,
    cleaner: str,
    tell: Callable[[int], object] = lambda _: None,
) -> Iterator[Uncleaned]:
    """Take in the captures of one WARC, WARC.gz or WACZ file, `done.file`; done again, it adds nothing.

    Gives what this cleaner has to clean, as soon as it is kept, and tells how many bytes more were read. Pages belong
    to the source among `named`, else among `known`, whose hosts theirs is one of. A host of none belongs to the first
    of `named`; without any, to a source made of the host, official only where it is a .gov host.
    """
    file = done.file
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    origin = f"{file.name} sha256:{sha256}"
    if _is_in(store, sha256):
        return
    work = _Import(
        store=store,
        known=tuple(known),
        named=tuple(named),
        at=at,
        origin=origin,
        done=done,
        cleaner=cleaner,
        tell=tell,
    )
    try:
        with wacz.warcs(file) as warcs:
            if not warcs:
                done.broken.append(f"{file}: holds no WARC file")
            for part, stream in warcs:
                yield from work.take(part, stream)
    except ValueError as error:
        done.broken.append(f"{file}: {error}")
    if done.run:
        store.end_run(done.run, [], at=at, status="finished")


def _is_in(store: Store, sha256: str) -> bool:
    return reader.was_imported(store.db, sha256)


@dataclass(kw_only=True)
class _Import:
    store: Store
    known: tuple[Source, ...]
    named: tuple[Source, ...]
    at: str
    origin: str
    done: Imported
    cleaner: str
    tell: Callable[[int], object]
    here: set[str] = field(default_factory=set)
    payload_of: dict[str, str] = field(default_factory=dict)
    home_of: dict[str, str] = field(default_factory=dict)
    source_of: dict[str, str] = field(default_factory=dict)
    listed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take(self, part: str, stream: BinaryIO) -> Iterator[Uncleaned]:
        """Take in one WARC file: first the whole runs, if it has any, then what is left."""
        is_ours = isinstance(next(_read(stream), None), About)
        if is_ours:
            count, here = carry(self.store, self._watched(stream))
            self.done.captures += count
            self.here |= here
            yield from self.store.uncleaned(cleaner=self.cleaner)
        for item in _read(stream) if is_ours else self._watched(stream):
            if isinstance(item, Broken):
                self.done.broken.append(f"{part}: {item.offset}: {item.why}")
            elif isinstance(item, Other):
                self.done.others += 1
            elif isinstance(item, Fetch) and item.run not in self.here:
                try:
                    came = self.fetch(item)
                except (ValueError, sqlite3.IntegrityError) as error:  # an address that is none, say
                    came = f"{type(error).__name__}: {error}"
                if isinstance(came, Uncleaned):
                    yield came
                elif came:
                    self.done.broken.append(f"{part}: {item.offset}: {came}")

    def _watched(self, stream: BinaryIO) -> Iterator[Item]:
        """Read a file, and tell how many bytes more were read."""
        before = 0
        for item in _read(stream):
            yield item
            self.tell(stream.tell() - before)
            before = stream.tell()

    def fetch(self, fetch: Fetch) -> Uncleaned | str | None:
        """Take in one fetch; gives what there is to clean, or says why it cannot be taken in."""
        body = fetch.body
        headers = fetch.headers
        fault = fetch.cut
        if fetch.said:
            if fetch.digest and body is None:
                body = self._payload(fetch)
        elif body is not None:
            headers, body, packed = _unpack(headers, body)
            fault = fault or packed
        elif fetch.status != 304:
            body = self._payload(fetch)
        if body is None and (fetch.digest if fetch.said else fetch.status != 304):
            return "refers to a payload that is neither in the file before it nor in the archive"
        payload = None if body is None else hashlib.sha256(body).hexdigest()
        if payload and fetch.digest:
            self.payload_of[fetch.digest] = payload
        # Judged even if it is known: what a list names is to be known after an import that was cut off, too.
        said: Mapping[str, Any] = fetch.said or self._judge(fetch, headers, body, fault)
        if self._is_known(fetch, payload):
            self.done.known += 1
            return None
        source = said["source"] if self._is_source(said["source"]) else self._source(urlsplit(fetch.url).netloc)
        if not self.done.run:
            run = self.store.begin_run(
                [], at=self.at, label=f"import {self.origin[-64:-48]}", imported_from=self.origin
            )
            self.done.run = run.id
        saved = self.store.capture(
            Capture(
                run=self.done.run, source=source, url=fetch.url, at=fetch.at, kind=said["kind"],
                outcome="new" if said["outcome"] == "same" else said["outcome"], reason=said.get("reason"),
                status=fetch.status, redirects=tuple(said.get("redirects", ())), headers=headers,
                request_headers=fetch.request_headers, seconds=said.get("seconds", 0.0), referrer=said.get("referrer"),
                anchor=said.get("anchor"), body=body,
            )
        )  # fmt: skip
        self.done.captures += 1
        cleaned = said["kind"] in DERIVING and saved.outcome in ("new", "same")
        return served_first(self.store.db, saved.payload, at=fetch.at) if cleaned and saved.payload else None

    def _payload(self, fetch: Fetch) -> bytes | None:
        """Find the bytes that a revisit refers to: of the digest, or of the page and time that it names."""
        digest = fetch.digest or ""
        sha256 = self.payload_of.get(digest, digest.removeprefix("sha256:"))
        if not self._has(sha256) and fetch.refers_to:
            url, at = fetch.refers_to
            sha256 = reader.payload_at(self.store.db, url, at=at) or ""
        return reader.body_of(self.store.db, sha256) if self._has(sha256) else None

    def _has(self, sha256: str) -> bool:
        return payload_number(self.store.db, sha256) is not None

    def _is_known(self, fetch: Fetch, payload: str | None) -> bool:
        """Say whether another run has this very fetch: the page at that time, with this answer."""
        return reader.is_fetched(
            self.store.db, fetch.url, at=fetch.at, status=fetch.status, payload=payload, but=self.done.run
        )

    def _judge(self, fetch: Fetch, headers: Any, body: bytes | None, fault: str | None) -> dict[str, Any]:
        """Judge an answer as a crawl does; work out what it was asked as, and whose it is."""
        host = urlsplit(fetch.url).netloc
        joined = _joined(headers)
        is_text = joined.get("content-type", "text/").lower().startswith(TEXT)
        page = Page.of(body, url=fetch.url, headers=joined) if body and is_text and fetch.status == 200 else None
        outcome, reason = _outcome(fetch, joined, body, page, home=self.home_of.get(host, ""))
        if fault:
            outcome, reason = "failed", fault
        if outcome == "new" and page and blocks.is_home(fetch.url):
            self.home_of[host] = blocks.fingerprint(body or b"", content_type=joined.get("content-type"))
        kind = self._kind(fetch.url, page if outcome == "new" else None)
        referrer, anchor = self.listed.get(alike(fetch.url), (None, None))
        source = self.source_of.get(host) or self._source(host)
        self.source_of[host] = source
        return {
            "source": source, "kind": kind, "outcome": outcome, "reason": reason, "referrer": referrer, "anchor": anchor,
        }  # fmt: skip

    def _kind(self, url: str, page: Page | None) -> str:
        """Say what a page is: a report or a column where its words, its address or a list say so.

        Any other page is `resource`, not `start`: it does not say that the source was searched.
        """
        if urlsplit(url).path == "/robots.txt":
            return "robots"
        if alike(url) in self.listed or self._was_report(url) or _is_entry(url, last=int(self.at[:4])):
            return "report"
        if page is None:
            return "resource"
        on_column = is_column(page)
        for link in _links(page):
            judged = judge(link, column=url if on_column else None)
            if judged == "report" or (on_column and judged == "doubt"):
                self.listed.setdefault(alike(link.url), (url, link.title))
        kinds = {judge(Link(url=url, title=title)) for title in _titles(page)}
        if "report" in kinds:
            return "report"
        return "column" if on_column or "column" in kinds else "resource"

    def _was_report(self, url: str) -> bool:
        return reader.was_report(self.store.db, url)

    def _is_source(self, id_: str) -> bool:
        return reader.is_source(self.store.db, id_)

    def _source(self, host: str) -> str:
        """Name the source of a host, and keep it."""
        for source in self.named or self.known:
            if owns(source.office.hosts, host) or host in source.own_hosts:
                break
        else:
            source = self.named[0] if self.named else of_address(f"http://{host}/")
        office = source.office
        if source not in (*self.named, *self.known) and ".gov." not in f"{host}.":
            office = Office(
                id=office.id, name=host, agency=host, region="", level="department", hosts=()
            )  # whose pages are copies, since it has no official host
        originals = [s.office for s in self.known if s.id == source.copy_of]
        with transaction(self.store.db):
            for one in (*originals, office):
                if not self._is_source(one.id):
                    add_source(self.store.db, described(one, at=self.at))
        return office.id


def _read(stream: BinaryIO) -> Iterator[Item]:
    stream.seek(0)
    return read(stream)


def _unpack(headers: Any, body: bytes) -> tuple[Any, bytes, str | None]:
    """Undo the Content-Encoding, as a crawl does: without the header then; says what kept it from being undone."""
    joined = _joined(headers)
    is_text = joined.get("content-type", "").startswith("text/")
    try:
        unpacked = unpack(body, [joined.get("content-encoding", "")], is_text=is_text, most=DOWNLOAD_MAXSIZE)
    except PackingError as error:
        return headers, body, f"cannot be unpacked: {error}"
    if unpacked != body:
        headers = tuple(pair for pair in headers if pair[0] != "content-encoding")
    return headers, unpacked, None


def _outcome(
    fetch: Fetch, headers: Mapping[str, str], body: bytes | None, page: Page | None, *, home: str
) -> tuple[str, str | None]:
    """Say what an answer is: its outcome and the reason."""
    answer: Any = {"status": fetch.status, "headers": headers, "body": body or b""}
    if urlsplit(fetch.url).path == "/robots.txt" and fetch.status == 200 and blocks.robots(**answer):
        return "new", None
    verdict = blocks.judge(**answer, url=fetch.url, home=home)
    target = None
    if fetch.status in REDIRECTS and headers.get("location"):
        target = urljoin(fetch.url, safe_url_string(headers["location"]))
    elif page:
        wait, url = get_meta_refresh(page.text, fetch.url, ignore_tags=())
        target = url if wait is not None and wait < LONGEST_WAIT else None
    if verdict is None and target and fetch.status != 200:
        chain = [urldefrag(url).url for url in (fetch.url, target)]
        verdict = blocks.judge_chain(chain, cookies=headers.get("set-cookie", ""))
    if verdict:
        return verdict.outcome, verdict.reason
    if fetch.status == 304:
        return "not-modified", None
    reloads = page and target and urldefrag(target).url == urldefrag(fetch.url).url
    return ("moved", target) if target and not reloads else ("new", None)


def _is_entry(url: str, *, last: int) -> bool:
    """Say whether an address is one that a family gives to the report on some year, without any list."""
    ways = (getattr(family, "entries", None) for family in families().values())
    return any(url in entries(url, range(FIRST_YEAR, last + 1)) for entries in ways if entries)


def _links(page: Page) -> Iterable[Link]:
    try:
        return dict.fromkeys(family_of(page).links(page))
    except ValueError:
        return ()  # a list that is not what its CMS makes: a crawl notes it in the visit, here there is none


def _titles(page: Page) -> Iterator[str]:
    """Give what a page may be called."""
    yield page.meta.get("articletitle", "")
    for element in page.tree.iter("title", "h1"):
        yield "".join(element.text_content().split())


def _joined(headers: Any) -> dict[str, str]:
    """Give headers by name; those given twice joined by a comma (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for key, value in headers:
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


def summary(done: Imported) -> str:
    """Say in one line what came of a file."""
    counts = Counter({"known already": done.known, "that are no fetches": done.others, "broken": len(done.broken)})
    rest = "".join(f", {count} {what}" for what, count in counts.items() if count)
    return f"{done.file}: {done.captures} captures{rest}" + (f"; run {done.run}" if done.run else "")
