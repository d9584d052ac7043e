"""Whose business a call is about, and what the caller may do there."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import accounts
from vaultra.domain.accounts import Membership, Role
from vaultra.errors import BusinessRequired, Forbidden


def choose_business(memberships: Sequence[Membership], *, named: bool) -> Membership:
    """The business a call is about.

    Args:
        memberships: The caller's membership of the business they named; when they named none, two of theirs suffice.

    Raises:
        BusinessRequired: none was named and the caller has several, or none at all.
        Forbidden: the caller is no member; the same for a business that does not exist.
    """
    if len(memberships) == 1:
        return memberships[0]
    if named:
        raise no_access()
    if not memberships:
        raise BusinessRequired("You have no business yet. Create one first.")
    raise BusinessRequired("You have several businesses. Say which one with business_id.")


def require_role(conn: Connection, user_id: UUID, business_id: UUID, needed: Role) -> Membership:
    """The user's membership of a business as it stands now.

    Raises:
        Forbidden: the user is no member, or their role is not enough; a business that does not exist is a stranger's.
    """
    membership = accounts.find_membership(conn, user_id, business_id)
    if membership is None:
        raise no_access()
    check_role(membership, needed)
    return membership


def check_role(membership: Membership, needed: Role) -> None:
    """Raise `Forbidden` when a member's role is not enough."""
    if not membership.role.includes(needed):
        raise Forbidden("Your role in this business does not allow this", details={"needed": needed.value})


def no_access() -> Forbidden:
    """What a stranger is told, and whoever asks for a business that does not exist: the same."""
    return Forbidden("You don't have access to this business.")
