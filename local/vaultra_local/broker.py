"""Pub/Sub's part on one machine: takes due deliveries from the queue and pushes them to the functions."""

import asyncio
import base64
import contextlib
import datetime as dt
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import orjson
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from vaultra.db import broker
from vaultra.db.broker import Lease, Outcome, Subscription

log = logging.getLogger("vaultra.broker")

PROJECT = "vaultra-local"
ACKNOWLEDGING = frozenset({102, 200, 201, 202, 204})
"""The statuses Pub/Sub takes for an acknowledgement; every other one is a failure."""

BUSY_SECONDS = 0.005
ALERT_SECONDS = 0.02
IDLE_SECONDS = 0.08
"""How long to wait before looking again: while messages come, for a moment after the last one, and otherwise."""

ALERT_FOR_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 2.0
DRAIN_SECONDS = 3.0
LOCK_KEY = 7_236_405_115  # an arbitrary, fixed number: one pusher per database


class ServedElsewhere(Exception):
    """Another pusher serves this database."""


class Pusher:
    """Delivers at least once, each subscription's deliveries in parallel up to its `max_outstanding`.

    Only one pusher serves a database at a time; a second one waits until the first is gone. The database
    may go away and come back meanwhile.

    Args:
        engine: Where the queue is; one connection is used.
        subscriptions: Written to the queue's tables when the pusher begins.
    """

    def __init__(self, engine: Engine, subscriptions: Sequence[Subscription]) -> None:
        self._engine = engine
        self._subscriptions = subscriptions
        self._connection: Connection | None = None
        self._in_flight: Counter[str] = Counter()
        self._settled: list[Outcome] = []
        self._something_settled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_busy = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Push until `stop` is set; then let the running deliveries end for a moment, and settle them."""
        pause = 0.1
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
            while not stop.is_set():
                try:
                    leases = await asyncio.to_thread(self._step, self._free_places())
                    pause = 0.1
                except (SQLAlchemyError, OSError, ServedElsewhere) as error:
                    log.warning("no deliveries for now, trying again: %s", type(error).__name__)
                    await asyncio.to_thread(self._disconnect)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                    continue
                for lease in leases:
                    self._begin(client, lease)
                await self._wait(busy=bool(leases))
            await self._drain()
        await asyncio.to_thread(self._disconnect)

    def _step(self, places: dict[str, int]) -> list[Lease]:
        """Write down what ended and take what is due."""
        connection = self._connect()
        settled = self._settled[:]
        leases = broker.take_turn(connection, settled, places)
        del self._settled[: len(settled)]
        for lease in leases:
            if lease.exhausted:
                log.error(
                    "message %s of %s gave up after %s attempts",
                    lease.message_id,
                    lease.subscription,
                    lease.attempt - 1,
                )
        return [lease for lease in leases if not lease.exhausted]

    def _connect(self) -> Connection:
        if self._connection is not None:
            return self._connection
        connection = self._engine.connect()
        # The pool's ping of a used connection has opened a transaction, which AUTOCOMMIT alone would never end.
        connection.connection.rollback()
        # Each statement is a transaction of its own: a turn is one, and needs no begin and commit around it.
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            if not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": LOCK_KEY}):
                raise ServedElsewhere
            broker.open_queue(connection)
            if not self._in_flight.total():  # after a mere reconnect our deliveries are still running
                broker.recover(connection)
            broker.write_subscriptions(connection, self._subscriptions)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                connection.invalidate()  # closes the session, and with it the lock
                connection.close()

    def _free_places(self) -> dict[str, int]:
        free = {s.name: s.max_outstanding - self._in_flight[s.name] for s in self._subscriptions}
        return {name: places for name, places in free.items() if places > 0}

    def _begin(self, client: httpx.AsyncClient, lease: Lease) -> None:
        self._in_flight[lease.subscription] += 1
        task = asyncio.create_task(self._deliver(client, lease))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, client: httpx.AsyncClient, lease: Lease) -> None:
        outcome = await _push(client, lease)
        if outcome.error is not None:
            log.warning("message %s of %s failed: %s", lease.message_id, lease.subscription, outcome.error)
        self._settled.append(outcome)
        self._in_flight[lease.subscription] -= 1
        self._something_settled.set()

    async def _wait(self, *, busy: bool) -> None:
        """Until something was settled, or it is time to look for new messages."""
        now = asyncio.get_running_loop().time()
        if busy or self._tasks:
            self._last_busy = now
        if not self._settled:
            alert = now - self._last_busy < ALERT_FOR_SECONDS
            seconds = BUSY_SECONDS if busy else ALERT_SECONDS if alert else IDLE_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._something_settled.wait(), seconds)
        self._something_settled.clear()

    async def _drain(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
        for task in self._tasks:
            task.cancel()
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                await asyncio.to_thread(self._step, {})


async def _push(client: httpx.AsyncClient, lease: Lease) -> Outcome:
    """Deliver one message."""
    delivery = Outcome(lease.subscription, lease.message_id, lease.attempt)
    try:
        async with asyncio.timeout(lease.ack_deadline_seconds):
            response = await client.post(
                lease.endpoint, content=envelope(lease), headers={"Content-Type": "application/json"}, timeout=None
            )
    except TimeoutError:
        return replace(delivery, error=f"no answer within {lease.ack_deadline_seconds:g} s")
    except httpx.ConnectError as error:
        return replace(delivery, error=f"nobody listens: {error}", reached=False)
    except (httpx.HTTPError, OSError) as error:
        return replace(delivery, error=f"{type(error).__name__}: {error}")
    if response.status_code not in ACKNOWLEDGING:
        return replace(delivery, error=f"HTTP {response.status_code}")
    return delivery


def envelope(lease: Lease) -> bytes:
    """The body of a Pub/Sub push request, key for key."""
    published = lease.published_at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message: dict[str, Any] = {
        "data": base64.b64encode(lease.data).decode(),
        "messageId": str(lease.message_id),
        "message_id": str(lease.message_id),
        "publishTime": published,
        "publish_time": published,
        "attributes": dict(lease.attributes),
    }
    if lease.ordering_key:
        message["orderingKey"] = lease.ordering_key
    body: dict[str, Any] = {
        "message": message,
        "subscription": f"projects/{PROJECT}/subscriptions/{lease.subscription}",
    }
    if lease.counts_attempts:
        body["deliveryAttempt"] = lease.attempt
    return orjson.dumps(body)
