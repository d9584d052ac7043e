"""Connections that only read and give up soon: the doors of the agent's tools."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from vaultra.db.engine import commit_each_statement
from vaultra.errors import Unavailable

LONGEST_SECONDS = 5.0
"""So long at most the database works for one use of a door."""


def short_reads(engine: Engine, seconds: float = LONGEST_SECONDS) -> Callable[[], AbstractContextManager[Connection]]:
    """A door: each use is a connection of its own that can't write, each statement its own transaction.

    No statement takes longer than half of the time, and none begins once half of it is spent: that raises
    `Unavailable`, and what took too long was cancelled by the database.
    """

    @contextmanager
    def door() -> Iterator[Connection]:
        with engine.connect() as conn:
            commit_each_statement(conn)
            _tell(conn, f"set statement_timeout = {int(seconds * 500)}; set default_transaction_read_only = on")
            spent = began = 0.0

            def begin(*_: Any) -> None:
                nonlocal began
                if spent > seconds / 2:
                    raise Unavailable("This takes too long just now", retry_after=5)
                began = time.monotonic()

            def end(*_: Any) -> None:
                nonlocal spent
                spent += time.monotonic() - began

            event.listen(conn, "before_cursor_execute", begin)
            event.listen(conn, "after_cursor_execute", end)
            try:
                yield conn
            finally:
                _restore(conn)

    return door


def _restore(conn: Connection) -> None:
    """Give the connection back as it was; one that does not answer is not given back."""
    if conn.invalidated:
        return
    try:
        _tell(conn, "reset statement_timeout; reset default_transaction_read_only")
    except Exception:
        conn.invalidate()


def _tell(conn: Connection, statements: str) -> None:
    """Several statements in one round trip."""
    conn.connection.dbapi_connection.execute_simple(statements)  # type: ignore[union-attr]
