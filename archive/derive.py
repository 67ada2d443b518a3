"""Versions, events and reports: what follows from captures, texts and columns, and nothing else.

A crawl calls `pages` for each page it touched and a rebuild for all of them, so both give the same rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache, partial
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from archive import carriers, history, indexing, judging, volatile
from archive.carriers import Carrier
from archive.database import name, to_json
from archive.health import due_on
from archive.history import ANSWERED, Seen, Sighting, State, Version
from archive.records import Attachment, content_key, owns
from archive.rows import TEXTS_OF_VERSIONS, shown
from archive.tables import AT, FOLLOWING
from archive.walk import Walk, silently

_TEACHERS = 8
"""Of how many noisy pages of a host its volatile lines are learned: the first by name, so that it never depends on order."""

_LIVES = 64
"""How many pages' captures are kept while pages are worked out: those of one report, and of a crawl's touch."""

_SIDES = ("left", "right", "last")
"""Of a rule between years: what is summed up of this year's report, on either side, and of the last year's."""

Numbers = Mapping[tuple[str, ...], Any]
"""The numbers of a report, by form, table, row and column."""

Lives = Callable[[str], Sequence[Seen]]
"""Gives a page's captures in time."""


def pages(db: sqlite3.Connection, page_ids: Iterable[str], *, index: bool = True) -> None:
    """Work out anew the versions of these pages, and what follows for the reports they carry; the caller holds the transaction.

    The index for searching follows too, but where only the rows are wanted.
    """
    touched = _with_relearned(db, _with_linking(db, page_ids))
    known = judging.known(db, touched)
    _pages(db, touched, index=index)
    judging.judge_again(db, known ^ judging.known(db, touched))


def _pages(db: sqlite3.Connection, touched: Collection[str], *, index: bool, walk: Walk = silently) -> None:
    reports: set[tuple[str, int]] = set()
    lives: Lives = lru_cache(_LIVES)(partial(_history, db))
    for page in walk(touched, "histories"):
        reports.update(_reports_of(db, page))
        for table in ("events", "report_pages", "versions", "stored_carriers"):
            db.execute(f"DELETE FROM {table} WHERE page = ?", (page,))  # noqa: S608
        versions, _ = history.versions(lives(page))
        db.executemany(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (page, v.n, v.key, v.payload, v.first_seen, v.last_seen, v.captures, v.reversions)
                for v in versions
            ],
        )  # fmt: skip
        _carry(db, page, versions)
        if index:
            indexing.update(db, page)
        reports.update(_reports_of(db, page))
    own = frozenset(touched)
    for agency, year in walk(sorted(reports), "reports"):
        for carrier in _carriers_to_tell(db, agency, year, touched=own):
            _tell(db, carrier, lives)
        _report(db, agency, year)
    year_checks(db, reports | {(agency, year + 1) for agency, year in reports})


def captured(db: sqlite3.Connection, page: str, *, at: str, kind: str) -> None:
    """Draw the consequences of a capture of a report's page or a document; the caller holds the transaction.

    Where it shows what the one before it showed, as nearly all do, they are few, and the page's history is not read.
    """
    if not (_document_again(db, page, at=at) if kind == "attachment" else _again(db, page, at=at)):
        pages(db, [page])


def cleaned(db: sqlite3.Connection, payloads: Iterable[int]) -> None:
    """Draw the consequences of payloads' new texts, for all pages that showed them; the caller holds the transaction."""
    touched: dict[str, None] = {}
    for payload in payloads:
        own = shown(db, payload)
        (times,) = db.execute("SELECT count(*) FROM stored_captures WHERE payload = ?", (payload,)).fetchone()
        if times != 1 or not _again(db, own[0], payload=payload):
            touched |= dict.fromkeys(own)
    pages(db, touched)


