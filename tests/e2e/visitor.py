"""A person with a browser of their own and a mailbox: what they do, what they see, and what their browser remembers."""

import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.smtp import Envelope
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.e2e.product import wait_until

TOKEN_LINK = re.compile(r"http://\S+/#token=(\S+)")


@dataclass
class Letters:
    """aiosmtpd's handler: keeps every mail that arrives."""

    arrived: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.arrived.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def wait_for(self, recipient: str, subject: str) -> EmailMessage:
        """The mail to this address about this."""

        def found() -> list[EmailMessage]:
            return [mail for mail in self.arrived if mail["To"] == recipient and subject in mail["Subject"]]

        seconds = wait_until(lambda: bool(found()), 20, f"a mail about “{subject}”")
        print(f"\nthe mail about “{subject}” came after {seconds:.2f} s")
        return found()[-1]

    def link(self, recipient: str, subject: str) -> tuple[str, str]:
        """The link in that mail, and the token it carries."""
        body = self.wait_for(recipient, subject).get_body(("plain",))
        assert body is not None
        link = TOKEN_LINK.search(body.get_content())
        assert link is not None, body.get_content()
        return link[0], link[1]


class Visitor:
    """A new browser with a profile of its own, and what it sent and complained of."""

    def __init__(self, context: BrowserContext, profile: Path, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.complaints: list[str] = []
        self._context = context
        self._profile = profile
        self._sent: list[str] = []
        self._tokens: set[str] = set()
        self._tools = context.new_cdp_session(self.page)
        context.on("request", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.type, message.text))

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.url + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).click()

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.page.locator(f"#{name}").fill(value)

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text)).to_be_visible()

    def stay_signed_in(self, client: httpx.Client) -> None:
        """As who signed in here earlier."""
        self.page.evaluate("token => localStorage.setItem('vaultra_token', token)", token_of(client))

    def token(self) -> str:
        """The session's token; empty when nobody is signed in here."""
        token = str(self.page.evaluate("localStorage.getItem('vaultra_token') ?? ''"))
        self._tokens |= {token} - {""}
        return token

    def traces_of(self, text: str) -> list[str]:
        """Every address with this text in it: sent to a server, kept in this tab's history, or shown."""
        assert text
        history = self._tools.send("Page.getNavigationHistory")["entries"]
        kept = [entry["url"] for entry in history]
        shown = [self.page.url, str(self.page.evaluate("location.href + document.referrer"))]
        return [address for address in [*self._sent, *kept, *shown] if text in address]

    def leave(self) -> list[str]:
        """Close the browser; the tokens of its sessions that are in the history that it keeps on disk."""
        self.token()
        self._context.close()
        history = (self._profile / "Default/History").read_bytes()
        assert self.url.encode() in history
        return [token for token in self._tokens if token.rpartition(".")[2].encode() in history]

    def _note(self, request: Request) -> None:
        # What follows the `#` stays in the browser.
        self._sent += [request.url.partition("#")[0], request.headers.get("referer", "")]

    def _hear(self, kind: str, text: str) -> None:
        # The browser also writes there what the API refuses.
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)


def token_of(client: httpx.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")
