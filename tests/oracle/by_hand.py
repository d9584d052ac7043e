"""Accounts and objects of Stripe's made by hand, and what the oracle says of them."""

from datetime import UTC, datetime
from typing import Any

from .oracle import answer
from .records import DAY

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