def visited(db: sqlite3.Connection, run: str) -> None:
    """Draw the consequences of a run's visits and lists, once they are written down; the caller holds the transaction."""
    unnamed = db.execute(
        """SELECT DISTINCT page FROM captures c WHERE run = ? AND kind = 'report' AND referrer IS NULL
             AND EXISTS (SELECT 1 FROM columns WHERE columns.run = c.run AND columns.source = c.source AND reports)""",
        (run,),
    )
    pages(db, [page for (page,) in unnamed.fetchall()])
    judging.judge(db, run)


def described(db: sqlite3.Connection, source: str) -> None:
    """Draw the consequences of a source's new description: whose report, due when, official or a copy."""
    seen = "SELECT DISTINCT page FROM captures JOIN sources s ON s.id = source WHERE ? IN (s.id, s.copy_of)"
    pages(db, [page for (page,) in db.execute(seen, (source,)).fetchall()])
    judging.judge_source(db, source)


def same_agency(named: str | None, known: str) -> str:
    """Give the agency's full name: `known`, the source's own, where a report names it short.

    >>> same_agency("市林业局", "吉林市林业局"), same_agency("县档案馆", "云岫县财政局"), same_agency(None, "云岫县财政局")
    ('吉林市林业局', '县档案馆', '云岫县财政局')
    """
    if not named:
        return known
    short = named.lstrip("我本省市县区州")
    return known if len(short) >= 2 and known.endswith(short) else named


def _last(db: sqlite3.Connection, page: str, *, kind: str) -> list[sqlite3.Row]:
    """Give a page's last three captures of a kind, the latest first, with their texts; none where two have one time."""
    found = db.execute(
        f"""SELECT c.at AS time, {AT} AS at, run.text AS run, source.text AS source, referrer, c.payload, outcome.text AS outcome, r.text
            FROM strings page JOIN stored_captures c ON c.page = page.number JOIN strings run ON run.number = c.run
            JOIN strings source ON source.number = c.source JOIN strings outcome ON outcome.number = c.outcome
            JOIN strings kind ON kind.number = c.kind
            LEFT JOIN readings r ON r.payload = c.payload
            WHERE page.text = ? AND kind.text = ? ORDER BY time DESC LIMIT 3""",  # noqa: S608
        (page, kind),
    ).fetchall()
    times = {row["time"] for row in found if isinstance(row["time"], int)}
    return found if len(times) == len(found) else []


def _again(db: sqlite3.Connection, page: str, *, at: str | None = None, payload: int | None = None) -> bool:
    """Bring a page up to date whose last capture shows the same text as the one before it, or none yet; say if it does.

    The last capture is the news: made `at` this time, or of this `payload`, which has a text now. What needs the page's
    whole history is left to `pages`: it was away or off its lists, two contents are the last, it is to teach its host's
    volatile lines.
    """
    now, before, *_ = (*_last(db, page, kind="report"), None, None)
    if now and not before and not now["text"]:
        return True  # a page seen for the first time, of which nothing follows before it has a text
    if not now or not before or not (now["at"] == at or (payload and now["payload"] == payload)):
        return False
    report = db.execute("SELECT agency, year, unlisted_since FROM report_pages WHERE page = ?", (page,)).fetchone()
    if (
        now["outcome"] not in ANSWERED
        or before["outcome"] not in ANSWERED
        or now["source"] != before["source"]
        or (now["referrer"] and report and report["unlisted_since"])
        or (now["text"] and _teaches(db, page))
        or db.execute("SELECT 1 FROM columns WHERE run = ? AND source = ?", (now["run"], now["source"])).fetchone()
    ):
        return False
    newest = db.execute(
        f"""SELECT v.n, v.key, last_seen, t.number, t.key AS own, t.attachments FROM versions v JOIN {TEXTS_OF_VERSIONS}
            WHERE v.page = ? ORDER BY last_seen DESC LIMIT 2""",  # noqa: S608
        (page,),
    ).fetchall()
    if [version["last_seen"] for version in newest].count(before["at"]) != 1 or newest[0]["last_seen"] != before["at"]:
        return False
    stands = newest[0]
    frames = _volatile(db, _host(db, page))
    own = _key(db, stands["number"], frames) if frames else stands["own"]
    is_known = now["text"] in (stands["number"], before["text"], None)
    if not is_known and not (frames and _key(db, now["text"], frames) == own):
        return False
    if now["text"] or now["outcome"] == "not-modified":
        if _with_files(db, own, stands["attachments"], now, {}) != stands["key"]:
            return False
        db.execute(
            "UPDATE versions SET captures = captures + 1, last_seen = ? WHERE page = ? AND n = ?",
            (now["at"], page, stands["n"]),
        )
        for other in _carriers_to_tell(db, *report[:2], touched=(), but=page) if report else ():
            _tell(db, other, partial(_history, db))
    return True


