"""Database work on the event loop: others go on meanwhile, and the connection stays what it was for threads."""

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest
import uvloop
from sqlalchemy import Connection, Engine, text

from vaultra.db import engine as database
from vaultra.db.loop_wait import NeedsThread, run_on_loop

LARGE = "x" * 8_000_000
LOCK = 20_261_120
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Two connections at most, none of them made yet."""
    engine = database.create(database_url, pool_size=2)
    yield engine
    engine.dispose()


def connect(engine: Engine, count: int = 1) -> None:
    """Let so many connections lie ready."""
    for connection in [engine.connect() for _ in range(count)]:
        connection.close()


def scalar(engine: Engine, statement: str, **values: object) -> object:
    with engine.connect() as conn:
        database.commit_each_statement(conn)
        return conn.scalar(text(statement), values)


def sleep_simply(engine: Engine) -> None:
    """As a sign of life is asked for, and a transaction ended: without values."""
    with engine.connect() as conn:
        conn.connection.dbapi_connection.execute_simple("select pg_sleep(0.3)")  # type: ignore[union-attr]


def sleep(engine: Engine) -> None:
    scalar(engine, "select pg_sleep(:seconds)", seconds=0.3)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("work", [sleep, sleep_simply])
def test_the_loop_goes_on_while_the_database_works(
    engine: Engine, work: Callable[[Engine], None], loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    connect(engine)

    async def both() -> int:
        turns, sleeping = 0, asyncio.create_task(run_on_loop(engine, lambda: work(engine)))
        while not sleeping.done():
            await asyncio.sleep(0.01)
            turns += 1
        await sleeping
        return turns

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(both()) > 3


def test_two_statements_wait_at_once_in_one_thread(engine: Engine, database_url: str) -> None:
    connect(engine, 2)
    others = database.create(database_url, pool_size=1)
    threads: list[int] = []

    def take_lock() -> None:
        threads.append(threading.get_ident())
        scalar(engine, "select pg_advisory_xact_lock_shared(:key)", key=LOCK)

    async def both(holder: Connection) -> None:
        waiting = [asyncio.create_task(run_on_loop(engine, take_lock)) for _ in range(2)]
        while holder.scalar(text("select count(*) from pg_locks where locktype = 'advisory' and not granted")) != 2:
            await asyncio.sleep(0.01)
        holder.execute(text("select pg_advisory_unlock(:key)"), {"key": LOCK})
        await asyncio.gather(*waiting)

    with others.connect() as holder:
        holder.execute(text("select pg_advisory_lock(:key)"), {"key": LOCK})
        asyncio.run(asyncio.wait_for(both(holder), 20))
    others.dispose()
    assert threads == [threading.get_ident()] * 2


def test_without_a_connection_that_lies_ready_nothing_is_done(engine: Engine) -> None:
    done: list[int] = []
    with pytest.raises(NeedsThread):
        asyncio.run(run_on_loop(engine, lambda: done.append(1)))
    assert done == []


def test_a_connection_that_is_gone_is_not_made_anew_on_the_loop(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(engine)
    monkeypatch.setattr(database, "FRESH_SECONDS", 0.0)
    [backend] = engine.pool._pool.queue  # type: ignore[attr-defined]
    backend.dbapi_connection._usock.shutdown(2)
    with pytest.raises(NeedsThread):
        asyncio.run(run_on_loop(engine, lambda: scalar(engine, "select :x", x="1")))
    assert scalar(engine, "select :x", x="1") == "1", "a thread makes a new one"


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_is_whole_after_the_loop_used_it(
    engine: Engine, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    connect(engine)
    echo = "select cast(:given as text)"
    with asyncio.Runner(loop_factory=loop) as runner:
        for _ in range(3):
            assert runner.run(run_on_loop(engine, lambda: scalar(engine, echo, given=LARGE))) == LARGE
            assert scalar(engine, echo, given=LARGE) == LARGE


def test_an_error_of_the_database_is_raised_and_the_connection_kept(engine: Engine) -> None:
    connect(engine)

    def fails(conn: Connection) -> object:
        database.commit_each_statement(conn)
        return conn.scalar(text("select 1 / cast(:x as int)"), {"x": 0})

    def work() -> object:
        with engine.connect() as conn:
            return fails(conn)

    with pytest.raises(Exception, match="division by zero"):
        asyncio.run(run_on_loop(engine, work))
    assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    assert asyncio.run(run_on_loop(engine, lambda: scalar(engine, "select :x", x="1"))) == "1"


def test_work_that_is_cancelled_leaves_no_half_read_connection(engine: Engine) -> None:
    connect(engine)

    async def cancelled() -> None:
        task = asyncio.create_task(run_on_loop(engine, lambda: sleep(engine)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert scalar(engine, "select :x", x="whole") == "whole"
