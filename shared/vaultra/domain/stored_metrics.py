"""The JSON in which a metric set is kept, and from which it is read back exactly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vaultra.domain.metric_facts import CurrencyTotals, Unconverted
from vaultra.domain.metric_set import Bucket, Measure, MetricSet, Value
from vaultra.domain.metrics import METRICS, Metric

UNKNOWN = "it was not computed yet"


def stored_key(metric: Metric) -> str:
    """The metric's name in stored JSON; amounts say that they are minor units."""
    return f"{metric.key}_minor" if metric.unit == "money" else metric.key


def to_json(metrics: MetricSet) -> dict[str, Any]:
    """All of a metric set but its period and currency.

    Every metric is a number or a word for readers; those that are fractions stand once more under `exact`,
    because scores are decided on those. Amounts are minor units.
    """
    measures = metrics.measures
    return {
        **{stored_key(metric): _readable(measures[metric.key].value) for metric in METRICS},
        **notes(metrics),
        "exact": {key: str(m.value) for key, m in measures.items() if isinstance(m.value, Fraction)},
        "unconverted": [item._asdict() for item in metrics.unconverted],
        "by_currency": [vars(totals) for totals in metrics.by_currency],
        "buckets": [
            {**vars(bucket), "first": bucket.first.isoformat(), "last": bucket.last.isoformat()}
            for bucket in metrics.buckets
        ],
        "history_complete": metrics.history_complete,
    }


def from_json(
    stored: Mapping[str, Any], *, period_start: dt.date, period_end: dt.date, currency: str | None
) -> MetricSet:
    """The metric set that `to_json` wrote; a metric that is newer than the snapshot is not measured."""
    exact, samples, reasons = stored["exact"], stored["samples"], stored["not_measured"]
    small = frozenset(stored["low_sample"])

    def measure(metric: Metric) -> Measure:
        key = metric.key
        value: Value | None = _exact(exact[key]) if key in exact else stored.get(stored_key(metric))
        return Measure(value, samples.get(key), reasons.get(key, UNKNOWN) if value is None else None, key in small)

    return MetricSet(
        period_start=period_start,
        period_end=period_end,
        currency=currency,
        measures={metric.key: measure(metric) for metric in METRICS},
        buckets=tuple(_bucket(bucket) for bucket in stored["buckets"]),
        by_currency=tuple(CurrencyTotals(**totals) for totals in stored["by_currency"]),
        unconverted=tuple(Unconverted(**item) for item in stored["unconverted"]),
        history_complete=stored["history_complete"],
    )


def notes(metrics: MetricSet) -> dict[str, Any]:
    """What a reader has to know beside the values: `samples`, `low_sample`, and why some are `not_measured`."""
    measures = metrics.measures
    return {
        "samples": {key: m.sample for key, m in measures.items() if m.sample is not None},
        "low_sample": [key for key, m in measures.items() if m.low_sample],
        "not_measured": {key: m.reason for key, m in measures.items() if m.value is None},
    }


def _bucket(stored: Mapping[str, Any]) -> Bucket:
    days = {name: dt.date.fromisoformat(stored[name]) for name in ("first", "last")}
    return Bucket(**{**stored, **days})


def _exact(stored: str) -> Fraction:
    # Several times as fast as letting Fraction read the text, and there are sixteen in a set.
    numerator, _, denominator = stored.partition("/")
    return Fraction(int(numerator), int(denominator or 1))


def _readable(value: Value | None) -> int | float | str | None:
    return float(value) if isinstance(value, Fraction) else value
