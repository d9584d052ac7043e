"""SQL for the members of a business and the invitations to it."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from vaultra.db import models
from vaultra.domain.accounts import Role
from vaultra.domain.members import Invitation, InvitationLetter, Member

Membership = models.UserBusinessMembership
Asked = models.Invitation
INVITATION = (Asked.id, Asked.business_id, Asked.email, Asked.role, Asked.expires_at)


def lock_business(conn: Connection, business_id: UUID) -> bool:
    """Whether the business exists; if so only this transaction changes who its members are."""
    statement = select(models.Business.id).where(models.Business.id == business_id).with_for_update(key_share=True)
    return conn.execute(statement).one_or_none() is not None


def find_role(conn: Connection, business_id: UUID, user_id: UUID) -> Role | None:
    """The user's role in the business; None when they are no member."""
    role = conn.execute(
        select(Membership.role).where(Membership.business_id == business_id, Membership.user_id == user_id)
    ).scalar_one_or_none()
    return None if role is None else Role(role)


def find_member(conn: Connection, business_id: UUID, user_id: UUID) -> Member | None:
    """The business's member with this id."""
    row = conn.execute(_members(business_id).where(Membership.user_id == user_id)).one_or_none()
    return None if row is None else _member(row)


def list_members(conn: Connection, business_id: UUID) -> list[Member]:
    """The business's members, oldest membership first."""
    statement = _members(business_id).order_by(Membership.created_at, Membership.user_id)
    return [_member(row) for row in conn.execute(statement)]


def has_member_with_email(conn: Connection, business_id: UUID, email: str) -> bool:
    """Whether a member of the business has this email, in whatever case."""
    statement = _members(business_id).where(func.lower(models.User.email) == func.lower(email))
    return conn.execute(statement).first() is not None


def count_owners(conn: Connection, business_id: UUID) -> int:
    """How many owners the business has."""
    statement = select(func.count()).where(Membership.business_id == business_id, Membership.role == Role.OWNER.value)
    return conn.execute(statement).scalar_one()


def upsert_member(conn: Connection, business_id: UUID, user_id: UUID, role: Role, now: dt.datetime) -> None:
    """Make the user a member with this role; who is one already keeps the day they joined."""
    statement = upsert(Membership).values(user_id=user_id, business_id=business_id, role=role.value, created_at=now)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[Membership.user_id, Membership.business_id], set_={"role": role.value}
        )
    )


def update_role(conn: Connection, business_id: UUID, user_id: UUID, role: Role) -> None:
    """Give a member this role."""
    conn.execute(
        update(Membership)
        .where(Membership.business_id == business_id, Membership.user_id == user_id)
        .values(role=role.value)
    )


def delete_member(conn: Connection, business_id: UUID, user_id: UUID) -> None:
    """End a membership; the member's access tokens for the business go with it."""
    conn.execute(delete(Membership).where(Membership.business_id == business_id, Membership.user_id == user_id))


def verify_email(conn: Connection, user_id: UUID, now: dt.datetime) -> None:
    """Note that the user's mailbox is theirs, unless that was known before."""
    conn.execute(
        update(models.User)
        .where(models.User.id == user_id, models.User.email_verified_at.is_(None))
        .values(email_verified_at=now)
    )


def upsert_invitation(
    conn: Connection,
    *,
    business_id: UUID,
    email: str,
    role: Role,
    invited_by: UUID,
    now: dt.datetime,
    expires_at: dt.datetime,
) -> Invitation:
    """Invite an address, or renew its invitation: until its next mail is written no link opens it."""
    values = {
        "email": email,
        "role": role.value,
        "token_hash": None,
        "invited_by": invited_by,
        "created_at": now,
        "expires_at": expires_at,
    }
    row = conn.execute(
        upsert(Asked)
        .values(business_id=business_id, **values)
        .on_conflict_do_update(index_elements=[Asked.business_id, func.lower(Asked.email)], set_=values)
        .returning(*INVITATION)
    ).one()
    return _invitation(row)


def list_invitations(conn: Connection, business_id: UUID, now: dt.datetime) -> list[Invitation]:
    """The business's invitations that may still be accepted, oldest first."""
    statement = (
        select(*INVITATION)
        .where(Asked.business_id == business_id, Asked.expires_at > now)
        .order_by(Asked.created_at, Asked.id)
    )
    return [_invitation(row) for row in conn.execute(statement)]


def find_invitation(conn: Connection, token_hash: str, now: dt.datetime) -> Invitation | None:
    """The invitation that this token opens; None when it was used, renewed, withdrawn or is too old."""
    row = conn.execute(select(*INVITATION).where(Asked.token_hash == token_hash, Asked.expires_at > now)).one_or_none()
    return None if row is None else _invitation(row)


def take_invitation(conn: Connection, token_hash: str, now: dt.datetime) -> Invitation | None:
    """The invitation that this token opens, forgotten here: of several takers one gets it, the others None."""
    row = conn.execute(
        delete(Asked).where(Asked.token_hash == token_hash, Asked.expires_at > now).returning(*INVITATION)
    ).one_or_none()
    return None if row is None else _invitation(row)


def delete_invitation(conn: Connection, business_id: UUID, invitation_id: UUID) -> bool:
    """Whether the business had this invitation; it has not any more."""
    statement = delete(Asked).where(Asked.id == invitation_id, Asked.business_id == business_id)
    return conn.execute(statement).rowcount == 1


def set_invitation_token(
    conn: Connection, invitation_id: UUID, *, token: str, token_hash: str, now: dt.datetime
) -> InvitationLetter | None:
    """Make this token the only one that opens the invitation; None when it is gone or expired."""
    row = conn.execute(
        update(Asked)
        .where(Asked.id == invitation_id, Asked.expires_at > now)
        .values(token_hash=token_hash)
        .returning(*INVITATION, Asked.invited_by)
    ).one_or_none()
    if row is None:
        return None
    business_name = conn.execute(select(models.Business.name).where(models.Business.id == row.business_id)).scalar_one()
    inviter = conn.execute(select(models.User.name).where(models.User.id == row.invited_by)).scalar_one_or_none()
    return InvitationLetter(
        email=row.email,
        business_name=business_name,
        role=Role(row.role),
        inviter_name=inviter,
        token=token,
        expires_at=row.expires_at,
    )


def _members(business_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(models.User.id, models.User.email, models.User.name, Membership.role, Membership.created_at)
        .join(models.User, models.User.id == Membership.user_id)
        .where(Membership.business_id == business_id)
    )


def _member(row: Row[*tuple[Any, ...]]) -> Member:
    return Member(user_id=row.id, email=row.email, name=row.name, role=Role(row.role), joined_at=row.created_at)


def _invitation(row: Row[*tuple[Any, ...]]) -> Invitation:
    return Invitation(
        id=row.id, business_id=row.business_id, email=row.email, role=Role(row.role), expires_at=row.expires_at
    )
