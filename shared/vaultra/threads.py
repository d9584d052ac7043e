"""The threads that calls run in: as many as database connections, and a few for those that only read."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from vaultra import tracing
from vaultra.call import Call, fail

# Threads that read take turns at the interpreter anyway: more of them than this only pass it around.
READING_THREADS = 3
_pools: dict[bool, ThreadPoolExecutor] = {}


def threads(*, reading: bool = False) -> ThreadPoolExecutor:
    """The threads for calls that only read, few, or those for the rest: as many as database connections."""
    if reading not in _pools:
        from vaultra.config import DatabaseSettings

        size = DatabaseSettings().pool_size
        _pools[reading] = ThreadPoolExecutor(min(size, READING_THREADS) if reading else size, thread_name_prefix="room")
    return _pools[reading]


async def in_thread(work: Callable[[], Any], call: Call) -> Any:
    """What blocking work gives, done in one of the calls' threads; its errors are ours, and undo what it began."""
    return await asyncio.get_running_loop().run_in_executor(threads(reading=call.reads_only), in_context(call), work)


def in_context(call: Call) -> Callable[[Callable[[], Any]], Any]:
    """Runs work in another thread with this one's log context; its errors are ours, and undo what it began."""
    context = structlog.contextvars.get_contextvars()

    def run(work: Callable[[], Any]) -> Any:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**context)
        tracing.attend(call.span)
        try:
            return work()
        except BaseException as error:
            raise fail(call, error) from error

    return run
