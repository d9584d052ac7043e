"""RELIABILITY rows E1, E2 and E3: one effect however often and in whatever order events arrive."""

import datetime as dt
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import apply, connect, keep, rollups, rows, statuses
from tests.fakes import FakeStripe
from tests.stripe_payloads import NOON, Json, at, event
from tests.threads import in_threads
from vaultra.adapters.stripe_objects import parse
from vaultra.db import engine as database
from vaultra.db import objects
from vaultra.db import rollups as db_rollups
from vaultra.db.objects import ObjectRow
from vaultra.domain.versions import Reading, Verdict, Version, judge, judge_reading
from vaultra.errors import NotFound
from vaultra.ports import StripeRead
from vaultra.usecases import ingestion

SECOND = dt.timedelta(seconds=1)


def test_e1_the_same_event_at_once_has_one_effect(fresh_database_url: str) -> None:
    threads, count = 50, 200
    engine = database.create(fresh_database_url, pool_size=threads)
    with engine.connect() as conn:
        connect(conn)
        ids = keep(conn, [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}") for n in range(count)])
        conn.commit()
    done: list[int] = []
    together = threading.Barrier(threads)

    def work(seed: int) -> None:
        order = random.Random(seed).sample(ids, count)
        with engine.connect() as conn:
            together.wait(30)
            for start in range(0, count, 10):
                done.append(ingestion.apply(conn, FakeStripe(), order[start : start + 10], NOON).done)
                conn.commit()

    in_threads(work, range(threads))
    with engine.connect() as conn:
        assert sum(done) == count
        assert statuses(conn) == {"done": count}
        assert rollups(conn) == [
            {"day": NOON.date(), "currency": "usd", "charge_count": count, "captured_minor": 5000 * count,
             "settled_minor": 5000 * count}
        ]  # fmt: skip
    engine.dispose()
    print(f"E1: {threads} threads × {count} events: {sum(done)} effects")


# --- E2: permutations --------------------------------------------------------------------------


@dataclass
class Shelf:
    """The rule of versions over one object in memory. `truth` is what the API says; None: it can't be asked."""

    truth: str
    rule: Callable[[Version | None, Version], Verdict] = judge
    stored: Version | None = None
    read: int = 0

    def deliver(self, state: Version) -> None:
        verdict = self.rule(self.stored, state)
        if verdict is Verdict.READ:
            self.read += 1
            reading = Reading(Version(state.at, self.truth), self.stored)
            if judge_reading(self.stored, reading) is Verdict.WRITE:
                self.stored = reading.version
        elif verdict is Verdict.WRITE:
            self.stored = state


PURE_CASES, DATABASE_CASES = 1900, 100


@settings(max_examples=PURE_CASES, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0, 0, 1, 5]), min_size=1, max_size=6), st.data())
def test_e2_versions_end_in_the_truth_in_every_order(steps: list[int], data: st.DataObject) -> None:
    states = [Version(NOON + elapsed * SECOND, f"state {n}") for n, elapsed in enumerate(itertools.accumulate(steps))]
    shelf = Shelf(truth=states[-1].content_hash)
    for state in data.draw(st.permutations(states)):
        shelf.deliver(state)
    assert shelf.stored is not None
    assert shelf.stored.content_hash == states[-1].content_hash


Change = Callable[["Billing"], tuple[str, Json]]


@dataclass
class Billing:
    """What Stripe holds about one payment while it happens; a change gives an event's type and object."""

    objects: dict[str, Json] = field(default_factory=dict)

    def change(self, kind: str, event_type: str, **fields: Any) -> tuple[str, Json]:
        made = getattr(raw, kind)
        ids = {"charge": "ch_1", "refund": "re_1", "dispute": "dp_1", "customer": "cus_1", "payout": "po_1"}
        before = self.objects.get(kind) or made(id=ids[kind])
        self.objects[kind] = {**before, **fields}
        if "refunds" in self.objects.get("charge", {}):  # the charge shows its refunds as they are now
            self.objects["charge"] = {**self.objects["charge"], "refunds": {"data": [self.objects["refund"]]}}
        return event_type, self.objects[kind]

    def refunded(self) -> tuple[str, Json]:
        """As older API versions tell it: the charge with its refunds inside."""
        _, refund = self.change("refund", "refund.created", status="succeeded")
        return self.change("charge", "charge.refunded", amount_refunded=500, refunds={"data": [refund]})

    def deleted(self) -> tuple[str, Json]:
        event_type, customer = self.change("customer", "customer.deleted")
        self.objects["customer"] = {"id": "cus_1", "object": "customer", "deleted": True}
        return event_type, customer


