"""Servers as they are, old, broken and lying: one crawl by the real command asks them all, one server a row."""

from __future__ import annotations

import datetime
import gzip
import ipaddress
import re
import socketserver
import ssl
import warnings
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from threading import Thread
from typing import Any

import brotli
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from support import gongkai

from archive import reader
from archive.database import connect
from crawler.compression import KNOWN, PackingError, unpack
from crawler.run import Exit
from crawler.sources import TLS

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it asks for asyncore where there is one
    from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
    from tlslite.extensions import RenegotiationInfoExtension
    from tlslite.messages import ServerHello

pytestmark = pytest.mark.xdist_group("old servers")  # one worker asks them, once

TITLE = "云岫县财政局2020年政府信息公开工作年度报告"
WORDS = "一、总体情况。本年度主动公开政府信息12条，受理政府信息公开申请3件，均已答复，行政复议0件。二、存在的主要问题及改进情况。"
PAGE = f"<html><head><title>{TITLE}</title></head><body><h1>{TITLE}</h1><p>{WORDS}</p></body></html>\n".encode()
PACKED = gzip.compress(PAGE, mtime=0)
GBK = PAGE.decode().encode("gbk")
HALF = PACKED[: len(PACKED) // 2]
BARE_DEFLATE = zlib.compress(PAGE)[2:-4]
NAMED = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x02\x00ab" + b"name\x00" + b"words\x00" + b"cr" + BARE_DEFLATE


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Write an answer; `length` is what it says of its length, -1 for nothing."""
    length = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers]
    lines += [f"Content-Length: {length}"] * (length >= 0)
    lines += ["Content-Type: text/html"] * ("Content-Type" not in "".join(headers))
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def packed(body: bytes, encoding: str, **more: Any) -> bytes:
    return http(body, f"Content-Encoding: {encoding}", **more)


def chunked(body: bytes, *headers: str) -> bytes:
    return http(body, "Transfer-Encoding: chunked", *headers, length=-1)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server sends for the first page it is asked for, and what must come of it."""

    sends: bytes
    payload: bytes | None = PAGE
    outcomes: tuple[str, ...] = ("new",)
    reason: str = "None"


failed = partial(Answer, outcomes=("failed",))
moved = partial(Answer, outcomes=("moved", "new"), reason=".*")

ANSWERS = {
    # what is no page stays no page
    "not_found": Answer(sends=http(b"no", status="404 Not Found"), payload=b"no", outcomes=("gone",), reason="http-404"),
    # types and character sets that lie
    "type_plain": Answer(sends=http(PAGE, "Content-Type: text/plain")),
    "type_octets": Answer(sends=http(PAGE, "Content-Type: application/octet-stream")),
    "type_nonsense": Answer(sends=http(PAGE, "Content-Type: ;;=")),
    "type_missing": Answer(sends=http(PAGE).replace(b"Content-Type: text/html\r\n", b"")),
    "latin_1_is_utf_8": Answer(sends=http(PAGE, "Content-Type: text/html; charset=ISO-8859-1")),
    "latin_1_is_gbk": Answer(sends=http(GBK, "Content-Type: text/html; charset=ISO-8859-1"), payload=GBK),
    "utf_8_is_gbk": Answer(sends=http(GBK, "Content-Type: text/html; charset=utf-8"), payload=GBK),
    # packing that lies
    "gzip": Answer(sends=packed(PACKED, "gzip")),
    "gzip_named": Answer(sends=packed(NAMED + bytes(8), "x-gzip")),
    "gzip_of_plain": Answer(sends=packed(PAGE, "gzip")),
    "gzip_of_pdf": Answer(sends=packed(b"%PDF-1.4\n\x00\x01", "gzip"), payload=b"%PDF-1.4\n\x00\x01"),
    "gzip_of_nothing_known": failed(
        sends=packed(bytes(range(256)), "gzip"), payload=bytes(range(256)), reason="cannot be unpacked: not gzip: .*"
    ),
    "gzip_twice": Answer(sends=packed(gzip.compress(PACKED), "gzip")),
    "gzip_undeclared": Answer(sends=http(PACKED)),
    "gzip_in_parts": Answer(sends=packed(gzip.compress(PAGE[:999]) + gzip.compress(PAGE[999:]), "gzip")),
    "gzip_wrong_checksum": Answer(sends=packed(PACKED[:-8] + b"\x00" * 8, "gzip")),
    "gzip_no_checksum": Answer(sends=packed(PACKED[:-8], "gzip")),
    "gzip_and_more": Answer(sends=packed(PACKED + b"\r\n\r\n", "gzip")),
    "gzip_half": failed(
        sends=packed(HALF, "gzip"), payload=HALF,
        reason=r"cannot be unpacked: gzip that ends early, after \d+ bytes",
    ),
    "gzip_spoilt": failed(
        sends=packed(PACKED[:10] + b"\xff" * 20, "gzip"), payload=PACKED[:10] + b"\xff" * 20,
        reason="cannot be unpacked: not gzip: .*",
    ),
    "gzip_bomb": failed(
        sends=packed(gzip.compress(bytes(1 << 26), mtime=0), "gzip"), payload=gzip.compress(bytes(1 << 26), mtime=0),
        reason=r"cannot be unpacked: gzip of more than \d+ bytes",
    ),
    "gzip_longer_than_said": Answer(sends=packed(PACKED, "gzip", length=len(PACKED) + 10)),
    "deflate": Answer(sends=packed(zlib.compress(PAGE), "deflate")),
    "deflate_bare": Answer(sends=packed(BARE_DEFLATE, "deflate")),
    "deflate_of_plain": Answer(sends=packed(PAGE, "deflate")),
    "brotli": Answer(sends=packed(brotli.compress(PAGE), "br")),
    "brotli_half": failed(
        sends=packed(brotli.compress(PAGE)[:99], "br"), payload=brotli.compress(PAGE)[:99],
        reason=r"cannot be unpacked: br that ends early, after \d+ bytes",
    ),
    "encoding_utf_8": Answer(sends=packed(PAGE, "UTF-8")),
    "encoding_none": Answer(sends=packed(PAGE, "identity, none")),
    # lengths that lie
    "length_missing": Answer(sends=http(PAGE, length=-1)),
    "length_too_great": Answer(sends=http(PAGE, length=len(PAGE) + 10)),
    "length_never_reached": failed(
        sends=http(PAGE[:-9], length=len(PAGE)), payload=PAGE[:-9], reason=r"cut off after \d+ of \d+ bytes"
    ),
    "length_too_small": Answer(sends=http(PAGE, length=len(PAGE) - 10), payload=PAGE[:-10]),
    "chunked": Answer(sends=chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE))),
    "chunked_and_length": Answer(sends=chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(PAGE), PAGE), "Content-Length: 5")),
    "chunked_without_end": Answer(sends=chunked(b"%x\r\n%b\r\n" % (len(PAGE), PAGE))),
    "chunked_cut_off": failed(sends=chunked(b"%x\r\n%b" % (len(PAGE), PAGE[:-9])), payload=PAGE[:-9], reason=r"cut off after \d+ of \? bytes"),
    "chunked_of_plain": failed(sends=chunked(PAGE), payload=b"", reason=r"cut off after 0 of \? bytes"),
    # heads that are none
    "http_0_9": failed(sends=PAGE, payload=None, reason=".*ParseError: ..wrong number of parts.*"),
    "no_answer": failed(sends=b"", payload=None, reason=".*Connection was closed.*"),
    "status_unknown": failed(sends=http(PAGE, status="OK"), payload=None, reason=".*ParseError: ..non-integer status code.*"),
    "protocol_unknown": failed(sends=http(PAGE).replace(b"HTTP/1.1", b"ICY"), payload=None, reason=".*BadResponseVersion.*"),
    "length_unknown": failed(sends=http(PAGE, "Content-Length: many", length=-1), payload=None, reason=".*non-decimal digits.*"),
    "length_twice": failed(sends=http(PAGE, "Content-Length: 5"), payload=None, reason=".*conflicting Content-Length.*"),
    "bare_line_feeds": Answer(sends=http(b"").replace(b"\r\n", b"\n").replace(b"Length: 0", b"Length: %d" % len(PAGE)) + PAGE),
    "header_in_gbk": Answer(sends=http(PAGE).replace(b"Connection: close", "Server: 政府网站".encode("gbk"))),
    "header_without_colon": Answer(sends=http(PAGE, "no colon here")),
    "status_without_words": Answer(sends=http(PAGE, status="200")),
    "http_1_0": Answer(sends=http(PAGE, length=-1).replace(b"HTTP/1.1", b"HTTP/1.0", 1)),
    # targets that are no addresses
    "location_in_gbk": moved(sends=http(b"", status="302 Found").replace(b"\r\n\r\n", "\r\nLocation: /年报 2020.html\r\n\r\n".encode("gbk"))),
    "location_in_utf_8": moved(sends=http(b"", status="302 Found").replace(b"\r\n\r\n", "\r\nLocation: /年报 2020.html\r\n\r\n".encode())),
}  # fmt: skip