def _document_again(db: sqlite3.Connection, page: str, *, at: str) -> bool:
    """Bring the reports up to date that link to a document whose answer `at` a time is the one before it again; say if it is."""
    now, before, *_ = (*_last(db, page, kind="attachment"), None, None)
    if not now or not before or now["at"] != at or before["outcome"] not in ANSWERED:
        return False
    (began,) = db.execute("SELECT started_at FROM runs WHERE id = ?", (now["run"],)).fetchone()
    if not before["at"] < began <= now["at"]:  # else answers of other runs may lie between this run's
        return False
    if now["outcome"] != "not-modified" and (now["outcome"] != "same" or now["payload"] != before["payload"]):
        return False
    db.execute("UPDATE stored_carriers SET outcome = ? WHERE file = ?", (now["outcome"], page))
    return True


def _history(db: sqlite3.Connection, page: str) -> list[Seen]:
    """Read a page's captures in time."""
    frames = _volatile(db, _host(db, page))
    rows = db.execute(
        """SELECT id AS capture, run, source, at, outcome, reason, referrer, redirects, c.payload, r.text, key, t.attachments
           FROM captures c LEFT JOIN readings r ON r.payload = payload_number LEFT JOIN stored_texts t ON t.number = r.text
           WHERE page = ? AND kind = 'report' ORDER BY at, attempt, id""",
        (page,),
    )
    seen = []
    key = payload = None
    linked = "[]"
    files: dict[str, list[sqlite3.Row]] = {}
    key_of = cache(partial(_key, db, frames=frames))
    for row in rows:
        said = {**dict(row), "redirects": tuple(json.loads(row["redirects"]))}
        own = key_of(row["text"]) if frames and row["key"] else row["key"]
        if own and row["outcome"] in ANSWERED:
            key, payload, linked = own, row["payload"], said["attachments"]
        if row["outcome"] == "not-modified":
            own, said["payload"] = key, payload
        del said["text"], said["attachments"]
        seen.append(Seen(**said | {"key": own and _with_files(db, own, linked, row, files)}))
    return seen


def _with_files(
    db: sqlite3.Connection, key: str, linked: str, seen: sqlite3.Row, files: dict[str, list[sqlite3.Row]]
) -> str:
    """Name a page's content together with what its documents said then: those asked for in the same run, else before.

    What a document said before it was asked for the first time is taken to be what it said then, and one that never
    answered says nothing. `files` remembers what was read.
    """
    said = []
    for url in [file["url"] for file in json.loads(linked)] if linked != "[]" else ():
        if url not in files:
            files[url] = _answers(db, url)
        answers = files[url]
        own = [answer for answer in answers if answer["run"] == seen["run"]]
        before = [answer for answer in answers if answer["at"] <= seen["at"]]
        if answers:
            answer = (own or before or answers[:1])[-1]
            said.append(f"{url}\x1e{answer['key'] if answer['has_words'] else answer['payload']}")
    return hashlib.sha256("\x1f".join((key, *said)).encode()).hexdigest()[:32] if said else key


