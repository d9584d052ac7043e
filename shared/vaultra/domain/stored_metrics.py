"""The JSON in which a metric set is kept, and from which it is read back exactly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any
from uuid import UUID

from vaultra.domain.exact import exact
from vaultra.domain.metric_facts import CurrencyTotals, Unconverted
from vaultra.domain.metric_set import Bucket, Measure, MetricSet, Value
from vaultra.domain.metrics import METRICS, Metric
from vaultra.domain.money import exponent, to_number

UNKNOWN = "it was not computed yet"


@dataclass(frozen=True)
class Snapshot:
    """A metric set as it was stored; one per business and day, overwritten while the day lasts.

    `stored` is what `to_json` wrote.
    """

    id: UUID
    business_id: UUID
    period_start: dt.date
    period_end: dt.date
    currency: str | None
    stored: Mapping[str, Any]
    computed_at: dt.datetime

    @cached_property
    def metrics(self) -> MetricSet:
        """The metrics, exactly as they were computed."""
        return from_json(
            self.stored, period_start=self.period_start, period_end=self.period_end, currency=self.currency
        )


def stored_key(metric: Metric) -> str:
    """The metric's name in stored JSON; amounts say that they are minor units."""
    return f"{metric.key}_minor" if metric.unit == "money" else metric.key


STORED_KEYS = {metric.key: stored_key(metric) for metric in METRICS}


def to_json(metrics: MetricSet) -> dict[str, Any]:
    """All of a metric set but its period and currency.

    A metric that is a fraction stands under `exact`, because scores are decided on it; the others are numbers or words,
    null when not measured. Amounts are minor units.
    """
    values: dict[str, int | str | None] = {}
    fractions: dict[str, str] = {}
    for key, measure in metrics.measures.items():
        if isinstance(measure.value, Fraction):
            fractions[key] = str(measure.value)
        else:
            values[STORED_KEYS[key]] = measure.value
    return {
        **values,
        **notes(metrics),
        "exact": fractions,
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
    """The metric set that `to_json` wrote, of this release or an earlier one.

    A metric that is newer than the snapshot is not measured.
    """
    fractions, samples, reasons = stored["exact"], stored["samples"], stored["not_measured"]
    small = frozenset(stored["low_sample"])

    def measure(key: str, as_stored: str) -> Measure:
        value: Value | None = exact(fractions[key]) if key in fractions else stored.get(as_stored)
        return Measure(value, samples.get(key), reasons.get(key, UNKNOWN) if value is None else None, key in small)

    return MetricSet(
        period_start=period_start,
        period_end=period_end,
        currency=currency,
        measures={key: measure(key, as_stored) for key, as_stored in STORED_KEYS.items()},
        buckets=tuple(_bucket(bucket) for bucket in stored["buckets"]),
        by_currency=tuple(CurrencyTotals(**totals) for totals in stored["by_currency"]),
        unconverted=tuple(Unconverted(**item) for item in stored["unconverted"]),
        history_complete=stored["history_complete"],
    )


def as_read(snapshot: Snapshot) -> dict[str, Any]:
    """A stored set as people read it: every metric by its key, amounts in the major unit, and what it rests on.

    A metric is None when it is not measured, and so is an amount while the settlement currency is not known.
    """
    stored, currency = snapshot.stored, snapshot.currency
    fractions, reasons = stored["exact"], stored["not_measured"]
    unit = None if currency is None else 10 ** exponent(currency)

    def major(minor: int | None) -> float | None:
        return None if minor is None or unit is None else minor / unit

    def value(metric: Metric) -> int | float | str | None:
        if metric.unit != "money":
            return float(exact(fractions[metric.key])) if metric.key in fractions else stored.get(metric.key)
        if metric.key in fractions and currency is not None:
            return to_number(exact(fractions[metric.key]), currency)
        return major(stored.get(stored_key(metric)))

    values = {metric.key: value(metric) for metric in METRICS}
    newer = {
        metric.key: UNKNOWN for metric in METRICS if metric.key not in fractions and stored_key(metric) not in stored
    }
    return {
        **values,
        "samples": stored["samples"],
        "low_sample": stored["low_sample"],
        "not_measured": reasons | newer if newer else reasons,
        "unconverted": stored["unconverted"],
        "by_currency": {
            totals["currency"]: {
                "transaction_count": totals["charge_count"],
                "revenue": to_number(totals["captured_minor"], totals["currency"]),
                "settled": major(totals["settled_minor"]),
                "unconverted_count": totals["unconverted_count"],
            }
            for totals in stored["by_currency"]
        },
        "buckets": [
            {
                "period_start": bucket["first"],
                "period_end": bucket["last"],
                "revenue_total": major(bucket["revenue_minor"]),
                "net_volume": major(bucket["net_volume_minor"]),
                "transaction_count": bucket["transaction_count"],
                "chargeback_count": bucket["dispute_count"],
                "fraud_warnings": bucket["fraud_warning_count"],
            }
            for bucket in stored["buckets"]
        ],
        "history_complete": stored["history_complete"],
    }


def notes(metrics: MetricSet) -> dict[str, Any]:
    """What a reader has to know beside the values: `samples`, `low_sample`, and why some are `not_measured`."""
    measures = metrics.measures
    return {
        "samples": {key: m.sample for key, m in measures.items() if m.sample is not None},
        "low_sample": [key for key, m in measures.items() if m.low_sample],
        "not_measured": {key: m.reason for key, m in measures.items() if m.value is None},
    }


def _bucket(stored: Mapping[str, Any]) -> Bucket:
    first, last = dt.date.fromisoformat(stored["first"]), dt.date.fromisoformat(stored["last"])
    return Bucket(**{**stored, "first": first, "last": last})
