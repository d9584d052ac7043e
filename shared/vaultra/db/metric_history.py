"""SQL for the metrics a business had, by day, week or month."""

import datetime as dt
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text

from vaultra.domain.stored_metrics import Snapshot

Granularity = Literal["day", "week", "month"]


def list_history(
    conn: Connection,
    business_id: UUID,
    first: dt.date,
    last: dt.date,
    granularity: Granularity,
    most: int,
) -> list[Snapshot]:
    """The last snapshot of each day, ISO week or month whose own last day is within the dates; oldest first.

    Args:
        most: Only so many of the latest are given.
    """
    values = {"business_id": business_id, "first": first, "last": last, "granularity": granularity, "most": most}
    return [
        Snapshot(
            id=row.id,
            business_id=row.business_id,
            period_start=row.period_start,
            period_end=row.period_end,
            currency=row.currency,
            stored=row.metrics_json,
            computed_at=row.computed_at,
        )
        for row in conn.execute(HISTORY, values)
    ][::-1]


HISTORY = text(
    """
    with dated as (
        select *, date_trunc(cast(:granularity as text), period_end::timestamp) as span
        from financial_metric_snapshots
        where business_id = :business_id and period_end between cast(:first as date) and cast(:last as date)
    )
    select distinct on (span) id, business_id, period_start, period_end, currency, metrics_json, computed_at
    from dated
    order by span desc, period_end desc
    limit :most
    """
)
