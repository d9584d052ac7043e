"""Stripe's subscriptions, customers and invoices into ours: what recurring revenue is computed from."""

import datetime as dt
from typing import Any

from vaultra.adapters.stripe_parsing import (
    LARGEST_QUANTITY,
    ParsedObject,
    currency,
    decimal,
    dig,
    integer,
    label,
    lacks,
    listed,
    lower,
    optional_integer,
    optional_second,
    present,
    required_id,
    time,
    word,
)
from vaultra.ports import Json

INTERVALS = frozenset({"day", "week", "month", "year"})
LONGEST_INTERVAL_COUNT = 1000
TIMES = {
    "started_at": "start_date",
    "trial_end_at": "trial_end",
    "cancel_at": "cancel_at",
    "canceled_at": "canceled_at",
    "ended_at": "ended_at",
}


def subscription(raw: Json, settlement: str) -> ParsedObject:
    """A subscription with its items' terms and its discounts."""
    discounts, resolved = _discounts(raw.get("discounts") or ([raw["discount"]] if raw.get("discount") else []))
    items = [_item(item) for item in listed(raw.get("items"))]
    values: Json = {
        "status": word(raw["status"]),
        "items": [item for item, _ in items],
        "discounts": discounts,
        **present(raw, "customer"),
    }
    if "pause_collection" in raw:
        values["pause"] = _pause(raw["pause_collection"])
    if raw.get("currency") is not None:
        values["currency"] = currency(raw["currency"])
    for column, name in TIMES.items():
        if name in raw:
            values[column] = None if raw[name] is None else time(raw[name]).isoformat()
    payer = raw.get("customer")
    embedded = (customer(payer, settlement),) if isinstance(payer, dict) and "created" in payer else ()
    untold = raw.get("items") is None or (raw.get("discounts") is None and lacks(raw, "discount"))
    complete = resolved and not untold and not items_untold(raw) and all(known for _, known in items)
    created = raw.get("created") or raw.get("start_date")
    return ParsedObject("subscriptions", required_id(raw), time(created), values, not complete, embedded)


def items_untold(raw: Json) -> bool:
    """Whether the subscription tells only some of its items, or of an item's discount no more than the name.

    A read of it can't tell more: its items have to be listed.
    """
    items = raw.get("items")
    if not isinstance(items, dict) or items.get("has_more"):
        return True
    given = (discount for item in items.get("data") or () for discount in item.get("discounts") or ())
    return any(_discount(discount) is None for discount in given)


def _item(raw: Json) -> tuple[Json, bool]:
    """An item's terms, and whether all of them are told."""
    price = raw.get("price") or raw.get("plan") or {}
    recurring = price.get("recurring") or price
    discounts, resolved = _discounts(raw.get("discounts") or [])
    unit_amount = price.get("unit_amount_decimal", price.get("amount_decimal"))
    if unit_amount is None:
        unit_amount = price.get("unit_amount", price.get("amount"))
    interval = word(recurring["interval"])
    interval_count = integer(recurring.get("interval_count") or 1, LONGEST_INTERVAL_COUNT)
    if interval not in INTERVALS or interval_count < 1:
        raise ValueError("interval")
    quantity = optional_integer(raw.get("quantity"), LARGEST_QUANTITY)
    if quantity is not None and quantity < 0:
        raise ValueError("quantity")
    item: Json = {
        "id": label(raw.get("id")),
        "quantity": quantity,
        "currency": currency(price["currency"]),
        "unit_amount": decimal(unit_amount),
        "interval": interval,
        "interval_count": interval_count,
        "usage_type": label(recurring.get("usage_type")) or "licensed",
        "billing_scheme": label(price.get("billing_scheme")) or "per_unit",
        "tiers_mode": label(price.get("tiers_mode")),
        "tiers": [_tier(tier) for tier in price.get("tiers") or []],
        "transform_quantity": _transform(price.get("transform_quantity")),
        "discounts": discounts,
    }
    # Stripe tells the tiers of a price only when it is asked to, which a list can't.
    return item, resolved and (item["billing_scheme"] != "tiered" or bool(item["tiers"]))