# --- https -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Secure:
    """A server that speaks TLS, and what each of `sources.TLS` makes of it: the reason to fail, or None."""

    verified: str | None = None
    unverified: str | None = None
    legacy: str | None = None
    host: str = "127.0.0.1"
    named: str = "127.0.0.1"
    ends: int = 9
    bits: int = 2048
    signed: str = "root"
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = "ALL"
    speaks: Mapping[str, Any] | None = None
    moves: bool = False


def untrusted(why: str, *, host: str = "127.0.0.1") -> str:
    return f'CertificateError: {host}: {why}; tls = "unverified" accepts it'


def refused(why: str) -> str:
    return f'HandshakeError: {why}; tls = "legacy" accepts old servers'


def each(why: str) -> dict[str, str]:
    return {"verified": refused(why), "unverified": refused(why)}


NO_CIPHER = "tlsv1 alert insufficient security"
"""What a server says that offers nothing but ciphers which our OpenSSL was built without."""

SECURE = {
    "sound": Secure(),
    "sound_name": Secure(host="localhost", named="localhost"),
    "to_http": Secure(moves=True),
    "self_signed": Secure(signed="self", verified=untrusted("depth zero self signed cert")),
    "expired": Secure(ends=-1, verified=untrusted("cert has expired")),
    "of_another": Secure(named="10.9.8.7", verified=untrusted("the certificate does not name this host")),
    "of_another_name": Secure(
        host="localhost", named="czj.example", verified=untrusted("the certificate does not name this host", host="localhost")
    ),
    "chain_incomplete": Secure(signed="middle", verified=untrusted("unable to get issuer cert locally")),
    "key_of_1024_bits": Secure(bits=1024, verified=untrusted("ee key too small")),
    "tls_1_0": Secure(newest=ssl.TLSVersion.TLSv1, **each("tlsv1 alert protocol version")),
    "tls_1_1": Secure(newest=ssl.TLSVersion.TLSv1_1, **each("tlsv1 alert protocol version")),
    "tls_1_0_self_signed": Secure(newest=ssl.TLSVersion.TLSv1, signed="self", bits=1024, **each("tlsv1 alert protocol version")),
    "no_forward_secrecy": Secure(newest=ssl.TLSVersion.TLSv1_2, ciphers="AES128-SHA"),
    "dh_of_1024_bits": Secure(newest=ssl.TLSVersion.TLSv1_2, ciphers="DHE-RSA-AES128-SHA", **each("dh key too small")),
    "no_rfc_5746": Secure(speaks={}, **each("unsafe legacy renegotiation disabled")),
    "no_rfc_5746_tls_1_0": Secure(speaks={"maxVersion": (3, 1)}, **each("unsafe legacy renegotiation disabled")),
    "rc4": Secure(speaks={"cipherNames": ["rc4"], "maxVersion": (3, 1)}, **each(NO_CIPHER), legacy=f"HandshakeError: {NO_CIPHER}"),
    "triple_des": Secure(speaks={"cipherNames": ["3des"]}, **each(NO_CIPHER), legacy=f"HandshakeError: {NO_CIPHER}"),
}  # fmt: skip


