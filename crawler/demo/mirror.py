"""A hijacked copy of a page: Traditional characters, readings in brackets, a brand where a name stood."""

from __future__ import annotations

import functools
import re
from typing import Any

BRAND = "好运旅行网"
SWAPPED = "政府网站"
GLOSSES = dict(
    pair.split(":")
    for pair in [
        "報:bào",
        "據:jù",
        "規:guī",
        "務:wù",
        "會:huì",
        "國:guó",
        "區:qū",
        "進:jìn",
        "請:qǐng",
        "開:kāi",
        "過:guò",
        "門:mén",
        "單:dān",
        "轉:zhuǎn",
        "營:yíng",
        "說:shuō",
        "來:lái",
        "長:zhǎng",
        "級:jí",
        "績:jì",
        "鄉:xiāng",
        "鎮:zhèn",
        "內:nèi",
        "關:guān",
        "點:diǎn",
        "總:zǒng",
        "業:yè",
        "與:yǔ",
        "對:duì",
        "類:lèi",
        "處:chù",
        "結:jié",
        "應:yìng",
        "決:jué",
        "還:hái",
        "體:tǐ",
    ]
)
GLOSSED = re.compile(f"[{''.join(GLOSSES)}]")
HAN = re.compile("[一-鿿]+")
MARKUP = re.compile(r"(<script.*?</script>|<style.*?</style>|<[^>]+>)", re.DOTALL)


def hijack(page: str, *, official: str, host: str, charset: str, token: str) -> str:
    """Turn an official page into the mirror's UTF-8 copy of it on `host`; `token` is the noise of the day."""
    page = page.replace(official, host).replace(SWAPPED, BRAND)
    page = page.replace(f"charset={charset}", "charset=utf-8") if charset else page
    pieces = MARKUP.split(HAN.sub(lambda words: _traditional(words[0]), page))
    text = "".join(piece if n % 2 else _glossed(piece) for n, piece in enumerate(pieces))
    line = f'<div class="kw"><a href="/">{BRAND}_出行优惠_在线预订</a> <!--{token}--></div>'
    return text.replace("<body>", f"<body>\n{line}", 1)


@functools.lru_cache(maxsize=1 << 14)
def _traditional(words: str) -> str:
    return str(_converter().convert(words))


def _glossed(text: str) -> str:
    return GLOSSED.sub(lambda m: f"{m[0]}({GLOSSES[m[0]]})", text)


@functools.cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("s2t")
