"""Exports: every row of the archive comes back from every form as it was, and the same bytes every time."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from support import gongkai

from archive.database import connect
from archive.export import FORMS, KINDS, TABLES, Column, ExportError, export, wide
from archive.records import Check, Fact, Figures, Office
from archive.store import Store

DAY = "2026-03-0{}T08:00:00.000Z"
ODD = {
    "lines and quotes": '一行\r\n二行\n"引号", 逗号\t制表',
    "a formula": "=HYPERLINK(1)",
    "separators": "甲\u2028乙\u2029丙\x85丁\ufeff",
    "beyond the plane": "𠀀𪚥 🏛️ e\u0301",
    "a control": "零\x00一\x1b",
    "very long": "数" * 200_000,
    "nothing": "",
}

MEANINGS = (
    ("f", "t", "1", "件"),
    ("f", "t", "1.10", "万元"),
    ("f", "t", "2", "件"),
    ("f", "t", "3", "件"),
    ("none", "t", "1", "件"),
)
DICTIONARY = [
    {"form": form, "table": table, "row": row, "column": "n", "label": f"数{row}", "english": f"Number {row}", "unit": unit,
     "first_year": 2008, "last_year": None, "source": "令"}
    for form, table, row, unit in MEANINGS
]  # fmt: skip
RULE = {
    "form": "f",
    "table": "t",
    "rule": "last",
    "level": "soft",
    "scope": "columns",
    "left": '["1"]',
    "right": "[]",
    "last": '["2"]',
}
ALL = {**TABLES, **wide(DICTIONARY)}
WIDE = {
    "f": [[2001, 2**60, 0.5, None, None], [2002, 7, None, 5, None], [2003, 3, None, None, None]],
    "none": [],
}  # fmt: skip


def fact(row: str, value: float | None, unit: str, **more: Any) -> Fact:
    return Fact(form="f", table="t", row=row, column="n", value=value, unit=unit, **{"cell": str(value or ""), **more})


STATED = {
    2001: Figures(
        facts=(fact("1", 2**60, "件", grid=0, at_row=1, at_column=1), fact("1.10", 0.5, "万元", line=3), fact("2", None, "件", cell="/")),
        checks=(Check(form="f", table="t", rule="r", at="n", level="hard", left=1, right=0.5, held=False),),
    ),
    2002: Figures(
        facts=(
            fact("1", 7, "条"), fact("1.10", 5000, "元"), fact("2", 5, "件"),
            fact("3", 1, "件", sentence="甲1。", sure=0.6), fact("3", 2, "件", sentence="乙2。", sure=0.6),
        )
    ),
    2003: Figures(facts=(fact("1", 3, "件"),)),
}  # fmt: skip


@pytest.fixture
def archive(store: Store, see: Callable[..., Any], office: Office) -> Path:
    mirror = Office(id="mirror", name="m", agency="m", region="", level="department", hosts=(), copy_of="czj")
    store.begin_run([office, mirror], at=DAY.format(1))
    for n, (what, words) in enumerate(ODD.items()):
        url = f"http://czj.example/{n}.html"
        see(
            f"{n} first".encode(),
            at=DAY.format(1),
            url=url,
            report_year=2010 + n,
            text=words,
            title=f"{what} {words[:50]}",
        )
        see(
            f"{n} then".encode(), at=DAY.format(2), url=url, report_year=2010 + n, text=words + "。",
            flags=("short", "year-unknown"), grids=((("", '"'), (words[:9], "\n")),), published_on=None, is_report=n != 3,
        )  # fmt: skip
    store.describe_forms(DICTIONARY, [RULE])
    for year, figures in STATED.items():
        see(
            f"{year}".encode(),
            at=DAY.format(3),
            url=f"http://czj.example/f{year}.html",
            report_year=year,
            figures=figures,
        )
    see(b"copy", at=DAY.format(3), url="http://mirror.example/1.html", source="mirror", agency=None)
    see(b"gone", at=DAY.format(4), url="http://czj.example/1.html", outcome="gone", status=404)
    see(None, at=DAY.format(4), url="http://czj.example/2.html", outcome="failed")
    return store.path


def from_jsonl(file: Path, columns: tuple[Column, ...]) -> Iterator[list[Any]]:
    with file.open(encoding="utf-8", newline="\n") as stream:
        for line in stream:
            row = json.loads(line)
            assert list(row) == [column.name for column in columns]
            yield list(row.values())


def from_csv(file: Path, columns: tuple[Column, ...]) -> Iterator[list[Any]]:
    kinds: dict[str, Callable[[str], Any]] = {
        "integer": int, "number": float, "boolean": {"true": True, "false": False}.__getitem__, "json": json.loads,
    }  # fmt: skip
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            head, *rows = csv.reader(stream)
    finally:
        csv.field_size_limit(limit)
    assert head == [column.name for column in columns]
    for row in rows:
        yield [kinds.get(c.kind, str)(v) if v else None for c, v in zip(columns, row, strict=True)]


def from_parquet(file: Path, columns: tuple[Column, ...]) -> Iterator[list[Any]]:
    table = pyarrow.parquet.read_table(file)
    assert [(f.name, f.metadata[b"meaning"].decode()) for f in table.schema] == [(c.name, c.meaning) for c in columns]

    def back(value: Any, kind: str) -> Any:
        if isinstance(value, datetime):
            assert value.tzinfo is not None
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if isinstance(value, date):
            return value.isoformat()
        return json.loads(value) if kind == "json" and value is not None else value

    for row in table.to_pylist():
        yield [back(row[c.name], c.kind) for c in columns]


READ = {"jsonl": from_jsonl, "csv": from_csv, "parquet": from_parquet}


def truth(db: sqlite3.Connection, name: str) -> list[list[Any]]:
    rows = []
    for row in db.execute(ALL[name].query):
        values = zip(row, ALL[name].columns, strict=True)
        rows.append(
            [
                v if v is None else json.loads(v) if c.kind == "json" else bool(v) if c.kind == "boolean" else v
                for v, c in values
            ]
        )
    return rows


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_what_the_archive_holds(archive: Path, tmp_path: Path, form: str) -> None:
    db = connect(archive)
    made = dict(export(db, tmp_path / "out", form=form, dictionary=DICTIONARY))
    assert [file.name for file in made] == [f"{name}.{form}" for name in ALL]
    for (file, count), (name, table) in zip(made.items(), ALL.items(), strict=True):
        rows, expected = list(READ[form](file, table.columns)), truth(db, name)
        if form == "csv":  # it has one way to write nothing
            expected = [[None if value == "" else value for value in row] for row in expected]
        assert rows == expected, name
        assert len(rows) == count


def test_the_tables_hold_all_versions_reports_and_captures(archive: Path) -> None:
    db = connect(archive)
    for name in ("versions", "reports", "captures", "events", "facts", "carriers"):
        assert len(truth(db, name)) == db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
    texts = [dict(zip((c.name for c in TABLES["texts"].columns), row, strict=True)) for row in truth(db, "texts")]
    assert {text["text"] for text in texts} >= {*ODD.values(), *(f"{words}。" for words in ODD.values())}
    assert len({(text["page"], text["key"]) for text in texts}) == len(texts) == len(truth(db, "versions"))
    assert {text["standing"] for text in texts if text["agency"] == "云岫县财政局"} == {"official", "copy"}


@pytest.mark.parametrize("form", FORMS)
def test_two_exports_are_the_same_bytes(archive: Path, tmp_path: Path, form: str) -> None:
    first, second = (
        [*export(connect(archive), tmp_path / folder, form=form, dictionary=DICTIONARY)] for folder in ("a", "b")
    )
    for (one, _), (other, _) in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_wide_table_has_what_is_certain_in_the_dictionarys_order(archive: Path) -> None:
    db = connect(archive)
    for form, rows in WIDE.items():
        table = ALL[f"wide-{form}"]
        codes = [f"t.{row}.n" for of_form, _, row, _ in MEANINGS if of_form == form]
        assert [column.name for column in table.columns] == ["report", "agency", "year", "region", *codes]
        assert sorted(row[2:3] + row[4:] for row in truth(db, f"wide-{form}")) == rows


def test_checks_of_a_report_and_between_years_are_one_table(archive: Path) -> None:
    checks = truth(connect(archive), "checks")
    assert sorted([row[2], *row[5:]] for row in checks) == [
        [2001, "r", "n", "hard", 1, 0.5, False, False], [2003, "last", "n", "soft", 3, 5, False, True],
    ]  # fmt: skip


def test_the_schema_is_whole(archive: Path) -> None:
    db = connect(archive)
    for name, table in ALL.items():
        assert table.meaning
        assert len({c.name for c in table.columns}) == len(table.columns), name
        assert {c.kind for c in table.columns} <= KINDS.keys()
        assert len(db.execute(table.query).description) == len(table.columns), name
        assert "ORDER BY" in table.query


def test_excel_is_told_the_encoding(archive: Path, tmp_path: Path) -> None:
    [*export(connect(archive), tmp_path / "r.csv", form="csv", tables=["reports"])]
    assert (tmp_path / "r.csv").read_bytes().startswith(b"\xef\xbb\xbfid,agency,year,")


def test_a_state_is_exported_whatever_is_written_meanwhile(
    store: Store, see: Callable[..., Any], tmp_path: Path
) -> None:
    see(b"one", at=DAY.format(1))
    work = export(connect(store.path), tmp_path, form="jsonl", tables=["reports", "captures"])
    assert next(work)[1] == 1
    see(b"two", at=DAY.format(2))
    assert next(work)[1] == 1


def test_one_table_to_a_file_and_more_to_a_folder(archive: Path, tmp_path: Path) -> None:
    done = gongkai("export", "jsonl", "--archive", archive, "--table", "reports", "-o", tmp_path / "new" / "r.jsonl")
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'new' / 'r.jsonl'}: 10 rows\n")
    with pytest.raises(ExportError, match=r"a file holds one table, got texts, reports"):
        [*export(connect(archive), tmp_path / "r.csv", form="csv", tables=["texts", "reports"])]
    (tmp_path / "taken").write_text("")
    with pytest.raises(ExportError, match=r"got wide, expected tables of texts, .*, carriers$"):
        [*export(connect(archive), tmp_path, form="csv", tables=["reports", "wide"])]
    with pytest.raises(ExportError, match="taken"):
        [*export(connect(archive), tmp_path / "taken", form="csv")]


def test_without_pyarrow_it_says_what_to_install(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"pip install 'gongkai\[parquet\]'"):
        [*export(connect(archive), tmp_path, form="parquet")]
    assert not list(tmp_path.glob("*.parquet*"))
