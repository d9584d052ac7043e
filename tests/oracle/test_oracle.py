"""The oracle against the worked values, the profiles and hand-made cases on both sides of every boundary."""

import copy
import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from . import points
from .oracle import answer, cdnow_objects, compare, random_shop, revenue_trend, square_root, squared_variation
from .records import DAY
from .subscriptions import price_of_quantity

AS_OF = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # a Friday
NOW = int(AS_OF.timestamp())
TODAY = NOW // DAY
Raw = dict[str, Any]


def at(days_ago: int, second: int = 0) -> int:
    """A second of the day that lies `days_ago` days before the as-of date."""
    return (TODAY - days_ago) * DAY + second


def shop(**resources: Any) -> Raw:
    """An account in good standing with the given objects; one old charge unless charges are given."""
    objects: Raw = {
        "account": {
            "default_currency": "usd",
            "charges_enabled": True,
            "payouts_enabled": True,
            "requirements": {"past_due": []},
        },
        "balance": {"available": [{"amount": 0, "currency": "usd"}], "pending": []},
        "charges": [charge(700)],
    }
    return objects | resources


numbers = iter(range(10**9))


def charge(days_ago: int, amount: int = 1000, **changes: Any) -> Raw:
    """A succeeded, captured charge."""
    raw = {
        "id": f"ch_{next(numbers)}",
        "livemode": True,
        "created": at(days_ago, 100),
        "amount": amount,
        "amount_captured": amount,
        "currency": "usd",
        "status": "succeeded",
        "captured": True,
        "customer": None,
        "payment_intent": None,
        "balance_transaction": None,
    }
    return raw | changes


def transaction(amount: int, days_ago: int, **changes: Any) -> Raw:
    """A balance transaction in US dollars without a fee."""
    raw = {"id": f"txn_{next(numbers)}", "amount": amount, "net": amount, "currency": "usd", "exchange_rate": None}
    return raw | {"created": at(days_ago, 100)} | changes


def refund(days_ago: int, amount: int, **changes: Any) -> Raw:
    """A succeeded refund in US dollars."""
    raw = {"id": f"re_{next(numbers)}", "created": at(days_ago), "amount": amount, "currency": "usd"}
    return raw | {"status": "succeeded", "charge": None, "balance_transaction": None} | changes


def dispute(days_ago: int, status: str = "lost", case_type: str = "chargeback", entries: Any = (), **more: Any) -> Raw:
    """A dispute about a card payment."""
    card = {"type": "card", "card": {"case_type": case_type}}
    raw = {"id": f"dp_{next(numbers)}", "livemode": True, "created": at(days_ago), "status": status, "charge": None}
    return raw | {"payment_method_details": card, "balance_transactions": list(entries)} | more


def payout(arrived_days_ago: int, status: str = "paid", **changes: Any) -> Raw:
    """A payout of 100 dollars."""
    raw = {"id": f"po_{next(numbers)}", "livemode": True, "amount": 10_000, "arrival_date": at(arrived_days_ago)}
    return raw | {"status": status, "reversed_by": None, "failure_balance_transaction": None} | changes


def paid_event(paid: Raw, days_ago: int, second: int = 0) -> Raw:
    """The event that says when a payout was paid."""
    return {"type": "payout.paid", "livemode": True, "created": at(days_ago, second), "data": {"object": paid}}


def price(unit: float | None, interval: str = "month", count: int = 1, **changes: Any) -> Raw:
    """A recurring price."""
    recurring = {"interval": interval, "interval_count": count, "usage_type": changes.pop("usage_type", "licensed")}
    return {"unit_amount": unit, "currency": "usd", "recurring": recurring, "billing_scheme": "per_unit"} | changes


def subscription(a_price: Raw, quantity: int = 1, **changes: Any) -> Raw:
    """An active subscription since 100 days, of a customer of its own."""
    number = next(numbers)
    item = {"price": a_price, "quantity": quantity, "discounts": changes.pop("item_discounts", [])}
    raw = {"id": f"sub_{number}", "livemode": True, "status": "active", "customer": f"cus_{number}"}
    raw |= {"created": at(100), "start_date": at(100), "discounts": [], "items": {"data": [item]}}
    return raw | changes


def discount(duration: str = "forever", end: int | None = None, **coupon: Any) -> Raw:
    """A discount whose coupon lies where today's API puts it."""
    return {"start": at(90), "end": end, "source": {"type": "coupon", "coupon": {"duration": duration} | coupon}}


def metrics_of(objects: Raw) -> Raw:
    """The oracle's metrics."""
    return answer(objects, AS_OF)["metrics"]


def details_of(objects: Raw) -> Raw:
    """The oracle's details."""
    details: Raw = metrics_of(objects)["details"]
    return details


def readiness_of(objects: Raw) -> Raw:
    """The oracle's readiness."""
    return answer(objects, AS_OF)["readiness"]


