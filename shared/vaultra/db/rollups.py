"""Daily rollups: recomputed from the rows of a day, never incremented; and who has to be told."""

import datetime as dt
from collections.abc import Iterable, Mapping
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from vaultra.db.objects import Account
from vaultra.db.statements import statement


def recompute(conn: Connection, account: Account, days: Iterable[dt.date]) -> None:
    """Make the rollups of these UTC days say what the account's rows say, after rows of it were written.

    Needs the account's lock. What was kept of the account's rows holds no longer, whichever days they touch.
    """
    recompute_each(conn, {account: days})


def recompute_each(conn: Connection, days: Mapping[Account, Iterable[dt.date]]) -> None:
    """The same for several accounts, in one statement. Needs the locks of all of them."""
    if not days:
        return
    given = [
        {"account": account.id, "business": account.business_id, "currency": account.settlement_currency, "day": day}
        for account, touched in days.items()
        for day in tuple(sorted(touched)) or (None,)
    ]
    conn.execute(statement("recompute_rollups"), {"given": orjson.dumps(given).decode()})


def request_metrics(conn: Connection, business_ids: Iterable[UUID], now: dt.datetime) -> list[UUID]:
    """Ask for new metrics; gives the businesses for which nobody had asked yet, and which must be announced.

    The upsert waits for a computation that is taking the request away at this moment, so no change is lost.
    """
    businesses = sorted(set(business_ids))
    if not businesses:
        return []
    return [row.business_id for row in conn.execute(REQUEST, {"businesses": businesses, "now": now}) if row.is_new]


REQUEST = text(
    """
    insert into metrics_due as due (business_id, requested_at)
    select business_id, :now from unnest(cast(:businesses as uuid[])) as business_id order by business_id
    on conflict (business_id) do update set requested_at = due.requested_at
    returning business_id, (xmax = 0) as is_new
    """
)


def note_traces(conn: Connection, traceparents: Mapping[UUID, Iterable[str]]) -> None:
    """Keep with businesses' requests, in the transaction that made them, the spans because of which they were made."""
    given = [{"business_id": key, "traceparents": list(traceparents[key])} for key in sorted(traceparents)]
    conn.execute(NOTE_TRACES, {"given": orjson.dumps(given).decode()})


# Far more than one computation serves; what a worker that stands still leaves behind must not grow for ever.
MOST_TRACES = 1000
NOTE_TRACES = text(
    f"""
    update metrics_due due
    set traceparents = (coalesce(due.traceparents, '{{}}') || given.traceparents)[1:{MOST_TRACES}]
    from jsonb_to_recordset(cast(:given as jsonb)) as given(business_id uuid, traceparents text[])
    where due.business_id = given.business_id
    """  # noqa: S608 - put together of constants
)


def list_overdue_metrics(conn: Connection, before: dt.datetime, limit: int) -> list[UUID]:
    """Businesses whose request has waited since before a moment: its announcement may be lost."""
    return [row[0] for row in conn.execute(OVERDUE, {"before": before, "limit": limit})]


OVERDUE = text("select business_id from metrics_due where requested_at < :before order by requested_at limit :limit")
