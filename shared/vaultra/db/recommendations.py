"""SQL for recommendations."""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Integer, Row, Text, bindparam, case, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as UUID_TYPE

from vaultra.db import models
from vaultra.domain.paging import Place
from vaultra.domain.recommendations import PRIORITY_RANK, UNKNOWN_IMPACT_RANK, Priority, Recommendation, Status

TABLE = models.Recommendation
COLUMNS = (
    TABLE.id,
    TABLE.business_id,
    TABLE.rule_key,
    TABLE.title,
    TABLE.description,
    TABLE.priority,
    TABLE.category,
    TABLE.status,
    TABLE.estimated_impact,
    TABLE.metric_refs,
    TABLE.article,
    TABLE.created_at,
    TABLE.evidence,
    TABLE.proof,
    TABLE.reason,
)
# `Recommendation.place` in SQL.
PLACE = (
    case({priority.value: rank for priority, rank in PRIORITY_RANK.items()}, value=TABLE.priority),
    func.coalesce(TABLE.estimated_impact, UNKNOWN_IMPACT_RANK),
    TABLE.created_at,
    TABLE.id,
)


def list_recommendations(
    conn: Connection,
    business_id: UUID,
    *,
    status: Status | None,
    priority: Priority | None,
    after: Place | None,
    limit: int,
) -> list[Recommendation]:
    """A business's recommendations, the weightiest first.

    Args:
        status, priority: Only such ones; None means whichever.
        after: Only those that come after this place; None means from the start.
        limit: How many at most.
    """
    values = {
        "business_id": business_id,
        "statuses": [status.value] if status is not None else list(Status),
        "priorities": [priority.value] if priority is not None else list(Priority),
        "limit": limit,
    }
    if after is None:
        rows = conn.execute(LIST, values)
    else:
        priority_rank, impact_rank = after.ranks
        place = {"priority_rank": priority_rank, "impact_rank": impact_rank, "at": after.created_at, "id": after.id}
        rows = conn.execute(LIST_AFTER, {**values, **place})
    return [_recommendation(row) for row in rows]


def _is_any_of(column: Any, name: str) -> ColumnElement[bool]:
    return column == func.any(bindparam(name, type_=ARRAY(Text)))


LIST = (
    select(*COLUMNS)
    .where(
        TABLE.business_id == bindparam("business_id"),
        _is_any_of(TABLE.status, "statuses"),
        _is_any_of(TABLE.priority, "priorities"),
    )
    .order_by(*(part.desc() for part in PLACE))
    .limit(bindparam("limit", type_=Integer))
)
LIST_AFTER = LIST.where(
    tuple_(*PLACE)
    < tuple_(
        bindparam("priority_rank", type_=Integer),
        bindparam("impact_rank", type_=Integer),
        bindparam("at", type_=models.UtcTime),
        bindparam("id", type_=UUID_TYPE),
    )
)


def find_for_member(conn: Connection, recommendation_id: UUID, user_id: UUID) -> Recommendation | None:
    """A recommendation of a business the user is a member of now; it can't change before the transaction ends.

    None for a stranger, and for one that does not exist.
    """
    membership = models.UserBusinessMembership
    statement = (
        select(*COLUMNS)
        .join(membership, membership.business_id == TABLE.business_id)
        .where(TABLE.id == recommendation_id, membership.user_id == user_id)
        .with_for_update(of=TABLE)
    )
    row = conn.execute(statement).one_or_none()
    return None if row is None else _recommendation(row)


def update_decision(conn: Connection, decided: Recommendation, now: dt.datetime) -> None:
    """Keep what its owner has made of a recommendation, and their reason; `pending` takes the decision back."""
    conn.execute(
        update(TABLE)
        .where(TABLE.id == decided.id, TABLE.business_id == decided.business_id)
        .values(
            status=decided.status.value,
            reason=decided.reason,
            decided_at=None if decided.status is Status.PENDING else now,
            updated_at=now,
        )
    )


def update_reason(conn: Connection, business_id: UUID, recommendation_id: UUID, reason: str) -> None:
    """Keep why the owner dismissed a business's recommendation, told after the decision."""
    conn.execute(
        update(TABLE).where(TABLE.id == recommendation_id, TABLE.business_id == business_id).values(reason=reason)
    )


def _recommendation(row: Row[*tuple[Any, ...]]) -> Recommendation:
    return Recommendation(
        id=row.id,
        business_id=row.business_id,
        rule_key=row.rule_key,
        title=row.title,
        description=row.description,
        priority=Priority(row.priority),
        category=row.category,
        status=Status(row.status),
        estimated_impact=row.estimated_impact,
        metric_refs=tuple(row.metric_refs),
        article=row.article,
        created_at=row.created_at,
        evidence=row.evidence or None,
        proof=row.proof,
        reason=row.reason,
    )
