"""How owners describe a metric without its name: what happens to money, customers and payments, compared by meaning."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from vaultra.agent.asked_spans import without_time
from vaultra.domain.metrics import METRICS
from vaultra.errors import Unavailable
from vaultra.ports import Embedder
from vaultra.telemetry import log

# Below, a question describes none of them. Where it names a metric loosely or plainly, another has to be nearer.
LEAST_LIKENESS, AGAINST_A_LOOSE_NAME, AGAINST_A_NAME = 0.5, 0.62, 0.75

DESCRIBED: Mapping[str, tuple[str, ...]] = {
    "revenue_total": (
        "how much money did the shop take in", "how much did customers pay in total", "how much was sold this month",
        "how much money came in",
    ),
    "transaction_count": (
        "how many sales were made", "how many orders came in", "how many times did customers pay",
        "how many payments went through",
    ),
    "average_transaction_size": (
        "how much does a customer spend per order", "what is a typical order worth", "how much does one sale bring",
        "how much do people pay at a time",
    ),
    "revenue_volatility": (
        "how much does income go up and down", "how uneven are the sales",
        "how much do takings swing from month to month",
        "how bumpy are the sales",
    ),
    "revenue_trend": (
        "is the business growing or shrinking", "are sales going up or down over time",
        "is the shop selling more and more",
    ),
    "chargeback_count": (
        "how many customers went to their bank to get money back", "how many payments were disputed",
        "how many charges were reversed by the bank", "how often do customers contest a payment",
    ),
    "refund_count": ("how many customers got their money back", "how many people sent things back for a refund"),
    "refund_volume_ratio": (
        "how much money is given back to customers", "what share of sales is paid back to buyers",
        "how much of the income is refunded",
    ),
    "payout_reliability": (
        "does the money arrive at the bank in time", "how often do transfers to the bank come late",
        "how many bank transfers fail", "does stripe pay the shop when it is due",
    ),
    "mrr": (
        "how much do subscriptions bring in every month", "how much do members pay per month in total",
        "what comes in each month from plans",
    ),
    "net_volume": (
        "how much is left after refunds and disputes", "what remains of sales once money was given back",
    ),
    "arr": ("how much do subscriptions bring in per year", "what are the plans worth over twelve months"),
    "active_subscribers": (
        "how many people have a subscription at the moment", "how many members are there",
        "how many people are on a plan",
    ),
    "arpu": ("how much does each subscriber pay a month", "what does one member bring on average"),
    "subscriber_churn_rate": (
        "how many subscribers quit each month", "what share of members leave", "how many people cancel their plan",
        "how many subscribers were lost",
    ),
    "net_revenue_retention": (
        "do existing subscribers pay more or less than before", "how much of the subscription income was kept",
    ),
    "open_disputes": (
        "how many disputes are not decided yet", "how many cases still wait for an answer",
        "are any complaints pending",
    ),
    "dispute_win_rate": (
        "how many disputes did the shop win", "how often are disputes decided in our favour",
        "what share of contested payments was won",
    ),
    "fraud_warnings": ("how many payments were reported as fraud", "how many fraud reports came in"),
    "top_customer_share": (
        "how much of the sales depends on one customer", "what share does the biggest buyer bring",
        "how much comes from a single client",
    ),
    "payer_count": (
        "how many different customers are there", "how many people bought something", "how many separate buyers paid",
    ),
    "repeat_revenue_share": (
        "how many customers buy again", "what share of sales comes from people who came back",
        "do shoppers return for more",
    ),
    "payment_failure_rate": (
        "how often are cards declined", "how many payment attempts go wrong",
        "what share of payments does not go through",
    ),
    "track_record": ("how many months in a row had sales",),
    "active_weeks_ratio": ("in how many weeks were there sales", "how many weeks went by with something sold"),
    "longest_gap_days": (
        "what was the longest time without a sale", "how long was the longest quiet stretch",
    ),
    "history_days": ("how long has the shop been taking payments", "since when are there sales"),
    "negative_balance_days": (
        "how many days was the stripe balance in the red", "how often was the account below zero",
    ),
}  # fmt: skip
# What the catalogue itself says of each, too, without the days it looks at.
_MEANINGS = [(metric.key, without_time(metric.meaning.lower())) for metric in METRICS if metric.key in DESCRIBED]
_TEXTS = [(key, text) for key, texts in DESCRIBED.items() for text in texts] + _MEANINGS
_vectors: dict[str, list[list[float]]] = {}
_lock = Lock()


def described(embedder: Embedder, question: str, least: float) -> str | None:
    """The metric that a tidied question describes; None when it describes none, or meanings can't be compared now.

    Args:
        least: How near a description has to be, -1 to 1.
    """
    try:
        known = _known(embedder)
        [asked] = embedder.embed([question])
    except Unavailable as error:
        log.warning("agent.metrics_by_name_only", reason=error.message)
        return None
    nearness = [sum(a * b for a, b in zip(asked, vector, strict=True)) for vector in known]
    best = max(range(len(nearness)), key=lambda at: nearness[at])
    return _TEXTS[best][0] if nearness[best] >= least else None


def _known(embedder: Embedder) -> list[list[float]]:
    """The descriptions' vectors, made once per process and embedder."""
    with _lock:
        if embedder.name not in _vectors:
            _vectors[embedder.name] = embedder.embed([text for _, text in _TEXTS])
        return _vectors[embedder.name]
