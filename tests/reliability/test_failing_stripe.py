"""RELIABILITY row E6: a Stripe that fails often is read whole, at its pace, and no page again."""

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest
from sqlalchemy import Engine

from tests import loopback
from tests.connected import connect, rows
from tests.reliability.reading import MINUTE, begin
from tests.simulated import Clock, a_shop
from tests.stripe_payloads import NOON
from vaultra.adapters import stripe_pacing
from vaultra.adapters.stripe import StripeApi
from vaultra.adapters.stripe_pacing import SharedPace
from vaultra.config import StripeSettings
from vaultra.db import sync_runs
from vaultra.errors import RateLimited, Unavailable
from vaultra.usecases import sync
from vaultra_local.stripe_sim import Fault, Simulator, StripeAccount, running_simulator
from vaultra_local.stripe_sim.small_accounts import NEW_ID

ACCOUNT = "acct_1Shop"


def busiest_second(moments: Sequence[float]) -> int:
    """Most requests within any second."""
    ordered = sorted(moments)
    return max(sum(1 for at in ordered[start:] if at < first + 1) for start, first in enumerate(ordered))


def connected_to(url: str, engine: Engine) -> StripeApi:
    settings = StripeSettings(stripe_secret_key="sk_live_1", stripe_api_base=url, stripe_connect_base=url)
    return StripeApi(settings, lambda: NOON, pace=SharedPace(lambda: engine, settings.stripe_requests_per_second))


def busy_shop(charges: int) -> StripeAccount:
    clock = Clock(NOON)
    shop = a_shop(ACCOUNT, clock)
    simulator = Simulator([shop], now=clock)
    for n in range(charges):
        simulator.do(ACCOUNT, "charge", at=clock() - 600 * n, amount=5000)
    return shop


def test_e6_a_stripe_that_fails_often_is_read_whole_and_no_page_again(
    fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "PAGE", 10)
    monkeypatch.setattr(sync, "OBJECTS_PER_STEP", 100)
    # Shorter pauses of ours mean more requests a second; those that Stripe asks for stay as long as it says.
    monkeypatch.setattr(stripe_pacing, "FIRST_BACKOFF_SECONDS", 0.02)
    clock = Clock(NOON)
    with running_simulator([busy_shop(150)], now=clock) as stripe:
        stripe.faults += [
            Fault("timeout", count=2, skip=10, delay_seconds=0.1),
            Fault("429", count=2, skip=20, retry_after_seconds=1),
            Fault("409", share=0.05, seed=2),
            Fault("500", share=0.05, seed=3),
            Fault("reset", share=0.05, seed=5),
            Fault("429", share=0.3, seed=1, retry_after_seconds=None),
        ]
        api = connected_to(stripe.url, fresh_engine)
        refused = 0
        with fresh_engine.connect() as conn:
            account = connect(conn, ACCOUNT, currency=None)
            run_id = begin(conn, account, "initial", NOON)
            for number in itertools.count():
                run = sync_runs.find(conn, run_id)
                assert run is not None
                conn.rollback()
                if run.finished_at is not None:
                    assert run.error is None
                    break
                try:
                    sync.take_step(conn, api, run_id, run.step, NOON + number * MINUTE)
                    conn.commit()
                except (RateLimited, Unavailable):  # the broker brings it again
                    conn.rollback()
                    refused += 1
            assert len(rows(conn, "charges")) == len(rows(conn, "balance_transactions")) == 150
        seen = stripe.requests
        hits = Counter(fault.kind for fault in stripe.faults for _ in range(fault.hits))
    assert set(hits) == {"429", "409", "500", "timeout", "reset"}
    for path in ("/v1/charges", "/v1/balance_transactions"):
        cursors = [parse_qs(item.query).get("starting_after", [""])[0] for item in seen if item.path == path]
        assert [cursor for cursor, _ in itertools.groupby(cursors)] == list(dict.fromkeys(cursors))
        assert len(set(cursors)) == 15
    peak = busiest_second([item.at for item in seen])
    assert peak <= 20
    print(f"E6: {len(seen)} requests, failures {dict(hits)}, {refused} steps brought again: 300 of 300 objects, "
          f"no page read twice, at most {peak} requests in a second")  # fmt: skip


SIMULATOR = """
import datetime
from vaultra_local.stripe_sim import Simulator, new_account
from vaultra_local.stripe_sim.server import listening_socket, server
bound = listening_socket()
bound.listen(128)
print(bound.getsockname()[1], flush=True)
server(Simulator([new_account(datetime.date(2026, 11, 20))])).run([bound])
"""


@contextmanager
def simulator_process() -> Iterator[str]:
    """A simulator that notes requests without waiting for this process's threads; gives its URL."""
    process = subprocess.Popen([sys.executable, "-c", SIMULATOR], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def test_e6_instances_together_keep_to_the_pace(fresh_engine: Engine) -> None:
    readers, each = 6, 15
    with simulator_process() as url:
        apis = [connected_to(url, fresh_engine) for _ in range(readers)]  # one per instance

        def read(api: StripeApi) -> None:
            for _ in range(each):
                api.list_page(NEW_ID, "charges", {"limit": "1"})

        with ThreadPoolExecutor(readers) as pool:
            list(pool.map(read, apis))
        moments = [item["at"] for item in loopback.get(f"{url}/_sim/requests").json()["requests"]]
    peak, took = busiest_second(moments), max(moments) - min(moments)
    print(f"E6: {readers} instances at once: {len(moments)} requests in {took:.2f} s "
          f"({(len(moments) - 1) / took:.1f}/s), at most {peak} in a second")  # fmt: skip
    assert len(moments) == readers * each
    # Sent at the pace; on a busy machine some, the first too, wait on the way and arrive together. Stripe allows 25.
    assert (len(moments) - 1) / took <= 25
    assert peak <= 25