def _answers(db: sqlite3.Connection, url: str) -> list[sqlite3.Row]:
    """List what a document was, in time: a 304 says what was said before, which the answer before it tells."""
    return db.execute(
        """SELECT run, at, c.payload, payload_number, key, coalesce(t.text, '') != '' AS has_words
           FROM captures c LEFT JOIN readings r ON r.payload = payload_number LEFT JOIN stored_texts t ON t.number = r.text
           WHERE page = ? AND kind = 'attachment' AND outcome IN ('new', 'same') ORDER BY at, attempt, id""",
        (name(url),),
    ).fetchall()


def _with_linking(db: sqlite3.Connection, page_ids: Iterable[str]) -> list[str]:
    """Add the pages that link to these as their documents."""
    touched = dict.fromkeys(page_ids)
    for page in list(touched):
        linking = db.execute(
            "SELECT DISTINCT referrer FROM captures WHERE page = ? AND kind = 'attachment' AND referrer NOTNULL",
            (page,),
        )
        touched |= dict.fromkeys(name(url) for (url,) in linking.fetchall())
    return list(touched)


def _with_relearned(db: sqlite3.Connection, page_ids: Iterable[str]) -> list[str]:
    """Learn anew which lines of these pages' hosts are volatile; where that changed, the hosts' other pages come along."""
    touched = dict.fromkeys(page_ids)
    by_host: dict[str, list[str]] = {}
    for page in touched:
        by_host.setdefault(_host(db, page), []).append(page)
    for host, own in sorted(by_host.items()):
        known = _volatile(db, host)
        if known or any(_noisy(db, host, least=volatile.LEAST_KEYS, page=page) for page in own):
            learned = volatile.learn(_taught(db, host))
            if learned != known:
                db.execute("DELETE FROM volatile_lines WHERE host = ?", (host,))
                db.executemany("INSERT INTO volatile_lines VALUES (?, ?)", [(host, frame) for frame in sorted(learned)])
                touched |= dict.fromkeys(_noisy(db, host, least=1))
    return list(touched)


def _host(db: sqlite3.Connection, page: str) -> str:
    return db.execute("SELECT host FROM pages WHERE id = ?", (page,)).fetchone()[0]  # type: ignore[no-any-return]


def _volatile(db: sqlite3.Connection, host: str) -> frozenset[str]:
    return frozenset(frame for (frame,) in db.execute("SELECT frame FROM volatile_lines WHERE host = ?", (host,)))


def _noisy(db: sqlite3.Connection, host: str, *, least: int, page: str | None = None) -> list[str]:
    """List a host's pages, or this one of them, that showed so many contents."""
    rows = db.execute(
        f"""SELECT pages.id AS page
           FROM pages JOIN captures c ON c.page = pages.id
           JOIN readings r ON r.payload = payload_number JOIN stored_texts t ON t.number = r.text
           WHERE {"pages.id = :page" if page else "host = :host"} AND c.kind = 'report'
           GROUP BY pages.id HAVING count(DISTINCT key) >= :least ORDER BY pages.id""",  # noqa: S608
        {"host": host, "page": page, "least": least},
    )
    return [row["page"] for row in rows]


def _taught(db: sqlite3.Connection, host: str) -> Iterator[list[str]]:
    """Give the texts by which a host's noisy pages teach, of each those that came first, one a capture."""
    rows = db.execute(
        """SELECT pages.id AS page, t.number, key FROM pages JOIN captures c ON c.page = pages.id
           JOIN readings r ON r.payload = payload_number JOIN stored_texts t ON t.number = r.text
           WHERE host = ? AND c.kind = 'report' ORDER BY pages.id, at, attempt, c.id""",
        (host,),
    )
    by_page = ([*own] for _, own in groupby(rows.fetchall(), key=itemgetter("page")))
    lessons = (own[: _lesson(len(own))] for own in by_page)
    noisy = (own for own in lessons if len({text["key"] for text in own}) >= volatile.LEAST_KEYS)
    for own in islice(noisy, _TEACHERS):
        query = "SELECT text FROM stored_texts WHERE number = ?"
        yield [db.execute(query, (text["number"],)).fetchone()["text"] for text in own]