@cache
def key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def certify(name: str, *, by: str, signer: rsa.RSAPrivateKey, own: rsa.RSAPrivateKey, ends: int = 9) -> bytes:
    """Make a certificate as PEM, valid from ten days ago for `ends` days from today."""
    alternative = x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, by)]))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=10))
        .not_valid_after(today + datetime.timedelta(days=ends))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=name in ("root", "middle"), path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def identity(row: Secure) -> tuple[bytes, bytes]:
    """Make a server's key and certificate, as PEM."""
    own = rsa.generate_private_key(65537, row.bits)
    by = row.named if row.signed == "self" else row.signed
    signer = own if row.signed == "self" else key(2048)
    plain = own.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return plain, certify(row.named, by=by, signer=signer, own=own, ends=row.ends)


class OldConnection(TLSConnection):  # type: ignore[misc]
    """The server's side of TLS as it was before RFC 5746: no word of renegotiation."""

    def _sendMsgs(self, msgs: list[Any]) -> Any:  # noqa: N802
        for message in msgs:
            if isinstance(message, ServerHello):
                message.extensions = [e for e in message.extensions if not isinstance(e, RenegotiationInfoExtension)]
        return super()._sendMsgs(msgs)


def speak_old(row: Secure) -> Callable[[Any], Any]:
    own, certificate = (pem.decode() for pem in identity(row))
    chain, settings = X509CertChain(), HandshakeSettings()
    chain.parsePemList(certificate)
    for name, value in {"minVersion": (3, 1), "maxVersion": (3, 3), **(row.speaks or {})}.items():
        setattr(settings, name, value)

    def wrap(connection: Any) -> Any:
        wrapped = OldConnection(connection)
        wrapped.handshakeServer(certChain=chain, privateKey=parsePEMKey(own, private=True), settings=settings)
        return wrapped

    return wrap


