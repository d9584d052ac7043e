"""Reading “what if refunds went down to 2 percent” as new values of metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from vaultra.domain.figures import Figure, figures
from vaultra.domain.metrics import METRICS
from vaultra.domain.subjects import named

_UNITS = {metric.key: metric.unit for metric in METRICS}
# What the score looks at, of all that a word may mean; the other names of the same thing are no levers.
LEVERS: Mapping[str, str] = {
    "refund_volume_ratio": "refund_volume_ratio", "refund_ratio": "refund_volume_ratio",
    "refund_count": "refund_volume_ratio", "chargeback_ratio": "chargeback_ratio",
    "chargeback_count": "chargeback_ratio",
    "revenue_total": "monthly_net_volume", "net_volume": "monthly_net_volume",
    "monthly_net_volume": "monthly_net_volume", "payout_reliability": "payout_reliability",
    "revenue_volatility": "revenue_volatility", "top_customer_share": "top_customer_share",
    "repeat_revenue_share": "repeat_revenue_share", "subscriber_churn_rate": "subscriber_churn_rate",
    "negative_balance_days": "negative_balance_days", "track_record": "track_record",
    "longest_gap_days": "longest_gap_days", "active_weeks_ratio": "active_weeks_ratio", "history_days": "track_record",
}  # fmt: skip
_ASKS = re.compile(
    r"\b(?:what if|if (?:i|we|my|our|the|there|all|refunds?|disputes?|chargebacks?|revenue|sales|payouts?|churn|no)|"
    r"suppose|imagine|assum\w+|simulate|would (?:my|the|our) score|score (?:would|if|be)|what would|say (?:my|i|we))\b"
)
_BY = re.compile(r"\b(?:by|another)\s*$")
_HALF = re.compile(r"\b(?:in half|by half|halve[ds]?|half as (?:many|much))\b")
_TWICE = re.compile(r"\b(?:double[ds]?|twice as (?:many|much))\b")
_NONE = re.compile(
    r"\b(?:no (?:more )?(?:refunds?|disputes?|chargebacks?|churn)|stop(?:ped)? refunding|zero|without any)\b"
)
_DOWN = re.compile(r"\b(?:cut|lower|reduc\w+|less|fewer|drop\w*|decreas\w+|fell|fall|down)\b")
_GREW = re.compile(r"\b(?:grew|grow\w*|ris(?:e|es|ing)|rose|increasing|growth)\b")
_FELL = re.compile(r"\b(?:fell|fall\w*|declin\w+|shrink\w*|shrank|dropp\w+)\b")


@dataclass(frozen=True)
class Wish:
    """One metric that shall be another.

    Attributes:
        value: The new value, ratios as fractions; a word for a trend. None where only `factor` is told.
        factor: What the present value is to be multiplied by; None where the value is told.
    """

    metric: str
    value: Fraction | str | None = None
    factor: Fraction | None = None


def asks_what_if(question: str) -> bool:
    """Whether a tidied question is about something that is not so."""
    return _ASKS.search(question) is not None


def wishes(question: str) -> list[Wish]:
    """What a tidied question supposes, in its order; empty where nothing of it can be worked out."""
    levers = [
        (name, lever)
        for name in named(question)
        if (lever := next((LEVERS[key] for key in name.subjects if key in LEVERS), None))
    ]
    numbers = [figure for figure in figures(question) if figure.unit in ("percent", "money", "plain", "days", "months")]
    found: dict[str, Wish] = {}
    for name, lever in levers:
        behind = next((figure for figure in numbers if figure.start >= name.end), None)
        in_front = next((figure for figure in reversed(numbers) if figure.end <= name.start), None)
        wish = _wish(lever, behind or in_front, question)
        if wish is not None and lever not in found:
            found[lever] = wish
    if not found and "revenue_trend" in {key for name in named(question) for key in name.subjects}:
        return _trend(question)
    return list(found.values()) or (_trend(question) if levers else [])


def _trend(question: str) -> list[Wish]:
    if _GREW.search(question):
        return [Wish("revenue_trend", "increasing")]
    return [Wish("revenue_trend", "declining")] if _FELL.search(question) else []


def _wish(metric: str, figure: Figure | None, question: str) -> Wish | None:
    if figure is None:
        if _NONE.search(question):
            return Wish(metric, Fraction(0))
        if _HALF.search(question):
            return Wish(metric, factor=Fraction(1, 2))
        return Wish(metric, factor=Fraction(2)) if _TWICE.search(question) else None
    if figure.unit == "percent" and _BY.search(question[: figure.start]):
        share = abs(figure.value) / 100
        return Wish(metric, factor=1 - share if _DOWN.search(question) else 1 + share)
    unit = _UNITS[metric]
    if unit == "ratio":
        if figure.unit == "percent":
            return Wish(metric, abs(figure.value) / 100)
        return Wish(metric, figure.value) if figure.unit == "plain" and 0 <= figure.value < 1 else None
    if unit == "money":
        return Wish(metric, figure.value) if figure.unit in ("money", "plain") else None
    return Wish(metric, figure.value) if figure.value.denominator == 1 else None
