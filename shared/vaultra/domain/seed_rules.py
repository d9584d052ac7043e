"""The seed formula's four rules."""

from __future__ import annotations

from fractions import Fraction

from vaultra.domain.finding_words import (
    say_chargebacks,
    say_payouts,
    say_trend,
    say_volatility,
)
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.rules import Band, Finding, NotMeasured, Rule, missing
from vaultra.domain.thresholds import (
    ERRATIC_VOLATILITY,
    HIGH_CHARGEBACKS,
    LOW_CHARGEBACKS,
    RELIABLE_PAYOUTS,
    STEADY_VOLATILITY,
    UNRELIABLE_PAYOUTS,
)
from vaultra.domain.wording import percent

INCREASING = Band("increasing", 10, "rising revenue")
STABLE = Band("stable", 0, "level revenue")
DECLINING = Band("declining", -5, "falling revenue")


def revenue_trend(metrics: MetricSet) -> Finding | NotMeasured:
    direction, sample = metrics.word("revenue_trend"), metrics["revenue_trend"].sample
    if direction is None:
        return missing(metrics, "revenue_trend")
    band = {"increasing": INCREASING, "declining": DECLINING}.get(direction, STABLE)
    slope = metrics.number("revenue_slope") or Fraction(0)
    return Finding(band, direction, sample, figures={"slope": str(slope)})


STEADY = Band("steady", 5, f"a volatility below {percent(STEADY_VOLATILITY)}")
UNEVEN = Band("uneven", 0, f"a volatility from {percent(STEADY_VOLATILITY)} to {percent(ERRATIC_VOLATILITY)}")
ERRATIC = Band("erratic", -10, f"a volatility above {percent(ERRATIC_VOLATILITY)}")


def revenue_volatility(metrics: MetricSet) -> Finding | NotMeasured:
    value, sample = metrics.number("revenue_volatility"), metrics["revenue_volatility"].sample
    if value is None:
        return missing(metrics, "revenue_volatility")
    band = ERRATIC if value > ERRATIC_VOLATILITY else STEADY if value < STEADY_VOLATILITY else UNEVEN
    return Finding(band, value, sample)


FEW_CHARGEBACKS = Band("low", 5, f"a chargeback ratio below {percent(LOW_CHARGEBACKS)}")
SOME_CHARGEBACKS = Band(
    "middle", 0, f"a chargeback ratio from {percent(LOW_CHARGEBACKS)} to {percent(HIGH_CHARGEBACKS)}"
)
MANY_CHARGEBACKS = Band("high", -15, f"a chargeback ratio above {percent(HIGH_CHARGEBACKS)}")


def chargeback_band(value: Fraction) -> Band:
    """The band of a chargeback ratio."""
    band = MANY_CHARGEBACKS if value > HIGH_CHARGEBACKS else SOME_CHARGEBACKS
    return FEW_CHARGEBACKS if value < LOW_CHARGEBACKS else band


def chargeback_ratio(metrics: MetricSet) -> Finding | NotMeasured:
    value, sample = metrics.number("chargeback_ratio"), metrics["chargeback_ratio"].sample
    if value is None or not sample:
        return missing(metrics, "chargeback_ratio")
    return Finding(chargeback_band(value), value, sample)


RELIABLE = Band("reliable", 10, f"a payout reliability above {percent(RELIABLE_PAYOUTS)}")
MIXED = Band("mixed", 0, f"a payout reliability from {percent(UNRELIABLE_PAYOUTS)} to {percent(RELIABLE_PAYOUTS)}")
UNRELIABLE = Band("unreliable", -10, f"a payout reliability below {percent(UNRELIABLE_PAYOUTS)}")


def payout_band(value: Fraction) -> Band:
    """The band of a payout reliability."""
    return RELIABLE if value > RELIABLE_PAYOUTS else UNRELIABLE if value < UNRELIABLE_PAYOUTS else MIXED


def payout_reliability(metrics: MetricSet) -> Finding | NotMeasured:
    value, sample = metrics.number("payout_reliability"), metrics["payout_reliability"].sample
    if value is None or not sample:
        return missing(metrics, "payout_reliability")
    return Finding(payout_band(value), value, sample)


SEED_RULES: tuple[Rule, ...] = (
    Rule("revenue_trend", "Revenue trend", "seed", "trend", (INCREASING, STABLE, DECLINING), revenue_trend, say_trend),
    Rule(
        "revenue_volatility",
        "Revenue stability",
        "seed",
        "ratio",
        (STEADY, UNEVEN, ERRATIC),
        revenue_volatility,
        say_volatility,
    ),
    Rule(
        "chargeback_ratio",
        "Chargebacks",
        "seed",
        "ratio",
        (FEW_CHARGEBACKS, SOME_CHARGEBACKS, MANY_CHARGEBACKS),
        chargeback_ratio,
        say_chargebacks,
    ),
    Rule(
        "payout_reliability", "Payouts", "seed", "ratio", (RELIABLE, MIXED, UNRELIABLE), payout_reliability, say_payouts
    ),
)
