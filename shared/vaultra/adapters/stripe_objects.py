"""Stripe's shapes into ours: one parser per object type, tolerant of unknown fields, older versions and nulls.

A parser gives the columns of its table (see db/models.py) without the keys every row has. A key that is
absent from the payload is absent from the row, so that an older API version never erases what is known.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from vaultra.domain.money import exponent
from vaultra.errors import InvalidInput
from vaultra.ports import Json

DAY = dt.timedelta(days=1)
ROUNDING_MINOR = 1


@dataclass(frozen=True)
class ParsedObject:
    """One object's state. `incomplete` means that it must be read from the API to be known whole."""

    table: str
    id: str
    created_at: dt.datetime
    values: Json
    incomplete: bool = False
    embedded: tuple["ParsedObject", ...] = field(default=())


def resource_of(table: str) -> str:
    """The path of a table's objects below /v1."""
    return "radar/early_fraud_warnings" if table == "early_fraud_warnings" else table


def parse(payload: Json, settlement_currency: str) -> ParsedObject | None:
    """The object in our shape; None for a type that we don't keep.

    Args:
        payload: A raw API object, from a read or from an event.
        settlement_currency: The account's default currency, lower case.

    Raises:
        InvalidInput: When the object has no id, no time, or a field of a type it can't have.
    """
    parser = PARSERS.get(_text(payload.get("object")) or "")
    if parser is None:
        return None
    try:
        return parser(payload, settlement_currency)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise InvalidInput(f"This {payload.get('object')} can't be read: {type(error).__name__}") from error


def _charge(raw: Json, settlement: str) -> ParsedObject:
    currency = _currency(raw)
    captured_minor = _captured(raw)
    movement = raw.get("balance_transaction")
    values: Json = {
        "amount_minor": _integer(raw["amount"]),
        "captured_minor": captured_minor,
        "currency": currency,
        "status": _text(raw.get("status")) or ("succeeded" if raw.get("paid") else "failed"),
        "captured": bool(raw.get("captured", True)),
        **_present(raw, "customer", "payment_intent", "invoice", "balance_transaction"),
    }
    fingerprint = _dig(raw, "payment_method_details", "card", "fingerprint")
    if fingerprint is not None:
        values["card_fingerprint"] = _text(fingerprint)
    settled = True
    if currency == settlement:
        values["settled_minor"] = captured_minor
    elif isinstance(movement, dict) and _lower(movement.get("currency")) == settlement:
        values["settled_minor"] = _integer(movement["amount"])
        values["exchange_rate"] = _rate(movement, captured_minor, exponent(settlement) - exponent(currency))
    else:
        settled = values["status"] != "succeeded" or not values["captured"] or not isinstance(movement, str)
    refunds = raw.get("refunds")
    embedded = [_refund(refund, settlement) for refund in (refunds or {}).get("data", [])] if refunds else []
    return ParsedObject(
        "charges", _id(raw), _time(raw["created"]), values, incomplete=not settled, embedded=tuple(embedded)
    )


def _refund(raw: Json, settlement: str) -> ParsedObject:
    currency = _currency(raw)
    amount = _integer(raw["amount"])
    movement = raw.get("balance_transaction")
    values: Json = {
        "amount_minor": amount,
        "currency": currency,
        "status": _text(raw.get("status")) or "succeeded",
        **_present(raw, "charge", "balance_transaction"),
    }
    if currency == settlement:
        values["settled_minor"] = amount
    elif isinstance(movement, dict) and _lower(movement.get("currency")) == settlement:
        values["settled_minor"] = abs(_integer(movement["amount"]))
    # What it took in the settlement currency is its own movement's amount, which then has to be read.
    unknown = "settled_minor" not in values and values["status"] == "succeeded" and isinstance(movement, str)
    return ParsedObject("refunds", _id(raw), _time(raw["created"]), values, incomplete=unknown)


