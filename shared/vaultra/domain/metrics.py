"""Every metric there is, on one page, and the one function that computes them all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from vaultra.domain import measures
from vaultra.domain.measures import Reading
from vaultra.domain.metric_facts import MetricFacts, Unconverted
from vaultra.domain.metric_set import Measure, MetricSet

Unit = Literal["money", "ratio", "count", "days", "trend", "state"]

# Changes whenever the same facts could give other metrics: until the day's end an hour in which nothing happened
# does not compute them anew.
METRICS_VERSION = "1"

# Below these a ratio moves by a whole point or more with a single event.
LOW_CHARGES = 100
LOW_PAYOUTS = 10


@dataclass(frozen=True)
class Metric:
    """One line of the catalogue.

    Attributes:
        meaning: What it tells the owner, in one sentence.
        formula: How it is computed, in words.
        source: The stored objects it is computed from.
        measure: The function that takes it from the facts.
        low_sample_below: A smaller sample is marked; None when the sample is no matter.
    """

    key: str
    label: str
    unit: Unit
    meaning: str
    formula: str
    source: str
    measure: Callable[[Reading], Measure]
    low_sample_below: int | None = None


# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("revenue_total", "Revenue", "money", "What customers paid in the last 30 days.",
           "sum of the captured amounts of succeeded charges", "charges", measures.revenue_total),
    Metric("transaction_count", "Charges", "count", "How many payments succeeded in the last 30 days.",
           "number of succeeded and captured charges", "charges", measures.transaction_count),
    Metric("average_transaction_size", "Average charge", "money",
           "What a payment brought on average in the last 30 days.",
           "revenue ÷ charges, last 30 days", "charges", measures.average_transaction_size),
    Metric("revenue_volatility", "Revenue volatility", "ratio",
           "How far revenue swung around its mean over the last six 30-day periods.",
           "sample standard deviation ÷ mean of up to six full 30-day periods, empty ones included",
           "charges", measures.revenue_volatility),
    Metric("revenue_trend", "Revenue trend", "trend",
           "Whether revenue rose, fell or stayed level over the last six 30-day periods.",
           "Theil–Sen slope of up to six full 30-day periods, guarded by Mann–Kendall's S", "charges",
           measures.revenue_trend),
    Metric("chargeback_count", "Chargebacks", "count", "Payments disputed in the last 30 days, whatever came of them.",
           "disputes by the day they began to count; inquiries and prevented ones left out", "disputes",
           measures.chargeback_count),
    Metric("chargeback_ratio", "Chargeback ratio", "ratio", "Chargebacks for each charge of the last 30 days.",
           "chargebacks ÷ charges, by count", "disputes, charges", measures.chargeback_ratio, LOW_CHARGES),
    Metric("refund_count", "Refunds", "count", "Refunds that went through in the last 30 days.",
           "number of succeeded refunds", "refunds", measures.refund_count),
    Metric("refund_ratio", "Refund ratio", "ratio", "Refunds for each charge of the last 30 days.",
           "refunds ÷ charges, by count", "refunds, charges", measures.refund_ratio, LOW_CHARGES),
    Metric("payout_reliability", "Payout reliability", "ratio",
           "The share of the last 90 days' payouts that reached the bank in time.",
           "payouts paid by one business day after arrival and not taken back ÷ payouts settled or overdue, 90 days",
           "payouts, payout events", measures.payout_reliability, LOW_PAYOUTS),
    Metric("mrr", "Monthly recurring revenue", "money", "What today's subscriptions bring a month.",
           "price × quantity of paying subscriptions per month, less lasting discounts", "subscriptions, customers",
           measures.mrr),
    Metric("net_volume", "Net volume", "money", "Revenue of the last 30 days less what went back in them.",
           "revenue − refunds − dispute withdrawals + reinstatements", "charges, refunds, disputes",
           measures.net_volume),
    Metric("revenue_slope", "Revenue change per period", "ratio",
           "How much revenue typically changed from one 30-day period to the next, over the last six.",
           "Theil–Sen slope ÷ median of up to six full 30-day periods", "charges", measures.revenue_slope),
    Metric("arr", "Annual recurring revenue", "money", "A year at today's monthly recurring revenue.",
           "12 × monthly recurring revenue", "subscriptions", measures.arr),
    Metric("active_subscribers", "Active subscribers", "count", "Customers who bring recurring revenue now.",
           "customers with monthly recurring revenue", "subscriptions", measures.active_subscribers),
    Metric("arpu", "Revenue per subscriber", "money", "What a subscriber brings a month on average.",
           "monthly recurring revenue ÷ active subscribers", "subscriptions", measures.arpu),
    Metric("subscriber_churn_rate", "Subscriber churn", "ratio",
           "The share of the subscribers of 30 days ago who are gone.",
           "customers with recurring revenue 30 days ago and none now ÷ customers with it then", "subscriptions",
           measures.subscriber_churn_rate),
    Metric("net_revenue_retention", "Net revenue retention", "ratio",
           "What the subscribers of 30 days ago bring now, against what they brought then.",
           "their recurring revenue now ÷ then, at today's prices", "subscriptions", measures.net_revenue_retention),
    Metric("open_disputes", "Open disputes", "count", "Disputes that wait for an answer or a decision.",
           "disputes that need a response or are under review", "disputes", measures.open_disputes),
    Metric("dispute_win_rate", "Dispute win rate", "ratio",
           "The share of the last 365 days' decided disputes that were won.",
           "won ÷ (won + lost), created in the last 365 days", "disputes", measures.dispute_win_rate),
    Metric("fraud_warnings", "Fraud warnings", "count", "Early fraud warnings of the last 30 days.",
           "number of early fraud warnings", "early fraud warnings", measures.fraud_warnings),
    Metric("top_customer_share", "Largest customer", "ratio",
           "The largest payer's share of the revenue of the last 180 days.",
           "captured volume of the largest payer ÷ all, 180 days, refunds ignored", "charges",
           measures.top_customer_share, LOW_CHARGES),
    Metric("identified_volume_share", "Volume with a known payer", "ratio",
           "How much of the revenue of the last 180 days tells who paid it.",
           "captured volume with a customer or a card fingerprint ÷ all, 180 days", "charges",
           measures.identified_volume_share, LOW_CHARGES),
    Metric("payer_count", "Payers", "count", "How many different customers paid in the last 180 days.",
           "customers, else card fingerprints", "charges", measures.payer_count),
    Metric("repeat_revenue_share", "Returning customers", "ratio",
           "How much of the revenue of the last 180 days came from customers who came back.",
           "captured volume of payers with a charge at least 30 days before ÷ all, 180 days", "charges",
           measures.repeat_revenue_share, LOW_CHARGES),
    Metric("subscription_revenue_share", "Subscription revenue", "ratio",
           "How much of the revenue of the last 180 days paid for subscriptions.",
           "captured volume of charges that paid a subscription's invoice ÷ all, 180 days", "charges, invoices",
           measures.subscription_revenue_share, LOW_CHARGES),
    Metric("refund_volume_ratio", "Refunded share", "ratio",
           "How much of the revenue of the last 90 days was given back.",
           "succeeded refunds ÷ captured volume, by value, 90 days", "refunds, charges",
           measures.refund_volume_ratio, LOW_CHARGES),
    Metric("payment_failure_rate", "Payment failures", "ratio",
           "The share of the last 30 days' payment attempts that failed.",
           "failed ÷ (failed + succeeded) charges, last 30 days", "charges", measures.payment_failure_rate,
           LOW_CHARGES),
    Metric("track_record", "Track record", "count", "How many 30-day periods in a row had sales, up to now.",
           "full 30-day periods with a charge, counted back from the latest", "charges", measures.track_record),
    Metric("monthly_net_volume", "Monthly net volume", "money",
           "Net volume a month over the last three 30-day periods.",
           "net volume of the last three full 30-day periods ÷ 3", "charges, refunds, disputes",
           measures.monthly_net_volume),
    Metric("active_weeks_ratio", "Active weeks", "ratio", "The share of the last 26 weeks with at least one sale.",
           "weeks with a charge ÷ weeks, up to 26", "charges", measures.active_weeks_ratio),
    Metric("longest_gap_days", "Longest gap", "days", "The longest run of days without a sale, within 26 weeks.",
           "longest run of days without a charge, up to today", "charges", measures.longest_gap_days),
    Metric("history_days", "History", "days", "How long ago the first charge was.",
           "days since the first charge", "charges", measures.history_days),
    Metric("negative_balance_days", "Days with a negative balance", "days",
           "How many of the last 90 days ended with a negative Stripe balance.",
           "days whose running sum of balance movements is below zero", "balance, balance transactions",
           measures.negative_balance_days),
    Metric("account_standing", "Account standing", "state", "Whether Stripe lets the account charge and pay out.",
           "disabled, past_due or good, from charges_enabled, payouts_enabled and past-due requirements", "account",
           measures.account_standing),
    Metric("subscription_count", "Subscriptions ever", "count", "How many subscriptions there ever were.",
           "number of subscriptions, ended ones included", "subscriptions", measures.subscription_count),
)
# fmt: on

# What the seeds name; the others are details beside these.
SEED_METRICS = frozenset(
    {
        "revenue_total",
        "revenue_volatility",
        "revenue_trend",
        "chargeback_count",
        "chargeback_ratio",
        "refund_count",
        "refund_ratio",
        "payout_reliability",
        "transaction_count",
        "average_transaction_size",
        "mrr",
    }
)


def compute_metrics(facts: MetricFacts, as_of: dt.datetime) -> MetricSet:
    """All metrics of one business as they stand at `as_of`; the same facts always give the same set."""
    reading = Reading(facts, as_of)
    window = reading.period.window
    return MetricSet(
        period_start=window.first,
        period_end=window.last,
        currency=facts.settlement_currency,
        measures={metric.key: _measured(metric, reading) for metric in METRICS},
        buckets=reading.buckets,
        by_currency=tuple(sorted(facts.by_currency, key=lambda totals: totals.currency)),
        unconverted=_unconverted(reading),
        history_complete=facts.history_complete,
    )


def _measured(metric: Metric, reading: Reading) -> Measure:
    measure = metric.measure(reading)
    least = metric.low_sample_below
    if least is None or measure.value is None or measure.sample is None or measure.sample >= least:
        return measure
    return replace(measure, low_sample=True)


def _unconverted(reading: Reading) -> tuple[Unconverted, ...]:
    recurring = reading.recurring
    subscriptions = () if recurring is None else tuple(Unconverted(*item) for item in recurring.unconverted)
    return tuple(sorted((*reading.facts.unconverted, *subscriptions)))
