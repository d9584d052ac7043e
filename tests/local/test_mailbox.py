"""This machine's mailbox: what is mailed is kept, shown in a sandbox, and goes nowhere."""

import html
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultra.adapters.smtp import SmtpMailer
from vaultra.config import MailSettings
from vaultra.ports import Mail
from vaultra_local import mailbox as mailboxes
from vaultra_local.gateway import Gateway
from vaultra_local.mailbox import Mailbox
from vaultra_local.mailbox_pages import mailbox_pages
from vaultra_local.ports import answers, free_port
from vaultra_local.site import Site

LINK = "https://site.test/auth/reset/#token=abc"
PAGE = f'<!doctype html><html><head><title>x</title></head><body><a href="{LINK}">Go & see</a></body></html>'
# What a mail may try on whoever looks at it.
ATTACKS = {
    "script": "<script>alert(1)</script>",
    "image": '<img src="https://evil.example/x" onerror="alert(1)">',
    "end of the frame": "'\"></iframe><script>alert(1)</script>",
    "end of the page": "</body></html><h1>Evil</h1>",
}


@dataclass
class Running:
    """The mailbox's process."""

    process: "subprocess.Popen[bytes]"
    port: int
    folder: Path

    def send(self, mail: Mail) -> None:
        settings = MailSettings(smtp_url=f"smtp://127.0.0.1:{self.port}", mail_from="Vaultra <hello@vaultra.test>")
        SmtpMailer(settings).send(mail)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    port, folder = free_port(), tmp_path / "state" / "mails"
    command = [sys.executable, "-m", "vaultra_local.mailbox", "--port", str(port), "--folder", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    end = time.monotonic() + 20
    while not answers(port):
        assert time.monotonic() < end
        time.sleep(0.05)
    yield Running(process, port, folder)
    process.kill()
    process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mails"


@pytest.fixture
def client(folder: Path, tmp_path: Path) -> TestClient:
    return browser(folder, tmp_path)


def browser(folder: Path, site: Path) -> TestClient:
    """A client of a gateway with this mailbox."""
    return TestClient(Gateway({}, Site(site), mailbox_pages(Mailbox(folder))), follow_redirects=False)


def raw(subject: str = "A subject", page: str = PAGE, text: str = "Go & see") -> bytes:
    return (
        f"From: Vaultra <hello@vaultra.test>\r\nTo: ana@example.com\r\nSubject: {subject}\r\n"
        "Date: Fri, 20 Nov 2026 12:00:00 GMT\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{page}\r\n--b--\r\n"
    ).encode()


def open_first(client: TestClient) -> str:
    """The page of the newest mail."""
    found = re.search(r'<li><a href="(/mailbox/[^"]+/)">', client.get("/mailbox/").text)
    assert found is not None
    answer = client.get(found[1])
    assert answer.status_code == 200
    return answer.text


def framed(page: str) -> str:
    """What the mail's frame shows."""
    found = re.search(r'<iframe title="The mail" sandbox="([^"]*)" srcdoc="([^"]*)"></iframe>', page)
    assert found is not None
    assert found[1] == "allow-popups allow-popups-to-escape-sandbox"
    return html.unescape(found[2])


# --- the whole way -------------------------------------------------------------------------


def test_what_the_product_mails_is_in_the_mailbox(running: Running, tmp_path: Path) -> None:
    running.send(Mail("1", "ana@example.com", "Grüße", "Hello Ä", PAGE))
    running.send(Mail("2", "bo@example.com", "Second", "Hello", PAGE))
    client = browser(running.folder, tmp_path)
    listed = client.get("/mailbox/").text
    assert re.findall(r'<li><a href="/mailbox/[^"]+/">([^<]*)</a><small>to ([^ ]*)', listed) == [
        ("Second", "bo@example.com"),
        ("Grüße", "ana@example.com"),
    ]
    page = open_first(client)
    assert "<h1>Second</h1>" in page
    assert f'href="{LINK}"' in framed(page)
    assert "One click ends it at" not in page
    stop = f"https://api.test/api/v1/users/unsubscribe?token={'a1' * 33}"
    running.send(Mail("3", "bo@example.com", "Third", "Hello", PAGE, unsubscribe_url=stop))
    assert f"<dt>One click ends it at</dt><dd>{stop}</dd>" in open_first(client)
    assert running.folder.stat().st_mode & 0o777 == 0o700


def test_nothing_leaves_the_machine(running: Running) -> None:
    with smtplib.SMTP("127.0.0.1", running.port) as connection:
        connection.sendmail("a@example.com", ["b@example.com", "c@elsewhere.example"], raw())
    assert [file.suffix for file in running.folder.iterdir()] == [".eml"]


def test_it_ends_quickly_and_quietly(running: Running) -> None:
    running.process.send_signal(signal.SIGTERM)
    _, complaints = running.process.communicate(timeout=5)
    assert (running.process.returncode, complaints) == (0, b"")


# --- keeping -------------------------------------------------------------------------------


def test_the_newest_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "KEPT", 3)
    mailbox = Mailbox(folder)
    for number in range(5):
        mailbox.keep(raw(f"Mail {number}"))
    assert [mail.header("Subject") for mail in mailbox.list_mails()] == ["Mail 4", "Mail 3", "Mail 2"]
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("mail_id", ["", "..", "../secret", "20261120T120000000000-0a1b2c3d", "x" * 200])
def test_a_mail_that_is_not_there_is_none(folder: Path, mail_id: str) -> None:
    mailbox = Mailbox(folder)
    mailbox.keep(raw())
    (folder / ".." / "secret.eml").write_bytes(raw())
    assert mailbox.find_mail(mail_id) is None


