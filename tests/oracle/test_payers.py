"""The oracle on payers and subscriptions over half a year."""

from fractions import Fraction

import pytest

from .by_hand import Raw, at, charge, details_of, discount, metrics_of, points_of, price, shop, subscription


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
