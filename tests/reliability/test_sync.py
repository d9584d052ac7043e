"""RELIABILITY rows E4, E5, E6, E17, E18 and D15: whatever happens while an account is read, it is read whole, once."""

import asyncio
import datetime as dt
import itertools
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from sqlalchemy import Connection, Engine, text
from structlog.testing import capture_logs

from tests import loopback
from tests.connected import connect, keep, rows, statuses
from tests.fakes import FakePublisher
from tests.functions.envelopes import envelope
from tests.reliability.conftest import client
from tests.simulated import Clock, SimulatedStripe, a_shop, differences
from tests.stripe_payloads import NOON, Json, event
from tests.threads import in_threads
from vaultra import failpoints
from vaultra.adapters import stripe_pacing
from vaultra.adapters.stripe import StripeApi
from vaultra.adapters.stripe_pacing import SharedPace
from vaultra.config import RuntimeSettings, StripeSettings
from vaultra.db import sync_runs
from vaultra.db.objects import Account
from vaultra.errors import RateLimited, Unavailable
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra.usecases import dispatch, ingestion, sync
from vaultra.usecases.dispatch import Tick
from vaultra_local.stripe_sim import Fault, Simulator, StripeAccount, running_simulator
from vaultra_local.stripe_sim.small_accounts import NEW_ID

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
ACCOUNT = "acct_1Shop"
_numbers = itertools.count(1)


def finish(conn: Connection, stripe: SimulatedStripe, run_id: Any, now: Callable[[], dt.datetime]) -> int:
    """Take every step of a run and apply the events it finds; gives the number of steps."""
    for number in itertools.count():
        run = sync_runs.find(conn, run_id)
        assert run is not None
        if run.finished_at is not None:
            assert run.error is None
            return number
        result = sync.take_step(conn, stripe, run_id, run.step, now())
        conn.commit()
        for ids in result.events:
            ingestion.apply(conn, stripe, ids, now())
            conn.commit()
    raise AssertionError("unreachable")


def begin(conn: Connection, account: Account, kind: str, now: dt.datetime) -> Any:
    run = sync.go_on(conn, integration_account_id=account.id, kind=kind, now=now)
    conn.commit()
    return run.id


def deliver(conn: Connection, stripe: SimulatedStripe, events: Sequence[Json], now: dt.datetime) -> None:
    """What the webhook and the worker do."""
    ids = keep(conn, events, now)
    conn.commit()
    ingestion.apply(conn, stripe, ids, now)
    conn.commit()


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


# --- E6: a Stripe that fails often -------------------------------------------------------------


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


# --- E17 and E18: ticks ------------------------------------------------------------------------


def read_once(conn: Connection, name: str, now: dt.datetime) -> Account:
    account = connect(conn, name)
    run = sync_runs.open_run(conn, account.id, "initial", [], now)
    sync_runs.advance(conn, run, position=0, cursor=None, progress=1, read=0, now=now, finished=True)
    return account


def footprint(conn: Connection) -> dict[str, Any]:
    """What a tick may change, without its times."""
    tables = ("sync_runs", "stripe_events", "metrics_due", "mails", "dead_letters", "daily_rollups", "sessions")
    times = {"updated_at", "started_at", "plan", "id"}
    return {
        table: sorted(
            str({name: value for name, value in row.items() if name not in times})
            for row in rows(conn, table, "1")
        )
        for table in tables
    }  # fmt: skip


@pytest.mark.parametrize("job", sorted(dispatch.JOBS))
def test_e17_a_tick_ten_times_at_once_is_one(fresh_engine: Engine, job: str) -> None:
    """None of them carries a scheduled time, as on Cloud Scheduler's topics."""
    now, times = NOON + DAY, 10
    with fresh_engine.begin() as conn:
        accounts = [read_once(conn, f"acct_{n}", NOON) for n in range(5)]
        stalled = sync_runs.open_run(conn, accounts[0].id, "history", [], NOON)
        conn.execute(text("update integration_accounts set history_complete = true"))
        old = keep(conn, [event("plan.created", {"object": "plan"}, NOON - 100 * DAY)], NOON - 100 * DAY)
        conn.execute(text("update stripe_events set status = 'done'"))
    announced: list[dispatch.Announcement] = []
    together = threading.Barrier(times)

    def tick(_number: int) -> None:
        together.wait(30)
        with fresh_engine.connect() as conn:
            found = dispatch.run(conn, Tick(job), now)
            conn.commit()
            announced.extend(found)

    in_threads(tick, range(times))
    with fresh_engine.connect() as conn:
        once = footprint(conn)
        steps = Counter(body["run_id"] for topic, body in announced if topic == sync.TOPIC)
        expected = {"stripe_sync": len(accounts), "reconcile": len(accounts), "sweep": 1}.get(job, 0)
        assert set(steps.values()) <= {1}
        assert len(steps) == expected
        assert (str(stalled.id) in steps) == (job == "sweep")
        assert (statuses(conn) == {}) == (job == "purge")
        assert old
        again = dispatch.run(conn, Tick(job), now + MINUTE)
        conn.commit()
        assert [topic for topic, _ in again if topic == sync.TOPIC] == []
        assert footprint(conn) == once
    print(f"E17: {job}, {times} ticks at once and one more: {len(steps)} runs, each announced once")