def back(amount: int) -> Json:
    return raw.movement(amount, id=f"txn_{amount}", created=at(NOON + dt.timedelta(days=2)))


CHANGES: tuple[Change, ...] = (
    lambda shop: shop.change("charge", "charge.pending", status="pending"),
    lambda shop: shop.change("charge", "charge.succeeded", status="succeeded"),
    lambda shop: shop.change("charge", "charge.captured", captured=True, amount_captured=4000),
    lambda shop: shop.change("charge", "charge.updated", customer="cus_2"),
    lambda shop: shop.change("refund", "refund.created", status="pending"),
    lambda shop: shop.change("refund", "refund.updated", status="succeeded"),
    lambda shop: shop.change("refund", "refund.failed", status="failed"),
    Billing.refunded,
    lambda shop: shop.change("dispute", "charge.dispute.created", status="warning_needs_response"),
    lambda shop: shop.change("dispute", "charge.dispute.updated", status="needs_response"),
    lambda shop: shop.change(
        "dispute", "charge.dispute.funds_reinstated", status="won", balance_transactions=[back(-5000), back(5000)]
    ),
    lambda shop: shop.change("customer", "customer.updated", discount=raw.discount(id="di_1")),
    Billing.deleted,
    lambda shop: shop.change("payout", "payout.paid", status="paid"),
    lambda shop: shop.change("payout", "payout.failed", status="failed", failure_code="closed"),
)


class TrueStripe(FakeStripe):
    """Answers every object as it finally is."""

    def __init__(self, external: str, billing: Billing) -> None:
        super().__init__()
        self.as_of = NOON
        for kind, held in billing.objects.items():
            self.put(external, f"{kind}s", held)


_examples = itertools.count(1)


@settings(
    max_examples=DATABASE_CASES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.sampled_from([0, 0, 1, 60])), min_size=1, max_size=6), st.data())
def test_e2_rows_and_rollups_end_in_the_truth_in_every_order(
    fresh_engine: Engine, happened: list[tuple[Change, int]], data: st.DataObject
) -> None:
    external = f"acct_{next(_examples)}"
    billing, events, now = Billing(), [], NOON
    for change, seconds in happened:
        now += seconds * SECOND
        event_type, subject = change(billing)
        events.append(event(event_type, subject, now, account=external, livemode=True))
    messages = data.draw(st.permutations(events))
    cut = data.draw(st.integers(0, len(messages)))
    with fresh_engine.connect() as conn:
        account, oracle = connect(conn, external), connect(conn, f"{external}_oracle")
        stripe = TrueStripe(external, billing)
        apply(conn, stripe, messages[:cut])
        for message in messages[cut:]:
            apply(conn, stripe, [message])
        assert apply(conn, stripe, events).done == 0
        write_truth(conn, oracle, billing)
        assert stored(conn, account.id) == stored(conn, oracle.id)
        conn.rollback()


def write_truth(conn: Connection, account: objects.Account, billing: Billing) -> None:
    days = set()
    for held in billing.objects.values():
        parsed = parse(held, "usd")
        assert parsed is not None
        values = {"deleted": False, **parsed.values}
        objects.write(conn, account, parsed.table, [ObjectRow(parsed.id, parsed.created_at, NOON, "", values)])
        days |= {NOON.date() + dt.timedelta(days=n) for n in range(4)}
    db_rollups.recompute(conn, account, days)


def stored(conn: Connection, account_id: Any) -> list[Json]:
    """An account's rows and rollups. What a tombstone covers and when a payout was said to be paid are not state."""
    hidden = {"integration_account_id", "business_id", "version_at", "content_hash", "paid_event_at"}
    found = []
    for table in ("charges", "refunds", "disputes", "payouts", "customers", "daily_rollups"):
        statement = text(f"select * from {table} where integration_account_id = :account order by 1, 2, 3")
        for row in conn.execute(statement, {"account": account_id}).mappings():
            dead = {"created_at", "discount"} if row.get("deleted") else set()
            found.append({k: v for k, v in row.items() if k not in hidden | dead} | {"table": table})
    return [row for row in found if row["table"] != "daily_rollups" or any(v for k, v in row.items() if "count" in k)]


def test_e2_counts() -> None:
    print(
        f"E2: {PURE_CASES + DATABASE_CASES} permutations ({DATABASE_CASES} through the database): final state = oracle"
    )
    assert PURE_CASES + DATABASE_CASES >= 2000


# --- E3: ties ----------------------------------------------------------------------------------

