"""A restart finds everything as it was: the same ids, the same moments, the same access."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from vaultra_local.stripe_sim.__main__ import anchored
from vaultra_local.stripe_sim.small_accounts import YEN_ID

from .conftest import AS_OF, NOW, Receiver

PATHS = (
    "subscriptions",
    "charges",
    "refunds",
    "disputes",
    "payouts",
    "balance_transactions",
    "events",
    "customers",
    "balance",
)


def test_a_restart_gives_the_same_objects(small: Any, tmp_path: Path, web: httpx.Client) -> None:
    journal = tmp_path / "journal.jsonl"
    moment = [NOW]
    with small(journal=journal, now=lambda: moment[0]) as (stripe, reading):
        charge = stripe.do(YEN_ID, "charge", amount=700)
        moment[0] += 5
        for impossible in ({"charge": charge, "amount": 701}, {"charge": "ch_none"}):
            assert web.post(f"{stripe.url}/_sim/accounts/{YEN_ID}/refund", json=impossible).status_code >= 400
        orphan = {"customer": "cus_none", "price": "price_none"}
        assert web.post(f"{stripe.url}/_sim/accounts/{YEN_ID}/subscription", json=orphan).status_code == 404
        product = stripe.do(YEN_ID, "product", name="Notebook")
        price = stripe.do(YEN_ID, "price", product=product, amount=300)
        stripe.do(YEN_ID, "subscription", customer="cus_any", price=price)
        stripe.do(YEN_ID, "refund", charge=charge)
        payout = stripe.do(YEN_ID, "payout", amount=100)
        stripe.do(YEN_ID, "payout_failed", payout=payout)
        stripe.send_event({"type": "charge.expired", "account": YEN_ID, "data": {"object": {"id": charge}}})
        token, _ = stripe.simulator.grant(YEN_ID)
        before = {path: reading.get(path, **({} if path == "balance" else {"limit": 100})).json() for path in PATHS}
    for _ in range(2):
        with small(journal=journal, now=lambda: moment[0]) as (stripe, reading):
            after = {path: reading.get(path, **({} if path == "balance" else {"limit": 100})).json() for path in PATHS}
            assert after == before
            own = web.get(f"{stripe.url}/v1/account", headers={"Authorization": f"Bearer {token}"})
            assert own.json()["id"] == YEN_ID
    with small(journal=journal, now=lambda: moment[0]) as (stripe, _):
        stripe.revoke(YEN_ID)
    with small(journal=journal, now=lambda: moment[0]) as (_, reading):
        assert reading.get("charges").status_code == 403


def test_a_line_cut_off_by_a_crash_is_forgotten(small: Any, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with small(journal=journal) as (stripe, _):
        kept = stripe.do(YEN_ID, "charge", amount=700)
    with journal.open("ab") as file:
        file.write(b'{"do":"charge","account":"')
    with small(journal=journal) as (stripe, reading):
        assert reading.get("charges", limit=1).json()["data"][0]["id"] == kept
        later = stripe.do(YEN_ID, "charge", amount=800)
    with small(journal=journal) as (_, reading):
        assert {one["id"] for one in reading.get("charges", limit=2).json()["data"]} == {kept, later}


def test_an_undelivered_webhook_is_delivered_after_a_restart(small: Any, tmp_path: Path, hook: Receiver) -> None:
    journal = tmp_path / "journal.jsonl"
    url, received, statuses = hook
    statuses += [503]
    with small(journal=journal, webhook_url=url, retry_after_seconds=(600,)) as (stripe, reading):
        stripe.do(YEN_ID, "charge", amount=700)
        assert not stripe.wait_for_webhooks(0.5)
        assert reading.get("events", limit=1).json()["data"][0]["pending_webhooks"] == 1
    with small(journal=journal, webhook_url=url) as (stripe, reading):
        assert stripe.wait_for_webhooks()
        assert reading.get("events", limit=1).json()["data"][0]["pending_webhooks"] == 0
    assert len(received) == 2
    assert received[0][0] == received[1][0]
    with small(journal=journal, webhook_url=url) as (stripe, _):
        assert stripe.wait_for_webhooks()
    assert len(received) == 2


def test_the_anchor_is_set_once(tmp_path: Path) -> None:
    assert anchored(tmp_path, AS_OF) == AS_OF
    assert anchored(tmp_path, AS_OF.replace(year=2027)) == AS_OF
    assert (tmp_path / "anchor").read_text().strip() == "2026-11-19"


def test_the_process_starts_serves_and_comes_back_the_same(tmp_path: Path, web: httpx.Client) -> None:
    command = [sys.executable, "-m", "vaultra_local.stripe_sim", "--port", "0", "--state", str(tmp_path)]
    answers: list[Any] = []
    for stop in (signal.SIGKILL, signal.SIGTERM):
        with subprocess.Popen([*command, "--no-webhooks"], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                url = process.stdout.readline().split()[-1]
                assert web.get(f"{url}/_sim/health").json()["status"] == "ok"
                headers = {"Authorization": "Bearer sk_test_x", "Stripe-Account": YEN_ID}
                if not answers:
                    web.post(f"{url}/_sim/accounts/{YEN_ID}/charge", json={"amount": 4321})
                answers.append(web.get(f"{url}/v1/charges", params={"limit": 100}, headers=headers).json())
            finally:
                process.send_signal(stop)
            assert process.wait(timeout=10) in (-stop, 0)
    assert answers[0] == answers[1]
    assert answers[0]["data"][0]["amount"] == 4321
    assert len(json.loads((tmp_path / "journal.jsonl").read_text())["with"]) == 1
