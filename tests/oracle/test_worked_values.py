"""The oracle against the values and profiles that are worked out by hand."""

from decimal import Decimal
from fractions import Fraction

import pytest

from .by_hand import (
    AS_OF,
    NOW,
    Raw,
    at,
    bucket_charges,
    charge,
    discount,
    dispute,
    metrics_of,
    payout,
    points_of,
    price,
    readiness_of,
    shop,
    subscription,
)
from .oracle import answer, revenue_trend, square_root, squared_variation
from .subscriptions import price_of_quantity

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
