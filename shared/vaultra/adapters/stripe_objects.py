"""Stripe's shapes into ours: one parser per object type, tolerant of unknown fields, older versions and nulls.

A parser gives the columns of its table (see db/models/stripe_objects.py) without the keys every row has. A key that is
absent from the payload is absent from the row, so that an older API version never erases what is known; where
a row can't be without it, the object is incomplete and gets read. What Stripe can't have meant is refused.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from vaultra.adapters import stripe_billing
from vaultra.adapters.stripe_parsing import (
    LARGEST_RATE,
    ParsedObject,
    boolean,
    currency,
    decimal,
    dig,
    integer,
    label,
    lacks,
    listed,
    lower,
    present,
    required_id,
    time,
    word,
)
from vaultra.domain.money import exponent
from vaultra.errors import InvalidInput
from vaultra.ports import Json

ACCOUNT = "account"
DAY = dt.timedelta(days=1)
LONG_AGO = dt.datetime.fromtimestamp(0, dt.UTC)
ROUNDING_MINOR = 1


def resource_of(table: str) -> str:
    """The path of a table's objects below /v1."""
    return "radar/early_fraud_warnings" if table == "early_fraud_warnings" else table


def parse(payload: Json, settlement_currency: str) -> ParsedObject | None:
    """The object in our shape; None for a type that we don't keep.

    Args:
        payload: A raw API object, from a read or from an event.
        settlement_currency: The account's default currency, lower case.

    Raises:
        InvalidInput: When the object has no id, no time, or a field of a type or size it can't have.
    """
    kind = payload.get("object")
    parser = PARSERS.get(kind) if isinstance(kind, str) else None
    if parser is None:
        return None
    try:
        return parser(payload, settlement_currency)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise InvalidInput(f"This {kind} can't be read: {type(error).__name__} {error}"[:200]) from error


def named(object_type: str, object_id: str) -> ParsedObject | None:
    """An object of which only the id is told, and which has to be read; None for a type that we don't keep."""
    table = TABLE_OF.get(object_type)
    return None if table is None else ParsedObject(table, object_id, LONG_AGO, {}, incomplete=True)


def _charge(raw: Json, settlement: str) -> ParsedObject:
    iso = currency(raw["currency"])
    captured = boolean(raw.get("captured", True))
    amount = integer(raw["amount"])
    told = raw.get("amount_captured")
    captured_minor = integer(told) if told is not None else amount if captured else 0
    movement = raw.get("balance_transaction")
    values: Json = {
        "amount_minor": amount,
        "captured_minor": captured_minor,
        "currency": iso,
        "status": word(raw["status"]) if raw.get("status") is not None else _status_of_old(raw),
        "captured": captured,
        **present(raw, "customer", "payment_intent", "invoice", "balance_transaction"),
    }
    fingerprint = dig(raw, "payment_method_details", "card", "fingerprint")
    if fingerprint is not None:
        values["card_fingerprint"] = label(fingerprint)
    settled = True
    if iso == settlement:
        values["settled_minor"] = captured_minor
    elif isinstance(movement, dict) and lower(movement.get("currency")) == settlement:
        values["settled_minor"] = integer(movement["amount"])
        values["exchange_rate"] = _rate(movement, captured_minor, exponent(settlement) - exponent(iso))
    else:
        settled = values["status"] != "succeeded" or not captured or not isinstance(movement, str)
    embedded = tuple(_refund(refund, settlement) for refund in listed(raw.get("refunds")))
    incomplete = not settled or lacks(raw, "captured") or (captured and lacks(raw, "amount_captured"))
    return ParsedObject("charges", required_id(raw), time(raw["created"]), values, incomplete, embedded)


def _status_of_old(raw: Json) -> str:
    return "succeeded" if boolean(raw["paid"]) else "failed"


def _refund(raw: Json, settlement: str) -> ParsedObject:
    iso = currency(raw["currency"])
    amount = integer(raw["amount"])
    movement = raw.get("balance_transaction")
    values: Json = {
        "amount_minor": amount,
        "currency": iso,
        **present(raw, "charge", "balance_transaction", "status"),
    }
    if iso == settlement:
        values["settled_minor"] = amount
    elif isinstance(movement, dict) and lower(movement.get("currency")) == settlement:
        values["settled_minor"] = abs(integer(movement["amount"]))
    # What it took in the settlement currency is its own movement's amount, which then has to be read.
    unknown = "settled_minor" not in values and values.get("status") == "succeeded" and isinstance(movement, str)
    incomplete = unknown or lacks(raw, "status")
    return ParsedObject("refunds", required_id(raw), time(raw["created"]), values, incomplete)


def _dispute(raw: Json, _settlement: str) -> ParsedObject:
    created_at = time(raw["created"])
    status = word(raw["status"])
    told = raw.get("balance_transactions")
    movements = [
        {
            "id": label(item.get("id")),
            "amount_minor": integer(item["amount"]),
            "currency": currency(item["currency"]),
            "created_at": time(item["created"]).isoformat(),
        }
        for item in told or []
    ]
    counts = not (status.startswith("warning_") or status == "prevented")
    counted_at = _counted_at(raw, created_at, movements) if counts else None
    values: Json = {
        "amount_minor": integer(raw["amount"]),
        "currency": currency(raw["currency"]),
        "status": status,
        "counted_at": None if counted_at is None else counted_at.isoformat(),
        **present(raw, "charge", "reason"),
    }
    if told is not None:
        values["movements"] = movements
    due_by = dig(raw, "evidence_details", "due_by")
    if due_by is not None:
        values["evidence_due_at"] = time(due_by).isoformat()
    incomplete = counts and (told is None or lacks(raw, "payment_method_details"))
    return ParsedObject("disputes", required_id(raw), created_at, values, incomplete)


