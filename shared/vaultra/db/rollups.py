"""Daily rollups: recomputed from the rows of a day, never incremented; and who has to be told."""

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, DATE

from vaultra.db.objects import Account
from vaultra.db.statements import statement


def recompute(conn: Connection, account: Account, days: Iterable[dt.date]) -> None:
    """Make the rollups of these UTC days say what the account's rows say. Needs the account's lock."""
    parameters = {
        "account": account.id,
        "business": account.business_id,
        "currency": account.settlement_currency,
        "days": sorted(days),
    }
    if not parameters["days"]:
        return
    conn.execute(FORGET, {"account": account.id, "days": parameters["days"]})
    conn.execute(statement("recompute_rollups"), parameters)


FORGET = text("delete from daily_rollups where integration_account_id = :account and day = any(:days)").bindparams(
    bindparam("days", type_=ARRAY(DATE))
)


def request_metrics(conn: Connection, business_ids: Iterable[UUID], now: dt.datetime) -> list[UUID]:
    """Ask for new metrics; gives the businesses for which nobody had asked yet, and which must be announced.

    The upsert waits for a computation that is taking the request away at this moment, so no change is lost.
    """
    asked = []
    for business_id in sorted(set(business_ids)):
        row = conn.execute(REQUEST, {"business": business_id, "now": now}).one()
        if row.is_new:
            asked.append(business_id)
    return asked


REQUEST = text(
    """
    insert into metrics_due as due (business_id, requested_at) values (:business, :now)
    on conflict (business_id) do update set requested_at = due.requested_at
    returning (xmax = 0) as is_new
    """
)


def list_overdue_metrics(conn: Connection, before: dt.datetime, limit: int) -> list[UUID]:
    """Businesses whose request has waited since before a moment: its announcement may be lost."""
    return [row[0] for row in conn.execute(OVERDUE, {"before": before, "limit": limit})]


OVERDUE = text("select business_id from metrics_due where requested_at < :before order by requested_at limit :limit")
