"""What befell a page: told the same by a crawl and a rebuild, whatever was saved first. The lives are cases/histories.toml."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive import reader
from archive.database import name
from archive.records import Attachment, Capture, Column, Office, Text, Visit
from archive.store import Store

CASES = tomllib.loads(Path(__file__).with_name("cases").joinpath("histories.toml").read_text(encoding="utf-8"))
SOURCES = {"copy": "mirror", "portal": "zf"}
HOSTS = {"copy": "mirror", "portal": "zf", "stray": "stray"}
OFFICES = [
    Office(id="czj", name="财政局", agency="云岫县财政局", region="", level="department", hosts=("czj.example",)),
    Office(id="zf", name="政府", agency="云岫县人民政府", region="", level="government", hosts=("zf.example",)),
    Office(id="mirror", name="m", agency="m", region="", level="department", hosts=(), copy_of="czj"),
]
PAGES = ("a", "b", "c", "copy", "portal", "stray")
SINCE = {"missing": "since", "unlisted": "since", "withdrawn": "on"}
OUTCOMES = {"same": "not-modified", "to": "moved"}


def url_of(page: str) -> str:
    return f"http://{HOSTS.get(page, 'czj')}.example/{page}.html"


def list_of(source: str, number: int = 1) -> str:
    return f"http://{source}.example/nb/{number}"


def time_of(day: str) -> str:
    return f"2026-03-{int(day.rstrip('+')):02}T{20 if '+' in day else 8:02}:00:00.000Z"


def day_of(at: str) -> str:
    return f"{int(at[8:10])}{'+' * (at[11:13] == '20')}"


def live(
    store: Store, life: Mapping[str, Iterable[str]], lists: Mapping[str, str], *, order: Random | None = None
) -> None:
    """Save the runs of these days, each with what it asked for: in their order, or in another and all texts at the end."""
    runs: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    for page, days in life.items():
        for entry in days:
            day, *rest = entry.split()
            runs[day].append((page, rest))
    texts: dict[str, Text] = {}
    for day in order.sample(sorted(runs), len(runs)) if order else sorted(runs, key=time_of):
        asked = order.sample(runs[day], len(runs[day])) if order else runs[day]
        save = partial(_save, store, texts=texts if order else None)
        _crawl(store, asked, save=save, at=time_of(day), read=lists.get(day.rstrip("+"), "well"))
    for payload in order.sample(sorted(texts), len(texts)) if order else ():
        store.save_text(payload, texts[payload])


def _crawl(
    store: Store, asked: Iterable[tuple[str, list[str]]], *, save: Callable[..., None], at: str, read: str
) -> None:
    """Save one run: the lists of each source, what was asked of them, and what the visits say at the end."""
    run = store.begin_run(OFFICES, at=at).id
    pages = [(page, SOURCES.get(page, "czj"), *rest) for page, rest in asked]
    sources = sorted({source for _, source, *_ in pages})
    led = {rest[1]: url_of(page) for page, _, *rest in pages if rest[0] == "to"}
    visits = []
    for source in sources:
        numbers = (1,) if read == "short" else (1, 2)
        for number in numbers:
            outcome = "failed" if (read, number) == ("failed", 2) else "new"
            kind, referrer = ("column", None) if number == 1 else ("next", list_of(source))
            save(run, source, list_of(source, number), at, outcome, kind=kind, referrer=referrer, body=b"list")
        standing = list_of(source) if read != "late" else None
        for number in (1, 2):
            url = f"http://{source}.example/standing{number}.html"
            save(run, source, url, at, "new", referrer=standing, body=b"standing", year=2019)
        column = Column(
            url=list_of(source),
            parent=None,
            family="plain",
            list_pages=len(numbers),
            reports=0 if read == "silent" else 9,
        )
        visits.append(Visit(source=source, status="ok", columns=() if read == "unread" else (column,)))
    for page, source, outcome, *words in pages:
        known = words[-1:] == ["known"]
        said = words[0] if words and words != ["known"] else None
        reason = (said or "http-404") if outcome == "gone" else url_of(said or "") if outcome == "to" else None
        save(
            run, source, url_of(page), at, OUTCOMES.get(outcome, outcome), reason=reason,
            referrer=None if known else list_of(source, 2), redirects=(led[page],) if page in led else (),
            body=f"{page} {said}".encode() if outcome == "new" else None,
        )  # fmt: skip
    store.end_run(run, visits, at=at, status="finished")


def _save(
    store: Store, run: str, source: str, url: str, at: str, outcome: Any, *, texts: dict[str, Text] | None, year: int = 2020,
    **more: Any,
) -> None:  # fmt: skip
    more = {"kind": "report", **more}
    saved = store.capture(Capture(run=run, source=source, url=url, at=at, outcome=outcome, **more))
    if outcome == "new" and more["kind"] == "report" and store.needs_text(saved.payload or "", cleaner="1"):
        words = more["body"].decode().rpartition(" ")[2]
        text = Text(
            cleaner="1", title="年报", agency="云岫县财政局", report_year=year, published_on=None, dates={},
            is_report=True, charset="utf-8", charset_why="utf-8", script="hans", flags=(), text=words, grids=(),
            attachments=(Attachment(url=f"{url}.doc", label="附件"),) if words.endswith("+file") else (),
        )  # fmt: skip
        if texts is None:
            store.save_text(saved.payload or "", text)
        else:
            texts[saved.payload or ""] = text


def rows(store: Store) -> dict[str, Counter[tuple[Any, ...]]]:
    """Give all derived rows but the texts, which captures as such do not make."""
    tables = ("reports", "report_pages", "events", "versions")
    return {t: Counter(tuple(row) for row in store.db.execute(f"SELECT * FROM {t}")) for t in tables}


def story(store: Store, page: str) -> list[str]:
    """Tell a page's events as the cases do."""
    told = []
    for event in reader.page_events(store.db, name(url_of(page))):
        detail = None if event["kind"] in ("unlisted", "relisted") else event["detail"]
        short = detail and detail.rpartition("/")[2].removesuffix(".html")
        told.append(" ".join(filter(None, (day_of(event["at"]), event["kind"], short))))
    return told


