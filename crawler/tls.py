"""How far each source trusts its servers: https as strict as it should be, and less strict where a source says so."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

import service_identity
from OpenSSL import SSL
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import DownloadFailedError
from service_identity.hazmat import DNS_ID, IPAddress_ID, ServiceID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from crawler.sources import TLS

if TYPE_CHECKING:
    from OpenSSL.crypto import X509
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.protocols.tls import TLSMemoryBIOProtocol


class CertificateError(Exception):
    """A server's certificate proves nothing; the message says why, and which key accepts it."""


class HandshakeError(Exception):
    """No connection could be agreed on with a server; the message is OpenSSL's, and names the key that may help."""


class Https(BaseDownloadHandler):
    """Fetches https as `request.meta["tls"]` allows, one of `sources.TLS`; strictly where it says nothing.

    Connections are not shared between the three ways. Raises CertificateError and HandshakeError, neither of
    which Scrapy asks again.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.handlers = {tls: _Handler(crawler, tls=tls) for tls in TLS}

    async def download_request(self, request: Request) -> Response:
        tls = request.meta.get("tls", "verified")
        try:
            return await self.handlers[tls].download_request(request)
        except DownloadFailedError as error:
            for failure in getattr(error.__cause__, "reasons", ()):
                if isinstance(failure.value, CertificateError):
                    raise failure.value from error
                if isinstance(failure.value, SSL.Error) and failure.value.args:
                    raise HandshakeError(_said(failure.value, tls)) from error
            raise

    async def close(self) -> None:
        for handler in self.handlers.values():
            await handler.close()


class _Handler(HTTP11DownloadHandler):
    def __init__(self, crawler: Crawler, *, tls: str) -> None:
        super().__init__(crawler)
        self._contextFactory = _Policy(tls)  # Scrapy's setting for this is deprecated, and the same for all requests


@implementer(IPolicyForHTTPS)
class _Policy:
    def __init__(self, tls: str) -> None:
        self.tls = tls

    def creatorForNetloc(self, hostname: bytes, port: int) -> _Creator:  # noqa: ARG002, N802
        return _Creator(hostname.decode("ascii"), self.tls)


@implementer(IOpenSSLClientConnectionCreator)
class _Creator:
    def __init__(self, host: str, tls: str) -> None:
        self.host = host
        self.tls = tls

    def clientConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:  # noqa: N802
        connection = SSL.Connection(_context(self.tls), None)
        if not _is_ip(self.host):
            connection.set_tlsext_host_name(self.host.encode("ascii"))
        if self.tls == "verified":
            wanted = IPAddress_ID(self.host) if _is_ip(self.host) else DNS_ID(self.host)

            def check(_: SSL.Connection, certificate: X509, error: int, depth: int, ok: int) -> bool:
                fault = _fault(certificate, wanted if depth == 0 else None, error=0 if ok else error)
                if fault:
                    why = f'{self.host}: {fault}; tls = "unverified" accepts it'
                    protocol.failVerification(Failure(CertificateError(why)))
                return not fault

            connection.set_verify(SSL.VERIFY_PEER, check)
        return connection


@cache
def _context(tls: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_default_verify_paths()
    if tls == "legacy":
        context.set_min_proto_version(SSL.TLS1_VERSION)
        context.set_cipher_list(b"ALL:!aNULL:@SECLEVEL=0")
        context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)  # servers that know nothing of RFC 5746
    return context


def _fault(certificate: X509, wanted: ServiceID | None, *, error: int) -> str | None:
    """Say what is wrong with one certificate of a chain; the server's own must name the host (RFC 9525)."""
    if error:
        return _faults().get(error, f"X.509 error {error}")
    try:
        verify_service_identity(extract_patterns(certificate), [wanted] if wanted else [], [])
    except (service_identity.VerificationError, service_identity.CertificateError):
        return "the certificate does not name this host"
    return None


@cache
def _faults() -> dict[int, str]:
    """OpenSSL's numbers for what is wrong with a certificate; pyOpenSSL does not know the last three."""
    known = vars(SSL.X509VerificationCodes).items()
    named = {code: name.removeprefix("ERR_").replace("_", " ").lower() for name, code in known if name.isupper()}
    return named | {66: "ee key too small", 67: "ca key too small", 68: "ca md too weak"}


def _said(error: SSL.Error, tls: str) -> str:
    said = "; ".join(reason for _, _, reason in error.args[0])
    return said if tls == "legacy" else f'{said}; tls = "legacy" accepts old servers'


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