DELIVERIES = 10_000


@dataclass
class World:
    """Payouts changing over a day: every state with its second, and the deliveries of their events in order."""

    histories: dict[str, list[tuple[int, Json]]] = field(default_factory=dict)
    deliveries: list[Json] = field(default_factory=list)

    @classmethod
    def make(cls, seed: int, deliveries: int) -> "World":
        world, chance = cls(), random.Random(seed)
        events: list[Json] = []
        while len(events) < deliveries * 0.8:
            name = f"po_{len(world.histories)}"
            second = at(NOON) + chance.randrange(86_400)
            history: list[tuple[int, Json]] = []
            for step in range(chance.randint(1, 5)):
                second += 0 if step and chance.random() < 0.3 else chance.randint(1, 120)
                status = chance.choice(["pending", "in_transit", "paid", "failed"])
                held = raw.payout(id=name, status=status, failure_code=f"step {step}", arrival_date=second)
                history.append((second, held))
                events.append(event("payout.updated", held, second, id=f"evt_{len(events)}"))
            world.histories[name] = history
        repeated = chance.choices(events, k=deliveries - len(events))
        lateness = {True: (0, 7200), False: (0, 0)}
        due = [(item["created"] + chance.randint(*lateness[chance.random() < 0.2]), n, item)
               for n, item in enumerate(events + repeated)]  # fmt: skip
        world.deliveries = [item for _, _, item in sorted(due, key=lambda entry: entry[:2])]
        return world

    def truth(self, name: str, until: int | None = None) -> Json:
        """The object as it is at the end of a second; of the whole history when none is given."""
        return [held for second, held in self.histories[name] if until is None or second <= until][-1]


class Current(FakeStripe):
    """A Stripe whose clock is that of the newest event sent: it answers the object as it is then."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.now, self.readings = world, 0, 0

    def send(self, events: list[Json]) -> None:
        self.now = max(self.now, *(item["created"] for item in events))

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        assert object_id is not None
        if object_id not in self.world.histories:
            raise NotFound("No such payout")
        self.readings += 1
        as_of = dt.datetime.fromtimestamp(self.now - 1, dt.UTC)
        return StripeRead(self.world.truth(object_id, self.now), as_of)


def newest_strictly(stored: Version | None, arrived: Version) -> Verdict:
    return Verdict.WRITE if stored is None or stored.at < arrived.at else Verdict.KEEP


def newest_or_equal(stored: Version | None, arrived: Version) -> Verdict:
    return Verdict.WRITE if stored is None or stored.at <= arrived.at else Verdict.KEEP


def last_arrival(stored: Version | None, arrived: Version) -> Verdict:
    return Verdict.WRITE


def wrong_after(world: World, rule: Callable[[Version | None, Version], Verdict]) -> int:
    shelves = {name: Shelf(world.truth(name)["failure_code"], rule) for name in world.histories}
    for item in world.deliveries:
        held = item["data"]["object"]
        moment = dt.datetime.fromtimestamp(item["created"], dt.UTC)
        shelves[held["id"]].deliver(Version(moment, held["failure_code"]))
    return sum(shelf.stored is None or shelf.stored.content_hash != shelf.truth for shelf in shelves.values())


def test_e3_ties_are_read_again_and_no_object_is_wrong(fresh_engine: Engine) -> None:
    world = World.make(seed=3, deliveries=DELIVERIES)
    others = {rule.__name__: wrong_after(world, rule) for rule in (last_arrival, newest_strictly, newest_or_equal)}
    assert all(others.values()), "the harness is blind"
    assert wrong_after(world, judge) == 0
    stripe = Current(world)
    with fresh_engine.connect() as conn:
        connect(conn)
        for start in range(0, DELIVERIES, 100):
            message = world.deliveries[start : start + 100]
            stripe.send(message)
            outcome = apply(conn, stripe, message)
            assert outcome.failed == []
        found = {row["id"]: (row["status"], row["failure_code"], row["arrival_on"]) for row in rows(conn, "payouts")}
    true = {
        name: (held["status"], held["failure_code"], dt.datetime.fromtimestamp(held["arrival_date"], dt.UTC).date())
        for name, held in ((name, world.truth(name)) for name in world.histories)
    }
    wrong = sum(found.get(name) != held for name, held in true.items())
    print(f"E3: {DELIVERIES} deliveries of {len(true)} objects: {wrong} wrong, {stripe.readings} read again; "
          f"by other rules {others}")  # fmt: skip
    assert wrong == 0
    assert found.keys() == true.keys()