def stands(store: Store, page: str) -> str:
    """Tell how a page stands as the cases do."""
    row: Any = next((c for c in reader.carriers(store.db) if c["url"] == url_of(page)), {})
    days = {kind: row.get(f"{kind}_{word}") for kind, word in SINCE.items()}
    told = [f"{kind} {int(at[8:10])}" for kind, at in days.items() if at]
    told += [f"moved {place}" for place in PAGES if name(url_of(place)) == row.get("moved_to")]
    return ", ".join(told)


@pytest.mark.parametrize("order", [None, 2], ids=["as it came", "shuffled"])
@pytest.mark.parametrize("life", CASES)
def test_a_life_is_told(life: str, order: int | None, store: Store) -> None:
    case = CASES[life]
    live(store, case["life"], case.get("lists", {}), order=order and Random(order))
    pages = case["life"].keys()
    assert {page: story(store, page) for page in pages} == {page: case["events"].get(page, []) for page in pages}
    assert {page: stands(store, page) for page in pages} == {page: case.get("now", {}).get(page, "") for page in pages}
    (left,) = [r["withdrawn_on"] for r in reader.coverage(store.db) if r["year"] == 2020] or [None]
    assert left == (case.get("withdrawn") and f"2026-03-{case['withdrawn']:02}")


ANSWER = st.sampled_from(
    ["new one", "new two", "same", "new one known", "same known", "gone", "gone known", "blocked", "failed", "to b"]
)
LIFE = st.dictionaries(st.integers(1, 9).map(str) | st.just("4+"), ANSWER, min_size=1, max_size=6)
LIVES = st.dictionaries(st.sampled_from(PAGES), LIFE, min_size=1, max_size=3)
READ = st.dictionaries(
    st.integers(1, 9).map(str), st.sampled_from(["failed", "short", "silent", "unread", "late"]), max_size=2
)


@given(
    lives=LIVES.map(
        lambda lives: {p: [f"{day} {answer}" for day, answer in life.items()] for p, life in lives.items()}
    ),
    lists=READ,
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=25, deadline=None)
def test_the_order_of_saving_does_not_matter(lives: Any, lists: Any, order: Random) -> None:
    with TemporaryDirectory() as folder:
        told = []
        for way in (None, order):
            with Store(Path(folder, f"{len(told)}.sqlite")) as store:
                live(store, lives, lists, order=way)
                made = rows(store)
                store.derive_all()
                assert rows(store) == made
                del made["events"]  # they name captures, and those their run, which is never the same
                told.append((made, {page: story(store, page) for page in lives}))
    assert told[0] == told[1]
