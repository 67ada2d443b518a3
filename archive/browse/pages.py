"""The pages: what each asks of the archive, and what its template is given. Nothing here writes or speaks HTTP."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from archive import overview, reader, search, sizes
from archive.browse import ask, numbers, shape
from archive.browse.words import Language, one, region_name, table
from archive.changes import changed
from archive.database import Row
from archive.health import words as health_words
from archive.records import Figures

OFFICES = 100
SOURCES = 100
RUNS = 3
HITS = 20
EVENTS = 100
SILENT = ("changed", "reverted")
ABSENT = ("missing", "withdrawn", "moved", "unlisted")
STATES = ("in-time", "late", "undated", "missing", "withdrawn", "none")

Context = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a reader asks a page: the parts of its path, its arguments, and the language."""

    parts: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    language: Language = "zh"

    def word(self, name: str) -> str | None:
        """Give an argument, None where it is blank."""
        return self.words.get(name, "").strip() or None

    def whole(self, name: str, *, least: int = 0, default: int | None = None) -> int | None:
        """Give an argument as a whole number, the default where it is none."""
        said = self.words.get(name, "")
        return max(least, int(said)) if said.isascii() and said.isdigit() and len(said) < 10 else default


def home(db: sqlite3.Connection, asked: Asked) -> Context:
    """What is in here, how fresh it is, and what changed lately."""
    years = ask.by_year(db)
    chart = {
        "title": one(asked.language, "各年度报告", "Reports by year"),
        "unit": one(asked.language, "份", "reports"),
        "stack": True,
        "series": [
            {
                "label": one(asked.language, *table("words")["state"][state]),
                "values": [[r["year"], r[key]] for r in years],
            }
            for state, key in (("in-time", "in_time"), ("late", "late"), ("undated", "undated"))
            if any(r[key] for r in years)
        ],
    }
    changes = [{**event, "edits": _edits(db, event)} for event in ask.happened(db, SILENT, limit=5)]
    first, last = ask.span(db)
    summary = {**ask.summary(db), "first_year": first, "last_year": last, "late": sum(row["late"] for row in years)}
    return {
        "summary": summary, "chart": chart, "changes": changes,
        "new": ask.happened(db, ("found",), limit=8), "absent": ask.happened(db, ABSENT, limit=8),
    }  # fmt: skip


def changes(db: sqlite3.Connection, asked: Asked) -> Context:
    """What befell the pages of reports, the latest first."""
    kinds = (*table("words")["event"],)
    kind, agency = asked.word("kind"), asked.word("agency")
    wanted = (kind,) if kind in kinds else tuple(k for k in kinds if k != "found")
    events = ask.happened(db, wanted, limit=EVENTS, agency=agency)
    return {"events": events, "kinds": kinds, "kind": kind, "agency": agency, "most": EVENTS}


