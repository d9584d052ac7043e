"""The control API does what the Python side does, and says what it can't do."""

from typing import Any

import httpx

from vaultra_local.stripe_sim.account import DAY
from vaultra_local.stripe_sim.simulator import OPERATIONS
from vaultra_local.stripe_sim.small_accounts import YEN_ID

from .conftest import NOW, Receiver, client


def test_a_life_through_the_control_api(small: Any, hook: Receiver, web: httpx.Client) -> None:
    with small(webhook_url=hook[0]) as (stripe, reading):
        used = set()

        def do(operation: str, **arguments: Any) -> dict[str, Any]:
            used.add(operation)
            answer = web.post(f"{stripe.url}/_sim/accounts/{YEN_ID}/{operation}", json=arguments)
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        customer = do("customer", description="Walk-in")
        charge = do("charge", amount=8000, customer=customer["id"])
        assert charge["status"] == "succeeded"
        assert do("charge", amount=8000, status="failed")["failure_code"] == "card_declined"
        assert do("refund", charge=charge["id"], amount=1000)["amount"] == 1000
        assert reading.get(f"charges/{charge['id']}").json()["amount_refunded"] == 1000
        dispute = do("dispute", charge=charge["id"], status="warning_needs_response")
        assert dispute["balance_transactions"] == []
        escalated = do("dispute_status", dispute=dispute["id"], status="needs_response")
        assert [one["amount"] for one in escalated["balance_transactions"]] == [-8000]
        won = do("dispute_status", dispute=dispute["id"], status="won")
        assert [one["amount"] for one in won["balance_transactions"]] == [-8000, 8000]
        assert do("fraud_warning", charge=charge["id"])["charge"] == charge["id"]
        payout = do("payout", amount=3000, outcome="paid_then_failed")
        assert payout["status"] == "failed"
        assert payout["failure_balance_transaction"]
        assert do("payout", amount=3000)["status"] == "pending"
        used |= {"payout_paid", "payout_failed"}
        product = do("product", name="Box")
        price = do("price", product=product["id"], amount=900)
        coupon = do("coupon", name="Half", percent_off=50)
        subscription = do("subscription", customer=customer["id"], price=price["id"], coupon=coupon["id"])
        assert subscription["items"]["data"][0]["price"]["unit_amount"] == 900
        do("invoice", subscription=subscription["id"], amount=900, discount=450)
        unpaid = do("invoice", subscription=subscription["id"], amount=900, status="open")
        assert (unpaid["status"], unpaid["billing_reason"]) == ("open", "subscription_cycle")
        assert do("subscription_status", subscription=subscription["id"], status="past_due")["status"] == "past_due"
        assert do("pay_invoice", invoice=unpaid["id"])["status"] == "paid"
        assert do("renew", subscription=subscription["id"], period_end=NOW + 30 * DAY)["status"] == "active"
        changed = do("change_subscription", subscription=subscription["id"], quantity=3)
        assert changed["items"]["data"][0]["quantity"] == 3
        assert do("pause", subscription=subscription["id"])["pause_collection"]["behavior"] == "void"
        assert do("resume", subscription=subscription["id"])["pause_collection"] is None
        assert do("cancel", subscription=subscription["id"])["status"] == "canceled"
        do("account_update", changes={"payouts_enabled": False})
        assert reading.get("account").json()["payouts_enabled"] is False
        do("remove", kind="customer", object_id=customer["id"])
        assert reading.get(f"customers/{customer['id']}").status_code == 404
        assert used == set(OPERATIONS)
        assert stripe.wait_for_webhooks()
        assert len(hook[1]) == len({event for event, _ in hook[1]})


def test_faults_requests_and_deliveries_over_http(small: Any, hook: Receiver) -> None:
    with small(webhook_url=hook[0]) as (stripe, reading):
        control = client(base_url=f"{stripe.url}/_sim")
        assert control.get("/health").json() == {"status": "ok", "accounts": 1}
        assert control.get("/accounts").json()["accounts"][0]["objects"]["charge"] == 240
        assert control.post("/faults", json={"kind": "429", "count": 5}).status_code == 200
        assert reading.get("balance").status_code == 429
        assert control.request("DELETE", "/faults").json() == {"faults": 0}
        assert reading.get("balance").status_code == 200
        assert [one["path"] for one in control.get("/requests").json()["requests"]] == ["/v1/balance"] * 2
        assert control.post("/webhooks", json={"drop": 1.0}).json()["drop"] == 1.0
        control.post(f"/accounts/{YEN_ID}/charge", json={"amount": 5})
        assert stripe.wait_for_webhooks()
        assert control.get("/deliveries").json() == {"attempts": []}
        control.post("/webhooks", json={})
        event = reading.get("events", limit=1).json()["data"][0]
        assert control.post(f"/accounts/{YEN_ID}/events/{event['id']}/resend").status_code == 200
        assert stripe.wait_for_webhooks()
        assert control.get("/deliveries").json()["attempts"][0]["status"] == 200
        sent = control.post("/events", json={"type": "x.y", "account": "acct_z", "data": {"object": {}}})
        assert sent.json()["id"].startswith("evt_")
        assert control.post(f"/accounts/{YEN_ID}/revoke").json() == {"revoked": True}
        assert reading.get("balance").status_code == 403
        control.close()


def test_what_makes_no_sense_is_told_and_changes_nothing(small: Any, web: httpx.Client) -> None:
    with small() as (stripe, reading):
        before = reading.get("events", limit=100).json()
        for path, body, status in (
            (f"accounts/{YEN_ID}/charge", {}, 400),
            (f"accounts/{YEN_ID}/charge", {"amount": 5, "currency": "usd"}, 400),
            (f"accounts/{YEN_ID}/dance", {}, 400),
            (f"accounts/{YEN_ID}/refund", {"charge": "ch_none"}, 404),
            (f"accounts/{YEN_ID}/payout", {"amount": 5, "outcome": "lost"}, 400),
            ("accounts/acct_none/charge", {"amount": 5}, 404),
            ("faults", {"kind": "418"}, 400),
            ("events", {"type": "x.y"}, 400),
            ("webhooks", {}, 400),
        ):
            answer = web.post(f"{stripe.url}/_sim/{path}", json=body)
            assert (answer.status_code, "error" in answer.json()) == (status, True), path
        assert web.post(f"{stripe.url}/_sim/accounts/{YEN_ID}/charge", content=b"[").status_code == 400
        assert reading.get("events", limit=100).json() == before
