"""Searching the reports, as readers of Chinese do: any characters in a row are found, wherever they stand.

The index holds each two neighbouring characters of a word as one token, and the last one alone, so that a word is a
phrase of such tokens and a single character the beginning of some. What is found is what a page's own search finds
(SQLite's LIKE): parts of words and numbers too, capitals or not.
"""

from __future__ import annotations

import re
import sqlite3
from array import array
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypedDict, Unpack

from archive.script import encodable, t2s

_SCORE = "bm25(report_search, 1.0, 10.0, 5.0)"  # a word of the title weighs more than one of the text, and the agency's
_RUN = re.compile(r"[^\W_]+")
_BEGINS = re.compile(" .")
_WORD = re.compile(r'["“”]([^"“”]*)["“”]?|([^\s"“”]+)')
_GAP = re.compile(r"[\s|]+")
_HOLDS = """(SELECT instr(lower(report_texts.title || char(10) || report_texts.agency || char(10) || t.text), lower(:{}))
             FROM stored_texts t WHERE t.number = report_texts.text)"""
_LONGEST, _MOST_WORDS = 500, 16  # what is more of a query is left
_BEFORE, _WIDTH = 30, 120  # characters of a snippet before the first word found, and in all
_MOST_PLACES = 200  # among which the best place for a snippet is looked for

Ranges = tuple[tuple[int, int], ...]
"""Where words stand in a text: from, to."""