PAGES = 5


@pytest.mark.parametrize("crash_after", range(PAGES + 1))
@pytest.mark.parametrize("where", ["before the commit", "before the announcement"])
def test_e18_a_fan_out_that_crashes_resumes_the_rest_only(
    fresh_engine: Engine,
    publisher: FakePublisher,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    crash_after: int,
    where: str,
) -> None:
    monkeypatch.setattr(dispatch, "PAGE", 2)
    now = NOON + DAY
    services.clock = lambda: now
    with fresh_engine.begin() as conn:
        accounts = [read_once(conn, f"acct_{n}", NOON) for n in range(2 * PAGES)]
    room = FanOut(publisher)
    room.deliver(Tick("stripe_sync"), pages=crash_after)
    with fresh_engine.connect() as conn:
        before = {row["id"]: row["started_at"] for row in rows(conn, "sync_runs") if row["kind"] == "incremental"}
    assert len(before) == 2 * crash_after
    room.crash(where, monkeypatch)
    now += MINUTE
    room.deliver_rest()
    with fresh_engine.connect() as conn:
        runs = [row for row in rows(conn, "sync_runs") if row["kind"] == "incremental"]
        assert {row["integration_account_id"] for row in runs} == {account.id for account in accounts}
        assert len(runs) == len(accounts)
        assert {row["id"]: row["started_at"] for row in runs if row["id"] in before} == before
        # What was committed and never announced is found by the sweeper.
        steps = Counter(body["run_id"] for body in room.announced)
        swept: set[str] = set()
        for _ in range(PAGES):
            found = dispatch.run(conn, Tick("sweep"), now + 7 * MINUTE)
            swept |= {body["run_id"] for topic, body in found if topic == sync.TOPIC}
        missing = {str(row["id"]) for row in runs} - steps.keys()
        assert missing <= swept
        assert len(missing) == (2 if where == "before the announcement" and crash_after < PAGES else 0)
        assert set(steps.values()) == {1}


class FanOut:
    """The dispatch function, its messages delivered one by one."""

    def __init__(self, publisher: FakePublisher) -> None:
        self.publisher = publisher
        self.room = client("dispatch")
        self.waiting: list[Json] = []
        self.announced: list[Json] = []

    def deliver(self, tick: Tick, pages: int) -> None:
        self.waiting = [{"job": tick.job}]
        for _ in range(pages):
            if self.waiting:
                self._post(self.waiting.pop(0))

    def deliver_rest(self) -> None:
        while self.waiting:
            self._post(self.waiting.pop(0))

    def crash(self, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Deliver one message to a function that dies of it; the broker keeps it."""
        if not self.waiting:
            return
        with monkeypatch.context() as broken:
            if where == "before the commit":
                broken.setattr(dispatch.sync_runs, "list_due", _die)
            else:
                broken.setenv("VAULTRA_ENVIRONMENT", "test")
                broken.setenv("VAULTRA_FAILPOINTS", "committed=raise")
                failpoints.active.cache_clear()
            assert self._answer(self.waiting[0]) == 500
        failpoints.active.cache_clear()

    def _post(self, body: Json) -> None:
        assert self._answer(body) == 204
        for message in self.publisher.messages:
            into = self.waiting if message.topic == "tick" else self.announced
            into.append(orjson.loads(message.data))
        self.publisher.messages.clear()

    def _answer(self, body: Json) -> int:
        async def post() -> int:
            return (await self.room.post("/", json=envelope(body))).status_code

        return asyncio.run(post())


def _die(*_arguments: Any) -> None:
    raise RuntimeError("killed")


# --- D15: webhooks that never came -------------------------------------------------------------


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
