"""Sources: those that come with gongkai are sound, and a wrong file is told what is wrong."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from archive.records import owns
from crawler import sources
from crawler.cli import main

CASES = tomllib.loads(Path(__file__).with_name("cases").joinpath("sources.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_is_told_what_is_wrong(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    file = tmp_path / "wrong.toml"
    file.write_text(case["file"], encoding="utf-8")
    wrong, doubtful = sources.check(file)
    for words in case["says"]:
        assert words in "\n".join((*wrong, *doubtful))
    assert (len(wrong), len(doubtful)) == (case.get("faults", 1), case.get("warnings", 0))
    assert all("wrong.toml" in line and "\n" not in line for line in wrong)
    if case.get("loads"):
        assert sources.load(file)
    else:
        with pytest.raises(sources.SourceError) as caught:
            sources.load(file)
        assert str(caught.value) == wrong[0]


@pytest.mark.parametrize("file", sorted(sources.BUNDLED.glob("*.toml")), ids=lambda file: file.stem)
def test_the_bundled_sources_are_sound(file: Path) -> None:
    wrong, _ = sources.check(file)
    assert wrong == []
    for source in sources.load(file):
        assert source.copy_of or source.province.split()[0] == file.stem, source.id
        assert source.copy_of or source.hosts, source.id


def test_the_bundled_sources_are_sound_together() -> None:
    assert sources.check()[0] == []
    offices = {source.id for source in sources.load() if not source.copy_of}
    assert len(offices) >= 120
    assert {"weihai_rsj", "haikou_rsj", "wenzhou_rlsbj", "changshu_rsj", "guangzhou_rsj"} <= offices


def test_every_official_report_of_the_tables_is_in_a_source(shared: Path) -> None:
    rows = [*_rows(shared / "facts/annual_report_urls.tsv"), *_rows(shared / "facts/official_report_urls.tsv")]
    official = [row for row in rows if row.get("host_kind") != "mirror"]
    known = sources.load()
    seen = {(url, str(year)) for source in known for year, url in source.seen}
    columns = {(url, "-".join(map(str, source.years))) for source in known for url in source.start_urls}
    for row in official:
        of_university = "UNIVERSITY" in (row.get("notes") or "")  # universities report by school year, by another rule
        nameless = not (row.get("organ") or row.get("agency"))
        assert of_university or nameless or (row["url"], row["report_year"]) in seen | columns, row
    theirs = {urlsplit(row["url"]).netloc for row in official}
    strange = {urlsplit(row["url"]).netloc for row in rows} | {
        row["host"] for row in _rows(shared / "facts/unofficial_hosts.tsv")
    }
    for source in known:
        assert not [host for host in strange - theirs if owns(source.office.hosts, host)], source.id


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (("weihai", "government"), ["weihai_zf"]),
        (("--region", "3710", "--level", "department"), ["weihai_rsj", "weihai_tjj"]),
        (("国家",), ["wuhu_jinghu_swj", "guojia_tyzj"]),
        (("海南",), ["haikou_rsj", "sanya_haitang_zf"]),
        (("hainan", "HT.sanya"), ["sanya_haitang_zf"]),
        (("hainan", "guangdong"), []),
    ],
    ids=" ".join,
)
def test_sources_are_listed_by_words_region_and_level(arguments: tuple[str, ...], ids: list[str]) -> None:
    listed = CliRunner().invoke(main, ["sources", *arguments])
    told = CliRunner().invoke(main, ["sources", *arguments, "--json"])
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ids
    assert [source["id"] for source in json.loads(told.stdout)] == ids
    assert listed.stderr == told.stderr == f"{len(ids)} of {len(sources.load())} sources\n"


def test_the_columns_of_the_list_are_as_wide_as_their_words() -> None:
    lines = sources.listing(sources.load()).splitlines()
    assert len({sources.width(line[: line.index("http")]) for line in lines}) == 1


def test_a_check_ends_with_2_where_a_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(CASES["all_faults_are_told"]["file"], encoding="utf-8")
    wrong = CliRunner().invoke(main, ["sources", "--check", "--sources", str(tmp_path)])
    assert (wrong.exit_code, wrong.stdout, wrong.stderr.count("s.toml: [")) == (2, "", 7)
    assert CliRunner().invoke(main, ["sources", "--check"]).exit_code == 0


def test_two_lines_make_a_source(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('[a]\nname = "云岫县财政局"\nstart_urls = ["http://czj.example:8080/"]', encoding="utf-8")
    (source,) = sources.load(tmp_path)
    assert (source.office.agency, source.office.hosts) == ("云岫县财政局", ("czj.example:8080",))


def test_a_missing_file_an_empty_folder_and_a_name_taken_twice(tmp_path: Path) -> None:
    with pytest.raises(sources.SourceError, match=r"nowhere: no such file"):
        sources.load(tmp_path / "nowhere")
    with pytest.raises(sources.SourceError, match=r"holds no \*\.toml file"):
        sources.load(tmp_path)
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text('[a]\nname = "a"\nstart_urls = ["http://a.example/"]', encoding="utf-8")
    with pytest.raises(sources.SourceError, match=r"b\.toml: \[a\]: this name is taken"):
        sources.load(tmp_path)


def test_picking_by_name_and_by_address() -> None:
    known = sources.load()
    assert sources.pick(known, []) == known
    assert [s.id for s in sources.pick(known, ["weihai_rsj", "http://a.example:81/x"])] == [
        "weihai_rsj",
        "a_example_81",
    ]
    with pytest.raises(sources.SourceError, match="haikou: no such source; did you mean haikou_rsj"):
        sources.pick(known, ["haikou"])
    with pytest.raises(sources.SourceError, match="expected an address"):
        sources.pick(known, ["ftp://a.example/"])


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
