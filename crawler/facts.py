"""The numbers of reports as lines: the tables of their forms with what is wrong in them, and what changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, groupby, pairwise
from operator import attrgetter
from typing import Any
from unicodedata import east_asian_width

from archive import reader
from archive.changes import Change, changed
from archive.database import Row
from archive.figures import CODES
from archive.records import Check, Fact
from pipelines.forms import dictionary
from pipelines.forms.model import Table, forms

_code = attrgetter(*CODES)
_SURE = 0.9
_WIDTH = 7


def pages(db: sqlite3.Connection, what: str, *, all_of_them: bool) -> list[Row]:
    """Find pages by their address, or by their report's id or words of its agency, title and year; by nothing, all.

    Of each report the page that tells its numbers, or `all_of_them`, copies with the others; `main` of each is the
    former, or None for a copy of no report.
    """
    if "://" in what:
        page = reader.carrier_at(db, what)
        found = [page] if page else []
        reports = reader.find_reports(db, f"{page['agency']} {page['year']}") if page else []
    else:
        reports = reader.find_reports(db, what)
        found = reader.carriers(db)
    main = {(report["agency"], report["year"]): report["page"] for report in reports}
    known = [{**page, "main": main.get((page["agency"], page["year"]))} for page in found]
    return [page for page in known if "://" in what or (page["main"] if all_of_them else page["page"] == page["main"])]


def stated(db: sqlite3.Connection, page: Row) -> dict[str, Any]:
    """Give what a page states, for programs: its carriers with their facts and checks, and the checks between years."""
    return {
        **{key: page[key] for key in ("agency", "year", "url", "standing", "title")},
        "carriers": reader.statistics(db, page["page"]),
        "year_checks": reader.year_checks(db, agency=page["agency"], year=page["year"])
        if page["page"] == page["main"] else [],
    }  # fmt: skip


def changes(db: sqlite3.Connection, page: Row) -> dict[str, Any]:
    """Give the facts that changed between versions of a page and its documents, and those that a copy has otherwise."""
    history = reader.stated_in_time(db, page["page"])
    found = [
        {"url": url, "since": after["since"], "facts": facts}
        for url, own in groupby(history, key=lambda one: one["url"])
        for before, after in pairwise(own)
        if (facts := changed(before["figures"].facts, after["figures"].facts))
    ]
    unlike: Sequence[Change] = ()
    if page["standing"] == "copy" and page["main"]:
        unlike = changed(*(_facts(reader.statistics(db, one)) for one in (page["main"], page["page"])))
    return {**{key: page[key] for key in ("agency", "year", "url", "standing")}, "changed": found, "unlike": unlike}


def stated_lines(told: dict[str, Any]) -> Iterator[str]:
    """Set out what a page states: each table as its form has it, broken checks below it, and numbers in sentences.

    A dot stands where the page has no cell, "" for a blank one, a question mark after a number that is less sure.
    """
    yield f"{told['agency']} {told['year']}  {told['title']}  ({told['standing']})"
    for carrier in told["carriers"]:
        state = "the report's text" if carrier["rank"] == 0 else "" if carrier["rank"] else "no words of it were read"
        yield f"  [{carrier['n']}] {carrier['url'] or carrier['label']}  {state}".rstrip()
        for one in carrier["differing"]:
            yield f"      differs: {one['context']}: {one['other']}, the report's text has {one['one']}"
    facts = _facts(told["carriers"])
    checks = [*chain.from_iterable(carrier["checks"] for carrier in told["carriers"]), *told["year_checks"]]
    for form in forms().values():
        for table in form.tables:
            if own := {(f.row, f.column): f for f in facts if (f.form, f.table) == (form.id, table.id)}:
                places = {f"[{c['n']}]" for c in told["carriers"] if any(f in c["facts"] for f in own.values())}
                yield f"\n{form.id} {table.id} {table.title}  {' '.join(sorted(places))}"
                yield from _table(table, own)
                yield from _broken(check for check in checks if (check.form, check.table) == (form.id, table.id))
    for sentence, own_ in groupby((fact for fact in facts if fact.form == "prose"), key=lambda fact: fact.sentence):
        yield f"\n{sentence}"
        yield from (f"{_right(_cell(fact))}  {fact.row} {_labels().get(_code(fact), '')}" for fact in own_)
    yield from _broken(check for check in checks if check.form == "prose")
    for carrier in told["carriers"]:
        for cell in carrier["unplaced"]:
            yield f"not placed: {cell['label']} | {cell['cell']}  [{carrier['n']}]"
    if not facts:
        yield "  no statistics were read"


def change_lines(told: dict[str, Any]) -> Iterator[str]:
    """Set out the facts that changed, nothing where none did."""
    if told["changed"] or told["unlike"]:
        yield f"{told['agency']} {told['year']}  {told['url']}  ({told['standing']})"
    for version in told["changed"]:
        yield f"  {version['url']} since {version['since'][:19]}"
        yield from map(_change, version["facts"])
    if told["unlike"]:
        yield "  unlike the official page"
        yield from map(_change, told["unlike"])


def form_lines() -> Iterator[str]:
    """List the forms: id, years, title and authority, and their tables."""
    for form in forms().values():
        years = "-".join(map(str, form.years)) if len(form.years) > 1 else f"{form.years[0]}-"
        yield f"{form.id}  {years}  {form.title} ({form.basis})"
        for table in form.tables:
            rows = [row for row in table.rows if row.value]
            cells = sum(len(table.filled(row)) for row in rows)
            yield f"  {table.id}  {table.title}: {len(rows)} rows, {cells} numbers, {len(table.rules)} rules"


def _facts(carriers: Iterable[Row]) -> list[Fact]:
    return [*chain.from_iterable(carrier["facts"] for carrier in carriers)]


def _table(table: Table, facts: dict[tuple[str, str], Fact]) -> Iterator[str]:
    """Set out a table, or one of a single row or column as a list."""
    rows = [row for row in table.rows if row.value]
    shown = {
        (row.code, column.code): _cell(
            facts.get((row.code, column.code)), usual=row.unit or column.unit or table.unit
        )
        for row in rows for column in table.columns if column.code in table.filled(row)
    }  # fmt: skip
    if len(rows) == 1:
        for column in table.columns:
            cell = shown.get((rows[0].code, column.code), "")
            yield f"{_right(cell)}  {_name(column.code, column.group, column.label)}"
        return
    if len(table.columns) > 1:
        yield "".join(_right(column.code) for column in table.columns)
    for row in table.rows:
        cells = (_right(shown.get((row.code, column.code), "")) for column in table.columns)
        yield f"{''.join(cells)}  {_name(row.code, row.label)}"
    if len(table.columns) > 1:
        yield "  " + ", ".join(_name(column.code, column.group, column.label) for column in table.columns)


def _cell(fact: Fact | None, *, usual: str = "") -> str:
    """Show a number, with its unit where it is not the usual one, or else the words of the cell."""
    if fact is None:
        return "."
    if fact.value is None:
        return fact.cell.strip() or '""'
    return f"{fact.value}{fact.unit * (fact.unit != usual)}{'?' * (fact.sentence is None and fact.sure < _SURE)}"


def _right(words: str) -> str:
    """Set words at the right of their column, a Chinese character being two wide."""
    return " " * max(1, _WIDTH - sum(1 + (east_asian_width(sign) in "WF") for sign in words)) + words


def _name(code: str, *labels: str) -> str:
    return " ".join(filter(None, (code, *labels)))


def _broken(checks: Iterable[Check]) -> Iterator[str]:
    """Count the checks of a table that held, and show the others."""
    known = [*checks]
    broken = [check for check in known if not check.held]
    if known:
        yield f"  {len(known) - len(broken)} of {len(known)} checks held"
    for check in broken:
        yield f"  BROKEN ({check.level}) {check.rule} in {check.at}: {_rule(check)}: {check.left} and {check.right}"


def _rule(check: Check) -> str:
    """Write the rule of a check in codes, as its form has it."""
    form = forms().get(check.at if check.form == "prose" else check.form)
    for stated_ in form.stated if form else ():
        if check.form == "prose" and stated_.id == check.rule:
            return f"{stated_.indicator} = {' + '.join(stated_.cells)}"
    for rule in chain.from_iterable(table.rules for table in form.tables if table.id == check.table) if form else ():
        if rule.id == check.rule:
            right = (*rule.right, *(f"last year's {code}" for code in rule.last))
            return f"{' + '.join(rule.left)} {rule.op} {' + '.join(right)}"
    return "by a rule of older forms"


def _change(change: Change) -> str:
    """Write a change: the code, the numbers before and after, and what they mean."""
    code = _code(change)
    before, after = (_cell(fact) for fact in (change.before, change.after))
    return f"    {' '.join(code)}: {before} -> {after}  {_labels().get(code, '')}"


@cache
def _labels() -> Mapping[tuple[str, ...], str]:
    return {tuple(str(entry[key]) for key in CODES): str(entry["label"]) for entry in dictionary.entries()}
