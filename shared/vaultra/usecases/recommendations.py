"""Reading a business's recommendations, and deciding about one."""

import dataclasses
import datetime as dt
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import recommendations
from vaultra.domain import paging
from vaultra.domain.accounts import Role
from vaultra.domain.paging import Page
from vaultra.domain.recommendations import Priority, Recommendation, Status
from vaultra.errors import Conflict, Forbidden, Unprocessable
from vaultra.usecases import memberships


def page(
    conn: Connection,
    business_id: UUID,
    *,
    status: Status | None,
    priority: Priority | None,
    cursor: str | None,
    limit: int,
) -> Page[Recommendation]:
    """A page of a business's recommendations: high first, then by estimated impact, then the newest.

    Args:
        status, priority: Only such ones; None means whichever.
        cursor: The `next_cursor` of the page before; None means the first page.
        limit: How many at most.

    Raises:
        InvalidInput: the cursor is none of this list.
    """
    after = None if cursor is None else paging.read_cursor(cursor, ranks=2)
    found = recommendations.list_recommendations(
        conn, business_id, status=status, priority=priority, after=after, limit=limit + 1
    )
    return paging.cut(found, limit, lambda item: item.place)


def decide(
    conn: Connection,
    *,
    user_id: UUID,
    recommendation_id: UUID,
    status: Status,
    reason: str | None = None,
    now: dt.datetime,
) -> Recommendation:
    """Accept a recommendation, take the acceptance back, or dismiss it; deciding the same again changes nothing.

    Args:
        reason: Why it is dismissed, None without one; it may also be told, or told better, after the dismissal.

    Raises:
        Forbidden: the user is neither owner nor admin of its business; the same for a stranger's and for none at all.
        Conflict: it was dismissed or resolved meanwhile.
        Unprocessable: a reason for anything but dismissing it.
    """
    if reason is not None and status is not Status.DISMISSED:
        details = {"field": "reason", "reason": "is for dismissing only"}
        raise Unprocessable("Only a dismissal takes a reason.", details=details)
    found = recommendations.find_for_member(conn, recommendation_id, user_id)
    if found is None:
        raise Forbidden("You don't have access to this recommendation.")
    memberships.require_role(conn, user_id, found.business_id, Role.ADMIN)
    if found.status is status:
        if reason is None or reason == found.reason:
            return found
        recommendations.update_reason(conn, found.business_id, found.id, reason)
        return dataclasses.replace(found, reason=reason)
    if not found.may_become(status):
        raise Conflict(f"This recommendation is {found.status} and can't be {status} any more.")
    decided = dataclasses.replace(found, status=status, reason=reason)
    recommendations.update_decision(conn, decided, now)
    return decided
