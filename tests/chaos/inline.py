"""A run of chaos inside one process and at a small size: the same world and audit, with the crash as an exception."""

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from tests.chaos.stripe_api import StripeOfWorld
from tests.chaos.world import World
from tests.connected import keep
from tests.fakes import FakeStripe
from tests.stripe_payloads import Json
from vaultra.errors import NotFound
from vaultra.ports import StripeGateway, StripeRead
from vaultra.services import utc_now
from vaultra.usecases import ingestion

CRASHES = 0.1


class Crash(Exception):
    """Stands for `kill -9`: whatever was not committed is gone."""


class Dice:
    """Says at each place of a worker whether it dies there."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"dice {seed}")
        self.armed = True

    def reach(self) -> None:
        if self.armed and self._chance.random() < CRASHES:
            raise Crash


class ReadingStripe(FakeStripe):
    """A `StripeGateway` over the world's API without HTTP."""

    def __init__(self, api: StripeOfWorld) -> None:
        super().__init__()
        self._api = api

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        assert object_id is not None
        status, body = self._api.read(account_id, object_id)
        if status == 404:
            raise NotFound("Unknown")
        return StripeRead(body, dt.datetime.fromtimestamp(self._api.clock - 1, dt.UTC))


def shipped(conn: Connection, stripe: StripeGateway, ids: list[int], dice: Dice) -> None:
    """What the worker does."""
    dice.reach()
    ingestion.apply(conn, stripe, ids, utc_now())
    dice.reach()


def as_it_came(event: Json) -> Json:
    """How the door keeps an event."""
    return event


Worker = Callable[[Connection, StripeGateway, list[int], Dice], None]


@dataclass(frozen=True)
class Delivered:
    """What was accepted, by event id, and the Stripe that the workers read."""

    accepted: set[str]
    stripe: StripeGateway


def run(
    engine: Engine,
    world: World,
    worker: Worker,
    keep_as: Callable[[Json], Json] = as_it_came,
    clock: Callable[[], dt.datetime] = utc_now,
) -> Delivered:
    """Deliver the world's events in messages of one to twenty; a message whose worker dies comes again.

    Args:
        keep_as: What the door keeps of an event.
        clock: The door's.
    """
    api = StripeOfWorld(world)
    stripe, dice, chance = ReadingStripe(api), Dice(world.seed), random.Random(world.seed)
    for message in _messages(world.deliveries, chance):
        for event in message:
            api.send(event)
        with engine.connect() as conn:
            ids = keep(conn, [keep_as(event) for event in message], clock())
            conn.commit()
        _deliver(engine, stripe, ids, worker, dice)
    return Delivered({event["id"] for event in world.deliveries}, stripe)


def _messages(deliveries: list[Json], chance: random.Random) -> Iterator[list[Json]]:
    start = 0
    while start < len(deliveries):
        size = chance.randint(1, 20)
        yield deliveries[start : start + size]
        start += size


def _deliver(engine: Engine, stripe: StripeGateway, ids: list[int], worker: Worker, dice: Dice) -> None:
    while True:
        with engine.connect() as conn:
            try:
                worker(conn, stripe, ids, dice)
                conn.commit()
                return
            except Crash:
                conn.rollback()
