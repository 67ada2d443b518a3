"""The numbers of reports as pages show them: in words, as charts over the years, and what changed between two readings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from statistics import median
from typing import TYPE_CHECKING, Any

from archive.browse import ask
from archive.browse.words import Language, one, table

if TYPE_CHECKING:
    import sqlite3

    from archive.database import Row
    from archive.records import Check

Labels = Mapping[tuple[str, ...], "Row"]
TILES = (("received", 0), ("results", 0), ("results", 2), ("disputes", 0), ("disputes", 1), ("disclosed", 0))
"""The main numbers of a report: chart, and number of the series."""


def said(check: Check, labels: Labels, language: Language) -> Row:
    """Put a check into words: the table, the row or column it was worked out for, and its two sides."""
    at = check.at
    for codes, label in labels.items():
        if codes[:2] == (check.form, check.table) and check.at in codes[2:] and label["label"]:
            words = (label["english"] if language == "en" and label["english"] else label["label"]).split(" / ")
            at = words[0] if codes[2] == check.at else words[-1]
            break
    return {"table": check.table, "at": at, "left": check.left, "right": check.right}


def tables(
    carriers: Iterable[Row], labels: Labels, broken: Sequence[Check], language: Language
) -> list[tuple[str, str, list[Row]]]:
    """List the facts of a report by form and table, those in a broken check marked."""
    wrong = {(check.form, check.table, check.at) for check in broken}
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for carrier in carriers:
        for fact in carrier["facts"]:
            label = labels[fact.form, fact.table, fact.row, fact.column]
            found[fact.form, fact.table].append(
                {
                    "label": (language == "en" and label["english"]) or label["label"] or f"{fact.row} {fact.column}",
                    "value": fact.value, "cell": fact.cell, "unit": fact.unit, "sure": fact.sure, "sentence": fact.sentence,
                    "wrong": bool({(fact.form, fact.table, fact.row), (fact.form, fact.table, fact.column)} & wrong),
                }
            )  # fmt: skip
    return [(form, name, rows) for (form, name), rows in found.items()]


def charts(db: sqlite3.Connection, office: Row, language: Language) -> Iterator[Row]:
    """Draw up an office's main numbers over the years, some beside the median of its region."""
    numbers = _indicators(db)
    wanted = sorted({number for patterns in numbers.values() for found in patterns for number in found})
    own = ask.values(db, wanted, agency=office["agency"])
    region = ask.values(db, wanted, region=office["region"])
    for chart in table("charts")["chart"]:
        series: list[dict[str, Any]] = []
        for n, drawn in enumerate(chart["series"]):
            patterns = numbers[chart["id"], n]
            points = {year: _sum(said, patterns) for (_, year), said in own.items()}
            series.append({"label": one(language, *drawn["label"]), "values": _sorted(points)})
            if chart.get("compare"):
                others: dict[int, list[float]] = defaultdict(list)
                for (_, year), said in region.items():
                    if (value := _sum(said, patterns)) is not None:
                        others[year].append(value)
                middle = {year: median(values) for year, values in others.items() if len(values) > 2}
                label = one(language, "本地区中位数", "median of the region")
                series.append({"label": label, "values": _sorted(middle), "quiet": True})
        if any(value for s in series if not s.get("quiet") for _, value in s["values"]):
            yield {
                "id": chart["id"], "title": one(language, *chart["label"]), "unit": one(language, *chart["unit"]),
                "stack": chart.get("stack", False), "series": [s for s in series if s["values"]],
            }  # fmt: skip


def tiles(db: sqlite3.Connection, report: Row, language: Language) -> list[dict[str, Any]]:
    """Give a report's main numbers, each with the one of the year before."""
    numbers = _indicators(db)
    wanted = sorted({number for patterns in numbers.values() for found in patterns for number in found})
    known = ask.values(db, wanted, agency=report["agency"])
    drawn = {chart["id"]: chart for chart in table("charts")["chart"]}
    found = []
    for chart, n in TILES:
        now, before = (
            _sum(known.get((report["agency"], report["year"] - back), {}), numbers[chart, n]) for back in (0, 1)
        )
        if now is not None:
            unit = one(language, *drawn[chart]["unit"])
            found.append({"label": drawn[chart]["series"][n]["label"], "value": now, "before": before, "unit": unit})
    return found


def _indicators(db: sqlite3.Connection) -> dict[tuple[str, int], list[list[int]]]:
    """Give, for each series of each chart, the indicators that each of its patterns names."""
    known = [("/".join(codes), label["number"]) for codes, label in ask.labels(db).items()]
    return {
        (chart["id"], n): [
            [number for codes, number in known if fnmatchcase(codes, pattern)] for pattern in series["of"]
        ]
        for chart in table("charts")["chart"]
        for n, series in enumerate(chart["series"])
    }


def _sum(said: Mapping[int, float], patterns: Sequence[Sequence[int]]) -> float | None:
    for pattern in patterns:
        if values := [said[number] for number in pattern if number in said]:
            return sum(values)
    return None


def _sorted(points: Mapping[int, float | None]) -> list[list[float]]:
    return [[year, value] for year, value in sorted(points.items()) if value is not None]


def label_of(label: Row | None, codes: Sequence[str], language: Language) -> str:
    said = label and ((language == "en" and label["english"]) or label["label"])
    return said or " ".join(codes[2:])