def coverage(db: sqlite3.Connection, asked: Asked) -> Context:
    """Offices by years: what is there, late, missing, withdrawn or not found; narrowed by what is asked, counted by region."""
    region, level, state, word = (asked.word(key) for key in ("region", "level", "state", "q"))
    start, last = ask.span(db)
    first = asked.whole("from", default=None) or start
    years = [*range(last, max(first, last - 40) - 1, -1)] if last else []
    least = years[-1] if years else first
    page = asked.whole("page", least=1, default=1) or 1
    total, offices = ask.offices(
        db, region=region, level=level, word=word, limit=OFFICES, offset=(page - 1) * OFFICES,
        among=ask.in_state(db, state, first=least, last=last) if state in STATES else None,
    )  # fmt: skip
    shown = _with_reports(db, offices)
    for row in shown:
        row["cells"] = [_cell(row, year, last) for year in years]
    counts = Counter({"none": sum(ask.gaps(db, first=least, last=last, region=region or "").values())})
    for year, found in overview.punctuality(db, region=region or "").items():
        if year >= least:
            counts.update({key.replace("_", "-"): times for key, times in found.items()})
    return {
        "years": years, "offices": shown, "total": total, "counts": counts, "states": STATES, "regions": _regions(db),
        "region": region, "level": level, "state": state, "q": word,
        "first": first, "page": page, "pages": -(-total // OFFICES),
    }  # fmt: skip


def report(db: sqlite3.Connection, asked: Asked) -> Context | None:
    """One report: its text and tables, its numbers, where it was found, what befell it."""
    found = ask.report(db, asked.parts["report"])
    if not found:
        return None
    pages = reader.carriers(db, agency=found["agency"], year=found["year"])
    told = {row["n"]: row for row in reader.statistics(db, found["page"])}
    carriers = ask.carriers(db, found["page"])
    wanted = asked.whole("carrier", default=carriers[0]["n"])
    shown = next((c for c in carriers if c["n"] == wanted and c["payload"]), carriers[0])
    text = ask.text(db, shown["payload"]) if shown["payload"] else None
    own = told[shown["n"]]
    broken = [c for row in told.values() for c in row["checks"] if not c.held]
    between = [c for c in reader.year_checks(db, agency=found["agency"], year=found["year"]) if not c.held]
    labels = ask.labels(db)
    return {
        "report": found, "state": _state(_with_absence(found, pages)), "page": next(p for p in pages if p["page"] == found["page"]),
        "officials": [p for p in pages if p["standing"] == "official"], "copies": [p for p in pages if p["standing"] == "copy"],
        "carriers": carriers, "shown": shown, "text": text,
        "blocks": _blocks(text, Figures(facts=tuple(own["facts"]), checks=tuple(own["checks"])), asked.language),
        "broken": [numbers.said(check, labels, asked.language) for check in broken],
        "between": [numbers.said(check, labels, asked.language) for check in between],
        "tables": numbers.tables(told.values(), labels, broken, asked.language),
        "tiles": numbers.tiles(db, found, asked.language),
        "versions": ask.versions(db, found["page"]),
        "events": [e for p in pages if p["standing"] == "official" for e in ask.events(db, p["page"])],
    }  # fmt: skip


def text(db: sqlite3.Connection, asked: Asked) -> Context | None:
    """What any payload says, set for reading: an old version, a copy, a document."""
    found = ask.text(db, asked.parts["payload"])
    if not found:
        return None
    figures = ask.figures_of(db, found)
    labels = ask.labels(db)
    broken = [check for check in figures.checks if not check.held]
    return {
        "text": found, "url": ask.served(db, found["payload"])["url"], "blocks": _blocks(found, figures, asked.language),
        "broken": [numbers.said(check, labels, asked.language) for check in broken],
    }  # fmt: skip


def diff(db: sqlite3.Connection, asked: Asked) -> Context | None:
    """Two versions of a page side by side, with its documents that were replaced between them."""
    page = ask.page(db, asked.parts["page"])
    versions = {v["n"]: v for v in ask.versions(db, asked.parts["page"])}
    old, new = (versions.get(int(asked.parts[key])) for key in ("old", "new"))
    if not page or not old or not new:
        return None
    return {
        "page": page, "old": old, "new": new, "versions": [*versions.values()],
        "sections": list(_sections(db, page, old, new, versions, asked.language)),
    }  # fmt: skip


def copy(db: sqlite3.Connection, asked: Asked) -> Context | None:
    """A copy beside the original that it copies."""
    page = ask.page(db, asked.parts["page"])
    original = ask.page(db, page["main"]) if page and page["main"] else None
    if not page or not original or page["page"] == original["page"]:
        return None
    # The original's text may be a document's, not the page's own.
    carrier = ask.carriers(db, original["page"])[0]
    section = _section(db, carrier["payload"] or original["payload"], page["payload"], page["url"], asked.language)
    return {"page": page, "original": original, "sections": [section] if section else []}


def copies(db: sqlite3.Connection, asked: Asked) -> Context:
    """The copies that are known, by the host that shows them."""
    found = ask.copies(db, agency=asked.word("agency"), limit=500)
    return {"hosts": [(host, list(own)) for host, own in groupby(found, key=lambda c: c["host"])], "total": len(found)}


def office(db: sqlite3.Connection, asked: Asked) -> Context | None:
    """One office: its years, its punctuality, its main numbers over time and beside its region."""
    name = asked.word("name") or ""
    _, known = ask.offices(db, agency=name)
    if not known:
        return None
    (row,) = _with_reports(db, known)
    row["region_name"] = dict(_regions(db))[row["region"]]
    reports = [*row["reports"].values()]
    _, last = ask.span(db)
    years = [*range(last, min(row["reports"], default=last) - 1, -1)]
    dated = [r["days_late"] for r in reports if r["days_late"] is not None]
    return {
        "office": row, "years": [(year, row["reports"].get(year), _cell(row, year, last)) for year in years],
        "in_time": sum(days == 0 for days in dated), "dated": len(dated),
        "median_late": median(late) if (late := [days for days in dated if days]) else None,
        "charts": list(numbers.charts(db, row, asked.language)),
        "events": ask.happened(db, [k for k in table("words")["event"] if k != "found"], limit=20, agency=name),
        "copies": ask.copies(db, agency=name, limit=5),
    }  # fmt: skip


def health(db: sqlite3.Connection, asked: Asked) -> Context:
    """How the sources are, the latest trouble first, their last visits, and the last runs; or how one has been in time."""
    told = {
        state: {key: one(asked.language, said["zh"], said["en"]) for key, said in both.items()}
        for state, both in health_words().items()
    }
    source, state, word = asked.word("source"), _either(asked.word("state"), *told), asked.word("q")
    counts = overview.states(db)
    page = asked.whole("page", least=1, default=1) or 1
    place = {"limit": SOURCES, "offset": (page - 1) * SOURCES}
    if source:
        rows, total, listed = reader.health_of(db, source)[::-1], 1, [source]
    elif state:
        rows, total = overview.in_state(db, state, newest=True, **place), counts.get(state, 0)
        listed = [row["source"] for row in rows]
    else:
        rows = overview.in_state(db, None, newest=True, limit=SOURCES) if page == 1 and not word else []
        total, listed = overview.named(db, word or "", **place)
    return {
        "source": source, "state": state, "q": word, "told": told, "health": rows, "page": page, "pages": -(-total // SOURCES),
        "counts": {} if source else {state: counts[state] for state in told if state in counts},
        "visits": overview.visits(db, listed), "runs": overview.runs(db, last=RUNS),
        "sizes": reader.counts(db), "disk": sizes.total(db), "most": SOURCES,
    }  # fmt: skip


def found(db: sqlite3.Connection, asked: Asked) -> Context:
    """Reports that hold the words asked for, with the places where they stand."""
    query = asked.word("q")
    narrowed = search.Only(
        year=asked.whole("year"), region=asked.word("region"),
        kind=_either(asked.word("kind"), "department", "government"),
        standing=_either(asked.word("standing"), "official", "copy"),
    )  # fmt: skip
    page = asked.whole("page", least=1, default=1) or 1
    hits, total = [], 0
    if query:
        hits = search.find(db, query, limit=HITS, offset=(page - 1) * HITS, **narrowed)
        total = search.count(db, query, **narrowed)
    first, last = ask.span(db)
    return {
        "q": query, **narrowed, "total": total, "page": page, "pages": -(-total // HITS), "hits": [
            {"hit": hit, "title": _marked(hit.title, hit.title_marks), "snippet": _marked(hit.snippet, hit.marks)}
            for hit in hits
        ],
        "years": range(last, first - 1, -1) if last else (),
        "regions": _regions(db),
    }  # fmt: skip


# --- states and offices ------------------------------------------------------------------------------------------


def _state(report: Row) -> str:
    if report["withdrawn_on"]:
        return "withdrawn"
    if report["missing_since"]:
        return "missing"
    if report["days_late"] is None:
        return "undated"
    return "late" if report["days_late"] else "in-time"


def _with_absence(report: Row, pages: Iterable[Row]) -> Row:
    since = [page["missing_since"] for page in pages if page["standing"] == "official"]
    return {**report, "missing_since": None if None in since else max(since, default=None)}


def _cell(office: Row, year: int, last: int) -> Row:
    """Say how one office's report on one year stands; nothing where none was to be expected."""
    report = office["reports"].get(year)
    if report:
        return {"state": _state(report), "report": report}
    expected = office["reports"] and min(office["reports"]) < year <= last
    return {"state": "none" if expected else "", "report": None}


def _with_reports(db: sqlite3.Connection, offices: Iterable[Row]) -> list[dict[str, Any]]:
    """Give offices their reports by year, and how they could not be reached the last time."""
    rows = {office["agency"]: {**office, "reports": {}} for office in offices}
    silent = ask.unreachable(db, rows)
    for agency, row in rows.items():
        row["unreachable"] = silent.get(agency)
    for report in ask.coverage(db, rows):
        rows[report["agency"]]["reports"][report["year"]] = report
    return [*rows.values()]


def _regions(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """List the regions of which there are offices or reports, with their names."""
    return sorted((region, region_name(region, seat)) for region, seat in ask.seats(db).items())


# --- texts and differences ---------------------------------------------------------------------------------------


def _blocks(text: Row | None, figures: Figures, language: Language) -> list[tuple[str, object]]:
    """Walk a text as its template does: tables laid out, with the cells of broken checks marked."""
    if not text:
        return []
    grids = [tuple(map(tuple, grid)) for grid in text["grids"]]
    wrong = {
        (check.form, check.table, check.at): one(
            language,
            f"勾稽不平：{check.left:g} ≠ {check.right:g}",
            f"does not add up: {check.left:g} ≠ {check.right:g}",
        )
        for check in figures.checks
        if not check.held
    }
    return [
        ("table", shape.table(grids[said], shape.marks(figures.facts, wrong, said)))
        if isinstance(said, int)
        else (kind, said)
        for kind, said in shape.blocks(text["text"], grids)
    ]


def _sections(
    db: sqlite3.Connection, page: Row, old: Row, new: Row, versions: Mapping[int, Row], language: Language
) -> Iterator[Row]:
    """Compare a page in two versions, and its documents as they were then."""
    if section := _section(db, old["payload"], new["payload"], page["url"], language):
        yield section
    for carrier in ask.carriers(db, page["page"]):
        if carrier["n"]:
            was, now = (_until(v, versions) for v in (old, new))
            before, after = (ask.document_at(db, carrier["url"], before=until) for until in (was, now))
            if (
                before
                and after
                and before != after
                and (section := _section(db, before, after, carrier["url"], language))
            ):
                yield section


def _until(version: Row, versions: Mapping[int, Row]) -> str | None:
    """Say until when a version stood: until the next was first seen."""
    following = versions.get(version["n"] + 1)
    return following["first_seen"] if following else None


def _section(db: sqlite3.Connection, before: str, after: str, url: str, language: Language) -> Row | None:
    """Compare two payloads: changed facts, then lines."""
    one_text, other = ask.text(db, before), ask.text(db, after)
    if not one_text or not other:
        return None
    labels = ask.labels(db)
    facts = [
        {
            "label": numbers.label_of(labels.get(change.codes), change.codes, language),
            "before": change.before,
            "after": change.after,
        }
        for change in changed(ask.figures_of(db, one_text).facts, ask.figures_of(db, other).facts)
    ]
    lines = shape.side_by_side(one_text["text"], other["text"])
    titles = shape.pieces(one_text["title"], other["title"]) if one_text["title"] != other["title"] else None
    return {
        "url": url, "facts": facts, "lines": lines, "titles": titles, "before": before, "after": after,
        "changed": sum(line.kind == "changed" for line in lines),
    }  # fmt: skip


def _edits(db: sqlite3.Connection, event: Row) -> list[list[tuple[str, str]]]:
    """Show the first two lines that an event changed, each as (same, del or ins, words)."""
    versions = {v["n"]: v for v in ask.versions(db, event["page"])}
    n = int(event["detail"] or 0)
    page = ask.page(db, event["page"])
    if not page or n not in versions or n - 1 not in versions:
        return []
    sections = _sections(db, page, versions[n - 1], versions[n], versions, "zh")
    lines = (line for section in sections for line in section["lines"] if line.kind == "changed")
    return [shape.inline(line.left, line.right) for line, _ in zip(lines, range(2), strict=False)]


def _marked(words: str, marks: search.Ranges) -> list[tuple[bool, str]]:
    """Cut words into those that were looked for and those between."""
    edges = [0, *(edge for mark in marks for edge in mark), len(words)]
    return [(n % 2 == 1, words[i:j]) for n, (i, j) in enumerate(pairwise(edges)) if i < j]


def _either(word: str | None, *known: Any) -> Any:
    return word if word in known else None
