"""Stripe's shapes into ours: official fixtures, older versions, holes, and the rules of counting."""

import copy
import datetime as dt
import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import stripe_payloads as raw
from tests.stripe_payloads import NOON, at
from vaultra.adapters.stripe_objects import (
    PARSERS,
    ParsedObject,
    account_currency,
    account_standing,
    balance_amounts,
    parse,
    resource_of,
)
from vaultra.adapters.stripe_privacy import without_personal_data
from vaultra.db.objects import TABLES
from vaultra.errors import InvalidInput

Json = dict[str, Any]
OFFICIAL: dict[str, Json] = json.loads(
    gzip.decompress((Path(__file__).parents[1] / "data" / "stripe_fixtures.json.gz").read_bytes())
)
BUILDERS: dict[str, Callable[..., Json]] = {
    "charge": raw.charge,
    "refund": raw.refund,
    "dispute": raw.dispute,
    "radar.early_fraud_warning": raw.early_fraud_warning,
    "payout": raw.payout,
    "balance_transaction": raw.balance_transaction,
    "subscription": raw.subscription,
    "customer": raw.customer,
    "invoice": raw.invoice,
}
DAY = dt.timedelta(days=1)


def parsed(payload: Json, settlement: str = "usd") -> ParsedObject:
    found = parse(payload, settlement)
    assert found is not None
    return found


def values(payload: Json, settlement: str = "usd") -> Json:
    return parsed(payload, settlement).values


@pytest.mark.parametrize("kind", sorted(PARSERS))
def test_every_object_we_keep_parses_as_stripe_publishes_it(kind: str) -> None:
    found = parsed(OFFICIAL[kind])
    assert (found.id, at(found.created_at)) == (OFFICIAL[kind]["id"], OFFICIAL[kind]["created"])
    model: Any = TABLES[found.table]
    columns = set(model.__table__.columns.keys())
    assert found.values.keys() <= columns
    required = {
        name
        for name, column in model.__table__.columns.items()
        if not column.nullable and column.server_default is None
    }
    keys = {"integration_account_id", "business_id", "id", "created_at", "version_at", "content_hash"}
    assert required - keys <= found.values.keys()


def test_the_official_shapes_say_what_they_say() -> None:
    assert values(OFFICIAL["charge"]) | {"customer": None} == {
        "amount_minor": 100,
        "captured_minor": 0,
        "settled_minor": 0,
        "currency": "usd",
        "status": OFFICIAL["charge"]["status"],
        "captured": False,
        "customer": None,
        "payment_intent": None,
        "balance_transaction": "txn_1PgaxNB7WZ01zgkWEV3TLf40",
        "card_fingerprint": "AOB934RVNwzk6xtn",
    }
    assert values(OFFICIAL["dispute"])["counted_at"] is None  # an inquiry
    assert values(OFFICIAL["payout"])["arrival_on"] == "2009-02-13"
    assert values(OFFICIAL["invoice"])["subscription"] == "subscription"
    [item] = values(OFFICIAL["subscription"])["items"]
    assert (item["unit_amount"], item["interval"], item["quantity"]) == ("2000", "month", 1)
    assert account_currency(OFFICIAL["account"]) == OFFICIAL["account"]["default_currency"]
    assert account_standing(OFFICIAL["account"]).keys() == {"charges_enabled", "payouts_enabled", "past_due"}
    assert balance_amounts(OFFICIAL["balance"])["available"] == [{"amount": 0, "currency": "usd"}]


def test_a_type_we_do_not_keep_is_none() -> None:
    assert parse(OFFICIAL["coupon"], "usd") is None
    assert parse({}, "usd") is None


def test_where_a_table_is_read_from() -> None:
    assert resource_of("charges") == "charges"
    assert resource_of("early_fraud_warnings") == "radar/early_fraud_warnings"


# --- holes -----------------------------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += places(inner, (*path, key))
    return found


def put(payload: Json, path: tuple[Any, ...], value: Any) -> Json:
    changed = copy.deepcopy(payload)
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return changed


def survives(payload: Json, settlement: str) -> None:
    """Parses, or says in our words that it can't be."""
    try:
        found = parse(payload, settlement)
    except InvalidInput:
        return
    assert found is None or found.id


@pytest.mark.parametrize("payload", [*(OFFICIAL[kind] for kind in sorted(PARSERS)), *(b() for b in BUILDERS.values())])
def test_null_in_any_place_survives_or_is_refused(payload: Json) -> None:
    for path in places(payload):
        survives(put(payload, path, None), "usd")
        survives(put(payload, path, None), "eur")


STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**60, 2**63, -(2**60), 253402300800]),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.lists(st.none() | st.integers(0, 3) | st.just({}), max_size=2),
    st.dictionaries(st.sampled_from(["id", "data", "object", "payment", "coupon", "amount"]), st.none(), max_size=2),
)


