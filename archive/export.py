"""An archive's contents for other programs: JSON lines, CSV and Parquet, to one documented schema.

`TABLES` is that schema: README, CSV headers and Parquet schemas are made from it, and a further table is a further entry.
`wide` adds a table for each form of a dictionary.
Rows are named as in the archive and come in a fixed order, all from one moment of it, so that two exports of one archive
are the same bytes.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from archive.database import ArchiveError, to_json
from archive.rows import TEXTS_OF_VERSIONS

FORMS = {
    "jsonl": "JSON lines: UTF-8, an object a row",
    "csv": "CSV (RFC 4180) for spreadsheets: UTF-8 with a byte order mark, so that Excel reads it",
    "parquet": "Parquet, typed and compressed; needs `pip install 'gongkai[parquet]'`",
}
"""The forms, each by the ending of its files."""

KINDS = {
    "text": "words, or a name",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "YYYY-MM-DD",
    "time": "ISO 8601 in UTC",
    "json": "a list or an object; in CSV and Parquet its JSON as text",
}
"""What a column may hold. What is not known is null, in CSV an empty cell."""

GROUP = 500
"""Rows of a Parquet row group, which are in memory at once."""


class ExportError(ArchiveError):
    """An export cannot be made; the message says what it would take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column: its name, its kind, and what it means."""

    name: str
    kind: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table: what one of its rows is, its columns, and the query that gives them in that order."""

    meaning: str
    columns: tuple[Column, ...]
    query: str


def _columns(*lines: str) -> tuple[Column, ...]:
    return tuple(Column(name=n, kind=k, meaning=m) for n, k, m in (line.split(maxsplit=2) for line in lines))


_CARRIED = """LEFT JOIN report_pages p ON p.page = v.page
              LEFT JOIN reports r ON r.agency = p.agency AND r.year = p.year"""

