"""The truth about a county, by address: what a perfect crawl finds, and the source tables that lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crawler.demo import mirror
from crawler.demo.model import MIRROR, Article, Edit, Office
from crawler.demo.styles import style_of
from crawler.demo.web import column_of, url_of

if TYPE_CHECKING:
    from crawler.demo.county import County

HEADER = """# The offices of 云岫县, a county that does not exist, for the demo, the tests and the benchmarks.
# Hosts end in .example, a name reserved by RFC 2606: only the demo server answers for them.
"""


def truth(county: County, *, day: int) -> dict[str, Any]:
    """Tell what stands at every address on a day, and what differs from day 1."""
    columns = {office.label: (office, county.column(office, day=day)) for office in county.offices}
    reports = [_report(office, a) for office, column in columns.values() for a in column if a.year]
    listed = [(office, column) for office, column in columns.values() if office.style != "annual"]
    before = {url_of(office, a) for office in county.offices for a in _reports(county, office)}
    after = {report["url"] for report in reports}
    return {
        "day": day,
        "today": county.today(day).isoformat(),
        "reports": reports,
        "decoys": [url_of(office, a) for office, column in listed for a in column if not a.year],
        "new": sorted(after - before),
        "withdrawn": sorted(before - after),
        "changed": [_change(county, county.changed)] if day > 1 and county.changed else [],
        "copies": list(_copies(county)),
    }


def sources_toml(county: County) -> str:
    """Write a source table for every office and for the mirror."""
    tables = [_table(office, len(_reports(county, office))) for office in county.offices]
    if county.altered:
        office = county.office(county.altered)
        tables.append(_mirror_table(office, len(_reports(county, office))))
    return "\n".join([HEADER, *tables])


def _reports(county: County, office: Office) -> list[Article]:
    return [a for a in county.column(office, day=1) if a.year]


def _report(office: Office, article: Article) -> dict[str, Any]:
    style = style_of(office)
    paths = [(style.attachment(office, office.slug, article, file), file.label) for file in article.files]
    return {
        "source": office.source,
        "agency": office.name,
        "year": article.year,
        "url": url_of(office, article),
        "title": article.title,
        "published_on": article.published.isoformat(),
        "form": article.form,
        "only_file": article.year in office.only_file,
        "numbers": {code: float(n) if isinstance(n, Decimal) else n for code, n in article.numbers.items()},
        "words": dict(article.words),
        "prose": [line.text for line in article.lines if line.kind != "table"],
        "grids": {id_: grid.expanded() for id_, grid in article.grids.items()},
        "attachments": [{"url": f"http://{office.host}{path}", "label": label} for path, label in paths],
    }


def _change(county: County, edit: Edit) -> dict[str, Any]:
    office = county.office(edit)
    url = next(url_of(office, a) for a in county.column(office, day=1) if a.year == edit.year)
    return {"url": url, "code": edit.code, "before": edit.before, "after": edit.after}


def _copies(county: County) -> Iterator[dict[str, Any]]:
    if not (edit := county.altered):
        return
    office = county.office(edit)
    for article in _reports(county, office):
        of = url_of(office, article)
        altered = (
            {**_change(county, edit), "url": of.replace(office.host, MIRROR)} if article.year == edit.year else None
        )
        yield {
            "url": of.replace(office.host, MIRROR),
            "of": of,
            "year": article.year,
            "brand": mirror.BRAND,
            "altered": altered,
        }


def _table(office: Office, count: int) -> str:
    start = "/" if office.start == "home" else column_of(office)
    return f"""[{office.source}]
name = "{office.name}"
agency = "{office.name}"
region = "999001"
level = "{office.level}"
hosts = ["{office.host}"]
start_urls = ["http://{office.host}{start}"]
{_years(office)}expect_min = {count}
delay = 0.0
"""


def _mirror_table(office: Office, count: int) -> str:
    return f"""[mirror_haoyun]
name = "{mirror.BRAND}"
agency = "{office.name}"
region = "999001"
level = "{office.level}"
hosts = []
start_urls = ["http://{MIRROR}{column_of(office)}"]
copy_of = "{office.source}"
{_years(office)}expect_min = {count}
delay = 0.0
"""


def _years(office: Office) -> str:
    return f"years = [{office.years[0]}, {office.years[-1]}]\n" if office.years else ""