def speak(row: Secure, folder: Path) -> Callable[[Any], Any]:
    """Give what turns a server's connection into one that speaks as the row says."""
    if row.speaks is not None:
        return speak_old(row)
    own, certificate = identity(row)
    file = folder / f"{id(row)}.pem"
    file.write_bytes(own + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"{row.ciphers}:@SECLEVEL=0")
    context.load_cert_chain(file)
    context.load_dh_params(folder / "dh.pem")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that TLS 1.0 is old is the point
        context.minimum_version = min(row.newest, ssl.TLSVersion.TLSv1_2)
        context.maximum_version = row.newest
    return partial(context.wrap_socket, server_side=True)


OAKLEY_2 = """\
-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""
"""The group of 1024 bits that old servers use with Diffie-Hellman (RFC 2409, 6.2)."""


# --- one crawl of them all ---------------------------------------------------------------------------------------


class Server(socketserver.ThreadingTCPServer):
    """Sends its bytes for the first page asked for, a sound page for any other, and 404 for robots.txt."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, sends: bytes, wrap: Callable[[Any], Any] = lambda connection: connection) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.sends = sends
        self.wrap = wrap
        Thread(target=self.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None: ...


class Handler(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        connection = self.server.wrap(self.request)
        asked = connection.recv(65536).split()  # nothing, from one that does not trust us
        if asked:
            sent = {b"/ndbg.html": self.server.sends, b"/robots.txt": http(b"", status="404 Not Found")}
            connection.sendall(sent.get(asked[1], http(PAGE)))
        with suppress(OSError):
            connection.close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("old")
    root = key(2048)
    (folder / "root.pem").write_bytes(certify("root", by="root", signer=root, own=root))
    (folder / "dh.pem").write_text(OAKLEY_2, encoding="ascii")
    tables, servers = [], []

    def serve(name: str, scheme: str, *words: Any, host: str = "127.0.0.1", tls: str = "verified") -> None:
        servers.append(Server(*words))
        url = f"{scheme}://{host}:{servers[-1].server_address[1]}/ndbg.html"
        tables.append(f'[{name}]\nname = "{name}"\nseen = [[2020, "{url}"]]\ndelay = 0\ntls = "{tls}"')

    for name, row in ANSWERS.items():
        serve(name, "http", row.sends)
    plain = f"http://127.0.0.1:{servers[0].server_address[1]}/plain.html"
    for name, row in SECURE.items():
        wrap = speak(row, folder)
        for tls in TLS:
            sends = http(b"", f"Location: {plain}?{tls}", status="302 Found") if row.moves else http(PAGE)
            serve(f"{name}_{tls}", "https", sends, wrap, host=row.host, tls=tls)
    (folder / "sources.toml").write_text("\n".join(tables), encoding="utf-8")
    words = ("--archive", folder / "a.sqlite", "--sources", folder / "sources.toml")
    done = gongkai("crawl", *words, env={"SSL_CERT_FILE": str(folder / "root.pem"), "http_proxy": ""})
    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(Server.stop, servers))
    assert done.returncode == Exit.SOME_FAILED, done.stdout + done.stderr
    assert done.stderr == ""
    return folder / "a.sqlite"


def captures(archive: Path, source: str) -> list[Any]:
    query = "SELECT * FROM captures WHERE kind = 'report' AND source = ? ORDER BY rowid"
    return connect(archive).execute(query, (source,)).fetchall()


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_sent(archive: Path, name: str) -> None:
    row, kept = ANSWERS[name], captures(archive, name)
    assert tuple(dict.fromkeys(capture["outcome"] for capture in kept)) == row.outcomes, [*map(dict, kept)]
    assert re.fullmatch(row.reason, str(kept[-1]["reason"]))
    db = connect(archive)
    assert (kept[-1]["payload"] and reader.body_of(db, kept[-1]["payload"])) == row.payload
    if "new" in row.outcomes and not row.payload.startswith(b"%PDF"):
        assert reader.text_of(db, kept[-1]["payload"])["is_report"]


@pytest.mark.parametrize("tls", TLS)
@pytest.mark.parametrize("name", SECURE)
def test_what_is_spoken(archive: Path, name: str, tls: str) -> None:
    reason, kept = getattr(SECURE[name], tls), captures(archive, f"{name}_{tls}")
    assert re.fullmatch(reason or "None", str(kept[-1]["reason"])), [*map(dict, kept)]
    assert kept[-1]["outcome"] in (("failed",) if reason else ("new", "same"))
    assert (kept[-1]["payload"] and reader.body_of(connect(archive), kept[-1]["payload"])) == (None if reason else PAGE)


@given(st.binary() | st.binary().map(gzip.compress) | st.text().map(str.encode), st.sampled_from(KNOWN), st.booleans())
def test_unpacking_gives_bytes_or_says_why_not(body: bytes, name: str, is_text: bool) -> None:
    with suppress(PackingError):
        assert unpack(body, [name], is_text=is_text, most=100) is not None


@given(st.binary(max_size=5000))
def test_what_is_packed_comes_out_as_it_went_in(body: bytes) -> None:
    for name, pack in {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}.items():
        assert unpack(pack(body), [name], is_text=False, most=5000) == body


@given(st.text("云岫县财政局<html> \n", min_size=1))
def test_what_is_not_packed_stays(words: str) -> None:
    for name in KNOWN:
        assert unpack(words.encode(), [name], is_text=True, most=5000) == words.encode()


def test_what_was_lowered_is_said(archive: Path) -> None:
    said = gongkai("status", "--all", "--archive", archive).stdout
    for tls in TLS:
        lines = "".join(line for line in said.splitlines() if line.split()[:1] == [f"sound_{tls}"])
        assert lines
        assert [words for words in TLS.values() if words and words in lines] == list(filter(None, [TLS[tls]]))
