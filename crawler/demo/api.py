"""The interfaces behind lists: what they are asked, and how they answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from crawler.demo.model import Answer
from crawler.demo.site import Noise
from crawler.page import METHOD

ANY = "*"
"""At the end of a path: whatever its parameters are."""


def asked(noise: Noise) -> Mapping[str, str]:
    """Read the parameters of an address and of the form posted there."""
    return dict(parse_qsl(noise.path.partition("?")[2], keep_blank_values=True))


def is_posted(noise: Noise) -> bool:
    """Say whether a form was posted."""
    return METHOD in asked(noise)


def number(text: str | None, *, default: int) -> int:
    """Read a number that a client may have left out or written badly."""
    return int(text) if text and text.isdecimal() else default


def json_answer(data: Any) -> Answer:
    """Answer with JSON, in ASCII as PHP and Java write it."""
    return _answer("application/json;charset=UTF-8", json.dumps(data))


def xml_answer(text: str) -> Answer:
    """Answer with XML."""
    return _answer("text/xml;charset=UTF-8", text)


def fragment(text: str) -> Answer:
    """Answer with a piece of HTML."""
    return _answer("text/html;charset=UTF-8", text)


def not_allowed() -> Answer:
    """Refuse a GET where only a form is taken."""
    return Answer(status=405, headers={"Content-Type": "text/plain", "Allow": "POST"}, body=b"Method Not Allowed\n")


def _answer(kind: str, text: str) -> Answer:
    return Answer(status=200, headers={"Content-Type": kind}, body=text.encode())
