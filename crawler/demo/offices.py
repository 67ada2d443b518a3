"""The offices of a county: the hand-made ones of offices.toml, or any number of them after their pattern."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from crawler.demo.model import Office

SINGULAR = {"missing", "carriers", "robots", "departments", "shared", "twins", "still"}
"""Habits that only hand-made offices have."""


def offices(count: int | None, *, years: tuple[int, int]) -> tuple[Office, ...]:
    """Give the hand-made offices, or `count` of them, with the report years that fall within `years`.

    Raises ValueError where the names for that many offices run out.
    """
    known = tomllib.loads(resources.files(__package__).joinpath("offices.toml").read_text(encoding="utf-8"))
    tables = known if count is None else _many(known, count)
    return tuple(_office(label, table, years) for label, table in tables.items())


def _office(label: str, table: Mapping[str, Any], years: tuple[int, int]) -> Office:
    habits: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in table.items() if k not in {"years", "missing", "carriers"}
    }
    habits["carriers"] = {int(year): carrier for year, carrier in table.get("carriers", {}).items()}
    first, last = max(table["years"][0], years[0]), min(table["years"][1], years[1])
    return Office(
        label=label, years=tuple(y for y in range(first, last + 1) if y not in table.get("missing", ())), **habits
    )


def _many(known: Mapping[str, Mapping[str, Any]], count: int) -> dict[str, dict[str, Any]]:
    """Cycle through the hand-made offices' habits under new names: every year, every report."""
    habits = list(known.values())
    places = ["".join(p) for p in itertools.product("镇乡村", "山水溪桥河岭泉坪湖塘", "青白清龙云石金东西南")]
    names = [*places, *("".join(p) for p in itertools.product(places, "上下前后大小新老"))]
    if count > len(names):
        raise ValueError(f"offices: got {count}, expected at most {len(names)}")
    many = {}
    for n in range(count):
        table = {k: v for k, v in habits[n % len(habits)].items() if k not in SINGULAR}
        kind = table["name"].removeprefix("云岫县").removeprefix("青石镇")
        name = f"云岫县{names[n][::-1] if n else ''}{kind}"
        many[f"o{n:03d}" if n else "www"] = {**table, "name": name, "years": [2008, 2099]}
    return many
