"""Reports of every form with invented numbers that keep its rules: what was printed, and the facts that are true of it.

A table is a rectangle of cells; a merged cell stands, as the same object, in every place that it covers.
"""

from __future__ import annotations

import html
import itertools
import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from archive.records import Grid
from pipelines.grids import pipe_row

FOLDER = Path(__file__).parents[2] / "pipelines" / "forms"
FORMS = sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != "prose")
WIDTH = {"t2": 4, "t3": 3}
JL_SHEETS = (("人员配置", "学习培训"), ("公开数量", "公开的内容", "公开的形式", "公开的及时性"), ("申请情况", "申请处理情况"),
             ("行政复议", "行政诉讼"), ("收费",))  # fmt: skip
Code = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell:
    """One printed cell; `code` and `value` are those of the fact that it holds."""

    text: str
    role: Literal["head", "group", "label", "unit", "value", "other"] = "other"
    code: Code | None = None
    value: int | float | None = None
    unit: str = ""


Rows = tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One printed table under its heading."""

    id: str
    heading: str
    rows: Rows


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one page shows."""

    title: str
    year: int
    sheets: tuple[Sheet, ...]

    def facts(self) -> dict[Code, Cell]:
        """Give each fact that is printed, by its code."""
        return {cell.code: cell for sheet in self.sheets for row in sheet.rows for cell in row if cell.code}


