"""The records of the demo county: offices, articles, attachments, answers, edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from typing import Literal

from crawler.demo.docx import docx
from crawler.demo.forms import Grid
from crawler.demo.numbers import Numbers
from crawler.demo.pdf import pdf
from crawler.demo.prose import Line

DOMAIN = "yunxiu.gov.example"
MIRROR = "www.haoyun-trip.example"

Carrier = Literal["doc", "pdf", "pictures", "docx", "replaced"]
"""What carries a report beside its page or in its place; offices.toml says what each means."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """One office and the habits of its site; offices.toml says what each habit means."""

    label: str
    name: str
    style: str
    years: tuple[int, ...]
    topics: tuple[str, ...]
    slug: str
    we: str = "我局"
    level: Literal["department", "government"] = "department"
    size: int = 12
    route: Literal["menu", "page", "image", "mega", "deep"] = "menu"
    bytes: str = "utf-8"
    meta: str = "utf-8"
    header: str = "utf-8"
    pager: Literal["createPageHTML", "Pager"] = "createPageHTML"
    body: Literal["plain", "word", "lines"] = "plain"
    layout: bool = False
    zero: str = "0"
    files: bool = False
    carriers: Mapping[int, Carrier] = field(default_factory=dict, hash=False)
    robots: str | None = None
    departments: tuple[str, ...] = ()
    shared: tuple[int, ...] = ()
    twins: bool = False
    still: bool = False

    @property
    def host(self) -> str:
        """Name the office's host."""
        return f"{self.label}.{DOMAIN}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Name every host the site answers at."""
        return (self.host, f"www.{self.host}") if self.twins else (self.host,)

    @property
    def source(self) -> str:
        """Name the office as a source of the crawler."""
        return f"yunxiu_{self.label}"


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of an article: its name on the site, the words of its link, and what it says.

    `made` is its name in the folder of this name, for what was made once by other programs; `framed` a document that
    the page shows in a frame; `grid` the table that a picture shows in its place.
    """

    name: str
    label: str
    blocks: tuple[str | Grid, ...]
    made: str | None = None
    framed: bool = False
    grid: str | None = None

    @property
    def type(self) -> str:
        """Name the file's type as its name ends: pdf, docx, doc, png."""
        return self.name.rpartition(".")[2]

    def content(self) -> bytes:
        """Give the file's bytes."""
        if self.made:
            return resources.files(__package__).joinpath("made", self.made).read_bytes()
        return {"pdf": pdf, "docx": docx}[self.type](self.blocks)


@dataclass(frozen=True, kw_only=True)
class Article:
    """One article; a report if it has a `year`."""

    id: int
    agency: str
    title: str
    published: date
    lines: tuple[Line, ...]
    year: int | None = None
    form: str | None = None
    numbers: Numbers = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    grids: Mapping[str, Grid] = field(default_factory=dict)
    files: tuple[File, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a host answers: status, headers, bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One number of one report that was given another value, everywhere or only `in_file`."""

    host: str
    year: int
    code: str
    before: int
    after: int
    in_file: bool = False
