"""Giving a person everything that is held about them."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import export, personal_tokens
from vaultra.domain.export import Held
from vaultra.errors import Unauthorized
from vaultra.usecases import accounts, notifications


def gather(conn: Connection, user_id: UUID, now: dt.datetime) -> Held:
    """Everything held about the user; raise `Unauthorized` when the account is gone."""
    user = accounts.get_user(conn, user_id)
    facts = export.find_sign_in_facts(conn, user_id)
    if facts is None:
        raise Unauthorized("This account no longer exists.")
    verified_at, has_password = facts
    return Held(
        user=user,
        email_verified_at=verified_at,
        has_password=has_password,
        preferences=notifications.get_preferences(conn, user_id),
        identities=export.list_identities(conn, user_id),
        sessions=export.list_sessions(conn, user_id),
        businesses=export.list_businesses(conn, user_id),
        tokens=personal_tokens.list_tokens(conn, user_id, now),
        conversations=export.list_conversations(conn, user_id),
        invitations_sent=export.list_invitations_sent(conn, user_id),
        invitations_received=export.list_invitations_received(conn, user.email),
        mails=export.list_mails(conn, user_id, user.email),
    )
