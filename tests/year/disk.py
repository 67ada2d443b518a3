"""A disk of its own for the archive, that can be full or read-only: a tmpfs, where this machine lets us mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import statvfs
from pathlib import Path

ROOM = 1024


@dataclass(frozen=True, kw_only=True)
class Disk:
    """A folder, and whether it is a disk that can be made to fail."""

    folder: Path
    mounted: bool

    def grow(self) -> None:
        """Give room and let it be written to, as on any other day."""
        self._remount(f"rw,size={ROOM}m")

    def fill(self, *, kilobytes: int) -> None:
        """Leave so little room."""
        told = statvfs(self.folder)
        used = (told.f_blocks - told.f_bfree) * told.f_frsize // 1024
        self._remount(f"rw,size={used + kilobytes}k")

    def freeze(self) -> None:
        """Let nothing be written."""
        self._remount("ro")

    def _remount(self, options: str) -> None:
        if self.mounted:
            subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """Mount a disk at a folder until the block ends; where that is not permitted, give the bare folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield Disk(folder=folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)
