"""What owners and answers call the things that have numbers: one list, for understanding and for verifying."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from vaultra.domain.lender_criteria import CRITERIA
from vaultra.domain.metrics import METRICS
from vaultra.domain.readiness import RULES

SCORE, TIER, HISTORY = "score", "tier", "history_days"
# Not lenders that a sentence is about: Stripe is where everything comes from.
_NO_LENDERS = {"Stripe", "Lenders in general"}
REFUNDS = ("refund_volume_ratio", "refund_ratio", "refund_count")
DISPUTES = ("chargeback_ratio", "chargeback_count", "network_pressure")
REVENUE = ("revenue_total", "net_volume", "monthly_net_volume")

LENDERS = frozenset(f"lender:{one.lender}" for one in CRITERIA if one.lender not in _NO_LENDERS)

# What is measured, by everything that its names may mean; what they usually mean comes first.
_NAMES: Mapping[tuple[str, ...], str] = {
    (SCORE,): "score, readiness, rating, core metrics",
    (TIER, SCORE): "tier, band, level",
    ("revenue_trend", "revenue_slope"): "revenue trend, trend, growth, growing, shrinking",
    REVENUE: (
        "sales, income, turnover, sell, sold, earn, earned, takings, revenue, earnings, you made, i made, we made, "
        "i make, we make"
    ),
    ("monthly_net_volume", "net_volume", "revenue_total"): "volume",
    ("monthly_net_volume",): "monthly volume",
    ("net_volume", "monthly_net_volume"): "net volume",
    ("net_volume",): "net sales, net revenue",
    REFUNDS: "refund, refunded, refunds, given back, returns",
    ("refund_volume_ratio", "refund_ratio"): "refund rate",
    ("refund_ratio", "refund_volume_ratio"): "refund ratio",
    ("refund_volume_ratio",): "refund share",
    DISPUTES: "chargebacks, disputed, chargeback, charge back",
    ("chargeback_ratio", "chargeback_count", "network_pressure", "open_disputes", "dispute_win_rate"): "dispute",
    ("chargeback_ratio", "network_pressure"): "dispute rate, dispute ratio, dispute activity",
    ("chargeback_ratio",): "chargeback rate, charges disputed",
    ("open_disputes",): "open dispute, disputes open, unresolved dispute",
    ("dispute_win_rate",): "win rate, disputes won, disputes i won",
    ("fraud_warnings", "network_pressure"): "fraud warning, fraud",
    ("fraud_warnings",): "early fraud warning",
    ("payout_reliability",): "payout, on time payout, bank transfer",
    ("revenue_volatility",): (
        "volatility, stability, consistency, steadiness, how steady, how stable, stable, swings, consistent, "
        "steady"
    ),
    ("revenue_slope", "revenue_trend"): "growth rate",
    ("average_transaction_size",): (
        "average order, aov, average ticket, average sale, basket, order value, average payment, ticket size, "
        "average transaction, per order"
    ),
    ("transaction_count",): "order, transaction, payment, charge, number of sales, how many sales",
    ("mrr",): "mrr",
    ("mrr", "arr"): "recurring revenue, recurring",
    ("subscription_revenue_share", "mrr"): "subscription revenue",
    ("arr",): "arr, annual recurring, yearly recurring",
    ("active_subscribers", "subscriber_churn_rate", "arpu", "net_revenue_retention"): "subscriber",
    ("active_subscribers", "subscription_count", "subscription_revenue_share", "mrr"): "subscription",
    ("arpu",): "arpu, revenue per subscriber, per subscriber",
    ("subscriber_churn_rate",): (
        "churn, churn rate, cancel, cancelled, cancelling, canceled, churning, cancellations"
    ),
    ("net_revenue_retention", "subscriber_churn_rate"): "retention",
    ("net_revenue_retention",): "nrr, net retention",
    ("top_customer_share",): (
        "largest customer, biggest customer, top customer, main customer, one customer, single customer, "
        "concentration, best customer, largest payer"
    ),
    ("payer_count", "top_customer_share", "repeat_revenue_share"): "customer",
    ("payer_count", "top_customer_share", "identified_volume_share"): "payer",
    ("payer_count",): "clients, buyers",
    ("repeat_revenue_share",): (
        "repeat customer, returning customer, come back, coming back, loyal, repeat business, repeat revenue"
    ),
    ("repeat_revenue_share", "subscription_revenue_share", "subscriber_churn_rate"): "durable revenue",
    ("payment_failure_rate",): (
        "failed payment, payment failure, payment failed, payments failed, failure rate, declined, card declines, "
        "payments fail, declines"
    ),
    ("track_record", HISTORY): "track record",
    (HISTORY, "track_record"): "history",
    (HISTORY,): "been selling, been in business, how long have, processing history, first charge",
    ("active_weeks_ratio",): "active weeks, quiet weeks, weeks with sales",
    ("active_weeks_ratio", "longest_gap_days"): "continuity",
    ("longest_gap_days",): "gap, longest gap, without a sale, without sales",
    ("negative_balance_days",): "negative balance, below zero, overdrawn, negative day, balance negative",
    ("account_standing", "negative_balance_days"): "standing, account standing",
    ("account_standing",): "account status",
    ("network_pressure", "chargeback_ratio"): "card network",
    ("network_pressure", "chargeback_ratio", "fraud_warnings"): "network pressure",
    ("network_pressure",): "vamp",
}  # fmt: skip
PHRASES: Mapping[str, tuple[str, ...]] = {
    phrase: meanings for meanings, phrases in _NAMES.items() for phrase in phrases.split(", ")
}

# The rules of the score rest on metrics of another name.
RULE_METRICS: Mapping[str, tuple[str, ...]] = {
    "revenue_trend": ("revenue_trend", "revenue_slope"),
    "track_record": ("track_record", HISTORY),
    "scale": ("monthly_net_volume",),
    "continuity": ("active_weeks_ratio", "longest_gap_days"),
    "concentration": ("top_customer_share", "identified_volume_share"),
    "refunds": REFUNDS,
    "durable_revenue": ("repeat_revenue_share", "subscription_revenue_share", "subscriber_churn_rate"),
    "network_pressure": DISPUTES,
    "account_standing": ("account_standing", "negative_balance_days"),
}


@dataclass(frozen=True)
class Named:
    """A place in a text that names something; `subjects` is all that it may mean, the usual first."""

    phrase: str
    subjects: tuple[str, ...]
    start: int
    end: int


def named(text: str) -> list[Named]:
    """Everything a text names, in its order; of phrases within one another the longest: `refund rate`, not `rate`."""
    lowered = text.lower().replace("-", " ").replace("’", "'")
    return [
        Named(match[0], _BY_PHRASE[_singular(match[0])], match.start(), match.end())
        for match in _PATTERN.finditer(lowered)
    ]


def meant_by(rule_or_metric: str) -> frozenset[str]:
    """The subjects that a key of a rule or a metric stands for."""
    return frozenset({rule_or_metric, *RULE_METRICS.get(rule_or_metric, ())})


def lender_subject(lender: str) -> str:
    """The subject that a lender is: what it asks for is nobody else's."""
    return f"lender:{lender}"


@lru_cache(maxsize=4096)
def _singular(phrase: str) -> str:
    """A phrase as the list has it: the last word without a plural's ending, unless the list has the plural."""
    return phrase if phrase in _BY_PHRASE else phrase.removesuffix("s")


def _phrases() -> dict[str, tuple[str, ...]]:
    found = dict(PHRASES)
    for metric in METRICS:
        label = metric.label.lower().replace("-", " ")
        found[label] = tuple(dict.fromkeys((*found.get(label, ()), metric.key)))
    for rule in RULES:
        label = rule.label.lower()
        found[label] = tuple(dict.fromkeys((*found.get(label, ()), rule.key, *sorted(meant_by(rule.key)))))
    for subject in LENDERS:
        found[subject.removeprefix("lender:").lower()] = (subject,)
    return found


_BY_PHRASE = _phrases()
_PATTERN = re.compile(
    r"\b(?:" + "|".join(f"{re.escape(phrase)}s?" for phrase in sorted(_BY_PHRASE, key=len, reverse=True)) + r")\b"
)
