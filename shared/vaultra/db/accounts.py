"""SQL for people, businesses and memberships."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from vaultra.db import models
from vaultra.domain.accounts import Business, Credentials, Industry, Membership, Role, User

USER = (models.User.id, models.User.email, models.User.name, models.User.avatar_url, models.User.created_at)
BUSINESS = (
    models.Business.id,
    models.Business.name,
    models.Business.legal_entity,
    models.Business.industry,
    models.Business.revenue_estimate_minor,
    models.Business.founded_at,
    models.Business.created_at,
    models.Business.updated_at,
)


def insert_user(conn: Connection, *, email: str, name: str, password_hash: str, now: dt.datetime) -> User | None:
    """The new user, or None when the email, in whatever case, is taken."""
    row = conn.execute(
        upsert(models.User)
        .values(email=email, name=name, password_hash=password_hash, created_at=now, updated_at=now)
        .on_conflict_do_nothing()
        .returning(*USER)
    ).one_or_none()
    return None if row is None else user_of(row)


def find_credentials(conn: Connection, email: str, address_hash: str) -> Credentials | None:
    """The user with this email, in whatever case, their password's hash, and whether they came from there before."""
    familiar = exists().where(models.Session.user_id == models.User.id, models.Session.address_hash == address_hash)
    row = conn.execute(
        select(*USER, models.User.password_hash, familiar.label("familiar")).where(
            func.lower(models.User.email) == func.lower(email)
        )
    ).one_or_none()
    if row is None:
        return None
    return Credentials(user=user_of(row), password_hash=row.password_hash, familiar=row.familiar)


def find_user(conn: Connection, user_id: UUID) -> User | None:
    """The user with this id."""
    row = conn.execute(select(*USER).where(models.User.id == user_id)).one_or_none()
    return None if row is None else user_of(row)


def lock_user(conn: Connection, user_id: UUID) -> bool:
    """Whether the user exists; if so they cannot be deleted before the transaction ends."""
    statement = select(models.User.id).where(models.User.id == user_id).with_for_update(read=True, key_share=True)
    return conn.execute(statement).one_or_none() is not None


def update_user(conn: Connection, user_id: UUID, changes: Mapping[str, Any], now: dt.datetime) -> User | None:
    """The user after setting the given columns; None when there is no such user."""
    row = conn.execute(
        update(models.User).where(models.User.id == user_id).values(**changes, updated_at=now).returning(*USER)
    ).one_or_none()
    return None if row is None else user_of(row)


def insert_business(conn: Connection, owner_id: UUID, fields: Mapping[str, Any], now: dt.datetime) -> Business:
    """A new business with its first owner."""
    row = conn.execute(
        insert(models.Business).values(**fields, created_at=now, updated_at=now).returning(*BUSINESS)
    ).one()
    conn.execute(
        insert(models.UserBusinessMembership).values(
            user_id=owner_id, business_id=row.id, role=Role.OWNER.value, created_at=now
        )
    )
    return _business(row)


def find_business(conn: Connection, business_id: UUID) -> Business | None:
    """The business with this id, whoever asks."""
    row = conn.execute(select(*BUSINESS).where(models.Business.id == business_id)).one_or_none()
    return None if row is None else _business(row)


def update_business(
    conn: Connection, business_id: UUID, changes: Mapping[str, Any], now: dt.datetime
) -> Business | None:
    """The business after setting the given columns; None when there is no such business."""
    row = conn.execute(
        update(models.Business)
        .where(models.Business.id == business_id)
        .values(**changes, updated_at=now)
        .returning(*BUSINESS)
    ).one_or_none()
    return None if row is None else _business(row)


def find_membership(conn: Connection, user_id: UUID, business_id: UUID) -> Membership | None:
    """The user's membership of this business; None for a stranger and for a business that does not exist."""
    membership = models.UserBusinessMembership
    row = conn.execute(
        select(models.Business.id, models.Business.name, membership.role)
        .join(models.Business, models.Business.id == membership.business_id)
        .where(membership.user_id == user_id, membership.business_id == business_id)
    ).one_or_none()
    return None if row is None else Membership(id=row.id, name=row.name, role=Role(row.role))


def user_of(row: Row[*tuple[Any, ...]]) -> User:
    """The user in a row that has the columns `USER`."""
    return User(id=row.id, email=row.email, name=row.name, avatar_url=row.avatar_url, created_at=row.created_at)


def _business(row: Row[*tuple[Any, ...]]) -> Business:
    return Business(
        id=row.id,
        name=row.name,
        legal_entity=row.legal_entity,
        industry=None if row.industry is None else Industry(row.industry),
        revenue_estimate_minor=row.revenue_estimate_minor,
        founded_at=row.founded_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
