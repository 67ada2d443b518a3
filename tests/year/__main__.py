"""Live through a year and print the score; ends with 1 where it is not what it should be."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from year import score, trial
from year.country import Country
from year.disk import disk

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=int, default=300)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=9)
    asked = parser.parse_args()
    country = Country(offices=asked.sources, days=asked.days, seed=asked.seed)
    with tempfile.TemporaryDirectory() as name, disk(Path(name) / "disk") as own:
        for year in trial.run(country, Path(name), own):
            last = year.told[-1]
            sys.stderr.write(f"day {last['day']}: {last['cpu']:.1f} s of CPU, {year.web.requests} requests so far\n")
        told = score.of(year, own.folder / "a.sqlite")
    sys.stdout.write("".join(f"{line}\n" for line in told.lines()))
    sys.exit(bool(told.wrong))