def _dispute(raw: Json, _settlement: str) -> ParsedObject:
    created_at = _time(raw["created"])
    status = _text(raw["status"]) or ""
    movements = [
        {
            "id": _text(item.get("id")),
            "amount_minor": _integer(item["amount"]),
            "currency": _lower(item.get("currency")),
            "created_at": _time(item["created"]).isoformat(),
        }
        for item in raw.get("balance_transactions") or []
        if isinstance(item, dict)
    ]
    counted_at = _counted_at(raw, status, created_at, movements)
    values: Json = {
        "amount_minor": _integer(raw["amount"]),
        "currency": _currency(raw),
        "status": status,
        "reason": _text(raw.get("reason")),
        "counted_at": None if counted_at is None else counted_at.isoformat(),
        **_present(raw, "charge"),
    }
    if "balance_transactions" in raw:
        values["movements"] = movements
    return ParsedObject("disputes", _id(raw), created_at, values)


def _counted_at(raw: Json, status: str, created_at: dt.datetime, movements: list[Json]) -> dt.datetime | None:
    """When a dispute begins to count: never while it is an inquiry or was prevented.

    An inquiry that escalated counts from its first withdrawal. The object does not say that it was one once
    it has escalated, but money then leaves later than the dispute began, while a chargeback takes it at once.
    """
    if status.startswith("warning_") or status == "prevented":
        return None
    withdrawals = [dt.datetime.fromisoformat(item["created_at"]) for item in movements if item["amount_minor"] < 0]
    if not withdrawals:
        return created_at
    inquiry = _dig(raw, "payment_method_details", "card", "case_type") == "inquiry"
    first = min(withdrawals)
    return first if inquiry or first - created_at >= DAY else created_at


def _early_fraud_warning(raw: Json, _settlement: str) -> ParsedObject:
    values = {"actionable": raw.get("actionable") if isinstance(raw.get("actionable"), bool) else None}
    return ParsedObject("early_fraud_warnings", _id(raw), _time(raw["created"]), {**values, **_present(raw, "charge")})


def _payout(raw: Json, _settlement: str) -> ParsedObject:
    values: Json = {
        "amount_minor": _integer(raw["amount"]),
        "currency": _currency(raw),
        "arrival_on": _time(raw["arrival_date"]).date().isoformat(),
        "status": _text(raw["status"]) or "",
        **_present(raw, "reversed_by", "failure_balance_transaction", "failure_code", "balance_transaction"),
    }
    if isinstance(raw.get("automatic"), bool):
        values["automatic"] = raw["automatic"]
    return ParsedObject("payouts", _id(raw), _time(raw["created"]), values)


def _balance_transaction(raw: Json, _settlement: str) -> ParsedObject:
    values: Json = {
        "amount_minor": _integer(raw["amount"]),
        "net_minor": _integer(raw["net"]),
        "fee_minor": _integer(raw.get("fee") or 0),
        "currency": _currency(raw),
        "type": _text(raw.get("type")) or "",
        **_present(raw, "source"),
    }
    if raw.get("exchange_rate") is not None:
        values["exchange_rate"] = _decimal(raw["exchange_rate"])
    return ParsedObject("balance_transactions", _id(raw), _time(raw["created"]), values)


def _subscription(raw: Json, settlement: str) -> ParsedObject:
    discounts, resolved = _discounts(raw.get("discounts") or ([raw["discount"]] if raw.get("discount") else []))
    items = [_item(item) for item in (raw.get("items") or {}).get("data", [])]
    values: Json = {
        "status": _text(raw["status"]) or "",
        "items": [item for item, _ in items],
        "discounts": discounts,
        "pause": _pause(raw.get("pause_collection")),
        **_present(raw, "customer"),
    }
    if raw.get("currency"):
        values["currency"] = _currency(raw)
    times = {"started_at": "start_date", "trial_end_at": "trial_end", "cancel_at": "cancel_at"}
    for column, name in {**times, "canceled_at": "canceled_at", "ended_at": "ended_at"}.items():
        if name in raw:
            values[column] = None if raw[name] is None else _time(raw[name]).isoformat()
    customer = raw.get("customer")
    embedded = (_customer(customer, settlement),) if isinstance(customer, dict) and "created" in customer else ()
    complete = resolved and all(known for _, known in items)
    created = raw.get("created") or raw.get("start_date")
    return ParsedObject("subscriptions", _id(raw), _time(created), values, not complete, embedded)


