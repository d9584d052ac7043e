"""Database work on the event loop: the loop goes on while a reply is awaited, and no thread takes part.

For short work that is done all the time, each statement a transaction of its own. A thread would wait for the
interpreter before it sends, and again once the reply is there (docs/decisions/0016).
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from socket import socket
from typing import TypeVar

from sqlalchemy import Engine, QueuePool
from sqlalchemy.util.concurrency import await_, greenlet_spawn

T = TypeVar("T")
_on_loop: ContextVar[bool] = ContextVar("on_loop", default=False)


class NeedsThread(Exception):
    """The work would have kept the loop waiting: no connection lies ready for it."""


async def run_on_loop(engine: Engine, work: Callable[[], T]) -> T:
    """What `work` gives, which uses one connection of the engine; other tasks run while it waits for its replies.

    Raises:
        NeedsThread: nothing was done; run it in a thread, which may make a connection.
    """
    assert isinstance(engine.pool, QueuePool)
    if not engine.pool.checkedin():
        raise NeedsThread
    token = _on_loop.set(True)
    try:
        return await greenlet_spawn(work)
    finally:
        _on_loop.reset(token)


def refuse_to_block() -> None:
    """To be called before connecting; raises `NeedsThread` on the loop."""
    if _on_loop.get():
        raise NeedsThread


def wait_for_reply(connection: socket) -> None:
    """Return once a reply to what was sent begins to arrive; at once when a thread may wait for it instead."""
    if _on_loop.get():
        await_(_readable(connection))


async def _readable(connection: socket) -> None:
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()
    loop.add_reader(connection, _arrived, arrived)
    try:
        await arrived
    finally:
        loop.remove_reader(connection)
        # uvloop makes a socket that it watches non-blocking, and the driver would leave what it sends half sent.
        connection.setblocking(True)


def _arrived(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
