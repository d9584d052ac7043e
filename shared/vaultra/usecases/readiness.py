"""Readiness: turning metrics into an explained score, and reading it with its trend."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import metrics, readiness
from vaultra.db.readiness import DayReadiness
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import METRICS_VERSION
from vaultra.domain.readiness import FORMULA_VERSION, ScoreTrend, StoredScore, score, trend_between
from vaultra.errors import NoData

# Metric sets that are in memory at once; of many more, the garbage collector would take a sixth of the time.
AT_ONCE = 50
# A snapshot whose basis begins so was stored together with its score.
DEFINITIONS = f"scored:{METRICS_VERSION}.{FORMULA_VERSION}"


@dataclass(frozen=True)
class CurrentReadiness:
    """The latest score; `trend` is improving, stable or declining against 30 days ago, None without a score then."""

    latest: StoredScore
    trend: ScoreTrend | None


def keep(conn: Connection, computed: Mapping[UUID, MetricSet], now: dt.datetime) -> int:
    """Score metrics that are stored in this transaction; gives how many scores say something new."""
    scores = [DayReadiness(business_id, one.period_end, score(one)) for business_id, one in computed.items()]
    return readiness.insert_scores(conn, scores, now)


def compute(conn: Connection, business_ids: Sequence[UUID], now: dt.datetime) -> int:
    """Score the latest metrics of these businesses that have no score of their own yet; gives how many are news.

    Metrics come with their score (`keep`); those of an earlier release, or of another formula, come without.
    """
    businesses = metrics.lock_businesses(conn, business_ids)
    unscored = metrics.list_unscored(conn, businesses, DEFINITIONS)
    changed = 0
    for start in range(0, len(unscored), AT_ONCE):
        snapshots = metrics.list_snapshots(conn, unscored[start : start + AT_ONCE])
        changed += keep(conn, {key: snapshot.metrics for key, snapshot in snapshots.items()}, now)
    return changed


def current(conn: Connection, business_id: UUID) -> CurrentReadiness:
    """The business's score as it stands; raises `NoData` before the first."""
    found = readiness.find_score(conn, business_id)
    if found is None:
        raise NoData("There is no score yet. Connect Stripe, and it appears within minutes.")
    latest, earlier = found
    return CurrentReadiness(latest=latest, trend=trend_between(earlier, latest.score))
