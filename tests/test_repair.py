"""Repair, held to cases, to the seeds, and to reports of the demo county garbled on purpose."""

from __future__ import annotations

import operator
import random
import re
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import Style, lazy_pinyin

from crawler.demo import mirror
from crawler.demo.county import County
from pipelines import repair
from pipelines.polish import Mended, mended

TABLE = tomllib.loads((Path(__file__).parent / "cases" / "repair.toml").read_text(encoding="utf-8"))
BRACKETS = [{"text": text, "on": page} for page in TABLE["brackets"]["on"] for text in TABLE["brackets"]["texts"]]


@pytest.mark.parametrize("case", [pytest.param(c, id=c.get("id", c["text"])) for c in TABLE["case"] + BRACKETS])
def test_case(case: dict[str, Any]) -> None:
    done = mended([TABLE["pages"][case["on"]], (("", case["text"]),)], "标题")
    assert done.blocks[1] == (("", case.get("expected", case["text"])),)
    assert sorted(done.flags) == case.get("flags", sorted(done.flags))
    assert done.repairs == case.get("repairs", done.repairs)


# --- the seeds ---


def seed(shared: Path, number: str) -> list[Any]:
    return next((shared / "seeds").glob(f"{number}_*")).read_text(encoding="utf-8").split("\n")


def test_garbled_seed(shared: Path) -> None:
    """All 156 glosses go, and no other bracket; the one place whose brackets were damaged is told, and left."""
    done = mended(seed(shared, "003"), "")
    assert done.repairs == {"pinyin": 156, "traditional": 345}
    assert done.flags == {"pinyin-left", "pinyin-repaired", "traditional-converted"}
    assert re.findall(r"\([^()]*\)", "".join(done.blocks)) == ["(回应解读)", "(一)", "(二)"]
    assert "常熟日?qǐng)?bào)社" in "".join(done.blocks)


@pytest.mark.parametrize("number", ["000", "001", "002", "004"])
def test_clean_seed(shared: Path, number: str) -> None:
    before = seed(shared, number)
    assert mended(before, "") == Mended(blocks=before, title="", flags=frozenset(), repairs={})


# --- reports garbled on purpose, and back ---

KEPT_BY_A = frozenset("于后面制系范云征采余干并布筑")
MADE_BY_A = {"着": "著", "台": "臺", "准": "準", "复": "復"}
MADE_BY_B = {"着": "著", "面": "麵", "制": "製", "系": "係", "余": "餘", "于": "於", "复": "複", "后": "後", "台": "台"}


def reports() -> list[list[str]]:
    """Write the paragraphs and cells of some reports of the demo county, of every form."""
    county = County.make(seed=7)
    found = [article for office in county.offices[:3] for article in county.column(office, day=1) if article.year]
    return [
        [line.text for line in article.lines if line.kind != "table"]
        + [cell.text for grid in article.grids.values() for row in grid.rows for cell in row]
        for article in found
    ]


def converter_a(text: str) -> str:
    """Convert character by character, as most mirrors do."""
    return "".join(MADE_BY_A.get(c) or (c if c in KEPT_BY_A else mirror._traditional(c)) for c in text)


def glossed(text: str, sounded: str, *, style: Style, picked: Callable[[str], bool]) -> str:
    """Put the readings of one text after the picked characters of another, one to three times if toneless."""
    sounds = lazy_pinyin(text, style=style, errors=list)
    pairs = zip(sounded, sounds, strict=True)
    often = 3 if style == Style.NORMAL else 1
    return "".join(char + f"({sound})" * (ord(char) % often + 1) * picked(char) for char, sound in pairs)


GARBLERS: dict[str, Callable[[str], str]] = {
    "converter A": converter_a,
    "converter A, toned": lambda text: glossed(
        text, converter_a(text), style=Style.TONE, picked=lambda c: repair.simple(c) != c
    ),
    "converter B": lambda text: "".join(MADE_BY_B.get(c) or mirror._traditional(c) for c in text),
    "toneless": lambda text: glossed(
        text, text, style=Style.NORMAL, picked=lambda c: "一" <= c <= "鿿" and ord(c) % 5 == 0
    ),
    "the demo's mirror": lambda text: mirror._glossed(mirror._traditional(text)),
}


@pytest.mark.parametrize("garbler", GARBLERS)
def test_round_trip(garbler: str, capsys: pytest.CaptureFixture[str]) -> None:
    """At least 999 in 1,000 characters come back; the number of lines always does."""
    right = total = 0
    for lines in reports():
        back = mended([GARBLERS[garbler](line) for line in lines], "").blocks
        for before, after in zip(lines, back, strict=True):
            total += len(before)
            right += sum(map(operator.eq, before, after)) if len(before) == len(after) else 0
    with capsys.disabled():
        sys.stdout.write(f"\n{garbler}: {right} of {total} characters, {right / total:.3%}")
    assert right / total >= 0.999


def test_shifted_bytes_come_back_or_stay() -> None:
    """Break the first byte of full stops and wide spaces in Traditional GBK: what is repaired is exact."""
    rng, repaired = random.Random(5), 0
    for line in (f"\u3000{line}。\u3000（一）{line}" for lines in reports() for line in lines):
        whole = converter_a(line).encode("gbk", "replace").decode("gbk")
        cut = rng.choice([place for place, sign in enumerate(whole) if sign in "。\u3000"])
        head, tail = whole[:cut].encode("gbk"), whole[cut:].encode("gbk")
        broken = (head + b"?" + tail[1:]).decode("gb18030", "replace")
        assert repair.unshifted(broken) in (broken, whole)
        repaired += repair.unshifted(broken) == whole
    assert repaired > 100


# --- properties ---

SIGNS = st.text("报报告报報開开政(())（）bàoaoogkgai?!；。　“Ｑ①１20日〔号,@壹乾於后著着\n", max_size=80)
CLEAN = st.text("政府信息公开报告乾著着于后，。；（）()年月日abc?！①%0123456789 ", max_size=60)
GRID = st.lists(st.tuples(SIGNS, SIGNS), min_size=1, max_size=3).map(tuple)
QUICK = settings(max_examples=100, deadline=None)


@QUICK
@given(st.lists(SIGNS | GRID | st.text(max_size=60), max_size=6), st.sampled_from(["", *TABLE["pages"].values()]))
def test_repaired_once_is_repaired(blocks: list[Any], page: str) -> None:
    once = mended([page, *blocks], "标题")
    twice = mended(once.blocks, once.title)
    assert (twice.blocks, twice.title, twice.repairs) == (once.blocks, once.title, {})
    assert [str if isinstance(b, str) else len(b) for b in once.blocks[1:]] == [
        str if isinstance(b, str) else len(b) for b in blocks
    ]


@QUICK
@given(st.lists(CLEAN, max_size=8))
def test_clean_text_stays(lines: list[Any]) -> None:
    assert mended(lines, "标题").blocks == lines


@pytest.mark.parametrize("words", ["(", "?(", "報(b", "報(bào", "報(bào)", "?。", "?é", "〔20", "?", "@", "文(wen)"])
def test_long_nonsense_is_quick(words: str) -> None:
    """A megabyte of it takes a second or so; anything quadratic would take hours."""
    start = time.process_time()
    mended([words * (1_000_000 // len(words.encode()))], "")
    assert time.process_time() - start < 10