@settings(max_examples=700, deadline=None, derandomize=True)
@given(st.data())
def test_anything_in_any_place_survives_or_is_refused(data: st.DataObject) -> None:
    payload = data.draw(st.sampled_from(list(BUILDERS.values())))()
    if payload["object"] == "charge":
        payload["refunds"] = {"object": "list", "data": [raw.refund()]}
        payload["balance_transaction"] = raw.balance_transaction()
    if payload["object"] == "subscription":
        payload |= {"customer": raw.customer(discount=raw.discount()), "discounts": [raw.discount()]}
    for _ in range(data.draw(st.integers(1, 2))):
        payload = put(payload, data.draw(st.sampled_from(places(payload))), data.draw(STRANGE))
        payload["a_field_of_tomorrow"] = data.draw(STRANGE)
    survives(payload, data.draw(st.sampled_from(["usd", "eur"])))


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_unknown_fields_change_nothing(kind: str) -> None:
    payload = BUILDERS[kind]()
    assert parse({**payload, "tomorrow": {"nested": [1]}}, "usd") == parse(payload, "usd")


@pytest.mark.parametrize("kind", sorted(set(BUILDERS) - {"customer"}))
@pytest.mark.parametrize("field", ["id", "created"])
def test_an_object_without_id_or_time_is_refused(kind: str, field: str) -> None:
    payload = {name: value for name, value in BUILDERS[kind]().items() if name not in (field, "start_date")}
    with pytest.raises(InvalidInput, match=f"This {kind} can't be read"):
        parse(payload, "usd")


def test_a_field_an_older_version_does_not_have_is_absent_from_the_row() -> None:
    payload = raw.charge()
    for name in ("customer", "payment_intent", "balance_transaction", "payment_method_details"):
        del payload[name]
    assert not {"customer", "payment_intent", "balance_transaction", "card_fingerprint"} & values(payload).keys()
    payload = raw.dispute()
    del payload["balance_transactions"]
    assert "movements" not in values(payload)


# --- charges and refunds ---------------------------------------------------------------------


def test_a_charge_in_the_settlement_currency_needs_no_rate() -> None:
    found = parsed(raw.charge(amount=5000, amount_captured=4000))
    assert (found.values["amount_minor"], found.values["captured_minor"]) == (5000, 4000)
    assert (found.values["settled_minor"], found.incomplete) == (4000, False)


@pytest.mark.parametrize(
    ("charged", "currency", "settlement", "settled", "told", "rate"),
    [
        (5000, "eur", "usd", 5420, 1.084, "1.084"),
        (5000, "jpy", "usd", 3350, 0.0067, "0.67"),  # Stripe's rate is one of major units
        (5000, "kwd", "usd", 1625, 3.25, "0.325"),
        (1000, "usd", "jpy", 1500, 150.0, "1.5"),
        (5000, "eur", "usd", 5420, None, "1.084"),
    ],
)
def test_a_foreign_charge_settles_by_its_movement(
    charged: int, currency: str, settlement: str, settled: int, told: float | None, rate: str
) -> None:
    movement = raw.balance_transaction(amount=settled, currency=settlement, exchange_rate=told)
    found = parsed(raw.charge(amount=charged, currency=currency, balance_transaction=movement), settlement)
    assert (found.values["settled_minor"], Decimal(found.values["exchange_rate"])) == (settled, Decimal(rate))
    assert (found.values["balance_transaction"], found.incomplete) == (movement["id"], False)


@pytest.mark.parametrize(
    ("given", "incomplete"),
    [
        ({}, True),  # the movement is only named
        ({"balance_transaction": None}, False),  # there is none yet; charge.updated will tell
        ({"status": "failed"}, False),
        ({"captured": False, "amount_captured": 0}, False),
        # Settled in a third currency: reading it again would tell nothing more.
        ({"balance_transaction": raw.balance_transaction(currency="gbp")}, False),
    ],
)
def test_a_foreign_charge_is_incomplete_until_its_movement_is_known(given: Json, incomplete: bool) -> None:
    found = parsed(raw.charge(currency="eur", **given))
    assert found.incomplete is incomplete
    assert "settled_minor" not in found.values


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 5000), ("kwd", 5000), ("usd", 5000)])
def test_minor_units_stay_minor_units(currency: str, amount: int) -> None:
    assert values(raw.charge(amount=amount, currency=currency.upper()), currency)["settled_minor"] == amount


def test_an_older_charge_says_paid_instead_of_status_and_carries_its_refunds_and_invoice() -> None:
    old = raw.charge(paid=True, invoice="in_1", refunds={"object": "list", "data": [raw.refund(id="re_1")]})
    del old["status"], old["amount_captured"]
    found = parsed(old)
    assert (found.values["status"], found.values["captured_minor"], found.values["invoice"]) == (
        "succeeded", 5000, "in_1",
    )  # fmt: skip
    assert [(inner.table, inner.id) for inner in found.embedded] == [("refunds", "re_1")]
    assert values({**old, "paid": False})["status"] == "failed"
    assert values({**old, "captured": False})["captured_minor"] == 0


