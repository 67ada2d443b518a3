"""One report in several carriers: which is its text, and which numbers differ, by cases to catch and to keep quiet about."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from archive.carriers import Carrier, Difference, differing, fullest

CASES = tomllib.loads(Path(__file__).with_name("cases").joinpath("carriers.toml").read_text(encoding="utf-8"))


def carrier(*, text: str = "", grid: list[list[str]] | None = None, **more: Any) -> Carrier:
    grids = (tuple(map(tuple, grid)),) if grid else ()
    return Carrier(**({"text": text, "grids": grids, "is_report": True} | more))


@pytest.mark.parametrize("case", CASES["differing"], ids=str)
def test_differing(case: dict[str, Any]) -> None:
    one = carrier(text=case.get("one", ""), grid=case.get("one_grid"))
    other = carrier(text=case.get("other", ""), grid=case.get("other_grid"))
    found = [Difference(context=context, one=a, other=b) for context, a, b in case["found"]]
    assert list(differing(one, other)) == found
    assert [(d.context, d.other, d.one) for d in differing(other, one)] == [(d.context, d.one, d.other) for d in found]
    assert not differing(one, one)


@pytest.mark.parametrize("case", CASES["fullest"], ids=str)
def test_fullest(case: dict[str, Any]) -> None:
    assert fullest([carrier(**given) for given in case["carriers"]]) == case["index"]
