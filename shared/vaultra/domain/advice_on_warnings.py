"""Advice before anything takes points, and when nothing does: one function per line of the catalogue."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from fractions import Fraction

from vaultra.domain.advice import Seen, Situation
from vaultra.domain.components import Component
from vaultra.domain.metric_set import Bucket, MetricSet
from vaultra.domain.money import format_money
from vaultra.domain.network_watch import Pressure, pressure_of, step_near
from vaultra.domain.period import BUCKET_DAYS
from vaultra.domain.readiness import TIERS
from vaultra.domain.thresholds import (
    EXCESSIVE_ACTIVITY,
    EXCESSIVE_NETWORK,
    LEAST_EVENTS,
    RELIABLE_PAYOUTS,
    SPREAD_SHARE,
)
from vaultra.domain.wording import counted, percent

# A lender's usual question begins at a quarter less than the month before.
REVENUE_DROP = Fraction(25, 100)
# Of fewer charges, one more or less is a large part.
LEAST_CHARGES_COMPARED = 10
MOST_NAMED = 3


def rising_disputes(situation: Situation) -> Seen | None:
    metrics, pressure = situation.metrics, pressure_of(situation.metrics)
    step = step_near(pressure)
    if step is None or not _rises(metrics, pressure):
        return None
    if situation.cost("network_pressure") or situation.cost("chargeback_ratio"):
        return None  # it takes points already, and another rule says so
    ratio = percent(step.ratio, beside=(step.at,))
    return Seen(
        f"In the last 30 days, {counted(pressure.disputes, 'dispute')} and "
        f"{counted(pressure.warnings, 'early fraud warning')} came upon {counted(pressure.charges, 'charge')}. "
        f"That is {ratio} and more than in the 30 days before; at {percent(step.at)}, {step.says}. Refund what an "
        "early fraud warning names, check the newest orders for a pattern, and answer every dispute in time.",
        worse=_at_next_limit(metrics, pressure),
    )


def _rises(metrics: MetricSet, pressure: Pressure) -> bool:
    """Whether more came upon each charge than in the last complete 30 days; so it is without such."""
    before = metrics.buckets[-1] if metrics.buckets else None
    if before is None or not before.transaction_count:
        return True
    return pressure.vamp > Pressure(before.transaction_count, before.dispute_count, before.fraud_warning_count).vamp


def _at_next_limit(metrics: MetricSet, pressure: Pressure) -> MetricSet:
    """The metrics once these 30 days are a complete period with as many disputes as the next limit that costs."""
    limit = EXCESSIVE_ACTIVITY if pressure.activity < EXCESSIVE_ACTIVITY else EXCESSIVE_NETWORK
    disputes = max(math.ceil(limit * pressure.charges), LEAST_EVENTS, pressure.disputes)
    period = Bucket(
        metrics.period_start,
        metrics.period_end,
        transaction_count=pressure.charges,
        dispute_count=disputes,
        fraud_warning_count=pressure.warnings,
    )
    return replace(metrics, buckets=(*metrics.buckets, period))


def failed_payout(situation: Situation) -> Seen | None:
    part = situation.component("payout_reliability")
    if not isinstance(part.value, Fraction) or part.value == 1 or part.points < 0:
        return None
    metrics = situation.metrics
    advice = (
        "Look at the late or failed ones in your Stripe dashboard and put right what they name, most often the bank "
        f"details: above {percent(RELIABLE_PAYOUTS)} in time, payouts add {counted(part.best_points, 'point')}."
    )
    if part.points > 0:
        return Seen(f"{part.sentence} {advice}", worse=metrics.with_values({"payout_reliability": RELIABLE_PAYOUTS}))
    return Seen(f"{part.sentence} {advice}", better=metrics.with_values({"payout_reliability": Fraction(1)}))


def revenue_drop(situation: Situation) -> Seen | None:
    metrics = situation.metrics
    if metrics.currency is None or len(metrics.buckets) < 2 or situation.cost("revenue_trend"):
        return None
    before, latest = metrics.buckets[-2:]
    if before.revenue_minor <= 0 or before.transaction_count < LEAST_CHARGES_COMPARED:
        return None
    drop = 1 - Fraction(latest.revenue_minor, before.revenue_minor)
    if drop <= REVENUE_DROP:
        return None
    now, then = (format_money(bucket.revenue_minor, metrics.currency) for bucket in (latest, before))
    return Seen(
        f"From {_day(latest.first)} to {_day(latest.last)}, revenue was {now}: "
        f"{percent(drop, beside=(REVENUE_DROP,))} less than the {then} of the {BUCKET_DAYS} days before. One such "
        "period is no trend yet. If it is the season, say so to a lender; if a customer or a product left, act now.",
        worse=metrics.with_values({"revenue_trend": "declining"}),
    )


def large_customer(situation: Situation) -> Seen | None:
    part = situation.component("concentration")
    if part.band != "tolerated":
        return None
    before = situation.earlier
    share = None if before is None else before.top_customer_share
    then = ""
    if before is not None and share is not None:
        then = f" On {_day(before.scored_on)}, it was {percent(Fraction(share).limit_denominator(10**6))}."
    return Seen(
        f"{part.sentence}{then} Many lending contracts ask about a customer above {percent(SPREAD_SHARE)}. More sales "
        "to the others bring the share down; there is no need to sell this one less.",
        better=situation.metrics.with_values({"top_customer_share": SPREAD_SHARE}),
    )


def stay_ready(situation: Situation) -> Seen | None:
    """To be asked only when no other rule has anything to say."""
    readiness = situation.readiness
    if not situation.metrics.has_charges:
        return None
    higher = [tier for tier in TIERS if tier.from_score > readiness.score]
    to_go = f" {higher[-1].label} begins at {higher[-1].from_score}." if higher else ""
    open_points = sorted(filter(_gain, readiness.components), key=_gain, reverse=True)
    named = ", ".join(f"{part.label} ({_gain(part)})" for part in open_points[:MOST_NAMED])
    still = f" What could still add points: {named}." if named else " There is no point left to win."
    return Seen(
        f"The score is {readiness.score}, {readiness.tier.label}, and nothing takes points.{to_go}{still} Keep "
        "answering disputes in time, keep the bank details current, and keep a sale in every week."
    )


def _gain(part: Component) -> int:
    return part.best_points - part.points


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"
