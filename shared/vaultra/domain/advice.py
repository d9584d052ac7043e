"""What advice is made of: what a rule looks at, what it has seen, and how many points hang on that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from vaultra.domain.components import Component
from vaultra.domain.metric_set import Bucket, MetricSet
from vaultra.domain.metrics import METRICS
from vaultra.domain.money import to_number
from vaultra.domain.readiness import Readiness, score
from vaultra.domain.recommendations import Priority
from vaultra.domain.reference_rates import usd_cents
from vaultra.domain.thresholds import (
    ERRATIC_VOLATILITY,
    EXCESSIVE_ACTIVITY,
    EXCESSIVE_NETWORK,
    HIGH_CHARGEBACKS,
    HIGH_REFUNDS,
    LEAST_EVENTS,
    LEAST_MONTHLY_USD_CENTS,
    LEAST_RECORD,
    MANY_NEGATIVE_DAYS,
    PATCHY_WEEKS,
    POOR_CHURN,
    PRESSURE_BUCKETS,
    STOP_DAYS,
    TOLERATED_SHARE,
    UNRELIABLE_PAYOUTS,
)

Category = Literal["account", "cash-flow", "chargebacks", "customers", "readiness", "revenue"]
MONEY_METRICS = frozenset(metric.key for metric in METRICS if metric.unit == "money")

# From how many points on something is urgent, and from how many it is worth a thought.
HIGH_ABOVE = 10
MEDIUM_FROM = 5


@dataclass(frozen=True)
class Earlier:
    """How the business stood about 30 days ago; `top_customer_share` is None where it was not measured."""

    scored_on: dt.date
    score: int
    top_customer_share: float | None


@dataclass(frozen=True)
class Situation:
    """What a rule looks at; `earlier` is None without a score about 30 days ago."""

    metrics: MetricSet
    readiness: Readiness
    earlier: Earlier | None = None

    def component(self, key: str) -> Component:
        """One rule's part in the score."""
        return next(part for part in self.readiness.components if part.key == key)

    def cost(self, key: str) -> Component | None:
        """The same, when it takes points."""
        part = self.component(key)
        return part if part.points < 0 else None


@dataclass(frozen=True)
class Seen:
    """What a rule has seen.

    Attributes:
        description: Plain words with the business's own numbers.
        better, worse: The metrics that following, or not following, would lead to; None means those of now.
    """

    description: str
    better: MetricSet | None = None
    worse: MetricSet | None = None


@dataclass(frozen=True)
class AdviceRule:
    """One line of the catalogue.

    Attributes:
        key: Never changes: two recommendations of the same key are about the same thing.
        article: The file in knowledge/ that explains how, without its ending.
        metric_refs: The keys of the metrics it rests on.
        look: What it sees in a situation; None when there is nothing to say.
    """

    key: str
    title: str
    category: Category
    article: str
    metric_refs: tuple[str, ...]
    look: Callable[[Situation], Seen | None]


@dataclass(frozen=True)
class Advice:
    """What a rule says about a business now. `estimated_impact` is in points of the score."""

    rule_key: str
    title: str
    description: str
    priority: Priority
    category: Category
    estimated_impact: int
    metric_refs: tuple[str, ...]
    article: str


def advice_of(rule: AdviceRule, seen: Seen, situation: Situation) -> Advice:
    """What was seen, weighed by the engine.

    The impact is the difference of the scores. The priority goes by the points themselves, because a score that
    is at its end (0 or 100) hides how much is at stake.
    """
    now = situation.readiness
    better = now if seen.better is None else score(seen.better)
    worse = now if seen.worse is None else score(seen.worse)
    return Advice(
        rule_key=rule.key,
        title=rule.title,
        description=seen.description,
        priority=priority_of(_points(better) - _points(worse)),
        category=rule.category,
        estimated_impact=better.score - worse.score,
        metric_refs=rule.metric_refs,
        article=rule.article,
    )


def priority_of(points_at_stake: int) -> Priority:
    """High above 10 points, medium from 5 on, low below."""
    if points_at_stake > HIGH_ABOVE:
        return Priority.HIGH
    return Priority.MEDIUM if points_at_stake >= MEDIUM_FROM else Priority.LOW


