"""Signing up and in, profiles, businesses, and whose business a call is about."""

from uuid import UUID

from sqlalchemy import Connection
from vaultra.db import accounts
from vaultra.domain.accounts import Membership
from vaultra.errors import BusinessRequired, Forbidden


def resolve_business(conn: Connection, user_id: UUID, requested: UUID | None) -> Membership:
    """The business a call is about, with the caller's role in it as it stands now.

    Args:
        requested: The business the caller named; None means their only one.

    Raises:
        BusinessRequired: none was named and the caller has several, or none at all.
        Forbidden: the caller is no member; the same for a business that does not exist.
    """
    if requested is not None:
        membership = accounts.find_membership(conn, user_id, requested)
        if membership is None:
            raise Forbidden("You don't have access to this business.")
        return membership
    memberships = accounts.list_memberships(conn, user_id)
    if not memberships:
        raise BusinessRequired("You have no business yet. Create one first.")
    if len(memberships) > 1:
        raise BusinessRequired("You have several businesses. Say which one with business_id.")
    return memberships[0]
