"""Everything at once: deliveries over HTTP, killed workers, a database that stops, and a broker that repeats."""

import asyncio
import contextlib
import datetime as dt
import os
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from sqlalchemy import Engine, text

from tests.chaos.audit import Findings, audit, open_books
from tests.chaos.processes import FunctionProcess, running
from tests.chaos.sender import Sender
from tests.chaos.stripe_api import StripeOfWorld
from tests.chaos.world import World
from tests.own_postgres import own_postgres
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.adapters.pubsub import PubsubPublisher
from vaultra.db import engine as database
from vaultra.db import migrate
from vaultra.db.broker import Subscription
from vaultra.ports import Message, Publisher
from vaultra.services import utc_now
from vaultra.usecases import dispatch
from vaultra_local import catalogue, emulator, subscriptions
from vaultra_local.broker import Pusher
from vaultra_local.postgres import EmbeddedPostgres

# A message passes three points, so about one in fifty ends its worker, with all that it had in its hands.
FAILPOINTS = "applied=exit:0.007,committed=exit:0.007,announced=exit:0.007"
WORKERS = 2
SETTLE_SECONDS = 300.0
TOPIC = "stripe-event-received"


@dataclass(frozen=True)
class Plan:
    """How much of what. `emulator_host` None means the embedded broker; `overdue_seconds` is the sweeper's patience."""

    seed: int
    deliveries: int
    ingress_kills: int
    database_stops: int
    connections: int = 48
    overdue_seconds: float = 8
    emulator_host: str | None = None

    @property
    def project(self) -> str:
        """The emulator's project of this run alone."""
        return f"chaos-{self.seed}-{os.getpid()}"


@dataclass
class Report:
    """What was done to it, and what is wrong now."""

    findings: Findings
    world: World
    seconds: float
    drained_after: float
    answers: dict[str, int]
    ingress_killed: int
    stops: int
    workers_died: int
    readings: int

    def __str__(self) -> str:
        return (
            f"{self.world.figures()}; {self.ingress_killed} kill -9 of ingress, {self.workers_died} of workers, "
            f"{self.stops} immediate stops of Postgres, {self.readings} objects read again; answers {self.answers}; "
            f"{self.seconds:.1f} s, drained {self.drained_after:.1f} s after the last delivery: {self.findings}"
        )


@contextmanager
def own_server() -> Iterator[EmbeddedPostgres]:
    """A durable, migrated Postgres that may be stopped; gone afterwards."""
    with own_postgres() as server:
        migrate.upgrade(server.url())
        yield server


def storm(plan: Plan, server: EmbeddedPostgres, logs: Path) -> Report:
    """Let it rage, wait until everything is settled, and look at what is left."""
    world = World.make(plan.seed, plan.deliveries)
    engine = database.create(server.url(), pool_size=6)
    try:
        with engine.connect() as conn:
            open_books(conn, world)
        return asyncio.run(Storm(plan, world, server, engine, logs).rage())
    finally:
        engine.dispose()


