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
from vaultra.errors import Conflict, Forbidden
from vaultra.usecases import accounts


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
    conn: Connection, *, user_id: UUID, recommendation_id: UUID, status: Status, now: dt.datetime
) -> Recommendation:
    """Accept or dismiss a recommendation; deciding the same again changes nothing.

    Raises:
        Forbidden: the user is neither owner nor admin of its business; the same for a stranger's and for none at all.
        Conflict: it was dismissed or resolved meanwhile.
    """
    found = recommendations.find_for_member(conn, recommendation_id, user_id)
    if found is None:
        raise Forbidden("You don't have access to this recommendation.")
    accounts.require_role(conn, user_id, found.business_id, Role.ADMIN)
    if found.status is status:
        return found
    if not found.may_become(status):
        raise Conflict(f"This recommendation is {found.status} and can't be {status} any more.")
    recommendations.update_status(conn, found.business_id, found.id, status, now)
    return dataclasses.replace(found, status=status)
