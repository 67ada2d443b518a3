"""Hostile documents: whatever the bytes, a document or one named reason, within the workers' bounds of time and memory."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import hostile
import pytest

from pipelines import workers
from pipelines.attachments.kinds import kind
from pipelines.pool import EndedError

KINDS = tomllib.loads((Path(__file__).parent / "cases" / "kinds.toml").read_text(encoding="utf-8"))["case"]
OUTCOMES = r"document|no document|unreadable: .+"


def outcomes(payloads: Iterable[bytes]) -> list[str]:
    """Read each payload in a worker; to end one at its bounds is an outcome, any other error is not."""
    said = []
    with workers.Workers(2) as pool:
        for _, done in pool.each(hostile.attempt, payloads):
            try:
                what, peak = done.result()
            except (TimeoutError, MemoryError, EndedError) as error:
                what, peak = f"ended: {workers.why(error)}", 0
            assert peak * 1024 < workers.MEMORY
            said.append(what)
    return said


@pytest.mark.parametrize(
    ("count", "without"),
    [
        (40, frozenset({"doc", "image"})),  # which take long
        pytest.param(300, frozenset[str](), marks=pytest.mark.soak),
    ],
)
def test_a_mutated_document_has_one_outcome(count: int, without: frozenset[str]) -> None:
    said = outcomes(hostile.mutations(hostile.examples(without=without), count=count, seed=2021))
    assert len(said) == count
    assert not [what for what in said if not re.fullmatch(f"{OUTCOMES}|ended: .+", what)]
    assert sum(what.startswith("ended") for what in said) <= count // 100, "a worker's end is the last resort"


def test_a_bomb_does_not_go_off() -> None:
    said = dict(zip(hostile.BOMBS, outcomes(make() for make, _ in hostile.BOMBS.values()), strict=True))
    assert not {name: what for name, what in said.items() if not re.fullmatch(hostile.BOMBS[name][1], what)}


@pytest.mark.parametrize("case", KINDS, ids=str)
def test_a_kind_is_told_by_content(case: dict[str, str]) -> None:
    payload = bytes.fromhex(case.get("hex", "")) + case.get("text", "").encode()
    assert kind(payload) == case.get("kind")


@pytest.mark.parametrize("file", hostile.examples(without=frozenset()), ids=lambda file: "/".join(file.parts[-3:]))
def test_an_example_is_told_as_its_type(file: Path) -> None:
    assert kind(file.read_bytes()) == file.parts[-3]
