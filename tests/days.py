"""Sites with validators, honest and not, crawled on several days by a clock of their own.

`python days.py FOLDER DAYS [due|ill]` crawls every site of `SITES`, or of another set, on each of the days, counted from
1 June 2026, into FOLDER/a.sqlite, and writes what was asked to FOLDER/asked.json and the visits to FOLDER/visits.json.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import sites

BEGIN = datetime(2026, 6, 1, 8, tzinfo=UTC)
EDITED = "/nb/t20220131_2022.html"
EDIT_DAY = 2
MANY = 60

Answer = tuple[int, dict[str, str], bytes]
Validate = Callable[[bytes, float], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as the server saw it."""

    day: float
    host: str
    path: str
    conditions: tuple[str, ...]
    status: int
    sent: int


def tagged(body: bytes, _: float, weak: str = "") -> dict[str, str]:
    return {"ETag": f'{weak}"{hashlib.sha256(body).hexdigest()[:16]}"'}


def weakly(body: bytes, day: float) -> dict[str, str]:
    return tagged(body, day, weak="W/")


def dated(body: bytes, _: float) -> dict[str, str]:
    """Date a page by when it was last edited."""
    changed = BEGIN + timedelta(days=EDIT_DAY if "四件".encode() in body else -100)
    return {"Last-Modified": format_datetime(changed, usegmt=True)}


def both(body: bytes, day: float) -> dict[str, str]:
    return tagged(body, day) | dated(body, day)


def frozen(_: bytes, __: float) -> dict[str, str]:
    return {"ETag": '"always the same"'}


def plain(_: bytes, __: float) -> dict[str, str]:
    return {}


def page(path: str, day: float) -> Answer:
    """Give a page of an office that edits a report on EDIT_DAY."""
    status, headers, body = sites.healthy(path, 0)
    if path == EDITED and day >= EDIT_DAY:
        body = body.replace("收到申请3件".encode(), "收到申请四件".encode())  # type: ignore[union-attr]
    return status, headers, body  # type: ignore[return-value]


def many(path: str, day: float) -> Answer:
    """List sixty reports."""
    if path == "/nb/":
        names = (f"云岫县第{n}中学{2010 + n % 10}年政府信息公开工作年度报告" for n in range(MANY))
        links = (f'<li><a href="/nb/t20210131_{n}.html">{name}</a></li>' for n, name in enumerate(names))
        return whole(sites.page("".join(links)))
    if path.startswith("/nb/t20210131_"):
        number = int(path[14:-5])
        return whole(sites.report(2010 + number % 10, f"云岫县第{number}中学"))
    return page(path, day)


def dropping(path: str, day: float) -> Answer:
    """Take a report off the list on EDIT_DAY; the page itself stays."""
    return whole(sites.page(sites.listing((2022, 2023)))) if path == "/nb/" and day >= EDIT_DAY else page(path, day)


def late(path: str, day: float) -> Answer:
    """Fail to give one report on the first day."""
    return whole(sites.page("", status=404)) if path == EDITED and day == 0 else page(path, day)


def leading(path: str, day: float) -> Answer:
    """Move a report on EDIT_DAY, leaving a redirect."""
    if path == EDITED and day >= EDIT_DAY:
        return 302, {"Location": "/nb/moved_2022.html"}, b""
    return whole(sites.report(2022)) if path == "/nb/moved_2022.html" else page(path, day)


def renewing(path: str, day: float) -> Answer:
    """Publish a report on EDIT_DAY, one of the latest year beside one of long ago."""
    if path == "/nb/":
        return whole(sites.page(sites.listing((2015, 2025, *((2024,) if day >= EDIT_DAY else ())))))
    return page(path, day)


def gone(path: str, day: float, *, until: float) -> Answer:
    """Take the latest of two reports down on the day after the first."""
    if path == "/nb/":
        return whole(sites.page(sites.listing((2015, 2025))))
    return whole(sites.page("", status=404)) if "2025" in path and 1 <= day < until else page(path, day)


def returning(path: str, day: float) -> Answer:
    """Take a report down and off the list, and put both back a week later."""
    return whole(sites.page(sites.listing((2015,)))) if path == "/nb/" and 1 <= day < 8 else gone(path, day, until=8)


def dead(path: str, day: float) -> Answer:
    """Take a report down for good, and leave it on the list."""
    return gone(path, day, until=99)


def well(path: str, _: float) -> Answer:
    """List six reports, the latest on last year."""
    if path == "/nb/":
        return whole(sites.page(sites.listing(tuple(range(2020, 2026)))))
    return page(path, 0)


def ill(trouble: Callable[[str], sites.Answer | None]) -> Callable[[str, float], Answer]:
    """Make a site that has a trouble on days 1 and 2, and is well before and after."""
    return lambda path, day: whole((day in (1, 2) and trouble(path)) or well(path, day))  # type: ignore[arg-type]


def instead(of: str, answer: sites.Answer) -> Callable[[str, float], Answer]:
    """Answer so in the place of every address that begins so, but the robots.txt, on days 1 and 2."""
    return ill(lambda path: answer if path.startswith(of) and (path != "/robots.txt" or of == path) else None)


def led(path: str) -> sites.Answer | None:
    return None if path == "/robots.txt" else (301, {"Location": f"http://elsewhere.gov.example{path}"}, b"")


def never(path: str, _: float) -> Answer:
    """Have no report, and no list of any."""
    return whole(sites.page("<a href=/gk/>政府信息公开</a>") if path in ("/", "/gk/") else sites.page("", status=404))


def whole(answer: sites.Answer) -> Answer:
    return answer  # type: ignore[return-value]