@pytest.mark.parametrize(
    ("given", "settled", "incomplete"),
    [
        ({"currency": "usd"}, 500, False),
        ({"balance_transaction": raw.balance_transaction(amount=-542)}, 542, False),
        # Its own movement decides, not the charge's rate; so it has to be read.
        ({}, None, True),
        ({"status": "pending"}, None, False),
        ({"balance_transaction": None}, None, False),
        ({"balance_transaction": raw.balance_transaction(currency="gbp")}, None, False),
    ],
)
def test_a_refund_settles_by_its_own_movement(given: Json, settled: int | None, incomplete: bool) -> None:
    found = parsed(raw.refund(**{"currency": "eur", **given}))
    assert (found.values.get("settled_minor"), found.incomplete) == (settled, incomplete)


@pytest.mark.parametrize(
    ("payload", "field"),
    [(raw.refund(), "status"), (raw.charge(), "captured"), (raw.charge(), "amount_captured"),
     (raw.dispute(), "balance_transactions"), (raw.dispute(), "payment_method_details")],
)  # fmt: skip
def test_what_a_row_cannot_be_right_without_has_to_be_read(payload: Json, field: str) -> None:
    assert not parsed(payload).incomplete
    assert parsed({name: value for name, value in payload.items() if name != field}).incomplete


# --- disputes --------------------------------------------------------------------------------


def counted(status: str, *withdrawals: dt.timedelta, case_type: str = "chargeback") -> dt.datetime | None:
    movements = [raw.movement(-5000, created=at(NOON + after)) for after in withdrawals]
    card = {"type": "card", "card": {"case_type": case_type}}
    found = values(raw.dispute(status=status, balance_transactions=movements, payment_method_details=card))
    moment = found["counted_at"]
    return None if moment is None else dt.datetime.fromisoformat(moment)


def test_a_dispute_tells_until_when_it_can_be_answered() -> None:
    until = NOON + dt.timedelta(days=9)
    found = values(raw.dispute(evidence_details={"due_by": at(until), "has_evidence": False}))
    assert found["evidence_due_at"] == until.isoformat()
    for silent in (None, {}, {"due_by": None}):
        assert "evidence_due_at" not in values(raw.dispute(evidence_details=silent))


@pytest.mark.parametrize("status", ["needs_response", "under_review", "won", "lost"])
def test_a_chargeback_counts_from_its_beginning_whatever_becomes_of_it(status: str) -> None:
    assert counted(status, dt.timedelta(seconds=5)) == NOON
    assert counted(status) == NOON


@pytest.mark.parametrize("status", ["warning_needs_response", "warning_under_review", "warning_closed", "prevented"])
def test_an_inquiry_and_a_prevented_dispute_do_not_count(status: str) -> None:
    assert counted(status) is None
    assert counted(status, 3 * DAY, case_type="inquiry") is None


def test_an_inquiry_that_escalates_counts_from_its_first_withdrawal() -> None:
    assert counted("needs_response", 9 * DAY, 12 * DAY) == NOON + 9 * DAY
    assert counted("needs_response", DAY, case_type="inquiry") == NOON + DAY
    assert counted("lost", dt.timedelta(hours=2), case_type="inquiry") == NOON + dt.timedelta(hours=2)
    assert counted("lost", case_type="inquiry") == NOON


def test_money_that_came_back_is_no_withdrawal() -> None:
    back = raw.movement(5000, created=at(NOON + 40 * DAY))
    found = values(raw.dispute(status="won", balance_transactions=[raw.movement(-5000), back]))
    assert found["counted_at"] == NOON.isoformat()
    assert [item["amount_minor"] for item in found["movements"]] == [-5000, 5000]


# --- subscriptions, customers, invoices --------------------------------------------------------

COUPON = {"id": "half", "percent_off": 50, "amount_off": None, "currency": None, "duration": "forever"}


@pytest.mark.parametrize(
    "given",
    [
        {"discounts": [raw.discount(id="di_1")]},
        {"discounts": [{"id": "di_1", "start": at(NOON), "end": None, "coupon": COUPON}]},
        {"discounts": [], "discount": {"id": "di_1", "start": at(NOON), "end": None, "coupon": COUPON}},
    ],
    ids=["source.coupon", "coupon in a list", "one discount"],
)
def test_a_discount_says_the_same_in_every_version(given: Json) -> None:
    found = parsed(raw.subscription(**given))
    assert not found.incomplete
    [terms] = found.values["discounts"]
    assert float(terms.pop("percent_off")) == 50
    assert terms == {
        "id": "di_1", "start": at(NOON), "end": None, "amount_off": None, "currency": None, "duration": "forever",
    }  # fmt: skip


