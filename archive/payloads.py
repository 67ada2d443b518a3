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

LEVEL = 9
"""For a page's first payload, of which a crawl has many (measured against their site's keyframes with 3, 9, 13 and 17:
2,056, 1,805, 1,802 and 1,711 bytes and 0.1, 0.3, 3.5 and 6.3 ms)."""

AGAIN_LEVEL = 17
"""For those that follow, of which a crawl has few, and an archive many over the years (with 9 and 17: 243 and 233 bytes)."""

LARGE = 256 * 1024
"""Up to this size, in bytes: with more it takes seconds."""

FAR = 1024 * 1024
"""From this size on, payload and base together, matches are sought by long distance matching too: without it a replaced
9 MB PDF takes 7.9 MB instead of 14 kB. A page it makes larger (measured: 2,006 instead of 1,805 bytes)."""

ALONE = 0.9
"""What a payload costs alone, as a share of what it costs with level 1, which tells it in a fifth of the time (the median
of 300 real pages); most are not kept so."""

SURE = 0.05
"""A page's first payload is a delta of up to this share of its own bytes without asking what it costs alone."""

PAYS = 0.7
"""A page's first payload is a delta up to this share of what it costs alone (measured with 0.31, 0.4, 0.5, 0.6, 0.7, 0.8:
588, 591, 590, 585, 582 and 597 bytes a fetch in all)."""

AGAIN_PAYS = 0.31
"""The same for those that follow, so that a page that was redesigned pays once, and is a base itself from then on (measured
with 0.22, 0.27, 0.31, 0.35: 343, 326, 319 and 366 bytes a fetch for bodies; with keyframes as the only bases 2.4 times more)."""

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


def pack(body: bytes, *, bases: Iterable[tuple[int, bytes]] = (), again: bool = False) -> Frame:
    """Compress a payload against the last of the bases, given as (number, bytes), that pays beside those before it.

    `again` is for a page that has been captured with another payload before.
    """
    level = AGAIN_LEVEL if again and len(body) <= LARGE else LEVEL
    least, data, chosen, under = None, None, None, None
    for number, base in bases:
        if len(base) < SHORTEST_BASE:
            continue
        delta = _compress(body, base)
        if least is None and (again or len(delta) > SURE * len(body)):
            least = ALONE * len(_compress(body, None, level=1))
        if least is None or len(delta) <= (AGAIN_PAYS if again else PAYS) * least:
            least, data, chosen, under = len(delta), delta, number, base
    if data is None or level != LEVEL:
        data = _compress(body, under, level=level)
    return Frame(data=data, base=chosen)


def unpack(data: bytes, *, base: bytes | None) -> bytes:
    """Give back the payload; raises ValueError where frame or base are damaged."""
    try:
        if base is None:
            return zstd.decompress(data)
        return zstd.decompress(data, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error


def _compress(body: bytes, base: bytes | None, *, level: int = LEVEL) -> bytes:
    if base is None:
        return zstd.compress(body, level=level)
    size = len(base) + len(body)
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: level,
        zstd.CompressionParameter.window_log: min(27, max(17, size.bit_length())),  # so that it reaches over the base
        zstd.CompressionParameter.enable_long_distance_matching: int(size >= FAR),
    }
    return zstd.compress(body, options=options, zstd_dict=zstd.ZstdDict(base, is_raw=True).as_prefix)
