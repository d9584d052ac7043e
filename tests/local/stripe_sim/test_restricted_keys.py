"""Restricted keys: each account has one that reads everything, its owner makes others, and deletes them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.local.stripe_sim.conftest import client
from vaultra_local.stripe_sim import RunningSimulator, Simulator, new_account, running_simulator, yen_shop
from vaultra_local.stripe_sim.permissions import reading
from vaultra_local.stripe_sim.small_accounts import NEW_ID, YEN_ID

AS_OF = dt.date(2026, 11, 20)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSimulator]:
    with running_simulator([yen_shop(AS_OF), new_account(AS_OF)], secret_key="sk_test_1") as stripe:
        yield stripe


def ask(
    stripe: RunningSimulator, key: str, path: str, method: str = "GET", account: str | None = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} | ({"Stripe-Account": account} if account else {})
    with client(base_url=stripe.url, headers=headers) as http:
        return http.request(method, f"/v1/{path}")


def test_every_account_has_one_that_reads_everything(running: RunningSimulator, web: httpx.Client) -> None:
    key = web.get(f"{running.url}/_sim/accounts/{YEN_ID}/keys").json()["key"]
    assert key.startswith("rk_live_")
    assert ask(running, key, "account").json()["id"] == YEN_ID
    for path in ("charges", "radar/early_fraud_warnings", "balance", "invoice_payments"):
        assert ask(running, key, path).status_code == 200, path
    assert ask(running, key, "charges", account=YEN_ID).status_code == 200
    assert ask(running, key, "charges", account=NEW_ID).json()["error"]["code"] == "account_invalid"


def test_what_a_key_may_not_do_is_named(running: RunningSimulator, web: httpx.Client) -> None:
    answer = web.post(f"{running.url}/_sim/accounts/{YEN_ID}/keys", json={"permissions": ["rak_charge_write"]})
    key = answer.json()["key"]
    assert ask(running, key, "charges").status_code == 200, "writing implies reading"
    assert ask(running, key, "refunds").status_code == 200
    for method, path, permission in (("GET", "events", "rak_event_read"), ("POST", "payouts/po_1", "rak_payout_write")):
        refused = ask(running, key, path, method)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "more_permissions_required")
        assert f"Having the '{permission}' permission" in refused.json()["error"]["message"]
        assert key not in refused.text
    missing = ask(running, key, "charges/ch_none", "POST")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")


def test_a_deleted_key_is_expired(running: RunningSimulator, web: httpx.Client) -> None:
    key = running.restricted_key(NEW_ID)
    assert web.post(f"{running.url}/_sim/keys/roll", json={"key": key}).json() == {"rolled": True}
    answer = ask(running, key, "account")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "api_key_expired")
    assert web.post(f"{running.url}/_sim/keys/roll", json={"key": key}).status_code == 400


def test_keys_outlive_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    first = Simulator([yen_shop(AS_OF)], journal=journal)
    kept, rolled = first.restricted_key(YEN_ID, reading("event")), first.restricted_key(YEN_ID)
    first.roll_key(rolled)
    first.close()
    second = Simulator([yen_shop(AS_OF)], journal=journal)
    assert second.restricted_keys == first.restricted_keys
    assert not second.restricted_keys[kept].allows("rak_event_read")
    assert second.rolled_keys == {rolled}
    assert second.restricted_key(YEN_ID) not in (kept, rolled)
    second.close()