class Only(TypedDict, total=False):
    """What a search is narrowed to; None is no narrowing.

    `region` is the beginning of a GB/T 2260 code, `kind` the agency's.
    """

    year: int | None
    region: str | None
    kind: Literal["department", "government"] | None
    standing: Literal["official", "copy"] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A page that carries a report, and where the words stand in its best text.

    `report` is the report's id, or None for a copy of one that is not known; `n` and `url` are of the carrier: 0 and
    the page's own, or a document's. `title_marks` and `marks` are the places of the words in `title` and `snippet`.
    """

    report: str | None
    page: str
    n: int
    url: str
    title: str
    title_marks: Ranges
    agency: str
    year: int
    region: str
    kind: str
    standing: str
    published_on: str | None
    snippet: str
    marks: Ranges


def grams(text: str) -> str:
    """Write a text as the index holds it: each two neighbouring characters of a word, and its last one.

    >>> grams("就业培训, 12件").split()
    ['就业', '业培', '培训', '训', '12', '2件', '件']
    """
    words = " ".join(_RUN.findall(text))
    following = _BEGINS.sub("  ", f"{words} ")[1:]  # blanks are followed by none, or it would be a word
    made = _codes(" ") * (3 * len(words))
    made[0::3], made[1::3] = _codes(words), _codes(following)
    return made.tobytes().decode("utf-32-le", "surrogatepass")


def match(query: str) -> str:
    """Write a query as an FTS5 expression for `report_search`: all its words, and what stands in quotes as it stands.

    Each word is looked for as given and in simplified characters, in which texts are kept. Signs
    between the characters of a word, and blanks within quotes, are left to `find`, which compares them too.

    >>> match('就业 "年度 报告"'), match("税"), match("就業")
    ('("就业") AND ("年度 度 报告")', '("税" *)', '("就業" OR "就业")')
    """
    phrases = [[phrase for form in forms if (phrase := _phrase(form))] for forms in _words(query)]
    return " AND ".join(f"({' OR '.join(forms)})" for forms in phrases if forms) or '""'


def find(
    db: sqlite3.Connection,
    query: str,
    *,
    limit: int = 20,
    offset: int = 0,
    **only: Unpack[Only],
) -> list[Hit]:
    """List the pages of reports that hold all words of a query, the most relevant first (BM25); see `match`."""
    found, given = _found(query, only)
    rows = db.execute(
        f"""WITH found AS MATERIALIZED (SELECT page, number, standing, {_SCORE} AS score {found}),  -- no bm25() where rows are grouped
            best AS (SELECT page, number, standing, min(score) AS score FROM found GROUP BY page
                     ORDER BY score, standing DESC, page LIMIT :limit OFFSET :offset)
            SELECT r.*, t.text AS words, reports.id AS report, url, p.title AS page_title, p.published_on
            FROM best JOIN report_texts r USING (number) JOIN stored_texts t ON t.number = r.text
            JOIN report_pages p ON p.page = r.page JOIN stored_carriers c ON c.page = r.page AND c.n = r.n
            JOIN pages ON pages.id = coalesce(c.file, c.page)
            LEFT JOIN reports ON reports.agency = r.agency AND reports.year = r.year
            ORDER BY score, r.standing DESC, r.page""",  # noqa: S608
        given | {"limit": limit, "offset": offset},
    )
    pattern = _pattern(query)
    hits = []
    for row in rows:
        snippet, marks = _snippet(row["words"], pattern)
        title = row["title"] or row["page_title"]
        same = {
            key: row[key] for key in (*Only.__annotations__, "report", "page", "n", "url", "agency", "published_on")
        }
        hits.append(Hit(**same, title=title, title_marks=_marks(title, pattern), snippet=snippet, marks=marks))
    return hits


def count(db: sqlite3.Connection, query: str, **only: Unpack[Only]) -> int:
    """Count the pages of reports that hold all words of a query."""
    found, given = _found(query, only)
    return db.execute(f"SELECT count(DISTINCT page) {found}", given).fetchone()[0]  # type: ignore[no-any-return]


def marks(text: str, query: str) -> Ranges:
    """Give the places of a query's words in a text, in their order.

    >>> marks("就业培训，促进就业", "就业")
    ((0, 2), (7, 9))
    """
    return _marks(text, _pattern(query))


def rest(query: str) -> tuple[list[str], dict[str, str]]:
    """Write what `match` leaves of a query, as conditions on rows of `report_texts` in SQL with their parameters.

    Words that the index holds only in part, for the signs and blanks in them, are compared with the texts themselves.

    >>> rest("就业")
    ([], {})
    """
    conditions: list[str] = []
    given: dict[str, str] = {}
    for forms in _words(query):
        if not all(_RUN.fullmatch(form) for form in forms):
            names = {f"word{len(given) + i}": form for i, form in enumerate(forms)}
            given |= names
            conditions.append(f"({' OR '.join(map(_HOLDS.format, names))})")
    return conditions, given


def _found(query: str, only: Only) -> tuple[str, dict[str, object]]:
    """Write the part of a query in SQL that finds what is searched, with its parameters."""
    given: dict[str, object] = dict.fromkeys(Only.__annotations__) | dict(only)
    compared, words = rest(query)
    narrowed = [
        f"report_texts.{column} = coalesce(:{column}, report_texts.{column})" for column in ("year", "kind", "standing")
    ]
    narrowed.append("instr(report_texts.region, coalesce(:region, '')) = 1")
    return (
        f"""FROM report_search JOIN report_texts ON report_texts.number = report_search.rowid
            WHERE report_search MATCH :match AND {" AND ".join((*narrowed, *compared))}""",
        given | words | {"match": match(query)},
    )


def _words(query: str) -> list[list[str]]:
    """Split a query into words, each in the forms that it is looked for in."""
    query = encodable(query[:_LONGEST])
    words = ((quoted or plain).strip() for quoted, plain in _WORD.findall(query))
    return [list(dict.fromkeys((word, t2s(word)))) for word in islice(filter(None, words), _MOST_WORDS)]


def _phrase(form: str) -> str | None:
    """Write a word as a phrase of the index; None where it is all signs.

    Its last run of characters may go on in the text, so it has no last character alone.
    """
    *runs, last = _RUN.findall(form) or [""]
    if not last:
        return None
    tokens = [*grams(" ".join(runs)).split(), *(last[i : i + 2] for i in range(max(1, len(last) - 1)))]
    return f'"{" ".join(tokens)}"' + (" *" if len(last) == 1 else "")


def _pattern(query: str) -> re.Pattern[str]:
    """Write a query as a pattern with a group for each word, capitals or not as LIKE has it."""
    groups = (f"({'|'.join(map(re.escape, forms))})" for forms in _words(query))
    return re.compile("|".join(groups) or "(?!)", re.ASCII | re.IGNORECASE)


def _codes(text: str) -> array[int]:
    return array("I", text.encode("utf-32-le", "surrogatepass"))


def _marks(text: str, pattern: re.Pattern[str]) -> Ranges:
    return tuple(found.span() for found in pattern.finditer(text))


def _snippet(text: str, pattern: re.Pattern[str]) -> tuple[str, Ranges]:
    """Cut out the first place where the most words stand near each other, and say where they stand in it."""
    places = list(islice(pattern.finditer(text), _MOST_PLACES))

    def near(first: int) -> int:
        end = places[first].start() + _WIDTH - _BEFORE
        return len({place.lastindex for place in places[first : first + _WIDTH] if place.end() <= end})

    best = places[max(range(len(places)), key=near)] if places else None
    start = max(0, best.start() - _BEFORE) if best else 0
    end = max(start + _WIDTH, best.end() if best else 0)
    words = _GAP.sub(" ", text[start:end]).strip()
    snippet = f"{'…' if start else ''}{words}{'…' if end < len(text) else ''}"
    return snippet, _marks(snippet, pattern)
