"""pg8000 with fewer round trips: statements stay prepared on the server, and a transaction begins with its first.

Measured in docs/PERFORMANCE.md. Plain pg8000 sends a statement in three round trips, scans its text character by
character each time, and needs one more round trip to begin a transaction and three to end it.
"""

import datetime as dt
import functools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from pg8000 import core, legacy
from pg8000.converters import DATE, TIMESTAMPTZ, make_params
from pg8000.dbapi import convert_paramstyle
from pg8000.exceptions import DatabaseError, InterfaceError

from vaultra.db.loop_wait import wait_for_reply

MOST_PREPARED = 100
"""Statements one connection keeps prepared; the least recently used goes first."""
# A migration changed what a prepared statement gives, or the server forgot it: it is prepared afresh next time.
STALE = ("0A000", "26000")
NULL = core.i_pack(-1)
RUN = core.EXECUTE_MSG + core.SYNC_MSG


class Cursor(legacy.Cursor):
    """A cursor that prepares what it runs."""

    def execute(self, operation: str, args: Sequence[Any] = (), stream: Any = None) -> "Cursor":
        """Run a statement with `%s` placeholders."""
        connection: Connection = self._c
        if not args or stream is not None:
            super().execute(operation, args, stream)
            return self
        if connection._sock is None:
            raise InterfaceError("connection is closed")
        try:
            self._context = connection.run_prepared(_numbered(operation), args)
        except DatabaseError as error:
            raise _kind(error)(*error.args) from None
        self._row_iter = iter(self._context.rows or ())
        return self


class Connection(legacy.Connection):
    """A connection whose cursors prepare what they run."""

    _prepared: "OrderedDict[str, tuple[bytes, Any, Any]]"

    def cursor(self) -> Cursor:
        return Cursor(self)

    def commit(self) -> None:
        """End the transaction, in one round trip."""
        if self._in_transaction:
            self.execute_simple("commit")

    def rollback(self) -> None:
        """Undo the transaction, in one round trip."""
        if self._in_transaction:
            self.execute_simple("rollback")

    def execute_simple(self, statement: str) -> core.Context:
        """Run a statement without values, such as `commit`."""
        self.send_QUERY(statement)
        core._flush(self._sock)
        wait_for_reply(self._usock)
        context = core.Context(statement)
        self.handle_messages(context)
        return context

    def handle_messages(self, context: core.Context) -> None:
        """Read until the server is ready again; a server that hung up is a network error, as when writing."""
        try:
            super().handle_messages(context)
        except OSError as error:
            raise InterfaceError("network error") from error

    def run_prepared(self, statement: str, values: Sequence[Any]) -> core.Context:
        """Run a statement with `$1` placeholders, beginning a transaction when none is open."""
        begin = not self._in_transaction and not self.autocommit
        name, columns, readers = self._prepare(statement)
        if begin:
            self.send_QUERY("begin transaction")
        context = core.Context(statement, columns=columns, input_funcs=readers)
        # pg8000 has the server answer each of the three by itself, and wakes up for each answer.
        self._send_message(core.BIND, self._binding(name, make_params(self.py_types, values)))
        core._write(self._sock, RUN)
        core._flush(self._sock)
        if begin:
            self.handle_messages(core.Context("begin transaction"))
        else:
            wait_for_reply(self._usock)
        try:
            self.handle_messages(context)
        except DatabaseError as error:
            if _state(error) in STALE:
                del self._prepared[statement]
            raise
        return context

    def _binding(self, name: bytes, params: Sequence[str | None]) -> bytes:
        """What binds a prepared statement to its values, all of them as text."""
        parts = [core.NULL_BYTE, name, core.H_pack(0), core.H_pack(len(params))]
        for param in params:
            if param is None:
                parts.append(NULL)
            else:
                value = param.encode(self._client_encoding)
                parts += (core.i_pack(len(value)), value)
        parts.append(core.H_pack(0))
        return b"".join(parts)

    def _prepare(self, statement: str) -> tuple[bytes, Any, Any]:
        found = self._prepared.get(statement)
        if found is not None:
            self._prepared.move_to_end(statement)
            return found
        made: tuple[bytes, Any, Any] = self.prepare_statement(statement, ())
        self._prepared[statement] = made
        if len(self._prepared) > MOST_PREPARED:
            _, (oldest, _, _) = self._prepared.popitem(last=False)
            self.close_prepared_statement(oldest)
        return made


def adopt(connection: Any) -> None:
    """Make a connection of plain pg8000, by whomever it was opened, one of ours."""
    connection.__class__ = Connection
    connection._prepared = OrderedDict()
    # The standard library reads both in a tenth of the time that pg8000 takes with strptime.
    connection.register_in_adapter(TIMESTAMPTZ, dt.datetime.fromisoformat)
    connection.register_in_adapter(DATE, dt.date.fromisoformat)


@functools.lru_cache(maxsize=2000)
def _numbered(operation: str) -> str:
    """The statement with `$1` in place of the first `%s`, and so on."""
    statement: str = convert_paramstyle("format", operation, ())[0]
    return statement


def _kind(error: DatabaseError) -> type[Exception]:
    """The DB-API's class of a server's error, as plain pg8000 chooses it."""
    state = _state(error)
    if state == "28000":
        return legacy.InterfaceError
    return legacy.IntegrityError if state == "23505" else legacy.ProgrammingError


def _state(error: DatabaseError) -> str | None:
    detail = error.args[0] if error.args else None
    return detail.get("C") if isinstance(detail, dict) else None
