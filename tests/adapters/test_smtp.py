"""Sending mail to a real SMTP server: how it is secured, what arrives, and what a refusal means."""

import datetime as dt
import email
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vaultra.adapters.smtp import SmtpMailer
from vaultra.config import MailSettings
from vaultra.domain.mails import MAILS
from vaultra.errors import InvalidInput, Unavailable
from vaultra.ports import Mail
from vaultra.services import utc_now

# The server of the tests takes a password in clear; whether the mailer sends it so is what they ask.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

# An address of this machine that does not look like one, so that it is treated as the internet.
ELSEWHERE = "127.1"
USER, PASSWORD = "mailer@vaultra", "p@ss:w/rd%"
MAIL = Mail("7f9c", "ana@example.com", "Grüße", "Hello\n\nÄ", "<p>Hello</p><p>Ä</p>")


@dataclass
class Received:
    """aiosmtpd's handler: keeps what comes; a command named in `refusals` is answered so instead."""

    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    hangs_up: bool = False

    async def handle_MAIL(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if "MAIL" not in self.refusals:
            envelope.mail_from = address
        return self.refusals.get("MAIL", "250 OK")

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if "RCPT" not in self.refusals:
            envelope.rcpt_tos.append(address)
        return self.refusals.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, _session: Any, envelope: Envelope) -> str:
        if "DATA" not in self.refusals:
            self.envelopes.append(envelope)
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.refusals.get("DATA", "250 OK")

    async def handle_QUIT(self, server: Any, _session: Any, _envelope: Envelope) -> str:
        if self.hangs_up:
            server.transport.abort()
        return "221 Bye"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    def messages(self) -> list[EmailMessage]:
        return [
            email.message_from_bytes(envelope.content, policy=default)
            for envelope in self.envelopes
            if isinstance(envelope.content, bytes)
        ]


