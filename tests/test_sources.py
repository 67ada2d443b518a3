"""Sources: those that come with gongkai are sound, and a wrong file is told what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from crawler import sources

CASES = tomllib.loads(Path(__file__).with_name("cases").joinpath("sources.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_file_is_told_what_is_wrong(name: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(CASES[name]["file"], encoding="utf-8")
    with pytest.raises(sources.SourceError) as caught:
        sources.load(file)
    for words in ("wrong.toml", *CASES[name]["says"]):
        assert words in str(caught.value)


def test_the_bundled_sources_are_complete() -> None:
    for source in sources.load():
        assert source.copy_of or source.region, source.id
        for url in (*source.start_urls, *source.report_urls):
            assert source.copy_of or url.split("/")[2] in source.office.hosts, f"{source.id}: {url}"


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
    with pytest.raises(sources.SourceError, match="weihai: no such source; did you mean weihai_rsj"):
        sources.pick(known, ["weihai"])
    with pytest.raises(sources.SourceError, match="expected an address"):
        sources.pick(known, ["ftp://a.example/"])
