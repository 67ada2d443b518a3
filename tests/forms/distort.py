"""What offices and their editors do to a printed form: each distortion makes another report of a report.

None changes what is true: a cell keeps its fact wherever it goes, and one that is taken out takes its fact with it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from forms.reports import FORMS, Cell, Report, Rows, Sheet, report

Change = Callable[[Rows, random.Random], Rows | list[Rows]]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
NUMBER = re.compile(
    r"^(其中[：:])?\s*([（(][一二三四五六七八九十]+[)）]|[一二三四五六七八九十]+、|\d+[.、]|[(（]\d+[)）]|[⑴⑵⑶⑷⑸①②③④])"
)
VARIANTS = {"（": "(", "）": ")", "“": '"', "”": '"', "总计": "合计", "行政规范性文件": "规范性文件", "其中：": "其中:",
            "其他": "其它", "统计数": "数 量", "，": ","}  # fmt: skip
INDENT = "\u3000"


def distort(made: Report, name: str, *, seed: int) -> Report:
    """Distort every table of a report by one distortion."""
    dice = random.Random(f"{name} {seed} {made.title}")
    if name in WHOLE:
        return WHOLE[name](made, dice)
    sheets: list[Sheet] = []
    for sheet in made.sheets:
        changed = TABLES[name](sheet.rows, dice)
        several = changed if isinstance(changed, list) else [changed]
        sheets += [
            replace(sheet, rows=_whole(rows), heading="" if n else sheet.heading) for n, rows in enumerate(several)
        ]
    return replace(made, sheets=tuple(sheets))


# --- helpers ---


def _whole(rows: Rows) -> Rows:
    """Make two cells of a merged cell that something has come between."""
    out: list[list[Cell]] = []
    seen: set[Cell] = set()
    for r, row in enumerate(rows):
        out.append([])
        for c, cell in enumerate(row):
            left, above = c and row[c - 1] is cell, r and rows[r - 1][c] is cell
            out[r].append(
                out[r][c - 1] if left else out[r - 1][c] if above else replace(cell) if cell in seen else cell
            )
            seen.add(cell)
    return tuple(map(tuple, out))


def _each(change: Callable[[Cell, random.Random], str | None], *roles: str) -> Change:
    """Change the words of the cells of some roles; a merged cell changes once."""

    def changed(rows: Rows, dice: random.Random) -> Rows:
        new: dict[Cell, Cell] = {}
        for row in rows:
            for cell in row:
                if cell not in new:
                    words = change(cell, dice) if cell.role in roles and cell.text else None
                    new[cell] = cell if words is None else replace(cell, text=words)
        return tuple(tuple(new[cell] for cell in row) for row in rows)

    return changed


def _signed(sign: Callable[[random.Random], str]) -> Change:
    """Write a sign for nothing in the place of zeros."""

    def changed(rows: Rows, dice: random.Random) -> Rows:
        zeros = dict.fromkeys(cell for row in rows for cell in row if cell.code and cell.text == "0")
        signs = {cell: sign(dice) for cell in zeros}
        new = {cell: replace(cell, text=words, value=None) for cell, words in signs.items() if words != "0"}
        return tuple(tuple(new.get(cell, cell) for cell in row) for row in rows)

    return changed


def _blank() -> Cell:
    return Cell(text="")


def _is_head(row: tuple[Cell, ...]) -> bool:
    return any(cell.role == "head" for cell in row) and not any(cell.code for cell in row)


def _heads(rows: Rows) -> int:
    """Count the rows of the head at the top; none in a table whose heads stand between its rows."""
    return next((n for n, row in enumerate(rows) if not _is_head(row)), 0)


def _value_columns(rows: Rows) -> list[int]:
    return [n for n, column in enumerate(zip(*rows, strict=True)) if any(cell.code for cell in column)]


def _is_tree(rows: Rows) -> bool:
    """Tell a table whose rows have three columns of labels."""
    return any([cell.role for cell in row[:4]] == ["label", "label", "label", "value"] for row in rows)


def _columns(rows: Rows, order: Iterable[int]) -> Rows:
    order = list(order)
    return tuple(tuple(row[n] for n in order) for row in rows)


def _insert(rows: Rows, at: int, column: list[Cell]) -> Rows:
    return tuple((*row[:at], cell, *row[at:]) for row, cell in zip(rows, column, strict=True))


def _head_of(rows: Rows, words: str, body: Callable[[int], Cell]) -> list[Cell]:
    """Make a column: one merged head beside each run of head rows, and a cell beside each other row."""
    column: list[Cell] = []
    for n, row in enumerate(rows):
        if _is_head(row):
            column.append(column[-1] if n and _is_head(rows[n - 1]) else Cell(text=words, role="head"))
        else:
            column.append(body(n) if any(cell.code for cell in row) else _blank())
    return column


def _pad(rows: list[tuple[Cell, ...]]) -> Rows:
    width = max(map(len, rows))
    return tuple((*row, *(_blank() for _ in range(width - len(row)))) for row in rows)


# --- merged cells ---


def spans_blank(rows: Rows, _: random.Random) -> Rows:
    """A merged cell's words stand in its first place alone."""
    seen: set[Cell] = set()
    return tuple(tuple(_blank() if cell in seen or seen.add(cell) else cell for cell in row) for row in rows)


