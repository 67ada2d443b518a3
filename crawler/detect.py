"""From an address to a source's table: crawl a little of it into an archive of its own, and say what was recognised."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from archive import reader
from archive.database import connect
from archive.derive import same_agency
from crawler.families import family_of
from crawler.find import domain
from crawler.page import Page
from crawler.run import Job, crawl
from crawler.sources import of_address
from crawler.titles import alike, judge


class NothingFoundError(Exception):
    """No report was found from an address; the message says what was met instead."""


def detect(url: str, *, archive: Path, limit: int) -> str:
    """Crawl from an address, asking for at most `limit` reports, and write the TOML table of its source.

    The name is the agency that the reports name, in full where the site's own name (SiteName) has it, else that; the
    region is that of SiteIDCode (国办发〔2017〕47号). `expect_min` counts what its columns list that surely are reports. Raises NothingFoundError.
    """
    source = of_address(url)
    (result,) = crawl([Job(sources=[source])], archive=archive, limit=limit, settings={"PROGRESS": True})
    (visit,) = result.visits
    db = connect(archive)
    found = reader.carriers(db)
    if not found:
        raise NothingFoundError(f"{url}: {visit.reason}")
    pages = [
        Page.of(reader.body_of(db, row["payload"]), url=row["url"], headers=dict(json.loads(row["headers"])))
        for row in reader.lists_of(db, result.run)
    ]
    meta = pages[0].meta if pages else {}
    ((agency, _),) = Counter(row["agency"] for row in found).most_common(1)
    site = meta.get("sitename") or agency
    named = site if agency == source.name else same_agency(agency, site)
    region = re.match(r"\d{6}", meta.get("siteidcode", ""))
    lines = [f"[{_id(url)}]", f"name = {_quoted(named)}"]
    if region and region[0] != "000000":
        lines.append(f"region = {_quoted(region[0])}")
    if named.endswith("政府"):
        lines.append('level = "government"')
    lines.append(f"start_urls = [{_quoted(url)}]")
    lines += [
        f"# {c.family}: {c.url} lists {c.reports}" if c.reports else f"# leads on: {c.url}" for c in visit.columns
    ]
    hosts = sorted({urlsplit(row["url"]).netloc for row in found} - {*source.own_hosts})
    if hosts:
        lines.append(f"hosts = [{', '.join(map(_quoted, (*source.own_hosts, *hosts)))}]")
    lines.append(f"expect_min = {max(1, _sure(pages))}")
    return "\n".join(lines)


def _sure(pages: Iterable[Page]) -> int:
    """Count the pages that lists surely call reports."""
    links = (link for page in pages for link in family_of(page).links(page))
    return len({alike(link.url) for link in links if judge(link) == "report"})


def _id(url: str) -> str:
    """Name a source after its host, place before office: rsj.haikou.gov.cn is haikou_rsj."""
    host = urlsplit(url).hostname or ""
    place = domain(host)
    office = host.removesuffix(place).strip(".").removeprefix("www")
    words = [place.partition(".")[0] if not re.fullmatch(r"[\d.]+", place) else place, office]
    return re.sub(r"\W+", "_", "_".join(filter(None, words)))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
