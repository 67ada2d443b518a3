"""Sources as data: `crawler/sources/*.toml`, one table an office; a name and an address will do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archive.records import Office
from crawler.families import families

BUNDLED = Path(__file__).parent / "sources"
LEVELS = ("department", "government")


class SourceError(Exception):
    """A source cannot be used; the message names the file, the table, what was got and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One office and where it publishes.

    `hosts` are its official hosts (host or host:port); left out, they are those of its addresses. `start_urls` are
    its home page or its column of reports, `report_urls` reports whose addresses are known. `years` is the first and
    last report year expected, `expect_min` how many reports a visit must list not to be called thin, `delay` the
    seconds between two requests. `copy_of` names the source whose pages this one copies.
    """

    id: str
    name: str
    agency: str = ""
    region: str = ""
    level: str = "department"
    hosts: tuple[str, ...] = ()
    start_urls: tuple[str, ...] = ()
    report_urls: tuple[str, ...] = ()
    family: str = ""
    years: tuple[int, ...] = ()
    expect_min: int = 1
    delay: float = 1.0
    copy_of: str = ""

    @property
    def office(self) -> Office:
        """The part of a source that the archive keeps."""
        return Office(
            id=self.id,
            name=self.name,
            agency=self.agency or self.name,
            region=self.region,
            level=self.level,
            hosts=() if self.copy_of else self.hosts or self.own_hosts,
            copy_of=self.copy_of or None,
        )

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The hosts of its addresses."""
        return tuple(dict.fromkeys(urlsplit(url).netloc for url in (*self.start_urls, *self.report_urls)))


KEYS = {field.name: field for field in fields(Source) if field.name != "id"}
TYPES = {"tuple[str, ...]": "a list of strings", "tuple[int, ...]": "a list of two years", "str": "a string",
         "int": "a whole number", "float": "a number"}  # fmt: skip


def load(path: Path = BUNDLED) -> tuple[Source, ...]:
    """Read the sources of a TOML file, or of every TOML file in a folder; raises SourceError."""
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder of sources")
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"{path}: holds no *.toml file")
    found: dict[str, Source] = {}
    for file in files:
        for source in _read(file):
            if source.id in found:
                raise SourceError(f"{file}: [{source.id}]: this name is taken by another source")
            found[source.id] = source
    for source in found.values():
        if source.copy_of and source.copy_of not in found:
            raise SourceError(f"{path}: [{source.id}]: copy_of = {source.copy_of!r} names no source here")
    return tuple(found.values())


def pick(sources: Iterable[Source], names: Iterable[str]) -> tuple[Source, ...]:
    """Choose sources by name, or make one of an address; no names choose all. Raises SourceError for an unknown one."""
    known = {source.id: source for source in sources}
    chosen = []
    for name in names:
        if "://" in name:
            chosen.append(of_address(name))
        elif name in known:
            chosen.append(known[name])
        else:
            near = get_close_matches(name, known, n=3)
            hint = (
                f"did you mean {', '.join(near)}?" if near else f"`gongkai sources` lists the {len(known)} known ones"
            )
            raise SourceError(f"{name}: no such source; {hint}")
    return tuple(chosen) or tuple(known.values())


def of_address(url: str) -> Source:
    """Make a source of nothing but the address of a home page or a column."""
    host = urlsplit(url).netloc
    if not host or urlsplit(url).scheme not in ("http", "https"):
        raise SourceError(f"{url}: expected an address like http://www.example.gov.cn/")
    return Source(id=re.sub(r"\W+", "_", host), name=host, start_urls=(url,))


def _read(file: Path) -> Iterable[Source]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{file}: not TOML: {error}") from error
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SourceError(f"{file}: {name} = {table!r} stands outside a table; a source is a table like [{name}]")
        yield _source(name, table, where=f"{file}: [{name}]")


def _source(name: str, table: Mapping[str, Any], *, where: str) -> Source:
    for key in table.keys() - KEYS.keys():
        near = get_close_matches(key, KEYS, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise SourceError(f"{where}: unknown key {key!r}{hint}; known keys: {', '.join(KEYS)}")
    missing = [key for key, field in KEYS.items() if field.default is MISSING and key not in table]
    if missing:
        raise SourceError(f"{where}: {', '.join(missing)} missing")
    source = Source(id=name, **{key: _value(key, value, where=where) for key, value in table.items()})
    for problem in _problems(source):
        raise SourceError(f"{where}: {problem}")
    return source


def _value(key: str, value: object, *, where: str) -> object:
    kind = str(KEYS[key].type)
    inner = {"tuple[str, ...]": str, "tuple[int, ...]": int}.get(kind)
    if inner and isinstance(value, list) and all(type(item) is inner for item in value):
        return tuple(value)
    scalar = {"str": (str,), "int": (int,), "float": (int, float)}.get(kind, ())
    if type(value) in scalar:
        return value
    raise SourceError(f"{where}: {key} = {value!r}, expected {TYPES[kind]}")


def _problems(source: Source) -> Iterable[str]:
    if not re.fullmatch(r"\w+", source.id):
        yield "its name may hold letters, digits and _ only"
    if not source.start_urls and not source.report_urls:
        yield "neither start_urls nor report_urls says where it publishes"
    for url in (*source.start_urls, *source.report_urls):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            yield f"{url!r} is not an http or https address"
    if source.region and not re.fullmatch(r"\d{6}", source.region):
        yield f"region = {source.region!r}, expected six digits (GB/T 2260)"
    if source.level not in LEVELS:
        yield f"level = {source.level!r}, expected {' or '.join(LEVELS)}"
    if source.family and source.family not in families():
        yield f"family = {source.family!r}, expected one of {', '.join(families())}, or none to have it recognised"
    if source.years and (len(source.years) != 2 or source.years[0] > source.years[1]):
        yield f"years = {list(source.years)}, expected [first, last]"
    if source.delay < 0 or source.expect_min < 0:
        yield "delay and expect_min cannot be negative"
    if source.copy_of and source.hosts:
        yield "a copy has no official hosts: leave out hosts or copy_of"
