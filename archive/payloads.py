"""The payload codec: zstd, alone as a keyframe or as a delta against another payload.

`archive.store` offers a site's keyframe, then an earlier payload of the same page, itself a keyframe or a delta against
one: reading takes three frames at the most. A wrong base would decode to garbage without a word: whoever reads compares
SHA-256 (`archive.reader`), which proves more than the checksum that frames could carry. Frames are plain zstd:
`zstd -d --patch-from=BASE` reads them without this program.
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
KEPT_LEVEL = 17
"""What is kept is packed with, once the base is chosen (measured: bodies take 301, 294, 274, 268, 264 bytes a fetch with 3
for deltas and 9 for keyframes, with 9, 13, 15, 17 for both; with 17 a fetch takes 3 ms more than with 9)."""

LARGE, LARGE_LEVEL = 256 * 1024, 9
"""What is larger, in bytes, is packed with this: 17 would hold up the crawl for seconds."""

DELTA_PAYS = 0.31
"""A delta is kept only up to this share of what the payload costs without it: alone, or against a base before. So a page
that was redesigned pays once, and is a base itself from then on (measured with 0.22, 0.27, 0.31, 0.35: 343, 326, 319 and
366 bytes a fetch for bodies; with keyframes as the only bases 2.4 times more)."""

SHORTEST_BASE = 8
"""What zstd accepts as a prefix, in bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One stored payload: zstd bytes, and the number of the payload they are a delta against, if any."""

    data: bytes = field(repr=False)
    base: int | None


def digest(body: bytes) -> str:
    """Name a payload: SHA-256 in 64 hex digits."""
    return hashlib.sha256(body).hexdigest()


def pack(body: bytes, *, bases: Iterable[tuple[int, bytes]] = ()) -> Frame:
    """Compress a payload against the last of the bases, given as (number, bytes), that pays beside those before it."""
    least, chosen, under = len(_compress(body, None)), None, None
    for number, base in bases:
        if len(base) < SHORTEST_BASE:
            continue
        size = len(_compress(body, base))
        if size <= DELTA_PAYS * least:
            least, chosen, under = size, number, base
    level = KEPT_LEVEL if len(body) <= LARGE else LARGE_LEVEL
    return Frame(data=_compress(body, under, level=level), base=chosen)


def unpack(data: bytes, *, base: bytes | None) -> bytes:
    """Give back the payload; raises ValueError where frame or base are damaged."""
    try:
        if base is None:
            return zstd.decompress(data)
        return zstd.decompress(data, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error


def _compress(body: bytes, base: bytes | None, *, level: int = LEVEL) -> bytes:
    options: dict[int, int] = {zstd.CompressionParameter.compression_level: level}
    if base is None:
        return zstd.compress(body, options=options)
    # The window must reach over the base, and matches be sought all through it, or a replaced 9 MB PDF is
    # stored whole (measured: 7.9 MB without long distance matching, 14 kB with it).
    options[zstd.CompressionParameter.window_log] = min(27, max(17, (len(base) + len(body)).bit_length()))
    options[zstd.CompressionParameter.enable_long_distance_matching] = 1
    return zstd.compress(body, options=options, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)