def _lesson(texts: int) -> int:
    """Say how many of a page's texts, from the first on, are taught: 4, 6, 8, 12, 16, 24 and so on.

    So their lines are learned anew ever more rarely, and a text costs no more in a long life than in a short one.
    """
    return texts & (3 << texts.bit_length() - 2) if texts >= volatile.LEAST_KEYS else 0


def _teaches(db: sqlite3.Connection, page: str) -> bool:
    """Say whether a page's last text may alter what is known of its host's volatile lines."""
    (versions,) = db.execute("SELECT count(*) FROM versions WHERE page = ?", (page,)).fetchone()
    if versions < volatile.LEAST_KEYS and not _volatile(db, _host(db, page)):
        return False  # without volatile lines each content is a version, and these are quickly counted
    texts, keys = db.execute(
        """SELECT count(*), count(DISTINCT t.key)
           FROM strings page JOIN stored_captures c ON c.page = page.number JOIN strings kind ON kind.number = c.kind
           JOIN readings r ON r.payload = c.payload JOIN stored_texts t ON t.number = r.text
           WHERE page.text = ? AND kind.text = 'report'""",
        (page,),
    ).fetchone()
    return bool(keys >= volatile.LEAST_KEYS and texts == _lesson(texts))


def _key(db: sqlite3.Connection, text: int, frames: frozenset[str]) -> str:
    """Name a text's content without its host's volatile lines."""
    row = db.execute("SELECT title, text, attachments FROM stored_texts WHERE number = ?", (text,)).fetchone()
    files = [Attachment(**file) for file in json.loads(row["attachments"])]
    return content_key(title=row["title"], text=volatile.without(row["text"], frames), attachments=files)


def _text(db: sqlite3.Connection, payload: str) -> Any:
    query = f"SELECT t.*, payloads.number AS payload_number FROM (SELECT ? AS payload) v JOIN {TEXTS_OF_VERSIONS}"  # noqa: S608
    return db.execute(query, (payload,)).fetchone()


