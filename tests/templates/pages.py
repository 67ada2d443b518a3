"""Pages whose truth is known: reports of the demo county, written in every body's markup, in every site's frame."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any, Literal

import opencc
from lxml import etree, html

from crawler.demo.county import County
from crawler.demo.forms import Cell, Grid
from crawler.demo.mirror import GLOSSED, GLOSSES
from crawler.demo.model import Article
from crawler.demo.prose import Line

HERE = Path(__file__).parent
OFFICE = "云岫县财政局"
HOSTS = ("trs-editor", "unmarked")
"""The sites that every body is put into: one whose CMS marks the article, one with no mark at all."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Template:
    """A site's frame around a body's markup, and what is knowingly lost there: score names to reasons."""

    name: str
    frame: str
    shape: Mapping[str, Any]
    known: Mapping[str, str]
    encoding: str = "utf-8"
    script: Literal["hans", "hant", "glossed"] = "hans"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page's bytes, and what a perfect reader finds: paragraphs and tables in order, and none of `frame`."""

    name: str
    template: Template
    payload: bytes = field(repr=False)
    blocks: tuple[Line | Grid, ...] = field(repr=False)
    frame: frozenset[str] = field(repr=False)
    title: str
    published: str

    @property
    def markup(self) -> str:
        """The page decoded, as extractors like it: no mark before it, no XML declaration in it."""
        return re.sub(r"^\ufeff?(<\?xml[^>]*>)?\s*", "", self.payload.decode(self.template.encoding))

    @property
    def lines(self) -> list[Line]:
        return [block for block in self.blocks if isinstance(block, Line)]

    @property
    def grids(self) -> list[Grid]:
        return [block for block in self.blocks if isinstance(block, Grid)]


@functools.cache
def templates() -> tuple[Template, ...]:
    """Every site with its usual body, then every other body in each of HOSTS."""
    hosts = [site for site in _sites() if site.name in HOSTS]
    return (*_sites(), *(_hosted(host, body) for body in _bodies() if body != "plain" for host in hosts))


def crossed() -> Iterator[Template]:
    """Every body in every site."""
    return (_hosted(site, body) for site in _sites() for body in _bodies())


def pages(template: Template) -> Iterator[Page]:
    """Put each of the five reports into a template."""
    for name, article in articles().items():
        if not (blocks := tuple(_blocks(article, template.shape))):
            continue
        yield Page(
            name=f"{template.name}:{name}",
            template=template,
            payload=written(template, article).encode(template.encoding, "xmlcharrefreplace"),
            blocks=blocks,
            frame=_frame(_filled(template, article, ""), template.shape, article.title, blocks),
            title=article.title,
            published=article.published.isoformat(),
        )


def served(url: str, article: Article, *, payload: bytes, encoding: str) -> Page:
    """Take a page of the demo county as it is served; its frame is all that it shows and its article does not say."""
    blocks = tuple(article.grids[line.text] if line.kind == "table" else line for line in article.lines)
    return Page(
        name=url,
        template=Template(name="county", frame="", shape={}, known={}, encoding=encoding),
        payload=payload,
        blocks=blocks,
        frame=_others(_shown(payload.decode(encoding)), article.title, blocks),
        title=article.title,
        published=article.published.isoformat(),
    )


def written(template: Template, article: Article) -> str:
    """Write an article in a template: a page that is still to be encoded."""
    page = _filled(template, article, _body([*_blocks(article, template.shape)], template.shape))
    if template.script != "hans":
        page = _traditional().convert(page)
    if template.script == "glossed":
        page = GLOSSED.sub(lambda found: f"{found[0]}({GLOSSES[found[0]]})", page)
    return page


@functools.cache
def _traditional() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


@functools.cache
def articles() -> Mapping[str, Article]:
    """One report of each time: prose, the table of 2014, the forms of 2019 and 2021, and a very short one."""
    county = County.make()
    office = next(office for office in county.offices if office.name == OFFICE)
    reports = {article.year: article for article in county.column(office, day=1)}
    short = replace(reports[2011], lines=reports[2011].lines[:1] + reports[2011].lines[-2:])
    return {"prose": reports[2010], "2016": reports[2016], "2019": reports[2019], "2022": reports[2022], "short": short}


@functools.cache
def _bodies() -> Mapping[str, Mapping[str, Any]]:
    return {file.stem: tomllib.loads(file.read_text("utf-8")) for file in sorted((HERE / "bodies").glob("*.toml"))}


@functools.cache
def _sites() -> tuple[Template, ...]:
    return tuple(_site(file) for file in sorted((HERE / "sites").glob("*.html")))


def _site(file: Path) -> Template:
    _, head, frame = file.read_text("utf-8").split("+++\n", 2)
    told = {"body": "plain", "known": {}} | tomllib.loads(head)
    del told["says"]
    return Template(name=file.stem, frame=frame, shape=_bodies()["plain"] | _bodies()[told.pop("body")], **told)


def _hosted(host: Template, body: str) -> Template:
    shape = host.shape | _bodies()[body]
    known = {**host.known, **shape.get("known", {}), **shape.get(f"known-{host.name}", {})}
    return replace(host, name=f"{body}@{host.name}", shape=shape, known=known)


