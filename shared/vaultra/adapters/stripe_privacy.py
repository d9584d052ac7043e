"""What of an event is kept: only the fields that the parsers read. Names, addresses and free text never are."""

from typing import Any

from vaultra.ports import Json

# The fields of any object that adapters/stripe_objects.py reads. A field that is not here is not kept, so a
# parser that reads a new one has to name it, and a field that Stripe invents can't bring personal data in.
KEPT = frozenset(
    {
        "id", "object", "created", "livemode", "deleted", "status", "currency", "amount", "amount_captured",
        "paid", "captured", "customer", "payment_intent", "invoice", "balance_transaction", "refunds", "charge",
        "reason", "balance_transactions", "payment_method_details", "actionable", "arrival_date", "automatic",
        "reversed_by", "failure_balance_transaction", "failure_code", "net", "fee", "type", "exchange_rate",
        "items", "discounts", "discount", "pause_collection", "start_date", "trial_end", "cancel_at",
        "canceled_at", "ended_at", "subscription", "parent", "payments", "amount_paid", "charges_enabled",
        "payouts_enabled", "requirements", "default_currency", "available", "pending",
    }
)  # fmt: skip
# Of a card, what tells payers apart and what kind of dispute it is; never its number, expiry or holder.
CARD = ("fingerprint", "case_type")
# Free text and references inside what is kept.
DROPPED_INSIDE = frozenset({"metadata", "nickname", "name", "description", "email", "address", "phone", "shipping"})
# Far deeper than any object of Stripe's, and far from what the interpreter's stack or jsonb can't hold.
DEEPEST = 64


def without_personal_data(event: Json) -> Json:
    """The event with its object reduced to what is used; what it was before is not kept at all.

    Raises:
        ValueError: When the object is nested more deeply than any of Stripe's.
    """
    data = event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        return event
    return {**event, "data": {"object": _reduced(subject)}}


def _reduced(subject: Json) -> Json:
    kept = {name: _inside(value) for name, value in subject.items() if name in KEPT}
    if subject.get("object") == "balance_transaction" and "source" in subject:
        kept["source"] = _reference(subject["source"])
    if "payment_method_details" in kept:
        kept["payment_method_details"] = {"card": _card(kept["payment_method_details"])}
    for name in ("customer", "charge", "payment_intent", "invoice"):
        if name in kept:
            kept[name] = _reference(kept[name])
    refunds = kept.get("refunds")
    if isinstance(refunds, dict) and isinstance(refunds.get("data"), list):
        kept["refunds"] = {**refunds, "data": [_reduced(item) for item in refunds["data"] if isinstance(item, dict)]}
    return kept


def _inside(value: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {name: _inside(item, depth + 1) for name, item in value.items() if name not in DROPPED_INSIDE}
    if isinstance(value, list):
        return [_inside(item, depth + 1) for item in value]
    return value


def _card(details: Any) -> Json:
    card = details.get("card") if isinstance(details, dict) else None
    return {name: card[name] for name in CARD if name in card} if isinstance(card, dict) else {}


def _reference(value: Any) -> Any:
    """The id of an expanded object, which may hold a person's name; anything else as it is."""
    return value.get("id") if isinstance(value, dict) else value
