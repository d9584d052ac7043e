"""Events into inbox rows, and into effects: every type we listen to, and bodies that are no events."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import stripe_payloads as raw
from tests.stripe_payloads import ACCOUNT, NOON, at, event, event_of, subject_of, thin
from vaultra.adapters.stripe_events import HANDLERS, STATES, THIN_STATES, Effects, effects_of, receive, received_event
from vaultra.adapters.stripe_objects import named, parse
from vaultra.errors import InvalidInput
from vaultra.usecases.applying import GOODBYES

Json = dict[str, Any]


def body(**changes: Any) -> bytes:
    return json.dumps(event("charge.succeeded", raw.charge()) | changes).encode()


# --- receiving -------------------------------------------------------------------------------


def test_an_event_becomes_an_inbox_row() -> None:
    received = receive(body(id="evt_1", livemode=True, created=at(NOON)))
    assert (received.event_id, received.account, received.livemode) == ("evt_1", ACCOUNT, True)
    assert (received.type, received.occurred_at) == ("charge.succeeded", NOON)
    assert received.api_version == "2026-10-28.dahlia"
    assert received.payload["data"]["object"]["object"] == "charge"


def test_the_platforms_own_event_has_no_account() -> None:
    platform = event("charge.succeeded", raw.charge())
    del platform["account"]
    assert received_event(platform).account == ""


def test_a_thin_event_is_received_under_its_context_at_its_second() -> None:
    sent = thin("v1.charge.refunded", raw.charge(id="ch_1"), context="org_1/acct_9")
    sent["created"] = "2026-11-20T13:00:00.999+01:00"
    received = receive(json.dumps(sent).encode())
    assert (received.account, received.occurred_at, received.type) == ("acct_9", NOON, "v1.charge.refunded")
    assert received.payload == {"related_object": {"id": "ch_1", "type": "charge", "url": "/v1/charges/ch_1"}}
    assert (received.api_version, received.livemode) == (None, True)


def test_an_event_of_stripes_second_api_is_received_and_means_nothing() -> None:
    for related in (None, {"id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1"}):
        sent = thin("v2.core.account.updated", raw.account(), related_object=related, data={"who": "Jenny"})
        received = receive(json.dumps(sent).encode())
        assert (received.payload, effects_of(received.type, received.payload, "usd")) == ({}, None)


def test_of_a_type_we_do_not_listen_to_nothing_is_kept() -> None:
    received = received_event(event("payment_intent.succeeded", {"object": "payment_intent", "id": "pi_1"}))
    assert (received.type, received.payload) == ("payment_intent.succeeded", {})


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"null", b"[]", b"5", b'"evt_1"', b"{}", b"\xff\xfe", b'"\\ud800"', b"[" * 100_000,
        body(id=None), body(id=""), body(id=5), body(type=None), body(type=[]), body(account=5),
        body(created=None), body(created="yesterday"), body(created=2**40), body(created=2**60), body(created=10**400),
        body(created=True), body(created=1.5), body(created=-1), body(livemode=None), body(livemode="yes"),
        body(id="e" * 256), body(type="t" * 256), body(account="a" * 256),
        body(object="v2.core.event", created=5), body(object="v2.core.event", created="now"),
        body(object="v2.core.event", created="2026-11-20T12:00:00"), body(object="v2.core.event", created="1969-11-20"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a Stripe event"):
        receive(payload)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(["id", "object", "type", "account", "created", "livemode", "data", "api_version", "tomorrow"]),
)
def test_anything_in_any_field_is_received_or_refused(value: Any, name: str) -> None:
    for payload in (body(**{name: value}), body(data={"object": value}), json.dumps(value).encode()):
        try:
            received = receive(payload)
        except InvalidInput:
            continue
        assert b"\\u0000" not in json.dumps(received.payload).encode()


def test_nul_is_dropped_and_what_only_looks_like_it_is_kept() -> None:
    sent = event("invoice.paid", raw.invoice(status="x\0y", **{"charg\0e": r"\u0000"}), id="evt\0_1")
    received = receive(json.dumps(sent).encode())
    assert received.event_id == "evt_1"
    kept = received.payload["data"]["object"]
    assert (kept["status"], kept["charge"]) == ("xy", r"\u0000")


def test_what_is_nested_without_end_is_not_kept() -> None:
    deep = json.loads('{"a":' * 500 + "1" + "}" * 500)
    received = receive(body(data={"object": raw.charge(customer=deep, refunds=deep, balance_transaction=[[[deep]]])}))
    kept = received.payload["data"]["object"]
    assert (kept["customer"], kept["refunds"], kept["balance_transaction"]) == ({}, {}, [])


# --- effects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("event_type", STATES)
def test_an_events_object_is_a_new_state(event_type: str) -> None:
    subject = subject_of(event_type)
    assert effects_of(event_type, event(event_type, subject), "usd") == Effects(objects=(parse(subject, "usd"),))  # type: ignore[arg-type]


@pytest.mark.parametrize("event_type", [f"v1.{name}" for name in (*STATES, *THIN_STATES)])
def test_a_thin_events_object_has_to_be_read(event_type: str) -> None:
    subject = subject_of(event_type)
    received = received_event(event_of(event_type, subject))
    found = effects_of(received.type, received.payload, "usd")
    assert found is not None
    [told] = found.objects
    assert (told.id, told.incomplete, told.values) == (subject["id"], True, {})
    whole = parse(subject, "usd")
    assert whole is not None
    assert told.table == whole.table


@pytest.mark.parametrize("event_type", [name for name in HANDLERS if name not in GOODBYES])
def test_every_type_means_something_for_its_object(event_type: str) -> None:
    received = received_event(event_of(event_type, subject_of(event_type)))
    found = effects_of(event_type, received.payload, "usd")
    assert found is not None
    assert found != Effects()


def effects(event_type: str, subject: Json) -> Effects:
    found = effects_of(event_type, event(event_type, subject), "usd")
    assert found is not None
    return found


def test_the_other_events() -> None:
    paid = effects("payout.paid", raw.payout(id="po_1", status="paid"))
    assert (paid.payout_paid, paid.objects[0].id) == ("po_1", "po_1")
    assert effects("customer.deleted", raw.customer(id="cus_1")) == Effects(deleted=(("customers", "cus_1"),))
    assert effects("invoice.deleted", raw.invoice(id="in_1")) == Effects(deleted=(("invoices", "in_1"),))
    assert effects("balance.available", raw.balance()).balance == {
        "available": [{"amount": 2000, "currency": "usd"}], "pending": [{"amount": 0, "currency": "usd"}],
    }  # fmt: skip
    disabled = effects(
        "account.updated", raw.account(payouts_enabled=False, requirements={"past_due": ["tos"]})
    ).account
    assert disabled is not None
    assert disabled.values == {
        "standing": {"charges_enabled": True, "payouts_enabled": False, "past_due": True}, "settlement_currency": "usd",
    }  # fmt: skip
    assert not disabled.incomplete


@pytest.mark.parametrize("event_type", sorted(GOODBYES))
def test_a_goodbye_is_about_no_object_and_needs_none(event_type: str) -> None:
    assert effects_of(event_type, {}, "usd") == Effects()


def thin_effects(event_type: str, subject: Json, **given: Any) -> Effects:
    found = effects_of(event_type, received_event(thin(event_type, subject, **given)).payload, "usd")
    assert found is not None
    return found


def test_the_other_thin_events() -> None:
    paid = thin_effects("v1.payout.paid", raw.payout(id="po_1"))
    assert (paid.payout_paid, paid.objects) == ("po_1", (named("payout", "po_1"),))
    assert thin_effects("v1.customer.deleted", raw.customer(id="cus_1")).deleted == (("customers", "cus_1"),)
    assert thin_effects("v1.invoice.deleted", raw.invoice(id="in_1")).deleted == (("invoices", "in_1"),)
    told = thin_effects("v1.account.updated", raw.account()).account
    assert told is not None
    assert told.incomplete
    with pytest.raises(InvalidInput, match="not expected here"):
        thin_effects("v1.charge.refunded", {"object": "plan", "id": "plan_1"})
    with pytest.raises(InvalidInput, match="no id"):
        thin_effects("v1.charge.refunded", {"object": "charge"})


@pytest.mark.parametrize(
    ("owner", "url", "told"),
    [
        ({"customer": "cus_1", "subscription": None}, "/v1/customers/cus_1/discount", ("customers", "cus_1")),
        (
            {"customer": "cus_1", "subscription": "sub_1"},
            "/v1/subscriptions/sub_1/discount",
            ("subscriptions", "sub_1"),
        ),
    ],
)
def test_a_discount_that_came_or_went_makes_its_owner_be_read(owner: Json, url: str, told: tuple[str, str]) -> None:
    discount = raw.discount(**owner)
    related = {"type": "discount", "url": url}
    for what in ("created", "updated", "deleted"):
        for found in (
            effects(f"customer.discount.{what}", discount),
            thin_effects(f"v1.customer.discount.{what}", discount, related_object=related),
        ):
            [named] = found.objects
            assert ((named.table, named.id), named.incomplete) == (told, True)


@pytest.mark.parametrize("url", [None, "", "/v1/customers", "/v1/customers//discount", 5])
def test_a_discount_of_nobody_is_refused(url: Any) -> None:
    with pytest.raises(InvalidInput, match="nobody's"):
        effects("customer.discount.created", raw.discount())
    with pytest.raises(InvalidInput, match="nobody's"):
        thin_effects("v1.customer.discount.created", {"object": "discount", "customer": 1},
                     related_object={"type": "discount", "url": url})  # fmt: skip


def test_a_type_we_do_not_listen_to_means_nothing() -> None:
    assert effects_of("plan.created", event("plan.created", {}), "usd") is None


@pytest.mark.parametrize("payload", [{}, {"data": None}, {"data": {}}, {"data": {"object": "ch_1"}}])
@pytest.mark.parametrize("event_type", ["charge.succeeded", "customer.deleted", "account.updated", "v1.charge.updated"])
def test_an_event_without_an_object_is_refused(event_type: str, payload: Json) -> None:
    with pytest.raises(InvalidInput, match="carries no object"):
        effects_of(event_type, payload, "usd")


def test_an_object_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not expected here"):
        effects_of("charge.succeeded", event("charge.succeeded", {"object": "plan"}), "usd")
    with pytest.raises(InvalidInput, match="no id"):
        effects_of("customer.deleted", event("customer.deleted", {"object": "customer"}), "usd")
    with pytest.raises(InvalidInput):
        effects_of("balance.available", event("balance.available", raw.balance(available=[{}])), "usd")
    with pytest.raises(InvalidInput):
        effects_of("balance.available", event("balance.available", raw.balance(pending="x")), "usd")


def test_times_are_utc() -> None:
    assert receive(body(created=at(NOON))).occurred_at.tzinfo is dt.UTC
