"""Word lists kept as data: a table of a TOML file is one pattern, with an example it finds and one its kind leaves."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """One pattern and what shows it right; of several that fit, the least rank counts."""

    name: str
    pattern: re.Pattern[str]
    catch: str
    keep: str
    rank: int = 0


@functools.cache
def words(package: str, file: str) -> Mapping[str, tuple[Word, ...]]:
    """Read a package's word list, by kind; a key that is missing or unknown raises TypeError or KeyError with its name."""
    tables = tomllib.loads(resources.files(package).joinpath(file).read_text(encoding="utf-8"))
    return {
        kind: tuple(Word(**row | {"pattern": re.compile(row["pattern"])}) for row in rows)
        for kind, rows in tables.items()
    }


@functools.cache
def any_of(package: str, file: str, kind: str) -> re.Pattern[str]:
    """Join all patterns of one kind into one, to be searched for in a single pass."""
    return re.compile("|".join(f"(?:{word.pattern.pattern})" for word in words(package, file)[kind]))