def colspans_blank(rows: Rows, _: random.Random) -> Rows:
    """A cell merged along a row stands once in it."""
    return tuple(tuple(_blank() if n and cell is row[n - 1] else cell for n, cell in enumerate(row)) for row in rows)


def spans_lost(rows: Rows, _: random.Random) -> Rows:
    """Merged places are not there at all: rows of unequal length."""
    seen: set[Cell] = set()
    return _pad([tuple(cell for cell in row if not (cell in seen or seen.add(cell))) for row in rows])


def parents_lost(rows: Rows, _: random.Random) -> Rows:
    """Of several columns of labels only the last is left."""
    return _columns(rows, range(2, len(rows[0]))) if _is_tree(rows) else rows


def labels_joined(rows: Rows, _: random.Random) -> Rows:
    """The labels of a row stand in one cell."""
    if not _is_tree(rows):
        return rows
    return tuple(
        row
        if _is_head(row)
        else (Cell(text="".join(cell.text for cell in dict.fromkeys(row[:3])), role="label"),) * 3 + row[3:]
        for row in rows
    )


# --- heads ---


def head_merged(rows: Rows, _: random.Random) -> Rows:
    """The rows of a head are one, their words joined."""
    heads = _heads(rows)
    joined = tuple(Cell(text="".join(cell.text for cell in dict.fromkeys(column[:heads])), role="head")
                   for column in zip(*rows, strict=True))  # fmt: skip
    return (joined, *rows[heads:]) if heads > 1 else rows


