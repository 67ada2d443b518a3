"""Serve the demo county until Ctrl-C: python -m crawler.demo --port 8765 --day 1."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence

from crawler.demo.county import County
from crawler.demo.server import serve


def main(argv: Sequence[str] | None = None) -> None:
    """Read the options, serve, and say where."""
    options = _options().parse_args(argv)
    first, _, last = options.years.partition("-")
    years = (int(first), int(last or first))
    county = County.make(seed=options.seed, offices=options.offices, years=years, documents=not options.pages_alone)
    if options.sources:
        sys.stdout.write(county.sources_toml())
        return
    with serve(county, options.port) as demo:
        demo.day = options.day
        sys.stdout.write(f"day {demo.day} of {len(county.offices)} offices at {demo.url} (Ctrl-C ends)\n")
        sys.stdout.flush()
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crawler.demo", description="Serve the demo county on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8765, help="port on 127.0.0.1 (0: any free one)")
    parser.add_argument("--day", type=int, default=1, choices=(1, 2), help="which day of its life")
    parser.add_argument("--offices", type=int, help="this many offices instead of the hand-made ones")
    parser.add_argument("--years", default="2008-2025", help="report years, A-B")
    parser.add_argument("--seed", type=int, default=2026, help="everything is drawn from it")
    parser.add_argument("--pages-alone", action="store_true", help="reports without documents")
    parser.add_argument("--sources", action="store_true", help="print the source tables (TOML) and leave")
    return parser


if __name__ == "__main__":
    main()
