"""SQL for the scores a business had."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from vaultra.db.models import ReadinessScore
from vaultra.db.readiness import COLUMNS
from vaultra.domain.readiness import StoredScore, TierKey

TABLE = ReadinessScore


@dataclass(frozen=True)
class DayScore:
    """The score with which a UTC day ended."""

    score: int
    tier: TierKey
    created_at: dt.datetime


def list_day_scores(conn: Connection, business_id: UUID, limit: int) -> list[DayScore]:
    """The last score of each of the latest days that have one, newest first."""
    rows = conn.execute(DAY_SCORES, {"business_id": business_id, "most": limit})
    return [DayScore(row.score, row.tier, row.created_at) for row in rows]


def find_score_at(conn: Connection, business_id: UUID, at: dt.datetime) -> StoredScore | None:
    """The score that stood at a time: the latest stored by then; None when there was none yet."""
    row = conn.execute(AT, {"business_id": business_id, "at": at}).one_or_none()
    return None if row is None else StoredScore(**row._mapping)


def find_first_score(conn: Connection, business_id: UUID) -> StoredScore | None:
    """The first score the business ever had; None without one."""
    row = conn.execute(FIRST, {"business_id": business_id}).one_or_none()
    return None if row is None else StoredScore(**row._mapping)


_OF_BUSINESS = TABLE.business_id == bindparam("business_id")
DAY_SCORES = (
    select(TABLE.score, TABLE.tier, TABLE.created_at)
    .where(_OF_BUSINESS)
    .distinct(TABLE.scored_on)
    .order_by(TABLE.scored_on.desc(), TABLE.created_at.desc())
    .limit(bindparam("most"))
)
AT = (
    select(*COLUMNS).where(_OF_BUSINESS, TABLE.created_at <= bindparam("at")).order_by(TABLE.created_at.desc()).limit(1)
)
FIRST = select(*COLUMNS).where(_OF_BUSINESS).order_by(TABLE.created_at).limit(1)