def _item(raw: Json) -> tuple[Json, bool]:
    """An item's terms, and whether all of them are told."""
    price = raw.get("price") or raw.get("plan") or {}
    recurring = price.get("recurring") or price
    discounts, resolved = _discounts(raw.get("discounts") or [])
    unit_amount = price.get("unit_amount_decimal", price.get("amount_decimal"))
    if unit_amount is None:
        unit_amount = price.get("unit_amount", price.get("amount"))
    transform = price.get("transform_quantity")
    item: Json = {
        "id": _text(raw.get("id")),
        "quantity": _optional_integer(raw.get("quantity")),
        "currency": _lower(price.get("currency")),
        "unit_amount": _decimal(unit_amount),
        "interval": _text(recurring.get("interval")),
        "interval_count": _integer(recurring.get("interval_count") or 1),
        "usage_type": _text(recurring.get("usage_type")) or "licensed",
        "billing_scheme": _text(price.get("billing_scheme")) or "per_unit",
        "tiers_mode": _text(price.get("tiers_mode")),
        "tiers": [_tier(tier) for tier in price.get("tiers") or []],
        "transform_quantity": None
        if not transform
        else {"divide_by": _integer(transform["divide_by"]), "round": _text(transform.get("round"))},
        "tax_behavior": _text(price.get("tax_behavior")),
        "discounts": discounts,
    }
    # Stripe tells the tiers of a price only when it is asked to, which a list can't.
    return item, resolved and (item["billing_scheme"] != "tiered" or bool(item["tiers"]))


def _tier(raw: Json) -> Json:
    amounts = {}
    for name in ("unit_amount", "flat_amount"):
        value = raw.get(f"{name}_decimal")
        value = raw.get(name) if value is None else value
        amounts[name] = _decimal(value)
    return {"up_to": _optional_integer(raw.get("up_to")), **amounts}


def _discounts(raw: list[Any]) -> tuple[list[Json], bool]:
    """The discounts whose terms are told, and whether that is all of them."""
    parsed = [_discount(item) for item in raw]
    return [item for item in parsed if item is not None], None not in parsed


def _discount(raw: Any) -> Json | None:
    if not isinstance(raw, dict):
        return None
    coupon = raw.get("coupon") or _dig(raw, "source", "coupon")
    if not isinstance(coupon, dict):
        return None
    return {
        "id": _text(raw.get("id")),
        "start": _optional_integer(raw.get("start")),
        "end": _optional_integer(raw.get("end")),
        "percent_off": _decimal(coupon.get("percent_off")),
        "amount_off": _optional_integer(coupon.get("amount_off")),
        "currency": _lower(coupon.get("currency")),
        "duration": _text(coupon.get("duration")),
    }


def _pause(raw: Any) -> Json | None:
    if not isinstance(raw, dict):
        return None
    return {"behavior": _text(raw.get("behavior")), "resumes_at": _optional_integer(raw.get("resumes_at"))}


def _customer(raw: Json, _settlement: str) -> ParsedObject:
    if raw.get("deleted"):
        return ParsedObject("customers", _id(raw), dt.datetime.fromtimestamp(0, dt.UTC), {"deleted": True})
    discount = raw.get("discount")
    parsed = _discount(discount) if discount else None
    return ParsedObject(
        "customers",
        _id(raw),
        _time(raw["created"]),
        {"discount": parsed} if "discount" in raw else {},
        incomplete=bool(discount) and parsed is None,
    )


def _invoice(raw: Json, _settlement: str) -> ParsedObject:
    details = _dig(raw, "parent", "subscription_details")
    subscription = (details or {}).get("subscription") or raw.get("subscription")
    payments = raw.get("payments")
    paid_by = [_text(raw[name]) for name in ("charge", "payment_intent") if raw.get(name)]
    for payment in (payments or {}).get("data", []):
        how = payment.get("payment") or {}
        paid_by += [_text(how[name]) for name in ("charge", "payment_intent") if how.get(name)]
    values: Json = {
        "subscription": _text(subscription),
        "status": _text(raw.get("status")),
        "currency": _currency(raw) if raw.get("currency") else None,
        "amount_paid_minor": _optional_integer(raw.get("amount_paid")),
        **_present(raw, "customer"),
    }
    if paid_by or payments is not None:
        values["paid_by"] = sorted({str(item) for item in paid_by})
    paid_somehow = bool(subscription) and values["status"] == "paid" and bool(values["amount_paid_minor"])
    incomplete = paid_somehow and not paid_by and payments is None
    return ParsedObject("invoices", _id(raw), _time(raw["created"]), values, incomplete)


