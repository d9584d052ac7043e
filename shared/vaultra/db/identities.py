"""SQL for signing in through an outside provider: whom it knows as which user."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from vaultra.db import models

Identity = models.Identity
User = models.User


@dataclass(frozen=True)
class EmailOwner:
    """The user with an email address, and whether they ever proved that its mailbox is theirs."""

    user_id: UUID
    proven: bool


def find_user_id(conn: Connection, *, issuer: str, subject: str) -> UUID | None:
    """Who the issuer's subject is here."""
    return conn.scalar(select(Identity.user_id).where(Identity.issuer == issuer, Identity.subject == subject))


def lock_email_owner(conn: Connection, email: str) -> EmailOwner | None:
    """The user with this email, in whatever case; nobody else changes them until the transaction ends."""
    statement = select(User.id, User.email_verified_at).where(func.lower(User.email) == func.lower(email))
    row = conn.execute(statement.with_for_update(key_share=True)).one_or_none()
    return None if row is None else EmailOwner(user_id=row.id, proven=row.email_verified_at is not None)


def is_linked(conn: Connection, *, user_id: UUID, issuer: str) -> bool:
    """Whether the user signs in through this issuer, as whatever subject."""
    return bool(conn.scalar(select(exists().where(Identity.user_id == user_id, Identity.issuer == issuer))))


def insert_user(
    conn: Connection, *, email: str, name: str, avatar_url: str | None, proven: bool, now: dt.datetime
) -> UUID | None:
    """A new user without a password; `proven` says that the mailbox is theirs. None when the email is taken."""
    values = {
        "email": email,
        "name": name,
        "avatar_url": avatar_url,
        "email_verified_at": now if proven else None,
        "created_at": now,
        "updated_at": now,
    }
    return conn.scalar(upsert(User).values(values).on_conflict_do_nothing().returning(User.id))


def delete_identities(conn: Connection, user_id: UUID) -> None:
    """Let nobody sign in as this user through an outside provider any more."""
    conn.execute(delete(Identity).where(Identity.user_id == user_id))


def insert_identity(
    conn: Connection, *, issuer: str, subject: str, user_id: UUID, email: str, now: dt.datetime
) -> bool:
    """Link the issuer's subject to a user; False when it is linked to somebody already."""
    linked = conn.scalar(
        upsert(Identity)
        .values(issuer=issuer, subject=subject, user_id=user_id, email=email, created_at=now)
        .on_conflict_do_nothing()
        .returning(Identity.subject)
    )
    return linked is not None
