"""The numbers of one office, year after year: drawn by seed, and true to every rule of the forms."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from crawler.demo.dice import dice
from crawler.demo.forms import STATISTICS, form_of, forms

Numbers = dict[str, int | Decimal]

WHO = ("p", "c1", "c2", "c3", "c4", "c5")
FIRST = 2008


def years_of(key: str, *, seed: int, size: int, last: int) -> dict[int, Numbers]:
    """Draw an office's numbers for every year from 2008; `size` is how many applications it gets in a usual year.

    The years are drawn in order, for each takes over what the year before left open. They do not depend on `last`.
    """
    carried, stock, items = (
        Counter[str](),
        3 + size // 2,
        Counter({"lic": 8 + size // 4, "oth": 5, "pun": 40, "enf": 6}),
    )
    drawn = {}
    for year in range(FIRST, last + 1):
        rng = dice(seed, key, year, "numbers")
        form = form_of(year)
        if form is None or form == STATISTICS:
            drawn[year] = _statistics(rng, size)
        else:
            asked, carried = _applications(rng, forms()[form], size, carried)
            acts, stock = _actions(rng, form, size, stock, items)
            drawn[year] = {**acts, **asked, **_disputes(rng, size)}
    return drawn


def words(numbers: Numbers, *, zero: str) -> dict[str, str]:
    """Write each number as its cell does; `zero` is what the office puts for nothing in the disputes table."""
    return {code: zero if code.startswith("t4.") and not n else _word(code, n) for code, n in numbers.items()}


def _word(code: str, number: int | Decimal) -> str:
    if code.endswith(".delta") and number > 0:
        return f"+{number}"
    if code == "t2.20.9.proc.amt":
        return f"{number}万元"
    return str(number)


def _split(rng: random.Random, total: int, weights: Mapping[str, float]) -> Iterator[tuple[str, int]]:
    """Deal a total out over codes."""
    dealt = Counter(rng.choices(list(weights), list(weights.values()), k=total))
    return ((code, dealt[code]) for code in weights)


def _weights(codes: Sequence[str], *heavy: float) -> dict[str, float]:
    return {code: heavy[i] if i < len(heavy) else 0.3 for i, code in enumerate(codes)}


def _statistics(rng: random.Random, size: int) -> Numbers:
    spec = forms()[STATISTICS]
    sums = spec["sums"]
    n: Numbers = {code: rng.randint(0, 4) for code, _, unit in spec["rows"] if unit}
    opened = rng.randint(8, 20) * size + rng.randint(40, 90)
    n |= {"1.1": opened, "1.1.q2": rng.randint(1, 9), "9.4": rng.randint(0, 5), "2.2.3": rng.randint(1, 20)}
    n |= {f"1.2.{way}": opened * rng.randint(0, 40) // 100 for way in (3, 4, 5)}
    n |= {"1.2.2": opened * rng.randint(40, 95) // 100, "1.1.q1": rng.randint(0, int(n["1.1.q2"]))}
    n |= {code: rng.randint(1, 4) for code in ("9.2", "10.1", "10.2")} | {"10.3": rng.randint(20, 180)}
    n |= {"3.1": max(1, rng.randint(size // 2, size)), "7": rng.randint(10, 90), "9.3": rng.randint(3, 12)}
    n |= {"3.2": max(0, n["3.1"] - rng.randint(0, 2)), "8": Decimal(rng.choice([0, 0, 0, 12, 35])) / 100}
    n |= {"4": rng.randint(0, 2), "5": rng.randint(0, 1), "6": rng.randint(0, 1), "3.3": n["3.2"]}
    heavy = {"3.1": (3, 0.3, 6, 2), "3.2": (9, 1), "3.3": (6, 5, 1, 2, 2, 2)}
    for whole in ("3.1", "3.2", "3.3", "3.3.4", "4", "5", "6", "7", "9.3"):
        n |= _split(rng, int(n[whole]), _weights(sums[whole], *heavy.get(whole, ())))
    for part, whole in spec["at_most"]:
        n[part] = min(n[part], n[whole])
    return n


def _applications(
    rng: random.Random, spec: Mapping[str, Any], size: int, carried: Counter[str]
) -> tuple[Numbers, Counter[str]]:
    n: Numbers = {}
    left = Counter[str]()
    share = dict(zip(WHO, (1.0, 0.12, 0.01, 0.01, 0.05, 0.02), strict=True))
    for who in WHO:
        new = round(size * share[who] * rng.uniform(0.5, 1.4))
        left[who] = rng.randint(0, min(3, (new + carried[who]) // 4))
        done = new + carried[who] - left[who]
        column = {"1": new, "2": carried[who], "3.7": done, "4": left[who]}
        column |= _split(rng, done, _weights(spec["results"], 12, 3))
        n |= {f"t3.{row}.{who}": count for row, count in column.items()}
    for row in ("1", "2", *spec["results"], "3.7", "4"):
        n[f"t3.{row}.t"] = sum(n[f"t3.{row}.{who}"] for who in WHO)
    return n, left


def _actions(rng: random.Random, form: str, size: int, stock: int, items: Counter[str]) -> tuple[Numbers, int]:
    made = rng.randint(1, 6)
    done = {
        "lic": rng.randint(2, 60) * size,
        "oth": rng.randint(0, 9) * size,
        "pun": rng.randint(0, 6) * size,
        "enf": 0,
    }
    fee = Decimal(rng.choice([0, 0, rng.randint(100, 90000)])) / 100
    if form == "gkb-2021-30":
        void = rng.randint(0, min(made, 3))
        n: Numbers = {f"t2.20.1.rule.{what}": 0 for what in ("made", "void", "valid")}
        n |= {"t2.20.1.norm.made": made, "t2.20.1.norm.void": void, "t2.20.1.norm.valid": stock + made - void}
        n |= {"t2.20.5.lic.dec": done["lic"], "t2.20.6.pun.dec": done["pun"], "t2.20.6.enf.dec": done["enf"]}
        return n | {"t2.20.8.fee.amt": fee}, stock + made - void
    n = {f"t2.20.1.rule.{what}": 0 for what in ("new", "pub", "all")}
    n |= {"t2.20.1.norm.new": made, "t2.20.1.norm.pub": made, "t2.20.1.norm.all": stock + made}
    for block, row in (("20.5", "lic"), ("20.5", "oth"), ("20.6", "pun"), ("20.6", "enf")):
        delta = rng.randint(-2, 3)
        n |= {
            f"t2.{block}.{row}.prev": items[row],
            f"t2.{block}.{row}.delta": delta,
            f"t2.{block}.{row}.dec": done[row],
        }
        items[row] += delta
    n |= {"t2.20.8.fee.prev": 2, "t2.20.8.fee.delta": 0, "t2.20.9.proc.num": rng.randint(1, 40)}
    return n | {"t2.20.9.proc.amt": Decimal(rng.randint(1000, 900000)) / 100}, stock + made


def _disputes(rng: random.Random, size: int) -> Numbers:
    n: Numbers = {}
    for path, most in (("fy", 1 + size // 12), ("zj", 1 + size // 40), ("fh", size // 40)):
        n[f"t4.{path}t"] = rng.randint(0, most)
        n |= _split(rng, int(n[f"t4.{path}t"]), _weights([f"t4.{path}{i}" for i in "1234"], 3, 1, 1, 1))
    return n
