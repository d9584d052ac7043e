"""How near disputes and fraud warnings of the last 30 days are to what the card networks and Stripe act on."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vaultra.domain.metric_set import MetricSet
from vaultra.domain.thresholds import EXCESSIVE_ACTIVITY, EXCESSIVE_NETWORK, LEAST_EVENTS, VAMP_START

# Three quarters of the way leave a busy month for doing something about it.
NEAR = Fraction(3, 4)
# One event less than the networks' own minimum: fewer say more about chance than about the business.
LEAST_NEAR_EVENTS = LEAST_EVENTS - 1


@dataclass(frozen=True)
class Pressure:
    """What came upon the charges of 30 days."""

    charges: int
    disputes: int
    warnings: int

    @property
    def activity(self) -> Fraction:
        """Disputes for each charge; 0 without a charge."""
        return Fraction(self.disputes, self.charges) if self.charges else Fraction(0)

    @property
    def vamp(self) -> Fraction:
        """Disputes and early fraud warnings for each charge, as Visa's programme counts; 0 without a charge."""
        return Fraction(self.disputes + self.warnings, self.charges) if self.charges else Fraction(0)


@dataclass(frozen=True)
class Step:
    """A threshold that is near or passed: `ratio` and `events` are what it is compared with."""

    rank: int
    at: Fraction
    says: str
    ratio: Fraction
    events: int


def pressure_of(metrics: MetricSet) -> Pressure:
    """The last 30 days, today included."""
    counted = [int(metrics.number(key) or 0) for key in ("transaction_count", "chargeback_count", "fraud_warnings")]
    return Pressure(*counted)


def step_near(pressure: Pressure) -> Step | None:
    """The highest threshold of which three quarters are reached; None when every one is further away."""
    activity, vamp = pressure.activity, pressure.vamp
    disputes, events = pressure.disputes, pressure.disputes + pressure.warnings
    steps = (
        Step(3, EXCESSIVE_NETWORK, "Visa and Mastercard treat an account as excessive", vamp, events),
        Step(2, EXCESSIVE_ACTIVITY, "Stripe calls disputes excessive", activity, disputes),
        Step(1, VAMP_START, "Visa's monitoring (VAMP) begins", vamp, events),
    )
    near = (step for step in steps if step.ratio >= NEAR * step.at and step.events >= LEAST_NEAR_EVENTS)
    return next(near, None)