def test_discounts_that_are_only_named_make_a_subscription_incomplete() -> None:
    assert parsed(raw.subscription(discounts=["di_1"])).incomplete
    unexpanded = raw.discount(source={"type": "coupon", "coupon": "half"})
    assert parsed(raw.subscription(discounts=[unexpanded])).incomplete
    assert parsed(raw.customer(discount=unexpanded)).incomplete
    assert not parsed(raw.customer()).incomplete


def test_an_expanded_customer_is_kept_beside_the_subscription() -> None:
    found = parsed(raw.subscription(customer=raw.customer(id="cus_9", discount=raw.discount())))
    assert found.values["customer"] == "cus_9"
    [inner] = found.embedded
    assert (inner.table, inner.id, inner.incomplete) == ("customers", "cus_9", False)
    assert "email" not in inner.values
    assert "name" not in inner.values


def test_an_older_subscription_has_a_plan_and_no_price() -> None:
    plan = {"amount": 900, "currency": "usd", "interval": "year", "interval_count": 2, "usage_type": "metered"}
    [item] = values(raw.subscription(items={"data": [{"id": "si_1", "plan": plan, "quantity": 3}]}))["items"]
    assert (item["unit_amount"], item["interval"], item["interval_count"]) == ("900", "year", 2)
    assert (item["usage_type"], item["quantity"], item["tiers"]) == ("metered", 3, [])


def test_a_deleted_customer_is_a_tombstone() -> None:
    assert values({"id": "cus_1", "object": "customer", "deleted": True}) == {"deleted": True}


@pytest.mark.parametrize(
    ("given", "subscription", "paid_by"),
    [
        ({}, "sub_1", ["pi_1"]),
        ({"parent": None, "subscription": "sub_2", "charge": "ch_2", "payments": None}, "sub_2", ["ch_2"]),
        ({"parent": None, "charge": "ch_2", "payment_intent": "pi_2", "payments": None}, None, ["ch_2", "pi_2"]),
        ({"payments": {"data": [{"payment": {"charge": "ch_3"}}, {"payment": None}]}}, "sub_1", ["ch_3"]),
    ],
)
def test_an_invoice_tells_what_paid_for_which_subscription(
    given: Json, subscription: str | None, paid_by: list[str]
) -> None:
    found = parsed(raw.invoice(**given))
    assert (found.values["subscription"], found.values["paid_by"], found.incomplete) == (subscription, paid_by, False)


def test_a_paid_subscription_invoice_without_its_payments_is_incomplete() -> None:
    payload = raw.invoice()
    del payload["payments"]
    assert parsed(payload).incomplete
    assert "paid_by" not in values(payload)
    assert not parsed({**payload, "status": "open"}).incomplete
    assert not parsed({**payload, "amount_paid": 0}).incomplete
    assert not parsed({**payload, "parent": None}).incomplete


def test_a_tiered_price_without_its_tiers_has_to_be_read() -> None:
    payload = raw.subscription()
    price = payload["items"]["data"][0]["price"]
    price |= {"billing_scheme": "tiered", "tiers_mode": "graduated", "unit_amount": None, "unit_amount_decimal": None}
    assert parsed(payload).incomplete
    price["tiers"] = [{"up_to": None, "unit_amount": 500, "flat_amount": None}]
    assert not parsed(payload).incomplete


# --- personal data ---------------------------------------------------------------------------

SECRETS = ["Jenny", "example.com", "4242", "Rosen", "Main Street", "DE123"]


def test_what_says_who_somebody_is_is_not_kept() -> None:
    subject = raw.charge(
        billing_details={"name": "Jenny Rosen"}, receipt_email="jenny@example.com", description="for Jenny",
        shipping={"address": {"line1": "Main Street"}}, metadata={"who": "Rosen"},
    )  # fmt: skip
    reduced = without_personal_data(raw.event("charge.succeeded", subject))
    assert not [secret for secret in SECRETS if secret in json.dumps(reduced)]
    assert parse(reduced["data"]["object"], "usd") == parse(subject, "usd")
    bill = raw.invoice(customer_email="jenny@example.com", customer_tax_ids=[{"value": "DE123"}], footer="Rosen",
                       custom_fields=[{"name": "x", "value": "Jenny"}])  # fmt: skip
    assert not [s for s in SECRETS if s in json.dumps(without_personal_data(raw.event("invoice.paid", bill)))]


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_what_we_use_is_kept(kind: str) -> None:
    payload = BUILDERS[kind]()
    reduced = without_personal_data(raw.event("any", payload))["data"]["object"]
    assert parse(reduced, "usd") == parse(payload, "usd")
    assert parse(reduced, "eur") == parse(payload, "eur")