def _carry(db: sqlite3.Connection, page: str, versions: list[Version]) -> None:
    """Note the report that the page carries, by the last of its versions that is one."""
    for version in sorted(versions, key=lambda v: (v.last_seen, v.n), reverse=True):
        text = _text(db, version.payload)
        if text["is_report"] and text["report_year"]:
            break
    else:
        return
    source = db.execute(
        """SELECT s.id, s.copy_of, s.hosts, host, coalesce(o.agency, s.agency) AS agency
           FROM captures JOIN pages ON pages.id = page JOIN sources s ON s.id = source
           LEFT JOIN sources o ON o.id = s.copy_of
           WHERE page = ? AND kind = 'report'
           ORDER BY s.copy_of IS NOT NULL, instr(s.hosts, '"' || host || '"') = 0, at, s.id LIMIT 1""",
        (page,),
    ).fetchone()
    official = source["copy_of"] is None and owns(json.loads(source["hosts"]), source["host"])
    db.execute(
        """INSERT INTO report_pages (page, source, standing, agency, year, title, published_on, first_seen, versions,
               payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            page, source["id"], "official" if official else "copy", same_agency(text["agency"], source["agency"]),
            text["report_year"], text["title"], text["published_on"], versions[0].first_seen, len(versions),
            version.payload,
        ),
    )  # fmt: skip
    _carriers(db, page, text)


def _carriers(db: sqlite3.Connection, page: str, text: sqlite3.Row) -> None:
    """Note all that carries a page's report: itself and the documents it links to, with their last answers.

    Those that have words are ranked, the report's text first; the others are compared with it.
    """
    rows: list[dict[str, Any]] = [{"n": 0, "payload": text["payload_number"], "text": text}]
    for n, file in enumerate(json.loads(text["attachments"]), start=1):
        row = {"n": n, "file": name(file["url"]), "label": file["label"]}
        last = db.execute(
            "SELECT outcome FROM captures WHERE page = ? AND kind = 'attachment' ORDER BY time DESC, attempt DESC LIMIT 1",
            (row["file"],),
        ).fetchone()
        row["outcome"] = last and last["outcome"]
        if answers := _answers(db, file["url"]):
            row["payload"] = answers[-1]["payload_number"]
            said = _text(db, answers[-1]["payload"])
            row["text"] = said if said and said["text"] else None
        rows.append(row)
    ranked = [row for row in rows if row.get("text")]
    told = [_carrier(row["text"], text) for row in ranked] if len(ranked) > 1 else []
    first = carriers.fullest(told) if told else 0
    for rank, n in enumerate([first, *(n for n in range(len(ranked)) if n != first)]):
        ranked[n]["rank"] = rank
        if rank and (differing := carriers.differing(told[first], told[n])):
            ranked[n]["differing"] = to_json(differing)
    columns = ("n", "file", "label", "outcome", "payload", "rank", "differing")
    db.executemany(
        f"INSERT INTO stored_carriers (page, {', '.join(columns)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [(page, *(row.get(column) for column in columns)) for row in rows],
    )


def _carrier(text: sqlite3.Row, page: sqlite3.Row) -> Carrier:
    """Give what a text says of the report of a page; what is all that a page holds is the report, however it is titled."""
    flags = json.loads(text["flags"])
    return Carrier(
        text=text["text"],
        grids=json.loads(text["grids"]),
        is_report=bool(text["is_report"]) or "attachment-only" in json.loads(page["flags"]),
        recognised="recognised" in flags or "text-layer" in flags,
    )


def _carriers_to_tell(
    db: sqlite3.Connection, agency: str, year: int, *, touched: Collection[str], but: str = ""
) -> Iterable[sqlite3.Row]:
    """List the pages of a report that were touched, and those on which the others' captures may throw another light.

    Not that one which is left out by `but`.
    """
    rows = db.execute(
        """SELECT missing_since, withdrawn_on, moved_to, unlisted_since,
                  p.page, p.agency, p.year, p.standing, url, s.agency AS office,
                  EXISTS (SELECT 1 FROM captures c WHERE c.page = p.page AND kind = 'report'
                          AND (outcome IN ('gone', 'moved') OR referrer IS NULL)) AS hangs
           FROM report_pages p JOIN pages ON pages.id = p.page JOIN sources s ON s.id = source
           WHERE p.agency = ? AND year = ? AND p.page != ? ORDER BY p.page""",
        (agency, year, but),
    ).fetchall()
    return [row for row in rows if row["hangs"] or row["page"] in touched]


def _tell(db: sqlite3.Connection, carrier: sqlite3.Row, lives: Lives) -> None:
    """Write down what befell a page that carries a report, and how it stands."""
    seen = lives(carrier["page"])
    _, events = history.versions(seen)
    elsewhere = cache(partial(_elsewhere, db, carrier, lives))  # a page's many captures show few texts
    state = State()
    for absence in history.absences(seen):
        told, state = history.absent(absence, url=carrier["url"], elsewhere=elsewhere(absence.key))
        events += told
        if absence.back:
            state = State()

    def left_out(seen: Seen, named: Seen) -> bool:
        others = (place.seen for place in elsewhere(seen.key))
        return _read_again(db, seen, named) and not any(other.run == seen.run and other.referrer for other in others)

    told, unlisted_since = history.listings(seen, left_out=left_out)
    db.execute("DELETE FROM events WHERE page = ?", (carrier["page"],))
    db.executemany(  # of two of one kind at one time the first is kept: merged archives may have seen the same twice
        "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?)",
        [(carrier["page"], event.at, event.kind, event.capture, event.detail) for event in (*events, *told)],
    )
    stands = (state.missing_since, state.withdrawn_on, state.moved_to, unlisted_since)
    if stands != tuple(carrier)[: len(stands)]:
        db.execute(
            "UPDATE report_pages SET missing_since = ?, withdrawn_on = ?, moved_to = ?, unlisted_since = ? WHERE page = ?",
            (*stands, carrier["page"]),
        )


def _elsewhere(db: sqlite3.Connection, carrier: sqlite3.Row, lives: Lives, key: str | None) -> list[Sighting]:
    """Find where else the same office has shown a text of this report; attachments need not lie at the same addresses."""
    rows = db.execute(
        f"""WITH here AS (SELECT title, t.text FROM versions v JOIN {TEXTS_OF_VERSIONS} WHERE page = :page AND v.key = :key)
           SELECT p.page, url, group_concat(v.key) AS keys
           FROM report_pages p JOIN pages ON pages.id = p.page JOIN sources s ON s.id = p.source
           JOIN versions v ON v.page = p.page JOIN {TEXTS_OF_VERSIONS}
           WHERE p.agency = :agency AND p.year = :year AND p.standing = :standing AND s.agency = :office
             AND p.page != :page AND (t.title, t.text) IN here
           GROUP BY p.page""",  # noqa: S608
        {**dict(carrier), "key": key},
    ).fetchall()
    found = [
        Sighting(page=row["page"], url=row["url"], seen=seen)
        for row in rows
        for seen in lives(row["page"])
        if seen.answered and seen.key and seen.key in row["keys"].split(",")
    ]
    return sorted(found, key=lambda place: (place.seen.at, place.url))


def _read_again(db: sqlite3.Connection, seen: Seen, named: Seen) -> bool:
    """Say whether a run read the column again that had named a page, as far as that time, so that its silence counts.

    It does not where a list of the source failed, nor where the run asked for more report pages without a list than
    because of one: then the lists were not read first, or no longer by us as they are meant.
    """
    found = db.execute(
        """SELECT 1 FROM columns now JOIN columns was ON was.run = :then AND was.source = now.source AND was.page = now.page
           WHERE now.run = :run AND now.source = :source AND now.reports AND now.list_pages >= was.list_pages
             AND now.page IN (
                 SELECT id FROM pages WHERE url = :list UNION
                 SELECT parent.id FROM pages l JOIN captures c ON c.page = l.id JOIN pages parent ON parent.url = c.referrer
                 WHERE l.url = :list AND c.run = :then AND c.kind = 'next')
             AND NOT EXISTS (
                 SELECT 1 FROM captures WHERE run = :run AND source = :source AND kind IN ('column', 'next')
                 AND outcome IN ('gone', 'blocked', 'refused', 'failed'))
             AND (SELECT 2 * count(referrer) > count(*) FROM captures
                  WHERE run = :run AND source = :source AND kind = 'report')""",
        {"run": seen.run, "source": seen.source, "then": named.run, "list": named.referrer},
    )
    return found.fetchone() is not None


def _reports_of(db: sqlite3.Connection, page: str) -> Iterable[tuple[str, int]]:
    return [tuple(row) for row in db.execute("SELECT agency, year FROM report_pages WHERE page = ?", (page,))]


def _report(db: sqlite3.Connection, agency: str, year: int) -> None:
    """Sum up the official pages of one agency's report on one year; a copy alone makes no report."""
    db.execute("DELETE FROM reports WHERE agency = ? AND year = ?", (agency, year))
    pages_ = db.execute(
        """SELECT p.*, s.region, s.level, s.agency AS of_source FROM report_pages p JOIN sources s ON s.id = source
           WHERE p.agency = ? AND year = ? AND standing = 'official'
           ORDER BY p.published_on IS NULL, p.published_on, first_seen, page""",
        (agency, year),
    ).fetchall()
    if not pages_:
        return
    first = pages_[0]
    level = (
        first["level"] if agency == first["of_source"] else "government" if agency.endswith("政府") else "department"
    )
    due = due_on(year, level=level)
    late = (date.fromisoformat(first["published_on"]) - due).days if first["published_on"] else None
    left = [row["withdrawn_on"] for row in pages_ if not row["moved_to"]]
    withdrawn_on = None if None in left else max(left, default=None)
    db.execute(
        "INSERT INTO reports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            name(agency, year), agency, year, first["region"], first["title"], first["published_on"], due.isoformat(),
            late if late is None else max(0, late), withdrawn_on, len(pages_), sum(p["versions"] for p in pages_), first["page"],
        ),
    )  # fmt: skip


