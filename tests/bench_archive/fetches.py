"""Fetches of the same pages day after day, as government sites serve them: the words stay, the bytes do not.

Pages are the demo county's, which carries its own noise, and the saved real pages beside the checkout where they are.
Into those noise is put: a token, the date of the day, a counter, links to the day's news. A third of the real sites are
static and answer the same bytes for ever. Half of all hosts are redesigned once, half way.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from crawler.demo.county import County

SAVED = Path(__file__).parents[3] / "shared" / "pages"
LARGEST = 400_000
REQUEST = (
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en"),
    ("User-Agent", "gongkai/0.1.0 (archive of yearly government disclosure reports)"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
)
CLASS = re.compile(r'class="')
SYLLABLES = "关于全面推进年度工作情况通报会议召开县局发展服务群众安全生产检查教育学习调研座谈"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """One answer of one page on one day."""

    url: str
    at: datetime
    request_headers: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Web:
    """The pages, and what they answer on a day."""

    county: County
    urls: tuple[str, ...]
    saved: dict[str, str] = field(repr=False)
    days: int

    @classmethod
    def make(cls, *, pages: int, days: int) -> Web:
        """Take so many pages, real ones first, up to a third of all."""
        county = County.make()
        saved = dict(_saved(pages // 3))
        ours = [report["url"] for report in county.truth(day=1)["reports"]]
        return cls(county=county, urls=(*saved, *ours)[:pages], saved=saved, days=days)

    def fetches(self) -> Iterator[Fetch]:
        """Walk all pages on the first day, then on the next, always the same; a day is a week after the one before."""
        for day in range(1, self.days + 1):
            began = datetime(2026, 4, 8, 1, tzinfo=UTC) + timedelta(weeks=day - 1)
            for n, url in enumerate(self.urls):
                yield self._fetch(url, day=day, at=began + timedelta(seconds=7 * n))

    def _fetch(self, url: str, *, day: int, at: datetime) -> Fetch:
        parts = urlsplit(url)
        dice = random.Random(f"{url} {day}")
        kind = "text/html; charset=utf-8"
        static = False
        if url in self.saved:
            static = random.Random(parts.netloc).random() < 1 / 3
            text, charset = self.saved[url], "utf-8"
            text = text if static else noisy(text, dice=dice, today=at.date())
        else:
            answer = self.county.answer(url, day=day + 2)  # the county's own edits come before
            kind, charset = answer.headers["Content-Type"], _charset(answer.body)
            text = answer.body.decode(charset)
        if day > self.days // 2 and random.Random(f"{parts.netloc} new").random() < 1 / 2:
            text = redesigned(text, host=parts.netloc)
        body = text.encode(charset)
        changing = (
            (("Last-Modified", "Tue, 03 Mar 2026 02:11:09 GMT"), ("ETag", f'"{len(body):x}-64c1f2a7"'))
            if static
            else (("Set-Cookie", f"JSESSIONID={dice.randbytes(16).hex().upper()}; Path=/; HttpOnly"),)
        )
        headers = (
            ("Server", "nginx"), ("Date", format_datetime(at, usegmt=True)), ("Content-Type", kind),
            ("Content-Length", str(len(body))), ("Vary", "Accept-Encoding"), ("X-Frame-Options", "SAMEORIGIN"), *changing,
        )  # fmt: skip
        referrer = ("Referer", f"{parts.scheme}://{parts.netloc}/xxgk/nb/")
        return Fetch(url=url, at=at, request_headers=(referrer, *REQUEST), headers=headers, body=body)


def noisy(text: str, *, dice: random.Random, today: date) -> str:
    """Put into a page what changes with every fetch."""
    token, counter = dice.randbytes(16).hex(), dice.randint(1_000, 99_999)
    head = f'<meta name="csrf-token" content="{token}"><script>var _sid="{token[:16].upper()}";</script></head>'
    foot = (
        f'<div class="top">今天是{today.year}年{today.month}月{today.day}日</div><span id="hits">浏览次数：{counter}</span>'
        f"<ul class=related>{''.join(_news(dice) for _ in range(6))}</ul></body>"
    )
    return _before(_before(text, "</head>", head), "</body>", foot)


def redesigned(text: str, *, host: str) -> str:
    """Give a page the new look of its host: other classes, another frame, another style sheet."""
    dice = random.Random(host)
    prefix = dice.randbytes(2).hex()
    rules = "".join(f".{prefix}-{dice.randbytes(4).hex()}{{margin:{dice.randint(0, 40)}px}}" for _ in range(150))
    menu = "".join(_news(dice) for _ in range(60))
    new = CLASS.sub(f'class="{prefix}-', text)
    return _before(_before(new, "</head>", f"<style>{rules}</style></head>"), "</body>", f"<nav>{menu}</nav></body>")


def _news(dice: random.Random) -> str:
    title = "".join(dice.choices(SYLLABLES, k=dice.randint(10, 24)))
    return f'<li><a href="/zwdt/{dice.randint(202401, 202412)}/t{dice.randint(10**7, 10**8)}.html">{title}</a></li>'


def _before(text: str, mark: str, new: str) -> str:
    head, found, tail = text.rpartition(mark)
    return f"{head}{new}{tail}" if found else text + new


def _saved(most: int) -> Iterator[tuple[str, str]]:
    found = (file for file in sorted(SAVED.rglob("*")) if file.suffix in {".html", ".htm", ".shtml"})
    pages = [file for file in found if 3_000 < file.stat().st_size < LARGEST]
    for file in pages[:: max(1, len(pages) // most)][:most]:
        folder, *rest = file.relative_to(SAVED).parts
        text = file.read_bytes().decode("utf-8", "replace")
        yield f"http://{folder.replace('_', '-')}-{len(rest[0]) % 5}.example/{quote('/'.join(rest))}", text


def _charset(body: bytes) -> str:
    try:
        body.decode()
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
