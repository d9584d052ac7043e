"""SQL for sessions: which bearer tokens are good, and what their users may see."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, and_, delete, exists, insert, select, update

from vaultra.db.models import Business, Session, User, UserBusinessMembership
from vaultra.domain.accounts import Caller, Membership, Role


def insert_session(
    conn: Connection, user_id: UUID, *, address_hash: str, signed_in_at: dt.datetime, expires_at: dt.datetime
) -> UUID:
    """A new session; its id."""
    values = {
        "user_id": user_id,
        "address_hash": address_hash,
        "signed_in_at": signed_in_at,
        "expires_at": expires_at,
    }
    return conn.execute(insert(Session).values(values).returning(Session.id)).scalar_one()


def is_open(conn: Connection, caller: Caller, now: dt.datetime) -> bool:
    """Whether the caller's token is still good."""
    return conn.execute(select(exists().where(_open(caller, now)))).scalar_one()


def list_memberships(
    conn: Connection, caller: Caller, business_id: UUID | None, now: dt.datetime, limit: int
) -> list[Membership] | None:
    """The caller's memberships, oldest first, or the one of `business_id`; None when the token is not good."""
    membership = UserBusinessMembership
    theirs = membership.user_id == Session.user_id
    statement = (
        select(membership.business_id, Business.name, membership.role)
        .select_from(Session)
        .outerjoin(membership, theirs if business_id is None else and_(theirs, membership.business_id == business_id))
        .outerjoin(Business, Business.id == membership.business_id)
        .where(_open(caller, now))
        .order_by(membership.created_at, membership.business_id)
        .limit(limit)
    )
    rows = conn.execute(statement).all()
    return [_membership(row) for row in rows if row.business_id is not None] if rows else None


def find_open(conn: Connection, caller: Caller, now: dt.datetime) -> tuple[str, dt.datetime] | None:
    """The hashed address and the time of the sign-in behind the caller's token; None when it is not good."""
    row = conn.execute(
        select(Session.address_hash, Session.signed_in_at)
        .join(User, User.id == Session.user_id)
        .where(_open(caller, now))
        .with_for_update(of=Session)
    ).one_or_none()
    return None if row is None else (row.address_hash, row.signed_in_at)


def shorten(conn: Connection, session_id: UUID, expires_at: dt.datetime) -> None:
    """Let a session end at `expires_at`, or when it would have ended if that is sooner; its row stays for a while."""
    conn.execute(
        update(Session).where(Session.id == session_id, Session.expires_at > expires_at).values(expires_at=expires_at)
    )


def delete_sessions(conn: Connection, user_id: UUID) -> None:
    """End every session of a user."""
    conn.execute(delete(Session).where(Session.user_id == user_id))


def delete_expired(conn: Connection, before: dt.datetime) -> int:
    """Forget sessions that ended before that; how many."""
    return conn.execute(delete(Session).where(Session.expires_at < before)).rowcount


def _open(caller: Caller, now: dt.datetime) -> Any:
    return and_(Session.id == caller.session_id, Session.user_id == caller.user_id, Session.expires_at > now)


def _membership(row: Row[*tuple[Any, ...]]) -> Membership:
    return Membership(id=row.business_id, name=row.name, role=Role(row.role))
