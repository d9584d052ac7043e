"""RELIABILITY row D15: webhooks that never came are found, or what they told is read anew."""

import random
from typing import Any

from sqlalchemy import Connection, Engine
from structlog.testing import capture_logs

from tests.connected import connect, rows, statuses
from tests.reliability.reading import begin, deliver, finish
from tests.simulated import Clock, SimulatedStripe, a_shop, differences
from tests.stripe_payloads import NOON
from vaultra.config import RuntimeSettings
from vaultra.db import sync_runs
from vaultra.telemetry import configure
from vaultra.usecases import dispatch, sync
from vaultra.usecases.dispatch import Tick
from vaultra_local.stripe_sim import Simulator, StripeAccount


def days_of_trade(days: int, seed: int) -> tuple[SimulatedStripe, Clock, StripeAccount]:
    clock = Clock(NOON)
    shop = a_shop(f"acct_d15_{seed}", clock)
    return SimulatedStripe(Simulator([shop], now=clock), clock), clock, shop


def test_d15_one_reconciliation_finds_every_webhook_that_was_lost(fresh_engine: Engine) -> None:
    chance, (stripe, clock, shop) = random.Random(15), days_of_trade(10, 1)
    lost, sent = set(), 0
    with fresh_engine.connect() as conn:
        account = connect(conn, shop.id, connected_at=NOON)
        finish(conn, stripe, begin(conn, account, "initial", clock.now), lambda: clock.now)
        for day in range(10):
            silent = 4 <= day < 8  # for more than three days Stripe reached nobody, and gave up
            told = len(shop.collections["event"])
            for _ in range(40):
                clock.seconds += 86_400 // 40
                charge = stripe.simulator.do(shop.id, "charge", amount=chance.randint(100, 9000))
                if chance.random() < 0.2:
                    stripe.simulator.do(shop.id, "refund", charge=charge)
                if chance.random() < 0.1:
                    stripe.simulator.do(shop.id, "dispute", charge=charge)
            keys = shop.collections["event"].ordered()[told:]
            for created, event_id in keys:
                sent += 1
                if silent or chance.random() < 0.05:
                    lost.add(event_id)
                else:
                    deliver(conn, stripe, [shop.render("event", event_id, created)], clock.now)
        clock.seconds += 1800
        assert differences(conn, account, stripe) != {}
        announced = dispatch.run(conn, Tick("reconcile"), clock.now)
        run = sync_runs.find_newest(conn, account.id, "reconcile")
        conn.commit()
        assert run is not None
        assert (sync.TOPIC, {"run_id": str(run.id), "step": 0}) in announced
        found = missed(conn, stripe, run.id, clock)
        assert found == len(lost)
        assert {row["event_id"] for row in rows(conn, "stripe_events")} >= lost
        assert statuses(conn).keys() == {"done"}
        assert differences(conn, account, stripe) == {}
        # The next one finds nothing, and changes nothing.
        clock.seconds += 86_400
        conn.rollback()
        dispatch.run(conn, Tick("reconcile"), clock.now)
        following = sync_runs.find_newest(conn, account.id, "reconcile")
        conn.commit()
        assert following is not None
        assert following.id != run.id
        assert missed(conn, stripe, following.id, clock) == 0
    print(f"D15: {len(lost)} of {sent} webhooks lost, four whole days among them: {found} found by one run")


def missed(conn: Connection, stripe: SimulatedStripe, run_id: Any, clock: Clock) -> int:
    """Do a reconciliation; gives how many missed events its log lines count."""
    configure(RuntimeSettings(log_level="INFO"))
    try:
        with capture_logs() as logs:
            finish(conn, stripe, run_id, lambda: clock.now)
    finally:
        configure(RuntimeSettings(log_level="CRITICAL"))
    return sum(line["missed"] for line in logs if line["event"] == "reconcile.found")


def test_d15_what_stripe_lists_no_longer_is_read_anew(fresh_engine: Engine) -> None:
    chance, (stripe, clock, shop) = random.Random(16), days_of_trade(40, 2)
    with fresh_engine.connect() as conn:
        account = connect(conn, shop.id, connected_at=NOON)
        finish(conn, stripe, begin(conn, account, "initial", clock.now), lambda: clock.now)
        for _ in range(40):  # nothing reaches us for forty days
            clock.seconds += 86_400
            charge = stripe.simulator.do(shop.id, "charge", amount=chance.randint(100, 9000))
            if chance.random() < 0.3:
                stripe.simulator.do(shop.id, "dispute", charge=charge)
        dispatch.run(conn, Tick("reconcile"), clock.now)
        assert sync_runs.find_newest(conn, account.id, "reconcile") is None
        run = sync_runs.find_newest(conn, account.id, "initial")
        conn.commit()
        assert run is not None
        assert run.finished_at is None
        finish(conn, stripe, run.id, lambda: clock.now)
        assert differences(conn, account, stripe) == {}
    print("D15: after 40 silent days everything was read anew: rows and rollups as at Stripe")
