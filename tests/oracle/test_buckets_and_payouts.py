"""The oracle's days, windows and buckets, and which payouts were on time."""

from decimal import Decimal
from fractions import Fraction

import pytest

from .by_hand import (
    AS_OF,
    Raw,
    at,
    bucket_charges,
    charge,
    details_of,
    metrics_of,
    paid_event,
    payout,
    points_of,
    refund,
    shop,
)
from .oracle import answer
from .records import DAY

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
