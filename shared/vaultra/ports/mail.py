"""Mail servers."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Mail:
    """A mail as it leaves. `id` stays the same when it is sent again, so that a provider can tell.

    `unsubscribe_url` is where one click ends such mails; None for mails somebody asked for.
    """

    id: str
    recipient: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str | None = None


class Mailer(Protocol):
    """Hands mails to a mail server."""

    def send(self, mail: Mail) -> None:
        """Return once the server has taken the mail.

        Raises:
            Unavailable: it can't be taken now.
            InvalidInput: it never will: the server refuses the recipient or the content for good.
        """