TABLES: Mapping[str, Table] = {
    "texts": Table(
        meaning="one version of a page, with what cleaning read from it",
        columns=_columns(
            "page text the page",
            "version integer its number among the page's versions, from 1, by time",
            "key text the name of its content: of title, text and attachments",
            "payload text SHA-256 of the bytes that showed it first",
            "url text the page's address",
            "source text the source that found the page, if it carries a report",
            "standing text official, or copy for a page on a host that is not the office's",
            "report text the report it carries",
            "agency text whose report: the full name, where the source tells it",
            "year integer the year reported on",
            "region text the report's GB/T 2260 code",
            "title text the title",
            "published_on date the day of publication, as the page says",
            "withdrawn_on date the day since which the page is gone",
            "first_seen time when this version was first fetched",
            "last_seen time when it was last fetched",
            "is_report boolean whether it reads as a report",
            "confidence number how sure that is, 0 to 1",
            "index_number text 索引号",
            "document_number text 文号",
            "origin text 来源",
            "script text hans or hant, as served",
            "charset text the encoding the bytes were read in",
            "flags json what a reader should know, see the flags of a text",
            "repairs json what was mended, by kind, and how often",
            "originals json each mended line as it was served: [line number from 1, words]",
            "missing json numbers and cells of the page not found again in the text",
            "text text the paragraphs, one a line, tables as Markdown rows in their places",
            "grids json the tables as rows of cells, spans expanded",
            "attachments json the files linked: address and words of the link",
            "cleaner text the version of the cleaning that read it",
        ),
        query=f"""SELECT v.page, v.n, v.key, v.payload, pages.url, p.source, p.standing, r.id, coalesce(p.agency, t.agency),
                         coalesce(p.year, t.report_year), r.region, t.title, t.published_on, p.withdrawn_on, v.first_seen,
                         v.last_seen, t.is_report, t.confidence, t.index_number, t.document_number, t.origin, t.script,
                         t.charset, t.flags, t.repairs, t.originals, t.missing, t.text, t.grids, t.attachments, t.cleaner
                  FROM versions v JOIN pages ON pages.id = v.page JOIN {TEXTS_OF_VERSIONS} {_CARRIED}
                  ORDER BY v.page, v.n""",  # noqa: S608
    ),
    "versions": Table(
        meaning="one version of a page, and when it was shown",
        columns=_columns(
            "page text the page",
            "version integer its number among the page's versions, from 1, by time",
            "key text the name of its content: of title, text and attachments",
            "payload text SHA-256 of the bytes that showed it first",
            "url text the page's address",
            "report text the report the page carries",
            "standing text official or copy",
            "first_seen time when it was first fetched",
            "last_seen time when it was last fetched",
            "captures integer how many fetches showed it",
            "reversions integer how often the page went back to it",
        ),
        query=f"""SELECT v.page, v.n, v.key, v.payload, pages.url, r.id, p.standing, v.first_seen, v.last_seen, v.captures,
                         v.reversions
                  FROM versions v JOIN pages ON pages.id = v.page {_CARRIED} ORDER BY v.page, v.n""",  # noqa: S608
    ),
    "reports": Table(
        meaning="one agency's report on one year, as its official pages carry it",
        columns=_columns(
            "id text the report",
            "agency text whose it is",
            "year integer the year reported on",
            "region text GB/T 2260 code",
            "title text the title",
            "published_on date the first day of publication that a page says",
            "due_on date the last day on which it was in time",
            "days_late integer days after that, 0 for in time",
            "withdrawn_on date the day since which no page carries it",
            "pages integer how many official pages carry it",
            "versions integer how many versions they have had",
        ),
        query="""SELECT id, agency, year, region, title, published_on, due_on, days_late, withdrawn_on, pages, versions
                 FROM reports ORDER BY id""",
    ),
    "captures": Table(
        meaning="one fetch of a page, failures included",
        columns=_columns(
            "id text the capture",
            "page text the page",
            "url text its address",
            "run text the crawl it belongs to",
            "source text the source it was made for",
            "at time when",
            "kind text robots, start, column, next, report or resource",
            "attempt integer its number among the run's fetches of the page, from 0",
            "status integer the HTTP status; null where no answer came",
            "outcome text new, same, not-modified, moved, gone, blocked, refused or failed",
            "reason text why, in words",
            "payload text SHA-256 of the bytes served",
            "length integer how many bytes",
            "seconds number how long it took",
            "referrer text the page that named this one",
            "anchor text the words of its link",
            "redirects json the addresses passed on the way",
            "request_headers json the headers sent: [name, value]",
            "headers json the headers received: [name, value]",
        ),
        query="""SELECT c.id, page, url, run, source, at, kind, attempt, status, outcome, reason, payload, length, seconds,
                        referrer, anchor, redirects, request_headers, headers
                 FROM captures c JOIN pages ON pages.id = page ORDER BY at, c.id""",
    ),
    "events": Table(
        meaning="what happened to a page that carries a report",
        columns=_columns(
            "page text the page",
            "url text its address",
            "at time when",
            "kind text what happened",
            "capture text the capture that shows it",
            "detail text more of it, in words or an address",
        ),
        query="""SELECT page, url, at, kind, capture, detail FROM events JOIN pages ON pages.id = page
                 ORDER BY page, at, kind""",
    ),
    "facts": Table(
        meaning="one number that a report states, in a form's cell or in a sentence; blank cells of its forms too",
        columns=_columns(
            "report text the report",
            "agency text whose it is",
            "year integer the year reported on",
            "region text GB/T 2260 code",
            "form text the form, or prose for a number stated in a sentence",
            "table text the form's table",
            "row text the table's row",
            "column text the row's cell; with form, table and row the number's code, see the table dictionary",
            "label text what the code means, in the form's own words",
            "value number the number; null where the cell is blank or has a sign for nothing",
            "unit text the unit it is given in, as written: 万元 is not made 元",
            "cell text the exact words of the cell, or of the number in its sentence",
            "grid integer the table of the text that it stood in, from 0; null for a number in lines or a sentence",
            "at_row integer the row there, from 0",
            "at_column integer the cell there, from 0",
            "line integer the line of the text, from 1, for a number that stood in none",
            "sentence text the sentence that states it",
            "sure number how sure code and value are, 0 to 1; sentences have 0.6",
            "carrier text the address of the page or document that has it",
        ),
        query="""SELECT report, agency, year, region, form, "table", "row", "column", f.label, value, unit, cell, grid, at_row,
                        at_column, line, sentence, sure, url
                 FROM facts f JOIN carriers c ON c.page = f.page AND c.n = carrier
                 ORDER BY report, form, "table", "row", "column", grid, at_row, at_column, line, sentence, value""",
    ),
    "checks": Table(
        meaning="one arithmetic rule of a form, worked out in one row or column of a report; it never changes a fact",
        columns=_columns(
            "report text the report",
            "agency text whose it is",
            "year integer the year reported on",
            "form text the form, or prose where a sentence is held to a form's table",
            "table text the form's table",
            "rule text the rule, as the form's file names it",
            "at text the row or column that it was worked out for; in prose the form",
            "level text hard for what must be, soft for what should, info for what may be",
            "left number what stood on its left side",
            "right number what stood on its right side",
            "held boolean whether it held",
            "between_years boolean whether it binds the report to that of the year before",
        ),
        query="""SELECT report, agency, year, form, "table", rule, at, level, "left", "right", held, 0 AS between_years
                 FROM checks
                 UNION ALL
                 SELECT id, agency, year, form, "table", rule, at, level, "left", "right", held, 1
                 FROM reports JOIN year_checks USING (agency, year)
                 ORDER BY report, form, "table", rule, at, between_years""",
    ),
    "dictionary": Table(
        meaning="what one code of facts means",
        columns=_columns(
            "form text the form, or prose",
            "table text its table",
            "row text the table's row",
            "column text the row's cell",
            "label text what it means, in the form's own words: row / group / column",
            "english text the same in English",
            "unit text the unit, where a report gives none",
            "first_year integer the first report year of the form",
            "last_year integer the last one; null while it is in force",
            "source text the document that prescribed the form",
        ),
        query="""SELECT form, "table", "row", "column", label, english, unit, first_year, last_year, source FROM indicators
                 ORDER BY form, "table", "row", "column" """,
    ),
    "carriers": Table(
        meaning="one page or document that carries a report",
        columns=_columns(
            "page text the page",
            "n integer 0 for the page itself, 1 and on for the documents it links to",
            "url text the address; null for a document never asked for",
            "report text the report",
            "standing text official or copy, of the page",
            "label text the words of the link",
            "outcome text how the document was last answered",
            "payload text SHA-256 of what it last was",
            "rank integer 0 for the report's text, 1 and on for others with words",
            "differing json numbers it has otherwise than the report's text: context, one (the text's), other",
        ),
        query=f"""SELECT v.page, n, url, r.id, p.standing, label, outcome, v.payload, rank, coalesce(differing, '[]')
                 FROM carriers v {_CARRIED} ORDER BY v.page, n""",  # noqa: S608
    ),
}


