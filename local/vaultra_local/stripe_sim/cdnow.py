"""The real payment history of CDNOW as a Stripe account: only what its file says."""

import datetime as dt
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from vaultra_local.stripe_sim.account import DAY, StripeAccount
from vaultra_local.stripe_sim.ids import digest, letters_of, suffix
from vaultra_local.stripe_sim.operations import SETTLES_AFTER_DAYS, midnight, stripe_fee
from vaultra_local.stripe_sim.shapes import Json, card_details

ACCOUNT_ID = "acct_1CdnowShopHistory"
FILE = "data/CDNOW_master.txt.xz"
LAST_DAY = dt.date(1998, 6, 30)


@dataclass(frozen=True)
class Purchase:
    """One line of the file: `row` counts from 0, `amount` is cents and may be 0."""

    row: int
    customer: str
    day: dt.date
    amount: int


def purchases() -> Iterator[Purchase]:
    """The file, line by line."""
    text = lzma.decompress(files("vaultra_local").joinpath(FILE).read_bytes()).decode()
    days: dict[str, dt.date] = {}
    for row, line in enumerate(text.splitlines()[1:]):
        customer, day, _, dollars = line.split()
        if day not in days:
            days[day] = dt.date.fromisoformat(day)
        yield Purchase(row, customer, days[day], int(dollars.replace(".", "")))


def _charge(entry: tuple[int, str, int, str]) -> Json:
    created, letters, amount, customer = entry
    fingerprint = customer[4:20]
    return {
        "id": f"ch_{letters}",
        "amount": amount,
        "amount_captured": amount,
        "balance_transaction": f"txn_{letters}",
        "created": created,
        "customer": customer,
        "payment_intent": f"pi_{letters}",
        "payment_method": f"pm_{fingerprint}",
        "payment_method_details": card_details(fingerprint),
    }


def _balance_transaction(entry: tuple[int, str, int, str]) -> Json:
    created, letters, amount, _ = entry
    fee = stripe_fee(amount, "usd")
    detail = {"amount": fee, "application": None, "currency": "usd", "type": "stripe_fee"}
    return {
        "id": f"txn_{letters}",
        "amount": amount,
        "available_on": midnight(created) + SETTLES_AFTER_DAYS * DAY,
        "created": created,
        "currency": "usd",
        "fee": fee,
        "fee_details": [{**detail, "description": "Stripe processing fees"}],
        "net": amount - fee,
        "source": f"ch_{letters}",
    }


def _customer(entry: tuple[int, str, str]) -> Json:
    created, customer_id, number = entry
    return {"id": customer_id, "created": created, "description": f"CDNOW customer {number}"}


UNPACK: dict[str, Any] = {"charge": _charge, "balance_transaction": _balance_transaction, "customer": _customer}


def cdnow(as_of: dt.date, *, livemode: bool = True, every: int = 1) -> StripeAccount:
    """CDNOW's account, its last purchase on the day before `as_of`.

    One purchase is one succeeded and captured charge in dollars, at a moment of its UTC day that the row alone
    decides, with its balance transaction and Stripe's usual fee.

    Args:
        every: Take only every so-manieth line of the file, beginning with the first.
    """
    shift = as_of - dt.timedelta(days=1) - LAST_DAY
    charges: list[tuple[str, tuple[int, str, int, str]]] = []
    customers: dict[str, tuple[int, str, str]] = {}
    starts: dict[dt.date, int] = {}
    net = 0
    for purchase in purchases():
        if purchase.amount == 0 or purchase.row % every:
            continue
        if purchase.day not in starts:
            day = purchase.day + shift
            starts[purchase.day] = int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
        made = digest(ACCOUNT_ID, "ch", purchase.row)
        created = starts[purchase.day] + int.from_bytes(made[:6], "big") % DAY
        known = customers.get(purchase.customer)
        customer_id = known[1] if known else f"cus_{suffix(ACCOUNT_ID, 'cus', purchase.customer)[:16]}"
        if known is None or created < known[0]:
            customers[purchase.customer] = (created, customer_id, purchase.customer)
        letters = letters_of(made)
        charges.append((letters, (created, letters, purchase.amount, customer_id)))
        net += purchase.amount - stripe_fee(purchase.amount, "usd")
    opened = min(created for _, (created, *_) in charges) - DAY
    account = StripeAccount(
        ACCOUNT_ID,
        "CDNOW",
        created=opened,
        livemode=livemode,
        about="The real 18 months of an online music shop (Fader and Hardie): charges and customers only",
        unpack=UNPACK,
    )
    load = account.collections
    load["charge"].load((f"ch_{letters}", entry) for letters, entry in charges)
    load["balance_transaction"].load((f"txn_{letters}", entry) for letters, entry in charges)
    load["customer"].load((entry[1], entry) for entry in customers.values())
    load["event"].load(
        (f"evt_{letters}", (entry[0], "charge.succeeded", "charge", entry, None)) for letters, entry in charges
    )
    account.net["usd"] = net
    account.unpaid = [object_id for _, object_id in load["balance_transaction"].ordered()]
    return account
