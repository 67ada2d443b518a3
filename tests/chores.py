"""Work for the processes of a pool, which import it by name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pipelines.pool import Pool


def double(number: int) -> int:
    return 2 * number


def slowly(number: int) -> int:
    time.sleep(0.02)
    return 2 * number


def echo(words: bytes) -> bytes:
    return words


def pid(_: object) -> int:
    return os.getpid()


def die(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave(code: int) -> None:
    os._exit(code)


def die_once(mark: Path) -> str:
    """Die, but for whom it is the second time."""
    if mark.exists():
        return "done"
    mark.touch()
    die(None)
    return "not reached"


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def fail(words: str) -> None:
    raise ValueError(words)


class OddError(Exception):
    """Cannot be made again from its arguments, as pickle does it."""

    def __init__(self, one: str, *, other: str) -> None:
        super().__init__(one + other)


def fail_oddly(_: object) -> None:
    raise OddError("one", other="other")


def give_a_function(_: object) -> object:
    return lambda: None


def nothing() -> None:
    pass


def die_at_once() -> None:
    die(None)


def be_killed_in_the_midst() -> None:
    """Be killed when a worker is at its work, which it then has nobody to hand to."""
    pool = Pool(1, begin=nothing, seconds=60)
    pool.submit(double, 1).result()
    pool.submit(sleep, 0.3)
    time.sleep(0.1)
    die(None)


if __name__ == "__main__":
    be_killed_in_the_midst()
