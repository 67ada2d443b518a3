"""Sources as data: `crawler/sources/*.toml`, one table an office; a name and an address will do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width
from urllib.parse import urlsplit

from archive.records import Office, owns
from crawler.families import families
from crawler.find import domain

BUNDLED = Path(__file__).parent / "sources"
LEVELS = ("department", "government")
PROVINCES = {
    "00": "national 中央",
    "11": "beijing 北京", "12": "tianjin 天津", "13": "hebei 河北", "14": "shanxi 山西", "15": "neimenggu 内蒙古",
    "21": "liaoning 辽宁", "22": "jilin 吉林", "23": "heilongjiang 黑龙江",
    "31": "shanghai 上海", "32": "jiangsu 江苏", "33": "zhejiang 浙江", "34": "anhui 安徽", "35": "fujian 福建",
    "36": "jiangxi 江西", "37": "shandong 山东",
    "41": "henan 河南", "42": "hubei 湖北", "43": "hunan 湖南", "44": "guangdong 广东", "45": "guangxi 广西",
    "46": "hainan 海南",
    "50": "chongqing 重庆", "51": "sichuan 四川", "52": "guizhou 贵州", "53": "yunnan 云南", "54": "xizang 西藏",
    "61": "shaanxi 陕西", "62": "gansu 甘肃", "63": "qinghai 青海", "64": "ningxia 宁夏", "65": "xinjiang 新疆",
    "71": "taiwan 台湾", "81": "xianggang 香港", "82": "aomen 澳门",
}  # fmt: skip
"""The first two digits of GB/T 2260 codes; 00 is none of the standard's, it stands for the central organs."""
TLS = {
    "verified": "",
    "unverified": 'certificates were not verified (tls = "unverified")',
    "legacy": 'certificates were not verified, old protocols and weak ciphers accepted (tls = "legacy")',
}
"""How far the servers of a source are trusted, and what its visits say where that is further than it should be."""


class SourceError(Exception):
    """A source cannot be used; the message names the file, the table, what was got and what was expected."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One office and where it publishes.

    `region` is the GB/T 2260 code of where the office is: 000000 for a central organ, its city's for a zone without a
    code. `level` is government for whoever governs a place, a people's government or a zone's committee, and
    department for any other; it sets the day reports are due. `hosts` are its official hosts (host, host:port, or
    `*.` before a domain for all under it); left out, they are those of its addresses, and all under their .gov
    domains. `start_urls` are its home page or its column of reports. `seen` are reports known to have been there, as
    pairs of report year and address; none is claimed to be there still. `years` is the first and last report year
    that must be there, `expect_min` how many reports a visit must list not to be called thin, `delay` the seconds between two
    requests, `budget` the pages that the search for its columns may cost. `tls` says what https must prove: its
    certificate (verified), nothing (unverified), or nothing and by old protocols and weak ciphers too (legacy).
    `copy_of` names the source whose pages this one copies.
    """

    id: str
    name: str
    agency: str = ""
    region: str = ""
    level: str = "department"
    hosts: tuple[str, ...] = ()
    start_urls: tuple[str, ...] = ()
    seen: tuple[tuple[int, str], ...] = ()
    family: str = ""
    years: tuple[int, ...] = ()
    expect_min: int = 1
    delay: float = 1.0
    tls: str = "verified"
    budget: int = 40
    browser: bool = False
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
            hosts=() if self.copy_of else self.hosts or (*self.own_hosts, *self.own_domains),
            copy_of=self.copy_of or None,
        )

    @property
    def report_urls(self) -> tuple[str, ...]:
        """The addresses of the reports seen."""
        return tuple(url for _, url in self.seen)

    @property
    def expected_years(self) -> tuple[int, ...]:
        """The report years that must exist: those of `years`, and those on which reports were seen."""
        named = range(self.years[0], self.years[1] + 1) if self.years else ()
        return tuple(sorted({*named, *(year for year, _ in self.seen)}))

    @property
    def own_domains(self) -> tuple[str, ...]:
        """The government domains of its addresses, with all hosts that are under them."""
        domains = dict.fromkeys(domain(host) for host in self.own_hosts if ".gov." in host)
        return tuple(host for name in domains for host in (name, f"*.{name}"))

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The hosts of its addresses."""
        return tuple(dict.fromkeys(urlsplit(url).netloc for url in (*self.start_urls, *self.report_urls)))

    @property
    def province(self) -> str:
        """Its province in pinyin and in characters, or nothing where `region` begins with no province's code."""
        return PROVINCES.get(self.region[:2], "")


