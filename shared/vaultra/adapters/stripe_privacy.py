"""What of an event is kept: only the fields that the parsers read, place by place. Names and free text never are."""

from collections.abc import Mapping
from typing import Any

from vaultra.ports import Json

# A shape names the fields that are kept of an object, each with the shape of what is inside. A field with an empty
# shape is a single value: of an object in its place only the id is kept. A list has its elements' shape. So a
# parser that reads a new field has to name it here, and what Stripe invents can't bring personal data in.
Shape = Mapping[str, "Shape"]
VALUE: Shape = {}


def _values(*names: str) -> dict[str, Shape]:
    return dict.fromkeys(names, VALUE)


MOVEMENT = _values("id", "object", "amount", "currency", "exchange_rate", "created")
COUPON = _values("id", "percent_off", "amount_off", "currency", "duration")
DISCOUNT: Shape = {**_values("id", "start", "end"), "coupon": COUPON, "source": {"coupon": COUPON}}
RECURRING = _values("interval", "interval_count", "usage_type")
PRICE: Shape = {
    **_values("currency", "unit_amount", "unit_amount_decimal", "amount", "amount_decimal"),
    **_values("billing_scheme", "tiers_mode"),
    **RECURRING,  # an older version's plan tells them itself
    "recurring": RECURRING,
    "tiers": _values("up_to", "unit_amount", "unit_amount_decimal", "flat_amount", "flat_amount_decimal"),
    "transform_quantity": _values("divide_by", "round"),
}
ITEM: Shape = {**_values("id", "quantity"), "price": PRICE, "plan": PRICE, "discounts": DISCOUNT}
COMMON = _values("id", "object", "created")
REFUND: Shape = {**COMMON, **_values("amount", "currency", "status", "charge"), "balance_transaction": MOVEMENT}
CUSTOMER: Shape = {**COMMON, **_values("deleted"), "discount": DISCOUNT}
SHAPES: Mapping[str, Shape] = {
    "charge": {
        **COMMON,
        **_values("amount", "amount_captured", "currency", "status", "paid", "captured"),
        **_values("customer", "payment_intent", "invoice"),
        "balance_transaction": MOVEMENT,
        # What tells payers apart; never a card's number, expiry or holder.
        "payment_method_details": {"card": _values("fingerprint")},
        "refunds": {"data": REFUND},
    },
    "refund": REFUND,
    "dispute": {
        **COMMON,
        **_values("amount", "currency", "status", "reason", "charge"),
        "balance_transactions": MOVEMENT,
        "payment_method_details": {"card": _values("case_type")},
        "evidence_details": _values("due_by"),
    },
    "radar.early_fraud_warning": {**COMMON, **_values("charge", "actionable")},
    "payout": {
        **COMMON,
        **_values("amount", "currency", "arrival_date", "status", "automatic", "balance_transaction"),
        **_values("reversed_by", "failure_balance_transaction", "failure_code"),
    },
    "balance_transaction": {**MOVEMENT, **_values("net", "fee", "type", "source")},
    "subscription": {
        **COMMON,
        **_values("status", "currency", "start_date", "trial_end", "cancel_at", "canceled_at", "ended_at"),
        "customer": CUSTOMER,
        "pause_collection": _values("behavior", "resumes_at"),
        "discount": DISCOUNT,
        "discounts": DISCOUNT,
        "items": {**_values("has_more"), "data": ITEM},
    },
    "customer": CUSTOMER,
    "invoice": {
        **COMMON,
        **_values("status", "currency", "amount_paid", "customer", "subscription", "charge", "payment_intent"),
        "parent": {"subscription_details": _values("subscription")},
        "payments": {"data": {"payment": _values("charge", "payment_intent")}},
    },
    "discount": {**COMMON, **_values("customer", "subscription")},
    "account": {
        **COMMON,
        **_values("charges_enabled", "payouts_enabled", "default_currency"),
        "requirements": _values("past_due"),
    },
    "balance": {**_values("object"), **dict.fromkeys(("available", "pending"), _values("amount", "currency"))},
}  # fmt: skip
# What has nothing inside, as most fields: it is kept as it is.
SINGLE = frozenset((str, int, bool, type(None)))
OTHERS = _values("id", "object")
THIN = "v2.core.event"
RELATED = _values("id", "type", "url")


def without_personal_data(event: Json) -> Json:
    """What is kept of an event's payload: its object reduced to what is used, or the name of a thin event's object."""
    if event.get("object") == THIN:
        related = event.get("related_object")
        return {"related_object": _kept(related, RELATED) if isinstance(related, dict) else None}
    data = event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        return {"data": {"object": None}}
    kind = subject.get("object")
    return {"data": {"object": _kept(subject, SHAPES.get(kind, OTHERS) if isinstance(kind, str) else OTHERS)}}


def _kept(value: Any, shape: Shape) -> Any:
    if isinstance(value, dict):
        if not shape:
            return found if isinstance(found := value.get("id"), str) else {}
        return {
            name: item if type(item := value[name]) in SINGLE else _kept(item, inner)
            for name, inner in shape.items()
            if name in value
        }
    if isinstance(value, list):
        return [_kept(item, shape) for item in value if not isinstance(item, list)]
    return value
