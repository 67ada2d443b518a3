"""Notices by webhook: JSON, sent by POST."""

from __future__ import annotations

import http.client
import os
import sqlite3
import time
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from archive.database import to_json
from crawler.notices.notice import Notice, SendError

LATER = (408, 429)
"""Statuses under 500 that ask for another try (RFC 9110, 15.5.9; RFC 6585, 4)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """Where notices are sent; a header named `header` has the value that the environment has under `header_env`.

    Tried `attempts` times, each for `timeout` seconds at most. Raises ValueError where the settings do not fit.
    """

    url: str
    header: str = ""
    header_env: str = ""
    timeout: float = 10.0
    attempts: int = 3

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"url: got {self.url!r}, expected an address of http or https")
        if self.header and self.header_env not in os.environ:
            raise ValueError(f"header_env: the environment has no {self.header_env or 'name given'!r}")

    def send(self, notice: Notice, _: sqlite3.Connection) -> None:
        """Post the notice; raises SendError where it was not answered by 2xx. Redirects are not followed.

        The header Idempotency-Key is the same in all attempts at one notice, for those that arrive twice.
        """
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": f'"{notice.key}"'}
        if self.header:
            headers[self.header] = os.environ[self.header_env]
        request = Request(self.url, data=to_json(notice.as_json()).encode(), headers=headers, method="POST")  # noqa: S310
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(2**attempt)
            try:
                with build_opener(_NoRedirects).open(request, timeout=self.timeout):
                    return
            except HTTPError as error:
                error.close()
                why = f"answered {error.code} {error.reason}"
                if error.code < 500 and error.code not in LATER:
                    break
            except (OSError, http.client.HTTPException) as error:
                why = str(error)
        raise SendError(f"webhook {urlsplit(self.url).netloc} was not told, in {attempt + 1} attempts: {why}")


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
