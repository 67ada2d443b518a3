"""Asking again for nearly nothing: what a server says is unchanged, which servers lie, and what is due on a day."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import days
import pytest
import sites
from support import gongkai

from archive import reader
from archive.database import connect
from archive.records import Capture, Visit
from archive.rows import known_payload
from crawler.run import Exit
from crawler.schedule import FULL_AFTER, History, interval, is_due, lists_are_due, may_be_back, wants_full

HERE = Path(__file__).parent
CASES = tomllib.loads((HERE / "cases/schedule.toml").read_text(encoding="utf-8"))
DAYS = (0, 1, days.EDIT_DAY, 20, 21)
LIES = "has said that pages were not modified which were; they are asked for in full"


@dataclass(frozen=True, kw_only=True)
class Crawled:
    """What crawls on several days left: the archive, the requests as the servers saw them, and the visits by day."""

    folder: Path
    asked: list[days.Asked]
    visits: list[dict[str, tuple[str, str, int]]]

    def of(self, site: str, day: float) -> list[days.Asked]:
        """Give the requests for a site's pages on a day."""
        host = days.host_of(site)
        return [one for one in self.asked if (one.host, one.day) == (host, day) and one.path != "/robots.txt"]


def crawl(folder: Path, on: tuple[float, ...], *words: str) -> Crawled:
    command = [sys.executable, str(HERE / "days.py"), str(folder), ",".join(map(str, on)), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, cwd=HERE.parent)
    assert done.returncode == 0, done.stderr
    rows = json.loads((folder / "asked.json").read_text())
    asked = [days.Asked(**row | {"conditions": tuple(row["conditions"])}) for row in rows]
    return Crawled(folder=folder, asked=asked, visits=json.loads((folder / "visits.json").read_text()))


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    return crawl(tmp_path_factory.mktemp("days"), DAYS)


pytestmark = pytest.mark.xdist_group("recrawl")


# --- what servers say --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "sent"),
    [
        ("strong", ("If-None-Match",)),
        ("weak", ("If-None-Match",)),
        ("dated", ("If-Modified-Since",)),
        ("both", ("If-None-Match", "If-Modified-Since")),
    ],
)
def test_what_is_unchanged_costs_no_bytes_and_what_changed_is_seen(
    crawled: Crawled, site: str, sent: tuple[str, ...]
) -> None:
    assert {(one.conditions, one.status) for one in crawled.of(site, 0)} == {((), 200)}
    again = crawled.of(site, 1)
    assert {one.path for one in again} == {"/nb/", *(f"/nb/t{year}0131_{year}.html" for year in sites.YEARS)}
    assert {(one.conditions, one.status, one.sent) for one in again} == {(sent, 304, 0)}
    edited = {one.path: one.status for one in crawled.of(site, days.EDIT_DAY)}
    assert {path for path, status in edited.items() if status == 200} == {days.EDITED}
    assert versions(crawled, site) == {days.EDITED: 2}
    assert {visits[site][0] for visits in crawled.visits} == {"ok"}
    assert not any(visits[site][1] for visits in crawled.visits)


def test_pages_without_validators_are_asked_for_in_full(crawled: Crawled) -> None:
    assert {(one.conditions, one.status) for day in DAYS for one in crawled.of("plain", day)} == {((), 200)}
    assert versions(crawled, "plain") == {days.EDITED: 2}


def test_all_pages_are_asked_for_in_full_after_a_while(crawled: Crawled) -> None:
    assert {one.conditions for one in crawled.of("strong", 20)} == {()}
    assert {one.status for one in crawled.of("strong", 21)} == {304}


@pytest.mark.parametrize("site", ["frozen", "deaf"])
def test_a_server_that_lies_is_found_out_and_asked_in_full(crawled: Crawled, site: str) -> None:
    assert {one.status for one in crawled.of(site, days.EDIT_DAY)} == {304}
    assert versions(crawled, site) == {days.EDITED: 2}, "found by the full fetch"
    assert {(one.conditions, one.status) for one in crawled.of(site, 21)} == {((), 200)}
    assert [visits[site][1].count(LIES) for visits in crawled.visits] == [0, 0, 0, 0, 1]


def test_not_modified_where_that_was_not_asked_is_a_failure(crawled: Crawled) -> None:
    assert {(one.conditions, one.status) for day in DAYS for one in crawled.of("rude", day)} == {((), 304)}
    assert {visits["rude"][0] for visits in crawled.visits} == {"failed"}
    (reason,) = {row["reason"] for row in captures(crawled, "rude") if row["kind"] != "robots"}
    assert reason == "http-304, though asked in full"


