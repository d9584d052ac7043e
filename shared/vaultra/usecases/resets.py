"""The mailed links to choose a new password: written, looked at, used up."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import passwords
from vaultra.domain.secret_tokens import hash_token, new_token
from vaultra.errors import InvalidInput

LIFETIME = dt.timedelta(minutes=60)


class LinkExpired(InvalidInput):
    """The link never existed, is older than an hour, or was used."""


@dataclass(frozen=True)
class Reset:
    """A new link: the token in it, and the mailbox it may be sent to."""

    email: str
    token: str


def write(conn: Connection, email: str, now: dt.datetime) -> Reset | None:
    """A link for whoever has this email, in whatever case, good for an hour; None when nobody has it.

    Only the token's hash is kept. The link goes to the address of the account, never to the one typed.
    """
    found = passwords.find_mailbox(conn, email)
    if found is None:
        return None
    user_id, mailbox = found
    token = new_token()
    passwords.insert_reset(conn, hash_token(token), user_id, now + LIFETIME)
    return Reset(mailbox, token)


def check(conn: Connection, token: str, now: dt.datetime) -> None:
    """Raise `LinkExpired` unless the token may be used now; using it may still fail."""
    if passwords.find_reset_user(conn, hash_token(token), now) is None:
        raise _expired()


def take(conn: Connection, token: str, now: dt.datetime) -> UUID:
    """Use a link up, and with it all others of its user; whose it was. Of several takers one gets it.

    Raises:
        LinkExpired: it is not good, or no longer.
    """
    token_hash = hash_token(token)
    user_id = passwords.find_reset_user(conn, token_hash, now)
    # The user first, as when an account is deleted: in another order the two could wait for each other.
    if user_id is None or not passwords.lock_user(conn, user_id):
        raise _expired()
    if token_hash not in passwords.take_resets(conn, user_id, now):
        raise _expired()
    return user_id


def _expired() -> LinkExpired:
    return LinkExpired(
        "This link was used already, or is older than an hour: ask for a new one.",
        details={"field": "token", "reason": "is not good any more"},
    )
