"""Running the real command, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

GONGKAI = (sys.executable, "-m", "crawler.cli")


def gongkai(*words: object, env: dict[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `gongkai` in a process of its own, and give what it printed."""
    settings = {"capture_output": True, "text": True, "timeout": 120, "env": os.environ | (env or {})}
    return subprocess.run([*GONGKAI, *map(str, words)], check=False, **(settings | more))


def die(_: object) -> None:
    """Take the process down, as a fault in a C library would."""
    os.abort()
