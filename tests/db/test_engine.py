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
from vaultra.errors import Unavailable


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
