"""SQL for the objects that began or ceased to count between two scores, and for those that are going to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, TextClause, text

from vaultra.domain.metric_facts import Payout
from vaultra.domain.moved_objects import (
    MOST_OBJECTS,
    Frame,
    Moment,
    MovedObject,
    MovedObjects,
    ObjectKind,
    TracedPayout,
)
from vaultra.domain.period import Days


def find_account(conn: Connection, business_id: UUID) -> UUID | None:
    """The business's connected Stripe account; None without one."""
    return conn.execute(ACCOUNT, {"business_id": business_id}).scalar_one_or_none()


ACCOUNT = text(
    """
    select id from integration_accounts
    where business_id = :business_id and provider = 'stripe' and status <> 'disconnected'
    """
)


def moved(
    conn: Connection,
    account_id: UUID,
    kind: ObjectKind,
    frame: Frame,
    before: Moment,
    after: Moment,
    *,
    oldest_first: bool = False,
) -> MovedObjects:
    """The disputes, warnings or refunds that count at one of two moments and not at the other."""
    then, now = frame.days(before.scored_on), frame.days(after.scored_on)
    parameters = {
        "account": account_id,
        "first_then": then.first,
        "last_then": then.last,
        "known_then": before.at,
        "first_now": now.first,
        "last_now": now.last,
        "known_now": after.at,
        "earliest": min(then.first, now.first),
        "latest": max(then.last, now.last),
        "oldest_first": oldest_first,
        "most": MOST_OBJECTS,
    }
    rows = conn.execute(MOVED[kind], parameters).all()
    if not rows:
        return MovedObjects(kind)
    objects = tuple(_moved_object(kind, row) for row in rows)
    return MovedObjects(kind, objects, came=rows[0].came, left=rows[0].left_count)


def _moved_object(kind: ObjectKind, row: Row[Any]) -> MovedObject:
    movement: Any = "came" if row.is_now else "left"
    return MovedObject(kind, row.id, row.day, row.amount_minor, row.currency, movement, row.outcome)


def _statement(source: str) -> TextClause:
    return text(
        f"""
        with objects as (
            {source}
        ), judged as (
            select id, day, amount_minor, currency, outcome,
                day between cast(:first_then as date) and cast(:last_then as date) and at <= :known_then as was,
                day between cast(:first_now as date) and cast(:last_now as date) and at <= :known_now as is_now
            from objects
        )
        select id, day, amount_minor, currency, outcome, is_now,
            count(*) filter (where is_now) over () as came, count(*) filter (where was) over () as left_count
        from judged
        where was <> is_now
        order by case when cast(:oldest_first as boolean) then day end, day desc, id desc
        limit :most
        """  # noqa: S608 - the parts are constants of this module
    )


_BETWEEN = """
    >= cast(:earliest as date)::timestamp at time zone 'UTC'
    and {column} < (cast(:latest as date) + 1)::timestamp at time zone 'UTC'
"""
MOVED: Mapping[ObjectKind, TextClause] = {
    "dispute": _statement(
        f"""
        select id, counted_at as at, (counted_at at time zone 'UTC')::date as day, amount_minor, currency,
            status as outcome
        from disputes
        where integration_account_id = :account and not deleted and counted_at {_BETWEEN.format(column="counted_at")}
        """  # noqa: S608
    ),
    "refund": _statement(
        f"""
        select id, created_at as at, (created_at at time zone 'UTC')::date as day, amount_minor, currency,
            status as outcome
        from refunds
        where integration_account_id = :account and not deleted and status = 'succeeded'
            and created_at {_BETWEEN.format(column="created_at")}
        """  # noqa: S608
    ),
    "fraud_warning": _statement(
        f"""
        select w.id, w.created_at as at, (w.created_at at time zone 'UTC')::date as day, c.amount_minor, c.currency,
            cast(null as text) as outcome
        from early_fraud_warnings w
        left join charges c on c.integration_account_id = w.integration_account_id and c.id = w.charge
        where w.integration_account_id = :account and not w.deleted
            and w.created_at {_BETWEEN.format(column="w.created_at")}
        """  # noqa: S608
    ),
}


def list_payouts_in_doubt(conn: Connection, account_id: UUID, days: Days) -> list[TracedPayout]:
    """The payouts that arrived, or should have, in these days, and that may count against the business."""
    rows = conn.execute(PAYOUTS, {"account": account_id, "first": days.first, "last": days.last})
    return [
        TracedPayout(
            id=row.id,
            payout=Payout(
                row.amount_minor, row.arrival_on, row.status, row.reversed, row.failed_back, row.paid_event_at
            ),
            currency=row.currency,
            turned_at=row.turned_at,
        )
        for row in rows
    ]


# The times of the failure's movement and of the reversing payout are the only ones that Stripe's objects keep.
PAYOUTS = text(
    """
    select p.id, p.amount_minor, p.arrival_on, p.status, coalesce(p.reversed_by, '') <> '' as reversed,
        p.failure_balance_transaction is not null as failed_back, p.paid_event_at, p.currency,
        least(failure.created_at, reversal.created_at) as turned_at
    from payouts p
    left join balance_transactions failure
        on failure.integration_account_id = p.integration_account_id and failure.id = p.failure_balance_transaction
    left join payouts reversal
        on reversal.integration_account_id = p.integration_account_id and reversal.id = p.reversed_by
    where p.integration_account_id = :account and not p.deleted and p.amount_minor > 0
        and p.arrival_on between cast(:first as date) and cast(:last as date)
        and (p.status <> 'paid' or coalesce(p.reversed_by, '') <> '' or p.failure_balance_transaction is not null
            or (p.paid_event_at at time zone 'UTC')::date > p.arrival_on)
    """
)
