"""WARC and WACZ: what goes out comes back the same; what others made comes in; what is broken is named and passed over."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import gongkai
from warcio.archiveiterator import ArchiveIterator

from archive import reader, verify, wacz, warc
from archive.database import connect
from archive.records import Capture, Column, Office, Uncleaned, Visit
from archive.rows import CAPTURE
from archive.store import Run, Store
from archive.warc import Selection
from archive.warc_read import Fetch, read
from crawler.demo.county import County
from crawler.demo.server import serve
from crawler.importing import Imported, import_file
from crawler.page import post, posted, request_of
from crawler.sources import load

WARCS = Path(__file__).parent / "warcs"
DAY = "2026-03-0{}T08:00:00.000Z"
LATER = "2026-04-01T00:00:00.000Z"
TRUTH = {
    "origins": "SELECT id FROM origins WHERE id IN (SELECT origin FROM runs)",
    "payloads": "SELECT sha256, length FROM payloads",
    **{table: f"SELECT * FROM {table}" for table in ("sources", "runs", "visits", "columns", "pages")},
    "captures": f"SELECT {', '.join(CAPTURE)} FROM captures",
}
DERIVED = {t: f"SELECT * FROM {t}" for t in ("texts", "versions", "events", "report_pages", "reports")}
CZJ = Office(
    id="czj", name="财政局", agency="云岫县财政局", region="999001", level="department", hosts=("czj.example",)
)
COPY = Office(id="acopy", name="c", agency="c", region="", level="department", hosts=(), copy_of="czj")


def rows(db: sqlite3.Connection, queries: dict[str, str]) -> dict[str, set[tuple[Any, ...]]]:
    return {table: set(map(tuple, db.execute(query))) for table, query in queries.items()}


def export(db: sqlite3.Connection, file: Path, **selection: Any) -> Path:
    given: Any = {"selection": Selection(**selection), "software": "gongkai", "at": LATER}
    if file.suffix == ".wacz":
        list(wacz.export(db, file, **given))
    else:
        with file.open("wb") as out:
            list(warc.export(db, out, **given))
    return file


def take(store: Store, file: Path, **more: Any) -> Imported:
    return taken(store, file, **more)[0]


def taken(store: Store, file: Path, **more: Any) -> tuple[Imported, list[Uncleaned]]:
    """Take in a file; gives what came of it, and what there is to clean."""
    done = Imported(file=file)
    given: Any = {"known": (), "named": (), "at": LATER, "cleaner": "1"} | more
    return done, list(import_file(store, done, **given))


def records(file: Path) -> list[tuple[str, dict[str, str]]]:
    with file.open("rb") as stream:
        return [(record.rec_type, dict(record.rec_headers.headers)) for record in ArchiveIterator(stream)]


def checked(file: Path) -> None:
    """Have warcio prove every digest of a file."""
    done = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", file], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


words = st.text(st.characters(max_codepoint=0x24F, exclude_categories=["Cs"]), max_size=12)
headers = st.lists(
    st.tuples(
        st.sampled_from(["content-length", "content-encoding", "transfer-encoding", "set-cookie", "Host"]) | words,
        words,
    ),
    max_size=4,
).map(tuple)
addresses = st.sampled_from(
    [
        "http://czj.example/1.html",
        "http://czj.example/",
        "http://czj.example",
        "http://czj.example/中 文?a=1#b",
        post("http://czj.example/list?a=1", {"page": "2", "word": "年报 &"}),
        posted("http://czj.example/api", b'{"page": 2}\r\n\x00'),
        "http://czj.example/?__wb_method=POST&__wb_post_data=!",
        "http://czj.example/?__wb_method=POST",
    ]
)
answers = st.fixed_dictionaries(
    {
        "status": st.sampled_from([200, 206, 304, 404, 599, 799]),
        "outcome": st.sampled_from(["new", "not-modified", "moved", "gone", "blocked", "failed"]),
        "body": st.sampled_from([b"", None, b"\r\n\r\n", b"<html>", b"WARC/1.1\r\n"]) | st.binary(max_size=50),
        "headers": headers,
    }
)
failures = st.fixed_dictionaries({"outcome": st.sampled_from(["failed", "refused"])})
fetches = st.tuples(
    answers | failures,
    st.fixed_dictionaries(
        {
            "url": addresses,
            "source": st.sampled_from(["czj", "acopy"]),
            "kind": st.sampled_from(["start", "report", "resource"]),
            "reason": st.none() | words,
            "redirects": st.lists(addresses, max_size=2).map(tuple),
            "request_headers": headers,
            "seconds": st.floats(0, 90),
            "referrer": st.none() | addresses,
            "anchor": st.none() | words,
            "at": st.integers(0, 9).map(lambda n: f"2026-03-01T08:00:0{n}.000Z") | st.just("2026-03-01T08:00:05Z"),
        }
    ),
).map(lambda parts: parts[0] | parts[1])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(fetches, max_size=6), min_size=1, max_size=3))
def test_what_goes_out_comes_back_the_same(runs: list[list[dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder, Store(Path(folder, "a.sqlite")) as store:
        for day, captures in enumerate(runs, start=1):
            run = store.begin_run([CZJ, COPY], at=DAY.format(day), label=f"day {day}").id
            for capture in captures:
                store.capture(Capture(run=run, **capture))
            column = [Column(url=c["url"], parent=None, family="trs", list_pages=1, reports=2) for c in captures[:1]]
            visit = Visit(source="czj", status="ok", reason="注", listed=3, columns=tuple(column))
            store.end_run(run, [visit], at=DAY.format(day), status="finished")
        before = rows(store.db, TRUTH)
        for suffix in (".warc.gz", ".wacz"):
            file = export(store.db, Path(folder, f"out{suffix}"))
            with Store(Path(folder, f"b{suffix}.sqlite")) as back:
                done = take(back, file)
                assert (done.broken, done.run, done.captures) == ([], None, sum(map(len, runs)))
                assert rows(back.db, TRUTH) == before
                bodies = [reader.body_of(back.db, sha256) for sha256, _ in before["payloads"]]
                assert [hashlib.sha256(body).hexdigest() for body in bodies] == [sha for sha, _ in before["payloads"]]
                assert list(verify.faults(back.db)) == []
                take(back, file)
                assert rows(back.db, TRUTH) == before
        with Path(folder, "out.warc.gz").open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                record.raw_stream.read()


@given(addresses)
def test_addresses_are_taken_apart_as_the_crawler_does(url: str) -> None:
    asked, form = warc.split(url)
    assert asked == request_of(url)[0]
    if url == posted("http://czj.example/api", b'{"page": 2}\r\n\x00'):
        assert form == b'{"page": 2}\r\n\x00'
    assert post("http://a.example/", {"a": "1"}) == warc.address(
        "http://a.example/", "POST", "application/x-www-form-urlencoded", b"a=1"
    )


@pytest.fixture
def seen(store: Store, run: Run, see: Callable[..., Any]) -> Store:
    """An archive with one capture of each sort."""
    see(b"one", at=DAY.format(1), status=200)
    see(b"one", at=DAY.format(2), status=200)
    see(None, at=DAY.format(3), outcome="not-modified", status=304)
    see(b"two", at=DAY.format(4), status=200)
    see(None, at=DAY.format(5), outcome="failed")
    see(b"x", at=DAY.format(6), url="http://czj.example/2.html", kind="resource", status=200)
    store.end_run(run.id, [], at=DAY.format(7), status="finished")
    return store


def test_each_capture_is_the_record_that_the_standard_has_for_it(seen: Store, tmp_path: Path) -> None:
    file = export(seen.db, tmp_path / "out.warc.gz")
    checked(file)
    found = records(file)
    kinds = [(kind, fields.get("WARC-Profile", "").rpartition("/")[2]) for kind, fields in found if kind != "request"]
    assert kinds == [
        ("warcinfo", ""), ("warcinfo", ""), ("response", ""), ("revisit", "identical-payload-digest"),
        ("revisit", "server-not-modified"), ("response", ""), ("metadata", ""), ("response", ""),
    ]  # fmt: skip
    (same, unchanged) = [fields for kind, fields in found if kind == "revisit"]
    assert same["WARC-Refers-To-Date"] == unchanged["WARC-Refers-To-Date"] == DAY.format(1)


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ({"sources": ("czj",)}, 6),
        ({"sources": ("other",)}, 0),
        ({"since": "2026-03-03"}, 4),
        ({"until": "2026-03-02"}, 2),
        ({"since": "2026-03-02", "until": "2026-03"}, 5),
        ({"url_prefix": "http://czj.example/2"}, 1),
        ({"run": "none"}, 0),
    ],
)
def test_a_selection_comes_in_as_a_run_of_its_own(
    seen: Store, tmp_path: Path, selection: dict[str, Any], count: int
) -> None:
    file = export(seen.db, tmp_path / "out.warc.gz", **selection)
    with Store(tmp_path / "b.sqlite") as back:
        done = take(back, file)
        # What a selected revisit refers to may be left out of the selection: a 304 needs no payload.
        assert (done.captures, done.broken) == (count, [])
        kept = "SELECT kind, at, outcome IN ('new', 'same'), payload FROM captures"
        assert set(map(tuple, back.db.execute(kept))) <= set(map(tuple, seen.db.execute(kept)))
        for (origin,) in back.db.execute("SELECT imported_from FROM runs"):
            assert origin == f"out.warc.gz sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert take(seen, file).captures == 0


def test_the_parts_of_a_wacz_fit_each_other(seen: Store, tmp_path: Path) -> None:
    file = export(seen.db, tmp_path / "out.wacz")
    with zipfile.ZipFile(file) as zipped:
        assert {info.compress_type for info in zipped.infolist()} == {zipfile.ZIP_STORED}
        package = json.loads(zipped.read("datapackage.json"))
        named = {r["path"]: (r["bytes"], r["hash"]) for r in package["resources"]}
        digest = json.loads(zipped.read("datapackage-digest.json"))
        held = {name: zipped.read(name) for name in zipped.namelist()}
    sums = {name: f"sha256:{hashlib.sha256(body).hexdigest()}" for name, body in held.items()}
    assert named == {name: (len(held[name]), sums[name]) for name in held if "/" in name}
    assert (digest, package["wacz_version"]) == (
        {"path": "datapackage.json", "hash": sums["datapackage.json"]},
        "1.1.1",
    )
    (head, *pages) = map(json.loads, held["pages/pages.jsonl"].decode().splitlines())
    assert head["format"] == "json-pages-1.0"
    assert [(p["url"], p["ts"]) for p in pages] == [("http://czj.example/1.html", DAY.format(4))]
    index = gzip.decompress(held["indexes/index.cdx.gz"]).decode().splitlines()
    assert index == sorted(index)
    assert len(index) == 5
    for line in index:
        entry = json.loads(line.split(" ", 2)[2])
        part = BytesIO(held["archive/data.warc.gz"])
        part.seek(int(entry["offset"]))
        record = next(iter(ArchiveIterator(part)))
        assert record.rec_headers.get_header("WARC-Target-URI") == entry["url"]
        assert record.rec_headers.get_header("WARC-Payload-Digest") == entry["digest"]


@pytest.mark.parametrize("folder", sorted(p.name for p in WARCS.iterdir() if p.is_dir()))
def test_files_of_others_come_in(store: Store, folder: str) -> None:
    (file,) = WARCS.joinpath(folder).glob("pages.*")
    expected = json.loads(WARCS.joinpath(folder, "expected.json").read_text(encoding="utf-8"))
    done = take(store, file)
    columns = "url, at, status, kind, outcome, reason, coalesce(length, -1) AS length, source"
    found = store.db.execute(f"SELECT {columns} FROM captures JOIN pages ON pages.id = page ORDER BY number")
    made = {"others": done.others, "broken": done.broken, "captures": [list(row) for row in found]}
    assert made == expected
    assert take(store, file) == Imported(file=file)
    assert list(verify.faults(store.db)) == []


def plain() -> tuple[bytes, list[int]]:
    """A file as GNU Wget made it, unpacked, and where its records begin."""
    packed = WARCS.joinpath("wget/pages.warc.gz").read_bytes()
    with BytesIO(packed) as stream:
        starts = [item.offset for item in read(stream) if isinstance(item, Fetch)]
    return packed, starts


def cut(packed: bytes, starts: list[int]) -> bytes:
    return packed[: starts[2] + 600]


def flip(packed: bytes, starts: list[int]) -> bytes:
    place = starts[1] + 200
    return packed[:place] + bytes([packed[place] ^ 0x55]) + packed[place + 1 :]


def noise(packed: bytes, starts: list[int]) -> bytes:
    return packed[: starts[1]] + b"\x1f\x8b\x08 and no gzip" * 9 + packed[starts[1] :]


def unpacked(packed: bytes, _: Iterable[int]) -> bytes:
    return gzip.decompress(packed)


def whole(packed: bytes, _: Iterable[int]) -> bytes:
    return gzip.compress(gzip.decompress(packed))


def replaced(old: bytes, new: bytes, *, times: int = 1) -> Callable[..., bytes]:
    """Replace words in the first answer, or in all of them."""
    return lambda packed, _: (
        gzip.decompress(packed).replace(b"WARC-Type: response", b"WARC-TYPE: response", 1).replace(old, new, times)
    )


@pytest.mark.parametrize(
    ("harm", "left", "says"),
    [
        (unpacked, 6, ()),
        (whole, 6, ()),
        (cut, 2, ("cut off after",)),
        (flip, 5, ("",)),
        (noise, 6, ("",)),
        (replaced(b"WARC-Date: ", b"X-Date: ", times=2), 6, ("has no WARC-Date", "has no WARC-Date")),
        (replaced(b"HTTP/1.1 200 OK", b"HTTP/1.1 200 KO"), 5, ("WARC-Block-Digest",)),
        (replaced(b"WARC/1.0\r\nWARC-TYPE: response", b"BARC/1.0\r\nWARC-TYPE: response"), 5, ("",)),
        (lambda *_: b"no WARC at all", 0, ("Invalid WARC record",)),
        (lambda *_: b"", 0, ()),
        (lambda *_: b"PK\x03\x04 broken", 0, ("Invalid WARC record",)),
    ],
    ids=["plain", "one gzip", "cut", "bit", "noise", "date", "digest", "version", "text", "empty", "zip"],
)
def test_what_is_broken_is_named_and_passed_over(
    store: Store, tmp_path: Path, harm: Callable[..., bytes], left: int, says: tuple[str, ...]
) -> None:
    file = tmp_path / "pages.warc"
    file.write_bytes(harm(*plain()))
    done = take(store, file)
    assert done.captures == left, done.broken
    assert len(done.broken) == len(says)
    for line, word in zip(done.broken, says, strict=True):
        assert line.startswith("pages.warc: ")
        assert word in line


def test_a_run_that_is_not_whole_comes_in_without_its_seal(seen: Store, tmp_path: Path) -> None:
    file = export(seen.db, tmp_path / "out.warc.gz")
    with file.open("rb") as stream:
        second = [item.offset for item in read(stream) if isinstance(item, Fetch)][3]
    body = file.read_bytes()
    file.write_bytes(body[: second + 40] + b"\0\0\0\0" + body[second + 44 :])
    with Store(tmp_path / "b.sqlite") as back:
        done = take(back, file)
        assert (done.captures, len(done.broken)) == (5, 1)
        (run,) = back.db.execute("SELECT * FROM runs").fetchall()
        assert run["origin"] == back.db.execute("SELECT id FROM origins WHERE own").fetchone()[0]
        assert list(verify.faults(back.db)) == []


def test_old_captures_find_their_place_before_new_ones(
    store: Store, see: Callable[..., Any], text: Callable[..., Any]
) -> None:
    url = "http://czj.yunxiu.gov.example/nb/t1.html"
    see(b"today", at=DAY.format(3), url=url)
    take(store, WARCS / "heritrix/pages.warc")
    for item in list(store.uncleaned(cleaner="1")):
        store.save_text(item.payload, text("before"))
    page = reader.find_page(store.db, url)
    assert page
    assert [(v["n"], v["text"], v["captures"]) for v in reader.versions(store.db, page["id"])] == [
        (1, "before", 3),
        (2, "today", 1),
    ]
    assert list(verify.faults(store.db)) == []


@pytest.mark.parametrize(("day", "anew"), [("2036-03-01", True), ("2006-03-01", False)])
def test_a_text_is_made_anew_where_its_payload_was_served_before(
    store: Store, see: Callable[..., Any], tmp_path: Path, day: str, *, anew: bool
) -> None:
    file = WARCS / "heritrix/pages.warc"
    with Store(tmp_path / "b.sqlite") as other:
        _, items = taken(other, file)
        (item, *rest) = items
    see(item.body, at=f"{day}T08:00:00.000Z", url="http://czj.example/1.html")
    _, left = taken(store, file)
    assert left == ([item] if anew else []) + rest


def test_pages_belong_to_the_source_of_their_host(store: Store, tmp_path: Path) -> None:
    toml = tmp_path / "s.toml"
    toml.write_text(
        '[other]\nname = "o"\nstart_urls = ["http://other.example/"]\n'
        '[czj]\nname = "云岫县财政局"\nstart_urls = ["http://czj.yunxiu.gov.example/"]\n',
        encoding="utf-8",
    )
    known = load(toml)
    file = WARCS / "commoncrawl/pages.warc.gz"
    assert take(store, file, known=known).captures == 3
    assert [s for (s,) in store.db.execute("SELECT DISTINCT source FROM captures")] == ["czj"]
    with Store(tmp_path / "b.sqlite") as back:
        take(back, file, known=known, named=known[:1])
        assert [s for (s,) in back.db.execute("SELECT DISTINCT source FROM captures")] == ["other"]


def wget(folder: Path, proxy: str, *words: str) -> None:
    """Have GNU Wget fetch what it is told into pages.warc.gz."""
    given = ("wget", "-q", "--no-check-certificate", "-P", "files", "--warc-file", "pages", *words)
    subprocess.run(given, cwd=folder, env=os.environ | {"http_proxy": proxy, "https_proxy": proxy}, check=False)


needs_wget = pytest.mark.skipif(not shutil.which("wget"), reason="wget is not on this machine")


@needs_wget
def test_a_site_that_wget_walked_gives_all_its_reports(tmp_path: Path) -> None:
    county = County.make()
    tmp_path.joinpath("county.toml").write_text(county.sources_toml(), encoding="utf-8")
    with serve(county) as demo:
        wget(tmp_path, demo.url, "-r", "-l", "8", "-e", "robots=off", "http://lyj.yunxiu.gov.example/")
    archive = tmp_path / "a.sqlite"
    done = gongkai("import", tmp_path / "pages.warc.gz", "--archive", archive, "--sources", tmp_path / "county.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    truth = {(r["agency"], r["year"]) for r in county.truth(day=1)["reports"] if r["source"] == "yunxiu_lyj"}
    with closing(connect(archive)) as db:
        assert {(r["agency"], r["year"]) for r in reader.coverage(db)} == truth


@needs_wget
@pytest.mark.soak
def test_what_wget_fetched_gives_the_reports_of_a_crawl(demo: tuple[str, Path], tmp_path: Path) -> None:
    county = County.make()
    tmp_path.joinpath("county.toml").write_text(county.sources_toml(), encoding="utf-8")
    columns = "url, p.agency, p.year, p.title, p.published_on, standing, p.source"
    carriers = f"SELECT {columns} FROM report_pages p JOIN pages ON pages.id = page"
    with closing(connect(demo[1])) as db:
        first = db.execute("SELECT min(id) FROM runs").fetchone()[0]
        asked = "SELECT DISTINCT url FROM captures JOIN pages ON pages.id = page WHERE run = ? AND status IS NOT NULL"
        urls = [url for (url,) in db.execute(asked, (first,)) if request_of(url)[1] is None]
        crawled = set(
            map(tuple, db.execute(f"{carriers} WHERE page IN (SELECT page FROM captures WHERE run = ?)", (first,)))
        )
    tmp_path.joinpath("addresses").write_text("\n".join(urls), encoding="utf-8")
    with serve(county) as server:
        wget(tmp_path, server.url, "-i", "addresses", "-O", os.devnull, "--max-redirect", "0")
    archive = tmp_path / "a.sqlite"
    done = gongkai("import", tmp_path / "pages.warc.gz", "--archive", archive, "--sources", tmp_path / "county.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    with closing(connect(archive)) as db:
        assert set(map(tuple, db.execute(carriers))) == crawled


@pytest.mark.soak
def test_the_demo_comes_back_the_same_with_all_that_follows_from_it(demo: tuple[str, Path], tmp_path: Path) -> None:
    for form in ("warc", "wacz"):
        file, back = tmp_path / f"demo.{form}", tmp_path / f"{form}.sqlite"
        for words in (("export", form, "--archive", demo[1], "-o", file), ("import", file, "--archive", back)):
            done = gongkai(*words)
            assert done.returncode == 0, done.stdout + done.stderr
        with closing(connect(demo[1])) as old, closing(connect(back)) as new:
            assert rows(new, TRUTH | DERIVED) == rows(old, TRUTH | DERIVED)
    checked(tmp_path / "demo.warc")