def honest(conditions: Mapping[str, str], validators: Mapping[str, str]) -> bool:
    """Say whether a page is unchanged, an ETag before a date (RFC 9110, 13.2.2), compared weakly."""
    if "If-None-Match" in conditions:
        given = {tag.strip().removeprefix("W/") for tag in conditions["If-None-Match"].split(",")}
        return validators.get("ETag", "").removeprefix("W/") in given
    return "If-Modified-Since" in conditions and conditions["If-Modified-Since"] == validators.get("Last-Modified")


def deaf(conditions: Mapping[str, str], _: Mapping[str, str]) -> bool:
    return bool(conditions)


def rude(_: Mapping[str, str], __: Mapping[str, str]) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Site:
    """A host: what its pages are by day, their validators, and when it says that one is not modified."""

    page: Callable[[str, float], Answer] = page
    validators: Validate = tagged
    unchanged: Callable[[Mapping[str, str], Mapping[str, str]], bool] = honest
    expect: int = 3


SITES = {
    "strong": Site(),
    "weak": Site(validators=weakly),
    "dated": Site(validators=dated),
    "both": Site(validators=both),
    "plain": Site(validators=plain),
    "frozen": Site(validators=frozen),
    "deaf": Site(unchanged=deaf),
    "rude": Site(unchanged=rude),
    "many": Site(page=many, expect=MANY),
    "dropping": Site(page=dropping),
    "late": Site(page=late),
    "leading": Site(page=leading),
}
DUE = {each.__name__: Site(page=each, expect=2) for each in (renewing, returning, dead)}
AWAY = sites.page(sites.listing(tuple(range(2020, 2026))).replace("/nb/", "http://elsewhere.gov.example/nb/"))
RUISHU = sites.page("<script>$_ts=window['$_ts'];if(!$_ts)$_ts={};</script>", status=412)
ILL = {
    "elsewhere": Site(page=well),
    "redesigned": Site(page=instead("/nb/", sites.page("<div id=app></div>"))),
    "cleared": Site(page=ill(lambda path: sites.page("", status=404) if path == "/nb/" else None)),
    "garbled": Site(page=instead("/nb/t", sites.page("<div id=app></div>"))),
    "led": Site(page=ill(led)),
    "linked": Site(page=ill(lambda path: AWAY if path == "/nb/" else None)),
    "down": Site(page=instead("/", sites.page("", status=503))),
    "listless": Site(page=ill(lambda path: sites.page("", status=500) if path == "/nb/" else None)),
    "reportless": Site(page=instead("/nb/t", sites.page("", status=500))),
    "challenged": Site(page=instead("/", RUISHU)),
    "refusing": Site(page=ill(lambda path: sites.refusing(path, 0))),
    "shrunk": Site(page=ill(lambda path: sites.page(sites.listing((2024, 2025))) if path == "/nb/" else None)),
    "unlisting": Site(page=ill(lambda path: sites.page(sites.listing((*range(2021, 2026),))) if path == "/nb/" else None)),
    "withdrawing": Site(page=instead("/nb/t20200131", sites.page("", status=404))),
    "stumbling": Site(page=instead("/nb/t20200131", sites.page("", status=500))),
    "never": Site(page=never),
}  # fmt: skip
SETS = {"due": DUE, "ill": ILL}


def host_of(name: str) -> str:
    return f"{name}.gov.example"


@contextmanager
def serve(served: Mapping[str, Site], day: Callable[[], float]) -> Iterator[tuple[str, list[Asked]]]:
    """Serve sites by name; gives the proxy's address and, as they come, the requests."""
    asked: list[Asked] = []
    of_host = {host_of(name): site for name, site in served.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            host, path = parts.hostname or "", parts._replace(scheme="", netloc="").geturl()
            site, today = of_host[host], day()
            status, headers, body = site.page(path, today)
            given = {name: self.headers[name] for name in ("If-None-Match", "If-Modified-Since") if self.headers[name]}
            if status == 200:
                headers = headers | site.validators(body, today)
                if site.unchanged(given, headers):
                    status, body = 304, b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            asked.append(Asked(day=today, host=host, path=path, conditions=tuple(given), status=status, sent=len(body)))

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


def sources_toml(served: Mapping[str, Site]) -> str:
    return "\n".join(
        f'[{name}]\nname = "云岫县某局"\nstart_urls = ["http://{host_of(name)}/"]\ndelay = 0\nexpect_min = {site.expect}\n'
        for name, site in served.items()
    )


def crawl_on(days: Iterable[float], folder: Path, *, of: str) -> None:
    """Crawl on each of the days; of the set `due` what is due then."""
    from crawler import clock

    today, since = 0.0, monotonic()

    def now() -> str:
        at = BEGIN + timedelta(days=today, seconds=monotonic() - since)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    clock.now = now  # before anything takes it from there
    from crawler import sources
    from crawler.run import Job, crawl

    def job(day: float) -> Job:
        def before() -> None:
            nonlocal today
            today = day

        return Job(sources=sources.load(folder / "sources.toml"), before=before)

    served = SETS.get(of, SITES)
    (folder / "sources.toml").write_text(sources_toml(served), encoding="utf-8")
    with serve(served, lambda: today) as (proxy, asked):
        os.environ["http_proxy"] = proxy
        results = crawl([job(day) for day in days], archive=folder / "a.sqlite", due=of == "due")
    (folder / "asked.json").write_text(json.dumps([asdict(one) for one in asked]))
    visits = [{v.source: [v.status, v.reason or "", v.requests] for v in result.visits} for result in results]
    (folder / "visits.json").write_text(json.dumps(visits, ensure_ascii=False))


if __name__ == "__main__":
    crawl_on(map(float, sys.argv[2].split(",")), Path(sys.argv[1]), of="".join(sys.argv[3:]))
