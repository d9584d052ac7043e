"""Raw Stripe objects reduced to what the metrics need, each dated by its UTC day and priced in one currency."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .money import exact, exponent
from .subscriptions import identity, list_data

Raw = dict[str, Any]
DAY = 86_400


@dataclass(frozen=True)
class Charge:
    """A succeeded, captured charge. `amount` is in the settlement currency, None when it cannot be converted."""

    id: str
    day: int
    amount: int | None
    captured: int
    currency: str
    payer: str | None
    is_subscription: bool


@dataclass(frozen=True)
class Movement:
    """A refund or a dispute's withdrawal (negative) or reinstatement (positive), in the settlement currency."""

    id: str
    day: int
    amount: int | None
    original: int
    currency: str


@dataclass(frozen=True)
class Dispute:
    """A dispute by the day it was created, and the day it counts from (None: it never counts)."""

    created_day: int
    counted_day: int | None
    status: str


@dataclass
class Records:
    """All of one business's records up to `today`, in one mode, in one settlement currency.

    `rates` are minor units of the settlement currency per minor unit of another, by the account's latest charge in it.
    """

    currency: str
    charges: list[Charge] = field(default_factory=list)
    failed_days: list[int] = field(default_factory=list)
    refunds: list[Movement] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    dispute_movements: list[Movement] = field(default_factory=list)
    warning_days: list[int] = field(default_factory=list)
    rates: dict[str, Fraction] = field(default_factory=dict)


def half_even(amount: Fraction) -> int:
    """A fraction of minor units rounded to whole ones, ties to even."""
    return round(amount)


def same_mode(livemode: bool) -> Callable[[Raw], bool]:
    """A test that keeps the objects of one mode; an object that does not say its mode stays."""
    return lambda raw: raw.get("livemode") in (None, livemode)


def all_balance_transactions(objects: Raw) -> dict[str, Raw]:
    """Every balance transaction by id: the listed ones and those expanded inside other objects."""
    found: dict[str, Raw] = {}
    for resource in ("charges", "refunds", "payouts"):
        for raw in objects.get(resource) or []:
            for name in ("balance_transaction", "failure_balance_transaction"):
                if isinstance(raw.get(name), dict):
                    found[raw[name]["id"]] = raw[name]
    for dispute in objects.get("disputes") or []:
        found.update({entry["id"]: entry for entry in dispute.get("balance_transactions") or [] if type(entry) is dict})
    found.update({entry["id"]: entry for entry in objects.get("balance_transactions") or []})
    return found


def subscription_payment_ids(objects: Raw, keep: Callable[[Raw], bool]) -> set[str]:
    """Ids of the payment intents and charges that paid an invoice which carries subscription details."""
    paid: set[str] = set()
    from_subscription: set[str] = set()
    for invoice in filter(keep, objects.get("invoices") or []):
        if not (invoice.get("parent") or {}).get("subscription_details"):
            continue
        from_subscription.add(invoice["id"])
        for entry in list_data(invoice.get("payments")):
            paid |= payment_ids(entry)
    for entry in objects.get("invoice_payments") or []:
        if identity(entry.get("invoice")) in from_subscription:
            paid |= payment_ids(entry)
    return paid


def payment_ids(invoice_payment: Raw) -> set[str]:
    """The payment intent and charge ids that an invoice payment names."""
    payment = invoice_payment.get("payment") or {}
    return {found for name in ("payment_intent", "charge") if (found := identity(payment.get(name)))}


def payer_of(charge: Raw) -> str | None:
    """The customer, else the card's fingerprint, else None."""
    customer = identity(charge.get("customer"))
    if customer:
        return f"customer {customer}"
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    return f"card {card['fingerprint']}" if card.get("fingerprint") else None


def rate_of(charge: Raw, own: Raw) -> Fraction:
    """Minor units of the settlement currency per minor unit of the charge.

    It is the `exchange_rate` of its balance transaction, taken as a rate of minor or of major units, whichever gives
    the amount that Stripe settled; where neither does to within one minor unit, the amounts are the rate.
    """
    if own.get("exchange_rate") is not None:
        told = exact(own["exchange_rate"])
        of_major = told * Fraction(10) ** (exponent(own["currency"]) - exponent(charge["currency"]))
        errors = {rate: abs(rate * charge["amount_captured"] - own["amount"]) for rate in (told, of_major)}
        nearest = min(errors, key=lambda rate: errors[rate])
        if errors[nearest] <= 1:
            return nearest
    return Fraction(own["amount"], charge["amount_captured"])


