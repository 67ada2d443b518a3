"""`gongkai clean` on folders of saved pages, hostile ones among them: bounded, and one line for each that fails."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from support import gongkai

from crawler.demo.county import County
from crawler.run import Exit

HOSTILE = {
    "empty": b"",
    "binary": random.Random(1).randbytes(500_000),
    "nested": b"<div>" * 10_000 + "正文。".encode() * 100,
    "nul": b"<p>\x00" + "政府信息公开。\x00".encode() * 500 + b"\x00" * 100_000,
    "brackets": b"<p>" + b"(" * 1_000_000,
    "glosses": ("<p>" + "報(bào)" * 100_000).encode(),
    "less-than": b"<" * 1_000_000,
    "attributes": b"<p " + b"a=1 " * 300_000 + b">x",
    "entities": b'<!DOCTYPE a [<!ENTITY b "' + b"c" * 1000 + b'">]><p>' + b"&b;" * 10_000,
    "spans": b"<table>" + b"<tr><td rowspan=65534 colspan=65534>1</td></tr>" * 50 + b"</table>",
}
ENDLESS = {
    "rows": b"<table>" + b"<tr><td>1</td><td>2</td></tr>" * 300_000,
    "spans": b"<table>" + b"<tr><td rowspan=65534 colspan=65534>1</td></tr>" * 20_000,
    "tables": b"<table><tr><td>x" * 20_000,
}


def test_a_folder_gives_a_line_a_page_and_survives_hostile_files(tmp_path: Path) -> None:
    for name, body in HOSTILE.items():
        tmp_path.joinpath(f"{name}.html").write_bytes(body)
    with tmp_path.joinpath("too-large.html").open("wb") as large:
        large.truncate(50_000_000)
    county = County.make(offices=4)
    reports = county.truth(day=1)["reports"][:12]
    for number, report in enumerate(reports):
        tmp_path.joinpath(f"page{number}.html").write_bytes(county.answer(report["url"], day=1).body)
    done = gongkai("clean", tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(HOSTILE) + len(reports)
    found = {Path(line["file"]).stem: line for line in lines}
    for number, report in enumerate(reports):
        line = found[f"page{number}"]
        assert (line["title"], line["report_year"], line["is_report"]) == (report["title"], report["year"], True)
        assert line["tables"] == list(report["grids"].values()) or report["only_file"]
    assert done.returncode == Exit.SOME_FAILED
    assert done.stderr.splitlines() == [
        f"{tmp_path / 'too-large.html'}: ValueError: 50000000 bytes, at most 33554432 are cleaned"
    ]


def test_text_json_and_an_address(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<h1>云岫县财政局2020年政府信息公开工作年度报告</h1><div class="TRS_Editor"><p>全年公开信息12条。</p>'
        '<p><a href="./a.pdf">报告全文.pdf</a></p></div>',
        encoding="utf-8",
    )
    assert "全年公开信息12条。" in gongkai("clean", page).stdout
    (found,) = json.loads(gongkai("clean", "--json", page, "--url", "http://a.example/b/c.html").stdout)["attachments"]
    assert found == {"url": "http://a.example/b/a.pdf", "label": "报告全文.pdf"}


@pytest.mark.soak
def test_endless_tables_end_in_time(tmp_path: Path) -> None:
    for name, body in ENDLESS.items():
        tmp_path.joinpath(f"{name}.html").write_bytes(body)
    done = gongkai("clean", tmp_path, timeout=400)
    assert len(done.stdout.splitlines()) + len(done.stderr.splitlines()) == len(ENDLESS)
