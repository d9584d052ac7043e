"""The metrics a business had."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import metric_history
from vaultra.db.metric_history import Granularity
from vaultra.domain.period import utc_date
from vaultra.domain.stored_metrics import Snapshot
from vaultra.errors import Unprocessable

# A year by day, seven by week, thirty by month: more points than a chart or a spreadsheet's reader takes in.
MOST_POINTS = 366
# How far back the history goes when no start is named: a quarter by day, a year by week, all there is by month.
USUAL_DAYS: dict[Granularity, int] = {"day": 90, "week": 364, "month": 731}


def history(
    conn: Connection,
    business_id: UUID,
    start_date: dt.date | None,
    end_date: dt.date | None,
    granularity: Granularity,
    now: dt.datetime,
) -> list[Snapshot]:
    """Metrics by day, week or month, oldest first; of more than 366 the latest.

    Args:
        start_date: None goes back as far as usual for the granularity.
        end_date: None means today.

    Raises:
        Unprocessable: the start is after the end.
    """
    last = end_date or utc_date(now)
    # The first dates there are have none before them.
    back = min(USUAL_DAYS[granularity] - 1, last.toordinal() - 1)
    first = start_date or last - dt.timedelta(days=back)
    if first > last:
        reason = "must not be after end_date"
        raise Unprocessable(f"start_date {reason}", details={"field": "start_date", "reason": reason})
    return metric_history.list_history(conn, business_id, first, last, granularity, MOST_POINTS)
