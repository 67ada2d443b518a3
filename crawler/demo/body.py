"""The body of an article: its paragraphs and tables, written as tidy editors do, pasted from Word, or broken by <br>."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape

from crawler.demo.forms import Cell, Grid
from crawler.demo.model import Article, File, Office
from crawler.demo.prose import Line

SPAN = '<span style="font-size:16.0pt;font-family:仿宋_GB2312;mso-hansi-font-family:仿宋;">{}</span>'
WORD_CELL = f'<p class="MsoNormal" align="center" style="mso-pagination:widow-orphan;">{SPAN}<o:p></o:p></p>'
BREAK = '</span></p><p class="MsoNormal"><span>'
NARROW = re.compile(r"^(商业|科研|社会|法律|结果|其他|尚未)(企业|机构|公益组织|服务机构|维持|纠正|结果|审结)$")


def body(article: Article, office: Office, *, files: Sequence[tuple[str, File]] = ()) -> str:
    """Write an article's paragraphs and tables in the office's manner; `files` are its files with their addresses."""
    write = {"plain": _plain, "word": _word, "lines": _line}[office.body]
    pictures = {file.grid: path for path, file in files if file.grid}
    made = [
        f'<p align="center"><img src="{escape(pictures[line.text])}" border="0"></p>'
        if line.kind == "table" and line.text in pictures
        else write(line, article)
        for line in article.lines
    ]
    text = "<div>\n" + "\n<br>\n".join(made) + "\n</div>" if office.body == "lines" else "\n".join(made)
    return text + "\n" + "".join(_file(path, file) for path, file in files if not file.grid)


def _file(path: str, file: File) -> str:
    path, label = escape(path), escape(file.label)
    if file.framed:
        return f'<p><iframe src="{path}" title="{label}" width="100%" height="900" frameborder="0"></iframe></p>\n'
    return f'<p>附件：<a href="{path}" target="_blank">{label}</a></p>\n'


def _style(cell: Cell) -> str:
    align = "center" if cell.code else "left"
    return f"border:1px solid windowtext;padding:2px 4px;text-align:{align};"


def _spans(cell: Cell) -> str:
    return "".join(f' {n}="{v}"' for n, v in (("colspan", cell.colspan), ("rowspan", cell.rowspan)) if v > 1)


def _table(grid: Grid, *, inner: str = "<p>{}</p>") -> str:
    rows = "\n".join(
        "<tr>"
        + "".join(f'<td{_spans(c)} style="{_style(c)}">{inner.format(escape(c.text) or "&nbsp;")}</td>' for c in row)
        + "</tr>"
        for row in grid.rows
    )
    return f'<table border="1" cellspacing="0" cellpadding="0" align="center" style="border-collapse:collapse;border:none;margin:0 auto;"><tbody>\n{rows}\n</tbody></table>'


def _plain(line: Line, article: Article) -> str:
    text = escape(line.text, quote=False)
    match line.kind:
        case "table":
            return _table(article.grids[line.text])
        case "head":
            return f'<p style="text-indent:2em;line-height:2;"><strong>{text}</strong></p>'
        case "signature":
            return f'<p align="right" style="text-align:right;line-height:2;">{text}</p>'
        case _:
            return f'<p style="text-indent:2em;line-height:2;font-size:16px;">{text}</p>'


def _line(line: Line, article: Article) -> str:
    if line.kind == "table":
        return _table(article.grids[line.text], inner="{}")
    return f"　　{escape(line.text, quote=False)}<br>"


def _word(line: Line, article: Article) -> str:
    if line.kind == "table":
        return _table(_broken(article.grids[line.text]), inner=WORD_CELL).replace("\v", BREAK)
    runs = "".join(SPAN.format(escape(run, quote=False)) for run in re.split(r"(\d+)", line.text) if run)
    return f'<p class="MsoNormal" style="text-indent:32.0pt;">{runs}<span lang="EN-US"><o:p></o:p></span></p>'


def _broken(grid: Grid) -> Grid:
    """Break the short heads of columns over two paragraphs, as narrow columns make people do."""
    rows = (tuple(replace(c, text=NARROW.sub("\\1\v\\2", c.text)) for c in row) for row in grid.rows)
    return replace(grid, rows=tuple(rows))
