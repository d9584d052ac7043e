"""How the owner's numbers stand against published minimums: met or not, by how much, and from when on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from vaultra.domain.lender_criteria import CRITERIA, Bound, Criterion, Subject
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import Unit
from vaultra.domain.money import exponent, format_money
from vaultra.domain.period import BUCKET_DAYS, ONE_DAY
from vaultra.domain.reference_rates import USD_REFERENCE
from vaultra.domain.wording import day_in_words, percent

YEAR_DAYS = 365
# A trend says little about what is further away than the series it comes from.
FURTHEST_PERIODS = 6

Status = Literal["met", "not_met", "not_measured", "not_visible"]
UNITS: dict[Subject, Unit] = {
    "history_days": "days",
    "monthly_volume": "money",
    "yearly_volume": "money",
    "mrr": "money",
    "top_customer_share": "ratio",
    "dispute_ratio": "ratio",
    "negative_balance_days": "days",
    "outside_stripe": "count",
}
NAMES: dict[Subject, str] = {
    "history_days": "days since the first charge",
    "monthly_volume": "of net volume a month",
    "yearly_volume": "of net volume in the last twelve 30-day periods",
    "mrr": "of monthly recurring revenue",
    "top_customer_share": "from the largest customer in 180 days",
    "dispute_ratio": "of charges disputed in 30 days",
    "negative_balance_days": "days with a negative balance",
    "outside_stripe": "",
}
BOUNDS: dict[Bound, str] = {
    "at_least": "at least",
    "more_than": "more than",
    "at_most": "at most",
    "less_than": "less than",
}


@dataclass(frozen=True)
class Comparison:
    """One published minimum beside the owner's number.

    Attributes:
        value: The owner's number in the unit of the threshold: amounts in major units of `currency`. None if there is
            none.
        threshold: As the criterion has it.
        currency: The currency of both, where they are amounts.
        headroom: How far on the good side the value is; negative on the other.
        projected_on: When it will be met if what is measured goes on as it does; None where nothing tells.
        reason: Why it is not measured, or can't be.
    """

    criterion: Criterion
    status: Status
    unit: Unit
    value: Fraction | None
    currency: str | None
    headroom: Fraction | None
    projected_on: dt.date | None
    reason: str | None
    sentence: str


def compare(metrics: MetricSet, criteria: Iterable[Criterion] = CRITERIA) -> list[Comparison]:
    """All published minimums beside the owner's numbers, in the order of the list."""
    return [_compare(criterion, metrics) for criterion in criteria]


def _compare(criterion: Criterion, metrics: MetricSet) -> Comparison:
    unit = UNITS[criterion.subject]
    if criterion.threshold is None:
        reason = "it is not in Stripe's data"
        sentence = f"{criterion.lender}: {criterion.remark}. We can't tell, because {reason}."
        return Comparison(criterion, "not_visible", unit, None, None, None, None, reason, sentence)
    currency = (criterion.currency or metrics.currency) if unit == "money" else None
    asked = _asked(criterion, criterion.threshold, unit, currency)
    value, missing = _value(criterion, metrics)
    if value is None:
        sentence = f"{asked} Yours is not measured: {missing}."
        return Comparison(criterion, "not_measured", unit, None, currency, None, None, missing, sentence)
    higher_is_good = criterion.bound in ("at_least", "more_than")
    headroom = value - criterion.threshold if higher_is_good else criterion.threshold - value
    met = headroom > 0 or (headroom == 0 and criterion.bound in ("at_least", "at_most"))
    projected_on = None if met else _projected_on(criterion, metrics, value)
    sentence = f"{asked} Yours: {_in_words(value, unit, currency, criterion.threshold)}, so this is"
    if met:
        sentence += " met."
    elif projected_on is None:
        sentence += " not met."
    else:
        sentence += f" not met; if it goes on as it does, it is from {day_in_words(projected_on)} on."
    status: Status = "met" if met else "not_met"
    return Comparison(criterion, status, unit, value, currency, headroom, projected_on, None, sentence)


def _asked(criterion: Criterion, threshold: Fraction, unit: Unit, currency: str | None) -> str:
    remark = f" ({criterion.remark})" if criterion.remark else ""
    amount = _in_words(threshold, unit, currency, threshold).removesuffix(".00")
    return f"{criterion.lender}: {BOUNDS[criterion.bound]} {amount} {NAMES[criterion.subject]}{remark}."


def _value(criterion: Criterion, metrics: MetricSet) -> tuple[Fraction | None, str | None]:
    """The owner's number, or why there is none."""
    subject = criterion.subject
    if subject == "yearly_volume":
        return _yearly(criterion, metrics)
    key = {"monthly_volume": "monthly_net_volume", "dispute_ratio": "chargeback_ratio"}.get(subject, subject)
    value = metrics.number(key)
    if value is None:
        return None, metrics[key].reason or "it was not measured"
    return _in_currency(criterion, metrics, value) if UNITS[subject] == "money" else (value, None)


def _yearly(criterion: Criterion, metrics: MetricSet) -> tuple[Fraction | None, str | None]:
    year = metrics.buckets[-(YEAR_DAYS // BUCKET_DAYS) :]
    if not year:
        return None, f"there is no full {BUCKET_DAYS}-day period since the first charge"
    total = sum(bucket.net_volume_minor for bucket in year)
    return _in_currency(criterion, metrics, Fraction(total))


def _in_currency(criterion: Criterion, metrics: MetricSet, minor: Fraction) -> tuple[Fraction | None, str | None]:
    """An amount in major units of the criterion's currency, by the reference table where that is another one."""
    own = metrics.currency
    if own is None:
        return None, "the account's settlement currency is not known yet"
    major = minor / 10 ** exponent(own)
    wanted = criterion.currency or own
    if wanted == own:
        return major, None
    if own not in USD_REFERENCE or wanted not in USD_REFERENCE:
        return None, f"there is no reference rate for {own.upper()}"
    return major * Fraction(USD_REFERENCE[own]) / Fraction(USD_REFERENCE[wanted]), None


def _projected_on(criterion: Criterion, metrics: MetricSet, value: Fraction) -> dt.date | None:
    assert criterion.threshold is not None
    if criterion.subject == "history_days":
        return metrics.period_end + ONE_DAY * int(criterion.threshold - value)
    if criterion.subject != "monthly_volume" or metrics.word("revenue_trend") != "increasing":
        return None
    slope = metrics.number("revenue_slope")
    revenue = sorted(bucket.revenue_minor for bucket in metrics.buckets[-FURTHEST_PERIODS:])
    if not slope or not revenue or value <= 0:
        return None
    # The slope is a share of the median, so one step adds that share of the typical period.
    middle = Fraction(revenue[(len(revenue) - 1) // 2] + revenue[len(revenue) // 2], 2)
    step, _ = _in_currency(criterion, metrics, slope * middle)
    if step is None or step <= 0:
        return None
    periods = -(-(criterion.threshold - value) // step) or 1
    return metrics.period_end + ONE_DAY * int(periods) * BUCKET_DAYS if periods <= FURTHEST_PERIODS else None


def _in_words(value: Fraction, unit: Unit, currency: str | None, threshold: Fraction) -> str:
    if unit == "money" and currency is not None:
        # Rounded down, so that what is shown never looks like what is asked for.
        return format_money(value * 10 ** exponent(currency) // 1, currency)
    if unit == "ratio":
        return percent(value, beside=(threshold,))
    return f"{int(value):,}"
