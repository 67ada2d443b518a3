"""Archives of many generated reports: words as uneven as those of a language, numbers, Latin words and tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from urllib.parse import quote

from archive import rows
from archive.database import name, transaction
from archive.records import Capture, Check, Column, Fact, Figures, Office, Text, Visit
from archive.store import Store
from pipelines.clean import CLEANER
from pipelines.forms import dictionary

DAY = "2026-03-01T08:00:00.000Z"
FIRST = datetime(2016, 1, 1, 8, tzinfo=UTC)
LATIN = ("APP", "WiFi", "LED", "Excel", "12345", "0.5", "100%", "PDF_2")
TABLES = (
    "reports", "report_pages", "report_texts", "versions", "texts", "facts", "checks", "carriers", "captures", "events",
    "visits", "runs", "columns", "pages", "payloads",
)  # fmt: skip
PAGES = {
    "home": "SELECT ''",
    "coverage": "SELECT 'coverage'",
    "changes": "SELECT 'changes'",
    "health": "SELECT 'health'",
    "copies": "SELECT 'copies'",
    "search": "SELECT 'search?q=' || substr(text, 20, 3) FROM stored_texts WHERE number = :n",
    "office": "SELECT 'office?name=' || agency FROM report_texts WHERE number = :n",
    "report": "SELECT 'report/' || id FROM reports WHERE page = (SELECT page FROM report_texts WHERE number = :n)",
    "text": "SELECT 'text/' || payload FROM report_pages WHERE page = (SELECT page FROM report_texts WHERE number = :n)",
    "raw": "SELECT 'raw/' || payload FROM report_pages WHERE page = (SELECT page FROM report_texts WHERE number = :n)",
    "diff": "SELECT 'diff/' || page || '/1/2' FROM versions WHERE n = 2 AND page >= (SELECT page FROM report_texts WHERE number = :n) LIMIT 1",
    "feed": "SELECT 'feed/changes.atom'",
}
QUESTIONS = (
    "late",
    "changed",
    "gone",
    "unbalanced",
    "copied",
    "absent?year=2020",
    "asked?year=2020",
    "refused?year=2020",
)


@cache
def _words() -> tuple[list[str], list[float]]:
    """Make 20,000 words of the 3,755 commonest characters (GB 2312, level 1), the n-th used 1/n as often as the first."""
    dice = Random("words")
    level1 = [bytes((high, low)).decode("gb2312", "ignore") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)]
    usual = dice.sample([character for character in level1 if character], 3755)
    often = [*accumulate(1 / n for n in range(1, len(usual) + 1))]
    words = ["".join(dice.choices(usual, cum_weights=often, k=dice.choice((1, 2, 2, 2, 3, 4)))) for _ in range(20_000)]
    return words, [*accumulate(1 / (n + 5) for n in range(len(words)))]


def prose(dice: Random, *, characters: int) -> str:
    """Write about so many characters of sentences, with a table among them."""
    words, often = _words()
    lines: list[str] = []
    written = 0
    while written < characters:
        parts = dice.choices(words, cum_weights=often, k=dice.randint(8, 40))
        for place in range(3, len(parts), 5):
            parts[place] = dice.choice(
                ("，", "、", "。", "（", "）", f"{dice.randint(0, 4000)}件", dice.choice(LATIN), "“", "”")
            )
        lines.append("| " + " | ".join(parts[:6]) + " | 0 |" if dice.random() < 0.2 else "".join(parts) + "。")
        written += len(lines[-1])
    return "\n".join(lines)


def offices(count: int) -> list[Office]:
    """Invent offices: governments and departments, every tenth a copy of the one before it."""
    made: list[Office] = []
    for n in range(count):
        agency = f"云岫县第{n}{'镇人民政府' if n % 3 == 0 else '局'}"
        copied = made[-1] if n % 10 == 9 else None
        made.append(
            Office(
                id=f"o{n}", name=agency, agency=agency, region=f"9990{n % 7:02}", hosts=() if copied else (f"o{n}.example",),
                level="government" if n % 3 == 0 else "department", copy_of=copied.id if copied else None,
            )
        )  # fmt: skip
    return made


def report(n: int, *, characters: int, edition: int = 0, numbers: bool = False) -> Text:
    """Write the n-th report; one in three does not name its agency. Editions differ in their last line."""
    dice = Random(n)
    year = 2015 + n % 10
    return Text(
        cleaner="1", title=f"{year}年政府信息公开工作年度报告" if n % 3 else f"{prose(dice, characters=5)[:6]}{year}年报告",
        agency=None, report_year=year, published_on=f"{year + 1}-01-20", dates={}, is_report=True, charset="utf-8",
        charset_why="utf-8", script="hans", flags=(), grids=(), text=prose(dice, characters=characters) + "\n已修改。" * edition,
        figures=figures(1 + n % 7) if numbers else Figures(),
    )  # fmt: skip


def fill(store: Store, *, reports: int, characters: int) -> Iterator[Text]:
    """Save so many reports as a crawl does, ten an office, giving each when it is on disk."""
    owners = offices(-(-reports // 10))
    run = store.begin_run(owners, at=DAY)
    for n in range(reports):
        owner = owners[n // 10]
        text = report(n, characters=characters)
        url = f"http://{owner.hosts[0] if owner.hosts else 'mirror.example'}/{n}.html"
        saved = store.capture(
            Capture(run=run.id, source=owner.id, url=url, at=DAY, kind="report", outcome="new", status=200, body=url.encode())
        )  # fmt: skip
        store.save_text(saved.payload or "", text)
        yield text
    store.end_run(run.id, [], at=DAY, status="finished")


def at(day: int) -> str:
    """Give the time of a visit, so many days after the first."""
    return f"{(FIRST + timedelta(days=day)):%Y-%m-%dT%H:%M:%S}.000Z"


@cache
def figures(kind: int) -> Figures:
    """Fill in the form of 2021, all its cells and 30 checks, one of them broken; reports share seven kinds of it."""
    codes = [entry for entry in dictionary.entries() if entry["form"] == "gkb-2021-30"]
    facts = [
        Fact(
            form=str(entry["form"]), table=str(entry["table"]), row=str(entry["row"]), column=str(entry["column"]),
            unit=str(entry["unit"]),
            value=(n * kind) % 97, cell=str((n * kind) % 97), grid=0, at_row=n // 10, at_column=n % 10,
        )
        for n, entry in enumerate(codes)
    ]  # fmt: skip
    checks = [
        Check(
            form=fact.form, table=fact.table, rule=f"r{n}", at=fact.row, level="hard", left=n, right=n or 1, held=n > 0
        )
        for n, fact in enumerate(facts[:30])
    ]
    return Figures(facts=tuple(facts), checks=tuple(checks))


def url_of(owner: Office, n: int) -> str:
    return f"http://{owner.hosts[0] if owner.hosts else 'mirror.example'}/{owner.id}/{n}.html"


def page_of(n: int, edition: int = 0) -> bytes:
    return f"<p>{n} {edition}</p>".encode() * 50


def visit(store: Store, owners: list[Office], *, day: int, last: int, often: bool = False) -> None:
    """Write down a visit to all offices as a crawl does, but its captures without what follows from them.

    Each office has a list and ten reports. On the first day all is new, later most is the same; one report in five
    changes on the third day, or all do on the second and third if `often`; one in fifty is gone on the last two.
    """
    run = store.begin_run(owners, at=at(day)).id
    with transaction(store.db):
        for place, owner in enumerate(owners):
            column = f"http://{owner.id}.example/list.html"
            _answer(store, run, owner, column, day=day, kind="column", body=f"<p>{owner.name}</p>".encode(), page="")
            for n in range(place * 10, place * 10 + 10):
                gone = n % 50 == 7 and 2 <= last - 2 < day
                edition, before = (min(then, 2) if often else int(n % 5 == 3 and then >= 2) for then in (day, day - 1))
                is_new = day == 0 or edition != before
                text = (
                    replace(report(n, characters=400, edition=edition, numbers=True), cleaner=CLEANER)
                    if is_new
                    else None
                )
                body = None if gone else page_of(n, edition)
                _answer(store, run, owner, url_of(owner, n), day=day, kind="report", body=body, page=column, text=text)
    done = [
        Visit(
            source=owner.id, status="ok", listed=10, fetched=10, new=10 * (day == 0), unchanged=10 * (day > 0), requests=11,
            columns=(Column(url=f"http://{owner.id}.example/list.html", parent=None, family="plain", list_pages=1, reports=10),),
        )
        for owner in owners
    ]  # fmt: skip
    store.end_run(run, done, at=at(day), status="finished")


def _answer(
    store: Store, run: str, owner: Office, url: str, *, day: int, kind: str, body: bytes | None, page: str, text: Text | None = None
) -> None:  # fmt: skip
    host, id_ = url.split("/")[2], name(url)
    store.db.execute("INSERT OR IGNORE INTO pages VALUES (?, ?, ?)", (id_, url, host))
    payload = body and store.keep_payload(body, page=id_, scope=f"{host} {kind}")
    outcome = "gone" if body is None else "new" if day == 0 or text else "same"
    rows.add_capture(
        store.db,
        {
            "id": name(run, url, 0), "page": id_, "run": run, "source": owner.id, "at": at(day), "kind": kind, "attempt": 0,
            "status": 404 if body is None else 200, "outcome": outcome, "reason": None, "payload": payload, "seconds": 0.1,
            "referrer": page or None, "anchor": None, "redirects": "[]", "request_headers": "[]",
            "headers": '[["content-type","text/html"]]',
        },
    )  # fmt: skip
    if text and payload:
        rows.add_text(store.db, rows.known_payload(store.db, payload), rows.of_text(text))


def grow(store: Store, *, count: int, visits: int, often: bool = False) -> list[Office]:
    """Make an archive of so many offices, visited so many times: 11 captures each time."""
    store.describe_forms([*dictionary.entries()], [*dictionary.year_rules()])
    owners = [
        replace(owner, region=f"{990000 + n // 40}") for n, owner in enumerate(offices(count))
    ]  # as many as a county has
    for day in range(visits):
        visit(store, owners, day=day, last=visits, often=often)
    store.derive_all()
    return owners


def addresses(db: sqlite3.Connection, archive: str, *, times: int) -> dict[str, list[str]]:
    """List what a reader opens of an archive: so many addresses of each page, each table's first page, each question."""
    last = db.execute("SELECT max(number) FROM report_texts").fetchone()[0]
    dice = Random(1)
    asked = {
        f"-/gongkai/{page}": [
            quote(f"/-/gongkai/{row[0]}", safe="/?=")
            for _ in range(times)
            if (row := db.execute(query, {"n": dice.randint(1, last)}).fetchone())
        ]
        for page, query in PAGES.items()
    }
    asked |= {table: [f"/{archive}/{table}"] for table in TABLES}
    return asked | {question: [f"/{archive}/{question}"] for question in QUESTIONS}
