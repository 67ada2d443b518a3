"""The payload codec: zstd level 3, alone as a keyframe or as a delta against one.

A delta's base is always a keyframe, so reading takes two frames at the most. A wrong base would decode to
garbage without a word: frames carry a checksum, and whoever reads compares SHA-256 (`archive.store`).
Frames are plain zstd: `zstd -d --patch-from=KEYFRAME` reads them without this program.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
DELTA_PAYS = 0.35
"""A delta is kept only below this share of the payload's own compressed size (measured: beside it a redesign
of half the sites cost nothing, against a factor of 2.5 without)."""

SHORTEST_BASE = 8
"""What zstd accepts as a prefix, in bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One stored payload: zstd bytes, and the SHA-256 of the keyframe they are a delta against, if any."""

    data: bytes = field(repr=False)
    base: str | None


def digest(body: bytes) -> str:
    """Name a payload: SHA-256 in 64 hex digits."""
    return hashlib.sha256(body).hexdigest()


def pack(body: bytes, *, bases: Iterable[tuple[str, bytes]] = ()) -> Frame:
    """Compress a payload against the first base, given as (SHA-256, bytes), that makes it small enough."""
    plain = _compress(body, None)
    for name, base in bases:
        if len(base) < SHORTEST_BASE:
            continue
        delta = _compress(body, base)
        if len(delta) <= DELTA_PAYS * len(plain):
            return Frame(data=delta, base=name)
    return Frame(data=plain, base=None)


def unpack(data: bytes, *, base: bytes | None) -> bytes:
    """Give back the payload; raises ValueError where frame or base are damaged."""
    try:
        if base is None:
            return zstd.decompress(data)
        return zstd.decompress(data, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error


def _compress(body: bytes, base: bytes | None) -> bytes:
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    if base is None:
        return zstd.compress(body, options=options)
    # The window must reach over the base, and matches be sought all through it, or a replaced 9 MB PDF is
    # stored whole (measured: 7.9 MB without long distance matching, 14 kB with it).
    options[zstd.CompressionParameter.window_log] = min(27, max(17, (len(base) + len(body)).bit_length()))
    options[zstd.CompressionParameter.enable_long_distance_matching] = 1
    return zstd.compress(body, options=options, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)
