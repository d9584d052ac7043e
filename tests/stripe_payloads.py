"""Raw Stripe objects and events in the official shapes, as small as they may be; any field can be given."""

import datetime as dt
import itertools
from typing import Any

Json = dict[str, Any]

ACCOUNT = "acct_1Shop"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
_numbers = itertools.count(1)


def at(moment: dt.datetime) -> int:
    """Stripe's clock: whole seconds since 1970."""
    return int(moment.timestamp())


def _object(kind: str, prefix: str, fields: Json, given: Json) -> Json:
    base = {"id": f"{prefix}_{next(_numbers)}", "object": kind, "created": at(NOON), "livemode": True}
    return {**base, **fields, **given}


def charge(**given: Any) -> Json:
    """A card payment of $50.00 that succeeded."""
    amount = given.get("amount", 5000)
    fields = {
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "balance_transaction": "txn_of_the_charge",
        "captured": True,
        "currency": "usd",
        "customer": "cus_1",
        "paid": True,
        "payment_intent": "pi_1",
        "payment_method_details": {"type": "card", "card": {"fingerprint": "a-card", "last4": "4242"}},
        "refunded": False,
        "status": "succeeded",
    }
    return _object("charge", "ch", fields, given)


def refund(**given: Any) -> Json:
    """$5.00 given back."""
    fields = {
        "amount": 500,
        "balance_transaction": "txn_of_the_refund",
        "charge": "ch_1",
        "currency": "usd",
        "metadata": {},
        "reason": None,
        "status": "succeeded",
    }
    return _object("refund", "re", fields, given)


def dispute(**given: Any) -> Json:
    """A chargeback that waits for the owner's answer; it took the money at once."""
    fields = {
        "amount": 5000,
        "balance_transactions": [movement(-5000)],
        "charge": "ch_1",
        "currency": "usd",
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "case_type": "chargeback"}},
        "reason": "fraudulent",
        "status": "needs_response",
    }
    return _object("dispute", "dp", fields, given)


def movement(amount: int, **given: Any) -> Json:
    """A balance transaction as a dispute lists it."""
    return balance_transaction(amount=amount, net=amount - 1500, fee=1500, type="adjustment", **given)


def payout(**given: Any) -> Json:
    """$1,000.00 on its way to the bank."""
    fields = {
        "amount": 100_000,
        "arrival_date": at(NOON),
        "automatic": True,
        "balance_transaction": "txn_of_the_payout",
        "currency": "usd",
        "failure_balance_transaction": None,
        "failure_code": None,
        "reversed_by": None,
        "status": "in_transit",
    }
    return _object("payout", "po", fields, given)


def balance_transaction(**given: Any) -> Json:
    """$50.00 that came in, less a fee."""
    fields = {
        "amount": 5000,
        "currency": "usd",
        "exchange_rate": None,
        "fee": 175,
        "net": 4825,
        "source": "ch_1",
        "type": "charge",
    }
    return _object("balance_transaction", "txn", fields, given)


def early_fraud_warning(**given: Any) -> Json:
    """A card network's warning."""
    return _object(
        "radar.early_fraud_warning", "issfr", {"actionable": True, "charge": "ch_1", "fraud_type": "misc"}, given
    )


def price(**given: Any) -> Json:
    """$10.00 a month."""
    fields = {
        "billing_scheme": "per_unit",
        "currency": "usd",
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "unit_amount": 1000,
        "unit_amount_decimal": "1000",
    }
    return _object("price", "price", fields, given)


def subscription(**given: Any) -> Json:
    """One seat at $10.00 a month."""
    item = {"id": "si_1", "object": "subscription_item", "discounts": [], "price": price(), "quantity": 1}
    fields: Json = {
        "cancel_at": None,
        "canceled_at": None,
        "currency": "usd",
        "customer": "cus_1",
        "discounts": [],
        "ended_at": None,
        "items": {"object": "list", "data": [item], "has_more": False},
        "pause_collection": None,
        "start_date": at(NOON),
        "status": "active",
        "trial_end": None,
    }
    return _object("subscription", "sub", fields, given)


