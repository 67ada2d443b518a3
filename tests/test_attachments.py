"""Documents of reports, crawled from a served site: kept, read, compared, and seen when they are replaced in silence."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
import sites
from support import gongkai

from archive import reader, verify
from archive.database import connect
from archive.store import Store
from archive.tables import DERIVED
from crawler.run import Exit
from pipelines.rebuild import rebuild
from pipelines.workers import Workers

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
TITLE = "云岫县某局{}年政府信息公开工作年度报告"
LINES = [
    TITLE, "根据《中华人民共和国政府信息公开条例》编制本年度报告。", "一、主动公开政府信息{}条。",
    "二、全年收到政府信息公开申请{}件，均已按期答复，未收取任何费用。", "三、因政府信息公开被申请行政复议0件，提起行政诉讼0件。",
]  # fmt: skip
PAGES = {
    2021: '<p>见附件。</p><a href="/files/2021.docx">2021年年度报告</a>',
    2022: '<div><p>{}</p><a href="/download.jsp?wbfileid=22">2022年年度报告（Word版）</a></div>',
    2023: '<p>见附件。</p><a href="/files/gone.pdf">附件1</a><a href="http://cdn.example/a.pdf">附件2</a>'
    '<a href="/files/page.doc">附件3</a><a href="/files/broken.docx">附件4</a>',
}


def docx(*lines: str) -> bytes:
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines)
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo("[Content_Types].xml"),
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        )
        archive.writestr(
            zipfile.ZipInfo("_rels/.rels"),
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            zipfile.ZipInfo("word/document.xml"),
            f'<w:document xmlns:w="{WORD}"><w:body>{paragraphs}</w:body></w:document>',
        )
    return file.getvalue()


def document(year: int, received: int, *more: str) -> bytes:
    return docx(*(line.format(year if line == TITLE else received) for line in LINES), *more)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site crawled on three days: on the second a document is saved again, on the third a number in it is another."""
    folder = tmp_path_factory.mktemp("files")
    today = 0

    def site(path: str, count: int) -> sites.Answer:
        if path == "/files/2021.docx":
            number = 3 if today < 2 else 5
            again = ("",) if today == 1 else ()
            return 200, {"Content-Type": "application/octet-stream"}, document(2021, number, *again)
        if path == "/download.jsp?wbfileid=22":
            return 200, {"Content-Type": "application/msword"}, document(2022, 8, "四、其他需要报告的事项：无。")
        if path == "/files/page.doc":
            return sites.page("<p>对不起，您访问的页面不存在。</p>")
        if path == "/files/broken.docx":
            return 200, {}, document(2023, 3)[:-40]
        if path.startswith("/nb/t20"):
            year = int(path[5:9])
            words = "".join(line.format(7) for line in LINES[1:])
            return sites.page(f"<h1>{TITLE.format(year)}</h1>{PAGES[year].format(words)}", title=TITLE.format(year))
        return sites.healthy(path, count)

    (folder / "s.toml").write_text(
        '[files]\nname = "云岫县某局"\nregion = "999001"\nlevel = "department"\ndelay = 0.02\nstart_urls = ["http://files.example/"]\n',
        encoding="utf-8",
    )
    with sites.serve({"files.example": site}) as (proxy, _):
        for day in range(3):
            today = day
            done = gongkai(
                "crawl", "--archive", folder / "a.sqlite", "--sources", folder / "s.toml", env={"http_proxy": proxy}
            )
            assert done.returncode == Exit.WELL, done.stdout + done.stderr
    yield folder / "a.sqlite"


def carriers(archive: Path, year: int) -> list[sqlite3.Row]:
    with closing(connect(archive)) as db:
        return db.execute(
            "SELECT c.* FROM carriers c JOIN report_pages r ON r.page = c.page WHERE year = ? ORDER BY n", (year,)
        ).fetchall()


def test_a_report_that_is_only_a_document_is_read_from_it(archive: Path) -> None:
    page, file = carriers(archive, 2021)
    assert (page["rank"], file["rank"], file["label"], file["outcome"]) == (1, 0, "2021年年度报告", "new")
    with closing(connect(archive)) as db:
        text = reader.text_of(db, file["payload"])
        assert (text["charset"], text["is_report"], text["report_year"]) == ("docx", 1, 2021)
        received = db.execute("""SELECT value FROM facts WHERE year = 2021 AND "row" = 'received'""").fetchall()
    assert [row["value"] for row in received] == [5]


def test_a_replaced_document_is_a_new_version_of_its_page_and_one_saved_again_is_not(archive: Path) -> None:
    with closing(connect(archive)) as db:
        pages = {row["year"]: row["page"] for row in db.execute("SELECT year, page FROM report_pages")}
        assert {year: len(reader.versions(db, page)) for year, page in pages.items()} == {2021: 2, 2022: 1, 2023: 1}
        assert [event["kind"] for event in reader.page_events(db, pages[2021])] == ["found", "changed"]


def test_a_document_beside_its_page_is_compared_with_it(archive: Path) -> None:
    page, file = carriers(archive, 2022)
    assert {page["rank"], file["rank"]} == {0, 1}
    other = page if page["rank"] else file
    assert [{d["one"], d["other"]} for d in json.loads(other["differing"])] == [{"7", "8"}] * 2


def test_what_did_not_come_is_noted(archive: Path) -> None:
    found = [(row["label"], row["outcome"], row["rank"]) for row in carriers(archive, 2023)]
    assert found == [
        (None, None, 0), ("附件1", "gone", None), ("附件2", None, None), ("附件3", "gone", None), ("附件4", "same", None),
    ]  # fmt: skip
    with closing(connect(archive)) as db:
        (broken,) = [row for row in carriers(archive, 2023) if row["label"] == "附件4"]
        text = reader.text_of(db, broken["payload"])
    assert ("unreadable" in json.loads(text["flags"]), text["charset"], text["charset_why"]) == (
        True,
        "docx",
        "truncated",
    )


def test_a_rebuild_gives_the_same_rows(archive: Path, tmp_path: Path) -> None:
    def derived(db: sqlite3.Connection) -> dict[str, set[tuple[object, ...]]]:
        return {table: {tuple(row) for row in db.execute(f"SELECT * FROM {table}")} for table in DERIVED}

    copy = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(archive)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    with Store(copy) as store, Workers(1) as workers:
        before = derived(store.db)
        assert list(verify.faults(store.db)) == []
        assert all(error is None for _, error in rebuild(store, workers=workers))
        assert derived(store.db) == before
