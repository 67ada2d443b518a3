"""The records that cross between rooms: frozen, keyword-only, with no behaviour that touches a disk or a clock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

_ANNEX = re.compile(r"^附件[0-9一二三四五六七八九十]{0,2}[：:.、]?")

Grid = tuple[tuple[str, ...], ...]
"""One data table as a rectangle of cells, spans expanded: rows of equal length."""

Kind = Literal["robots", "start", "column", "next", "report", "attachment", "resource"]
"""What a page was asked for: robots.txt, a page on the way to a column, a column, its further pages, what may be a
report, a document that a report links to, or what the scripts of a page ask for."""

Outcome = Literal["new", "same", "not-modified", "moved", "gone", "blocked", "refused", "failed"]
"""What an answer meant. `new` and `same` are decided by the archive, by the page's last payload."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """A source as the archive remembers it: one office, and the hosts it publishes on.

    `region` is a GB/T 2260 code. A host may be `*.` and a domain, for all that are under it. A source with `copy_of` is a watch on somebody else's copies of that
    source's pages: it has no official hosts of its own, and nothing it yields is believed.
    """

    id: str
    name: str
    agency: str
    region: str
    level: str
    hosts: tuple[str, ...]
    copy_of: str | None = None


def owns(hosts: Iterable[str], host: str) -> bool:
    """Say whether a host is one of an office's: named itself, or by `*.` before the domain that it is under.

    >>> owns(["www.a.gov.cn"], "www.a.gov.cn"), owns(["*.a.gov.cn"], "rsj.a.gov.cn"), owns(["*.a.gov.cn"], "ba.gov.cn")
    (True, True, False)
    """
    return any(host == own or (own.startswith("*.") and f".{host}".endswith(own[1:])) for own in hosts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """One fetch of one page at one time; `status` is None where no answer came."""

    run: str
    source: str
    url: str
    at: str
    kind: Kind
    outcome: Outcome
    reason: str | None = None
    status: int | None = None
    attempt: int = 0
    redirects: tuple[str, ...] = ()
    request_headers: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    referrer: str | None = None
    anchor: str | None = None
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file that a page links to as part of its content: absolute URL and the words of the link."""

    url: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One number of a form as a report gives it, or one that a sentence states.

    `form`, `table`, `row` and `column` are codes of `pipelines/forms/*.toml`; `value` is None where the cell is blank
    or holds a sign for nothing, and `cell` has its exact words. It stood in the cell (`at_row`, `at_column`) of grid
    `grid`, all from 0, or on line `line` of the text, from 1; `sentence` is the evidence of a number stated in prose.
    `sure` is from 0 to 1.
    """

    form: str
    table: str
    row: str
    column: str
    value: int | float | None
    unit: str
    cell: str
    grid: int | None = None
    at_row: int | None = None
    at_column: int | None = None
    line: int | None = None
    sentence: str | None = None
    sure: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One arithmetic rule of a form, in one row or column: what stood on its two sides, and whether it held.

    `at` is the code of the row or column that the rule was worked out for; `level` is hard, soft or info.
    """

    form: str
    table: str
    rule: str
    at: str
    level: str
    left: int | float
    right: int | float
    held: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Unplaced:
    """A cell or label of a statistics table that no form accounts for, so that it can be worked through.

    It stood where `Fact` says: in a cell of a grid, or on a line of the text.
    """

    form: str | None
    grid: int | None
    at_row: int | None
    at_column: int | None
    line: int | None = None
    label: str
    cell: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """All that was read of a report's statistics."""

    facts: tuple[Fact, ...] = ()
    checks: tuple[Check, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """What cleaning made of one payload.

    `text` holds the article's paragraphs, one a line, its tables as Markdown pipe rows in their places;
    `grids` holds the same tables as cells. `dates` says where each publication date was read (meta, visible,
    path) and `published_on` is the one believed, as YYYY-MM-DD. `index_number` (索引号), `document_number` (文号)
    and `origin` (来源) are as the page gives them. `read_from` says where a field was read: meta, title, visible,
    text or window. `confidence` is how sure `is_report` is, from 0 to 1. `charset_why` is bom, utf-8, meta, header
    or guess. `flags` are sorted short words for everything a reader should know. `repairs` counts what was mended,
    by kind, and `originals` gives each mended line of `text` as it was served: (line number from 1, words).
    `missing` lists the numbers and cells of the article's container that are found neither in text nor in grids.
    `legible` is how sure letters are that were recognised in pictures, from 0 to 1, and None for others. `figures` are
    the statistics of a report.
    """

    cleaner: str
    title: str
    agency: str | None
    report_year: int | None
    published_on: str | None
    dates: Mapping[str, str]
    index_number: str | None = None
    document_number: str | None = None
    origin: str | None = None
    read_from: Mapping[str, str] = field(default_factory=dict)
    is_report: bool
    confidence: float = 0.0
    charset: str
    charset_why: str
    script: Literal["hans", "hant"]
    flags: tuple[str, ...]
    repairs: Mapping[str, int] = field(default_factory=dict)
    originals: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    missing: tuple[str, ...] = ()
    text: str = field(repr=False)
    grids: tuple[Grid, ...] = field(repr=False)
    attachments: tuple[Attachment, ...] = ()
    legible: float | None = None
    figures: Figures = field(default=Figures(), repr=False)

    @property
    def key(self) -> str:
        """Name the content itself, as `content_key` does."""
        return content_key(title=self.title, text=self.text, attachments=self.attachments)


def content_key(*, title: str, text: str, attachments: Iterable[Attachment]) -> str:
    """Name a content: SHA-256 (32 hex digits) of title, text without white space, and attachments' addresses and labels.

    A line that only names an attachment is left to the attachments: one design has it in the article, one below.
    """
    files = list(attachments)
    labels = {"".join(file.label.split()) for file in files}
    lines = ("".join(line.split()) for line in text.splitlines())
    said = "".join(line for line in lines if line not in labels and _ANNEX.sub("", line) not in labels)
    parts = [title, said, *(f"{file.url}\x1e{file.label}" for file in files)]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncleaned:
    """A payload still to be cleaned: its SHA-256, the URL and headers it was first served with, and its bytes."""

    payload: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A list of reports that a visit read (栏目): its address, the list that led to it, and what it held.

    `family` is the CMS that was recognised, `list_pages` how many pages of it were read, `reports` how many
    addresses it named that may be reports.
    """

    url: str
    parent: str | None
    family: str
    list_pages: int
    reports: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """What one run did at one source, in pages; `status` is ok, partial, thin, empty, blocked, failed, resting or unfinished.

    `requests` counts all that was asked there, robots.txt and lists with it; it is the sum of the run's captures.
    """

    source: str
    status: str
    reason: str | None = None
    listed: int = 0
    fetched: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    blocked: int = 0
    failed: int = 0
    requests: int = 0
    columns: tuple[Column, ...] = ()
