"""RELIABILITY rows D4, D7, D9, D10, E20 and O13: lost announcements, a dying database, poison, locks and clocks."""

import asyncio
import contextlib
import datetime as dt
import os
import random
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from tests import stripe_payloads as raw
from tests.chaos import inline
from tests.chaos.audit import audit, open_books
from tests.chaos.inline import Dice
from tests.chaos.storm import own_server
from tests.chaos.world import AS_OF, World
from tests.connected import OBJECT_TABLES, connect, keep, rollups, rows, statuses
from tests.fakes import FakePublisher, FakeStripe
from tests.reliability.calls import request, routes
from tests.reliability.conftest import WEBHOOK, client, signed
from tests.reliability.house import ROLES, House
from tests.stripe_payloads import NOON, Json, at
from tests.threads import in_threads
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.adapters.stripe_events import HANDLERS
from vaultra.adapters.stripe_signature import verify_signature
from vaultra.db import broker, inbox
from vaultra.db import engine as database
from vaultra.errors import ConnectionLost, InvalidInput
from vaultra.ports import StripeGateway, StripeRead
from vaultra.services import Services
from vaultra.usecases import dispatch, ingestion
from vaultra_local import catalogue, subscriptions
from vaultra_local.postgres import EmbeddedPostgres

SECOND, MINUTE, HOUR = dt.timedelta(seconds=1), dt.timedelta(minutes=1), dt.timedelta(hours=1)


def charges(count: int, prefix: str = "", **given: Any) -> list[Json]:
    return [
        raw.event("charge.succeeded", raw.charge(id=f"ch_{prefix}{n}"), id=f"evt_{prefix}{n}", **given)
        for n in range(count)
    ]


# --- D4: announcements lost ----------------------------------------------------------------------


def test_d4_the_sweeper_announces_again_what_lost_its_announcement(
    fresh_engine: Engine, stripe: FakeStripe, wire: Callable[..., Services], fail_at: Callable[[str], None]
) -> None:
    services = wire(fresh_engine, FakePublisher(), stripe)
    services.publisher = EmbeddedPublisher(fresh_engine)
    chance = random.Random(4)
    with fresh_engine.begin() as conn:
        connect(conn)
        broker.write_subscriptions(conn, subscriptions.from_catalogue(catalogue.load(), "http://127.0.0.1:9"))

    async def deliver(events: list[Json]) -> set[int]:
        found = set()
        async with client("stripe_webhook") as webhook:
            for start in range(0, len(events), 50):
                moment = NOON + chance.uniform(0, 60) * SECOND
                services.clock = lambda moment=moment: moment  # type: ignore[misc]
                posts = (webhook.post(WEBHOOK, **signed(item)) for item in events[start : start + 50])
                found |= {answer.status_code for answer in await asyncio.gather(*posts)}
        return found

    fail_at("committed=raise")  # dead between the commit and the announcement
    assert asyncio.run(deliver(charges(500, "dead_"))) == {500}
    fail_at("")
    assert asyncio.run(deliver(charges(500, "wiped_"))) == {200}
    with fresh_engine.connect() as conn:
        queued = len(rows(conn, "broker_messages"))
        conn.execute(text("truncate broker_messages, broker_deliveries"))
        conn.commit()
        received = {row["id"]: row["received_at"] for row in rows(conn, "stripe_events")}
        delays: list[dt.timedelta] = []
        for tick in range(1, 4):
            now = NOON + tick * MINUTE
            for topic, body in dispatch.run(conn, dispatch.Tick("sweep"), now):
                if topic == ingestion.TOPIC:
                    ingestion.apply(conn, stripe, body["ids"], now)
            conn.commit()
            done = {row["id"] for row in rows(conn, "stripe_events") if row["status"] == "done"}
            delays += [now - received.pop(number) for number in done & received.keys()]
        assert statuses(conn) == {"done": 1000}
        assert rollups(conn)[0]["charge_count"] == 1000
    assert queued > 0
    assert max(delays) <= 2 * MINUTE
    print(f"D4: 500 died before the announcement, {queued} messages of 500 wiped: 1,000 done, "
          f"the last {max(delays).total_seconds():.0f} s after it came")  # fmt: skip


class Killed(BaseException):
    """Stands for a function whose time is over."""


