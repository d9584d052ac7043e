"""Faults strike the requests they are meant for, and no others."""

import time
from typing import Any

import httpx
import pytest

from vaultra_local.stripe_sim import Fault
from vaultra_local.stripe_sim.small_accounts import YEN_ID


def test_statuses_come_with_stripes_envelope_and_end_when_used_up(small: Any) -> None:
    with small() as (stripe, reading):
        stripe.faults += [
            Fault("429", path="/v1/charges", count=1, retry_after_seconds=3),
            Fault("503", path="/v1/charges", count=1, retry_after_seconds=None),
            Fault("500", path="/v1/charges", count=1),
        ]
        limited, unavailable, broken, good = (reading.get("charges") for _ in range(4))
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
        assert limited.json()["error"]["code"] == "rate_limit"
        assert unavailable.status_code == 503
        assert "retry-after" not in unavailable.headers
        assert (broken.status_code, broken.json()["error"]["type"]) == (500, "api_error")
        assert good.status_code == 200
        assert reading.get("payouts").status_code == 200
        assert [request.path for request in stripe.requests] == ["/v1/charges"] * 4 + ["/v1/payouts"]


def test_a_share_is_drawn_from_its_seed(small: Any) -> None:
    runs = []
    for seed in (3, 3, 4):
        with small() as (stripe, reading):
            stripe.faults.append(Fault("429", share=0.3, seed=seed))
            runs.append([reading.get("balance").status_code for _ in range(60)])
    assert runs[0] == runs[1] != runs[2]
    assert 8 < runs[0].count(429) < 30


def test_skipped_requests_and_other_accounts_pass(small: Any) -> None:
    with small() as (stripe, reading):
        stripe.faults.append(Fault("500", path="/v1/balance", account=YEN_ID, skip=2))
        assert [reading.get("balance").status_code for _ in range(3)] == [200, 200, 500]
        alone = reading.http.get("/v1/balance", headers={"Stripe-Account": ""})
        assert alone.status_code == 200


def test_connections_break_and_hang(small: Any) -> None:
    with small() as (stripe, reading):
        stripe.faults.append(Fault("reset", count=1))
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            reading.get("balance")
        stripe.faults[:] = [Fault("timeout", count=1, delay_seconds=0.2)]
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            reading.get("balance")
        stripe.faults[:] = [Fault("slow", count=1, delay_seconds=0.2)]
        began = time.monotonic()
        assert reading.get("balance").status_code == 200
        assert time.monotonic() - began >= 0.2
        assert reading.get("balance").status_code == 200
