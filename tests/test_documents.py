"""Documents: each folder of tests/documents/<type> holds one file, and what is to be read of it or why it cannot be.

`expected.json`: `made_with` says which program made the file; `unreadable` is the reason why it cannot be read. Else
`pages` and `flags` (none where left out) hold exactly, and so does one of `blocks` (all paragraphs and grids in order)
and `grids`; each of `paragraphs_contain` stands in a paragraph, each of `lack` nowhere. `needs` names a module without
which the folder is skipped.
"""

from __future__ import annotations

import json
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from archive.records import Grid
from pipelines.attachments import Document, UnreadableError, docx
from pipelines.clean import clean

DOCUMENTS = Path(__file__).parent / "documents"
FIELDS = {"made_with", "unreadable", "pages", "flags", "blocks", "grids", "paragraphs_contain", "lack", "needs"}


def plain(block: str | Grid) -> Any:
    """Write a block as JSON has it."""
    return block if isinstance(block, str) else [list(row) for row in block]


@pytest.mark.parametrize("case", sorted(DOCUMENTS.glob("*/*/")), ids=lambda case: f"{case.parent.name}/{case.name}")
def test_document(case: Path) -> None:
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    assert expected["made_with"]
    assert not expected.keys() - FIELDS
    if needed := expected.get("needs"):
        pytest.importorskip(needed)
    (file,) = (path for path in case.iterdir() if path.name != "expected.json")
    read = import_module(f"pipelines.attachments.{case.parent.name}").read
    if reason := expected.get("unreadable"):
        with pytest.raises(UnreadableError) as caught:
            read(file.read_bytes())
        assert str(caught.value) == reason
        return
    document: Document = read(file.read_bytes())
    blocks = [plain(block) for block in document.blocks]
    paragraphs = [block for block in blocks if isinstance(block, str)]
    grids = [block for block in blocks if not isinstance(block, str)]
    assert document.pages == expected["pages"]
    assert sorted(document.flags) == expected.get("flags", [])
    if "blocks" in expected:
        assert blocks == expected["blocks"]
    else:
        assert grids == expected["grids"]
    assert not [words for words in expected.get("paragraphs_contain", []) if not any(words in p for p in paragraphs)]
    whole = json.dumps(blocks, ensure_ascii=False)
    assert not [words for words in expected.get("lack", []) if words in whole]


def test_the_forms_own_template(shared: Path) -> None:
    """The national form as WPS saved it: its tables' shapes, and a cell under three headings."""
    template = (shared / "facts" / "format_2021_template.docx").read_bytes()
    grids = [block for block in docx.read(template).blocks if not isinstance(block, str)]
    assert [(len(grid), len(grid[0])) for grid in grids] == [(14, 4), (28, 10), (4, 15)]
    assert [row[5] for row in grids[1][:3]] == ["申请人情况", "法人或其他组织", "科研机构"]


FORMS = [
    case
    for case in sorted(DOCUMENTS.glob("*/form-2021-*/"))
    if [
        (len(grid), len(grid[0]))
        for grid in json.loads((case / "expected.json").read_text(encoding="utf-8")).get("grids", [])
    ]
    == [(14, 4), (28, 10), (4, 15)]
]


@pytest.mark.parametrize("case", FORMS, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_the_form_gives_all_its_facts_whatever_carries_it(case: Path) -> None:
    """The national form of 2021 has 10, 175 and 15 numbers in its tables; all of them are placed, and its sums hold."""
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    if needed := expected.get("needs"):
        pytest.importorskip(needed)
    (file,) = (path for path in case.iterdir() if path.name != "expected.json")
    text = clean(file.read_bytes(), url=f"http://czj.example/{file.name}")
    assert [plain(grid) for grid in text.grids] == expected["grids"]
    assert Counter(fact.table for fact in text.figures.facts if fact.form == "gkb-2021-30") == {
        "t2": 10,
        "t3": 175,
        "t4": 15,
    }
    assert text.figures.unplaced == ()
    assert [check for check in text.figures.checks if check.level == "hard" and not check.held] == []