class FreePort(Controller):
    """aiosmtpd's server on a port the system chooses; its own check that it runs wants to know which."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()


Start = Callable[..., tuple[Received, int]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a server on a free port with aiosmtpd's options; its handler and its port."""
    running: list[Controller] = []

    def begin(**options: Any) -> tuple[Received, int]:
        handler = Received()
        if options.pop("login", False):
            options |= {"authenticator": handler.authenticate, "auth_required": True, "auth_require_tls": False}
        controller = FreePort(handler, hostname="127.0.0.1", port=0, **options)
        controller.start()
        running.append(controller)
        return handler, controller.port

    yield begin
    for controller in running:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine, with its key, that only who is told so trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail server of the tests")])
    names: list[x509.GeneralName] = [x509.DNSName(ELSEWHERE), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    day = dt.timedelta(days=1)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(utc_now() - day)
        .not_valid_after(utc_now() + day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mailer trusts the tests' certificate, as an operator would tell it to."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def mailer(url: str, mail_from: str = "Vaultra <hello@vaultra.test>") -> SmtpMailer:
    return SmtpMailer(MailSettings(smtp_url=url, mail_from=mail_from))


# --- what arrives --------------------------------------------------------------------------


def test_a_mail_arrives_whole_in_both_forms(start: Start) -> None:
    received, port = start()
    before = utc_now().replace(microsecond=0)
    mailer(f"smtp://127.0.0.1:{port}").send(MAIL)
    [envelope], [message] = received.envelopes, received.messages()
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hello@vaultra.test", ["ana@example.com"])
    assert dict(message.items()).keys() == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    assert (message["From"], message["To"]) == ("Vaultra <hello@vaultra.test>", "ana@example.com")
    assert message["Subject"] == "Grüße"
    assert message["Message-ID"] == "<7f9c@vaultra.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert before <= parsedate_to_datetime(message["Date"]) <= utc_now()
    assert message.get_content_type() == "multipart/alternative"
    contents = [(part.get_content_type(), part.get_content().splitlines()) for part in message.iter_parts()]
    assert contents == [("text/plain", MAIL.text.splitlines()), ("text/html", MAIL.html.splitlines())]


def test_sent_again_it_has_the_same_message_id(start: Start) -> None:
    received, port = start()
    for _ in range(2):
        mailer(f"smtp://127.0.0.1:{port}").send(MAIL)
    assert [message["Message-ID"] for message in received.messages()] == ["<7f9c@vaultra.test>"] * 2


def test_one_click_ends_mails_nobody_asked_for(start: Start) -> None:
    received, port = start()
    url = f"https://api.a-domain-of-some-length.example/api/v1/users/unsubscribe?token={'a1_-' * 17}"
    mailer(f"smtp://127.0.0.1:{port}").send(Mail("1", "ana@example.com", "Digest", "t", "h", unsubscribe_url=url))
    [message], [envelope] = received.messages(), received.envelopes
    assert message["List-Unsubscribe"] == f"<{url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert isinstance(envelope.content, bytes)
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in envelope.content, "mail programs decode nothing here"


def test_a_long_id_stays_whole(start: Start) -> None:
    received, port = start()
    mailer(f"smtp://127.0.0.1:{port}").send(replace(MAIL, id="0190c8a4-" * 20))
    [envelope] = received.envelopes
    assert isinstance(envelope.content, bytes)
    assert f"\r\nMessage-ID: <{'0190c8a4-' * 20}@vaultra.test>\r\n".encode() in envelope.content


def test_lines_of_any_length_and_lone_dots_arrive(start: Start) -> None:
    received, port = start()
    text = f"https://site.test/#token={'a' * 3000}\n.\n..\n.leading\nFrom here\n"
    mailer(f"smtp://127.0.0.1:{port}").send(Mail("1", "ana@example.com", "Subject", text, "<p></p>"))
    [message] = received.messages()
    part = message.get_body(("plain",))
    assert part is not None
    assert part.get_content().splitlines() == text.splitlines()


BROKEN_SUBJECTS = ["Shop\r\nBcc: evil@example.com", "Shop\nBcc: evil@example.com", "Shop\rBcc: evil@example.com"]


@pytest.mark.parametrize("text", BROKEN_SUBJECTS, ids=["crlf", "lf", "cr"])
@pytest.mark.parametrize("header", ["subject", "recipient", "id", "unsubscribe_url"])
def test_a_line_break_in_a_header_is_no_mail(start: Start, header: str, text: str) -> None:
    received, port = start()
    fields = {"id": "1", "recipient": "ana@example.com", "subject": "s", "text": "t", "html": "h"} | {header: text}
    with pytest.raises(InvalidInput) as raised:
        mailer(f"smtp://127.0.0.1:{port}").send(Mail(**fields))
    assert "evil" not in raised.value.message
    assert received.envelopes == []


@pytest.mark.parametrize("recipient", ["änna@example.com", "a\ud800@example.com"], ids=["umlaut", "surrogate"])
def test_an_address_no_server_takes_is_no_mail(start: Start, recipient: str) -> None:
    received, port = start()
    with pytest.raises(InvalidInput):
        mailer(f"smtp://127.0.0.1:{port}").send(Mail("1", recipient, "s", "t", "h"))
    assert received.envelopes == []


def test_row_b10_no_business_name_adds_a_header(start: Start) -> None:
    received, port = start()
    marks = [
        "\r\n",
        "\n",
        "\r",
        "\u2028",
        "\u2029",
        "\u0085",
        "\u000b",
        "\u000c",
        "\u0000",
        "%0d%0a",
        "=0D=0A",
        "\\r\\n",
    ]
    tails = ["Bcc: evil@example.com", "Subject: Evil", "\r\n<h1>Evil</h1>", "Content-Type: text/html", ".\r\nQUIT"]
    names = [f"Shop{mark}{tail}" for mark in marks for tail in tails] + [f"=?utf-8?q?{tail}?=" for tail in tails]
    facts = {"link": "https://site.test/#token=x", "email": "bo@example.com", "role": "viewer", "expires_at": utc_now()}
    sender = mailer(f"smtp://127.0.0.1:{port}")
    for name in ["Shop", *names]:
        letter = MAILS["invitation"](facts | {"business_name": name, "inviter_name": name})
        sender.send(Mail("1", "bo@example.com", letter.subject, letter.text, letter.html))
    plain, *others = received.messages()
    assert len(others) == len(names)
    for name, message in zip(names, others, strict=True):
        assert message.keys() == plain.keys(), name
        assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]
    assert {tuple(envelope.rcpt_tos) for envelope in received.envelopes} == {("bo@example.com",)}
    print(f"\nB10: {len(names)} business names, 0 extra headers")


# --- security ------------------------------------------------------------------------------


def test_on_this_machine_it_goes_in_clear(start: Start) -> None:
    received, port = start()
    for host in ("127.0.0.1", "localhost"):
        mailer(f"smtp://{host}:{port}").send(MAIL)
    assert received.encrypted == [False, False]


@pytest.mark.usefixtures("trusted")
def test_elsewhere_it_goes_through_starttls(start: Start, tls: ssl.SSLContext) -> None:
    received, port = start(tls_context=tls)
    mailer(f"smtp://{ELSEWHERE}:{port}").send(MAIL)
    assert received.encrypted == [True]


def test_elsewhere_a_server_without_starttls_gets_nothing(start: Start) -> None:
    received, port = start(login=True)
    with pytest.raises(Unavailable, match="SMTPNotSupportedError"):
        mailer(f"smtp://mailer:secret@{ELSEWHERE}:{port}").send(MAIL)
    assert (received.envelopes, received.users) == ([], [])


@pytest.mark.usefixtures("trusted")
def test_smtps_is_encrypted_from_the_first_byte(start: Start, tls: ssl.SSLContext) -> None:
    received, port = start(ssl_context=tls)
    mailer(f"smtps://127.0.0.1:{port}").send(MAIL)
    assert received.encrypted == [True]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_nobody_vouches_for_gets_nothing(start: Start, tls: ssl.SSLContext, scheme: str) -> None:
    received, port = start(**{"tls_context" if scheme == "smtp" else "ssl_context": tls})
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        mailer(f"{scheme}://{ELSEWHERE}:{port}").send(MAIL)
    assert received.envelopes == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_gets_nothing(start: Start, tls: ssl.SSLContext) -> None:
    received, port = start(ssl_context=tls)
    with pytest.raises(Unavailable, match="SSLCertVerificationError"):
        mailer(f"smtps://localhost:{port}").send(MAIL)
    assert received.envelopes == []


def test_user_and_password_are_percent_decoded(start: Start) -> None:
    received, port = start(login=True)
    mailer(f"smtp://mailer%40vaultra:p%40ss%3Aw%2Frd%25@127.0.0.1:{port}").send(MAIL)
    assert received.users == [USER]
    assert len(received.envelopes) == 1


# --- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_final_refusal_says_so_without_naming_anybody(start: Start, command: str) -> None:
    received, port = start()
    received.refusals[command] = "550 ana@example.com is unknown here"
    with pytest.raises(InvalidInput, match=r"for good \(550\)") as raised:
        mailer(f"smtp://127.0.0.1:{port}").send(MAIL)
    assert "ana" not in raised.value.message


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RCPT", "450 ana@example.com: come back later"),
        ("RCPT", "421 ana@example.com: closing"),
        ("DATA", "451 local error"),
        ("MAIL", "451 not now"),
        # A refusal of us, not of this mail: it can go once that is put right.
        ("MAIL", "550 hello@vaultra.test may not send"),
    ],
)
def test_a_passing_refusal_is_tried_again(start: Start, command: str, answer: str) -> None:
    received, port = start()
    received.refusals[command] = answer
    with pytest.raises(Unavailable) as raised:
        mailer(f"smtp://127.0.0.1:{port}").send(MAIL)
    assert "@" not in raised.value.message
    assert "@" not in str(raised.value.__cause__)
    assert raised.value.retry


