"""The pages: what each asks of the archive, and what its template is given. Nothing here writes or speaks HTTP."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from archive import reader, search
from archive.browse import ask, numbers, shape
from archive.browse.words import Language, one, region_name, table
from archive.changes import changed
from archive.database import Row
from archive.health import words as health_words
from archive.records import Figures

OFFICES = 100
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
    return {
        "summary": ask.summary(db), "chart": chart, "changes": changes,
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
    """Offices by years: what is there, late, missing, withdrawn or not found, with counts and filters."""
    reports = ask.coverage(db)
    rows = _offices(db, reports)
    names = {row["region"]: row["region_name"] for row in rows}
    region, level, state, word = (asked.word(key) for key in ("region", "level", "state", "q"))
    last = max((r["year"] for r in reports), default=0)
    first = asked.whole("from", default=None) or min((r["year"] for r in reports), default=0)
    years = [*range(last, max(first, last - 40) - 1, -1)] if last else []
    rows = [
        row
        for row in rows
        if (not region or row["region"].startswith(region)) and (not level or row["level"] == level)
        and (not word or word in row["agency"])
    ]  # fmt: skip
    for row in rows:
        row["cells"] = [_cell(row, year, last) for year in years]
    if state in STATES:
        rows = [row for row in rows if any(cell["state"] == state for cell in row["cells"])]
    counts = Counter(cell["state"] for row in rows for cell in row["cells"] if cell["state"])
    page = asked.whole("page", least=1, default=1) or 1
    return {
        "years": years, "offices": rows[(page - 1) * OFFICES : page * OFFICES], "total": len(rows), "counts": counts,
        "states": STATES, "regions": sorted(names.items()), "region": region, "level": level, "state": state, "q": word,
        "first": first, "page": page, "pages": -(-len(rows) // OFFICES),
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
        "office": next((o for o in ask.offices(db) if o["agency"] == found["agency"]), None),
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
    reports = ask.coverage(db, agency=name)
    row = next((row for row in _offices(db, reports) if row["agency"] == name), None)
    if not row:
        return None
    last = ask.summary(db)["last_year"] or 0
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
    """How the sources are, the latest trouble first, or how one has been in time; their last visits, and the last runs."""
    source = asked.word("source")
    rows = sorted(
        reader.health_of(db, source) if source else reader.health(db), key=lambda row: row["since"], reverse=True
    )
    told = {
        state: {key: one(asked.language, said["zh"], said["en"]) for key, said in both.items()}
        for state, both in health_words().items()
    }
    counts = Counter(row["state"] for row in rows)
    return {
        "source": source, "told": told, "health": [row for row in rows if source or row["state"] != "ok"],
        "counts": {} if source else {state: counts[state] for state in told if counts[state]},
        "visits": [visit for visit in reader.last_visits(db) if source in (None, visit["source"])],
        "runs": reader.runs(db, last=20), "sizes": reader.sizes(db),
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
    summary = ask.summary(db)
    return {
        "q": query, **narrowed, "total": total, "page": page, "pages": -(-total // HITS), "hits": [
            {"hit": hit, "title": _marked(hit.title, hit.title_marks), "snippet": _marked(hit.snippet, hit.marks)}
            for hit in hits
        ],
        "years": range(summary["last_year"] or 0, (summary["first_year"] or 1) - 1, -1),
        "regions": sorted({row["region"]: row["region_name"] for row in _offices(db, [])}.items()),
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


def _offices(db: sqlite3.Connection, reports: Sequence[Row]) -> list[dict[str, Any]]:
    """List the offices that have sources or reports, with these reports by year and the names of their regions."""
    by_agency: dict[str, dict[int, Row]] = defaultdict(dict)
    for report in reports:
        by_agency[report["agency"]][report["year"]] = report
    known = {row["agency"]: dict(row) for row in ask.offices(db)}
    for agency, own in by_agency.items():
        level = "government" if agency.endswith("政府") else "department"
        region = next(iter(own.values()))["region"]
        known.setdefault(agency, {"agency": agency, "region": region, "level": level, "unreachable": None, "id": None})
    seats: dict[str, str] = {}
    for row in known.values():
        if row["level"] == "government" and len(row["agency"]) < len(seats.get(row["region"], row["agency"] + "?")):
            seats[row["region"]] = row["agency"]
    for row in known.values():
        row |= {
            "reports": by_agency.get(row["agency"], {}),
            "region_name": region_name(row["region"], seats.get(row["region"])),
        }
    return sorted(known.values(), key=lambda row: (row["region"], row["level"] != "government", row["agency"]))


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