def _counted_at(raw: Json, created_at: dt.datetime, movements: list[Json]) -> dt.datetime:
    """When a dispute begins to count, which is never while it is an inquiry or was prevented.

    An inquiry that escalated counts from its first withdrawal. The object does not say that it was one once
    it has escalated, but money then leaves later than the dispute began, while a chargeback takes it at once.
    """
    withdrawals = [dt.datetime.fromisoformat(item["created_at"]) for item in movements if item["amount_minor"] < 0]
    if not withdrawals:
        return created_at
    inquiry = dig(raw, "payment_method_details", "card", "case_type") == "inquiry"
    first = min(withdrawals)
    return first if inquiry or first - created_at >= DAY else created_at


def _early_fraud_warning(raw: Json, _settlement: str) -> ParsedObject:
    values = present(raw, "charge")
    if "actionable" in raw:
        values["actionable"] = None if raw["actionable"] is None else boolean(raw["actionable"])
    return ParsedObject("early_fraud_warnings", required_id(raw), time(raw["created"]), values)


def _payout(raw: Json, _settlement: str) -> ParsedObject:
    values: Json = {
        "amount_minor": integer(raw["amount"]),
        "currency": currency(raw["currency"]),
        "arrival_on": time(raw["arrival_date"]).date().isoformat(),
        "status": word(raw["status"]),
        **present(raw, "reversed_by", "failure_balance_transaction", "failure_code", "balance_transaction"),
    }
    if raw.get("automatic") is not None:
        values["automatic"] = boolean(raw["automatic"])
    return ParsedObject("payouts", required_id(raw), time(raw["created"]), values)


def _balance_transaction(raw: Json, _settlement: str) -> ParsedObject:
    values: Json = {
        "amount_minor": integer(raw["amount"]),
        "net_minor": integer(raw["net"]),
        "fee_minor": integer(raw.get("fee") or 0),
        "currency": currency(raw["currency"]),
        "type": word(raw["type"]),
        **present(raw, "source"),
    }
    if raw.get("exchange_rate") is not None:
        values["exchange_rate"] = decimal(raw["exchange_rate"], LARGEST_RATE)
    return ParsedObject("balance_transactions", required_id(raw), time(raw["created"]), values)


PARSERS: dict[str, Callable[[Json, str], ParsedObject]] = {
    "charge": _charge,
    "refund": _refund,
    "dispute": _dispute,
    "radar.early_fraud_warning": _early_fraud_warning,
    "payout": _payout,
    "balance_transaction": _balance_transaction,
    "subscription": stripe_billing.subscription,
    "customer": stripe_billing.customer,
    "invoice": stripe_billing.invoice,
}
# Of thin events, whose objects are only named.
TABLE_OF = {**{kind: f"{kind}s" for kind in PARSERS}, "radar.early_fraud_warning": "early_fraud_warnings"}


def account_standing(raw: Json) -> Json:
    """What the account object says about itself: may it charge, is it paid out, is anything past due."""
    return {
        "charges_enabled": bool(raw.get("charges_enabled")),
        "payouts_enabled": bool(raw.get("payouts_enabled")),
        "past_due": bool(dig(raw, "requirements", "past_due")),
    }


def account_currency(raw: Json) -> str | None:
    """The account's settlement currency, lower case; None when the object does not tell."""
    return lower(raw.get("default_currency"))


def parse_account(raw: Json) -> ParsedObject:
    """An account object: its standing and its settlement currency.

    An older version names some of this otherwise (`transfers_enabled`, `verification`): then it has to be read.

    Raises:
        InvalidInput: When a field is of a type it can't have.
    """
    told = (raw.get("charges_enabled"), raw.get("payouts_enabled"), raw.get("requirements"))
    iso = account_currency(raw)
    if not all(value is None or isinstance(value, kind) for value, kind in zip(told, (bool, bool, dict), strict=True)):
        raise InvalidInput("This account can't be read: TypeError")
    values = {"standing": account_standing(raw), "settlement_currency": iso}
    return ParsedObject(ACCOUNT, ACCOUNT, LONG_AGO, values, incomplete=iso is None or None in told)


def balance_amounts(raw: Json) -> Json:
    """A balance object reduced to its amounts: {"available": [{amount, currency}], "pending": […]}.

    Raises:
        InvalidInput: When an amount is missing or of a type it can't have.
    """
    try:
        return {
            name: [{"amount": integer(item["amount"]), "currency": currency(item["currency"])} for item in raw[name]]
            for name in ("available", "pending")
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InvalidInput(f"This balance can't be read: {type(error).__name__}") from error


def _rate(movement: Json, captured_minor: int, exponent_change: int) -> str | None:
    """Settlement minor units per minor unit of the charge, as exact text; None when nothing was captured.

    Stripe's `exchange_rate` may be one of minor or, between currencies with different minor units, of major units:
    the amounts say which. Where it is told to fewer digits than a large amount needs, they are the rate themselves.
    """
    if captured_minor <= 0:
        return None
    settled_minor = integer(movement["amount"])
    told = decimal(movement.get("exchange_rate"), LARGEST_RATE)
    if told is not None:
        readings = (Decimal(told), Decimal(told).scaleb(exponent_change))
        closest = min(readings, key=lambda rate: abs(rate * captured_minor - settled_minor))
        if abs(closest * captured_minor - settled_minor) <= ROUNDING_MINOR:
            return decimal(f"{closest:f}", LARGEST_RATE)
    return decimal(f"{Decimal(settled_minor) / captured_minor:f}", LARGEST_RATE)
