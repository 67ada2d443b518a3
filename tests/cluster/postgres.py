"""A PostgreSQL server of a test's own, reached by a socket in its folder; it can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/usr/bin"))


class Postgres:
    """A server on a folder's data; run by the user `postgres`, for it refuses to be run by root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"postgresql:///postgres?host={folder}&user=postgres"
        self._as: dict[str, Any] = {} if os.geteuid() else {"user": "postgres", "group": "postgres", "extra_groups": []}
        if self._as:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        words = (BINARIES / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stderr=log, cwd=self.folder, **self._as)
        while subprocess.run((BINARIES / "pg_isready", "-q", "-h", self.folder), check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the server; those that serve its connections see that, and end."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Stop the server at once, but in order."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def _run(self, binary: str, *words: object) -> None:
        subprocess.run(
            (BINARIES / binary, *map(str, words)), check=True, capture_output=True, cwd=self.folder, **self._as
        )


def lacking() -> str:
    """Say what is not there that is needed."""
    return "" if (BINARIES / "initdb").exists() else "PostgreSQL's server is not installed"


@contextmanager
def serve() -> Iterator[Postgres]:
    """Serve an empty database; its folder is one that the server's user may enter."""
    with TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
