"""Connections: what a function's has, and what becomes of an outage."""

import socket
import struct
import threading

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from vaultra.config import DatabaseSettings
from vaultra.db import engine as database
from vaultra.errors import ConnectionLost, Unavailable

# The codes of the two first messages of Postgres' protocol.
STARTUP, TLS = 3 << 16, 80877103


def test_a_functions_connection_gives_up_in_the_end(database_url: str) -> None:
    engine = database.connect_from(DatabaseSettings(database_url=SecretStr(database_url)))
    with engine.connect() as conn:
        for name in database.LIMITS:
            assert conn.scalar(text(f"select current_setting('{name}')")) == "2min"
    engine.dispose()


def test_an_address_without_a_driver_gets_ours() -> None:
    assert database.create("postgresql://nobody@127.0.0.1:9/none").dialect.driver == "pg8000"


def test_no_database_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="DATABASE_URL"):
        database.connect_from(DatabaseSettings(database_url=None, cloud_sql_instance=None))


def test_nobody_at_the_address_is_unavailable() -> None:
    with pytest.raises(Exception) as caught:
        database.create("postgresql://nobody@127.0.0.1:9/none").connect()
    assert isinstance(database.translate(caught.value), Unavailable)


@pytest.mark.parametrize(
    ("statement", "outage"),
    [
        ("select pg_sleep(5)", True),  # the statement's time is up
        ("select 1 / 0", False),
        ("select nothing", False),
    ],
)
def test_only_what_may_pass_is_an_outage(engine: Engine, statement: str, outage: bool) -> None:
    with engine.connect() as conn:
        conn.execute(text("set local statement_timeout = '50ms'"))
        with pytest.raises(DBAPIError) as caught:
            conn.execute(text(statement))
    assert isinstance(database.translate(caught.value), Unavailable) is outage


@pytest.mark.parametrize(("options", "asked_for"), [({}, STARTUP), ({"ssl_context": None}, TLS)])
def test_on_ones_own_machine_no_encryption_is_asked_for(options: dict[str, None], asked_for: int) -> None:
    """Making ready for it takes longer than the rest of the connection; who names it gets it."""
    heard: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            peer, _ = server.accept()
            heard.append(struct.unpack("!ii", peer.recv(8))[1])
            peer.close()

        thread = threading.Thread(target=listen)
        thread.start()
        url = f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/none"
        with pytest.raises(Exception) as caught:
            database.create(url, connect_args=options).connect()
        thread.join()
    assert heard == [asked_for]
    assert isinstance(database.translate(caught.value), Unavailable)


def test_a_server_that_hangs_up_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            peer, _ = server.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not an orderly end
            peer.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Exception) as caught:
            database.create(f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/none").connect()
        thread.join()
    assert isinstance(database.translate(caught.value), Unavailable)


def test_a_full_pool_is_unavailable(database_url: str) -> None:
    engine = database.create(database_url, pool_size=1)
    engine.pool._timeout = 0.1  # type: ignore[attr-defined]
    with engine.connect(), pytest.raises(Exception) as caught:
        engine.connect()
    assert isinstance(database.translate(caught.value), Unavailable)
    engine.dispose()


def end_connections(engine: Engine) -> None:
    """As a failover does, on the server's side."""
    others = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = :name"
    with engine.connect() as conn:
        conn.execute(text(others), {"name": engine.url.database})


def test_a_connection_that_was_idle_is_looked_at_first(fresh_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = database.create(fresh_engine.url.render_as_string(hide_password=False), pool_size=1)
    engine.connect().close()
    end_connections(fresh_engine)
    monkeypatch.setattr(database, "FRESH_SECONDS", 0.0)
    with engine.connect() as conn:
        assert conn.scalar(text("select 1")) == 1
    engine.dispose()


def test_a_fresh_connection_that_was_ended_is_told_apart_and_the_next_one_is_good(fresh_engine: Engine) -> None:
    engine = database.create(fresh_engine.url.render_as_string(hide_password=False), pool_size=2)
    with engine.connect(), engine.connect():
        pass
    end_connections(fresh_engine)
    with pytest.raises(DBAPIError) as caught, engine.connect() as conn:
        conn.execute(text("select cast(:x as int)"), {"x": 1})
    assert isinstance(database.translate(caught.value), ConnectionLost)
    for _ in range(2):
        with engine.connect() as conn:
            assert conn.scalar(text("select 1")) == 1
    engine.dispose()
