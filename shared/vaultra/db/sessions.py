"""SQL for sessions: which bearer tokens are good, and what their users may see."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, delete, insert, select, update

from vaultra.db.accounts import USER, user_of
from vaultra.db.models import Business, Session, User, UserBusinessMembership
from vaultra.domain.accounts import Caller, Membership, Profile, Role


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


def find_profile(conn: Connection, caller: Caller, now: dt.datetime) -> Profile | None:
    """The caller and their businesses; None when the token is not good."""
    rows = conn.execute(PROFILE, _of(caller, now)).all()
    if not rows:
        return None
    return Profile(user_of(rows[0]), tuple(_membership(row) for row in rows if row.business_id is not None))


def list_memberships(
    conn: Connection, caller: Caller, business_id: UUID | None, now: dt.datetime
) -> list[Membership] | None:
    """Two of the caller's memberships, the oldest, or the one of `business_id`; None when the token is not good."""
    if business_id is None:
        rows = conn.execute(SOME_MEMBERSHIPS, _of(caller, now)).all()
    else:
        rows = conn.execute(NAMED_MEMBERSHIP, {**_of(caller, now), "business_id": business_id}).all()
    return [_membership(row) for row in rows if row.business_id is not None] if rows else None


def find_open(conn: Connection, caller: Caller, now: dt.datetime) -> tuple[str, dt.datetime] | None:
    """The hashed address and the time of the sign-in behind the caller's token; None when it is not good."""
    statement = select(Session.address_hash, Session.signed_in_at).where(OPEN).with_for_update()
    row = conn.execute(statement, _of(caller, now)).one_or_none()
    return None if row is None else (row.address_hash, row.signed_in_at)


def shorten(conn: Connection, session_id: UUID, expires_at: dt.datetime) -> None:
    """Let a session end at `expires_at`, or when it would have ended if that is sooner; its row stays for a while."""
    conn.execute(
        update(Session).where(Session.id == session_id, Session.expires_at > expires_at).values(expires_at=expires_at)
    )


def delete_sessions(conn: Connection, user_id: UUID) -> None:
    """End every session of a user."""
    conn.execute(delete(Session).where(Session.user_id == user_id))


def _of(caller: Caller, now: dt.datetime) -> dict[str, Any]:
    return {"session_id": caller.session_id, "user_id": caller.user_id, "now": now}


def _membership(row: Row[*tuple[Any, ...]]) -> Membership:
    return Membership(id=row.business_id, name=row.business, role=Role(row.role))


def _memberships(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            UserBusinessMembership.business_id,
            Business.name.label("business"),
            UserBusinessMembership.role,
        )
        .select_from(Session)
        .outerjoin(UserBusinessMembership, condition)
        .outerjoin(Business, Business.id == UserBusinessMembership.business_id)
        .where(OPEN)
        .order_by(UserBusinessMembership.created_at, UserBusinessMembership.business_id)
    )


# Every request runs one of these. Made once: building a statement costs as much as running it.
OPEN = and_(
    Session.id == bindparam("session_id"),
    Session.user_id == bindparam("user_id"),
    Session.expires_at > bindparam("now"),
)
_THEIRS = UserBusinessMembership.user_id == Session.user_id
PROFILE = _memberships(_THEIRS).add_columns(*USER).join(User, User.id == Session.user_id)
SOME_MEMBERSHIPS = _memberships(_THEIRS).limit(2)
NAMED_MEMBERSHIP = _memberships(and_(_THEIRS, UserBusinessMembership.business_id == bindparam("business_id")))