def points_of(objects: Raw, key: str) -> int:
    """The points of one rule."""
    found: int = {rule["key"]: rule["points"] for rule in readiness_of(objects)["components"]["rules"]}[key]
    return found


def bucket_charges(amounts: list[int]) -> list[Raw]:
    """One charge in the middle of each bucket, oldest first, the last bucket being the newest complete one."""
    return [charge(30 * (len(amounts) - number) - 15, amount) for number, amount in enumerate(amounts) if amount]


# Worked values


@pytest.mark.parametrize(
    ("revenue", "cv", "score"),
    [
        ([100, 110, 90, 105, 95, 100], "0.0707", 5),
        ([100, 0, 100, 0, 100, 0], "1.0954", -10),
        ([80, 100, 120, 100, 80, 120], "0.1789", 5),
        ([10, 200, 40, 180, 20, 150], "0.8602", -10),
    ],
)
def test_volatility_worked_values(revenue: list[int], cv: str, score: int) -> None:
    squared = squared_variation(revenue)
    assert squared is not None
    assert round(square_root(squared), 4) == Decimal(cv)
    # The charge 181 days ago makes the first of the six buckets count.
    objects = shop(charges=[charge(181, 1), *bucket_charges([amount * 100 for amount in revenue])])
    assert round(metrics_of(objects)["revenue_volatility"], 4) == Decimal(cv)
    assert points_of(objects, "revenue_volatility") == score


@pytest.mark.parametrize(
    ("revenue", "expected"),
    [
        ([100, 102, 101, 105, 107, 110], "increasing"),
        ([120, 118, 110, 112, 104, 100], "declining"),
        ([100, 100, 100, 100, 100, 200], "stable"),
        ([100, 130], None),
        ([10000, 10500, 11026], "stable"),  # slope 513 of a median of 10500: 4.9 %
        ([10000, 10525, 11051], "stable"),  # 4.99 %
        ([10000, 10526, 11053], "increasing"),  # 5.002 %
        ([11053, 10526, 10000], "declining"),
        ([100, 120, 110], "stable"),  # not all in order
        ([100, 120, 120], "stable"),  # a tie is not in order
        ([1000, 1010, 1021, 1031], "increasing"),  # four buckets, S = 6, 1.02 %
        ([1000, 1009, 1018, 1027], "stable"),  # S = 6, 0.89 %
        ([1000, 1200, 1100, 1300], "stable"),  # S = 4
        ([100, 130, 120, 140, 150, 160], "increasing"),  # S = 13
        ([100, 150, 120, 130, 110, 160], "stable"),  # S = 5
        ([0, 0, 0, 0, 5, 9], None),  # median 0
    ],
)
def test_trend_worked_values(revenue: list[int], expected: str | None) -> None:
    assert revenue_trend(revenue) == expected


def test_trend_guard_is_exactly_nine() -> None:
    assert revenue_trend([100, 105, 115, 130, 120, 110]) == "stable"  # S = 7 and a slope above 2 %
    assert revenue_trend([100, 110, 120, 130, 119, 131]) == "increasing"  # S = 11
    assert revenue_trend([110, 100, 120, 130, 119, 131]) == "increasing"  # S = 9
    assert revenue_trend([130, 140, 120, 110, 121, 109]) == "declining"  # S = -9


@pytest.mark.parametrize(("paid", "failed", "score"), [(19, 1, 0), (20, 1, 10), (3, 1, -10), (4, 1, 0), (79, 20, -10)])
def test_payout_worked_values(paid: int, failed: int, score: int) -> None:
    objects = shop(payouts=[payout(10) for _ in range(paid)] + [payout(10, "failed") for _ in range(failed)])
    assert metrics_of(objects)["payout_reliability"] == Fraction(paid, paid + failed)
    assert points_of(objects, "payout_reliability") == score


