"""SQL for choosing a new password: the mailed links, and what changes with the password."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update

from vaultra.db.models import PasswordReset, PersonalAccessToken, User


def find_mailbox(conn: Connection, email: str) -> tuple[UUID, str] | None:
    """The user with this email, in whatever case, and their email as they wrote it.

    The user can't be deleted before the transaction ends.
    """
    statement = (
        select(User.id, User.email)
        .where(func.lower(User.email) == func.lower(email))
        .with_for_update(read=True, key_share=True)
    )
    row = conn.execute(statement).one_or_none()
    return None if row is None else (row.id, row.email)


def insert_reset(conn: Connection, token_hash: str, user_id: UUID, expires_at: dt.datetime) -> None:
    """Remember a link that was written."""
    conn.execute(insert(PasswordReset).values(token_hash=token_hash, user_id=user_id, expires_at=expires_at))


def find_reset_user(conn: Connection, token_hash: str, now: dt.datetime) -> UUID | None:
    """Whose link this is; None when it is not good, or no longer."""
    statement = select(PasswordReset.user_id).where(
        PasswordReset.token_hash == token_hash, PasswordReset.expires_at > now
    )
    return conn.execute(statement).scalar_one_or_none()


def lock_user(conn: Connection, user_id: UUID) -> bool:
    """Whether the user exists; if so nobody else changes them before the transaction ends."""
    statement = select(User.id).where(User.id == user_id).with_for_update(key_share=True)
    return conn.execute(statement).one_or_none() is not None


def take_resets(conn: Connection, user_id: UUID, now: dt.datetime) -> set[str]:
    """Forget all of the user's links; the hashes of those that were still good."""
    rows = conn.execute(
        delete(PasswordReset)
        .where(PasswordReset.user_id == user_id)
        .returning(PasswordReset.token_hash, PasswordReset.expires_at)
    )
    return {row.token_hash for row in rows if row.expires_at > now}


def set_password(conn: Connection, user_id: UUID, password_hash: str, now: dt.datetime) -> tuple[str, bool]:
    """Give the user a new password, whose link proved that the mailbox is theirs.

    Returns:
        Their email, and whether nobody had proved before that they read its mailbox.
    """
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(
            password_hash=password_hash,
            email_verified_at=func.coalesce(User.email_verified_at, now),
            updated_at=now,
        )
        .returning(User.email, User.email_verified_at)
    )
    row = conn.execute(statement).one()
    return row.email, row.email_verified_at == now


def delete_access_tokens(conn: Connection, user_id: UUID) -> int:
    """Forget the user's personal access tokens; how many."""
    return conn.execute(delete(PersonalAccessToken).where(PersonalAccessToken.user_id == user_id)).rowcount
