"""Archives of many generated reports: words as uneven as those of a language, numbers, Latin words and tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from random import Random

from archive.records import Capture, Office, Text
from archive.store import Store

DAY = "2026-03-01T08:00:00.000Z"
LATIN = ("APP", "WiFi", "LED", "Excel", "12345", "0.5", "100%", "PDF_2")


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
                level="government" if n % 3 == 0 else "department", copy_of=copied and copied.id,
            )
        )  # fmt: skip
    return made


def report(n: int, *, characters: int) -> Text:
    """Write the n-th report; one in three does not name its agency."""
    dice = Random(n)
    year = 2015 + n % 10
    return Text(
        cleaner="1", title=f"{year}年政府信息公开工作年度报告" if n % 3 else f"{prose(dice, characters=5)[:6]}{year}年报告",
        agency=None, report_year=year, published_on=f"{year + 1}-01-20", dates={}, is_report=True, charset="utf-8",
        charset_why="utf-8", script="hans", flags=(), grids=(), text=prose(dice, characters=characters),
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
