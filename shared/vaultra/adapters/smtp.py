"""Mail through SMTP, whatever the provider."""

import ipaddress
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import formatdate, parseaddr
from urllib.parse import unquote, urlsplit

from vaultra.config import MailSettings
from vaultra.errors import InvalidInput, Unavailable
from vaultra.ports import Mail

TIMEOUT_SECONDS = 20
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}


class _Unbroken(UnstructuredHeader, BaseHeader):
    """A header on one line however long: folded, an address would be encoded, and no mail program would know it."""

    def fold(self, *, policy: Policy) -> str:
        """The line as it leaves; RFC 5322 allows it 998 characters."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Unbroken)
POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True)
class _Server:
    """Where to hand mails in. `user` is empty when the server asks for none."""

    scheme: str
    host: str
    port: int
    user: str
    password: str


class SmtpMailer:
    """A `Mailer` over one SMTP server; opens a connection per mail.

    Certificates are checked against the system's authorities, or against those in SSL_CERT_FILE.
    """

    def __init__(self, settings: MailSettings) -> None:
        """Raise `Unavailable` when the settings name no server or no sender."""
        self._server = _server(settings.smtp_url.get_secret_value())
        self._sender = settings.mail_from
        self._sender_address = parseaddr(settings.mail_from)[1]
        self._domain = self._sender_address.partition("@")[2]
        if not self._domain:
            raise Unavailable("MAIL_FROM is not an address")

    def send(self, mail: Mail) -> None:
        """Return once the server has taken the mail; see `Mailer`.

        A server that refuses us, our password or our sender may take the mail once that is put right.
        """
        message = self._message(mail)
        try:
            connection = self._connect()
            try:
                connection.sendmail(self._sender_address, [mail.recipient], message)
            finally:
                # What was taken is taken, whatever happens to the farewell.
                with suppress(smtplib.SMTPException, OSError):
                    connection.quit()
        except smtplib.SMTPRecipientsRefused as error:
            [(code, _)] = error.recipients.values()
            raise _failure(code) from None
        except smtplib.SMTPDataError as error:
            raise _failure(error.smtp_code) from None
        except (smtplib.SMTPException, OSError) as error:
            # The server's own words may quote addresses.
            raise Unavailable(f"The mail server does not take mails now ({type(error).__name__})") from None

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        # Our own domain introduces us: the machine's name would need a look-up, and is nobody's business.
        if server.scheme == "smtps":
            context = ssl.create_default_context()
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, self._domain, timeout=TIMEOUT_SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, self._domain, timeout=TIMEOUT_SECONDS)
        try:
            if server.scheme == "smtp" and not _is_loopback(server.host):
                connection.starttls(context=ssl.create_default_context())
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _message(self, mail: Mail) -> bytes:
        message = EmailMessage(policy=POLICY)
        try:
            mail.recipient.encode("ascii")  # few servers take other addresses, and smtplib none without more ado
            message["From"] = self._sender
            message["To"] = mail.recipient
            message["Subject"] = mail.subject
            message["Date"] = formatdate(usegmt=True)
            message["Message-ID"] = f"<{mail.id}@{self._domain}>"
            message["Auto-Submitted"] = "auto-generated"
            if mail.unsubscribe_url is not None:
                message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
            message.set_content(mail.text)
            message.add_alternative(mail.html, subtype="html")
            return message.as_bytes()
        except (ValueError, MessageError) as error:
            # A line break in a header, or text that is none: the error's words quote it.
            raise InvalidInput(f"This can't be a mail ({type(error).__name__})") from None


def _server(url: str) -> _Server:
    unusable = Unavailable("SMTP_URL is not smtp://… or smtps://…")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise unusable from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise unusable
    return _Server(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _failure(code: int) -> InvalidInput | Unavailable:
    if 500 <= code < 600:
        return InvalidInput(f"The mail server refuses it for good ({code})")
    return Unavailable(f"The mail server does not take it now ({code})")
