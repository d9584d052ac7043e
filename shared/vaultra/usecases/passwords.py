"""Choosing a new password through a mailed link."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import identities, passwords
from vaultra.usecases import mailing, resets, sessions


def reset(conn: Connection, *, token: str, password_hash: str, address: str, now: dt.datetime) -> UUID:
    """Give the link's user a new password, and lock everybody out who came in with the old one.

    The user's sessions, personal access tokens and other links end; their mailbox is proved, and whoever could
    sign in through Google before it was proved no longer can. An account that had no password, because its user
    signs in with Google, has one from now on.

    Args:
        address: From where the link was used; it is familiar from now on, so that strangers who try passwords
            can't keep the user out.

    Returns:
        The notice to announce on `mailing.TOPIC`.

    Raises:
        InvalidInput: the link is not good, or no longer; of several uses at once, one succeeds.
    """
    user_id = resets.take(conn, token, now)
    email, first_proof = passwords.set_password(conn, user_id, password_hash, now)
    if first_proof:
        identities.delete_identities(conn, user_id)
    sessions.end_all(conn, user_id)
    sessions.know_address(conn, user_id, address, now)
    passwords.delete_access_tokens(conn, user_id)
    notice = mailing.request(
        conn,
        kind="password_changed",
        recipient=email,
        user_id=user_id,
        facts={"changed_at": now.isoformat()},
        now=now,
    )
    assert notice is not None, "without a dedupe_key there is always a mail"
    return notice
