"""What differs between two texts: by line, and within a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

TOKEN = re.compile(r"[0-9.,%]+|[A-Za-z]+|.", re.DOTALL)
TOGETHER = 2


def changed_lines(older: str, newer: str) -> Iterator[tuple[str, str]]:
    r"""Pair the lines that differ, as (before, after); one that came or went stands beside an empty one.

    >>> list(changed_lines("甲\n乙", "甲\n丙\n丁"))
    [('乙', '丙'), ('', '丁')]
    """
    a, b = older.splitlines(), newer.splitlines()
    for tag, i, j, k, m in SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        if tag != "equal":
            for n in range(max(j - i, m - k)):
                yield (a[i + n] if i + n < j else "", b[k + n] if k + n < m else "")


def edits(before: str, after: str, *, context: int = 12) -> Iterator[str]:
    """Show each change within a line, [-as it was+as it is], with the characters around it.

    Numbers and words of Latin letters change as a whole, and changes a character or two apart are one.

    >>> list(edits("全年收到申请29件，办结", "全年收到申请24件，办结", context=4))
    ['收到申请[-29+24]件，办结']
    """
    a, b = TOKEN.findall(before), TOKEN.findall(after)
    changes: list[tuple[int, int, int, int]] = []
    for tag, *spans in SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        near = changes and spans[0] - changes[-1][1] <= TOGETHER
        i, _, k, _ = changes.pop() if near else spans
        changes.append((i, spans[1], k, spans[3]))
    for i, j, k, m in changes:
        left, right = "".join(a[:i]), "".join(a[j:])
        yield f"{left[max(0, len(left) - context) :]}[-{''.join(a[i:j])}+{''.join(b[k:m])}]{right[:context]}"
