"""How a long work goes: a bar on a terminal, elsewhere a line a minute; one at its end, with the rate."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

from tqdm import tqdm

from crawler.cli.shared import Stop
from crawler.run import Exit

Done = TypeVar("Done")

EVERY = 60.0
"""Seconds between two lines."""


class Pace:
    """Counts what is done, in a unit that is put behind the number; a work that is interrupted says that it can go on."""

    def __init__(self, *, unit: str, scale: bool = False) -> None:
        self.done = 0
        self.unit, self.scale = unit, scale
        self.began = self.said_at = monotonic()

    def begin(self, total: int) -> None:
        """Expect so much."""
        self.bar.reset(total)

    def over(self, things: Collection[Done], unit: str) -> Iterator[Done]:
        """Go through the things of a further part of the work, counted in a unit of their own."""
        self.end()
        self.done, self.unit, self.began = 0, f" {unit}", monotonic()
        self.bar.unit = self.unit
        self.begin(len(things))
        yield from self.each(things)

    def each(self, made: Iterable[Done]) -> Iterator[Done]:
        """Count what is made."""
        for one in made:
            self.add()
            yield one

    def add(self, count: int = 1) -> None:
        """Have done so much more."""
        self.done += count
        self.bar.update(count)
        if self.bar.disable and monotonic() - self.said_at >= EVERY:
            self.said_at = monotonic()
            self._say("{n_fmt} of {total_fmt}{unit}, {rate_noinv_fmt}, {remaining} left")

    def end(self) -> None:
        """Say what was done, and how fast."""
        if self.done:
            self.bar.clear()
            self._say("{n_fmt}{unit} in {elapsed}, {rate_noinv_fmt}")

    def _say(self, form: str) -> None:
        said = tqdm.format_meter(
            self.done, self.bar.total, monotonic() - self.began, unit=self.unit, unit_scale=self.scale, bar_format=form
        )
        sys.stderr.write(f"{said}\n")

    def __enter__(self) -> Self:
        self.bar = tqdm(
            total=0, unit=self.unit, unit_scale=self.scale, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()
        self.end()
        if isinstance(error, KeyboardInterrupt):
            raise Stop("interrupted: the same command goes on from here", code=Exit.INTERRUPTED) from error
