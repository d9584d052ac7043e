"""How things stand, as the tools told it: which way each went, what it does to the score, and how much it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from vaultra.agent.facts import MEASURED_BY
from vaultra.agent.tools import ToolOutcome
from vaultra.domain.subjects import REVENUE, SCORE

Way = Literal["up", "down", "level"]
Effect = Literal["helps", "hurts", "neutral", "not_measured"]

# Of these, more is worse.
LESS_IS_BETTER = frozenset(
    {
        "chargeback_count", "chargeback_ratio", "refund_count", "refund_ratio", "refund_volume_ratio",
        "revenue_volatility", "open_disputes", "fraud_warnings", "top_customer_share", "subscriber_churn_rate",
        "payment_failure_rate", "longest_gap_days", "negative_balance_days", "network_pressure",
    }
)  # fmt: skip
_OF_TREND: Mapping[str, Way] = {
    "increasing": "up", "stable": "level", "declining": "down", "improving": "up",
}  # fmt: skip
_OF_TIER: Mapping[str, Effect] = {
    "highly_attractive": "helps", "funding_ready": "helps", "improving": "neutral", "not_ready": "hurts",
}  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """What is known of one thing.

    Attributes:
        ways: The ways in which it went, by whatever it was compared with; empty where nothing was.
        was: The way in which it went at the time that the tools compare with.
        effect: Whether it adds to the score or takes from it; of the score itself, whether its tier is a good one.
        value: Ratios as fractions, counts as they are; None for words and amounts, and where it was not told.
        points: What it adds to the score.
        gain: What it could add beyond that.
    """

    ways: frozenset[Way] = frozenset()
    was: Way | None = None
    effect: Effect | None = None
    value: Fraction | None = None
    points: int | None = None
    gain: int | None = None

    def joined(self, other: Standing) -> Standing:
        """Both together; what the other knows counts where they differ."""
        return Standing(
            ways=self.ways | other.ways,
            was=other.was or self.was,
            effect=other.effect or self.effect,
            value=self.value if other.value is None else other.value,
            points=self.points if other.points is None else other.points,
            gain=self.gain if other.gain is None else other.gain,
        )


Standings = Mapping[str, Standing]
"""By the metric's or the rule's key."""


def standings_of(outcome: ToolOutcome) -> Iterator[tuple[str, Standing]]:
    """What one use of a tool tells, by the metric's or the rule's key."""
    result = outcome.result or {}
    if outcome.name == "get_metric_summary":
        for line in result["metrics"]:
            yield from _of_metric(line)
    elif outcome.name == "get_readiness_breakdown":
        trend = _OF_TREND.get(result["trend"] or "")
        yield SCORE, Standing(frozenset({trend} if trend else ()), effect=_OF_TIER[result["tier"]])
        for rule in result["components"]["rules"]:
            yield from _of_rule(rule)
    elif outcome.name == "explain_change":
        way = _way(result["difference"])
        yield SCORE, Standing(frozenset({way}), effect=_OF_TIER[result["after"]["tier"]])


def _of_metric(line: Mapping[str, Any]) -> Iterator[tuple[str, Standing]]:
    key, value = line["key"], line["value"]
    if key == "revenue_trend" and value is not None:
        # Whoever speaks of revenue may mean its last 30 days as well as its half a year.
        for revenue in (key, "revenue_slope", *REVENUE):
            yield revenue, Standing(frozenset({_OF_TREND[value]}), _OF_TREND.get(line["earlier"] or ""))
        return
    if key == "account_standing" and value is not None:
        yield key, Standing(effect=_of_state(value))
        return
    if value is None:
        yield key, Standing(effect="not_measured" if line["not_measured"] else None)
        return
    ways = frozenset[Way]() if line["change"] is None else frozenset({_way(line["change"])})
    yield key, Standing(ways, value=None if line["unit"] in ("money", "state") else Fraction(repr(value)))


def _of_rule(rule: Mapping[str, Any]) -> Iterator[tuple[str, Standing]]:
    key = rule["key"]
    standing = Standing(effect=rule["effect"], points=rule["points"], gain=rule["best_points"] - rule["points"])
    if key == "revenue_trend":
        if rule["value"] is not None:
            for revenue in (key, "revenue_slope", *REVENUE):
                yield revenue, Standing(frozenset({_OF_TREND[rule["value"]]}))
        yield key, standing
        return
    if key == "account_standing":
        # The rule looks at the balance as well: a good standing may take points.
        yield key, replace(standing, effect=_of_state(rule["value"]))
        return
    if rule["unit"] not in ("money", "state", "trend") and rule["value"] is not None:
        standing = replace(standing, value=Fraction(repr(rule["value"])))
    yield MEASURED_BY.get(key, key), standing
    yield key, standing


def _way(change: float) -> Way:
    return "up" if change > 0 else "down" if change < 0 else "level"


def _of_state(state: str | None) -> Effect | None:
    return None if state is None else "helps" if state == "good" else "hurts"
