"""Pages fetched again and again: what changes between two fetches, and which of it is an edit."""

from __future__ import annotations

import functools
import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from templates.pages import Template, articles, templates, written

from crawler.demo.forms import Cell, Grid
from crawler.demo.model import Article

BEGIN = datetime(2025, 11, 3, 9, 12)  # noqa: DTZ001 (what a page shows)
STEP = timedelta(days=9, hours=5, minutes=17)
EDITS = ("digit", "character", "sentence", "cell", "attachment", "deletion")
FILES = re.compile(r"\.pdf|\.doc")


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form of a kind of noise: markup at a place, or a change of the page's own source."""

    kind: str
    at: str = ""
    html: str = ""
    find: str = ""
    put: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a page truly says: its report, and the file beside it."""

    article: Article
    file: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """One answer of a page, whether it says what the page said before its edit or after, and what was done since the fetch before."""

    page: str
    n: int
    payload: bytes
    edited: bool
    event: str = ""


@functools.cache
def forms(*, unseen: bool = False) -> Mapping[str, tuple[Form, ...]]:
    """Give the forms of every kind of noise, by the kind's name: those of which rules may know, or those of which none does."""
    return {
        kind["name"]: tuple(Form(kind=kind["name"], **f | {"put": tuple(f.get("put", ()))}) for f in kind["forms"])
        for kind in _told()["unseen" if unseen else "kind"]
    }


@functools.cache
def _told() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("kinds.toml").read_text("utf-8"))


@functools.cache
def sites() -> tuple[Template, ...]:
    """Give all sites, each with its usual body."""
    return tuple(template for template in templates() if "@" not in template.name)


def once(name: str) -> Content:
    """Give a report as it was first published."""
    return Content(article=articles()[name], file="/files/P020210128001.pdf", label="政府信息公开年度报告.pdf")


def trial(number: int, *, fetches: int, unseen: bool = False, edits: bool = True) -> Iterator[Fetch]:
    """Fetch the pages of a site: one form of every kind of noise, an edit to all but the last, a redesign half way.

    Where the site's number is even, two servers answer by turns, and one gets each edit two fetches late.
    """
    site, redesigned = sites()[number], _redesigned(number)
    noise = [choices[number % len(choices)] for choices in forms().values()]
    noise += [choices[number % len(choices)] for choices in forms(unseen=True).values() if unseen]
    for place, name in enumerate(articles()):
        rng = random.Random(f"{site.name}/{name}")
        kind = EDITS[(number + place) % len(EDITS)] if edits and place + 1 < len(articles()) else ""
        before = once(name)
        after = edit(before, kind, rng) if kind else before
        when = rng.randrange(1, fetches)
        for n in range(fetches):
            late = 2 * (number % 2 == 0 and n % 2)
            is_edited = bool(kind) and n >= when + late
            payload = fetched(
                redesigned if n >= fetches // 2 else site, after if is_edited else before, noise,
                n=n, rng=random.Random(f"{site.name}/{name}/{n}"), inside=number % 3 == 0,
            )  # fmt: skip
            event = kind if kind and n == when else "redesign" if n == fetches // 2 else "noise"
            yield Fetch(page=f"{site.name}/{name}", n=n, payload=payload, edited=is_edited, event=event)


def _redesigned(number: int) -> Template:
    """Choose another site's frame, in the same script; a site whose frame has files of its own keeps its frame."""
    every = sites()
    site = every[number]
    others = (every[(number + step) % len(every)] for step in range(7, len(every)))
    fits = (o for o in others if o.script == site.script and not FILES.search(o.frame))
    return site if FILES.search(site.frame) else next(fits, site)


def fetched(
    site: Template, content: Content, noise: Sequence[Form], *, n: int, rng: random.Random, inside: bool = False
) -> bytes:
    """Write one answer to the n-th fetch of a page; its file is linked within the article or right below."""
    link = f'<p>附件：<a href="{content.file}">{escape(content.label)}</a></p>'
    frame = _put(site.frame, "last" if inside else "below", link)
    words = drawn(rng, n)
    for form in noise:
        if form.at:
            frame = _put(frame, form.at, _filled(form.html, words))
    page = written(replace(site, frame=frame), content.article)
    for form in noise:
        if form.find:
            page = re.sub(form.find, lambda found, form=form: _filled(found.expand(rng.choice(form.put)), words), page)
    return page.encode(site.encoding, "xmlcharrefreplace")


