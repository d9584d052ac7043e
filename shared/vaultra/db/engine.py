"""Connections to Postgres through pg8000: made lazily, pooled, and with their failures put into our words."""

import functools
import socket
import time
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy import create_engine as sqlalchemy_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vaultra.config import DatabaseSettings
from vaultra.db.loop_wait import refuse_to_block
from vaultra.errors import ConnectionLost, Unavailable, VaultraError

# SQLSTATEs after which the same statement may succeed later: connection trouble, shutdown or start-up,
# too many connections, deadlock, serialisation, lock or statement timeout.
RETRYABLE_CLASSES = ("08", "53", "57")
# A function never waits longer than this for one statement, nor keeps locks while it does something else.
LIMITS = {"statement_timeout": "120s", "idle_in_transaction_session_timeout": "120s"}
RETRYABLE_STATES = {"40001", "40P01", "55P03"}
EACH_STATEMENT, GIVEN_BACK_AT = "commit_each_statement", "given_back_at"
FRESH_SECONDS = 5.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def create(url: str, pool_size: int = 4, **options: Any) -> Engine:
    """An engine over `postgresql://…` or `postgresql+pg8000://…`; connects on first use.

    Args:
        url: Where the database is, with its password.
        pool_size: Most connections open at once. A caller waits 5 s for a free one, then gets `Unavailable`.
    """
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+pg8000://", 1)
    if make_url(url).host in LOOPBACK:
        # Nobody listens there, and reading the system's certificates costs twenty times the connection.
        options["connect_args"] = {"ssl_context": False, **options.get("connect_args", {})}
    engine = sqlalchemy_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=1800,
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        **options,
    )
    event.listen(engine, "do_connect", _connect_in_threads)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "checkout", _look_for_life)
    event.listen(engine, "checkin", _give_back)
    return engine


def commit_each_statement(conn: Connection) -> None:
    """Make each statement a transaction of its own, until the connection is given back to its pool."""
    conn.info[EACH_STATEMENT] = True
    conn.connection.dbapi_connection.autocommit = True  # type: ignore[union-attr]


def connect_from(settings: DatabaseSettings) -> Engine:
    """The engine the settings ask for: a URL, or Cloud SQL with IAM through Google's connector."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        return create(url, settings.pool_size, connect_args={"startup_params": LIMITS})
    if settings.cloud_sql_instance is None:
        raise Unavailable("No database is configured: set DATABASE_URL or CLOUD_SQL_INSTANCE")
    return create("postgresql+pg8000://", settings.pool_size, creator=_cloud_sql(settings))


def ping(conn: Connection) -> None:
    """Ask the database for a sign of life; raises what its absence raises."""
    conn.execute(text("select 1"))


def translate(error: BaseException) -> VaultraError | None:
    """`Unavailable` when the database could not answer now; None when the error is something else."""
    if isinstance(error, PoolTimeout):
        return Unavailable("The database is busy", retry_after=5)
    if isinstance(error, ConnectionError | TimeoutError):
        # A server that goes away while a connection is being made: the driver lets the socket's error through.
        return ConnectionLost("The database does not answer", retry_after=5)
    if not isinstance(error, DBAPIError):
        return None
    state = sql_state(error)
    if error.connection_invalidated or type(error.orig).__name__ == "InterfaceError":
        return ConnectionLost("The database does not answer", retry_after=5)
    if state in RETRYABLE_STATES or state.startswith(RETRYABLE_CLASSES):
        return Unavailable("The database does not answer", retry_after=5)
    return None


def sql_state(error: DBAPIError) -> str:
    """The five-character SQLSTATE, or an empty string when the server sent none."""
    detail = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return str(detail.get("C", "")) if isinstance(detail, dict) else ""


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _connect_in_threads(*_arguments: Any) -> None:
    refuse_to_block()


def _prepare(connection: Any, _record: Any) -> None:
    from vaultra.db import driver  # here, because it brings pg8000, which a start does not need

    driver.adopt(connection)
    _send_at_once(connection)


def _look_for_life(connection: Any, record: Any, _proxy: Any) -> None:
    # Asking each time would double a short read's cost; one that was used a moment ago is rarely gone.
    if time.monotonic() - record.info.get(GIVEN_BACK_AT, 0) < FRESH_SECONDS:
        return
    try:
        connection.execute_simple(";")
    except Exception as error:
        raise DisconnectionError from error


def _give_back(connection: Any, record: Any) -> None:
    record.info[GIVEN_BACK_AT] = time.monotonic()
    if record.info.pop(EACH_STATEMENT, False) and connection is not None:  # None when it was found broken
        connection.autocommit = False


def _send_at_once(connection: Any) -> None:
    # Without TCP_NODELAY a large statement now and then waits 40 ms for an acknowledgement.
    usock = getattr(connection, "_usock", None)
    if usock is not None and usock.family in (socket.AF_INET, socket.AF_INET6):
        usock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _cloud_sql(settings: DatabaseSettings) -> Any:
    @functools.cache
    def connector() -> Any:
        from google.cloud.sql.connector import Connector  # type: ignore[import-not-found,unused-ignore]

        return Connector(refresh_strategy="lazy", enable_iam_auth=True, ip_type="PRIVATE")

    def connect() -> Any:
        return connector().connect(
            settings.cloud_sql_instance,
            "pg8000",
            user=settings.database_user,
            db=settings.database_name,
            startup_params=LIMITS,
        )

    return connect