PARSERS: dict[str, Callable[[Json, str], ParsedObject]] = {
    "charge": _charge,
    "refund": _refund,
    "dispute": _dispute,
    "radar.early_fraud_warning": _early_fraud_warning,
    "payout": _payout,
    "balance_transaction": _balance_transaction,
    "subscription": _subscription,
    "customer": _customer,
    "invoice": _invoice,
}


def account_standing(raw: Json) -> Json:
    """What the account object says about itself: may it charge, is it paid out, is anything past due."""
    return {
        "charges_enabled": bool(raw.get("charges_enabled")),
        "payouts_enabled": bool(raw.get("payouts_enabled")),
        "past_due": bool(_dig(raw, "requirements", "past_due")),
    }


def account_currency(raw: Json) -> str | None:
    """The account's settlement currency, lower case; None when the object does not tell."""
    return _lower(raw.get("default_currency"))


def balance_amounts(raw: Json) -> Json:
    """A balance object reduced to its amounts: {"available": [{amount, currency}], "pending": […]}.

    Raises:
        InvalidInput: When an amount is missing or of a type it can't have.
    """
    try:
        return {
            name: [{"amount": _integer(item["amount"]), "currency": _currency(item)} for item in raw.get(name) or []]
            for name in ("available", "pending")
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput(f"This balance can't be read: {type(error).__name__}") from error


# --- fields ----------------------------------------------------------------------------------


def _id(raw: Json) -> str:
    value = raw["id"]
    if not isinstance(value, str) or not value:
        raise ValueError("id")
    return value


def _text(value: Any) -> str | None:
    """A string, or the id of an expanded object."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else None


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None


def _currency(raw: Json) -> str:
    value = _lower(raw["currency"])
    if value is None or len(value) != 3:
        raise ValueError("currency")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("integer")
    if abs(value) >= 2**63:
        raise OverflowError("integer")
    return value


def _optional_integer(value: Any) -> int | None:
    return None if value is None else _integer(value)


def _decimal(value: Any) -> str | None:
    """A number, which Stripe tells as a number or as text, as exact text."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not Decimal(str(value)).is_finite():
        raise TypeError("number")
    return str(value)


def _time(value: Any) -> dt.datetime:
    return dt.datetime.fromtimestamp(_integer(value), dt.UTC)


def _captured(raw: Json) -> int:
    captured = raw.get("amount_captured")
    if captured is not None:
        return _integer(captured)
    return _integer(raw["amount"]) if raw.get("captured", True) else 0


def _present(raw: Json, *names: str) -> Json:
    """Ids by the same name, for those the payload has."""
    return {name: _text(raw[name]) for name in names if name in raw}


def _dig(raw: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(raw, dict):
            return None
        raw = raw.get(name)
    return raw


def _rate(movement: Json, captured_minor: int, exponent_change: int) -> str | None:
    """Settlement minor units per minor unit of the charge, as exact text; None when nothing was captured.

    Stripe's `exchange_rate` may be one of minor or, between currencies with different minor units, of major units:
    the amounts say which. Where it is told to fewer digits than a large amount needs, they are the rate themselves.
    """
    if captured_minor <= 0:
        return None
    settled_minor = _integer(movement["amount"])
    told = _decimal(movement.get("exchange_rate"))
    if told is not None:
        readings = (Decimal(told), Decimal(told).scaleb(exponent_change))
        closest = min(readings, key=lambda rate: abs(rate * captured_minor - settled_minor))
        if abs(closest * captured_minor - settled_minor) <= ROUNDING_MINOR:
            return f"{closest:f}"
    return f"{Decimal(settled_minor) / captured_minor:f}"