@pytest.mark.parametrize(
    ("subscriptions", "mrr"),
    [
        ([subscription(price(10_000)) for _ in range(100)] + [subscription(price(60_000, "year")) for _ in range(50)],
         "12500"),
        ([subscription(price(1000, "week"))], "43.33"),
        ([subscription(price(5000, "month", 2))], "25"),
        ([subscription(price(120_000, "year"), discounts=[discount(percent_off=50)])], "50"),
        ([subscription(price(120_000, "year"), discounts=[discount("once", percent_off=50)])], "100"),
        ([subscription(price(120_000, "year"), discounts=[discount(amount_off=50_000, currency="usd")])], "58.33"),
        ([subscription(price(1000), discounts=[discount(amount_off=50_000, currency="usd")])], "0"),
        ([subscription(price(1000), item_discounts=[discount(percent_off=20)], discounts=[discount(percent_off=50)])],
         "4"),
        ([subscription(price(1000), discounts=[discount("repeating", NOW + 1, percent_off=25)])], "7.50"),
        ([subscription(price(1000), discounts=[discount("repeating", NOW, percent_off=25)])], "10"),
        ([subscription(price(12, "day"))], "3.65"),
        ([subscription(price(None, unit_amount_decimal="0.5"), 25)], "0.12"),  # 12.5 cents, half to even
        ([subscription(price(None, unit_amount_decimal="0.5"), 27)], "0.14"),  # 13.5 cents
        ([subscription(price(1000), trial_end=NOW + 1)], "0"),
        ([subscription(price(1000), trial_end=NOW)], "10"),
        ([subscription(price(1000), status="trialing", trial_end=NOW + 1)], "0"),
        ([subscription(price(1000), pause_collection={"behavior": "void", "resumes_at": None})], "0"),
        ([subscription(price(1000), status="past_due")], "10"),
        ([subscription(price(1000), status="unpaid")], "0"),
        ([subscription(price(1000), status="canceled", ended_at=at(1))], "0"),
        ([subscription(price(1000), cancel_at_period_end=True)], "10"),
        ([subscription(price(1000, usage_type="metered"))], "0"),
        ([subscription(price(1000), livemode=False)], None),
        ([], None),
    ],
)  # fmt: skip
def test_mrr(subscriptions: list[Raw], mrr: str | None) -> None:
    metrics = metrics_of(shop(subscriptions=subscriptions))
    assert metrics["mrr"] == (None if mrr is None else Decimal(mrr))
    assert metrics["details"]["arr"] == (None if mrr is None else 12 * Decimal(mrr))


def test_a_customers_discount_counts_only_where_the_subscription_has_none() -> None:
    customer = {"id": "cus_a", "discount": discount(percent_off=50)}
    plain = subscription(price(1000), customer="cus_a")
    own = subscription(price(1000), customer="cus_a", discounts=[discount(percent_off=10)])
    assert metrics_of(shop(customers=[customer], subscriptions=[plain]))["mrr"] == 5
    assert metrics_of(shop(customers=[customer], subscriptions=[own]))["mrr"] == 9


@pytest.mark.parametrize(("quantity", "graduated", "volume"), [(1, 500, 500), (5, 2500, 2500), (6, 3400, 2900)])
def test_tiered_prices(quantity: int, graduated: int, volume: int) -> None:
    tiers = [{"up_to": 5, "unit_amount": 500}, {"up_to": None, "unit_amount": 400, "flat_amount": 500}]
    for mode, expected in (("graduated", graduated), ("volume", volume)):
        tiered = price(None, billing_scheme="tiered", tiers_mode=mode, tiers=tiers)
        assert price_of_quantity(tiered, quantity) == expected
        assert metrics_of(shop(subscriptions=[subscription(tiered, quantity)]))["mrr"] == Decimal(expected) / 100


@pytest.mark.parametrize(("currency", "expected"), [("jpy", "5000"), ("usd", "50.00"), ("kwd", "5.000")])
def test_each_currency_has_its_own_exponent(currency: str, expected: str) -> None:
    objects = shop(charges=[charge(0, 5000, currency=currency)])
    objects["account"]["default_currency"] = currency
    total = metrics_of(objects)["revenue_total"]
    assert total == Decimal(expected)
    assert str(total) == expected


# Worked profiles


def steady_shop(levels: list[float]) -> Raw:
    """Two years of 500 charges a bucket, each from a new customer, with 0.2 % disputes and payouts all paid."""
    charges, disputes = [charge(721, 2400, customer="cus_first")], []
    for back in range(24):
        level = levels[-1 - back % len(levels)]
        for number in range(500):
            days_ago = 30 * back + 1 + number % 30
            name = f"cus_{back}_{number}"
            charges.append(charge(days_ago, round(2400 * level), customer=name))
        disputes.append(dispute(30 * back + 5))
    return shop(charges=charges, disputes=disputes, payouts=[payout(day) for day in range(2, 90, 3)])


def test_profile_of_a_steady_shop_is_83() -> None:
    readiness = readiness_of(steady_shop([0.7, 1.3]))
    assert (readiness["seed_score"], readiness["score"], readiness["tier"]) == (65, 83, "funding_ready")


def test_profile_of_the_same_shop_growing_is_93() -> None:
    readiness = readiness_of(steady_shop([0.65, 0.8, 0.95, 1.1, 1.25, 1.4]))
    assert (readiness["seed_score"], readiness["score"], readiness["tier"]) == (75, 93, "highly_attractive")


def test_profile_of_a_two_month_old_shop_is_56() -> None:
    charges = [charge(60 - 3 * number, 8000, customer=f"cus_{number % 3}") for number in range(20)]
    readiness = readiness_of(shop(charges=charges, payouts=[payout(day) for day in range(1, 55, 7)]))
    assert (readiness["seed_score"], readiness["score"], readiness["tier"]) == (65, 56, "improving")