def wide(dictionary: Iterable[Mapping[str, object]]) -> Mapping[str, Table]:
    """Make a table of each form: a report's numbers in one row, in the dictionary's order.

    A number that is in another measure than the dictionary says (元 for 万元), or that two sentences state differently,
    is null there, as is a blank cell: the table facts tells them apart.
    """
    forms: dict[object, list[Column]] = {}
    for entry in dictionary:
        code = ".".join(str(entry[part]) for part in ("table", "row", "column"))
        meaning = f"{entry['label']}, in {entry['unit']}"
        forms.setdefault(entry["form"], []).append(Column(name=code, kind="number", meaning=meaning))
    return {
        f"wide-{form}": Table(
            meaning=f"one report's numbers in {form}", columns=(*TABLES["facts"].columns[:4], *columns),
            query=_wide(form, columns),
        )
        for form, columns in forms.items()
    }  # fmt: skip


def _wide(form: object, columns: Iterable[Column]) -> str:
    values = ", ".join(f"""json_extract(cells, '$."{column.name}"')""" for column in columns)
    return f"""
        WITH numbers AS (
            SELECT report, agency, year, region, "table" || '.' || "row" || '.' || "column" AS code, min(value) AS value
            FROM facts f JOIN indicators i USING (form, "table", "row", "column")
            WHERE form = '{form}' AND (f.unit LIKE '万%', f.unit LIKE '%元') = (i.unit LIKE '万%', i.unit LIKE '%元')
            GROUP BY report, code HAVING min(value) = max(value)),
        wide AS (
            SELECT report, agency, year, region, json_group_object(code, value) AS cells FROM numbers GROUP BY report)
        SELECT report, agency, year, region, {values} FROM wide ORDER BY report"""  # noqa: S608


