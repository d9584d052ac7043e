"""SQL for metric snapshots, and for who is waiting for one."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from vaultra.db.kept_facts import upsert_kept_facts
from vaultra.db.metric_facts import gather, metric_facts
from vaultra.db.models import FinancialMetricSnapshot
from vaultra.domain import stored_metrics
from vaultra.domain.metric_set import MetricSet, Value
from vaultra.domain.period import utc_date
from vaultra.domain.stored_metrics import Snapshot

__all__ = [
    "confirm_snapshots",
    "find_snapshot",
    "gather",
    "list_snapshots",
    "list_unscored",
    "lock_businesses",
    "metric_facts",
    "take_requests",
    "upsert_kept_facts",
    "upsert_snapshots",
]


NO_BASES: Mapping[UUID, str] = {}


def lock_businesses(conn: Connection, business_ids: Sequence[UUID]) -> list[UUID]:
    """Make this transaction the only one that computes for these businesses; gives those that exist.

    Without it, of two computations the one that read first could write last.
    """
    return [row.id for row in conn.execute(LOCK, {"ids": list(business_ids)})]


LOCK = text("select id from businesses where id = any(:ids) order by id for no key update").bindparams(
    bindparam("ids", type_=ARRAY(PG_UUID))
)


def take_requests(conn: Connection, business_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Forget that metrics were asked for, before the facts are read: a change that comes later asks anew.

    Returns:
        The businesses for which they had been, and the spans because of which (`rollups.note_traces`).
    """
    return {row.business_id: row.traceparents or [] for row in conn.execute(TAKE, {"ids": list(business_ids)})}


TAKE = text(
    """
    delete from metrics_due where business_id in (
        select business_id from metrics_due where business_id = any(:ids) order by business_id for update)
    returning business_id, traceparents
    """
).bindparams(bindparam("ids", type_=ARRAY(PG_UUID)))


def confirm_snapshots(
    conn: Connection, business_ids: Sequence[UUID], definitions: str, computed_at: dt.datetime
) -> list[UUID]:
    """Say of the metrics that computing them anew could not change that they stand as of now; gives their businesses.

    Metrics are taken of whole days. So those of today stand while the account and its objects are what they were
    computed from, unless there are subscriptions: those count from one moment to the next.

    Args:
        definitions: Tells apart what metrics and scores are computed by.
    """
    values = {
        "ids": list(business_ids),
        "definitions": definitions,
        "today": utc_date(computed_at),
        "computed_at": computed_at,
    }
    return [row.business_id for row in conn.execute(CONFIRM, values)]


CONFIRM = text(
    """
    update financial_metric_snapshots as kept set computed_at = :computed_at
    from integration_accounts as a
    where kept.business_id = any(:ids) and kept.period_end = :today
        and a.business_id = kept.business_id and a.provider = 'stripe' and a.status <> 'disconnected'
        and kept.basis = concat_ws(':', cast(:definitions as text), md5(concat_ws('|', a.objects_version,
            a.default_currency, a.balance, a.standing, a.history_complete)))
        and not exists (select from subscriptions where integration_account_id = a.id and not deleted)
    returning kept.business_id
    """
).bindparams(bindparam("ids", type_=ARRAY(PG_UUID)))


def upsert_snapshots(
    conn: Connection,
    metrics: Mapping[UUID, MetricSet],
    computed_at: dt.datetime,
    bases: Mapping[UUID, str] = NO_BASES,
) -> None:
    """Keep each business's metrics; what the same day had before is overwritten.

    Args:
        bases: What they were computed from and by, as `confirm_snapshots` compares it: the definitions, a colon, and
            the basis of the business's facts. Metrics without one are computed anew every hour.
    """
    rows = [
        {"business_id": key, **_columns(metrics[key]), "computed_at": computed_at, "basis": bases.get(key)}
        for key in sorted(metrics)
    ]
    if rows:
        conn.execute(UPSERT, {"rows": orjson.dumps(rows).decode()})


