"""What the score would be with other metrics; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, get_args

from vaultra.domain.metric_set import Measure, MetricSet, Value
from vaultra.domain.metrics import METRICS, Metric, Unit
from vaultra.domain.money import to_minor
from vaultra.domain.readiness import Readiness, score
from vaultra.domain.series import Direction
from vaultra.errors import Unprocessable

WORDS: Mapping[Unit, tuple[str, ...]] = {
    "trend": tuple(sorted(get_args(Direction))),
    "state": ("disabled", "good", "past_due"),
}


class Range(NamedTuple):
    """The values a number may take, both ends included."""

    least: int
    most: int


# Wide enough for every real business, and narrow enough to stay exact.
RANGES: Mapping[Unit, Range] = {
    "money": Range(-(10**12), 10**12),
    "ratio": Range(0, 1),
    "count": Range(0, 10**9),
    "days": Range(0, 10**5),
}
# Ratios that are no shares: they may pass one, and a change may be negative.
MORE_THAN_SHARES: Mapping[str, Range] = {
    "revenue_volatility": Range(0, 10),
    "revenue_slope": Range(-10, 10),
    "net_revenue_retention": Range(0, 100),
    "chargeback_ratio": Range(0, 100),
    "refund_ratio": Range(0, 100),
    "refund_volume_ratio": Range(0, 100),
}
BY_KEY = {metric.key: metric for metric in METRICS}


def simulate(metrics: MetricSet, changes: Mapping[str, Decimal | str]) -> Readiness:
    """The score with some metrics changed and all others as they are.

    A metric that rests on nothing yet is taken to rest on one thing; a rule that needs more stays not measured.

    Args:
        changes: New values by metric: amounts in major units of the set's currency, ratios as fractions.

    Raises:
        Unprocessable: an unknown metric, a word for a number or the reverse, or a value out of its range.
    """
    measures = {key: _changed(metrics, key, value) for key, value in changes.items()}
    return score(replace(metrics, measures={**metrics.measures, **measures}))


def _changed(metrics: MetricSet, key: str, given: Decimal | str) -> Measure:
    metric = BY_KEY.get(key)
    if metric is None:
        raise _refused(key, "there is no such metric; see /metrics/definitions")
    known = metrics[key]
    sample = 1 if known.sample == 0 else known.sample
    return replace(known, value=_value(metrics, metric, given), sample=sample, reason=None)


def _value(metrics: MetricSet, metric: Metric, given: Decimal | str) -> Value:
    words = WORDS.get(metric.unit)
    if words is not None:
        if given not in words:
            raise _refused(metric.key, f"must be one of {', '.join(words)}")
        return str(given)
    if isinstance(given, str):
        raise _refused(metric.key, "must be a number")
    least, most = MORE_THAN_SHARES.get(metric.key, RANGES[metric.unit])
    if not least <= given <= most:
        raise _refused(metric.key, f"must be from {least:,} to {most:,}")
    if metric.unit in ("count", "days"):
        if given != int(given):
            raise _refused(metric.key, "must be a whole number")
        return int(given)
    if metric.unit == "ratio":
        return Fraction(given)
    if metrics.currency is None:
        raise _refused(metric.key, "the account's currency is not known yet")
    return to_minor(given, metrics.currency)


def _refused(key: str, reason: str) -> Unprocessable:
    field = f"changes.{key}"
    return Unprocessable(f"{field} {reason}", details={"field": field, "reason": reason})
