"""The demo county as it truly is: offices, reports, numbers, dates, and what happens between its two days."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from crawler.demo.articles import carried, decoys, news, report
from crawler.demo.dice import dice
from crawler.demo.forms import STATISTICS, form_of
from crawler.demo.model import Answer, Article, Carrier, Edit, Office
from crawler.demo.numbers import Numbers, years_of
from crawler.demo.offices import offices as offices_of
from crawler.demo.truth import sources_toml, truth
from crawler.demo.web import Web

SEED = 2026
"""The usual seed; the files made once hold its numbers, so other counties have none of the carriers in offices.toml."""


@dataclass(frozen=True, kw_only=True)
class County:
    """The county: its offices, its last year, and the seed that everything else is drawn from."""

    offices: tuple[Office, ...]
    years: tuple[int, int]
    seed: int

    @classmethod
    def make(
        cls,
        *,
        seed: int = SEED,
        offices: int | None = None,
        years: tuple[int, int] = (2008, 2025),
        documents: bool = True,
    ) -> County:
        """Make the hand-made county, or one of any number of offices, with reports on the given years.

        Without `documents` reports are pages alone. Raises ValueError where the names for that many offices run out.
        """
        made = offices_of(offices, years=years)
        if seed != SEED or not documents:
            made = tuple(replace(office, carriers={}) for office in made)
        if not documents:
            made = tuple(replace(office, files=False) for office in made)
        return cls(offices=made, years=years, seed=seed)

    def today(self, day: int) -> date:
        """Say which date a day of the county's life is: day 1 is 8 April after its last year, day 2 a week later."""
        return date(self.years[1] + 1, 4, 8) + timedelta(days=7 * (day - 1))

    def answer(self, url: str, *, day: int) -> Answer:
        """Answer one request for an absolute URL on one day; always the same for the same URL and day.

        A form posted is part of the URL, as `crawler.page.post` writes it.
        """
        return self._web.answer(url, day=day)

    def sources_toml(self) -> str:
        """Describe every office, and the mirror, as source tables for the crawler."""
        return sources_toml(self)

    def truth(self, *, day: int) -> dict[str, Any]:
        """Tell all that a perfect crawl and a perfect reader would find on that day, ready for JSON."""
        return truth(self, day=day)

    def office(self, edit: Edit) -> Office:
        """Find the office whose report an edit touched."""
        return next(office for office in self.offices if office.host == edit.host)

    def column(self, office: Office, *, day: int) -> list[Article]:
        """List what an office's report column shows on a day, newest first: reports and decoys."""
        gone = self.withdrawn if day > 1 else None
        shown = [a for a in self._articles(office) if a.published <= self.today(day) and (office.label, a.year) != gone]
        for edit in (self.changed, self.replaced) if day > 1 else ():
            if edit and edit.host == office.host:
                shown = [self.edited(office, edit) if a.year == edit.year else a for a in shown]
        return shown

    def shared(self, office: Office, *, day: int) -> dict[str, tuple[Article, ...]]:
        """Give the reports of other offices that a portal lists too, by the folder of its column: bm/2021n, gq."""
        folders: dict[str, tuple[Article, ...]] = {}
        for other in (o for o in self.offices if o.label in office.departments):
            for article in self.column(other, day=day):
                if article.year and office.shared[0] <= article.year <= office.shared[-1]:
                    folder = "gq" if other.level == "government" else f"bm/{article.year}n"
                    folders[folder] = (*folders.get(folder, ()), article)
        return folders

    def news(self, office: Office) -> list[Article]:
        """List an office's news, newest first."""
        return news(office, seed=self.seed, today=self.today(1))

    def edited(self, office: Office, edit: Edit) -> Article:
        """Write a report again with one number changed, in its prose and in its table."""
        return self._report(office, edit.year, edit)

    @functools.cached_property
    def portals(self) -> tuple[Office, ...]:
        """Name the offices that list other offices' reports beside their own."""
        return tuple(office for office in self.offices if office.departments)

    @functools.cached_property
    def late(self) -> frozenset[tuple[str, int]]:
        """Name the two reports that appear between the two days: (label, year)."""
        last = self.years[1]
        return frozenset((office.label, last) for n in (0, 5) if (office := self._nth(n)) and last in office.years)

    @functools.cached_property
    def withdrawn(self) -> tuple[str, int] | None:
        """Name the report that is taken down between the two days: (label, year)."""
        office = self._nth(4)
        years = [year for year in office.years if (office.label, year) not in self.late] if office else []
        return (office.label, years[len(years) // 2]) if len(years) > 1 else None

    @functools.cached_property
    def changed(self) -> Edit | None:
        """Describe the silent change between the two days: how many applications one report says it received."""
        office = self._nth(2)
        kept = self._undisturbed(office)
        return self._edit(office, kept[-3:][0]) if kept else None

    @functools.cached_property
    def altered(self) -> Edit | None:
        """Describe the number that the mirror altered in its copy of one office's reports."""
        office = self._nth(1)
        kept = self._undisturbed(office)
        return self._edit(office, kept[len(kept) // 2]) if kept else None

    @functools.cached_property
    def differing(self) -> Edit | None:
        """Describe the number that a report's attachment gives otherwise than its page."""
        return self._in_file("docx")

    @functools.cached_property
    def replaced(self) -> Edit | None:
        """Describe the number that another file at the same address gives from day 2 on, beside the same page."""
        return self._in_file("replaced")

    def _in_file(self, carrier: Carrier) -> Edit | None:
        found = ((o, year) for o in self.offices for year in o.years if o.carriers.get(year) == carrier)
        return next((replace(self._edit(office, year), in_file=True) for office, year in found), None)

    def _nth(self, n: int) -> Office | None:
        """Choose an office that has reports, by its place."""
        able = [office for office in self.offices if office.years]
        return able[n % len(able)] if able else None

    def _undisturbed(self, office: Office | None) -> list[int]:
        disturbed = {*self.late, self.withdrawn}
        return [y for y in office.years if (office.label, y) not in disturbed] if office else []

    def _edit(self, office: Office, year: int) -> Edit:
        code = "t3.1.t" if form_of(year) not in {None, STATISTICS} else "3.1"
        before = int(self._numbers(office)[year][code])
        return Edit(host=office.host, year=year, code=code, before=before, after=before + 11)

    @functools.cached_property
    def _web(self) -> Web:
        return Web(county=self)

    @functools.cached_property
    def _numbers(self) -> Callable[[Office], dict[int, Numbers]]:
        return functools.cache(lambda o: years_of(o.label, seed=self.seed, size=o.size, last=self.years[1]))

    @functools.cached_property
    def _articles(self) -> Callable[[Office], list[Article]]:
        return functools.cache(self._written)

    def _written(self, office: Office) -> list[Article]:
        strays = decoys(office, seed=self.seed, years=office.years or self.years)
        return sorted(
            [*(self._report(office, year, self.differing) for year in office.years), *strays],
            key=lambda a: (a.published, a.id),
            reverse=True,
        )

    def _report(self, office: Office, year: int, edit: Edit | None) -> Article:
        """Write a report, with a number changed if the edit is one of it."""
        numbers, published = self._numbers(office)[year], self._published(office, year)
        write = functools.partial(report, office, year, seed=self.seed, published=published)
        page = said = write(numbers=numbers)
        if edit and (edit.host, edit.year) == (office.host, year):
            said = write(numbers={**numbers, edit.code: edit.after})
            page = page if edit.in_file else said
        return carried(page, office, said=said)

    def _published(self, office: Office, year: int) -> date:
        """Date a report as the law of its time asks, or late; the two late ones fall between the two days."""
        rng = dice(self.seed, office.label, year, "published")
        if (office.label, year) in self.late:
            return self.today(1) + timedelta(days=rng.randint(2, 6))
        month = 1 if year >= 2019 and office.level == "department" else 3
        day = date(year + 1, month, rng.randint(10, 31))
        very_late = rng.random() < 0.15 and year < self.years[1]
        return day + timedelta(days=rng.randint(20, 200)) if very_late else day