def test_without_any_charge_nothing_is_measured() -> None:
    objects = shop(charges=[charge(3, status="failed", captured=False), charge(3, livemode=False)])
    objects |= {"payouts": [payout(5, "failed")], "disputes": [dispute(3)]}
    objects["account"]["charges_enabled"] = False
    readiness = readiness_of(objects)
    assert readiness["score"] == 50
    assert {rule["points"] for rule in readiness["components"]["rules"]} == {0}
    assert readiness["confidence"] == {"low": 50, "high": 50}
    assert readiness["components"]["payout_reliability"] is None
    metrics = metrics_of(objects)
    assert metrics["chargeback_ratio"] is None
    assert metrics["transaction_count"] == 0
    assert "chargeback_ratio" in metrics["details"]["not_measured"]


def test_provisional_until_the_history_is_there() -> None:
    assert answer(shop(), AS_OF, history_complete=False)["readiness"]["provisional"] is True
    assert readiness_of(shop())["provisional"] is False


# Boundaries of the rules


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


# Days, windows and buckets


def test_the_window_is_thirty_days_with_today() -> None:
    objects = shop(charges=[charge(29, 1, created=at(29)), charge(30, 2, created=at(30, DAY - 1)), charge(0, 4)])
    metrics = metrics_of(objects)
    assert (metrics["period_start"], metrics["period_end"]) == ("2026-10-22", "2026-11-20")
    assert (metrics["transaction_count"], metrics["revenue_total"]) == (2, Decimal("0.05"))
    assert metrics["average_transaction_size"] == Fraction(5, 200)


@pytest.mark.parametrize(("first", "measured"), [(90, True), (89, False)])
def test_a_bucket_counts_from_the_first_charge_on(first: int, measured: bool) -> None:
    objects = shop(charges=[charge(first), charge(45), charge(15)])
    assert (metrics_of(objects)["revenue_volatility"] is not None) is measured
    assert points_of(objects, "track_record") == (0 if measured else -5)


def test_todays_charges_are_in_no_bucket() -> None:
    charges = [*bucket_charges([100] * 3), charge(95, 1)]
    assert metrics_of(shop(charges=[*charges, charge(0, 10**6)]))["revenue_volatility"] == 0
    assert metrics_of(shop(charges=[*charges, charge(1, 10**6)]))["revenue_volatility"] > 1


def test_track_record_stops_at_the_first_empty_bucket() -> None:
    charges = [charge(400), *(charge(15 + 30 * back) for back in range(5)), charge(15 + 30 * 6)]
    assert points_of(shop(charges=charges), "track_record") == 0
    assert points_of(shop(charges=[*charges, charge(15 + 30 * 5)]), "track_record") == 2


def test_scale_divides_by_three_whatever_counts() -> None:
    assert points_of(shop(charges=[charge(30, 300_000)]), "scale") == 0  # 3,000 in one bucket: 1,000 a bucket
    assert points_of(shop(charges=[charge(30, 299_999)]), "scale") == -5
    assert points_of(shop(charges=[charge(30, 300_000)], refunds=[refund(5, 1)]), "scale") == -5
    assert points_of(shop(charges=[charge(29, 10**9)]), "scale") == -5  # its bucket does not count
    objects = shop(charges=[charge(30, 300_000)])
    objects["account"]["default_currency"] = "eur"
    objects["charges"][0]["currency"] = "eur"
    assert points_of(objects, "scale") == 0  # not in the table: not measured
    rules = answer(objects, AS_OF, usd_reference={"eur": Fraction(10)})["readiness"]["components"]["rules"]
    assert {"key": "scale", "points": 4} in rules


def test_weeks_and_gaps() -> None:
    details = details_of(shop(charges=[charge(84), charge(78), charge(1)]))
    # Twelve whole weeks; the first holds both early charges, the last the late one.
    assert details["samples"]["active_weeks_ratio"] == 12
    assert details["active_weeks_ratio"] == Fraction(2, 12)
    assert details["longest_gap_days"] == 76
    assert details["history_days"] == 84
    assert details_of(shop(charges=[charge(181)]))["samples"]["active_weeks_ratio"] == 26
    assert details_of(shop(charges=[charge(700)]))["samples"]["active_weeks_ratio"] == 26
    assert details_of(shop(charges=[charge(85)]))["samples"]["active_weeks_ratio"] == 13
    assert details_of(shop(charges=[charge(0)]))["active_weeks_ratio"] is None
    assert details_of(shop(charges=[charge(20)]))["longest_gap_days"] == 20  # up to and with today
    assert details_of(shop(charges=[charge(700)]))["longest_gap_days"] == 183  # within the 26 weeks, and today


# Payouts


@pytest.mark.parametrize(
    ("arrived_days_ago", "second", "paid_days_ago", "good"),
    [
        (8, DAY - 1, 7, 1),  # arrived Thursday 12 November, paid on Friday
        (8, 0, 6, 0),  # paid on Saturday: past the one business day
        (7, DAY - 1, 4, 1),  # arrived Friday 13, paid on Monday 16
        (7, 0, 3, 0),
        (6, DAY - 1, 4, 1),  # arrived on Saturday: due by Monday
        (6, 0, 3, 0),
    ],
)
def test_paid_by_one_business_day_after_arrival(
    arrived_days_ago: int, second: int, paid_days_ago: int, good: int
) -> None:
    late = payout(arrived_days_ago)
    objects = shop(payouts=[late], events=[paid_event(late, paid_days_ago, second)])
    assert metrics_of(objects)["payout_reliability"] == good
    objects["events"].append(paid_event(late, arrived_days_ago))
    assert metrics_of(objects)["payout_reliability"] == 1  # the earliest event counts


