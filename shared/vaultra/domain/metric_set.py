"""The metrics of one business on one day: values, how much they rest on, and why one is not measured."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from vaultra.domain.metric_facts import CurrencyTotals, Unconverted

Value = int | Fraction | str


@dataclass(frozen=True)
class Measure:
    """One measured metric.

    Attributes:
        value: Exact; None when it is not measured. Money is in minor units of the set's currency.
        sample: How many things it rests on (charges, payouts, buckets, customers); None when that says nothing.
        reason: Why it is not measured; None when it is.
        low_sample: Whether the sample is small enough to be named beside the value.
    """

    value: Value | None = None
    sample: int | None = None
    reason: str | None = None
    low_sample: bool = False


@dataclass(frozen=True)
class Bucket:
    """Thirty complete days, both ends included; amounts in minor units of the settlement currency."""

    first: dt.date
    last: dt.date
    transaction_count: int = 0
    revenue_minor: int = 0
    net_volume_minor: int = 0
    dispute_count: int = 0
    fraud_warning_count: int = 0


@dataclass(frozen=True)
class MetricSet:
    """All metrics of one business on one day, in the order of the catalogue.

    Attributes:
        currency: The settlement currency of every amount; None while the account has not been read.
        buckets: The buckets that count, oldest first.
        history_complete: Whether the 24 months of history were there when it was computed.
    """

    period_start: dt.date
    period_end: dt.date
    currency: str | None
    measures: Mapping[str, Measure]
    buckets: tuple[Bucket, ...] = ()
    by_currency: tuple[CurrencyTotals, ...] = ()
    unconverted: tuple[Unconverted, ...] = ()
    history_complete: bool = False

    def __getitem__(self, key: str) -> Measure:
        return self.measures[key]

    def number(self, key: str) -> Fraction | None:
        """An exact number, or None when the metric is not measured; raises TypeError for a word."""
        value = self.measures[key].value
        if isinstance(value, str):
            raise TypeError(f"{key} is a word")
        return Fraction(value) if isinstance(value, int) else value

    def word(self, key: str) -> str | None:
        """A trend's or a state's name, or None when it is not measured; raises TypeError for a number."""
        value = self.measures[key].value
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{key} is a number")
        return value

    def with_values(self, changes: Mapping[str, Value]) -> MetricSet:
        """The same set with other values for some metrics; samples stay."""
        changed = {key: replace(self.measures[key], value=value, reason=None) for key, value in changes.items()}
        return replace(self, measures={**self.measures, **changed})

    @property
    def has_charges(self) -> bool:
        """Whether there ever was a charge; without one nothing is judged."""
        return self.measures["history_days"].value is not None