def year_checks(db: sqlite3.Connection, reports: Iterable[tuple[str, int]] | None = None) -> None:
    """Work out anew the rules that bind reports, given by agency and year, or all, to those of the year before.

    A later form has the same codes for the same things. The caller holds the transaction.
    """
    rules = [dict(rule) for rule in db.execute("SELECT * FROM year_rules")]
    for rule in rules:
        rule |= {side: json.loads(rule[side]) for side in _SIDES}
    codes = to_json(sorted({code for rule in rules for side in _SIDES for code in rule[side]}))
    numbers = lru_cache(_LIVES)(partial(_numbers, db, codes))
    chosen = db.execute("SELECT agency, year FROM reports").fetchall() if reports is None else sorted(reports)
    for agency, year in chosen:
        db.execute("DELETE FROM year_checks WHERE agency = ? AND year = ?", (agency, year))
        if (now := numbers(agency, year)) and (before := numbers(agency, year - 1)):
            db.executemany(
                "INSERT INTO year_checks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(agency, year, *check) for rule in rules for check in _year_check(rule, now, before)],
            )


def _year_check(rule: Mapping[str, Any], now: Numbers, before: Numbers) -> Iterator[tuple[object, ...]]:
    """Give a rule's checks, one for each row or column of which all numbers are there."""
    of_rows = rule["scope"] == "rows"
    last = {key[1:]: value for key, value in before.items()}
    lines = {key[2] if of_rows else key[3] for key in now if key[:2] == (rule["form"], rule["table"])}
    for at in sorted(lines):
        places = [
            [(rule["table"], at, code) if of_rows else (rule["table"], code, at) for code in rule[side]]
            for side in _SIDES
        ]
        here: list[Any]
        there: list[Any]
        here, there = ([now.get((rule["form"], *place)) for place in side] for side in places[:2])
        there += [last.get(place) for place in places[2]]
        if None not in (*here, *there):
            left, right = sum(here), sum(there)
            yield (
                rule["form"], rule["table"], rule["rule"], at, rule["level"], left, right, int(math.isclose(left, right))
            )  # fmt: skip