@pytest.mark.parametrize(
    ("odd", "good", "counted"),
    [
        (payout(10, "failed"), 0, 1),
        (payout(10, reversed_by="po_x"), 0, 1),
        (payout(10, failure_balance_transaction="txn_x"), 0, 1),
        (payout(10, "canceled"), 0, 0),
        (payout(10, amount=-10_000), 0, 0),
        (payout(10, livemode=False), 0, 0),
        (payout(89), 1, 1),
        (payout(90), 0, 0),
        (payout(0), 1, 1),
        (payout(0, "in_transit"), 0, 0),
        (payout(7, "in_transit"), 0, 0),  # Friday to Friday: the fifth business day is today
        (payout(8, "in_transit"), 0, 1),
        (payout(8, "pending"), 0, 1),
    ],
)
def test_which_payouts_count(odd: Raw, good: int, counted: int) -> None:
    metrics = metrics_of(shop(payouts=[payout(20), odd]))
    assert metrics["payout_reliability"] == Fraction(1 + good, 1 + counted)
    assert metrics["details"]["samples"]["payout_reliability"] == 1 + counted
    assert metrics["details"]["low_sample"] == ["payout_reliability"]


def test_ten_payouts_are_enough() -> None:
    assert details_of(shop(payouts=[payout(9) for _ in range(9)]))["low_sample"] == ["payout_reliability"]
    assert details_of(shop(payouts=[payout(9) for _ in range(10)]))["low_sample"] == []


def test_a_hundred_charges_are_enough() -> None:
    ratios = ["chargeback_ratio", "refund_ratio", "payment_failure_rate"]
    assert details_of(shop(charges=[charge(9) for _ in range(99)]))["low_sample"] == ratios
    assert details_of(shop(charges=[charge(9) for _ in range(100)]))["low_sample"] == []


def test_a_flipped_payout_changes_the_metric() -> None:
    payouts = [payout(10) for _ in range(10)]
    events = [paid_event(payouts[0], 10)]
    assert points_of(shop(payouts=payouts, events=events), "payout_reliability") == 10
    payouts[0] |= {"status": "failed", "failure_balance_transaction": "txn_x"}
    assert metrics_of(shop(payouts=payouts, events=events))["payout_reliability"] == Fraction(9, 10)


# Disputes, refunds, conversions


@pytest.mark.parametrize(
    ("odd", "counted"),
    [
        (dispute(5, "lost"), 1),
        (dispute(5, "won"), 1),
        (dispute(5, "needs_response"), 1),
        (dispute(5, "under_review"), 1),
        (dispute(5, "warning_needs_response", "inquiry"), 0),
        (dispute(5, "warning_under_review", "inquiry"), 0),
        (dispute(5, "warning_closed", "inquiry"), 0),
        (dispute(5, "prevented"), 0),
        (dispute(5, livemode=False), 0),
        (dispute(29), 1),
        (dispute(30), 0),
        # An inquiry of old that escalated into the window, and one whose money left before it.
        (dispute(50, "needs_response", "inquiry", [transaction(-1000, 29)]), 1),
        (dispute(50, "lost", "inquiry", [transaction(1000, 3), transaction(-1000, 20)]), 1),
        (dispute(50, "won", "inquiry", [transaction(5, 40), transaction(-1000, 20)]), 1),
        (dispute(50, "lost", "inquiry", [transaction(-1000, 30), transaction(-10, 3)]), 0),
        (dispute(5, "needs_response", "inquiry"), 1),
        # Money that leaves later tells an inquiry that escalated, whatever the case is called now.
        (dispute(50, "lost", "chargeback", [transaction(-1000, 20)]), 1),
        (dispute(50, "lost", "chargeback", [transaction(-1000, 50)]), 0),
    ],
)
def test_which_disputes_count(odd: Raw, counted: int) -> None:
    metrics = metrics_of(shop(charges=[charge(700), charge(3), charge(3)], disputes=[odd]))
    assert metrics["chargeback_count"] == counted
    assert metrics["chargeback_ratio"] == Fraction(counted, 2)


def test_disputes_without_charges_are_not_measured() -> None:
    metrics = metrics_of(shop(disputes=[dispute(5), dispute(5)]))
    assert (metrics["chargeback_count"], metrics["chargeback_ratio"]) == (2, None)


def test_open_disputes_and_win_rate() -> None:
    disputes = [dispute(500, "under_review"), dispute(3, "needs_response"), dispute(3, "warning_closed", "inquiry")]
    disputes += [dispute(364, "won"), dispute(365, "won"), dispute(10, "lost"), dispute(10, "lost")]
    details = details_of(shop(disputes=disputes))
    assert (details["open_disputes"], details["dispute_win_rate"]) == (2, Fraction(1, 3))


