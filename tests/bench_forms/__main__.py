"""Measure reading the statistics of many reports: `python tests/bench_forms [reports …]`.

Each count is read in a process of its own, one report after another as `gongkai facts` does: invented reports of every
form, as cleaning leaves them, some with distortions. Prints CPU seconds in the reader alone, milliseconds a report, and the
process's peak memory, which must not grow with the count.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from forms.distort import distort
from forms.reports import FORMS, grids, report

from pipelines import forms

COUNTS = (2500, 5000, 10000)
SHAPES = ("plain", "plain", "spans_blank", "thousands", "zeros_mixed", "label_variants", "broken", "title_row")


def main() -> None:
    """Print one line a count, each measured in a fresh process."""
    print(f"{'reports':>8}{'facts':>10}{'checks':>10}{'seconds':>9}{'ms each':>9}{'peak MiB':>10}")
    for count in sys.argv[1:] or COUNTS:
        subprocess.run([sys.executable, __file__, "--one", str(count)], check=True)


def one(count: int) -> None:
    """Read so many reports, and print what it took."""
    facts = checks = 0
    seconds = 0.0
    for seed in range(count):
        made = distort(report(FORMS[seed % len(FORMS)], seed=seed), SHAPES[seed // len(FORMS) % len(SHAPES)], seed=seed)
        text, found = grids(made)
        began = time.process_time()
        figures = forms.read(text=text, grids=found, report_year=made.year)
        seconds += time.process_time() - began
        facts, checks = facts + len(figures.facts), checks + len(figures.checks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:>8}{facts:>10}{checks:>10}{seconds:>9.1f}{seconds / count * 1000:>9.2f}{peak:>10.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(int(sys.argv[2]))
    else:
        main()
