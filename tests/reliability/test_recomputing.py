"""RELIABILITY row E19: recomputing gives the same bytes. And a burst of events causes few computations."""

import asyncio
import hashlib
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import connect, keep
from tests.db.billing import AS_OF, Books, days_ago, item, open_books
from tests.fakes import FakePublisher, FakeStripe
from tests.functions.envelopes import envelope
from tests.reliability.conftest import client
from tests.stripe_payloads import event
from vaultra.services import Services, utc_now
from vaultra.usecases import ingestion, metrics, readiness

SHOPS, CHARGES = 40, 150
EVENTS, PER_MESSAGE = 10_000, 100
DERIVED = ("financial_metric_snapshots", "readiness_scores", "daily_rollups", "kept_facts")


def fingerprint(conn: Connection) -> str:
    """A hash of every byte of what was computed, but for the ids that the database gave."""
    found = hashlib.sha256()
    for table in DERIVED[:3]:
        rows = conn.execute(
            text(f"select (to_jsonb(t) - 'id' - 'snapshot_id' - 'basis')::text as said from {table} as t order by said")
        )
        for row in rows:
            found.update(row.said.encode())
    return found.hexdigest()


def fill(books: Books, chance: random.Random) -> None:
    """A shop with something of everything."""
    for number in range(CHARGES):
        at = days_ago(chance.randrange(0, 400), chance.randrange(24))
        foreign = chance.random() < 0.1
        books.charge(
            at,
            chance.randrange(100, 90_000),
            customer=f"cus_{chance.randrange(40)}",
            invoice=f"in_{number}",
            currency="sek" if foreign else "usd",
            settled_minor=None if foreign else 500,
        )
        books.movement(at, chance.randrange(-2000, 5000))
    for _ in range(20):
        books.payout(days_ago(chance.randrange(0, 90)).date(), chance.choice(["paid", "paid", "paid", "failed"]))
        books.refund(days_ago(chance.randrange(0, 120)), chance.randrange(100, 900))
        books.dispute(days_ago(chance.randrange(0, 400)), chance.choice(["won", "lost", "needs_response"]))
        books.subscription(days_ago(chance.randrange(1, 300)), item(str(chance.randrange(100, 9000))))
    books.roll_up()


def compute(engine: Engine, businesses: list[UUID]) -> str:
    with engine.begin() as conn:
        metrics.compute(conn, businesses, AS_OF)
        readiness.compute(conn, businesses, AS_OF)
        return fingerprint(conn)


def test_e19_recomputing_gives_the_same_bytes(fresh_engine: Engine) -> None:
    chance = random.Random(19)
    with fresh_engine.begin() as conn:
        shops = [open_books(conn) for _ in range(SHOPS)]
        for books in shops:
            fill(books, chance)
    businesses = [books.business_id for books in shops]
    first = compute(fresh_engine, businesses)
    assert compute(fresh_engine, businesses[::-1]) == first
    with fresh_engine.begin() as conn:  # nothing is left of what was derived
        conn.execute(text(f"truncate {', '.join(DERIVED)}"))
        for books in shops:
            Books(conn, books.account).roll_up()
    for business in businesses:  # one after another, not in one page
        with fresh_engine.begin() as conn:
            metrics.compute(conn, [business], AS_OF)
            readiness.compute(conn, [business], AS_OF)
    with fresh_engine.begin() as conn:
        assert fingerprint(conn) == first
    print(f"E19: {SHOPS} shops computed three ways: {first[:16]} each time")


def test_a_burst_causes_a_handful_of_computations_the_last_after_the_last_event(
    fresh_engine: Engine, publisher: FakePublisher, stripe: FakeStripe, wire: Callable[..., Services]
) -> None:
    services = wire(fresh_engine, publisher, stripe)
    services.clock = utc_now
    now = utc_now()
    with fresh_engine.begin() as conn:
        account = connect(conn)
        charges = [raw.charge(id=f"ch_{n}", created=int(now.timestamp()) - n % 86_400) for n in range(EVENTS)]
        ids = keep(conn, [event("charge.succeeded", one, id=f"evt_{n}") for n, one in enumerate(charges)], now)
    announced: queue.Queue[list[UUID] | None] = queue.Queue()
    computing = threading.Thread(target=lambda: asyncio.run(consume(announced)), daemon=True)
    computing.start()
    began = time.monotonic()
    try:
        for start in range(0, EVENTS, PER_MESSAGE):
            with fresh_engine.connect() as conn:
                due = ingestion.apply(conn, stripe, ids[start : start + PER_MESSAGE], now).metrics_due
                conn.commit()
            if due:
                announced.put(due)
    finally:
        seconds = time.monotonic() - began
        announced.put(None)
    computing.join(60)
    assert not computing.is_alive()
    computations = sum(message.topic == "metrics-computed" for message in publisher.messages)
    with fresh_engine.connect() as conn:
        assert metrics.latest(conn, account.business_id).metrics["transaction_count"].value == EVENTS
        assert conn.execute(text("select count(*) from metrics_due")).scalar_one() == 0
    # One at once, one a second, and the last.
    assert 1 <= computations <= seconds / metrics.LEAST_BETWEEN.total_seconds() + 2
    print(f"Burst: {EVENTS} events of one business in {seconds:.1f} s caused {computations} computations")


async def consume(announced: "queue.Queue[list[UUID] | None]") -> None:
    """The deployed room, given one message after another."""
    async with client("compute_metrics") as room:
        while (businesses := await asyncio.to_thread(announced.get)) is not None:
            body: Any = {"business_ids": [str(business) for business in businesses]}
            reply = await room.post("/", content=orjson.dumps(envelope(body)))
            assert reply.status_code == 204