def test_net_volume_takes_refunds_and_disputes_on_their_own_day() -> None:
    objects = shop(
        charges=[charge(3, 10_000), charge(100, 50_000)],
        refunds=[
            refund(2, 100),
            refund(2, 1000, status="failed"),
            refund(30, 7),
            refund(29, 0, balance_transaction=transaction(-25, 29)),
        ],
        disputes=[dispute(60, "won", entries=[transaction(-50_000, 60), transaction(50_000, 5)])],
    )
    metrics = metrics_of(objects)
    assert metrics["details"]["net_volume"] == Decimal("598.75")  # 100 - 1 - 0.25 + 500
    assert (metrics["refund_count"], metrics["refund_ratio"]) == (2, 2)
    assert points_of(shop(charges=[charge(3)], refunds=[refund(2, 999)]), "refunds") == 0  # too few charges


def test_refunds_and_captures_are_weighed_over_ninety_days() -> None:
    charges = [charge(number % 90, 1000) for number in range(90)]
    assert points_of(shop(charges=charges, refunds=[refund(89, 2700)]), "refunds") == 2
    assert points_of(shop(charges=charges, refunds=[refund(89, 2701)]), "refunds") == 0
    assert points_of(shop(charges=charges, refunds=[refund(90, 90_000), refund(5, 2700)]), "refunds") == 2
    assert points_of(shop(charges=[*charges, charge(90, 10**6)], refunds=[refund(89, 2701)]), "refunds") == 0


def test_partial_captures_uncaptured_and_failed_charges() -> None:
    charges = [charge(1, 1000, amount_captured=400), charge(1, 1000, captured=False), charge(1, 1000, status="failed")]
    metrics = metrics_of(shop(charges=charges))
    assert (metrics["transaction_count"], metrics["revenue_total"]) == (1, 4)
    assert metrics["details"]["payment_failure_rate"] == Fraction(1, 2)


@pytest.mark.parametrize("expanded", [True, False])
def test_foreign_charges_settle_through_their_balance_transaction(expanded: bool) -> None:
    entry = transaction(3359, 2, exchange_rate=0.006718)
    yen = charge(2, 5000, currency="jpy", balance_transaction=entry if expanded else entry["id"])
    partial = refund(1, 1000, currency="jpy", charge=yen["id"])
    lost = charge(2, 700, currency="kwd")
    objects = shop(
        charges=[yen, lost, charge(2, 100)],
        refunds=[partial],
        balance_transactions=[] if expanded else [entry],
        subscriptions=[
            subscription(price(1000, currency="jpy")),
            subscription(price(5000, currency="kwd"), id="sub_kwd"),
        ],
    )
    metrics = metrics_of(objects)
    assert metrics["transaction_count"] == 3
    assert metrics["revenue_total"] == Decimal("34.59")
    assert metrics["details"]["net_volume"] == Decimal("27.87")  # less 1,000 yen at 0.006718 = 6.718 dollars
    assert metrics["mrr"] == Decimal("6.72")
    assert metrics["details"]["unconverted"] == [
        {"id": lost["id"], "amount_minor": 700, "currency": "kwd"},
        {"id": "sub_kwd", "amount_minor": 5000, "currency": "kwd"},
    ]
    assert set(metrics["details"]["by_currency"]) == {"jpy", "kwd", "usd"}


@pytest.mark.parametrize(
    ("captured", "currency", "settled", "told", "rate"),
    [
        (1000, "eur", 1234, 1.234, "1.234"),
        (5000, "jpy", 3350, 0.0067, "0.67"),  # between major units
        (5000, "jpy", 3350, 0.67, "0.67"),  # between minor units
        (1, "jpy", 1, 0.0067, "0.67"),
        (10_000_000, "eur", 11_720_003, 1.172, "1.1720003"),  # told to too few digits
        (1000, "eur", 1234, None, "1.234"),
    ],
)
def test_a_rate_is_of_the_units_that_the_amounts_tell(
    captured: int, currency: str, settled: int, told: float | None, rate: str
) -> None:
    made = charge(2, captured, currency=currency, balance_transaction=transaction(settled, 2, exchange_rate=told))
    found = metrics_of(shop(charges=[made], refunds=[refund(1, 100_000, currency=currency, charge=made["id"])]))
    assert found["details"]["net_volume"] == Decimal(settled - round(100_000 * Fraction(rate))) / 100


def test_what_no_sum_contains_is_listed_as_long_as_a_sum_reaches() -> None:
    charges = [charge(days_ago, 700, currency="kwd", id=f"ch_{days_ago}") for days_ago in (29, 30, 180, 181)]
    listed = details_of(shop(charges=charges))["unconverted"]
    assert {entry["id"] for entry in listed} == {"ch_29", "ch_30", "ch_180"}


