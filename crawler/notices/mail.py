"""Notices by mail (SMTP)."""

from __future__ import annotations

import os
import smtplib
import sqlite3
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from crawler.notices.notice import Notice, SendError

PORTS = {"none": 25, "starttls": 587, "tls": 465}
"""How the connection may be protected, and the usual port of each (RFC 5321, 6409, 8314)."""

SEVEN_BITS = SMTP.clone(cte_type="7bit")
"""Any server takes lines of such mail as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """Where and how mail is handed over; the password is read from the environment, under the name `password_env`.

    Raises ValueError where the settings do not fit each other.
    """

    host: str
    from_: str
    to: tuple[str, ...]
    port: int = 0
    tls: str = "starttls"
    user: str = ""
    password_env: str = ""
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if self.tls not in PORTS:
            raise ValueError(f"tls: got {self.tls!r}, expected one of {', '.join(PORTS)}")
        if not self.to or isinstance(self.to, str):
            raise ValueError(f"to: got {self.to!r}, expected a list of addresses")
        for address in (self.from_, *self.to):
            if "@" not in parseaddr(address)[1] or not address.isprintable():
                raise ValueError(f"from, to: got {address!r}, expected an address such as a@b.example")
        if self.user and self.tls == "none":
            raise ValueError("user: a password is not sent over a connection that anyone can read: set tls")
        if self.user and self.password_env not in os.environ:
            raise ValueError(f"password_env: the environment has no {self.password_env or 'name given'!r}")

    def send(self, notice: Notice, _: sqlite3.Connection) -> str | None:
        """Hand the notice over, and name those for whom the server refused it; raises SendError where it did for all."""
        try:
            refused = self._hand_over(message(notice, sender=self.from_, to=self.to))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            where = f"{self.host}:{self._port}"
            raise SendError(f"mail to {', '.join(self.to)} by {where} was not sent: {error}") from error
        return f"mail was taken by {self.host}, but not for {', '.join(refused)}" if refused else None

    @property
    def _port(self) -> int:
        return self.port or PORTS[self.tls]

    def _hand_over(self, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Send it, and give the recipients whom the server refused; it is over when the server has said 250."""
        context = ssl.create_default_context()
        if self.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self._port, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(self.host, self._port, timeout=self.timeout)
        try:
            if self.tls == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, os.environ[self.password_env])
            return server.send_message(mail)
        finally:
            with suppress(OSError, smtplib.SMTPException):  # the mail has been taken, or that it was not is being said
                server.quit()


def message(notice: Notice, *, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """Write a notice as a mail, in text and HTML; automatic, so that nobody's absence answers it (RFC 3834)."""
    mail = EmailMessage(policy=SEVEN_BITS)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = notice.subject
    mail["Date"] = datetime.fromisoformat(notice.at)
    mail["Message-ID"] = f"<{notice.key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Id"] = f"<{notice.origin}.gongkai.invalid>"
    mail.set_content(notice.text())
    mail.add_alternative(notice.html(), subtype="html")
    return mail
