"""SQL for personal access tokens."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from vaultra.db import models
from vaultra.domain.personal_tokens import PersonalToken, TokenRecord

Token = models.PersonalAccessToken
Membership = models.UserBusinessMembership
TOKEN = (Token.id, Token.name, Token.business_id, Token.created_at, Token.expires_at, Token.last_used_at)


def lock_user(conn: Connection, user_id: UUID) -> bool:
    """Whether the user exists; if so only this transaction gives them tokens."""
    statement = select(models.User.id).where(models.User.id == user_id).with_for_update(key_share=True)
    return conn.execute(statement).one_or_none() is not None


def lock_membership(conn: Connection, user_id: UUID, business_id: UUID) -> bool:
    """Whether the user is a member of the business; if so they stay one until the transaction ends."""
    statement = (
        select(Membership.user_id)
        .where(Membership.user_id == user_id, Membership.business_id == business_id)
        .with_for_update(read=True, key_share=True)
    )
    return conn.execute(statement).one_or_none() is not None


def insert_token(conn: Connection, token: PersonalToken, *, user_id: UUID, token_hash: str) -> None:
    """Keep a new token; the token itself is not kept."""
    conn.execute(
        insert(Token).values(
            id=token.id,
            user_id=user_id,
            business_id=token.business_id,
            name=token.name,
            token_hash=token_hash,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
        )
    )


def count_tokens(conn: Connection, user_id: UUID, now: dt.datetime) -> int:
    """How many of the user's tokens are still good."""
    statement = select(func.count()).where(Token.user_id == user_id, Token.expires_at > now)
    return conn.execute(statement).scalar_one()


def list_tokens(conn: Connection, user_id: UUID, now: dt.datetime) -> list[PersonalToken]:
    """The user's tokens that are still good, newest first."""
    statement = (
        select(*TOKEN)
        .where(Token.user_id == user_id, Token.expires_at > now)
        .order_by(Token.created_at.desc(), Token.id)
    )
    return [_token(row) for row in conn.execute(statement)]


def find_record(conn: Connection, token_id: UUID, now: dt.datetime) -> TokenRecord | None:
    """What the token with this id is checked against; None when there is none, or it has expired."""
    row = conn.execute(
        select(Token.id, Token.user_id, Token.business_id, Token.token_hash, Token.expires_at).where(
            Token.id == token_id, Token.expires_at > now
        )
    ).one_or_none()
    return None if row is None else TokenRecord(*row)


def touch(conn: Connection, token_id: UUID, now: dt.datetime, *, not_since: dt.datetime) -> None:
    """Note that the token was used, unless it was noted after `not_since`."""
    unseen = or_(Token.last_used_at.is_(None), Token.last_used_at <= not_since)
    conn.execute(update(Token).where(Token.id == token_id, unseen).values(last_used_at=now))


def delete_token(conn: Connection, user_id: UUID, token_id: UUID) -> bool:
    """Whether the user had this token; they have not any more."""
    return conn.execute(delete(Token).where(Token.id == token_id, Token.user_id == user_id)).rowcount == 1


def _token(row: Row[*tuple[Any, ...]]) -> PersonalToken:
    return PersonalToken(
        id=row.id,
        name=row.name,
        business_id=row.business_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
