"""The truth about a county, by address: what a perfect crawl finds, and the source tables that lead to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crawler.demo import mirror
from crawler.demo.articles import ALONE
from crawler.demo.forms import Grid
from crawler.demo.model import MIRROR, Article, Edit, Office
from crawler.demo.styles import style_of
from crawler.demo.web import column_of, url_of, urls_of

if TYPE_CHECKING:
    from crawler.demo.county import County

HEADER = """# The offices of 云岫县, a county that does not exist, for the demo, the tests and the benchmarks.
# Hosts end in .example, a name reserved by RFC 2606: only the demo server answers for them.
"""


def truth(county: County, *, day: int) -> dict[str, Any]:
    """Tell what stands at every address on a day, and what differs from day 1."""
    columns = {office.label: (office, county.column(office, day=day)) for office in county.offices}
    reports = [
        {**_report(office, a), "pages": urls_of(county, office, a, day=day)}
        for office, column in columns.values()
        for a in column
        if a.year
    ]
    listed = [(office, column) for office, column in columns.values() if office.style != "annual"]
    before = {url_of(office, a) for office in county.offices for a in _reports(county, office)}
    after = {report["url"] for report in reports}
    return {
        "day": day,
        "today": county.today(day).isoformat(),
        "reports": reports,
        "decoys": [
            url
            for office, column in listed
            for a in column
            if not a.year
            for url in urls_of(county, office, a, day=day)
        ],
        "new": sorted(after - before),
        "withdrawn": sorted(before - after),
        "changed": [_change(county, county.changed)] if day > 1 and county.changed else [],
        "replaced": [_change(county, county.replaced)] if day > 1 and county.replaced else [],
        "differing": [_change(county, county.differing)] if county.differing else [],
        "copies": list(_copies(county)),
    }


def sources_toml(county: County) -> str:
    """Write a source table for every office and for the mirror."""
    tables = [_table(county, office) for office in county.offices]
    if county.altered:
        tables.append(_mirror_table(county, county.office(county.altered)))
    return "\n".join([HEADER, *tables])


def _reports(county: County, office: Office) -> list[Article]:
    return [a for a in county.column(office, day=1) if a.year]


def _report(office: Office, article: Article) -> dict[str, Any]:
    style = style_of(office)
    files = [
        (f"http://{office.host}{style.attachment(office, office.slug, article, file)}", file) for file in article.files
    ]
    return {
        "source": office.source,
        "agency": office.name,
        "year": article.year,
        "url": url_of(office, article),
        "title": article.title,
        "published_on": article.published.isoformat(),
        "form": article.form,
        "only_file": office.carriers.get(article.year or 0) in ALONE,
        "numbers": {code: float(n) if isinstance(n, Decimal) else n for code, n in article.numbers.items()},
        "words": dict(article.words),
        "prose": [line.text for line in article.lines if line.kind != "table"],
        "grids": {id_: grid.expanded() for id_, grid in article.grids.items()},
        "attachments": [
            {
                "url": url,
                "label": file.label,
                "type": file.type,
                "paragraphs": [block for block in file.blocks if isinstance(block, str)],
                "grids": [block.expanded() for block in file.blocks if isinstance(block, Grid)],
            }
            for url, file in files
            if not file.grid
        ],
        "pictures": [{"url": url, "grid": file.grid} for url, file in files if file.grid],
    }


def _change(county: County, edit: Edit) -> dict[str, Any]:
    office = county.office(edit)
    report = next(_report(office, a) for a in county.column(office, day=1) if a.year == edit.year)
    file = {"attachment": report["attachments"][0]["url"]} if edit.in_file else {}
    return {"url": report["url"], **file, "code": edit.code, "before": edit.before, "after": edit.after}


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


def _table(county: County, office: Office) -> str:
    own, shared = _reports(county, office), county.shared(office, day=1).values()
    tls = 'tls = "unverified"\n' if office.twins else ""
    return f"""[{office.source}]
name = "{office.name}"
agency = "{office.name}"
region = "999001"
level = "{office.level}"
hosts = [{", ".join(f'"{host}"' for host in office.hosts)}]
start_urls = ["http://{office.host}/"]
{_years(own)}expect_min = {len(own) + sum(map(len, shared))}
delay = 0.0
{tls}"""


def _mirror_table(county: County, office: Office) -> str:
    own = _reports(county, office)
    return f"""[mirror_haoyun]
name = "{mirror.BRAND}"
agency = "{office.name}"
region = "999001"
level = "{office.level}"
hosts = []
start_urls = ["http://{MIRROR}{column_of(office)}"]
copy_of = "{office.source}"
{_years(own)}expect_min = {len(own)}
delay = 0.0
"""


def _years(reports: Sequence[Article]) -> str:
    """Promise the years of an office's reports, where none between them is missing."""
    years = sorted(a.year for a in reports if a.year)
    whole = years and years[-1] - years[0] + 1 == len(years)
    return f"years = [{years[0]}, {years[-1]}]\n" if whole else ""
