"""RELIABILITY rows D13 and D14: a burst at the machine's maximum, and deployments in the middle of the load."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests import stripe_payloads as raw
from tests.chaos.processes import FunctionProcess, running
from tests.chaos.sender import Sender
from tests.chaos.storm import pending, subscriptions_to, sweep
from tests.connected import connect, rollups, statuses
from tests.stripe_payloads import Json, event
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.services import utc_now
from vaultra_local.broker import Pusher

MEGABYTE = 2**20
INSTANCE_BYTES = 512 * MEGABYTE
STOP_SECONDS = 10.0


def charges(prefix: str) -> Iterator[Json]:
    """Events without end, of charges of $50.00 each."""
    for n in itertools.count():
        yield event("charge.succeeded", raw.charge(id=f"ch_{prefix}_{n}"), utc_now(), id=f"evt_{prefix}_{n}")


@pytest.mark.parametrize("seconds", [4, pytest.param(30, marks=pytest.mark.long)])
def test_d13_a_burst_is_accepted_or_put_off(
    seconds: int, fresh_engine: Engine, fresh_database_url: str, tmp_path: Path
) -> None:
    door = FunctionProcess("stripe_webhook", fresh_database_url, tmp_path / "webhook.log")
    sender = Sender(lambda: [door.port], connections=128, seed=13)

    async def burst() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, stop.set)
        await sender.send(charges("burst"), stop)

    with running(door):
        before = door.peak_bytes
        asyncio.run(burst())
        peak = door.peak_bytes
    with fresh_engine.connect() as conn:
        kept = conn.scalar(text("select count(*) from stripe_events"))
    rate, memory = sender.delivered / seconds, f"{peak / MEGABYTE:.0f} MB ({before / MEGABYTE:.0f} before)"
    print(f"\nD13: 128 connections for {seconds} s: {rate:.0f}/s, answers {dict(sender.answers)}, "
          f"slowest {sender.slowest:.2f} s, peak RSS {memory}")  # fmt: skip
    assert set(sender.answers) <= {"200", "503"}
    assert sender.without_retry_after == 0
    assert len(sender.accepted) == kept
    assert peak < INSTANCE_BYTES


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.long)])
def test_d14_deployments_under_load_lose_nothing(
    times: int, fresh_engine: Engine, fresh_database_url: str, tmp_path: Path
) -> None:
    with fresh_engine.begin() as conn:
        connect(conn)
    house = House(fresh_database_url, fresh_engine, tmp_path)
    try:
        sender, exits = asyncio.run(house.live_through(times))
    finally:
        house.end()
    with fresh_engine.connect() as conn:
        kept = conn.scalar(text("select count(*) from stripe_events"))
        assert statuses(conn) == {"done": kept}
        assert sum(row.get("charge_count", 0) for row in rollups(conn)) == kept
    print(f"\nD14: {times} deployments of door and worker under {sender.delivered} deliveries: 0 lost, "
          f"slowest exit {max(exits):.1f} s, answers {dict(sender.answers)}")  # fmt: skip
    assert len(sender.accepted) == kept
    assert max(exits) <= STOP_SECONDS


class House:
    """A door and a worker that are replaced, old and new serving together for a while."""

    def __init__(self, database_url: str, engine: Engine, logs: Path) -> None:
        self._database_url, self._engine, self._logs = database_url, engine, logs
        self._all: list[FunctionProcess] = []
        self._doors: list[FunctionProcess] = []

    async def live_through(self, times: int) -> tuple[Sender, list[float]]:
        sender = Sender(lambda: [door.port for door in self._doors], connections=8, seed=14)
        stop, over = asyncio.Event(), asyncio.Event()
        door, worker = await asyncio.to_thread(self._start)
        self._doors = [door]
        pusher = asyncio.create_task(Pusher(self._engine, subscriptions_to(worker.url)).run(over))
        sending = asyncio.create_task(sender.send(charges("walk"), stop))
        exits: list[float] = []
        for _ in range(times):
            new_door, new_worker = await asyncio.to_thread(self._start)
            self._doors = [door, new_door]
            await asyncio.sleep(0.3)
            self._doors = [new_door]
            await asyncio.to_thread(self._push_to, new_worker)
            exits += await asyncio.to_thread(stop_both, door, worker)
            door, worker = new_door, new_worker
        stop.set()
        await sending
        end = time.monotonic() + 60
        while await asyncio.to_thread(pending, self._engine):
            assert time.monotonic() < end, "it is not drained"
            await asyncio.to_thread(sweep, self._engine, EmbeddedPublisher(self._engine))
            await asyncio.sleep(0.5)
        over.set()
        await pusher
        return sender, exits

    def end(self) -> None:
        for process in self._all:
            process.end()

    def _start(self) -> tuple[FunctionProcess, FunctionProcess]:
        names = ("stripe_webhook", "apply_stripe_event")
        pair = [FunctionProcess(name, self._database_url, self._logs / f"{name}.log") for name in names]
        self._all += pair
        for process in pair:
            process.wait_until_ready()
        return pair[0], pair[1]

    def _push_to(self, worker: FunctionProcess) -> None:
        [subscription] = subscriptions_to(worker.url)
        with self._engine.begin() as conn:
            conn.execute(text("update broker_subscriptions set endpoint = :url"), {"url": subscription.endpoint})


def stop_both(*processes: FunctionProcess) -> list[float]:
    """SIGTERM to all; how long each took to end, in seconds."""
    began = time.monotonic()
    for process in processes:
        process.ask_to_stop()
    seconds = []
    for process in processes:
        process.wait_until_stopped()
        seconds.append(time.monotonic() - began)
    return seconds
