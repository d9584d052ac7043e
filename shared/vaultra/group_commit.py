"""Group commit: while flushes are under way, and while more arrive, arrivals gather; each waits for its own flush."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from vaultra.errors import VaultraError

T = TypeVar("T")

# Whoever is on the way arrives within so many turns of the loop: callers that were answered together come back
# together, and would else be cut into two halves that wait for each other for ever.
STILL_TURNS = 3


class GroupCommit(Generic[T]):
    """Turns many concurrent `add` calls into few flushes, each call returning after its own flush.

    Belongs to one event loop: make it inside the first request, never at import.

    Args:
        flush: Makes a list of items durable, all or none; raises when it could not.
        largest: Most items of one flush.
        at_once: Most flushes under way. With two, one group is made durable while the next is read; each more
            makes the groups smaller, and costs more than it saves unless a flush is mostly waiting.
    """

    def __init__(self, flush: Callable[[list[T]], Awaitable[None]], largest: int = 500, at_once: int = 1) -> None:
        self._flush = flush
        self._largest = largest
        self._at_once = at_once
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._working = 0
        self._gathering = False  # by one worker at a time, or the others would find nothing to take

    async def add(self, item: T) -> None:
        """Return once the item is durable; raise what its flush raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._working < self._at_once and not self._gathering:
            self._working += 1
            self._gathering = True
            worker = asyncio.create_task(self._drain())
            self._workers.add(worker)  # the loop itself would forget it
            worker.add_done_callback(self._workers.discard)
        await done

    async def _drain(self) -> None:
        try:
            while True:
                await self._settle(await self._gather())
                if self._gathering or not self._waiting:
                    return
                self._gathering = True
        finally:
            self._working -= 1  # in the same step as the last look, so that nobody arrives in between

    async def _gather(self) -> list[tuple[T, "asyncio.Future[None]"]]:
        """The next group, taken once the loop's turns bring nobody new; a full one waits for nobody."""
        still = 0
        try:
            while still < STILL_TURNS and len(self._waiting) < self._largest:
                seen = len(self._waiting)
                await asyncio.sleep(0)
                still = still + 1 if len(self._waiting) == seen else 0
        finally:
            self._gathering = False
        group, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
        return group

    async def _settle(self, group: list[tuple[T, "asyncio.Future[None]"]]) -> None:
        try:
            await self._flush([item for item, _ in group])
        except Exception as error:
            if len(group) > 1 and not (isinstance(error, VaultraError) and error.retry):
                # One bad item must not fail its neighbours: each tries alone. An outage fails them all.
                for member in group:
                    await self._settle([member])
                return
            for _, done in group:
                _resolve(done, error)
        else:
            for _, done in group:
                _resolve(done, None)


def _resolve(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():  # the caller went away
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