def _numbers(db: sqlite3.Connection, codes: str, agency: str, year: int) -> Numbers:
    """Give those numbers of a report's forms that have one of the codes, a JSON list, each from the first carrier that has it."""
    found = db.execute(
        """SELECT form, "table", "row", "column", value
           FROM reports r JOIN stored_carriers c ON c.page = r.page JOIN readings ON readings.payload = c.payload
           JOIN stored_facts f ON f.text = readings.text JOIN indicators i ON i.number = f.indicator
           WHERE agency = :agency AND year = :year AND form != 'prose'
             AND ("row" IN (SELECT value FROM json_each(:codes)) OR "column" IN (SELECT value FROM json_each(:codes)))
           ORDER BY c.rank DESC""",
        {"agency": agency, "year": year, "codes": codes},
    )
    return {tuple(row)[:4]: row["value"] for row in found}


def everything(db: sqlite3.Connection, *, index: bool = True, walk: Walk = silently) -> None:
    """Work out all versions, events, reports and states anew, as `pages` and `visited` do; the caller holds the transaction."""
    for table in FOLLOWING:
        db.execute(f"DELETE FROM {table}")  # noqa: S608
    every = [page for (page,) in db.execute("SELECT id FROM pages ORDER BY id").fetchall()]
    _pages(db, _with_relearned(db, every), index=index, walk=walk)
    judging.judge_all(db)
