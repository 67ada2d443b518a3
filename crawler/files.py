"""Files that others read while we write them."""

from __future__ import annotations

import secrets
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it finds either the old content or the new; raises OSError."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content)
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
