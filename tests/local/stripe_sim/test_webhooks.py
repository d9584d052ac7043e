"""Webhooks: signed so that Stripe's SDK accepts them, delivered until accepted, disturbed on request."""

import json
from typing import Any

import pytest
import stripe as sdk

from vaultra_local.stripe_sim import Disturbance, StripeAccount, build_event, signed
from vaultra_local.stripe_sim.clock import wall_seconds
from vaultra_local.stripe_sim.small_accounts import YEN_ID

from .conftest import NOW, SECRET, Receiver


def test_what_happens_is_listed_and_delivered(small: Any, hook: Receiver) -> None:
    url, received, _ = hook
    with small(webhook_url=url, webhook_secret=SECRET, now=wall_seconds) as (stripe, reading):
        charge = stripe.do(YEN_ID, "charge", amount=5000)
        dispute = stripe.do(YEN_ID, "dispute", charge=charge)
        stripe.do(YEN_ID, "dispute_status", dispute=dispute, status="won")
        assert stripe.wait_for_webhooks()
        events = [json.loads(body) for body, _ in received]
        assert sorted(event["type"] for event in events) == [
            "charge.dispute.closed",
            "charge.dispute.created",
            "charge.dispute.funds_reinstated",
            "charge.dispute.funds_withdrawn",
            "charge.succeeded",
        ]
        listed = {event["id"]: event for event in reading.get("events", limit=100).json()["data"]}
        for event in events:
            assert event["account"] == YEN_ID
            assert {**listed[event["id"]], "pending_webhooks": 1} == event
        closed = next(event for event in events if event["type"] == "charge.dispute.closed")
        assert closed["data"]["object"]["status"] == "won"
        assert closed["data"]["previous_attributes"] == {"status": "needs_response"}
        for body, headers in received:
            assert sdk.WebhookSignature.verify_header(body.decode(), headers["stripe-signature"], SECRET, 300)


def test_a_signature_holds_for_these_bytes_and_this_secret_only(hook: Receiver) -> None:
    event = build_event("charge.succeeded", YEN_ID, {"id": "ch_1", "object": "charge"}, created=NOW)
    payload, headers = signed(event, SECRET, wall_seconds())
    assert sdk.StripeClient("sk_test_1").construct_event(payload, headers["Stripe-Signature"], SECRET).id == event["id"]
    for body, secret in ((payload + b" ", SECRET), (payload, "whsec_other")):
        with pytest.raises(sdk.SignatureVerificationError):
            sdk.WebhookSignature.verify_header(body.decode(), headers["Stripe-Signature"], secret, 300)


def test_a_refused_webhook_comes_again_until_it_is_accepted(small: Any, hook: Receiver) -> None:
    url, received, statuses = hook
    statuses += [500, 400, 302]
    with small(webhook_url=url, retry_after_seconds=(0.01, 0.01, 0.01, 0.01)) as (stripe, reading):
        stripe.do(YEN_ID, "charge", amount=5000)
        assert stripe.wait_for_webhooks()
        assert [attempt.status for attempt in stripe.simulator.webhooks.attempts] == [500, 400, 302, 200]
        assert len({body for body, _ in received}) == 1
        assert reading.get("events", limit=1).json()["data"][0]["pending_webhooks"] == 0


def test_a_webhook_nobody_takes_is_given_up(small: Any) -> None:
    with small(webhook_url="http://127.0.0.1:9/hook", retry_after_seconds=(0.01, 0.01)) as (stripe, _):
        stripe.do(YEN_ID, "charge", amount=5000)
        assert stripe.wait_for_webhooks()
        assert [attempt.status for attempt in stripe.simulator.webhooks.attempts] == [None, None, None]


def test_disturbed_delivery_drops_and_doubles_the_same_events_for_the_same_seed(small: Any, hook: Receiver) -> None:
    url, received, _ = hook
    outcomes = []
    for _ in range(2):
        received.clear()
        with small(webhook_url=url) as (stripe, _):
            stripe.simulator.webhooks.disturbance = Disturbance(drop=0.3, duplicate=0.3, shuffle=0.5, seed=4)
            for _ in range(40):
                stripe.do(YEN_ID, "charge", amount=5000)
            assert stripe.wait_for_webhooks()
        outcomes.append(sorted(json.loads(body)["id"] for body, _ in received))
    assert outcomes[0] == outcomes[1]
    assert 15 < len(set(outcomes[0])) < 40
    assert len(outcomes[0]) > len(set(outcomes[0]))


def test_any_event_can_be_sent(small: Any, hook: Receiver) -> None:
    url, received, _ = hook
    with small(webhook_url=url) as (stripe, reading):
        about = {"id": "ch_test", "object": "charge"}
        stripe.send_event({"type": "charge.succeeded", "account": "acct_unknown", "data": {"object": about}})
        test_mode = {"type": "charge.succeeded", "account": YEN_ID, "livemode": False, "data": {"object": about}}
        stripe.send_event(test_mode)
        mine = stripe.send_event({"type": "charge.expired", "account": YEN_ID, "data": {"object": about}})
        assert stripe.wait_for_webhooks()
        assert len(received) == 3
        listed = [event["id"] for event in reading.get("events", limit=100).json()["data"]]
        assert listed[0] == mine
        assert not {json.loads(body)["id"] for body, _ in received} - {mine} & set(listed)


def test_revoking_access_is_told(small: Any, hook: Receiver) -> None:
    url, received, _ = hook
    with small(webhook_url=url) as (stripe, _):
        stripe.revoke(YEN_ID)
        assert stripe.wait_for_webhooks()
    event = json.loads(received[0][0])
    assert (event["type"], event["account"]) == ("account.application.deauthorized", YEN_ID)
    assert event["data"]["object"]["object"] == "application"


def test_a_history_replayed_from_its_events_gives_the_same_objects(accounts: dict[str, StripeAccount]) -> None:
    account = accounts["Quillwater Goods"]
    state: dict[str, Any] = {}
    last = 0
    seen = set()
    for event in account.events():
        assert event["created"] >= last
        assert event["id"] not in seen
        last = event["created"]
        seen.add(event["id"])
        about = event["data"]["object"]
        if about["object"] in ("charge", "refund", "payout", "dispute"):
            state.setdefault(about["id"], []).append(about)
    for kind in ("charge", "refund", "payout"):
        for _, object_id in account.collections[kind].ordered():
            now = account.render(kind, object_id, NOW)
            # Stripe sends no event for a charge that becomes disputed, so neither is it in the replay.
            replayed = [
                {**then, "disputed": now["disputed"]} if kind == "charge" else then for then in state[object_id]
            ]
            assert now in replayed
    for _, dispute in account.collections["dispute"].ordered():
        assert state[dispute][0]["status"] == "needs_response"
