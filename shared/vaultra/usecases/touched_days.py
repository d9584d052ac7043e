"""Which days' rollups a change of stored objects touches."""

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from vaultra.db import objects
from vaultra.db.objects import Account, ObjectRow, StoredVersion


def touched_days(
    conn: Connection,
    account: Account,
    table: str,
    rows: Sequence[ObjectRow],
    known: Mapping[str, StoredVersion],
) -> set[dt.date]:
    """The UTC days whose rollups these rows change: those where they count now, and those where they did."""
    days: set[dt.date] = set()
    before = [known[row.id] for row in rows if row.id in known]
    if table in ("charges", "refunds", "early_fraud_warnings"):
        days |= {_day(row.created_at) for row in rows} | {_day(state.created_at) for state in before}
    if table == "charges":
        foreign = [row.id for row in rows if row.values.get("currency") != account.settlement_currency]
        if foreign:
            days |= set(objects.refund_days_of(conn, account, foreign))
    if table == "balance_transactions" and rows:
        days |= set(objects.settle_charges(conn, account, [row.id for row in rows]))
    if table == "disputes":
        moments = [row.values.get("counted_at") for row in rows]
        moments += [item["created_at"] for row in rows for item in row.values.get("movements", [])]
        moments += [item["created_at"] for state in before for item in state.movements]
        days |= {_day(dt.datetime.fromisoformat(moment)) for moment in moments if moment}
        days |= {_day(state.counted_at) for state in before if state.counted_at}
    return days


def _day(moment: dt.datetime) -> dt.date:
    return moment.astimezone(dt.UTC).date()
