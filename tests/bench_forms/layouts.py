"""Measure the reader of forms by distortion: `python tests/bench_forms/layouts.py [bodies [distortion …]]`.

Every form, so many bodies of it, every distortion: as grids, as lines of text (one cell a line, rows with bars, with
blanks, and with their numbers glued), and the first of each through the whole cleaner. Prints how many cells are right,
blank, unplaced, silent (neither placed nor reported) and wrong.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from forms.distort import DISTORTIONS
from forms.judge import trials

COUNTS = ("right", "blank", "unplaced", "silent", "wrong")
SHOWN = 6


def main() -> None:
    """Print a line a distortion, and the first faults in full."""
    bodies = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    total: Counter[str] = Counter()
    print(f"{'':22}{'grids':^38}{'lines':^38}{'cleaned':^38}")
    print(f"{'':22}" + "".join(f"{name:>8}" if n else f"{name:>6}" for _ in range(3) for n, name in enumerate(COUNTS)))
    faults = []
    for name in sys.argv[2:] or DISTORTIONS:
        row = {way: Counter[str]() for way in ("grids", "lines", "cleaned")}
        for way, label, verdict in trials(name, bodies=bodies):
            row[way] += verdict.counts
            faults += [f"{name} {label}: {why}" for why in verdict.wrong]
            total += verdict.counts
        print(f"{name:22}" + "".join(f"{row[way][count]:>8}" if n else f"{row[way][count]:>6}" for way in row
                                     for n, count in enumerate(COUNTS)), flush=True)  # fmt: skip
    print(dict(total))
    print(*faults[:SHOWN], sep="\n")


if __name__ == "__main__":
    main()
