"""Lists that a script fills: the fields it sends, and what the server answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from crawler.page import SPACE, Link, Page
from pipelines.prepare import tree

FIELD = re.compile(r"""(?P<name>\w+)["']?\s*:\s*(?:""\s*\|\|\s*)?(?:"([^"]*)"|'([^']*)'|([\w.]+))""")


def fields(script: str) -> dict[str, str]:
    r"""Read the fields of an object in a script; a value that is a variable is given by its name.

    >>> fields("col:1, 'path': '/', classsql: \"\" || \"chnlid=7\", page: now")
    {'col': '1', 'path': '/', 'classsql': 'chnlid=7', 'page': 'now'}
    """
    return {found["name"]: "".join(filter(None, found.groups()[1:])) for found in FIELD.finditer(script)}


def answer(page: Page, *keys: str) -> Any:
    """Read an answer in JSON and give what it holds under these keys, one inside the other.

    Raises ValueError where it is not JSON or does not hold them: a list that fell silent must be heard of.
    """
    try:
        held = json.loads(page.text)
        for key in keys:
            held = held[key]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"got {page.text[:80]!r}, expected JSON with {'.'.join(keys)}") from None
    return held


def unwrapped(page: Page, *, mark: str) -> str:
    """Give the text of an answer, out of the JSON it may be wrapped in; ValueError where it has not the mark."""
    text = "".join(_strings(answer(page))) if page.text.lstrip().startswith("{") else page.text
    if mark not in text.lower():
        raise ValueError(f"got {page.text[:80]!r}, expected a {mark}")
    return text


def rows(page: Page, entries: Iterable[object], *, address: Sequence[str], title: str) -> Iterator[Link]:
    """Give the entries of an answer as links: the address stands under the first name that has one, tags go.

    Raises ValueError where an entry is no object with names.
    """
    for entry in entries:
        if not isinstance(entry, dict):
            raise ValueError(f"got {str(entry)[:80]!r}, expected an entry with {title}")  # noqa: TRY004 of the data's type
        url = page.absolute(next((str(entry[name]) for name in address if entry.get(name)), ""))
        if url:
            yield Link(url=url, title=SPACE.sub("", tree(str(entry.get(title) or "")).text_content()))


def _strings(held: object) -> Iterator[str]:
    if isinstance(held, str):
        yield held
    elif isinstance(held, dict | list):
        for inner in held.values() if isinstance(held, dict) else held:
            yield from _strings(inner)