class Exhausting(FakeStripe):
    """Answers 25 readings; then the function's time is over."""

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        if len(self.asked) == 25:
            raise Killed
        self.put(account_id, resource, raw.charge(id=object_id, currency="eur", balance_transaction=None))
        return super().retrieve(account_id, resource, object_id)


def test_what_was_read_before_the_end_need_not_be_read_again(fresh_engine: Engine) -> None:
    events = [raw.event("charge.succeeded", raw.charge(id=f"ch_{n}", currency="eur")) for n in range(60)]
    with fresh_engine.connect() as conn:
        connect(conn)
        ids = keep(conn, events)
        conn.commit()
        left = []
        for _ in range(3):
            with contextlib.suppress(Killed):
                ingestion.apply(conn, Exhausting(), ids, NOON)
            conn.rollback()
            left.append(statuses(conn).get("pending", 0))
        assert left == [40, 20, 0]


# --- D7: the database dies -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def mortal() -> Iterator[EmbeddedPostgres]:
    with own_server() as server:
        yield server


PLACES = {
    "before the objects": "insert into charges",
    "before the rollups": "daily_rollups",
    "before the mark": "update stripe_events set status",
    "before the request for metrics": "insert into metrics_due",
    "at the commit": "commit",
}


def test_d7_a_database_that_dies_leaves_no_part_of_an_effect(mortal: EmbeddedPostgres) -> None:
    engine = database.create(mortal.url(), pool_size=2)
    with engine.begin() as conn:
        connect(conn)
    total = 0
    for number, (place, statement) in enumerate(PLACES.items()):
        events = charges(40, f"{number}_")
        events.append(raw.event("charge.dispute.created", raw.dispute(id=f"dp_{number}", charge=f"ch_{number}_1")))
        with engine.connect() as conn:
            ids = keep(conn, events)
            conn.commit()
            before = picture(conn)
        dying = Dying(engine, mortal, statement)
        with engine.connect() as conn, pytest.raises(Exception) as raised:
            ingestion.apply(conn, FakeStripe(), ids, NOON)
        dying.disarm()
        assert isinstance(database.translate(raised.value), ConnectionLost), raised.value
        assert dying.died, place
        mortal.restart()
        with engine.connect() as conn:
            assert picture(conn) == before, place
            conn.rollback()
            assert ingestion.apply(conn, FakeStripe(), ids, NOON).done == len(events)
            total += len(events)
            assert statuses(conn) == {"done": total}
            assert sum(row.get("charge_count", 0) for row in rollups(conn)) == 40 * (number + 1)
    engine.dispose()
    print(f"D7: {len(PLACES)} immediate stops ({', '.join(PLACES)}): 0 partial rows, {total} applied once afterwards")