def drawn(rng: random.Random, n: int) -> dict[str, str]:
    """Draw what the {words} of noise stand for at the n-th fetch: counters rise, days pass, all else is chance."""
    pools: Mapping[str, Sequence[str]] = _told()["pools"]
    at = BEGIN + STEP * n
    news = [(title, f"{at - timedelta(days=rng.randrange(9)):%m-%d}") for title in rng.sample(pools["headline"], 5)]
    comments = rng.sample(pools["comment"], 4)
    return {
        "count": str(1024 + 37 * n + rng.randrange(30)),
        "few": str(rng.randrange(2, 40)),
        "digit": str(rng.randrange(10)),
        "token": rng.randbytes(16).hex(),
        "stamp": str(int(at.timestamp() * 1000)),
        "date": f"{at:%Y-%m-%d}",
        "time": f"{at:%H:%M}:{rng.randrange(60):02d}",
        "year": str(at.year),
        "month": str(at.month),
        "day": str(at.day),
        "weekday": pools["weekday"][at.weekday()],
        "weather": rng.choice(pools["weather"]),
        "grade": rng.choice(pools["grade"]),
        "headline": rng.choice(pools["headline"]),
        "crumb": rng.choice(pools["crumb"]),
        "news": "".join(f'<li><a href="/n/{i}.html">{t}</a><span>{d}</span></li>' for i, (t, d) in enumerate(news)),
        "newsrows": "".join(f'<tr><td><a href="/n/{i}.html">{t}</a></td><td>{d}</td></tr>' for i, (t, d) in enumerate(news)),
        "comments": "".join(f"<li>网友{i}：{comment}</li>" for i, comment in enumerate(comments)),
    }  # fmt: skip


def _filled(html: str, words: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda found: words[found[1]], html)


def _put(frame: str, at: str, html: str) -> str:
    """Put markup at a place of a frame; where the frame has no such place, at the nearest one it has."""
    body = "{{escaped}}" if "{{escaped}}" in frame else "{{body}}"
    if at == "head":
        return re.sub(
            r"{{head}}|(?=</head>)", lambda found: found[0].replace("{{head}}", "{{head}}") + html, frame, count=1
        )
    if at == "top":
        return re.sub(r"{{menu}}|<body[^<>]*>|\Z", lambda found: found[0] + html, frame, count=1, flags=re.IGNORECASE)
    if at == "foot":
        return re.sub(r"{{footer}}|</body>|\Z", lambda found: html + found[0], frame, count=1, flags=re.IGNORECASE)
    before, after = {
        "above": (r"(?P<own><div[^<>]*>\s*)?(?P<body>{body})", "{html}{own}{body}"),
        "first": (r"(?P<own>)(?P<body>{body})", "{html}{body}"),
        "last": (r"(?P<body>{body})(?P<own>)", "{body}{html}"),
        "below": (r"(?P<body>{body})(?P<own>\s*</div>)?", "{body}{own}{html}"),
    }[at]
    return re.sub(
        before.replace("{body}", re.escape(body)),
        lambda found: after.format(html=html, own=found["own"] or "", body=found["body"]),
        frame,
        flags=re.IGNORECASE,
    )


def edit(content: Content, kind: str, rng: random.Random) -> Content:
    """Edit a report as an office does, in one small way; a page with no table has a digit changed for a cell."""
    article = content.article
    if kind == "attachment":
        other = (
            {"file": "/files/P020210303002.pdf"}
            if rng.random() < 0.5
            else {"label": "政府信息公开年度报告（更正）.pdf"}
        )
        return replace(content, **other)
    if kind == "cell" and article.grids:
        name = rng.choice(sorted(article.grids))
        return replace(
            content, article=replace(article, grids={**article.grids, name: _recelled(article.grids[name], rng)})
        )
    lines = list(article.lines)
    prose = [n for n, line in enumerate(lines) if line.kind == "text"]
    if kind in ("digit", "cell"):
        prose = [n for n in prose if re.search(r"\d", lines[n].text)] or prose
    at = rng.choice(prose)
    text = lines[at].text
    if kind == "deletion":
        del lines[at]
    elif kind == "sentence":
        lines[at] = replace(lines[at], text=f"{text}此项工作由办公室牵头。")
    else:
        pattern = r"\d" if kind in ("digit", "cell") and re.search(r"\d", text) else r"[\u4e00-\u9fff]"
        found = rng.choice(list(re.finditer(pattern, text)))
        others = [c for c in ("0123456789" if pattern == r"\d" else "中各全新") if c != found[0]]
        lines[at] = replace(lines[at], text=text[: found.start()] + rng.choice(others) + text[found.end() :])
    return replace(content, article=replace(article, lines=tuple(lines)))


def _recelled(grid: Grid, rng: random.Random) -> Grid:
    """Change one digit of one cell that holds a number."""
    places = [
        (r, c) for r, row in enumerate(grid.rows) for c, cell in enumerate(row) if re.fullmatch(r"\d+", cell.text)
    ]
    row, column = rng.choice(places)
    old: Cell = grid.rows[row][column]
    text = str(int(old.text) + rng.choice((1, 2, 10)))
    rows = [list(r) for r in grid.rows]
    rows[row][column] = replace(old, text=text)
    return replace(grid, rows=tuple(tuple(r) for r in rows))