def read_records(objects: Raw, today: int, livemode: bool) -> Records:
    """Reduce raw objects to records; objects created after day `today` are not there yet."""
    keep = same_mode(livemode)
    records = Records(currency=objects["account"]["default_currency"])
    transactions = all_balance_transactions(objects)
    subscription_payments = subscription_payment_ids(objects, keep)
    raw_charges = {raw["id"]: raw for raw in objects.get("charges") or []}
    charge_rates: dict[str, tuple[str, Fraction]] = {}
    newest: dict[str, tuple[int, str]] = {}

    def transaction(reference: Any) -> Raw | None:
        return transactions.get(identity(reference) or "")

    for raw in filter(keep, raw_charges.values()):
        day = raw["created"] // DAY
        if day > today:
            continue
        own = transaction(raw.get("balance_transaction"))
        if own and own["currency"] == records.currency != raw["currency"] and raw["amount_captured"]:
            rate = rate_of(raw, own)
            charge_rates[raw["id"]] = (raw["currency"], rate)
            if raw["status"] == "succeeded" and newest.get(raw["currency"], (-1, "")) < (raw["created"], raw["id"]):
                newest[raw["currency"]] = (raw["created"], raw["id"])
                records.rates[raw["currency"]] = rate
        if raw["status"] == "failed":
            records.failed_days.append(day)
        if raw["status"] != "succeeded" or raw.get("captured") is not True:
            continue
        amount: int | None = None
        if own and own["currency"] == records.currency:
            amount = own["amount"]
        elif raw["currency"] == records.currency:
            amount = raw["amount_captured"]
        ids = {raw["id"], identity(raw.get("payment_intent"))}
        records.charges.append(
            Charge(
                raw["id"],
                day,
                amount,
                raw["amount_captured"],
                raw["currency"],
                payer_of(raw),
                bool(ids & subscription_payments),
            )
        )

    def settled(amount: int, currency: str, charge_id: str | None) -> int | None:
        if currency == records.currency:
            return amount
        charge_currency, rate = charge_rates.get(charge_id or "", (None, Fraction(0)))
        return half_even(amount * rate) if charge_currency == currency else None

    def of_this_mode(raw: Raw) -> bool:
        charge = raw_charges.get(identity(raw.get("charge")) or "")
        return keep(raw) and (charge is None or keep(charge))

    for raw in filter(of_this_mode, objects.get("refunds") or []):
        day, own = raw["created"] // DAY, transaction(raw.get("balance_transaction"))
        if day > today or raw["status"] != "succeeded":
            continue
        if own and own["currency"] == records.currency:
            amount = -own["amount"]
        else:
            amount = settled(raw["amount"], raw["currency"], identity(raw.get("charge")))
        records.refunds.append(Movement(raw["id"], day, amount, raw["amount"], raw["currency"]))

    for raw in filter(of_this_mode, objects.get("disputes") or []):
        entries = [found for entry in raw.get("balance_transactions") or [] if (found := transaction(entry))]
        for entry in entries:
            if entry["created"] // DAY <= today:
                amount = settled(entry["amount"], entry["currency"], identity(raw.get("charge")))
                records.dispute_movements.append(
                    Movement(entry["id"], entry["created"] // DAY, amount, entry["amount"], entry["currency"])
                )
        counted_at = counted_from(raw, entries)
        if raw["created"] // DAY <= today:
            records.disputes.append(
                Dispute(raw["created"] // DAY, None if counted_at is None else counted_at // DAY, raw["status"])
            )

    for raw in filter(of_this_mode, objects.get("early_fraud_warnings") or []):
        if raw["created"] // DAY <= today:
            records.warning_days.append(raw["created"] // DAY)
    return records


def counted_from(dispute: Raw, entries: list[Raw]) -> int | None:
    """When a dispute starts to count: its creation; an escalated inquiry from its first withdrawal; else never.

    An inquiry is told by its card case type, or by money that leaves a day or more after the creation: a chargeback
    takes it at once.
    """
    if dispute["status"] == "prevented" or dispute["status"].startswith("warning_"):
        return None
    created = int(dispute["created"])
    case_type = ((dispute.get("payment_method_details") or {}).get("card") or {}).get("case_type")
    withdrawals = [int(entry["created"]) for entry in entries if entry["amount"] < 0]
    if withdrawals and (case_type == "inquiry" or min(withdrawals) >= created + DAY):
        return min(withdrawals)
    return created