def discount(**given: Any) -> Json:
    """Half off for ever, with its coupon expanded."""
    coupon = {"id": "half", "object": "coupon", "amount_off": None, "currency": None, "duration": "forever"}
    source = {"type": "coupon", "coupon": {**coupon, "percent_off": 50.0}}
    return _object("discount", "di", {"end": None, "source": source, "start": at(NOON)}, given)


def customer(**given: Any) -> Json:
    """A payer with a name we don't want to know."""
    return _object("customer", "cus", {"discount": None, "email": "jenny@example.com", "name": "Jenny Rosen"}, given)


def invoice(**given: Any) -> Json:
    """A subscription's invoice, paid by a payment intent."""
    payment = {"object": "invoice_payment", "payment": {"type": "payment_intent", "payment_intent": "pi_1"}}
    fields = {
        "amount_paid": 1000,
        "currency": "usd",
        "customer": "cus_1",
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "payments": {"object": "list", "data": [payment], "has_more": False},
        "status": "paid",
    }
    return _object("invoice", "in", fields, given)


def account(**given: Any) -> Json:
    """A connected account in good standing, settled in dollars."""
    fields = {
        "charges_enabled": True,
        "default_currency": "usd",
        "payouts_enabled": True,
        "requirements": {"past_due": []},
    }
    return _object("account", "acct", {**fields, "id": ACCOUNT}, given)


def balance(**given: Any) -> Json:
    """$20.00 available."""
    fields = {"available": [{"amount": 2000, "currency": "usd"}], "pending": [{"amount": 0, "currency": "usd"}]}
    return {"object": "balance", "livemode": True, **fields, **given}


def event(kind: str, subject: Json, created: dt.datetime | int = NOON, **given: Any) -> Json:
    """What Stripe sends to a Connect endpoint."""
    fields = {
        "account": ACCOUNT,
        "api_version": "2026-10-28.dahlia",
        "created": created if isinstance(created, int) else at(created),
        "data": {"object": subject},
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    return _object("event", "evt", fields, given)


def thin(kind: str, subject: Json, created: dt.datetime = NOON, **given: Any) -> Json:
    """The same as a notification that only names its object."""
    url = f"/v1/{subject['object']}s/{subject.get('id')}"
    if subject["object"] == "discount":  # which has no address of its own
        url = f"/v1/customers/{subject['customer']}/discount"
    fields = {
        "context": ACCOUNT,
        "created": created.isoformat(),
        "object": "v2.core.event",
        "related_object": {"id": subject.get("id"), "type": subject["object"], "url": url},
        "type": kind,
    }
    return _object("v2.core.event", "evt", fields, given)


def event_of(kind: str, subject: Json) -> Json:
    """An event of this type about an object, in the form that the type has."""
    return thin(kind, subject) if kind.startswith("v1.") else event(kind, subject)


SUBJECTS: dict[str, Any] = {
    "charge.dispute": dispute,
    "charge.refund": refund,
    "charge": charge,
    "refund": refund,
    "radar.early_fraud_warning": early_fraud_warning,
    "payout": payout,
    "customer.subscription": subscription,
    "customer.discount": lambda: discount(customer="cus_1", subscription=None),
    "customer": customer,
    "invoice": invoice,
    "account.application": lambda: {"id": "ca_1", "object": "application", "name": "Vaultra"},
    "account": account,
    "balance": balance,
}


def subject_of(event_type: str) -> Json:
    """An object as events of this type carry one."""
    snapshot = event_type.removeprefix("v1.")
    family = max((name for name in SUBJECTS if snapshot.startswith(f"{name}.")), key=len)
    made: Json = SUBJECTS[family]()
    return made
