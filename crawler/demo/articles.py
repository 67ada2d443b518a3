"""What an office publishes: its reports, its news, and what else has strayed into the report column."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from crawler.demo.dice import dice
from crawler.demo.forms import form_of, grids
from crawler.demo.model import Article, Carrier, File, Office
from crawler.demo.numbers import Numbers, words
from crawler.demo.prose import Line, Pen, phrases

ALONE = frozenset({"doc", "pdf"})
"""Carriers in the place of a page, which then says only where the report is."""

ELSEWHERE = "报告全文详见附件。"


def report(office: Office, year: int, *, seed: int, numbers: Numbers, published: date) -> Article:
    """Write an office's report on a year, with its numbers in its sentences and tables."""
    rng = dice(seed, office.label, year)
    form = form_of(year)
    title = _title(office, year, rng)
    pen = Pen(rng=rng, facts=_facts(office, year), topics=office.topics, form=form, numbers=numbers)
    lines = (*pen.report(), *_signature(office, published))
    if form is None:  # no table: only what the sentences say is there to be found
        numbers = {code: numbers[code] for line in lines for code in line.codes}
    wordings = words(numbers, zero=office.zero)
    return Article(
        id=_id(office, year),
        agency=office.name,
        title=title,
        published=published,
        lines=lines,
        year=year,
        form=form,
        numbers=numbers,
        words=wordings,
        grids=grids(form, wordings),
    )


def carried(article: Article, office: Office, *, said: Article) -> Article:
    """Publish a report as the office does that year: with the files that say what `said` does, or as a file alone."""
    carrier = office.carriers.get(article.year or 0)
    if carrier == "pictures":
        return replace(article, files=tuple(_picture(article, office, id_) for id_ in article.grids))
    if carrier is None and not (office.files and article.year and article.year >= 2017):
        return article
    article = replace(article, files=(_document(said, office, carrier),))
    return replace(article, lines=(Line(text=ELSEWHERE),)) if carrier in ALONE else article


def decoys(office: Office, *, seed: int, years: Sequence[int]) -> list[Article]:
    """Write what stands in the report column and is no report of this kind."""
    rng = dice(seed, office.label, "decoys")
    days = [date(rng.choice(years), rng.randint(4, 12), rng.randint(1, 28)) for _ in phrases()["decoys"]]
    told = enumerate(phrases()["decoys"].items())
    return [_told(office, rng, 700 + n, days[n], title, paragraphs) for n, (title, paragraphs) in told]


def news(office: Office, *, seed: int, today: date) -> list[Article]:
    """Write an office's news, newest first."""
    rng = dice(seed, office.label, "news")
    told = enumerate(phrases()["news"].items())
    days = [today - timedelta(days=3 + 5 * n) for n in range(len(phrases()["news"]))]
    return [_told(office, rng, 900 + n, days[n], title, paragraphs) for n, (title, paragraphs) in told]


def _told(office: Office, rng: random.Random, number: int, day: date, title: str, paragraphs: Sequence[str]) -> Article:
    pen = Pen(rng=rng, facts=_facts(office, day.year), topics=office.topics)
    lines = tuple(pen.line(p) for p in paragraphs)
    return Article(id=_id(office, number), agency=office.name, title=pen.line(title).text, published=day, lines=lines)


def _facts(office: Office, year: int) -> dict[str, str]:
    number = sum(map(ord, office.label)) % 9000
    return {
        "name": office.name,
        "we": office.we,
        "label": office.label,
        "host": office.host,
        "place": f"云岫县云岫镇迎宾路{number % 190 + 1}号",
        "phone": f"0999-555{number:04d}",
        "year": str(year),
        "next": str(year + 1),
    }


def _id(office: Office, number: int) -> int:
    """Number an article as a CMS does: unique on its site, and no year to be read in it."""
    return 100_000 + (sum(map(ord, office.label)) * 7919 + number * 613) % 800_000


def _title(office: Office, year: int, rng: random.Random) -> str:
    forms = [
        f"{office.name}{year}年政府信息公开工作年度报告",
        f"{year}年{office.name}政府信息公开年度报告",
        f"{office.name}政府信息公开工作{year}年度报告",
        f"{office.name}{year}年度政府信息公开年报",
        f"{office.name}关于{year}年度政府信息公开工作情况的报告",
        f"{office.name}政府信息公开年度报告（{year}年）",
    ]
    if year < 2014:
        chinese = "".join("〇一二三四五六七八九"[int(d)] for d in str(year))
        forms.append(f"{office.name}{chinese}年政府信息公开年度报告")
    return rng.choice(forms)


def _signature(office: Office, day: date) -> tuple[Line, Line]:
    dated = f"{day.year}年{day.month}月{day.day}日"
    return Line(kind="signature", text=office.name), Line(kind="signature", text=dated)


def _document(article: Article, office: Office, carrier: Carrier | None) -> File:
    type_ = carrier if carrier in {"doc", "docx"} else "pdf"
    return File(
        name=_file_name(article, 1, type_),
        label=f"{article.title}.{type_}",
        blocks=(
            article.title,
            *(article.grids[line.text] if line.kind == "table" else line.text for line in article.lines),
        ),
        made=f"{office.label}_{article.year}.doc" if type_ == "doc" else None,
        framed=carrier == "pdf",
    )


def _picture(article: Article, office: Office, grid: str) -> File:
    number = 1 + list(article.grids).index(grid)
    return File(
        name=_file_name(article, number, "png"),
        label="",
        blocks=(article.grids[grid],),
        made=f"{office.label}_{article.year}_{grid}.png",
        grid=grid,
    )


def _file_name(article: Article, number: int, type_: str) -> str:
    return f"P0{article.published:%Y%m%d}{article.id:06d}{number:03d}.{type_}"
