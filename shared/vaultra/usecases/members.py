"""Who belongs to a business: members, their roles, and the invitations through which others join.

Whatever changes who the owners are locks the business first and then reads the caller's role again, so that
of several changes at once each sees what the one before it left.
"""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import accounts, members
from vaultra.domain.accounts import Membership, Role
from vaultra.domain.members import INVITATION_LIFETIME, Invitation, InvitationLetter, Member, Team
from vaultra.domain.secret_tokens import hash_token, new_token
from vaultra.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthorized
from vaultra.usecases.memberships import require_role


def get_team(conn: Connection, business: Membership, now: dt.datetime) -> Team:
    """The members of a business, as one of them may see them: only owners are told of invitations."""
    invitations = members.list_invitations(conn, business.id, now) if business.role is Role.OWNER else []
    return Team(members.list_members(conn, business.id), invitations)


def invite(
    conn: Connection, *, business_id: UUID, caller_id: UUID, email: str, role: Role, now: dt.datetime
) -> Invitation:
    """Ask an address to join, for a week; asking it again begins a new week and kills the old link.

    Raises:
        Conflict: who has this address is a member already.
        Forbidden: the caller is no longer an owner.
    """
    _enter(conn, business_id, caller_id, Role.OWNER)
    if members.has_member_with_email(conn, business_id, email):
        raise Conflict("This person is a member already.", details={"field": "email"})
    return members.upsert_invitation(
        conn,
        business_id=business_id,
        email=email,
        role=role,
        invited_by=caller_id,
        now=now,
        expires_at=now + INVITATION_LIFETIME,
    )


def withdraw(conn: Connection, *, business_id: UUID, invitation_id: UUID) -> None:
    """Take an invitation back: its link opens nothing any more. Raises `NotFound` when the business has none such."""
    if not members.delete_invitation(conn, business_id, invitation_id):
        raise NotFound("There is no such invitation.")


def write_invitation(conn: Connection, invitation_id: UUID, now: dt.datetime) -> InvitationLetter | None:
    """What to write to the invited address, with a token that replaces any earlier one; None when it is too late."""
    token = new_token()
    return members.set_invitation_token(conn, invitation_id, token=token, token_hash=hash_token(token), now=now)


def accept(conn: Connection, *, user_id: UUID, token: str, now: dt.datetime) -> Membership:
    """Join the business that the token's invitation names; it works once, and never lowers a role.

    The link came through the user's mailbox, so their email counts as verified from now on.

    Raises:
        InvalidInput: the invitation was used, renewed or withdrawn, has expired, or never was.
        Forbidden: it is for another address; it stays good.
        Unauthorized: the account is gone.
    """
    token_hash = hash_token(token)
    if not accounts.lock_user(conn, user_id):
        raise _account_gone()
    found = members.find_invitation(conn, token_hash, now)
    if found is None or not members.lock_business(conn, found.business_id):
        raise _not_good()
    user = accounts.find_user(conn, user_id)
    assert user is not None, "their row is locked"
    if user.email.lower() != found.email.lower():
        raise Forbidden("This invitation is for another email address. Sign in with the address it was sent to.")
    taken = members.take_invitation(conn, token_hash, now)
    if taken is None:
        raise _not_good()
    role = members.find_role(conn, taken.business_id, user_id)
    if role is None or not role.includes(taken.role):
        members.upsert_member(conn, taken.business_id, user_id, taken.role, now)
    members.verify_email(conn, user_id, now)
    membership = accounts.find_membership(conn, user_id, taken.business_id)
    assert membership is not None, "it was just made, and the business is locked"
    return membership


def change_role(conn: Connection, *, business_id: UUID, caller_id: UUID, user_id: UUID, role: Role) -> Member:
    """Give a member another role.

    Raises:
        Forbidden: the caller is no longer an owner.
        NotFound: the user is no member.
        Conflict: the last owner would be one no more.
    """
    _enter(conn, business_id, caller_id, Role.OWNER)
    member = _get_member(conn, business_id, user_id)
    if role is not Role.OWNER:
        _check_not_last_owner(conn, business_id, member)
    members.update_role(conn, business_id, user_id, role)
    return _get_member(conn, business_id, user_id)


def remove(conn: Connection, *, business_id: UUID, caller_id: UUID, user_id: UUID) -> None:
    """End a membership: owners end anybody's, everybody may end their own.

    Raises:
        Forbidden: the caller may not end this one.
        NotFound: the user is no member.
        Conflict: it is the last owner's.
    """
    _enter(conn, business_id, caller_id, Role.VIEWER if user_id == caller_id else Role.OWNER)
    _check_not_last_owner(conn, business_id, _get_member(conn, business_id, user_id))
    members.delete_member(conn, business_id, user_id)


def _enter(conn: Connection, business_id: UUID, caller_id: UUID, needed: Role) -> None:
    # The user before the business, as whoever deletes either does.
    if not accounts.lock_user(conn, caller_id):
        raise _account_gone()
    members.lock_business(conn, business_id)
    require_role(conn, caller_id, business_id, needed)


def _get_member(conn: Connection, business_id: UUID, user_id: UUID) -> Member:
    member = members.find_member(conn, business_id, user_id)
    if member is None:
        raise NotFound("This person is not a member of the business.")
    return member


def _check_not_last_owner(conn: Connection, business_id: UUID, member: Member) -> None:
    if member.role is Role.OWNER and members.count_owners(conn, business_id) == 1:
        raise Conflict("A business needs an owner. Make somebody else an owner first, or delete the business.")


def _not_good() -> InvalidInput:
    return InvalidInput("This invitation was used already, has expired or was replaced. Ask for a new one.")


def _account_gone() -> Unauthorized:
    return Unauthorized("This account no longer exists.")
