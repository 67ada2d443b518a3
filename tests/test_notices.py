"""What arrives of a run: by mail and webhook from real servers, and in the feed; each thing once. Days are in cases/notices.toml."""

from __future__ import annotations

import asyncio
import json
import ssl
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from click.testing import CliRunner
from lxml import etree
from test_old_servers import Secure, certify, identity, key

from archive.database import ArchiveError, LockedError
from archive.records import Capture, Column, Office, Text, Visit
from archive.store import Store
from crawler import notices
from crawler.cli import main
from crawler.notices.notice import Group, Notice, plain
from crawler.run import Exit

CASES = tomllib.loads(Path(__file__).with_name("cases").joinpath("notices.toml").read_text(encoding="utf-8"))
LIST = "http://czj.example/nb/"
ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass
class Post:
    """What a mail server took; while `down`, it answers 451. `root` is the certificate that vouches for it."""

    root: Path
    port: int = 0
    down: bool = False
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        if self.down:
            return "451 later"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 taken"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: ARG002, N802
        if address.startswith("gone@"):
            return "550 nobody here"
        envelope.rcpt_tos.append(address)
        return "250 well"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    folder = tmp_path_factory.mktemp("post")
    root = key(2048)
    post = Post(root=folder / "root.pem")
    post.root.write_bytes(certify("root", by="root", signer=root, own=root))
    (folder / "own.pem").write_bytes(b"".join(identity(Secure())))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "own.pem")
    speak = partial(SMTP, post, tls_context=context, auth_callback=lambda _, *given: given == (b"gongkai", b"secret"))
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(loop.create_server(lambda: speak(loop=loop), "127.0.0.1", 0))
    post.port = listening.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield post
    loop.call_soon_threadsafe(listening.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def post(server: Post) -> Post:
    server.down, server.mails = False, []
    return server


@pytest.fixture(scope="module")
def hook() -> Iterator[Any]:
    """A webhook that notes what it was sent, and answers as `answers` says, else 204."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((dict(self.headers), json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            status = answers.pop(0) if answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    asked: list[Any] = []
    answers: list[int] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=server.serve_forever, daemon=True).start()
    server.asked, server.answers = asked, answers  # type: ignore[attr-defined]
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def channels(tmp_path: Path, post: Post, hook: Any) -> Path:
    hook.asked.clear()
    hook.answers.clear()
    file = tmp_path / "notices.toml"
    file.write_text(
        f"""
        [mail]
        host = "127.0.0.1"
        port = {post.port}
        tls = "none"
        from = "gongkai <gongkai@gongkai.example>"
        to = ["a@office.example"]
        [webhook]
        url = "http://127.0.0.1:{hook.server_address[1]}/hook"
        header = "Authorization"
        header_env = "HOOK"
        [feed]
        file = "{tmp_path / "notices.atom"}"
        link = "https://gongkai.example/notices.atom"
        """,
        encoding="utf-8",
    )
    return file


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "Bearer secret")
    monkeypatch.setattr("time.sleep", lambda _: None)


def visit(path: Path, office: Office, text: Callable[..., Text], *, day: int, found: str) -> None:
    """Save one run at a source, as a crawl does."""
    how, *years = found.split()
    at = f"2026-03-{day:02}T08:00:00.000Z"
    with Store(path) as store:
        run = store.begin_run([office], at=at).id
        seen = {"run": run, "source": office.id, "at": at}
        if how == "down":
            store.capture(Capture(**seen, url=LIST, kind="column", outcome="failed", reason="connection refused"))
            store.end_run(run, [Visit(source=office.id, status="failed", failed=1)], at=at, status="finished")
            return
        store.capture(Capture(**seen, url=LIST, kind="column", outcome="new", status=200, body=b"list"))
        for year in years:
            url = f"{LIST}{year[:4]}.html"
            if year.endswith("-"):
                store.capture(Capture(**seen, url=url, kind="report", outcome="gone", status=404, referrer=LIST))
                continue
            saved = store.capture(
                Capture(**seen, url=url, kind="report", outcome="new", status=200, body=year.encode(), referrer=LIST)
            )
            if saved.payload and store.needs_text(saved.payload, cleaner="1"):
                title = f"{year[:4]}年报告<script>alert(1)</script>\r\nBcc: x@y.example"
                store.save_text(saved.payload, text(year, title=title, report_year=int(year[:4])))
        if how == "killed":
            return
        column = Column(url=LIST, parent=None, family="plain", list_pages=1, reports=len(years))
        done = Visit(source=office.id, status="ok", listed=len(years), fetched=len(years), columns=(column,))
        store.end_run(run, [done], at=at, status="spent" if how == "spent" else "finished")


@pytest.mark.parametrize("case", CASES)
def test_each_thing_is_told_once(
    case: str, tmp_path: Path, channels: Path, post: Post, hook: Any, office: Office, text: Callable[..., Text]
) -> None:
    archive = tmp_path / "a.sqlite"
    runner = CliRunner()
    told, expected = [], []
    for day, (found, subject) in enumerate(zip(CASES[case]["days"], CASES[case]["told"], strict=True), start=1):
        post.down = found.endswith("!")
        visit(archive, office, text, day=day, found=found.rstrip("!"))
        for _ in range(2):
            before = len(post.mails)
            done = runner.invoke(main, ["notify", "--archive", str(archive), "--notices", str(channels)])
            told.append("|".join(str(mail["Subject"]) for mail in post.mails[before:]))
            assert done.exit_code == (Exit.SOME_FAILED if "was not sent" in done.output else Exit.WELL), done.output
        expected += [f"[gongkai] {subject}" if subject else "", ""]
    assert told == expected
    if not any("!" in day for day in CASES[case]["days"]):
        assert [body["subject"] for _, body in hook.asked] == list(filter(None, expected))
    keys = [headers["Idempotency-Key"] for headers, _ in hook.asked]
    assert len(set(keys)) == len(keys)
    ids = [entry.findtext(f"{ATOM}id") for entry in etree.parse(tmp_path / "notices.atom").iter(f"{ATOM}entry")]
    assert ids
    assert len(set(ids)) == len(ids)


def test_a_mail_is_well_formed_and_what_is_hostile_in_it_harmless(
    tmp_path: Path, channels: Path, post: Post, office: Office, text: Callable[..., Text]
) -> None:
    visit(tmp_path / "a.sqlite", office, text, day=1, found="well 2021")
    notices.tell(tmp_path / "a.sqlite", notices.load(channels), at="2026-03-01T09:00:00.000Z")
    (mail,) = post.mails
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.isoformat() == "2026-03-01T09:00:00+00:00"
    assert mail["Message-ID"].endswith("@gongkai.example>")
    assert mail["Bcc"] is None
    plain_part, html_part = (part.get_content() for part in mail.iter_parts())
    assert "年报告" in plain_part
    assert "\nBcc" not in plain_part
    assert "<script>" not in html_part
    assert "&lt;script&gt;" in html_part


def test_those_who_are_refused_are_named_and_the_others_told_once(
    tmp_path: Path, channels: Path, post: Post, office: Office, text: Callable[..., Text]
) -> None:
    channels.write_text(channels.read_text(encoding="utf-8").replace('["a@', '["gone@office.example", "a@'), "utf-8")
    visit(tmp_path / "a.sqlite", office, text, day=1, found="well 2021")
    words = ["notify", "--archive", str(tmp_path / "a.sqlite"), "--notices", str(channels)]
    first, second = (CliRunner().invoke(main, words) for _ in range(2))
    assert (first.exit_code, second.exit_code, len(post.mails)) == (Exit.SOME_FAILED, Exit.WELL, 1)
    assert "not for gone@office.example" in first.output


@pytest.mark.parametrize(("password", "trusted"), [("secret", True), ("wrong", True), ("secret", False)])
def test_a_password_goes_only_to_a_server_that_proves_its_name(
    password: str, trusted: bool, tmp_path: Path, channels: Path, post: Post, monkeypatch: pytest.MonkeyPatch,
    office: Office, text: Callable[..., Text],
) -> None:  # fmt: skip
    login = 'tls = "starttls"\nuser = "gongkai"\npassword_env = "POST"'
    channels.write_text(channels.read_text(encoding="utf-8").replace('tls = "none"', login), "utf-8")
    monkeypatch.setenv("POST", password)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(post.root))
    visit(tmp_path / "a.sqlite", office, text, day=1, found="well 2021")
    said = notices.tell(tmp_path / "a.sqlite", notices.load(channels), at="2026-03-01T09:00:00.000Z")["mail"]
    assert len(post.mails) == (password == "secret" and trusted)  # noqa: S105
    assert (said is None) == bool(post.mails)
    assert password not in (said or "")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [(LockedError("locked"), Exit.LOCKED, 0), (ArchiveError("the disk is full"), Exit.MISUSE, 1)],
)
def test_a_crawl_that_failed_is_told_of_and_one_that_was_locked_out_is_not(
    error: ArchiveError, code: Exit, told: int, tmp_path: Path, channels: Path, post: Post,
    office: Office, text: Callable[..., Text], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    archive, metrics = tmp_path / "a.sqlite", tmp_path / "a.prom"

    def crawl(*_: Any, **__: Any) -> None:
        visit(archive, office, text, day=1, found="killed 2021")
        raise error

    monkeypatch.setattr("crawler.cli.crawl.run_crawl", crawl)
    words = ["crawl", "--archive", archive, "--notices", channels, "--metrics", metrics]
    done = CliRunner().invoke(main, [*map(str, words)])
    assert (done.exit_code, len(post.mails), metrics.exists()) == (code, told, bool(told)), done.output
    assert [mail["Subject"] for mail in post.mails] == ["[gongkai] a run was cut off"] * told


@pytest.mark.parametrize(
    ("answers", "asked"), [([], 1), ([500, 429], 3), ([500] * 9, 3), ([302], 1), ([404], 1)], ids=str
)
def test_a_webhook_is_tried_again_where_that_may_help(
    answers: list[int], asked: int, tmp_path: Path, channels: Path, hook: Any, office: Office, text: Callable[..., Text]
) -> None:
    hook.answers[:] = answers
    visit(tmp_path / "a.sqlite", office, text, day=1, found="well 2021")
    said = notices.tell(tmp_path / "a.sqlite", notices.load(channels), at="2026-03-01T09:00:00.000Z")
    assert len(hook.asked) == asked
    assert (said["webhook"] is None) == (len(answers) < asked)
    assert {headers["Authorization"] for headers, _ in hook.asked} == {"Bearer secret"}
    assert len({headers["Idempotency-Key"] for headers, _ in hook.asked}) == 1
    assert hook.asked[0][1]["news"][0]["first"][0]["year"] == 2021


def test_a_thousand_reports_are_summed_up() -> None:
    row = {"agency": "云岫县财政局", "year": 2021, "title": "年报", "url": "javascript:alert(1)"}
    news = Group(kind="found", count=1000, first=[row] * 20)
    notice = Notice(archive="a", origin="o", until="r", at="2026-03-01T09:00:00.000Z", news=(news,))
    assert notice.subject == "[gongkai] 1000 new"
    assert notice.text().count("年报") == 20
    assert "and 980 more" in notice.text()
    assert "and 980 more" in notice.html()
    assert "javascript" not in notice.html()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("", "names no channel"),
        ("[post]", "no such channel; known are mail, webhook, feed"),
        ("[feed]\nfile = 'a'", "lacks link"),
        ("[feed]\nfile = 'a'\nlink = 'b'\nlonk = 1", "lonk: no such key; known are file, link"),
        ("[feed]\nfile = 7\nlink = 'b'", "file: got 7"),
        ("[webhook]\nurl = 'file:///etc/passwd'", "url: got"),
        ("[webhook]\nurl = 'http://a.example'\nheader = 'X'\nheader_env = 'NOT_THERE'", "NOT_THERE"),
        ("[mail]\nhost = 'a'\nfrom = 'a'\nto = ['b@c.example']", "expected an address"),
        ('[mail]\nhost = "a"\nfrom = "a@b.example\\nBcc: d@e.example"\nto = ["b@c.example"]', "expected an address"),
        ("[mail]\nhost = 'a'\nfrom = 'a@b.example'\nto = ['b@c.example']\nuser = 'u'\nport = 25", "password_env"),
        ("[mail]\nhost = 'a'\nfrom = 'a@b.example'\nto = ['b@c.example']\nuser = 'u'\ntls = 'none'", "set tls"),
    ],
)  # fmt: skip
def test_settings_that_are_wrong_are_named_before_anything_runs(settings: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_text(settings, encoding="utf-8")
    with pytest.raises(notices.SettingsError, match=said):
        notices.load(file)
    done = CliRunner().invoke(main, ["crawl", "--archive", str(tmp_path / "a"), "--notices", str(file)])
    assert done.exit_code == Exit.MISUSE
    assert not (tmp_path / "a").exists()


def test_signs_that_steer_a_screen_are_left_out() -> None:
    assert plain("a\x00b\u202ec\x1b[31m\r\nd") == "abc[31m d"
