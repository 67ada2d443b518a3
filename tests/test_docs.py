"""The README says what is so: its demo is the demo's, and every command, key and table stands in it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import sites
from support import gongkai

from archive import reader
from archive.database import connect
from crawler.cli import main
from crawler.demo.county import County
from crawler.sources import KEYS

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


def test_the_demo_shown_is_the_demo(demo: tuple[str, Path]) -> None:
    (shown,) = re.findall(r"```demo\n(.*?)```", README, re.DOTALL)
    said = demo[0].splitlines()
    for line in shown.splitlines():
        assert line.strip() == "…" or line in said, line


def test_the_numbers_shown_are_the_demos(demo: tuple[str, Path]) -> None:
    (command, shown) = re.findall(r"`gongkai (facts [^`]*)`:\n\n```facts\n(.*?)```", README, re.DOTALL)[0]
    said = gongkai(*command.split(), "--archive", demo[1]).stdout.splitlines()
    for line in shown.splitlines():
        assert line.strip() == "…" or line in said, line


def test_pandas_reads_the_numbers_back(
    demo: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(import pandas.*?)```", README, re.DOTALL)
    (command,) = re.findall(r"With `gongkai (export csv .*?)`, pandas", README)
    monkeypatch.chdir(tmp_path)
    assert gongkai(*command.split(), "--archive", demo[1]).returncode == 0
    made: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), made)  # noqa: S102
    read = {(row.agency, int(row.year)): row.value for row in made["received"].itertuples()}
    reports = [report for day in (1, 2) for report in County.make().truth(day=day)["reports"]]
    assert read == {(r["agency"], r["year"]): r["numbers"]["t3.1.t"] for r in reports if "t3.1.t" in r["numbers"]}
    assert re.search(r"year +2019 .* 2025\n", capsys.readouterr().out)


def test_every_command_option_and_key_is_described() -> None:
    commands = {"gongkai": main, **{f"gongkai {name}": command for name, command in main.commands.items()}}
    for name, group in [(name, group) for name, group in commands.items() if isinstance(group, click.Group)]:
        commands |= {f"{name} {word}": command for word, command in group.commands.items()}
    for name, command in commands.items():
        assert command.help, name
        assert f"$ {name} --help" in README
        for option in command.params:
            assert option.name in ("names", "files", "what", "url", "words") or option.opts[0] in README, (
                f"{name} {option.name}"
            )
    for key in KEYS:
        assert f"`{key}`" in README


def test_the_family_and_the_source_shown_crawl_their_site(tmp_path: Path) -> None:
    (family,) = re.findall(r'```python\n("""云海.*?)```', README, re.DOTALL)
    (source,) = re.findall(r"```toml\n(\[yunhai.*?)```", README, re.DOTALL)
    assert len(family.splitlines()) <= 80
    (tmp_path / "yunhai.py").write_text(family, encoding="utf-8")
    (tmp_path / "sources.toml").write_text(source, encoding="utf-8")

    def answer(path: str, count: int) -> sites.Answer:
        if path == "/nb/":
            return sites.page('<div data-list="/api/list/7"></div>', title="政府信息公开年报")
        if path.startswith("/api/list/7/"):
            number = int(path.rpartition("/")[2])
            year = sites.YEARS[number - 1]
            entry = {"url": f"/nb/t{year}0131_{year}.html", "title": f"云海县财政局{year}年政府信息公开工作年度报告"}
            return (
                200,
                {"Content-Type": "application/json"},
                json.dumps({"items": [entry], "more": number < 3}).encode(),
            )
        return (
            sites.report(int(path[5:9]), "云海县财政局") if path.startswith("/nb/t20") else sites.healthy(path, count)
        )

    code = f"import crawler.families as f; f.__path__.append({str(tmp_path)!r}); from crawler.cli import main; main()"
    words = ["crawl", "--archive", tmp_path / "a.sqlite", "--sources", tmp_path / "sources.toml"]
    with sites.serve({"czj.yunhai.example": answer}) as (proxy, _):
        done = subprocess.run([sys.executable, "-c", code, *words], check=False, env=os.environ | {"http_proxy": proxy})
    assert done.returncode == 0
    db = connect(tmp_path / "a.sqlite")
    assert {row["year"] for row in reader.coverage(db)} == set(sites.YEARS)
    assert db.execute("SELECT family, list_pages FROM columns").fetchone()[:] == ("yunhai", 4)
