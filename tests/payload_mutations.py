"""Payloads made wrong on purpose: any place removed, nulled, of another type, or with something unknown beside it."""

import copy
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import stripe_payloads as raw
from tests.stripe_payloads import NOON, Json, at

Path_ = tuple[Any, ...]

OFFICIAL: dict[str, Json] = json.loads(
    gzip.decompress((Path(__file__).parent / "data" / "stripe_fixtures.json.gz").read_bytes())
)
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 1.5, -0.5, 1e300, 2**31, 2**53, 2**62, -(2**62), 2**63 - 1, 253402300800,
    "", " ", "x", "usd", "EUR", "succeeded", "won", "year", "fortnight", "0", "-3", "1e9", "1e-30", "NaN", "ünïcödé",
    "ch_1", "x" * 300, "\U0001f600", "2026-11-20T12:00:00Z", [], [[]], [None], [1, "a", {}], {}, {"id": None},
    {"id": "ch_1"}, {"id": 5}, {"object": "list", "data": None}, {"object": "list", "data": [{}], "has_more": True},
    {"data": "x"},
)  # fmt: skip


def subjects() -> Iterator[Json]:
    """Each object we keep, with everything in it that may be (expanded, listed, discounted, tiered), and no default."""
    movement = raw.balance_transaction(amount=5400)
    yield raw.charge(currency="eur", amount_captured=4900, balance_transaction=movement, invoice="in_1",
                     customer=raw.customer(), payment_intent={"id": "pi_1", "receipt_email": "jenny@example.com"},
                     refunds=_list(raw.refund(charge=raw.charge(description="for Jenny"))))  # fmt: skip
    yield raw.charge(captured=False, amount_captured=0)
    yield raw.refund(currency="eur", balance_transaction=raw.balance_transaction(amount=-540))
    moved = [raw.movement(-5000, created=at(NOON) + 7200), raw.movement(5000, created=at(NOON) + 86_400)]
    inquiry = {"type": "card", "card": {"case_type": "inquiry"}}
    yield raw.dispute(balance_transactions=moved, payment_method_details=inquiry)
    yield raw.early_fraud_warning()
    yield raw.payout(status="paid")
    yield raw.subscription(
        customer=raw.customer(discount=raw.discount()),
        discounts=[raw.discount()],
        items=_list(_tiered(), _packed()),
        pause_collection={"behavior": "void", "resumes_at": at(NOON) + 86_400},
    )
    yield raw.customer(discount=raw.discount())
    yield raw.invoice()
    yield raw.discount(customer="cus_1", subscription="sub_1")
    yield raw.account(requirements={"past_due": ["external_account"]})
    yield raw.balance()


def _list(*items: Json) -> Json:
    return {"object": "list", "data": list(items), "has_more": False}


def _tiered() -> Json:
    decimals = {"unit_amount_decimal": "0.5", "flat_amount_decimal": "100"}
    tiers = [{"up_to": 5, "unit_amount": 500, "flat_amount": None}, {"up_to": None, **decimals}]
    price = raw.price(billing_scheme="tiered", tiers_mode="graduated", tiers=tiers, unit_amount=None)
    return {"id": "si_1", "object": "subscription_item", "discounts": [raw.discount()], "price": price, "quantity": 7}


def _packed() -> Json:
    price = raw.price(transform_quantity={"divide_by": 10, "round": "up"})
    return {"id": "si_2", "object": "subscription_item", "discounts": [], "price": price, "quantity": 30}


def places(value: Any, path: Path_ = ()) -> list[Path_]:
    """The way to everything inside a value."""
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += places(inner, (*path, key))
    return found


def put(payload: Json, path: Path_, value: Any) -> Json:
    """A copy with something else in one place."""
    changed = copy.deepcopy(payload)
    _holder(changed, path)[path[-1]] = value
    return changed


def without(payload: Json, path: Path_) -> Json:
    """A copy without one place."""
    changed = copy.deepcopy(payload)
    del _holder(changed, path)[path[-1]]
    return changed


def _holder(payload: Json, path: Path_) -> Any:
    holder: Any = payload
    for step in path[:-1]:
        holder = holder[step]
    return holder


def mutated(payload: Json, chance: random.Random, *, most: int = 3) -> Json:
    """A copy with up to so many places changed in one of the four ways."""
    for _ in range(chance.randint(1, most)):
        found = places(payload)
        if not found:
            break
        path, way = chance.choice(found), chance.randrange(4)
        if way == 0:
            payload = without(payload, path)
        elif way == 1:
            payload = put(payload, path, None)
        elif way == 2:
            payload = put(payload, path, chance.choice(STRANGE))
        else:
            payload = (
                put(payload, (*path[:-1], "a_field_of_tomorrow"), chance.choice(STRANGE)) if _named(path) else payload
            )
    return payload


def _named(path: Path_) -> bool:
    return isinstance(path[-1], str)