def test_negative_balance_days() -> None:
    balance = {"available": [{"amount": 500, "currency": "usd"}, {"amount": -9, "currency": "eur"}], "pending": []}
    moves = [transaction(600, 2), transaction(-1000, 5), transaction(4000, 6, currency="eur")]
    # Ends of day: 500 today, 500 two days ago, -100 on days 3 to 5 ago, 900 before.
    objects = shop(balance=balance, balance_transactions=moves)
    assert details_of(objects)["negative_balance_days"] == 3
    assert points_of(objects, "account_standing") == 0
    assert details_of(shop(balance=None))["negative_balance_days"] is None


# Payers and subscriptions over half a year


def test_shares_of_payers() -> None:
    charges = [charge(300, 5, customer="cus_old"), charge(10, 200, customer={"id": "cus_old"})]
    charges += [charge(60, 100, customer="cus_b"), charge(30, 300, customer="cus_b"), charge(31, 50, customer="cus_b")]
    card = {"payment_method_details": {"card": {"fingerprint": "fp"}}}
    charges += [charge(20, 350, **card), charge(1, 500, payment_method_details=None), charge(180, 999)]
    details = details_of(shop(charges=charges))
    assert details["top_customer_share"] == Fraction(450, 1500)
    assert details["repeat_revenue_share"] == Fraction(500, 1500)  # 200 of the old one, 300 thirty days later


@pytest.mark.parametrize("by", ["charge", "payment_intent"])
def test_subscription_charges_are_linked_by_their_invoice(by: str) -> None:
    paid = charge(10, 600, payment_intent="pi_1")
    payment = {"type": by, by: paid["id"] if by == "charge" else "pi_1"}
    invoice: Raw = {"id": "in_1", "parent": {"subscription_details": {"subscription": "sub_1"}}}
    invoice |= {"livemode": True, "payments": {"data": [{"payment": payment}]}}
    objects = shop(charges=[paid, charge(10, 600)], invoices=[invoice])
    assert points_of(objects, "durable_revenue") == 2
    invoice["parent"] = {"quote_details": {"quote": "qt_1"}, "subscription_details": None}
    assert points_of(objects, "durable_revenue") == 0
    invoice["parent"] = None
    assert points_of(objects, "durable_revenue") == 0


def test_churn_and_retention() -> None:
    subscriptions = [
        subscription(price(1000)),
        subscription(price(1000), status="canceled", ended_at=at(10)),
        subscription(price(1000), status="canceled", ended_at=at(40)),
        subscription(price(1000), start_date=at(10)),
        subscription(price(3000), customer="cus_kept", start_date=at(5)),
        subscription(price(2000), customer="cus_kept", status="canceled", ended_at=at(5)),
        subscription(price(1000), trial_start=at(100), trial_end=at(20)),
        subscription(price(1000), status="incomplete_expired"),
        subscription(price(1000), discounts=[discount(percent_off=100)]),
    ]
    details = details_of(shop(subscriptions=subscriptions))
    assert details["active_subscribers"] == 4
    assert details["subscriber_churn_rate"] == Fraction(1, 3)
    assert details["net_revenue_retention"] == Fraction(1000 + 3000, 1000 + 1000 + 2000)
    assert details["arpu"] == Fraction(60, 4)


def test_30_days_ago_has_the_discounts_of_then() -> None:
    begun = discount(percent_off=50) | {"start": at(10)}
    over = discount("repeating", at(10), percent_off=50)
    subscriptions = [subscription(price(1000), discounts=[begun]), subscription(price(1000), discounts=[over])]
    assert details_of(shop(subscriptions=subscriptions))["net_revenue_retention"] == Fraction(5 + 10, 10 + 5)


def test_30_days_ago_goes_by_dates_not_by_todays_state() -> None:
    subscriptions = [
        subscription(price(1000), status="unpaid"),
        subscription(price(1000), pause_collection={"resumes_at": at(10)}),
        subscription(price(1000), pause_collection={"resumes_at": at(40)}),
        subscription(price(1000), pause_collection={"resumes_at": None}),
    ]
    details = details_of(shop(subscriptions=subscriptions))
    assert (details["active_subscribers"], details["subscriber_churn_rate"]) == (2, Fraction(1, 2))


def test_an_amount_off_falls_once_an_invoice_in_its_own_currency() -> None:
    dollars, euros = discount(amount_off=300, currency="usd"), discount(amount_off=300, currency="eur")
    both = subscription(price(12_000, "year"), discounts=[dollars, euros])
    both["items"]["data"].append({"price": price(1000), "quantity": 1, "discounts": []})
    assert metrics_of(shop(subscriptions=[both]))["mrr"] == 10 + 10 - 3


# CDNOW, comparison, random shops

CDNOW_LINES = [
    "customer_id  date number_of_cds  dollar_value",
    " 00001 19970101  1   11.77",
    " 00001 19970101  1    0.00",
    " 00002 19980628  5   77.10",
    " 00002 19980630  2    0.29",
]


