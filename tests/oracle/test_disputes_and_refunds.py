"""The oracle on disputes, refunds, and what was paid in other currencies."""

from decimal import Decimal
from fractions import Fraction

import pytest

from .by_hand import (
    Raw,
    charge,
    details_of,
    dispute,
    metrics_of,
    points_of,
    price,
    refund,
    shop,
    subscription,
    transaction,
)


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