KEYS = {field.name: field for field in fields(Source) if field.name != "id"}
TYPES = {
    "bool": "true or false",
    "tuple[str, ...]": "a list of strings",
    "tuple[int, ...]": "a list of two years",
    "tuple[tuple[int, str], ...]": "a list of [year, address] pairs",
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
}


def load(path: Path = BUNDLED) -> tuple[Source, ...]:
    """Read the sources of a TOML file, or of every TOML file in a folder; raises SourceError."""
    found, wrong = _read(path)
    if wrong:
        raise SourceError(wrong[0])
    return tuple(source for _, source in found.values())


def check(path: Path = BUNDLED) -> tuple[list[str], list[str]]:
    """Prove a file or a folder of sources: all that is wrong in it, and what is worth a second look.

    Raises SourceError where there is nothing to read.
    """
    found, wrong = _read(path)
    doubtful = []
    report_of: dict[str, str] = {}
    offices_on: dict[str, list[str]] = {}
    for where, source in found.values():
        if source.region and not source.province:
            wrong.append(f"{where}: region = {source.region!r} begins with no province's code")
        for url in source.report_urls:
            if url in report_of:
                wrong.append(f"{where}: {url} is a report of [{report_of[url]}] too")
            report_of.setdefault(url, source.id)
        for host in source.own_hosts:
            if source.hosts and not owns(source.hosts, host):
                wrong.append(f"{where}: {host} is the host of an address, but not one of hosts")
        for host in source.hosts:
            offices_on.setdefault(host, []).append(source.id)
            if not any(owns((host, host.removeprefix("www.")), own) for own in source.own_hosts):
                doubtful.append(f"{where}: {host} is in no address")
    doubtful += [f"{host} is shared by {', '.join(ids)}" for host, ids in offices_on.items() if len(ids) > 1]
    return wrong, doubtful


def matching(sources: Iterable[Source], *, words: Iterable[str], region: str, level: str) -> list[Source]:
    """Choose the sources that hold every word in id, name, region, level, hosts or province, in a region, of a level."""
    wanted = [word.lower() for word in words]
    chosen = []
    for source in sources:
        known = " ".join((source.id, source.name, source.region, source.level, *source.own_hosts, *source.hosts))
        holds = all(word in f"{known} {source.province}".lower() for word in wanted)
        if holds and source.region.startswith(region) and level in ("", source.level):
            chosen.append(source)
    return chosen