class Dying:
    """The server is stopped at once when this engine is about to send a statement."""

    def __init__(self, engine: Engine, server: EmbeddedPostgres, statement: str) -> None:
        self.died = False
        self._engine, self._server, self._statement = engine, server, statement
        event.listen(engine, "before_cursor_execute", self._at_statement)
        event.listen(engine, "commit", self._at_commit)

    def _at_statement(self, _conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not self.died and self._statement in " ".join(statement.lower().split()):
            self._die()

    def _at_commit(self, _conn: Connection) -> None:
        if self._statement == "commit":
            self._die()

    def _die(self) -> None:
        os.kill(self._server.pid, signal.SIGQUIT)
        while self._server.alive:
            time.sleep(0.01)
        self.died = True

    def disarm(self) -> None:
        event.remove(self._engine, "before_cursor_execute", self._at_statement)
        event.remove(self._engine, "commit", self._at_commit)


def picture(conn: Connection) -> dict[str, list[Json]]:
    """Everything an event touches."""
    return {table: rows(conn, table, "1, 2, 3") for table in (*OBJECT_TABLES, "daily_rollups", "stripe_events")} | {
        "metrics_due": rows(conn, "metrics_due", "1")
    }


# --- D9: nobody's events -------------------------------------------------------------------------


def test_d9_the_events_of_an_account_nobody_connects_are_seen_by_nobody(house: House) -> None:
    tenants = [house.tenant() for _ in range(2)]
    mark = "acct_of_nobody"
    with house.engine.connect() as conn:
        conn.execute(text("delete from stripe_events"))
        for message in range(10):
            events = charges(100, f"{mark}_{message}_", account=mark)
            outcome = ingestion.apply(conn, house.stripe, keep(conn, events, house.now), house.now)
            assert (outcome.parked, outcome.metrics_due) == (100, [])
    asked = [
        (name, tenant, role) for name in routes() if name.startswith("GET ") for tenant in tenants for role in ROLES
    ]
    seen, answered = 0, 0
    for name, tenant, role in asked:
        method, path, sent = request(name, tenant, role)
        answer = house.send(method, path, **sent)
        seen += mark in answer.text
        answered += answer.status_code == 200
    with house.engine.connect() as conn:
        assert statuses(conn) == {"parked": 1000}
        early = inbox.purge(conn, house.now + 72 * HOUR)["parked"]
        purged = inbox.purge(conn, house.now + 72 * HOUR + SECOND)["parked"]
        conn.commit()
        assert statuses(conn) == {}
    assert (seen, early, purged) == (0, 0, 1000)
    assert answered > len(asked) / 4
    print(f"D9: 1,000 parked; {len(asked)} requests of {len(tenants)} tenants' people: {seen} show any; "
          f"{purged} purged after 72 h, {early} before")  # fmt: skip


# --- D10: poison beside the others ---------------------------------------------------------------


@pytest.mark.parametrize(
    "refused",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["handlers that raise", "rows the database refuses"],
)
def test_d10_poison_does_not_hold_up_the_others(
    refused: bool, fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The median of several rounds, calm and poisoned in turn, so that the machine's other work hits both alike."""
    stripe = FakeStripe()
    monkeypatch.setitem(HANDLERS, "charge.expired", broken)
    rounds: dict[str, list[float]] = {"calm": [], "poisoned": []}
    with fresh_engine.connect() as conn:
        conn.execute(text("alter table charges add constraint refusing check (customer <> 'cus_refused')"))
        for number in range(7):
            for kind, delays in rounds.items():
                account = f"acct_{kind}_{number}"
                connect(conn, account)
                events = charges(1000, f"{kind}_{number}_", account=account)
                bad = random.Random(number).sample(range(1000), 10) if kind == "poisoned" else []
                for n in bad:
                    spoil(events[n], n, stripe, refused=refused)
                kept = [keep(conn, events[start : start + 20]) for start in range(0, 1000, 20)]
                conn.commit()
                began, waits = time.perf_counter(), list[float]()
                for ids in kept:
                    outcome = ingestion.apply(conn, stripe, ids, NOON)
                    waits += [time.perf_counter() - began] * outcome.done
                assert len(waits) == 1000 - len(bad)
                delays.append(sorted(waits)[950])
    ratios = [poisoned / calm for calm, poisoned in zip(*rounds.values(), strict=True)][1:]
    kind = "rows the database refuses" if refused else "handlers that raise"
    print(f"D10: 1 % poison, {kind}: others' p95 {statistics.median(ratios):.2f} × baseline "
          f"({min(ratios):.2f}–{max(ratios):.2f} in {len(ratios)} rounds)")  # fmt: skip


def broken(subject: Json, settlement_currency: str) -> Any:
    raise RuntimeError("a bug")


def spoil(item: Json, n: int, stripe: FakeStripe, *, refused: bool) -> None:
    """A row that the database refuses; or an amount that can't be read, a reading or a handler that crashes."""
    charge = item["data"]["object"]
    if refused:
        charge["customer"] = "cus_refused"
    elif n % 3 == 0:
        charge["amount"] = "a lot"
    elif n % 3 == 1:
        charge["currency"] = "eur"
        stripe.failures[charge["id"]] = RuntimeError("a bug")
    else:
        item["type"] = "charge.expired"


# --- E20: locks ----------------------------------------------------------------------------------


def test_e20_many_workers_on_few_accounts_never_deadlock(fresh_database_url: str) -> None:
    workers, count, accounts = 8, 20_000, 3
    engine = database.create(fresh_database_url, pool_size=workers + 1)
    chance = random.Random(20)
    messages: list[list[int]] = []
    with engine.connect() as conn:
        for number in range(accounts):
            connect(conn, f"acct_{number}")
        for _ in range(count // 100):
            message = []
            for _ in range(100):
                day = at(NOON) - chance.randrange(40) * 86_400
                held = raw.charge(id=f"ch_{chance.randrange(count // 2)}", created=day, status=chance.choice(STATUSES))
                moment = NOON + len(messages) * SECOND
                message.append(raw.event("charge.updated", held, moment, account=f"acct_{chance.randrange(accounts)}"))
            messages.append(keep(conn, message))
        conn.commit()
        before = deadlocks(conn)
        conn.rollback()
    chance.shuffle(messages)
    messages += messages[: len(messages) // 10]
    errors: list[Exception] = []
    done: list[int] = []
    began = time.perf_counter()

    def work(_number: int) -> None:
        with engine.connect() as conn:
            while messages:
                try:
                    ids = messages.pop()
                    done.append(ingestion.apply(conn, TieBreaker(), ids, NOON).done)
                except Exception as error:
                    conn.rollback()
                    errors.append(error)

    in_threads(work, range(workers))
    seconds = time.perf_counter() - began
    engine.dispose()  # a session reports its counters when it ends
    with engine.connect() as conn:
        after = deadlocks(conn)
        kept = statuses(conn)
    engine.dispose()
    assert errors == []
    assert (after - before, kept, sum(done)) == (0, {"done": count}, count)
    print(f"E20: {workers} workers, {count} events of {accounts} accounts in {seconds:.1f} s: "
          f"deadlocks +{after - before}")  # fmt: skip


STATUSES = ("pending", "succeeded", "failed")


class TieBreaker(FakeStripe):
    """Answers every charge, whatever its id, in one state; ties are settled by it."""

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> Any:
        self.put(account_id, resource, raw.charge(id=object_id, balance_transaction=None))
        return super().retrieve(account_id, resource, object_id)


def deadlocks(conn: Connection) -> int:
    statement = text("select deadlocks from pg_stat_database where datname = current_database()")
    found: int = conn.execute(statement).scalar_one()
    return found


# --- O13: clocks ---------------------------------------------------------------------------------


def test_o13_clocks_that_are_ten_minutes_apart_lose_nothing(fresh_engine: Engine) -> None:
    world, chance = World.make(seed=13, deliveries=600), random.Random(13)

    def skewed() -> dt.datetime:
        """Each process has a clock of its own, up to ten minutes from the true one."""
        return AS_OF + chance.uniform(-600, 600) * SECOND

    lost: list[int] = []

    def worker(conn: Connection, stripe: StripeGateway, ids: list[int], dice: Dice) -> None:
        if chance.random() < 0.1:
            lost.extend(ids)  # its announcement never arrived
            return
        dice.reach()
        ingestion.apply(conn, stripe, ids, skewed())
        dice.reach()

    with fresh_engine.connect() as conn:
        open_books(conn, world)
    api = inline.run(fresh_engine, world, worker, clock=skewed)
    delays: list[int] = []
    with fresh_engine.connect() as conn:
        for minute in range(1, 30):
            now = AS_OF + minute * MINUTE + chance.uniform(-600, 600) * SECOND
            for topic, body in dispatch.run(conn, dispatch.Tick("sweep"), now):
                if topic == ingestion.TOPIC:
                    ingestion.apply(conn, api.stripe, body["ids"], skewed())
            conn.commit()
            waiting = statuses(conn).get("pending", 0)
            delays += [minute] if waiting else []
    findings = audit(fresh_engine, world, {item["id"] for item in world.deliveries})
    print(f"O13: {world.figures()}; every clock up to 10 min off, {len(lost)} announcements lost: {findings}; "
          f"all done within {len(delays) + 1} min")  # fmt: skip
    assert findings.errors == 0, findings.examples[:10] + findings.differences[:10]
    assert lost


def test_o13_a_door_whose_clock_is_too_far_off_refuses_and_stripe_comes_again() -> None:
    body = raw.event("charge.succeeded", raw.charge())
    delivery = signed(body, at(NOON))
    header = delivery["headers"]["Stripe-Signature"]
    for seconds in (-299, 0, 299):
        verify_signature(delivery["content"], header, ["whsec_of_the_tests"], NOON + seconds * SECOND)
    for seconds in (-600, 600):
        with pytest.raises(InvalidInput, match="too old, or from the future"):
            verify_signature(delivery["content"], header, ["whsec_of_the_tests"], NOON + seconds * SECOND)
