"""The mailbox of this machine: an SMTP server that keeps every mail in a folder and sends none on."""

import argparse
import asyncio
import re
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from vaultra.services import utc_now

KEPT = 500
LARGEST_MAIL_BYTES = 10_000_000
# Ids sort by the time of arrival.
ID = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{8}")


@dataclass(frozen=True)
class StoredMail:
    """A mail by its id, with its headers; its content too when it was opened."""

    id: str
    message: EmailMessage

    def header(self, name: str) -> str:
        """A header as people read it; empty when there is none."""
        return str(self.message.get(name, ""))

    def part(self, kind: str) -> str:
        """The content as `plain` or `html` text; empty when it has none such."""
        part = self.message.get_body(preferencelist=(kind,))
        return "" if part is None else str(part.get_content())


class Mailbox:
    """A folder of mails, one `.eml` file each; the newest 500 are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, content: bytes) -> None:
        """Add a mail."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{utc_now():%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}"
        partial = self._folder / f"{name}.new"
        partial.write_bytes(content)
        partial.rename(self._folder / f"{name}.eml")
        for mail_id in self._ids()[KEPT:]:
            self._file(mail_id).unlink(missing_ok=True)

    def list_mails(self) -> Iterator[StoredMail]:
        """The mails with their headers, newest first."""
        parser = BytesHeaderParser(policy=default)
        for mail_id in self._ids():
            with self._file(mail_id).open("rb") as file:
                yield StoredMail(mail_id, parser.parse(file))

    def find_mail(self, mail_id: str) -> StoredMail | None:
        """The mail with this id."""
        if ID.fullmatch(mail_id) is None or not self._file(mail_id).exists():
            return None
        return StoredMail(mail_id, message_from_bytes(self._file(mail_id).read_bytes(), policy=default))

    def _ids(self) -> list[str]:
        return sorted((file.stem for file in self._folder.glob("*.eml")), reverse=True)

    def _file(self, mail_id: str) -> Path:
        return self._folder / f"{mail_id}.eml"


class Postman:
    """aiosmtpd's handler: whatever comes is kept."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes), "decode_data is off"
        self._mailbox.keep(content)
        return "250 Kept on this machine"


async def serve(mailbox: Mailbox, port: int) -> None:
    """Take mails on 127.0.0.1 until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def protocol() -> Any:
        return SMTP(Postman(mailbox), hostname="localhost", data_size_limit=LARGEST_MAIL_BYTES, loop=loop)

    server = await loop.create_server(protocol, "127.0.0.1", port)
    async with server:
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the mails are kept")
    options = parser.parse_args()
    asyncio.run(serve(Mailbox(options.folder), options.port))


if __name__ == "__main__":
    main()
