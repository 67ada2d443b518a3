"""The country: its offices, what each publishes and when, what becomes of it, and what breaks; all drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random

from archive.health import due_on

STORIES = (
    (), ("changed",), (), ("changed", "reverted"), (), ("withdrawn",), ("changed",), (), ("withdrawn", "returned"), (),
    ("moved",), ("changed",), (), ("readdressed",),
)  # fmt: skip
"""What befalls the pages of reports, one after another; `readdressed` is moved without a redirect."""

BREAKS = (
    "dead", "redesign", "challenge", "", "robots", "moved", "empty", "forbidden", "mute", "error", "facelift",
    "hang", "mute", "", "dead", "redesign", "challenge", "", "robots", "moved", "empty", "forbidden", "", "error", "facelift",
)  # fmt: skip
"""What befalls the sites of offices, one after another: each has one break in the year, or none.

`mute` is an office that was in time every year and publishes nothing this year. `facelift` is a new layout that a
crawler can follow: no break.
"""

HARMLESS = ("", "facelift")
HICCUPS = ("once", "once", "once", "page", "page", "slow", "slow", "stuck")
"""What is wrong on one day only: each report answers 500 once, or the first one all day; all is slow; one answer never comes."""

HABITS = ("punctual", "early", "late", "punctual", "stopped", "early", "punctual", "late")
STYLES = ("plain", "trs", "deep", "table")


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What an office did to a page; and the days of its deeds there before and after it."""

    day: int
    kind: str
    url: str
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, kw_only=True)
class Break:
    """What was wrong with a site from one day until before another, or until further notice."""

    kind: str
    begin: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """A report's page: its address after a move, and what befell it, by day."""

    host: str
    path: str
    new_path: str
    year: int
    published: int
    deeds: tuple[tuple[int, str], ...] = ()

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}"

    def before(self, day: int) -> list[str]:
        """List what befell the page up to a day."""
        return [kind for at, kind in self.deeds if at <= day]

    def edition(self, day: int) -> int:
        """Number what the page says on a day."""
        return int(self.before(day)[-1:] == ["changed"])

    def address(self, day: int) -> str | None:
        """Give the path at which the page stands on a day, if it does."""
        last = "".join(self.before(day)[-1:])
        gone = day < self.published or last == "withdrawn"
        return None if gone else self.new_path if last in ("moved", "readdressed") else self.path


@dataclass(frozen=True, kw_only=True)
class Office:
    """An office: its site's ways, its pages, and the break of its year."""

    id: str
    name: str
    level: str
    style: str
    habit: str
    pages: tuple[Page, ...]
    broken: Break
    validators: str
    noise: str
    sorry: bool
    hiccups: Mapping[int, str]

    @property
    def host(self) -> str:
        return f"{self.id}.gov.example"

    @property
    def moved_to(self) -> str:
        """Name the host that the office is redirected to while it has `moved`."""
        return f"{self.id}.new.example"

    def trouble(self, day: int) -> str:
        """Say what is wrong with the site on a day."""
        return self.broken.kind if self.broken.begin <= day < self.broken.end else ""


@dataclass(frozen=True, kw_only=True)
class Country:
    """So many offices over so many days from a date on."""

    offices: int
    days: int
    begin: datetime = datetime(2026, 1, 1, 4, tzinfo=UTC)
    seed: int = 9

    @cached_property
    def all(self) -> tuple[Office, ...]:
        """Give the offices."""
        return tuple(map(self._office, range(self.offices)))

    @cached_property
    def deeds(self) -> tuple[Deed, ...]:
        """Give the truth list of what befell pages, reports published in the year included."""
        return tuple(deed for office in self.all for page in office.pages for deed in _deeds(page))

    @property
    def latest(self) -> int:
        """The year on which reports are published in this one."""
        return self.begin.year - 1

    def day_of(self, year: int, *, level: str) -> int:
        """Number the day by which the report on a year is due."""
        return (due_on(year, level=level) - self.begin.date()).days

    def sources_toml(self) -> str:
        """Describe the offices as sources."""
        return "\n".join(
            f'[{office.id}]\nname = "{office.name}"\nlevel = "{office.level}"\n'
            f'start_urls = ["http://{office.host}/"]\ndelay = 0\nexpect_min = 1\n'
            for office in self.all
        )

    def _office(self, n: int) -> Office:
        dice = Random(f"{self.seed}/{n}")
        level = "government" if n % 3 == 0 else "department"
        kind = BREAKS[n % len(BREAKS)]
        habit = "punctual" if kind == "mute" else HABITS[n % len(HABITS)]
        length = 4 if kind == "hang" else dice.randint(4, 8) if self.days < 100 else dice.randint(10, 40)
        begin = dice.randint(2, max(3, self.days - length - 3))
        end = begin + length
        if kind == "mute":
            begin = self.day_of(self.latest, level=level)
        if kind in ("mute", "facelift"):
            end = self.days
        return Office(
            id=f"o{n:03}",
            name=f"云岫县第{n}{'镇人民政府' if level == 'government' else '局'}",
            level=level,
            style=STYLES[n // 2 % len(STYLES)],
            habit=habit,
            pages=tuple(self._pages(dice, n, level=level, habit=habit, mute=kind == "mute")),
            broken=Break(kind=kind, begin=begin, end=end),
            validators=dice.choice(("etag", "date", "none")),
            noise=dice.choice(("", "counter", "today", "advertisement")),
            sorry=dice.random() < 0.3,
            hiccups={day: dice.choice(HICCUPS) for day in dice.sample(range(1, self.days), max(1, self.days // 40))},
        )

    def _pages(self, dice: Random, n: int, *, level: str, habit: str, mute: bool) -> Iterator[Page]:
        """Publish the report of each year by the office's habit, and tell what becomes of it."""
        stopped = 4 if habit == "stopped" else int(mute)
        lag = {"early": -20, "late": dice.randint(20, 60)}.get(habit, -4)
        first = self.latest - stopped - dice.randint(3, 6)
        for year in range(first, self.latest + 1 - stopped):
            published = self.day_of(year, level=level) + lag + dice.randint(-4, 4)
            day = (self.begin + timedelta(days=published)).strftime("%Y%m%d")
            name = f"t{day}_{n * 100 + year % 100}.html"
            yield Page(
                host=f"o{n:03}.gov.example", path=f"/nb/{name}", new_path=f"/nb/new/{name}", year=year, published=published,
                deeds=tuple(self._story(dice, n + year, seen=max(published, 0))),
            )  # fmt: skip

    def _story(self, dice: Random, n: int, *, seen: int) -> Iterator[tuple[int, str]]:
        """Tell what befalls a page: new reports soon, others at any time."""
        long = self.days >= 100
        day = seen + (dice.randint(3, 200 if long else 9) if dice.random() < 0.7 else dice.randint(3, 12))
        for place, kind in enumerate(STORIES[n % len(STORIES)]):
            if place:
                day += dice.randint(95, 130) if long else 6 if kind == "returned" else 9
            if day < self.days:
                yield day, kind


def _deeds(page: Page) -> Iterator[Deed]:
    deeds = ((max(0, page.published), "found"), *page.deeds)
    days = [None, *(day for day, _ in deeds), None]
    for n, (day, kind) in enumerate(deeds):
        yield Deed(day=day, kind=kind, url=page.url, since=days[n], until=days[n + 2])
