"""SQL for what each day of a business's history brought."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection, text

from vaultra.domain.metric_facts import Totals


def list_daily_totals(conn: Connection, account_id: UUID, until: dt.date) -> dict[dt.date, Totals]:
    """Each day's totals up to a day, all currencies together; days on which nothing happened are absent."""
    rows = conn.execute(DAILY_TOTALS, {"account": account_id, "until": until})
    return {day: Totals(*sums) for day, *sums in rows}


# In the order of Totals.
DAILY_TOTALS = text(
    """
    select day, sum(charge_count)::bigint, sum(settled_minor)::bigint, sum(failed_count)::bigint,
        sum(refund_count)::bigint, sum(refunded_minor)::bigint, sum(dispute_count)::bigint,
        sum(withdrawn_minor)::bigint, sum(reinstated_minor)::bigint, sum(fraud_warning_count)::bigint
    from daily_rollups
    where integration_account_id = :account and day <= :until
    group by day
    """
)
