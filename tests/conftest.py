"""What tests share: a fresh archive, records with everything but the point filled in, and the soak switch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import gongkai

from archive.records import Capture, Office, Text
from archive.store import Run, Store

SHARED = Path(__file__).parents[2] / "shared"
DAY = "2026-03-0{}T08:00:00.000Z"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="rewrite the derived fields of changed goldens, and fail")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not os.environ.get("GONGKAI_SOAK"):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="a long trial: make soak"))
    for item in items:
        if "demo" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("demo"))  # one worker runs the demo, once


@pytest.fixture
def shared() -> Path:
    """The folder of real pages beside the checkout; tests that need it are skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip("real pages are not on this machine")
    return SHARED


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What `gongkai demo` prints, and the archive it makes."""
    archive = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    done = gongkai("demo", "--archive", archive, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, archive


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An archive, new and open for writing."""
    with Store(tmp_path / "a.sqlite") as store:
        yield store


@pytest.fixture
def office() -> Office:
    return Office(
        id="czj",
        name="云岫县财政局",
        agency="云岫县财政局",
        region="999001",
        level="department",
        hosts=("czj.example",),
    )


@pytest.fixture
def run(store: Store, office: Office) -> Run:
    return store.begin_run([office], at=DAY.format(1))


@pytest.fixture
def text() -> Callable[..., Text]:
    """Make a Text of a report, all but the given fields filled in."""

    def make(words: str, **more: Any) -> Text:
        fields = {
            "cleaner": "1", "title": "云岫县财政局2020年政府信息公开工作年度报告", "agency": "云岫县财政局", "report_year": 2020,
            "published_on": "2021-02-03", "dates": {"meta": "2021-02-03"}, "is_report": True, "charset": "utf-8",
            "charset_why": "utf-8", "script": "hans", "flags": (), "text": words, "grids": (),
        }  # fmt: skip
        return Text(**(fields | more))

    return make


@pytest.fixture
def see(store: Store, run: Run, text: Callable[..., Text]) -> Callable[..., Any]:
    """Capture a page and save its text, as a crawl does."""

    def capture(
        body: bytes | None, *, at: str, url: str = "http://czj.example/1.html", source: str = "czj", **more: Any
    ) -> Any:
        named = {
            "outcome": "new",
            "kind": "report",
            **{k: v for k, v in more.items() if k in ("outcome", "kind", "status")},
        }
        saved = store.capture(Capture(run=run.id, source=source, url=url, at=at, body=body, **named))
        fields = {k: v for k, v in more.items() if k not in named and k != "status"}
        if saved.payload and named["outcome"] == "new" and store.needs_text(saved.payload, cleaner="1"):
            store.save_text(saved.payload, text((body or b"").decode(), **fields))
        return saved

    return capture
