"""Events into inbox rows, and into effects: every type we listen to, and bodies that are no events."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import stripe_payloads as raw
from tests.stripe_payloads import ACCOUNT, NOON, at, event, subject_of
from vaultra.adapters.stripe_events import HANDLERS, Effects, effects_of, receive, received_event
from vaultra.adapters.stripe_objects import parse
from vaultra.errors import InvalidInput

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


def test_a_thin_event_is_received_under_its_context() -> None:
    thin = {
        "object": "v2.core.event",
        "id": "evt_1",
        "type": "v2.core.account.updated",
        "livemode": True,
        "created": "2026-11-20T12:00:00.000Z",
        "context": "org_1/acct_9",
        "related_object": {"id": "acct_9"},
    }
    received = receive(json.dumps(thin).encode())
    assert (received.account, received.occurred_at, received.type) == ("acct_9", NOON, "v2.core.account.updated")
    assert effects_of(received.type, received.payload, "usd") is None


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"null", b"[]", b"5", b'"evt_1"', b"{}", b"\xff\xfe", b'"\\ud800"', b"[" * 100_000,
        body(id=None), body(id=""), body(id=5), body(type=None), body(type=[]), body(account=5),
        body(created=None), body(created="yesterday"), body(created=2**40), body(created=2**60), body(created=10**400),
        body(object="v2.core.event", created=5), body(object="v2.core.event", created="now"),
        body(data={"object": {"requirements": json.loads('{"a":' * 500 + "1" + "}" * 500)}}),
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
    received = receive(body(data={"object": raw.charge(parent={"a\0b": ["x\0y", {"c": r"\u0000"}]})}))
    assert received.payload["data"]["object"]["parent"] == {"ab": ["xy", {"c": r"\u0000"}]}


# --- effects ---------------------------------------------------------------------------------

SPECIAL = {
    "payout.paid", "customer.deleted", "invoice.deleted", "account.updated", "balance.available",
    "account.application.deauthorized",
}  # fmt: skip


@pytest.mark.parametrize("event_type", sorted(set(HANDLERS) - SPECIAL))
def test_an_events_object_is_a_new_state(event_type: str) -> None:
    subject = subject_of(event_type)
    assert effects_of(event_type, event(event_type, subject), "usd") == Effects(objects=(parse(subject, "usd"),))  # type: ignore[arg-type]


def test_every_type_has_an_object_in_these_tests() -> None:
    assert set(HANDLERS) >= SPECIAL
    for event_type in HANDLERS:
        assert effects_of(event_type, event(event_type, subject_of(event_type)), "usd") is not None


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
    assert effects("account.application.deauthorized", {"object": "application"}) == Effects(deauthorized=True)
    disabled = effects("account.updated", raw.account(payouts_enabled=False, requirements={"past_due": ["tos"]}))
    assert disabled.standing == {"charges_enabled": True, "payouts_enabled": False, "past_due": True}
    assert disabled.settlement_currency == "usd"


def test_a_type_we_do_not_listen_to_means_nothing() -> None:
    assert effects_of("plan.created", event("plan.created", {}), "usd") is None


@pytest.mark.parametrize("payload", [{}, {"data": None}, {"data": {}}, {"data": {"object": "ch_1"}}])
@pytest.mark.parametrize("event_type", ["charge.succeeded", "customer.deleted", "account.updated"])
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