def test_cdnow_is_shifted_to_end_yesterday() -> None:
    objects = cdnow_objects(CDNOW_LINES, date(2026, 11, 20))
    assert [entry["amount_captured"] for entry in objects["charges"]] == [1177, 7710, 29]
    metrics = metrics_of(objects)
    assert metrics["revenue_total"] == Decimal("77.39")
    assert metrics["details"]["history_days"] == 546
    assert metrics["details"]["longest_gap_days"] == 179


def test_seventy_thousand_charges_are_no_trouble() -> None:
    lines = [
        f" {number % 23_000:05d} 1998{1 + number % 6:02d}{1 + number % 28:02d} 1 10.00" for number in range(70_000)
    ]
    metrics = metrics_of(cdnow_objects(lines, AS_OF.date()))
    assert metrics["transaction_count"] > 10_000


def as_json(value: Any) -> Any:
    """The oracle's answer in the shape and precision in which the product would send it."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return round(float(value), 8) if isinstance(value, Decimal | Fraction) else value


def product_answers(objects: Raw) -> tuple[Raw, Raw, Raw]:
    """The oracle's answer, and the two answers of a product that agrees with it."""
    ours = answer(objects, AS_OF)
    theirs = json.loads(json.dumps(as_json(ours)))
    details = theirs["metrics"]["details"]
    details["not_measured"] = dict.fromkeys(details["not_measured"], "too few")
    return ours, theirs["metrics"], theirs["readiness"]


@pytest.mark.parametrize("seed", range(25))
def test_compare_accepts_the_same_answer(seed: int) -> None:
    assert compare(*product_answers(random_shop(seed, AS_OF))) == []


@pytest.mark.parametrize(
    "path",
    [
        "metrics.revenue_total",
        "metrics.transaction_count",
        "metrics.chargeback_ratio",
        "metrics.revenue_trend",
        "metrics.period_end",
        "metrics.average_transaction_size",
        "metrics.details.net_volume",
        "metrics.details.top_customer_share",
        "metrics.details.longest_gap_days",
        "readiness.score",
        "readiness.tier",
        "readiness.provisional",
        "readiness.confidence.low",
        "readiness.components.risk_signals",
    ],
)
def test_compare_names_each_difference(path: str) -> None:
    charges = [charge(number, 1000, customer="cus_a") for number in range(100)]
    ours, metrics, readiness = product_answers(shop(charges=charges, disputes=[dispute(3)], payouts=[payout(4)]))
    holder: Any = {"metrics": metrics, "readiness": readiness}
    *parents, name = path.split(".")
    for parent in parents:
        holder = holder[parent]
    value = holder[name]
    holder[name] = f"{value}?" if isinstance(value, str) else not value if isinstance(value, bool) else value + 0.00001
    (difference,) = compare(ours, metrics, readiness)
    assert difference.startswith(f"{path}: oracle ")
    del holder[name]
    (difference,) = compare(ours, metrics, readiness)
    assert "missing" in difference


def test_compare_looks_at_every_rule() -> None:
    ours, metrics, readiness = product_answers(shop())
    readiness["components"]["rules"][4]["points"] += 1
    readiness["components"]["rules"].append({"key": "weather", "points": 0})
    assert len(compare(ours, metrics, readiness)) == 2


def instants(value: Any, key: str = "") -> list[int]:
    """Every time at which something has happened, wherever it stands in a Stripe object."""
    if isinstance(value, dict):
        return [found for name, inner in value.items() for found in instants(inner, name)]
    if isinstance(value, list):
        return [found for inner in value for found in instants(inner, key)]
    return [value] if key in ("created", "arrival_date", "start_date", "ended_at") and value is not None else []


def test_random_shops_are_valid() -> None:
    scores, points_seen = set(), set()
    for seed in range(150):
        objects = random_shop(seed, AS_OF)
        assert objects == random_shop(seed, AS_OF)
        ids = [entry["id"] for resource in objects.values() if isinstance(resource, list) for entry in resource]
        assert len(ids) == len(set(ids))
        assert max(instants(objects), default=0) <= NOW
        json.dumps(objects)
        readiness = readiness_of(objects)
        scores.add(readiness["tier"])
        points_seen |= {(rule["key"], rule["points"]) for rule in readiness["components"]["rules"]}
    assert scores == {"not_ready", "improving", "funding_ready", "highly_attractive"}
    assert len(points_seen) >= 36  # of the 41 outcomes that the twelve rules have


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_arrival_does_not_matter(seed: int) -> None:
    objects = random_shop(seed, AS_OF)
    shuffled = copy.deepcopy(objects)
    for resource in shuffled.values():
        if isinstance(resource, list):
            random.Random(seed).shuffle(resource)
    expected, found = answer(objects, AS_OF), answer(shuffled, AS_OF)
    for both in (expected, found):
        both["metrics"]["details"]["unconverted"].sort(key=lambda entry: entry["id"])
    assert expected == found
