"""The README says what is so: its demo is the demo's, and every command, key and table stands in it."""

from __future__ import annotations

import re
from pathlib import Path

from crawler.cli import main
from crawler.sources import KEYS

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


def test_the_demo_shown_is_the_demo(demo: tuple[str, Path]) -> None:
    (shown,) = re.findall(r"```demo\n(.*?)```", README, re.DOTALL)
    said = demo[0].splitlines()
    for line in shown.splitlines():
        assert line.strip() == "…" or line in said, line


def test_every_command_option_and_key_is_described() -> None:
    for name, command in main.commands.items():
        assert command.help, name
        assert f"$ gongkai {name} --help" in README
        for option in command.params:
            assert option.name in ("names", "files", "what") or option.opts[0] in README, f"{name} {option.name}"
    for key in KEYS:
        assert f"`{key}`" in README
