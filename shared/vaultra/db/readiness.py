"""SQL for readiness scores: rows are added, never rewritten."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Connection, bindparam, select, text

from vaultra.db.models import ReadinessScore
from vaultra.domain.readiness import TREND_DAYS, TREND_TOLERANCE_DAYS, Readiness, StoredScore, kept_components

TABLE = ReadinessScore
COLUMNS = (
    TABLE.id,
    TABLE.business_id,
    TABLE.snapshot_id,
    TABLE.scored_on,
    TABLE.score,
    TABLE.tier,
    TABLE.seed_score,
    TABLE.confidence_low,
    TABLE.confidence_high,
    TABLE.provisional,
    TABLE.components,
    TABLE.formula_version,
    TABLE.created_at,
)


class DayReadiness(NamedTuple):
    """What the metrics of a business come to, as of the UTC day `scored_on`, its snapshot's last."""

    business_id: UUID
    scored_on: dt.date
    readiness: Readiness


def insert_scores(conn: Connection, scores: Iterable[DayReadiness], now: dt.datetime) -> int:
    """Add the scores that say something new; gives how many do.

    A score equal in everything to the latest of the same day adds no row.
    """
    rows = [_columns(*one) for one in scores]
    if not rows:
        return 0
    rows.sort(key=lambda row: str(row["business_id"]))
    return conn.execute(INSERT, {"rows": orjson.dumps(rows).decode(), "now": now}).rowcount


INSERT = text(
    """
    with new as (
        select * from jsonb_to_recordset(cast(:rows as jsonb)) as new(business_id uuid, scored_on date, score int,
            tier text, seed_score int, confidence_low int, confidence_high int, provisional bool, components jsonb,
            formula_version text)
    )
    insert into readiness_scores (business_id, snapshot_id, scored_on, score, tier, seed_score, confidence_low,
        confidence_high, provisional, components, formula_version, created_at)
    select new.business_id, snapshot.id, new.scored_on, score, tier, seed_score, confidence_low, confidence_high,
        provisional, components, formula_version, :now
    from new
    left join financial_metric_snapshots as snapshot
        on snapshot.business_id = new.business_id and snapshot.period_end = new.scored_on
    where not exists (
        select from (
            select * from readiness_scores as kept
            where kept.business_id = new.business_id
            order by kept.created_at desc
            limit 1
        ) as latest
        where (latest.scored_on, latest.score, latest.seed_score, latest.confidence_low, latest.confidence_high,
               latest.provisional, latest.components, latest.formula_version)
            = (new.scored_on, new.score, new.seed_score, new.confidence_low, new.confidence_high,
               new.provisional, new.components, new.formula_version)
    )
    """
)


def find_score(conn: Connection, business_id: UUID) -> tuple[StoredScore, int | None] | None:
    """The business's latest score, and the one that stood `TREND_DAYS` before it; None before the first.

    That is the last one of that day or of the six days before it; None without one.
    """
    row = conn.execute(LATEST, {"business_id": business_id}).one_or_none()
    if row is None:
        return None
    *score, earlier = row
    return StoredScore(**dict(zip(NAMES, score, strict=True))), earlier


NAMES = [column.key for column in COLUMNS]
_LATEST = (
    select(*COLUMNS)
    .where(TABLE.business_id == bindparam("business_id"))
    .order_by(TABLE.created_at.desc())
    .limit(1)
    .subquery()
)
_EARLIER_DAY = _LATEST.c.scored_on - TREND_DAYS
_EARLIER = (
    select(TABLE.score)
    .where(
        TABLE.business_id == _LATEST.c.business_id,
        TABLE.scored_on.between(_EARLIER_DAY - TREND_TOLERANCE_DAYS, _EARLIER_DAY),
        # Says the same, a day more on either side, in the order of the index.
        TABLE.created_at < _LATEST.c.created_at - dt.timedelta(days=TREND_DAYS - 2),
        TABLE.created_at > _LATEST.c.created_at - dt.timedelta(days=TREND_DAYS + TREND_TOLERANCE_DAYS + 2),
    )
    .order_by(TABLE.scored_on.desc(), TABLE.created_at.desc())
    .limit(1)
    .scalar_subquery()
)
LATEST = select(_LATEST, _EARLIER)


def _columns(business_id: UUID, scored_on: dt.date, readiness: Readiness) -> dict[str, Any]:
    return {
        "business_id": business_id,
        "scored_on": scored_on,
        "score": readiness.score,
        "tier": readiness.tier.key,
        "seed_score": readiness.seed_score,
        "confidence_low": readiness.confidence_low,
        "confidence_high": readiness.confidence_high,
        "provisional": readiness.provisional,
        "components": kept_components(readiness),
        "formula_version": readiness.formula_version,
    }