UPSERT = text(
    """
    insert into financial_metric_snapshots as kept (business_id, period_start, period_end, currency,
        revenue_total_minor, revenue_volatility, revenue_trend, chargeback_count, chargeback_ratio, refund_count,
        refund_ratio, payout_reliability, transaction_count, average_transaction_size_minor, mrr_minor, metrics_json,
        computed_at, basis)
    select * from jsonb_to_recordset(cast(:rows as jsonb)) as new(business_id uuid, period_start date, period_end date,
        currency text, revenue_total_minor bigint, revenue_volatility float8, revenue_trend text,
        chargeback_count bigint, chargeback_ratio float8, refund_count bigint, refund_ratio float8,
        payout_reliability float8, transaction_count bigint, average_transaction_size_minor numeric, mrr_minor bigint,
        metrics_json jsonb, computed_at timestamptz, basis text)
    on conflict (business_id, period_end) do update set period_start = excluded.period_start,
        currency = excluded.currency, revenue_total_minor = excluded.revenue_total_minor,
        revenue_volatility = excluded.revenue_volatility, revenue_trend = excluded.revenue_trend,
        chargeback_count = excluded.chargeback_count, chargeback_ratio = excluded.chargeback_ratio,
        refund_count = excluded.refund_count, refund_ratio = excluded.refund_ratio,
        payout_reliability = excluded.payout_reliability, transaction_count = excluded.transaction_count,
        average_transaction_size_minor = excluded.average_transaction_size_minor, mrr_minor = excluded.mrr_minor,
        metrics_json = excluded.metrics_json, computed_at = excluded.computed_at,
        basis = excluded.basis
    """
)


def find_snapshot(conn: Connection, business_id: UUID) -> Snapshot | None:
    """The business's latest snapshot; None before the first."""
    row = conn.execute(LATEST, {"business_id": business_id}).one_or_none()
    return None if row is None else _snapshot(row)


def list_snapshots(conn: Connection, business_ids: Sequence[UUID]) -> dict[UUID, Snapshot]:
    """The latest snapshot of each business that has one."""
    return {row.business_id: _snapshot(row) for row in conn.execute(LATEST_OF_EACH, {"ids": list(business_ids)})}


def list_unscored(conn: Connection, business_ids: Sequence[UUID], definitions: str) -> list[UUID]:
    """Those businesses whose latest snapshot was not stored with its score, by these definitions."""
    return list(conn.scalars(UNSCORED, {"ids": list(business_ids), "basis": f"{definitions}:"}))


TABLE = FinancialMetricSnapshot
SNAPSHOT = select(
    TABLE.id,
    TABLE.business_id,
    TABLE.period_start,
    TABLE.period_end,
    TABLE.currency,
    TABLE.metrics_json,
    TABLE.computed_at,
)
LATEST = SNAPSHOT.where(TABLE.business_id == bindparam("business_id")).order_by(TABLE.period_end.desc()).limit(1)
# Looked up business by business, so that it costs the same however many days each has.
LATEST_OF_EACH = text(
    """
    select latest.*
    from unnest(:ids) as business(id)
    cross join lateral (
        select id, business_id, period_start, period_end, currency, metrics_json, computed_at
        from financial_metric_snapshots
        where business_id = business.id
        order by period_end desc
        limit 1
    ) as latest
    order by latest.business_id
    """
).bindparams(bindparam("ids", type_=ARRAY(PG_UUID)))
UNSCORED = text(
    """
    select business.id
    from unnest(:ids) as business(id)
    cross join lateral (
        select basis
        from financial_metric_snapshots
        where business_id = business.id
        order by period_end desc
        limit 1
    ) as latest
    where not coalesce(starts_with(latest.basis, :basis), false)
    order by business.id
    """
).bindparams(bindparam("ids", type_=ARRAY(PG_UUID)))


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(
        id=row.id,
        business_id=row.business_id,
        period_start=row.period_start,
        period_end=row.period_end,
        currency=row.currency,
        stored=row.metrics_json,
        computed_at=row.computed_at,
    )


def _columns(metrics: MetricSet) -> dict[str, Any]:
    stored = stored_metrics.to_json(metrics)
    average = metrics["average_transaction_size"].value
    return {
        "period_start": metrics.period_start,
        "period_end": metrics.period_end,
        "currency": metrics.currency,
        **{name: stored.get(name) for name in WHOLE_COLUMNS},
        **{name: _float(metrics[name].value) for name in RATIO_COLUMNS},
        "average_transaction_size_minor": _decimal(average) if isinstance(average, Fraction | int) else None,
        "metrics_json": stored,
    }


WHOLE_COLUMNS = (
    "revenue_total_minor",
    "revenue_trend",
    "chargeback_count",
    "refund_count",
    "transaction_count",
    "mrr_minor",
)
RATIO_COLUMNS = ("revenue_volatility", "chargeback_ratio", "refund_ratio", "payout_reliability")


def _float(value: Value | None) -> float | None:
    return None if value is None else float(value)


def _decimal(value: Fraction | int) -> str:
    """Six digits of a minor unit, rounded half-even."""
    return str(Decimal(round(Fraction(value) * 10**6)).scaleb(-6))
