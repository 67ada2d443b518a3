"""Goldens: what cleaning makes of real pages, each read beside its source; one folder under goldens is one test.

`expected.json` names a page (pages are not copied) or a seed and its frame. Metadata, `cells`, `must` and
`must_not` are truths about the page and only written by hand; `derived` describes the output, and
`pytest --bless tests/goldens tests/test_goldens.py` writes it again. A known failure holds the right values.
"""

from __future__ import annotations

import csv
import hashlib
import html
import itertools
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from archive.records import Text
from pipelines.clean import clean

GOLDENS = Path(__file__).parent / "goldens"
METADATA = ("title", "agency", "report_year", "published_on", "is_report", "script", "charset")
EDGE = 120
FOOTER = re.compile(r"版权所有|ICP备|^主办单位")


def goldens() -> list[Any]:
    """List the folders; a known failure must fail, and says why."""
    found = []
    for path in sorted(GOLDENS.glob("*/*/expected.json")):
        why = json.loads(path.read_text(encoding="utf-8")).get("known_failure")
        marks = [pytest.mark.xfail(reason=why, strict=True, raises=AssertionError)] if why else []
        found.append(pytest.param(path, id=f"{path.parent.parent.name}/{path.parent.name}", marks=marks))
    return found


@pytest.mark.parametrize("path", goldens())
def test_golden(path: Path, shared: Path, request: pytest.FixtureRequest) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    page = framed(case, shared).encode() if "seed" in case else (shared / "pages" / case["page"]).read_bytes()
    text = clean(page, url=case.get("url", f"http://www.a.gov.example/{case.get('page')}"))
    seen = derived(text)
    known = "known_failure" in case
    stale = changes(({} if known else dict.fromkeys(seen)) | case.get("derived", {}), seen)
    if stale and not known and request.config.getoption("--bless", default=False):
        path.write_text(json.dumps(case | {"derived": seen}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        stale.append("blessed: review the diff before it is committed")
    assert not (wrong := untrue(case, text, page.decode("utf-8", "replace")) + stale), "\n".join(["", *wrong])


def untrue(case: dict[str, Any], text: Text, source: str) -> list[str]:
    """Hold a text to what was read on its page; snippets that must not be there must be on the raw page."""
    cells = case.get("cells", [])
    return [
        *changes({name: case[name] for name in METADATA}, {name: getattr(text, name) for name in METADATA}),
        *(f"missing: {snippet}" for snippet in case["must"] if snippet not in text.text),
        *(f"leaking: {snippet}" for snippet in case["must_not"] if snippet in text.text),
        *(f"not on the raw page: {snippet}" for snippet in case["must_not"] if bare(snippet) not in bare(source)),
        *(f"cell: {cell} not found" for cell in cells if not has_cell(text, *cell)),
    ]


def has_cell(text: Text, grid: int, row: int, column: int, words: str) -> bool:
    try:
        return text.grids[grid][row][column] == words
    except IndexError:
        return False


def derived(text: Text) -> dict[str, Any]:
    """Describe an output by what changes with it."""
    lines = text.text.split("\n")
    return {
        "flags": list(text.flags),
        "sha256": hashlib.sha256(text.text.encode()).hexdigest()[:16],
        "length": len(text.text),
        "grids": [[len(grid), len(grid[0])] for grid in text.grids],
        "first": lines[0][:EDGE],
        "last": lines[-1][-EDGE:],
    }


def changes(wanted: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    return [f"{name}: got {seen[name]!r}, expected {value!r}" for name, value in wanted.items() if seen[name] != value]


def bare(source: str) -> str:
    """Leave the words of a page's source, scripts' too, without tags and white space."""
    return re.sub(r"<[^>]*>|\s", "", html.unescape(source))


# --- seeds: texts whose pages are gone, in frames of the families they came from ---


def framed(case: dict[str, Any], shared: Path) -> str:
    """Put a seed into a frame: its lines become paragraphs, lines with bars rows of tables."""
    frame, frames = case["frame"], GOLDENS / "frames"
    seed = next((shared / "seeds").glob(f"{case['seed']}_*")).read_text(encoding="utf-8")
    lines = [line for line in seed.splitlines() if line.strip()][slice(*frame.get("lines", [None]))]
    forms = iter((frames / "national_form.html").read_text(encoding="utf-8").split("<!-- next -->"))
    body = ""
    for has_bars, run in itertools.groupby(lines, key=lambda line: "|" in line):
        rows = list(run)
        if has_bars:
            body += filled(next(forms), rows) if frame.get("national_form") else table(rows)
        else:
            body += "".join(f"<p>{html.escape(line, quote=False)}</p>\n" for line in rows)
    page = (frames / f"{frame['name']}.html").read_text(encoding="utf-8")
    return page.replace("{title}", frame["title"]).replace("{date}", frame["date"]).replace("{body}", body)


def table(rows: list[str]) -> str:
    """Make a table of lines with bars; the line of dashes says how wide it is, and a row may run over lines."""
    lines = [row.strip() for row in rows]
    width = max(line.count("---") for line in lines)
    cells = [cell for line in lines if "---" not in line for cell in line.removesuffix("|").split("|")]
    made = [
        "".join(f"<td>{cell}</td>" for cell in cells[start : start + width]) for start in range(0, len(cells), width)
    ]
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in made) + "</table>"


def filled(form: str, rows: list[str]) -> str:
    """Fill an empty form with the numbers of lines with bars, in their order."""
    numbers = (cell.strip() for row in rows for cell in row.split("|") if re.fullmatch(r"[\d.]+", cell.strip()))
    return re.sub(r"\{n\}", lambda _: next(numbers), form)


# --- every page there is ---


def test_every_page(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each page is cleaned without a crash, every seventh twice alike, and none is only its footer."""
    counts: Counter[str] = Counter()
    footers = []
    cases = [json.loads(path.read_text(encoding="utf-8")) for path in GOLDENS.glob("*/*/expected.json")]
    failing = {case.get("page") for case in cases if "known_failure" in case}
    with (shared / "pages" / "index.tsv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file, delimiter="\t")]
    for place, name in enumerate(names):
        page, url = (shared / "pages" / name).read_bytes(), f"http://www.a.gov.example/{name}"
        text = clean(page, url=url)
        if place % 7 == 0:
            assert text == clean(page, url=url), name
        counts.update([name.split("/")[0], "pages", "with text" if text.text else "without text"])
        if name not in failing:
            footers += [f"{name}: {line}" for line in text.text.split("\n") if FOOTER.search(line) and len(line) < 200]
    with capsys.disabled():
        sys.stdout.write(f"\n{', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}\n")
    assert not footers, "\n".join(["", *footers])