def _tier(raw: Json) -> Json:
    amounts = {}
    for name in ("unit_amount", "flat_amount"):
        value = raw.get(f"{name}_decimal")
        amounts[name] = decimal(raw.get(name) if value is None else value)
    return {"up_to": optional_integer(raw.get("up_to")), **amounts}


def _transform(raw: Any) -> Json | None:
    if not raw:
        return None
    divide_by = integer(raw["divide_by"])
    if divide_by < 1:
        raise ValueError("divide_by")
    return {"divide_by": divide_by, "round": label(raw.get("round"))}


def _discounts(raw: Any) -> tuple[list[Json], bool]:
    """The discounts whose terms are told, and whether that is all of them."""
    if not isinstance(raw, list):
        raise TypeError("discounts")
    parsed = [_discount(item) for item in raw]
    return [item for item in parsed if item is not None], None not in parsed


def _discount(raw: Any) -> Json | None:
    """A discount's terms; None when it is only named, or its coupon is."""
    coupon = (dig(raw, "coupon") or dig(raw, "source", "coupon")) if isinstance(raw, dict) else None
    if not isinstance(coupon, dict):
        return None
    percent_off, amount_off = decimal(coupon.get("percent_off"), 100), optional_integer(coupon.get("amount_off"))
    if (percent_off is not None and float(percent_off) < 0) or (amount_off is not None and amount_off < 0):
        raise ValueError("discount")
    return {
        "id": label(raw.get("id")),
        "start": optional_second(raw.get("start")),
        "end": optional_second(raw.get("end")),
        "percent_off": percent_off,
        "amount_off": amount_off,
        "currency": lower(label(coupon.get("currency"))),
        "duration": label(coupon.get("duration")),
    }


def _pause(raw: Any) -> Json | None:
    if raw is None:
        return None
    return {"behavior": label(raw.get("behavior")), "resumes_at": optional_second(raw.get("resumes_at"))}


def customer(raw: Json, _settlement: str) -> ParsedObject:
    """A customer's discount, or that there is no such customer any more."""
    if raw.get("deleted"):
        return ParsedObject("customers", required_id(raw), dt.datetime.fromtimestamp(0, dt.UTC), {"deleted": True})
    discount = raw.get("discount")
    parsed = _discount(discount) if discount else None
    return ParsedObject(
        "customers",
        required_id(raw),
        time(raw["created"]),
        {"discount": parsed} if "discount" in raw else {},
        incomplete=bool(discount) and parsed is None,
    )


def invoice(raw: Json, _settlement: str) -> ParsedObject:
    """Which payments paid how much of which subscription's bill."""
    payments = raw.get("payments")
    paid_by = {label(raw[name]) for name in ("charge", "payment_intent") if raw.get(name)}
    for payment in listed(payments):
        how = payment.get("payment") or {}
        paid_by |= {label(how[name]) for name in ("charge", "payment_intent") if how.get(name)}
    values: Json = {**present(raw, "customer", "status")}
    # Where a bill says what it is for depends on the version: in `parent`, or in `subscription`.
    of_parent = dig(raw, "parent", "subscription_details", "subscription")
    if "parent" in raw or "subscription" in raw:
        values["subscription"] = label(of_parent or raw.get("subscription"))
    if raw.get("currency") is not None:
        values["currency"] = currency(raw["currency"])
    if "amount_paid" in raw:
        values["amount_paid_minor"] = optional_integer(raw["amount_paid"])
    if paid_by or payments is not None:
        values["paid_by"] = sorted(str(item) for item in paid_by)
    paid = values.get("status", "paid") == "paid" and values.get("amount_paid_minor", 1)
    incomplete = bool(values.get("subscription", True)) and bool(paid) and not paid_by and payments is None
    return ParsedObject("invoices", required_id(raw), time(raw["created"]), values, incomplete)