@functools.cache
def _parts() -> Mapping[str, str]:
    return tomllib.loads((HERE / "parts.toml").read_text("utf-8"))


def _filled(template: Template, article: Article, body: str) -> str:
    """Fill a frame's {{words}}: parts of parts.toml, and what is the article's own."""
    own = {
        "title": escape(article.title),
        "agency": OFFICE,
        "date": article.published.isoformat(),
        "body": body,
        "escaped": escape(body),
    }
    known = _parts() | own
    page = template.frame
    while re.search(r"{{(\w+)}}", page):
        page = re.sub(r"{{(\w+)}}", lambda slot: known[slot[1]], page)
    return page


def _blocks(article: Article, shape: Mapping[str, Any]) -> Iterator[Line | Grid]:
    """An article's blocks as this body has them: with its additions, its digits, its broken tables."""

    def said(when: str) -> Iterator[Line]:
        yield from (Line(kind=a["kind"], text=a["text"]) for a in shape.get("add", ()) if a["at"] == when)

    lines = [line for line in article.lines if line.kind == "table" or shape.get("only") != "tables"]
    yield from said("at start")
    for line in lines:
        if line.kind == "table":
            yield from said("before table")
            grid = _renumbered(article.grids[line.text], shape["digits"])
            yield from _broken(grid) if shape.get("break") else [grid]
            yield from said("after table")
        else:
            yield replace(line, text=line.text.translate(_digits(shape["digits"])))
            yield from said(f"after {line.kind}")
    yield from said("at end")


@functools.cache
def _digits(digits: str) -> Mapping[int, int]:
    return str.maketrans("0123456789", digits)


@functools.cache
def _renumbered(grid: Grid, digits: str) -> Grid:
    write = _digits(digits)
    return replace(
        grid, rows=tuple(tuple(replace(cell, text=cell.text.translate(write)) for cell in row) for row in grid.rows)
    )


def _broken(grid: Grid) -> Iterator[Grid]:
    """Break a table in two where no cell spans the gap, and repeat its head."""
    free = [n for n in range(1, len(grid.rows)) if all(r + c.rowspan <= n for r in range(n) for c in grid.rows[r])]
    cut = next((n for n in free if n > len(grid.rows) / 2), None)
    if cut is None:
        yield grid
        return
    yield replace(grid, rows=grid.rows[:cut])
    yield replace(grid, rows=grid.rows[: free[0]] + grid.rows[cut:])


def _body(blocks: Sequence[Line | Grid], shape: Mapping[str, Any]) -> str:
    """Write blocks in a body's markup, the variants of each kind in turn."""
    turns: dict[str, int] = {}
    made = []
    for block in blocks:
        kind = "table" if isinstance(block, Grid) else block.kind
        variants = shape[kind] if isinstance(shape[kind], list) else [shape[kind]]
        turns[kind] = turns.get(kind, -1) + 1
        markup = variants[turns[kind] % len(variants)]
        made.append(
            _table(block, markup, shape)
            if isinstance(block, Grid)
            else markup.replace("{}", escape(block.text, quote=False))
        )
    return shape["around"].replace("{}", shape["between"].join(made))


def _table(grid: Grid, markup: str, shape: Mapping[str, Any]) -> str:
    rows = [shape["row"].replace("{}", "".join(_cell(cell, shape) for cell in row)) for row in grid.rows]
    for slot, part in (("{first}", rows[:1]), ("{rest}", rows[1:]), ("{}", rows)):
        markup = markup.replace(slot, "\n".join(part))
    return markup


def _cell(cell: Cell, shape: Mapping[str, Any]) -> str:
    spans = "".join(f' {n}="{v}"' for n, v in (("colspan", cell.colspan), ("rowspan", cell.rowspan)) if v > 1)
    text = escape(cell.text, quote=False)
    if 4 <= len(text) <= 8 and text == cell.text:
        text = text[:2] + shape["inside"] + text[2:]
    return shape["cell"].replace("{spans}", spans).replace("{}", text or "&nbsp;")


def _frame(page: str, shape: Mapping[str, Any], title: str, blocks: Sequence[Line | Grid]) -> frozenset[str]:
    """All strings that an empty page and an empty body show, but for those that the article says too."""
    body = "".join("".join(shape[kind]) for kind in ("around", "head", "text", "signature", "cell"))
    return _others([text for markup in (page, f"<div>{body}</div>") for text in _shown(markup)], title, blocks)


def _others(shown: Iterable[str], title: str, blocks: Sequence[Line | Grid]) -> frozenset[str]:
    """Keep the strings that an article does not say."""
    lines = [block.text if isinstance(block, Line) else _words(block) for block in blocks]
    said = bare(title + "".join(lines))
    return frozenset(text for text in map(bare, shown) if len(text) > 1 and text not in said)


def _words(grid: Grid) -> str:
    return "".join(cell.text for row in grid.rows for cell in row)


def _shown(markup: str) -> list[str]:
    root = html.document_fromstring(re.sub(r"<\?xml[^>]*>|{\w*}", "", markup))
    etree.strip_elements(root, "script", "style", "head", etree.Comment, with_tail=False)
    return list(root.itertext())


def bare(text: str) -> str:
    """Leave out white space, wherever it stands."""
    return "".join(text.split())
