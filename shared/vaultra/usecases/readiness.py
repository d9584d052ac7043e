"""Readiness: turning the latest metrics into an explained score, and reading it with its trend."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import metrics, readiness
from vaultra.domain.readiness import ScoreTrend, StoredScore, score, trend_between
from vaultra.errors import NoData

# Metric sets that are in memory at once; of many more, the garbage collector would take a sixth of the time.
AT_ONCE = 50


@dataclass(frozen=True)
class CurrentReadiness:
    """The latest score; `trend` is improving, stable or declining against 30 days ago, None without a score then."""

    latest: StoredScore
    trend: ScoreTrend | None


def compute(conn: Connection, business_ids: Sequence[UUID], now: dt.datetime) -> list[UUID]:
    """Score the latest metrics of these businesses; gives those whose score says something new."""
    businesses = metrics.lock_businesses(conn, business_ids)
    changed: list[UUID] = []
    for start in range(0, len(businesses), AT_ONCE):
        snapshots = metrics.list_snapshots(conn, businesses[start : start + AT_ONCE]).values()
        changed += readiness.insert_scores(conn, [(snapshot, score(snapshot.metrics)) for snapshot in snapshots], now)
    return changed


def current(conn: Connection, business_id: UUID) -> CurrentReadiness:
    """The business's score as it stands; raises `NoData` before the first."""
    found = readiness.find_score(conn, business_id)
    if found is None:
        raise NoData("There is no score yet. Connect Stripe, and it appears within minutes.")
    latest, earlier = found
    return CurrentReadiness(latest=latest, trend=trend_between(earlier, latest.score))