# --- the pages -----------------------------------------------------------------------------


def test_an_empty_mailbox_says_how_mail_gets_there(client: TestClient) -> None:
    answer = client.get("/mailbox/")
    assert answer.status_code == 200
    assert "No mail yet" in answer.text
    assert "This is a mailbox of this machine: nothing left it." in answer.text


def test_a_mail_is_shown_with_its_head_its_page_and_its_text(folder: Path, client: TestClient) -> None:
    Mailbox(folder).keep(raw())
    page = open_first(client)
    for words in (
        "A subject",
        "ana@example.com",
        "Vaultra &lt;hello@vaultra.test&gt;",
        "20 November 2026, 12:00:00 UTC",
    ):
        assert words in page
    assert "<pre>Go &amp; see" in page
    assert framed(page).rstrip() == PAGE.replace("<head>", '<head><base target="_blank">')


def test_a_mail_of_text_alone_has_no_frame(folder: Path, client: TestClient) -> None:
    Mailbox(folder).keep(b"Subject: Plain\r\n\r\nOnly <text>\r\n")
    page = open_first(client)
    assert "<pre>Only &lt;text&gt;" in page
    assert "<iframe" not in page
    assert "at an unknown time" in page


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_mail_changes_nothing_outside_its_frame(folder: Path, client: TestClient, attack: str) -> None:
    Mailbox(folder).keep(raw(subject=attack, page=attack, text=attack))
    for page in (client.get("/mailbox/").text, open_first(client)):
        outside = re.sub(r'srcdoc="[^"]*"', "", page)
        assert attack not in outside
        assert "<script" not in outside
        assert "<img" not in outside
        assert page.count("</body>") == page.count("</main>") == 1


def test_no_page_runs_or_fetches_anything(folder: Path, client: TestClient) -> None:
    Mailbox(folder).keep(raw())
    for path in ("/mailbox/", "/mailbox/nothing/"):
        headers = client.get(path).headers
        policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "style-src": "'unsafe-inline'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


def test_a_mail_that_is_gone_says_so(client: TestClient) -> None:
    answer = client.get("/mailbox/20261120T120000000000-0a1b2c3d/")
    assert answer.status_code == 404
    assert "There is no such mail" in answer.text


def test_without_a_mailbox_there_is_no_such_page(folder: Path, tmp_path: Path) -> None:
    client = TestClient(Gateway({}, Site(tmp_path)))
    assert [client.get(path).status_code for path in ("/mailbox", "/mailbox/")] == [404, 404]


def test_the_gateway_leaves_other_paths_alone(folder: Path, tmp_path: Path) -> None:
    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError

    mailbox: ASGIApp = never
    client = TestClient(Gateway({}, Site(tmp_path), mailbox))
    for path in ("/", "/mailboxes", "/api/mailbox", "/api/v1/mailbox/"):
        assert client.get(path).status_code == 404


def test_the_folders_name_redirects_to_the_list(client: TestClient) -> None:
    answer = client.get("/mailbox")
    assert answer.status_code in (307, 308)
    assert answer.headers["location"].endswith("/mailbox/")