def listing(sources: Iterable[Source]) -> str:
    """Set out sources in columns: id, name, region, level, years of the reports seen, first address."""
    rows = [
        (
            source.id,
            source.name,
            source.region,
            f"copy of {source.copy_of}" if source.copy_of else source.level,
            _span([year for year, _ in source.seen]),
            (*source.start_urls, *source.report_urls)[0],
        )
        for source in sources
    ]
    widths = [max(map(width, cells)) for cells in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def width(text: str) -> int:
    """Count the columns a text takes in a terminal, two for a wide character (Unicode, UAX 11).

    >>> width("rsj"), width("人社局")
    (3, 6)
    """
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


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
    if not _is_address(url):
        raise SourceError(f"{url}: expected an address like http://www.example.gov.cn/")
    host = urlsplit(url).netloc
    return Source(id=re.sub(r"\W+", "_", host), name=host, start_urls=(url,))


def _read(path: Path) -> tuple[dict[str, tuple[str, Source]], list[str]]:
    """Read all sources, each with where it stands, and all that is wrong with them."""
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder of sources")
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise SourceError(f"{path}: holds no *.toml file")
    found: dict[str, tuple[str, Source]] = {}
    wrong = []
    for file in files:
        try:
            tables = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            wrong.append(f"{file}: not TOML: {error}")
            continue
        for name, table in tables.items():
            where = f"{file}: [{name}]"
            if not isinstance(table, dict):
                wrong.append(f"{file}: {name} = {table!r} stands outside a table; a source is a table like [{name}]")
                continue
            source, problems = _source(name, table)
            wrong += [f"{where}: {problem}" for problem in problems]
            if name in found:
                wrong.append(f"{where}: this name is taken by another source")
            elif source:
                found[name] = (where, source)
    for where, source in found.values():
        if source.copy_of and source.copy_of not in found:
            wrong.append(f"{where}: copy_of = {source.copy_of!r} names no source here")
    return found, wrong


def _source(name: str, table: Mapping[str, Any]) -> tuple[Source | None, list[str]]:
    """Make a source of its table, or tell why none can be made."""
    values = {}
    wrong = []
    for key, value in table.items():
        if key not in KEYS:
            near = get_close_matches(key, KEYS, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            wrong.append(f"unknown key {key!r}{hint}; known keys: {', '.join(KEYS)}")
            continue
        try:
            values[key] = _value(key, value)
        except SourceError as error:
            wrong.append(str(error))
    wrong += [f"{key} missing" for key, field in KEYS.items() if field.default is MISSING and key not in table]
    if wrong:
        return None, wrong
    source = Source(id=name, **values)
    wrong = list(_problems(source))
    return None if wrong else source, wrong


def _value(key: str, value: object) -> Any:
    kind = str(KEYS[key].type)
    if kind == "tuple[tuple[int, str], ...]" and isinstance(value, list):
        for pair in value:
            if not isinstance(pair, list) or [type(part) for part in pair] != [int, str]:
                raise SourceError(f"{key} holds {pair!r}, expected [year, address]")
        return tuple(map(tuple, value))
    inner = {"tuple[str, ...]": str, "tuple[int, ...]": int}.get(kind)
    if inner and isinstance(value, list) and all(type(item) is inner for item in value):
        return tuple(value)
    scalar = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}.get(kind, ())
    if type(value) in scalar:
        return value
    raise SourceError(f"{key} = {value!r}, expected {TYPES[kind]}")


def _problems(source: Source) -> Iterable[str]:
    if not re.fullmatch(r"\w+", source.id):
        yield "its name may hold letters, digits and _ only"
    if not source.start_urls and not source.seen:
        yield "neither start_urls nor seen says where it publishes"
    for url in (*source.start_urls, *source.report_urls):
        if not _is_address(url):
            yield f"{url!r} is not an http or https address"
    if source.region and not re.fullmatch(r"[0-9]{6}", source.region):
        yield f"region = {source.region!r}, expected six digits (GB/T 2260)"
    if source.level not in LEVELS:
        yield f"level = {source.level!r}, expected {' or '.join(LEVELS)}"
    if source.family and source.family not in families():
        yield f"family = {source.family!r}, expected one of {', '.join(families())}, or none to have it recognised"
    if source.years and (len(source.years) != 2 or source.years[0] > source.years[1]):
        yield f"years = {list(source.years)}, expected [first, last]"
    for year, url in source.seen:
        if not 1000 <= year <= 9999:
            yield f"seen holds {[year, url]}, expected a year of four digits"
        elif len(source.years) == 2 and not source.years[0] <= year <= source.years[1]:
            yield f"years = {list(source.years)} leaves out {year}, the year of a report seen"
    if source.tls not in TLS:
        *others, last = TLS
        yield f"tls = {source.tls!r}, expected {', '.join(others)} or {last}"
    if source.delay < 0 or source.expect_min < 0:
        yield "delay and expect_min cannot be negative"
    if source.copy_of and source.hosts:
        yield "a copy has no official hosts: leave out hosts or copy_of"


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket left open: http://[a
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _span(years: list[int]) -> str:
    return "-".join(dict.fromkeys((str(min(years)), str(max(years))))) if years else ""