def evidence_of(situation: Situation, metric_refs: tuple[str, ...]) -> dict[str, Any]:
    """The score and these metrics as readers are shown them: amounts in major units, None where not measured."""
    metrics = situation.metrics
    return {
        "score": situation.readiness.score,
        "currency": metrics.currency,
        # A recommendation may be older than the catalogue of metrics.
        "metrics": {key: _readable(metrics, key) for key in metric_refs if key in metrics.measures},
    }


def _points(readiness: Readiness) -> int:
    return sum(component.points for component in readiness.components)


def _readable(metrics: MetricSet, key: str) -> float | int | str | None:
    value = metrics[key].value
    if key in MONEY_METRICS and isinstance(value, int | Fraction):
        return None if metrics.currency is None else to_number(value, metrics.currency)
    return float(value) if isinstance(value, Fraction) else value


# --- what would end a loss -----------------------------------------------------------------


def without_loss(metrics: MetricSet, key: str) -> MetricSet:
    """The metrics at the bound where the score's rule `key`, which takes points now, no longer does."""
    return LIFTS[key](metrics)


def _to(key: str, value: int | Fraction | str) -> Callable[[MetricSet], MetricSet]:
    return lambda metrics: metrics.with_values({key: value})


def _least_volume(metrics: MetricSet) -> MetricSet:
    least = least_volume_minor(metrics)
    return metrics if least is None else metrics.with_values({"monthly_net_volume": least})


def least_volume_minor(metrics: MetricSet) -> Fraction | None:
    """The monthly volume that is enough, in minor units of its currency; None where that has no reference rate."""
    unit = None if metrics.currency is None else usd_cents(Fraction(1), metrics.currency)
    return None if unit is None else LEAST_MONTHLY_USD_CENTS / unit


def _unbroken(metrics: MetricSet) -> MetricSet:
    share, gap = metrics.number("active_weeks_ratio") or Fraction(0), metrics.number("longest_gap_days") or Fraction(0)
    return metrics.with_values(
        {"active_weeks_ratio": max(share, PATCHY_WEEKS), "longest_gap_days": min(gap, Fraction(STOP_DAYS))}
    )


def _in_good_standing(metrics: MetricSet) -> MetricSet:
    days = metrics.number("negative_balance_days")
    changes: dict[str, int | Fraction | str] = {"account_standing": "good"}
    if days is not None:
        changes["negative_balance_days"] = min(days, Fraction(MANY_NEGATIVE_DAYS - 1))
    return metrics.with_values(changes)


def most_below(threshold: Fraction, charges: int) -> int:
    """The most events that stay below a network's threshold, or too few for it to look at."""
    below = -(-threshold.numerator * charges // threshold.denominator) - 1
    return max(below, LEAST_EVENTS - 1)


def _below_the_networks(metrics: MetricSet) -> MetricSet:
    latest = tuple(map(_calmer, metrics.buckets[-PRESSURE_BUCKETS:]))
    return replace(metrics, buckets=(*metrics.buckets[:-PRESSURE_BUCKETS], *latest))


def _calmer(bucket: Bucket) -> Bucket:
    disputes = min(bucket.dispute_count, most_below(EXCESSIVE_ACTIVITY, bucket.transaction_count))
    warnings = max(most_below(EXCESSIVE_NETWORK, bucket.transaction_count) - disputes, 0)
    return replace(bucket, dispute_count=disputes, fraud_warning_count=min(bucket.fraud_warning_count, warnings))


# By the key of the score's rule. The new value is the bound itself: the least that has to change.
LIFTS: Mapping[str, Callable[[MetricSet], MetricSet]] = {
    "revenue_trend": _to("revenue_trend", "stable"),
    "revenue_volatility": _to("revenue_volatility", ERRATIC_VOLATILITY),
    "chargeback_ratio": _to("chargeback_ratio", HIGH_CHARGEBACKS),
    "payout_reliability": _to("payout_reliability", UNRELIABLE_PAYOUTS),
    "track_record": _to("track_record", LEAST_RECORD),
    "scale": _least_volume,
    "continuity": _unbroken,
    "concentration": _to("top_customer_share", TOLERATED_SHARE),
    "refunds": _to("refund_volume_ratio", HIGH_REFUNDS),
    "durable_revenue": _to("subscriber_churn_rate", POOR_CHURN),
    "network_pressure": _below_the_networks,
    "account_standing": _in_good_standing,
}