def head_split(rows: Rows, _: random.Random) -> Rows:
    """A head's words run over two rows."""
    out: list[tuple[Cell, ...]] = []
    for n, row in enumerate(rows):
        if _is_head(row) and not (n + 1 < len(rows) and _is_head(rows[n + 1])):
            above = {cell for other in rows[max(n - 2, 0) : n] for cell in other}
            halves = {cell: (cell, cell) if cell in above else (replace(cell, text=cell.text[:len(cell.text) // 2]),
                                                               replace(cell, text=cell.text[len(cell.text) // 2:]))
                      for cell in dict.fromkeys(row)}  # fmt: skip
            out += [tuple(halves[cell][0] for cell in row), tuple(halves[cell][1] for cell in row)]
        else:
            out.append(row)
    return tuple(out)


def _again(rows: Rows) -> Rows:
    return _each_cell(rows, replace)


def head_repeated(rows: Rows, dice: random.Random) -> Rows:
    """The head stands again where a page ended."""
    heads = _heads(rows)
    if not heads or len(rows) - heads < 4:
        return rows
    at = dice.randint(heads + 2, len(rows) - 1)
    return (*rows[:at], *_again(rows[:heads]), *rows[at:])


def broken(rows: Rows, dice: random.Random) -> list[Rows]:
    """The table is two, the second without a head."""
    heads = _heads(rows)
    if len(rows) - heads < 4:
        return [rows]
    at = dice.randint(heads + 2, len(rows) - 2)
    return [rows[:at], rows[at:]]


def broken_with_head(rows: Rows, dice: random.Random) -> list[Rows]:
    """The table is two, each with the head."""
    heads, halves = _heads(rows), broken(rows, dice)
    return halves if len(halves) == 1 or not heads else [halves[0], (*_again(rows[:heads]), *halves[1])]


def headless(rows: Rows, _: random.Random) -> Rows:
    """No head at all."""
    return tuple(row for row in rows if not _is_head(row))


def group_head_missing(rows: Rows, _: random.Random) -> Rows:
    """The first row of a head of several is gone."""
    return rows[1:] if _heads(rows) > 1 else rows


def last_head_only(rows: Rows, _: random.Random) -> Rows:
    """Of a head of several rows the last alone is left."""
    return rows[max(_heads(rows) - 1, 0) :]


# --- rows and columns ---


def blank_column(rows: Rows, dice: random.Random) -> Rows:
    """A column without words stands anywhere but in the middle of a number."""
    free = [at for at in range(1, len(rows[0])) if not any(row[at].code and row[at - 1] is row[at] for row in rows)]
    return _insert(rows, dice.choice([0, *free, len(rows[0])]), [_blank() for _ in rows])


def blank_columns(rows: Rows, dice: random.Random) -> Rows:
    for _ in range(3):
        rows = blank_column(rows, dice)
    return rows


def blank_rows(rows: Rows, dice: random.Random) -> Rows:
    for _ in range(3):
        at = dice.randint(0, len(rows))
        rows = (*rows[:at], tuple(_blank() for _ in rows[0]), *rows[at:])
    return rows


def transposed(rows: Rows, _: random.Random) -> Rows:
    """A small table lies on its side."""
    return tuple(zip(*rows, strict=True)) if len(rows) <= 8 else rows


def swapped_columns(rows: Rows, dice: random.Random) -> Rows:
    """Two columns have changed places, with their heads."""
    values = _value_columns(rows)
    if len(values) < 2 or not _heads(rows):
        return rows
    one, two = dice.sample(values, 2)
    order = list(range(len(rows[0])))
    order[one], order[two] = two, one
    return _columns(rows, order)


def total_first(rows: Rows, _: random.Random) -> Rows:
    """The last column is the first of the numbers."""
    values = _value_columns(rows)
    if len(values) < 2 or not _heads(rows):
        return rows
    order = [n for n in range(len(rows[0])) if n != values[-1]]
    return _columns(rows, [*order[: values[0]], values[-1], *order[values[0] :]])


def swapped_rows(rows: Rows, dice: random.Random) -> Rows:
    """Two neighbouring rows with the same parents have changed places."""
    same = [n for n in range(1, len(rows)) if not _is_head(rows[n - 1]) and rows[n][:2] == rows[n - 1][:2]]
    if not _is_tree(rows):
        return rows
    at = dice.choice(same)
    return (*rows[: at - 1], rows[at], rows[at - 1], *rows[at + 1 :])


def extra_row(rows: Rows, dice: random.Random) -> Rows:
    """A row that no form has."""
    last = next((row for row in reversed(rows) if any(cell.role == "label" for cell in row)), None)
    if last is None:
        return rows
    label = Cell(
        text=dice.choice(["接听市民热线电话总量", "其中：涉及征地拆迁的事项", "网站无障碍浏览次数"]), role="label"
    )
    made = tuple(label if cell.role in ("label", "group") else Cell(text=f"{dice.randint(1, 999)}" if cell.code else cell.text)
                 for cell in last)  # fmt: skip
    at = dice.randint(rows.index(last), len(rows))
    return (*rows[:at], made, *rows[at:])


def _extra_column(words: str, body: Callable[[random.Random], str]) -> Change:
    def changed(rows: Rows, dice: random.Random) -> Rows:
        if not any(map(_is_head, rows)):
            return rows
        at = dice.choice([*_value_columns(rows)[1:], len(rows[0])])
        if any(at < len(row) and row[at - 1] is row[at] for row in rows):
            at = len(rows[0])
        return _insert(rows, at, _head_of(rows, words, lambda _: Cell(text=body(dice))))

    return changed


def no_total_column(rows: Rows, _: random.Random) -> Rows:
    values = _value_columns(rows)
    totals = [n for n in values if any(cell.text == "总计" for cell in (row[n] for row in rows))]
    return _columns(rows, [n for n in range(len(rows[0])) if n not in totals])


def row_missing(rows: Rows, dice: random.Random) -> Rows:
    """One row of numbers, with its label, is not there."""
    full = [
        n for n, row in enumerate(rows) if any(cell.code for cell in row) and any(cell.role == "label" for cell in row)
    ]
    at = dice.choice(full) if len(full) > 2 else None
    return tuple(row for n, row in enumerate(rows) if n != at)


def no_units(rows: Rows, _: random.Random) -> Rows:
    return _columns(rows, [n for n in range(len(rows[0])) if not any(row[n].role == "unit" for row in rows)])


def unit_in_label(rows: Rows, _: random.Random) -> Rows:
    """The unit stands in brackets behind the label, not in a column."""
    new: dict[Cell, Cell] = {}
    for row in rows:
        unit = next((cell.text for cell in row if cell.role == "unit"), "")
        new |= {cell: replace(cell, text=f"{cell.text}（{unit}）") for cell in row if cell.role == "label" and unit}
    return no_units(tuple(tuple(new.get(cell, cell) for cell in row) for row in rows), random.Random(0))


def serial_column(rows: Rows, _: random.Random) -> Rows:
    """The rows are counted in a column of its own."""
    count = iter(range(1, len(rows) + 1))
    return _insert(rows, 0, _head_of(rows, "序号", lambda _: Cell(text=str(next(count)))))


def numbering_apart(rows: Rows, _: random.Random) -> Rows:
    """A label's numbering stands in a cell of its own."""
    if (_value_columns(rows) or [0])[0] not in (1, 2) or not any(_numbering(cell) for row in rows for cell in row):
        return rows
    out = []
    for row in rows:
        label = next((n for n, cell in enumerate(row) if cell.role == "label"), None)
        if label is None:
            out.append((row[0], *row))
            continue
        words = _numbering(row[label])
        rest = replace(row[label], text=row[label].text.removeprefix(words))
        out.append((*row[:label], Cell(text=words), rest, *row[label + 1 :]))
    return tuple(out)


def _numbering(cell: Cell) -> str:
    found = NUMBER.match(cell.text) if cell.role == "label" else None
    return found[0] if found else ""


def side_by_side(rows: Rows, _: random.Random) -> Rows:
    """A long list is printed in two halves beside each other."""
    heads = _heads(rows)
    if heads != 1 or len(rows) < 12 or any(cell.role == "group" for row in rows for cell in row):
        return rows
    half = (len(rows) - 1 + 1) // 2
    left, right = rows[1 : 1 + half], list(rows[1 + half :])
    right += [tuple(_blank() for _ in rows[0])] * (len(left) - len(right))
    return ((*rows[0], *_again(rows[:1])[0]), *((*one, *two) for one, two in zip(left, right, strict=True)))


def notes_below(rows: Rows, _: random.Random) -> Rows:
    note = Cell(text="注：1.本表统计期限为1月1日至12月31日；2.依申请公开按件统计，共3类15项。")
    writer = Cell(text="填报人：某某"), Cell(text="联系电话：0999-1234567")
    tail = tuple(writer[n * 2 // len(rows[0])] for n in range(len(rows[0])))
    return (*rows, (note,) * len(rows[0]), tail)


def of_which_row(rows: Rows, _: random.Random) -> Rows:
    """其中 stands in a row of its own."""
    out: list[tuple[Cell, ...]] = []
    for row in rows:
        label = next((cell for cell in row if cell.role == "label" and cell.text.startswith("其中")), None)
        if label:
            out.append(
                tuple(
                    Cell(text="其中：") if cell is label else cell if cell.role == "group" else _blank() for cell in row
                )
            )
            row = tuple(replace(label, text=label.text[3:]) if cell is label else cell for cell in row)  # noqa: PLW2901
        out.append(row)
    return tuple(out)


# --- words ---


def _typo(cell: Cell, dice: random.Random) -> str:
    places = [found.start() for found in CHINESE.finditer(cell.text)]
    at = dice.choice(places[len(places) // 3 :])
    return cell.text[:at] + dice.choice(["", "的", cell.text[at] * 2]) + cell.text[at + 1 :]


def _typos(share: float) -> Change:
    return _each(lambda cell, dice: _typo(cell, dice) if dice.random() < share and CHINESE.search(cell.text) else None,
                 "label", "head", "group")  # fmt: skip


def _spaced(cell: Cell, dice: random.Random) -> str:
    at = dice.randint(1, max(len(cell.text) - 1, 1))
    return cell.text[:at] + dice.choice([" ", "\u3000", "  ", " \u3000 "]) + cell.text[at:]


def _varied(cell: Cell, dice: random.Random) -> str:
    words = cell.text
    for one, other in VARIANTS.items():
        if dice.random() < 0.7 and not (one == "总计" and words == "（七）总计"):
            words = words.replace(one, other)
    return words


def _renumbered(cell: Cell, dice: random.Random) -> str | None:
    found = NUMBER.match(cell.text)
    if not found:
        return None
    mark, rest = found[2], cell.text[found.end() :]
    count = mark.strip("（）()、.")
    style = dice.choice(["（{}）", "({})", "{}、", "{}．", "{}. ", "{} "] if len(count) == 1 else ["{}、"])
    return (found[1] or "") + (mark if mark[0] in "⑴⑵⑶⑷⑸①②③④" else style.format(count)) + rest


def _unnumbered(cell: Cell, _: random.Random) -> str | None:
    found = NUMBER.match(cell.text)
    return (found[1] or "") + cell.text[found.end() :] if found else None


def _indented(cell: Cell, _: random.Random) -> str | None:
    found = NUMBER.match(cell.text)
    depth = 2 if found and found[2][0].isdigit() else 1 if found and found[2][0] in "（(" else 0
    return INDENT * 2 * depth + (cell.text[found.end() :] if found else INDENT * 4 + cell.text.removeprefix("其中："))


def _unit_in_cell(cell: Cell, _: random.Random) -> str | None:
    return f"{cell.text}{cell.unit}" if cell.text[-1:].isdigit() else None


def money_in_yuan(rows: Rows, _: random.Random) -> Rows:
    """Money is told in 元 beside each number, whatever unit the form asks for."""
    new = {cell: replace(cell, text=f"{cell.text}元", unit="元")
           for cell in dict.fromkeys(cell for row in rows for cell in row) if cell.unit == "万元"}  # fmt: skip
    return tuple(tuple(new.get(cell, cell) for cell in row) for row in rows)


def label_over_two_rows(rows: Rows, dice: random.Random) -> Rows:
    """A long label runs over two rows, as in a table taken from a PDF; the numbers stand beside its end."""
    out: list[tuple[Cell, ...]] = []
    for row in rows:
        label = next((cell for cell in row if cell.role == "label" and cell.code is None and len(cell.text) > 12), None)
        if label and dice.random() < 0.2 and sum(label in other for other in rows) == 1:
            at = dice.randint(6, len(label.text) - 4)
            above, below = replace(label, text=label.text[:at]), replace(label, text=label.text[at:])
            out.append(tuple(above if cell is label else _blank() if cell.role != "group" else cell for cell in row))
            out.append(tuple(below if cell is label else cell for cell in row))
        else:
            out.append(row)
    return tuple(out)


def subtotal_row(rows: Rows, _: random.Random) -> Rows:
    """A subtotal that the form does not have stands below some rows."""
    if not _is_tree(rows):
        return rows
    at = next(n for n, row in enumerate(rows) if row[1].text.startswith("（四）"))
    words = [f"{sum(row[n].value or 0 for row in rows[at - 8 : at])}" for n in range(3, len(rows[0]))]
    made = (*rows[at - 1][:2], Cell(text="小计", role="label"), *(Cell(text=word) for word in words))
    return (*rows[:at], made, *rows[at:])


def _grouped(mark: str) -> Change:
    """Put a mark between thousands."""
    return _each(lambda cell, _: re.sub(r"(?<=\d)(?=(\d{3})+(?!\d))", mark, cell.text, count=0) if cell.text.isdigit() else None,
                 "value")  # fmt: skip


def _wide(cell: Cell, _: random.Random) -> str:
    return cell.text.translate({ord("0") + n: ord("０") + n for n in range(10)} | {ord("."): "．"})


# --- the whole report ---


def two_forms(made: Report, dice: random.Random) -> Report:
    """Another form's tables stand on the same page."""
    here = {code[0] for code in made.facts()}
    other = dice.choice([form for form in FORMS if form not in here and form[:3] != next(iter(here))[:3]])
    return replace(made, sheets=(*made.sheets, *report(other, seed=dice.randint(0, 99)).sheets))


def one_table(made: Report, _: random.Random) -> Report:
    """All tables are one, under each other."""
    width = max(len(sheet.rows[0]) for sheet in made.sheets)
    rows: list[tuple[Cell, ...]] = []
    for sheet in made.sheets:
        rows.append((Cell(text=sheet.heading),) * width)
        rows += [(*row, *(_blank() for _ in range(width - len(row)))) for row in sheet.rows]
    return replace(made, sheets=(replace(made.sheets[0], rows=tuple(rows), heading=""),))


def twice(made: Report, _: random.Random) -> Report:
    """Every table is there again, for telephones."""
    return replace(made, sheets=(*made.sheets, *(replace(sheet, rows=_again(sheet.rows)) for sheet in made.sheets)))


def other_tables(made: Report, dice: random.Random) -> Report:
    """Tables that are no statistics form stand between the form's."""
    words = [["序号", "文件名称", "文号", "发布日期"], ["1", "关于公开工作的通知", "云财〔2020〕3号", "2020-03-01"],
             ["2", "行政许可事项目录", "云财〔2020〕8号", "2020-05-11"]]  # fmt: skip
    budget = [["项目", "预算数", "决算数"], ["一般公共服务支出", "1234", "1200"], ["总计", "1234", "1200"]]
    more = [Sheet(id="other", heading="附表", rows=tuple(tuple(Cell(text=text) for text in row) for row in table))
            for table in (words, budget)]  # fmt: skip
    sheets = [*made.sheets]
    for sheet in more:
        sheets.insert(dice.randint(0, len(sheets)), sheet)
    return replace(made, sheets=tuple(sheets))


def lone_table(made: Report, dice: random.Random) -> Report:
    """Of all its tables the page shows one."""
    return replace(made, sheets=(dice.choice(made.sheets),))


def title_row(made: Report, _: random.Random) -> Report:
    """The table's title stands over it as its first row."""
    title = f"政府信息公开工作情况统计表（{made.year}年度）"
    sheets = (replace(sheet, rows=((Cell(text=title),) * len(sheet.rows[0]), *sheet.rows)) for sheet in made.sheets)
    return replace(made, sheets=tuple(sheets))


def late_year(made: Report, _: random.Random) -> Report:
    """An office keeps to a form some years after it was replaced."""
    late = made.year + 4

    def dated(cell: Cell) -> Cell:
        words = re.sub(
            rf"(20)?{made.year % 100:02}年", lambda found: f"{late}年" if found[1] else f"{late % 100}年", cell.text
        )
        return cell if words == cell.text else replace(cell, text=words)

    sheets = tuple(replace(sheet, rows=_each_cell(sheet.rows, dated)) for sheet in made.sheets)
    return replace(made, year=late, title=made.title.replace(str(made.year), str(late)), sheets=sheets)


def year_in_titles(made: Report, _: random.Random) -> Report:
    sheets = (replace(sheet, heading=f"{made.year}年度{sheet.heading}") for sheet in made.sheets)
    return replace(made, sheets=tuple(sheets))


def year_before(made: Report, _: random.Random) -> Report:
    """The tables are the year before's, as their titles say: no facts of this report."""
    return replace(
        made,
        sheets=tuple(replace(_untrue(sheet), heading=f"{made.year - 1}年度{sheet.heading}") for sheet in made.sheets),
    )


def another_year(made: Report, dice: random.Random) -> Report:
    """The same tables stand below with last year's numbers: no facts of this report."""
    name = next(iter(made.facts()))[0]
    last = (
        replace(_untrue(sheet), heading=f"附：上年度{sheet.heading}")
        for sheet in report(name, seed=dice.randint(100, 199)).sheets
    )
    return replace(made, sheets=(*made.sheets, *last))


def _untrue(sheet: Sheet) -> Sheet:
    """Leave a sheet without facts."""
    return replace(sheet, rows=_each_cell(sheet.rows, lambda cell: replace(cell, code=None)))


def _each_cell(rows: Rows, change: Callable[[Cell], Cell]) -> Rows:
    new = {cell: change(cell) for row in rows for cell in row}
    return tuple(tuple(new[cell] for cell in row) for row in rows)


def all_blank(made: Report, _: random.Random) -> Report:
    """A form that nobody filled in."""

    def blank(cell: Cell) -> Cell:
        return replace(cell, text="", value=None) if cell.code else cell

    return replace(made, sheets=tuple(replace(sheet, rows=_each_cell(sheet.rows, blank)) for sheet in made.sheets))


def no_headings(made: Report, _: random.Random) -> Report:
    return replace(made, sheets=tuple(replace(sheet, heading="") for sheet in made.sheets))


WHOLE: dict[str, Callable[[Report, random.Random], Report]] = {
    change.__name__: change
    for change in (
        two_forms,
        one_table,
        twice,
        other_tables,
        lone_table,
        title_row,
        late_year,
        year_in_titles,
        year_before,
        another_year,
        all_blank,
        no_headings,
    )
}
TABLES: dict[str, Change] = {
    "plain": lambda rows, _: rows,
    **{change.__name__: change for change in (
        spans_blank, colspans_blank, spans_lost, parents_lost, labels_joined, head_merged, head_split, head_repeated,
        broken, broken_with_head, headless, group_head_missing, last_head_only, blank_column, blank_columns,
        blank_rows, transposed, swapped_columns, total_first, swapped_rows, extra_row, no_total_column, row_missing,
        no_units, unit_in_label, serial_column, numbering_apart, side_by_side, notes_below, of_which_row,
        money_in_yuan, label_over_two_rows, subtotal_row,
    )},
    "remarks_column": _extra_column("备注", lambda dice: dice.choice(["", "", "见附件", "含下属单位3件"])),
    "growth_column": _extra_column("同比增长", lambda dice: f"{dice.randint(-99, 99)}"),
    "last_year_column": _extra_column("上年统计数", lambda dice: f"{dice.randint(0, 999)}"),
    "typo_in_few": _typos(0.1),
    "typo_in_half": _typos(0.5),
    "spaces_in_labels": _each(_spaced, "label", "head", "group"),
    "nbsp": _each(lambda cell, _: f"\u00a0{cell.text[:1]}\u00a0{cell.text[1:]}\u00a0" if cell.role != "value"
                  else f"\u00a0{cell.text}\u00a0", "label", "head", "group", "unit", "value"),
    "label_variants": _each(_varied, "label", "head", "group"),
    "renumbered": _each(_renumbered, "label"),
    "unnumbered": _each(_unnumbered, "label"),
    "indented": _each(_indented, "label"),
    "units_in_cells": _each(_unit_in_cell, "value"),
    "full_width_digits": _each(_wide, "value"),
    "thousands": _grouped(","),
    "thousands_wide": _grouped("，"),
    "zeros_slash": _signed(lambda _: "/"),
    "zeros_dash": _signed(lambda dice: dice.choice(["—", "——", "-"])),
    "zeros_none": _signed(lambda _: "无"),
    "zeros_blank": _signed(lambda _: ""),
    "zeros_mixed": _signed(lambda dice: dice.choice(["/", "—", "无", "", "0"])),
}  # fmt: skip
DISTORTIONS = (*TABLES, *WHOLE)
