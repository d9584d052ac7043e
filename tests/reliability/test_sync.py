"""RELIABILITY rows E4 and E5: whatever changes while an account is read, it is read whole, once."""

import datetime as dt
import itertools
import random
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from tests.connected import connect
from tests.reliability.reading import MINUTE, begin, deliver, finish
from tests.simulated import Clock, SimulatedStripe, a_shop, differences
from tests.stripe_payloads import NOON, Json
from vaultra.usecases import sync
from vaultra_local.stripe_sim import Simulator

# --- E4: a backfill among webhooks -----------------------------------------------------------

OBJECTS, SEEDS = 20, 25


class Trade:
    """A shop whose payments keep changing while it is read; what happened is told by webhooks, some time later."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = Clock(NOON)
        self.account = a_shop(f"acct_e4_{seed}", self.clock)
        self.simulator = Simulator([self.account], now=self.clock)
        self.stripe = SimulatedStripe(self.simulator, self.clock)
        self.charges = [self.do("charge", at=self.clock() - 86_400 * n, amount=5000 + n) for n in range(OBJECTS)]
        self.disputes: dict[str, str] = {}
        self.told = set(self.account.collections["event"].ordered())

    def do(self, operation: str, **arguments: Any) -> str:
        return self.simulator.do(self.account.id, operation, **arguments)

    def happen(self) -> None:
        """Something changes, often in the same second as the last."""
        self.clock.seconds += self.chance.choice([0, 0, 1, 5])
        charge = self.chance.choice(self.charges)
        change = self.chance.randrange(4)
        left = 5000 - self.account.fields("charge", charge).get("amount_refunded", 0)
        if change == 0 and left > 100:
            self.do("refund", charge=charge, amount=100)
        elif change == 1 and charge not in self.disputes:
            status = self.chance.choice(["needs_response", "warning_needs_response"])
            self.disputes[charge] = self.do("dispute", charge=charge, status=status)
        elif change == 2 and self.disputes:
            moved = self.chance.choice(sorted(self.disputes.values()))
            if self.account.fields("dispute", moved)["status"] not in ("won", "lost"):
                self.do("dispute_status", dispute=moved, status=self.chance.choice(["under_review", "won", "lost"]))
        else:
            self.charges.append(self.do("charge", amount=700))

    def news(self) -> list[Json]:
        """The events since the last call."""
        new = [key for key in self.account.collections["event"].ordered() if key not in self.told]
        self.told.update(new)
        return [self.account.render("event", event_id, created) for created, event_id in new]

    def our_time(self) -> dt.datetime:
        return self.clock.now + self.chance.randint(-10, 10) * MINUTE


@pytest.mark.parametrize("seed", range(SEEDS))
def test_e4_a_backfill_among_webhooks_takes_nothing_back(
    fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(sync, "PAGE", 3)
    monkeypatch.setattr(sync, "OBJECTS_PER_STEP", 9)
    trade = Trade(seed)
    waiting: list[Json] = []
    with fresh_engine.connect() as conn, fresh_engine.connect() as worker:
        account = connect(conn, trade.account.id)
        conn.commit()

        def meanwhile(_resource: str, _params: Mapping[str, str]) -> None:
            trade.stripe.before = lambda _resource, _params: None
            for _ in range(trade.chance.randint(0, 3)):
                trade.happen()
            waiting.extend(trade.news())
            trade.chance.shuffle(waiting)
            for _ in range(trade.chance.randint(0, min(4, len(waiting)))):
                deliver(worker, trade.stripe, [waiting.pop()], trade.our_time())
            trade.stripe.before = meanwhile

        trade.stripe.before = meanwhile
        finish(conn, trade.stripe, begin(conn, account, "initial", trade.our_time()), trade.our_time)
        trade.stripe.before = lambda _resource, _params: None
        waiting.extend(trade.news())
        trade.chance.shuffle(waiting)
        for event in waiting:
            deliver(worker, trade.stripe, [event], trade.our_time())
        assert differences(conn, account, trade.stripe) == {}


def test_e4_counts() -> None:
    print(f"E4: {SEEDS} backfills among webhooks, {OBJECTS} payments each with an order of its own: 0 taken back")
    assert OBJECTS * SEEDS >= 500


# --- E5: lists that change while they are paged ------------------------------------------------

LISTS = 200
_numbers = itertools.count(1)


@pytest.mark.parametrize("part", range(4))
def test_e5_lists_that_change_while_they_are_paged_are_read_whole(
    fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(sync, "PAGE", 3)
    monkeypatch.setattr(sync, "OBJECTS_PER_STEP", 30)
    lost = 0
    with fresh_engine.connect() as conn:
        for seed in range(part, LISTS, 4):
            lost += a_list_that_changes(conn, seed)
    print(f"E5 {part + 1}/4: {LISTS // 4} lists, {lost} cursors deleted on the way: the same set every time")
    assert lost > LISTS // 8


def a_list_that_changes(conn: Connection, seed: int) -> int:
    """Read a shop whose invoices come and go between the pages; how often the cursor itself was gone."""
    chance, clock = random.Random(seed), Clock(NOON)
    shop = a_shop(f"acct_e5_{seed}", clock)
    stripe = SimulatedStripe(Simulator([shop], now=clock), clock)
    lost = 0

    def draft(at: int) -> None:
        number = next(_numbers)
        shop.create("invoice", {"id": f"in_{number}", "created": at, "status": "draft"}, event="invoice.created")

    def between_pages(resource: str, params: Mapping[str, str]) -> None:
        nonlocal lost
        clock.seconds += chance.choice([0, 1, 30])
        for _ in range(chance.randint(0, 1)):
            draft(clock())
        invoices = [invoice for _, invoice in shop.collections["invoice"].ordered()]
        doomed = [chance.choice(invoices)] if chance.random() < 0.2 else []
        cursor = params.get("starting_after")
        if resource == "invoices" and cursor in invoices and chance.random() < 0.2:
            doomed.append(cursor)
            lost += 1
        for invoice in set(doomed):
            shop.delete("invoice", invoice, at=clock())

    for n in range(12):
        draft(clock() - 3600 * n)
    account = connect(conn, shop.id)
    conn.commit()
    stripe.before = between_pages
    finish(conn, stripe, begin(conn, account, "initial", clock.now), lambda: clock.now)
    stripe.before = lambda _resource, _params: None
    clock.seconds += 900
    finish(conn, stripe, begin(conn, account, "incremental", clock.now), lambda: clock.now)
    assert differences(conn, account, stripe) == {}, f"seed {seed}"
    return lost