def export(
    db: sqlite3.Connection,
    target: Path,
    *,
    form: str,
    tables: Sequence[str] = (),
    dictionary: Iterable[Mapping[str, object]] = (),
) -> Iterator[tuple[Path, int]]:
    """Write tables (none named: all) as jsonl, csv or parquet, and give each file with its number of rows.

    `target` is a file of that ending for one table, else a folder of a file a table. A file is whole or not there.
    There is a wide table for each form of `dictionary`. Raises ExportError where that cannot be.
    """
    known = {**TABLES, **wide(dictionary)}
    chosen = list(dict.fromkeys(tables)) or list(known)
    if unknown := [name for name in chosen if name not in known]:
        raise ExportError(f"got {', '.join(unknown)}, expected tables of {', '.join(known)}")
    single = target.suffix == f".{form}"
    if single and len(chosen) > 1:
        raise ExportError(f"{target}: a file holds one table, got {', '.join(chosen)}: name one, or a folder")
    write = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}[form]
    with _moment(db):
        for name in chosen:
            file = target if single else target / f"{name}.{form}"
            part = file.with_name(f"{file.name}.part")
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                rows = write(part, known[name].columns, _rows(db, known[name]))
                part.replace(file)
            except OSError as error:
                raise ExportError(f"{file}: {error.strerror}") from error
            yield file, rows


@contextmanager
def _moment(db: sqlite3.Connection) -> Iterator[None]:
    """Read one state of the archive throughout, whatever is written to it meanwhile."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def _rows(db: sqlite3.Connection, table: Table) -> Iterator[list[Any]]:
    truths = [n for n, column in enumerate(table.columns) if column.kind == "boolean"]
    for row in db.execute(table.query):
        values = list(row)
        for n in truths:
            values[n] = bool(values[n])
        yield values


def _jsonl(file: Path, columns: Sequence[Column], rows: Iterator[list[Any]]) -> int:
    count = 0
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for count, row in enumerate(rows, start=1):  # noqa: B007 (the last is the number of rows)
            line = {c.name: json.loads(v) if c.kind == "json" else v for c, v in zip(columns, row, strict=True)}
            stream.write(to_json(line) + "\n")
    return count


def _csv(file: Path, columns: Sequence[Column], rows: Iterator[list[Any]]) -> int:
    count = 0
    with file.open("w", encoding="utf-8-sig", newline="") as stream:  # by the BOM, Excel knows that it is UTF-8
        writer = csv.writer(stream)
        writer.writerow([column.name for column in columns])
        for count, row in enumerate(rows, start=1):  # noqa: B007
            writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in row])
    return count


def _float(value: Any) -> float | None:
    return None if value is None else float(value)


def _parquet(file: Path, columns: Sequence[Column], rows: Iterator[list[Any]]) -> int:
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise ExportError("Parquet needs pyarrow: pip install 'gongkai[parquet]'") from error
    types = {
        "text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
        "time": pa.timestamp("us", tz="UTC"), "json": pa.string(),
    }  # fmt: skip
    schema = pa.schema([pa.field(c.name, types[c.kind], metadata={"meaning": c.meaning}) for c in columns])
    count = 0
    with ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(rows, GROUP)):
            arrays = [
                # dates and times are text in the archive, and read from it; numbers may be whole ones beyond 2**53
                pa.array(values, pa.string()).cast(f.type) if pa.types.is_temporal(f.type)
                else pa.array(map(_float, values) if pa.types.is_floating(f.type) else values, f.type)
                for f, values in zip(schema, zip(*group, strict=True), strict=True)
            ]  # fmt: skip
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(group)
    return count