class Storm:
    """One run. The tasks share the event loop; what blocks runs in threads."""

    def __init__(self, plan: Plan, world: World, server: EmbeddedPostgres, engine: Engine, logs: Path) -> None:
        self.plan, self.world, self.server, self.engine, self.logs = plan, world, server, engine, logs
        self.chance = random.Random(f"storm {plan.seed}")
        self.publisher: Publisher = EmbeddedPublisher(engine)
        if plan.emulator_host is not None:
            self.publisher = PubsubPublisher(plan.project)
        self.killed = self.stops = 0
        self.workers: set[int] = set()

    async def rage(self) -> Report:
        variables = {"VAULTRA_FAILPOINTS": FAILPOINTS}
        if self.plan.emulator_host is not None:
            variables |= {"PUBSUB_EMULATOR_HOST": self.plan.emulator_host, "GOOGLE_CLOUD_PROJECT": self.plan.project}
        ingress = {name: value for name, value in variables.items() if name != "VAULTRA_FAILPOINTS"}
        async with StripeOfWorld(self.world) as stripe:
            url, variables["STRIPE_API_BASE"] = self.server.url(), stripe.url
            door = FunctionProcess("stripe_webhook", url, self.logs / "webhook.log", ingress, workers=WORKERS)
            worker = FunctionProcess("apply_stripe_event", url, self.logs / "apply.log", variables, workers=WORKERS)
            with running(door, worker):
                return await self._weather(stripe, door, worker)

    async def _weather(self, stripe: StripeOfWorld, door: FunctionProcess, worker: FunctionProcess) -> Report:
        sender = Sender(
            lambda: [door.port], connections=self.plan.connections, seed=self.plan.seed, on_send=stripe.send
        )
        stop = asyncio.Event()
        beside = [asyncio.create_task(self._sweep(stop)), asyncio.create_task(self._push(worker, stop))]
        beside += [asyncio.create_task(self._count_workers(worker, stop))]
        beside += [asyncio.create_task(self._stop_database(sender)), asyncio.create_task(self._kill(door, sender))]
        began = time.monotonic()
        await sender.send(self.world.deliveries)
        sent = time.monotonic()
        await asyncio.gather(*beside[3:])
        await self._settle(beside)
        settled = time.monotonic()
        stop.set()
        await asyncio.gather(*beside)
        findings = await asyncio.to_thread(audit, self.engine, self.world, sender.accepted)
        return Report(
            findings, self.world, settled - began, settled - sent, dict(sender.answers), self.killed, self.stops,
            len(self.workers) - WORKERS, stripe.readings,
        )  # fmt: skip

    async def _push(self, worker: FunctionProcess, stop: asyncio.Event) -> None:
        wanted = subscriptions_to(worker.url)
        if self.plan.emulator_host is None:
            await Pusher(self.engine, wanted).run(stop)
            return
        await asyncio.to_thread(emulator.create, self.plan.emulator_host, self.plan.project, wanted)
        await stop.wait()
        await asyncio.to_thread(emulator.delete, self.plan.emulator_host, self.plan.project)

    async def _sweep(self, stop: asyncio.Event) -> None:
        """The scheduler's sweep with a clock that runs ahead: whatever is pending is announced again."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.plan.overdue_seconds / 4)
            with contextlib.suppress(Exception):  # the database or the broker is away; the next tick comes
                await asyncio.to_thread(sweep, self.engine, self.publisher, self.plan.overdue_seconds)

    async def _stop_database(self, sender: Sender) -> None:
        for moment in moments(self.plan.database_stops, self.plan.deliveries, self.chance):
            await _reach(sender, moment)
            # Immediate, as a crash is: nobody is asked to finish, and the log is replayed on the start.
            os.kill(self.server.pid, signal.SIGQUIT)
            while self.server.alive:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(self.server.restart)
            self.stops += 1

    async def _kill(self, door: FunctionProcess, sender: Sender) -> None:
        for moment in moments(self.plan.ingress_kills, self.plan.deliveries, self.chance):
            await _reach(sender, moment)
            self.killed += await asyncio.to_thread(door.kill_worker, self.chance)

    async def _count_workers(self, worker: FunctionProcess, stop: asyncio.Event) -> None:
        """Each that dies is replaced by one with another number."""
        while not stop.is_set():
            self.workers |= worker.workers
            await asyncio.sleep(0.1)

    async def _settle(self, beside: Sequence["asyncio.Task[None]"]) -> None:
        end = time.monotonic() + SETTLE_SECONDS
        while await asyncio.to_thread(pending, self.engine):
            for task in beside:
                assert not task.done() or task.exception() is None, task.exception()
            if time.monotonic() > end:
                return  # the audit counts what is lost
            await asyncio.sleep(0.1)


def moments(number: int, deliveries: int, chance: random.Random) -> list[int]:
    """So many counts of deliveries at which something happens, spread over the run."""
    part = deliveries / (number + 1)
    return [round(part * (n + 1) + chance.uniform(-0.3, 0.3) * part) for n in range(number)]


def subscriptions_to(url: str) -> list[Subscription]:
    """The worker's subscription as the catalogue has it, for two instances and with a shorter back-off."""
    of_worker = [s for s in subscriptions.from_catalogue(catalogue.load(), url) if s.topic == TOPIC]
    return [
        replace(s, min_backoff_seconds=0.1, max_backoff_seconds=1.0, max_outstanding=s.max_outstanding * WORKERS)
        for s in of_worker
    ]


def sweep(engine: Engine, publisher: Publisher, overdue_seconds: float = 8) -> None:
    """One tick of the sweeper, with a clock so far ahead that it finds what has waited for so long."""
    with engine.connect() as conn:
        found = dispatch.run(
            conn, dispatch.Tick("sweep"), utc_now() + dispatch.OVERDUE - dt.timedelta(seconds=overdue_seconds)
        )
        conn.commit()
    publisher.publish([Message(topic, orjson.dumps(body), "", {}) for topic, body in found if topic == TOPIC])


def pending(engine: Engine) -> int:
    """How many events wait."""
    with engine.connect() as conn:
        count: int = conn.scalar(text("select count(*) from stripe_events where status = 'pending'"))
        return count


async def _reach(sender: Sender, deliveries: int) -> None:
    while sender.delivered < deliveries:
        await asyncio.sleep(0.01)