def test_a_list_that_is_not_modified_is_read_from_the_archive(crawled: Crawled) -> None:
    rows = captures(crawled, "late", day=1)
    (listing,) = (row for row in rows if row["kind"] == "column")
    assert (listing["status"], listing["outcome"], listing["payload"]) == (304, "not-modified", None)
    (found,) = (row for row in rows if row["url"].endswith(days.EDITED))
    assert (found["outcome"], found["referrer"]) == ("new", listing["url"])


def test_conditions_are_those_of_the_page_asked_for(crawled: Crawled) -> None:
    moved = [one for one in crawled.of("leading", days.EDIT_DAY) if "2022" in one.path]
    assert [(one.path, one.conditions, one.status) for one in moved] == [
        (days.EDITED, ("If-None-Match",), 302),
        ("/nb/moved_2022.html", (), 200),
    ]


def test_a_listed_page_has_its_list_as_referrer_and_one_that_left_it_has_none(crawled: Crawled) -> None:
    listing = f"http://{days.host_of('dropping')}/nb/"
    for day, unlisted in ((1, set()), (days.EDIT_DAY, {"t20210131_2021.html"})):
        rows = [row for row in captures(crawled, "dropping", day=day) if row["kind"] == "report"]
        assert len(rows) == len(sites.YEARS)
        assert {row["referrer"] for row in rows} <= {listing, None}
        assert {row["url"].rpartition("/")[2] for row in rows if row["referrer"] is None} == unlisted


def test_a_second_crawl_of_sixty_unchanged_pages(crawled: Crawled) -> None:
    first, second = (crawled.of("many", day) for day in (0, 1))
    assert len(second) == days.MANY + 1
    assert Counter(one.path for one in second).most_common(1)[0][1] == 1
    assert sum(one.sent for one in first) > 40_000
    assert sum(one.sent for one in second) == 0
    rows = captures(crawled, "many", day=1)
    assert len(rows) == days.MANY + 2, "a row a page, the list and robots.txt"
    assert {row["payload"] for row in rows if row["kind"] != "robots"} == {None}


def test_the_archive_is_sound(crawled: Crawled) -> None:
    done = gongkai("verify", "--archive", crawled.folder / "a.sqlite")
    assert done.returncode == Exit.WELL, done.stderr


def captures(crawled: Crawled, site: str, *, day: int | None = None) -> list[Any]:
    rows = connect(crawled.folder / "a.sqlite").execute(
        "SELECT captures.*, url FROM captures JOIN pages ON pages.id = page WHERE source = ? ORDER BY at", (site,)
    )
    today = None if day is None else (days.BEGIN + timedelta(days=day)).date().isoformat()
    return [row for row in rows if today in (None, row["at"][:10])]


def versions(crawled: Crawled, site: str) -> dict[str, int]:
    """Count the versions of a site's reports, of those that have more than one."""
    rows = reader.carriers(connect(crawled.folder / "a.sqlite"))
    host = f"http://{days.host_of(site)}"
    found = {row["url"].removeprefix(host): row["versions"] for row in rows if row["url"].startswith(f"{host}/")}
    assert len(found) == len(sites.YEARS)
    return {path: count for path, count in found.items() if count > 1}


# --- what is due -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES["page"], ids=lambda case: case["why"])
def test_a_page_is_due(case: dict[str, Any]) -> None:
    history = History(
        first_seen=case["first_seen"],
        changed=case.get("changed", case["first_seen"]),
        answered=case.get("answered"),
        gone_since=case.get("gone_since"),
        unlisted=case.get("unlisted", False),
        year=case.get("year"),
    )
    day = case.get("due") or case["not_due"]
    assert is_due(history, today=day) is ("due" in case)
    assert may_be_back(history) is case.get("back", False)
    if history.answered:
        assert interval(history, today=day) == case.get("interval")


@pytest.mark.parametrize("case", CASES["year"], ids=lambda case: case["why"])
def test_a_year_of_requests(case: dict[str, Any]) -> None:
    begin = case["begin"]
    history = History(first_seen=begin, changed=begin, answered=None, year=case.get("year"))
    requests = 0
    for day in (begin + timedelta(days=n) for n in range(365)):
        if lists_are_due(history.answered, today=day) if case.get("list") else is_due(history, today=day):
            requests += 1
            history = seen(history, day, edited=case.get("edited"), gone=case.get("gone"))
    assert requests == case["requests"]


