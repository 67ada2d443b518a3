"""The pool of processes: whatever dies, everything submitted is answered."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path
from pickle import PicklingError
from typing import Any

import chores
import pytest

from pipelines.pool import EndedError, Pool

PATIENCE = 60
NOT_PICKLED = (AttributeError, PicklingError)  # by what, depends on the version of Python


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool(2, begin=chores.nothing, seconds=PATIENCE)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("work", "given", "error", "words"),
    [
        (chores.die, 0, EndedError, "exit code -9"),
        (chores.leave, 3, EndedError, "exit code 3"),
        (chores.fail, "wrong", ValueError, "wrong"),
        (chores.fail_oddly, 0, TypeError, "other"),
        (chores.give_a_function, 0, NOT_PICKLED, "lambda"),
        (chores.echo, lambda: None, NOT_PICKLED, "lambda"),
    ],
)
def test_work_that_fails_fails_alone(
    pool: Pool,
    work: Callable[[Any], object],
    given: object,
    error: type[Exception] | tuple[type[Exception], ...],
    words: str,
) -> None:
    before = [pool.submit(chores.double, n) for n in range(20)]
    failing = pool.submit(work, given)
    after = [pool.submit(chores.double, n) for n in range(20)]
    with pytest.raises(error, match=words):
        failing.result(PATIENCE)
    assert [done.result(PATIENCE) for done in (*before, *after)] == 2 * [2 * n for n in range(20)]


def test_what_a_worker_raised_says_where(pool: Pool) -> None:
    error = pool.submit(chores.fail, "wrong").exception(PATIENCE)
    assert "in fail" in "".join(getattr(error, "__notes__", []))


def test_a_worker_killed_without_work_is_replaced(pool: Pool) -> None:
    for _ in range(3):
        os.kill(pool.submit(chores.pid, 0).result(PATIENCE), signal.SIGKILL)
        assert pool.submit(chores.double, 4).result(PATIENCE) == 8


def test_a_piece_whose_worker_was_killed_is_done_by_another(pool: Pool, tmp_path: Path) -> None:
    assert pool.submit(chores.die_once, tmp_path / "mark").result(PATIENCE) == "done"


def test_workers_that_cannot_begin_leave_nothing_unanswered() -> None:
    pool = Pool(2, begin=chores.die_at_once, seconds=PATIENCE)
    made = [pool.submit(chores.double, n) for n in range(3)]
    assert [str(done.exception(PATIENCE)) for done in made] == ["exit code -9"] * 3
    pool.close()


def test_workers_go_without_a_word_when_who_gave_them_work_is_killed() -> None:
    ended = subprocess.run([sys.executable, chores.__file__], capture_output=True, timeout=PATIENCE, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGKILL, b"")  # read to its end, when they are gone


def test_work_that_takes_too_long_is_ended() -> None:
    pool = Pool(1, begin=chores.nothing, seconds=4)
    slow = pool.submit(chores.sleep, 600)
    others = [pool.submit(chores.double, n) for n in range(3)]
    assert isinstance(slow.exception(PATIENCE), TimeoutError)
    assert [done.result(PATIENCE) for done in others] == [0, 2, 4]
    pool.close()


def test_large_pieces_and_results_pass_each_other(pool: Pool) -> None:
    given = [bytes([n]) * size for n, size in enumerate([5_000_000, 1, 600_000, 400_000, 100_000, 70_000] * 4)]
    made = [pool.submit(chores.echo, words) for words in given]
    assert [done.result(PATIENCE) for done in made] == given


def test_what_is_cancelled_in_time_is_not_done(pool: Pool, tmp_path: Path) -> None:
    first = [pool.submit(chores.sleep, 0.3) for _ in range(2 * 2)]
    last = pool.submit(chores.die_once, tmp_path / "mark")
    assert last.cancel()
    assert not wait(first, PATIENCE).not_done
    assert pool.submit(chores.double, 1).result(PATIENCE) == 2
    assert not (tmp_path / "mark").exists()


def test_a_closed_pool_has_done_all_and_takes_nothing() -> None:
    pool = Pool(2, begin=chores.nothing, seconds=PATIENCE)
    made = [pool.submit(chores.slowly, n) for n in range(10)]
    pool.close()
    assert [done.result(0) for done in made] == [2 * n for n in range(10)]
    with pytest.raises(RuntimeError, match="closed"):
        pool.submit(chores.double, 1)


@pytest.mark.parametrize("kills", [12, pytest.param(300, marks=pytest.mark.soak)])
def test_kills_at_any_time_leave_nothing_unanswered(pool: Pool, kills: int) -> None:
    rng, pieces = random.Random(7), 40 * kills
    made = [pool.submit(chores.slowly, n) for n in range(pieces)]
    for _ in range(kills):
        time.sleep(rng.uniform(0, 0.6))
        if workers := [*pool._workers]:
            os.kill(rng.choice(workers).process.pid, signal.SIGKILL)
    lost = [n for n, done in enumerate(made) if done.exception(PATIENCE)]
    assert all(isinstance(made[n].exception(), EndedError) for n in lost)
    assert len(lost) <= kills // 3
    assert [done.result() for n, done in enumerate(made) if n not in lost] == [
        2 * n for n in range(pieces) if n not in lost
    ]