@cache
def form(name: str) -> dict[str, Any]:
    """Read one form's own file."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def report(name: str, *, seed: int) -> Report:
    """Make one report of a form; every odd seed is mostly zeros, as most are, the others all full."""
    made, dice = form(name), random.Random(f"{name} {seed}")
    first, last = (made["years"] + [made["years"][0] + 3])[:2]
    year = dice.randint(first, last)
    sheets = []
    for table in made["table"]:
        facts = dict(_cells(name, table, dice, sparse=seed % 2 == 1))
        sheets += list(_sheets(name, table, facts, year))
    return Report(title=f"云岫县财政局{year}年政府信息公开工作年度报告", year=year, sheets=tuple(sheets))


# --- numbers ---


def _cells(name: str, table: dict[str, Any], dice: random.Random, *, sparse: bool) -> Iterator[tuple[Code, Cell]]:
    columns = [column["code"] for column in table["columns"]]
    rows = [row for row in table["rows"] if row.get("value", True)]
    keep_rows = [rule for rule in table["rules"] if rule["scope"] == "columns" and rule["level"] == "hard"]
    sums = {rule["left"][0]: rule["right"] for rule in table["rules"] if rule["scope"] == "rows" and rule["op"] == "="
            and "last" not in rule}  # fmt: skip
    numbers: dict[tuple[str, str], int | float] = {}
    for column in columns:
        if column not in sums:
            made = _column([row["code"] for row in rows], keep_rows, dice, sparse=sparse)
            numbers |= {(row, column): number for row, number in made.items()}
    for row in rows:
        for total, parts in sums.items():
            numbers[row["code"], total] = sum(numbers[row["code"], part] for part in parts)
        for rule in table["rules"]:
            if rule["scope"] == "rows" and rule["op"] == "<=" and rule["left"][0] in row.get("columns", columns):
                numbers[row["code"], rule["right"][0]] += numbers[row["code"], rule["left"][0]]
    units = {column["code"]: column.get("unit") for column in table["columns"]}
    for row in rows:
        for column in row.get("columns", columns):
            number = numbers[row["code"], column]
            unit = row.get("unit") or units[column] or table.get("unit", "")
            if unit in ("万元", "元") and not any(row["code"] in (*rule["left"], *rule["right"]) for rule in keep_rows):
                number = round(number + dice.randint(1, 99) / 100, 2) if number else 0
            text = f"{number}"
            if column == "amt" and not unit:
                text, unit = f"{text}元", "元"
            if column == "delta" and number:
                number, text = dice.choice([(-number, f"-{number}"), (number, f"+{number}"), (number, text)])
            code = (name, table["id"], row["code"], column)
            yield code, Cell(text=text, role="value", code=code, value=number, unit=unit)


def _column(rows: list[str], rules: list[dict[str, Any]], dice: random.Random, *, sparse: bool) -> dict[str, int]:
    """Throw one column's numbers, and mend them rule by rule until every rule holds."""
    numbers = {row: 0 if sparse and dice.random() < 0.7 else dice.choice([dice.randint(1, 99), dice.randint(100, 9999)])
               for row in rows}  # fmt: skip
    for _ in rules:
        for rule in rules:
            left, right = rule["left"], rule["right"]
            if rule["op"] == "<=":
                numbers[left[0]] = min(numbers[left[0]], sum(numbers[row] for row in right))
            elif len(left) == 1:
                numbers[left[0]] = sum(numbers[row] for row in right)
            else:  # 1 + 2 = 3.7 + 4
                whole = sum(numbers[row] for row in right)
                numbers[left[1]] = min(numbers[left[1]], whole // 3)
                numbers[left[0]] = whole - numbers[left[1]]
    return numbers


# --- print ---


def _sheets(name: str, table: dict[str, Any], cells: dict[Code, Cell], year: int) -> Iterator[Sheet]:
    id_ = table["id"]
    if id_ in ("t2", "t3", "t4"):
        make = {"t2": _disclosed, "t3": _requests, "t4": _disputes}[id_]
        yield Sheet(id=id_, heading="二三四"[int(id_[1]) - 2] + "、" + table["title"], rows=make(name, table, cells))
        return
    groups = JL_SHEETS if name == "local-jl-city-2018" else (None,)
    for group in groups:
        yield Sheet(id=id_, heading=table["title"], rows=_list(name, table, cells, year, group))


def _head(text: str) -> Cell:
    return Cell(text=text, role="head")


def _disclosed(name: str, table: dict[str, Any], cells: dict[Code, Cell]) -> Rows:
    labels = {column["code"]: column["label"] for column in table["columns"]}
    rows: list[tuple[Cell, ...]] = []
    for block in (row for row in table["rows"] if not row.get("value", True)):
        inside = [row for row in table["rows"] if row.get("parent") == block["code"]]
        columns = inside[0]["columns"]
        rows.append((Cell(text=block["label"], role="group"),) * 4)
        rows.append(_wide([_head("信息内容"), *(_head(labels[column]) for column in columns)], 4))
        for row in inside:
            label = Cell(text=row["label"], role="label")
            rows.append(_wide([label, *(cells[name, "t2", row["code"], column] for column in columns)], 4))
    return tuple(rows)


def _wide(cells: list[Cell], width: int) -> tuple[Cell, ...]:
    return (*cells, *[cells[-1]] * (width - len(cells)))


def _requests(name: str, table: dict[str, Any], cells: dict[Code, Cell]) -> Rows:
    note = _head("（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）")
    who, group = _head("申请人情况"), _head("法人或其他组织")
    labels = [_head(column["label"]) for column in table["columns"]]
    rows = [
        (note,) * 3 + (who,) * 7,
        (note,) * 3 + (labels[0],) + (group,) * 5 + (labels[-1],),
        (note,) * 3 + tuple(labels),
    ]
    made: dict[str, Cell] = {row["code"]: Cell(text=row["label"], role="label") for row in table["rows"]}
    parents = {row["code"]: row.get("parent") for row in table["rows"]}
    for row in table["rows"]:
        if row.get("value", True):
            path, code = [], row["code"]
            while code:
                path.insert(0, made[code])
                code = parents[code]
            values = (cells[name, "t3", row["code"], column["code"]] for column in table["columns"])
            rows.append((*_wide(path, 3), *values))
    return tuple(rows)


def _disputes(name: str, table: dict[str, Any], cells: dict[Code, Cell]) -> Rows:
    review, court, straight, after = map(_head, ("行政复议", "行政诉讼", "未经复议直接起诉", "复议后起诉"))
    labels = [_head(column["label"]) for column in table["columns"]]
    return (
        (review,) * 5 + (court,) * 10,
        (*labels[:5], *(straight,) * 5, *(after,) * 5),
        tuple(labels),
        tuple(cells[name, "t4", "n", column["code"]] for column in table["columns"]),
    )


def _list(name: str, table: dict[str, Any], cells: dict[Code, Cell], year: int, groups: Any) -> Rows:
    units = any(row.get("unit") for row in table["rows"])
    codes = name == "local-sh-2004"
    head = [_head("指标")] * (2 if groups else 1) + [_head("代码")] * codes + [_head("单位")] * units
    named = {"{YYYY}": str(year), "{YY}": f"{year % 100:02}"}
    for column in table["columns"]:
        label = column["label"]
        for mark, words in named.items():
            label = label.replace(mark, words)
        head.append(_head(label))
    rows = [tuple(head)]
    first = {group: Cell(text=group, role="group") for group in groups or ()}
    for row in table["rows"]:
        if groups and row["group"] not in groups:
            continue
        valued = row.get("value", True)
        rows.append((
            *([first[row["group"]]] if groups else []),
            Cell(text=row["label"], role="label"),
            *([Cell(text=row["code"])] if codes else []),
            *([Cell(text=row.get("unit", ""), role="unit")] if units else []),
            *(cells[name, table["id"], row["code"], column["code"]] if valued else Cell(text="") for column in table["columns"]),
        ))  # fmt: skip
    return tuple(rows)


# --- render ---


def grids(made: Report) -> tuple[str, tuple[Grid, ...]]:
    """Give the text and the grids that cleaning makes of a page."""
    found = tuple(tuple(tuple(cell.text for cell in row) for row in sheet.rows) for sheet in made.sheets)
    lines = [made.title]
    for sheet, grid in zip(made.sheets, found, strict=True):
        lines += [sheet.heading, *map(pipe_row, grid)]
    return "\n".join(lines), found


def lines(made: Report) -> str:
    """Flatten a page to one cell a line: each cell once, the blank ones lost."""
    return _flat(made, lambda row: [cell.text for cell in row if cell.text.strip()])


def bars(made: Report) -> str:
    """Flatten a page to one row a line, with bars after the cells: a merged cell stands where it begins."""
    return _flat(made, lambda row: ["".join(f"{cell.text} | " for cell in row).rstrip()] if row else [])


def spaced(made: Report) -> str:
    """Flatten a page to one row a line, with blanks between the cells, as text copied from a PDF has it."""
    return _flat(made, lambda row: [" ".join(cell.text for cell in row if cell.text.strip())])


def glued(made: Report) -> str:
    """Flatten a page to one cell a line, with the numbers of a row in one line and nothing between them."""

    def write(row: list[Cell]) -> list[str]:
        return [
            *(cell.text for cell in row if cell.text and cell.role != "value"),
            "".join(cell.text for cell in row if cell.role == "value"),
        ]

    return _flat(made, write)


def _flat(made: Report, write: Any) -> str:
    out = [made.title]
    for sheet in made.sheets:
        out.append(sheet.heading)
        seen: set[int] = set()
        for row in sheet.rows:
            new = [cell for cell in dict.fromkeys(row) if id(cell) not in seen]
            seen.update(map(id, new))
            out += write(new)
    return "\n".join(line for line in out if line)


def page(made: Report) -> bytes:
    """Write a page as an editor would, with merged cells spanned."""
    body = ""
    for sheet in made.sheets:
        body += f"<p>{html.escape(sheet.heading)}</p>\n<table border='1'>"
        seen: set[int] = set()
        for r, row in enumerate(sheet.rows):
            body += "<tr>"
            for c, cell in enumerate(row):
                if id(cell) in seen:
                    continue
                seen.add(id(cell))
                wide = sum(1 for _ in itertools.takewhile(lambda other, cell=cell: other is cell, row[c:]))
                deep = sum(
                    1 for _ in itertools.takewhile(lambda below, c=c, cell=cell: below[c] is cell, sheet.rows[r:])
                )
                spans = f' colspan="{wide}"' * (wide > 1) + f' rowspan="{deep}"' * (deep > 1)
                body += f"<td{spans}>{html.escape(cell.text)}</td>"
            body += "</tr>\n"
        body += "</table>\n"
    prose = "<p>根据《中华人民共和国政府信息公开条例》的规定，现公布本年度报告，全文由总体情况和统计表组成。</p>\n" * 3
    return (f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>{made.title}</title></head><body><h1>{made.title}</h1>"
            f"<div class='TRS_Editor'>{prose}{body}</div></body></html>").encode()  # fmt: skip