def test_a_wrong_password_is_ours_to_put_right(start: Start) -> None:
    received, port = start(login=True)
    with pytest.raises(Unavailable, match="SMTPAuthenticationError"):
        mailer(f"smtp://mailer%40vaultra:wrong@127.0.0.1:{port}").send(MAIL)
    assert received.envelopes == []


def test_a_mail_that_was_taken_is_sent_whatever_the_farewell(start: Start) -> None:
    received, port = start()
    received.hangs_up = True
    mailer(f"smtp://127.0.0.1:{port}").send(MAIL)
    assert len(received.envelopes) == 1


def test_nobody_there_is_tried_again() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="ConnectionRefusedError"):
            mailer(f"smtp://127.0.0.1:{closed.getsockname()[1]}").send(MAIL)


@pytest.mark.parametrize(
    "url", ["", "mail.example.com", "http://h", "smtp://", "smtp://h:99999", "smtp://h:x", "smtp://[h"]
)
def test_settings_that_name_no_server_are_told_without_the_password(url: str) -> None:
    with pytest.raises(Unavailable, match="SMTP_URL is not"):
        mailer(url)
    with pytest.raises(Unavailable, match="SMTP_URL is not") as raised:
        mailer("ftp://user:secret@host")
    assert "secret" not in raised.value.message


def test_settings_without_a_sender_are_told() -> None:
    with pytest.raises(Unavailable, match="MAIL_FROM"):
        mailer("smtp://127.0.0.1:25", mail_from="Vaultra")