def seen(history: History, day: date, *, edited: date | None, gone: date | None) -> History:
    """Ask for a page that was edited or taken down on a day."""
    if gone and day >= gone:
        return replace(history, answered=day, gone_since=history.gone_since or day)
    if edited and day >= edited > history.changed:
        return replace(history, answered=day, changed=day)
    return replace(history, answered=day)


def test_full_answers_are_asked_for_on_different_days() -> None:
    begin = datetime(2026, 6, 1, tzinfo=UTC)
    after: Counter[int] = Counter()
    for n in range(1000):
        moments = (
            day
            for day in range(100)
            if wants_full(f"http://a.example/{n}", answered=begin, now=begin + timedelta(days=day))
        )
        after[next(moments)] += 1
    assert max(after) == FULL_AFTER.days
    assert min(after) > FULL_AFTER.days / 2
    assert max(after.values()) < 200


OLD, FRESH, LATER = (f"/nb/t{year}0131_{year}.html" for year in (2015, 2025, 2024))
DUE = {
    "renewing": [{"/", "/nb/", OLD, FRESH}, set(), {FRESH}, {"/nb/", FRESH, LATER}, {"/nb/", FRESH}],
    "returning": [{"/", "/nb/", OLD, FRESH}, set(), {FRESH}, {"/nb/", FRESH}, {"/nb/", FRESH}],
    "dead": [{"/", "/nb/", OLD, FRESH}, set(), {FRESH}, {"/nb/", FRESH}, {"/nb/"}],
}


def test_only_what_is_due_is_asked_for(tmp_path: Path) -> None:
    on = (0, 0.1, 1, 8, 15)
    crawled = crawl(tmp_path, on, "due")
    assert {site: [{one.path for one in crawled.of(site, day)} for day in on] for site in DUE} == DUE
    said = [visits.get("renewing", ["idle", ""])[:2] for visits in crawled.visits]
    assert said == [["ok", ""], ["idle", ""], ["ok", ""], ["ok", ""], ["ok", ""]]


def test_crawl_due_counts_the_sources_of_which_nothing_is(tmp_path: Path) -> None:
    served = {"strong": days.SITES["strong"], "weak": days.SITES["weak"]}
    (tmp_path / "s.toml").write_text(days.sources_toml(served), encoding="utf-8")
    words = ("crawl", "--due", "--archive", tmp_path / "a.sqlite", "--sources", tmp_path / "s.toml")
    with days.serve(served, lambda: 0) as (proxy, asked):
        first = gongkai(*words, env={"http_proxy": proxy})
        assert (first.returncode, "0 of 2 sources have nothing due" in first.stdout) == (Exit.WELL, True), first.stdout
        asked.clear()
        second = gongkai(*words, env={"http_proxy": proxy})
    assert (second.returncode, asked) == (Exit.WELL, [])
    assert second.stdout.startswith("2 of 2 sources have nothing due\n")


@pytest.mark.parametrize(
    ("status", "visit", "counts"),
    [
        ("finished", "ok", True),
        ("finished", "thin", True),
        ("finished", "partial", False),
        ("interrupted", "ok", False),
    ],
)
def test_lists_were_read_only_where_all_they_led_to_was_asked_for(
    store: Any, run: Any, see: Callable[..., Any], status: str, visit: str, counts: bool
) -> None:
    at = "2026-03-01T08:00:00.000Z"
    see(b"<ul>", at=at, kind="column")
    store.end_run(run.id, [Visit(source="czj", status=visit)], at=at, status=status)
    assert reader.lists_read_at(store.db, "czj") == (at if counts else None)


def test_a_damaged_payload_is_asked_for_anew(store: Any, run: Any) -> None:
    url = "http://czj.example/1.html"
    fields = {"run": run.id, "source": "czj", "url": url, "kind": "report", "outcome": "new", "status": 200}
    saved = store.capture(Capture(**fields, at="2026-03-01T08:00:00.000Z", headers=(("etag", '"1"'),), body=b"1"))
    kept = reader.validators(store.db, url)
    assert kept is not None
    assert (kept["etag"], kept["last_modified"], kept["body"]) == ('"1"', None, b"1")
    store.db.execute("DROP TRIGGER IF EXISTS guard_update_bodies")
    store.db.execute("UPDATE bodies SET frame = x'00' WHERE payload = ?", (known_payload(store.db, saved.payload),))
    assert reader.validators(store.db, url) is None
