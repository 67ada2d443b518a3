"""From Traditional characters to Simplified ones. The only module that knows OpenCC."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencc import OpenCC


def t2s(text: str) -> str:
    """Write each Traditional character in its Simplified form, whatever the script of the text; see `encodable`.

    >>> t2s("顯著"), t2s("後勤"), t2s("乾县")
    ('显著', '后勤', '干县')
    """
    return str(_converter().convert(encodable(text)))


def encodable(text: str) -> str:
    r"""Replace lone surrogates, on which OpenCC raises.

    >>> encodable("年\ud800")
    '年?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def _converter() -> OpenCC:
    import opencc

    return opencc.OpenCC("t2s")
