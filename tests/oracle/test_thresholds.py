"""The oracle's rules on both sides of every boundary."""

from fractions import Fraction
from typing import Any

import pytest

from . import points
from .by_hand import charge, payout, points_of, readiness_of, shop


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (points.volatility_points, Fraction(1, 4), 0),
        (points.volatility_points, Fraction(1, 4) + Fraction(1, 10**9), -10),
        (points.volatility_points, Fraction(1, 25), 0),
        (points.volatility_points, Fraction(1, 25) - Fraction(1, 10**9), 5),
        (points.volatility_points, None, 0),
        (points.chargeback_points, Fraction(2, 100), 0),
        (points.chargeback_points, Fraction(201, 10_000), -15),
        (points.chargeback_points, Fraction(5, 1000), 0),
        (points.chargeback_points, Fraction(49, 10_000), 5),
        (points.chargeback_points, Fraction(0), 5),
        (points.chargeback_points, None, 0),
        (points.payout_points, Fraction(95, 100), 0),
        (points.payout_points, Fraction(951, 1000), 10),
        (points.payout_points, Fraction(80, 100), 0),
        (points.payout_points, Fraction(799, 1000), -10),
        (points.payout_points, None, 0),
        (points.track_record_points, 12, 4),
        (points.track_record_points, 11, 2),
        (points.track_record_points, 6, 2),
        (points.track_record_points, 5, 0),
        (points.track_record_points, 3, 0),
        (points.track_record_points, 2, -5),
        (points.scale_points, Fraction(10_000), 4),
        (points.scale_points, Fraction(999_999, 100), 0),
        (points.scale_points, Fraction(1_000), 0),
        (points.scale_points, Fraction(99_999, 100), -5),
        (points.scale_points, None, 0),
        (points.tier, 40, "not_ready"),
        (points.tier, 41, "improving"),
        (points.tier, 70, "improving"),
        (points.tier, 71, "funding_ready"),
        (points.tier, 85, "funding_ready"),
        (points.tier, 86, "highly_attractive"),
        (points.clamp, -3, 0),
        (points.clamp, 103, 100),
    ],
)
def test_thresholds(rule: Any, value: Any, expected: Any) -> None:
    assert rule(value) == expected


@pytest.mark.parametrize(
    ("share", "gap", "weeks", "expected"),
    [
        (Fraction(95, 100), 14, 12, 3),
        (Fraction(94, 100), 14, 12, 0),
        (Fraction(95, 100), 15, 12, 0),
        (Fraction(80, 100), 30, 12, 0),
        (Fraction(79, 100), 14, 12, -4),
        (Fraction(1), 31, 26, -4),
        (Fraction(0), 90, 11, 0),
    ],
)
def test_continuity_thresholds(share: Fraction, gap: int, weeks: int, expected: int) -> None:
    assert points.continuity_points(share, gap, weeks) == expected


@pytest.mark.parametrize(
    ("top", "identified", "payers", "expected"),
    [
        ("0.20", "0.8", 5, 3),
        ("0.201", "1", 5, 0),
        ("0.25", "1", 5, 0),
        ("0.251", "1", 5, -2),
        ("0.50", "1", 5, -2),
        ("0.501", "1", 5, -5),
        ("0.9", "0.799", 5, 0),
        ("0.9", "1", 4, 0),
    ],
)
def test_concentration_thresholds(top: str, identified: str, payers: int, expected: int) -> None:
    assert points.concentration_points(Fraction(top), Fraction(identified), payers) == expected


@pytest.mark.parametrize(
    ("share", "charges", "expected"),
    [
        ("0.03", 50, 2),
        ("0.031", 50, 0),
        ("0.05", 50, 0),
        ("0.051", 50, -2),
        ("0.1", 50, -2),
        ("0.11", 50, -5),
        ("0.9", 49, 0),
    ],
)
def test_refund_thresholds(share: str, charges: int, expected: int) -> None:
    assert points.refund_points(Fraction(share), charges) == expected


@pytest.mark.parametrize(
    ("subscribed", "repeat", "any_subscription", "churn", "expected"),
    [
        ("0.1", "0.5", False, None, 2),
        ("0.1", "0.499", False, None, 0),
        ("0.5", "0", True, "0.05", 2),
        ("0.5", "0", True, "0.06", 0),
        ("0.5", "0", True, "0.07", 0),
        ("0.5", "0", True, "0.071", -3),
        ("0.499", "0.6", True, "0.071", 0),
        ("0.9", "0.9", True, None, 0),
    ],
)
def test_durable_revenue_thresholds(
    subscribed: str, repeat: str, any_subscription: bool, churn: str | None, expected: int
) -> None:
    lost = None if churn is None else Fraction(churn)
    assert points.durable_points(Fraction(subscribed), Fraction(repeat), any_subscription, lost) == expected


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([(667, 5, 0)], 0),  # 0.7496 %
        ([(666, 5, 0)], -4),  # 0.7508 %
        ([(400, 3, 0)], 0),  # 0.75 % of too few disputes, and too much for the bonus
        ([(334, 5, 0)], -4),  # 1.497 %
        ([(333, 5, 0)], -8),  # 1.5015 %
        ([(333, 4, 1)], -8),  # the fifth event is a warning
        ([(333, 4, 0)], 0),
        ([(667, 4, 6)], 0),  # vamp 1.4993 %, activity of four disputes
        ([(666, 4, 6)], -8),
        ([(1000, 4, 1), (1000, 0, 0)], 0),  # exactly 0.5 % in one bucket
        ([(1001, 4, 1), (1000, 0, 0)], 1),
        ([(100, 0, 0), (99, 0, 0)], 0),
        ([(100, 0, 0), (100, 0, 0)], 1),
        ([(0, 9, 9), (200, 0, 0)], 1),
        ([(0, 9, 9)], 0),
        ([(100, 5, 0), (100_000, 0, 0)], -8),
    ],
)
def test_network_pressure_thresholds(buckets: list[tuple[int, int, int]], expected: int) -> None:
    assert points.network_points(buckets) == expected


@pytest.mark.parametrize(
    ("enabled", "past_due", "negative", "expected"),
    [
        (True, False, 0, 1),
        (True, False, 1, 0),
        (True, False, 3, 0),
        (True, False, 4, -3),
        (True, True, 0, 0),
        (True, True, 4, -3),
        (False, True, 9, -10),
    ],
)
def test_account_standing(enabled: bool, past_due: bool, negative: int, expected: int) -> None:
    assert points.standing_points(enabled, past_due, negative) == expected


@pytest.mark.parametrize("flag", ["charges_enabled", "payouts_enabled"])
def test_a_disabled_account(flag: str) -> None:
    objects = shop()
    objects["account"][flag] = False
    assert points_of(objects, "account_standing") == -10


def test_wilson_interval() -> None:
    assert points.wilson(0, 10) == (0.0, pytest.approx(0.27753, abs=1e-5))
    assert points.wilson(5, 10) == (pytest.approx(0.23659, abs=1e-5), pytest.approx(0.76341, abs=1e-5))
    assert points.wilson(12, 10) == points.wilson(10, 10)


def test_confidence_moves_chargebacks_and_payouts_together() -> None:
    charges = [charge(700), *(charge(number % 30) for number in range(500))]
    readiness = readiness_of(shop(charges=charges, payouts=[payout(5) for _ in range(10)]))
    # 0 of 500 is at most 0.76 %: +5 may be 0; 10 of 10 is at least 72.2 %: +10 may be -10.
    assert readiness["confidence"] == {"low": readiness["score"] - 25, "high": readiness["score"]}
