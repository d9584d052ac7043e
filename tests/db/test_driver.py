"""Fewer round trips, and otherwise the driver it was."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from pg8000.core import FLUSH_MSG
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from vaultra.db import driver
from vaultra.db import engine as database


@pytest.fixture
def conn(fresh_database_url: str) -> Iterator[Connection]:
    """The only connection of its engine, to a database of its own."""
    engine = database.create(fresh_database_url, pool_size=1)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def prepared(conn: Connection) -> list[str]:
    """The statements that the server holds ready."""
    rows = conn.exec_driver_sql("select statement from pg_prepared_statements order by prepare_time")
    return [row.statement for row in rows]


def test_a_statement_is_prepared_once(conn: Connection) -> None:
    for number in range(3):
        assert conn.execute(text("select cast(:number as int) + 1"), {"number": number}).scalar_one() == number + 1
    assert prepared(conn) == ["select cast($1 as int) + 1"]


class Noting:
    """A connection's socket, noting what is written and how often it is sent."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self.written = b""
        self.sent = 0

    def write(self, data: bytes) -> None:
        self.written += data
        self._sock.write(data)

    def flush(self) -> None:
        self.sent += 1
        self._sock.flush()

    def read(self, size: int) -> bytes:
        read: bytes = self._sock.read(size)
        return read


def test_a_statement_is_sent_once_and_answered_once(conn: Connection) -> None:
    statement, values = (
        text("select cast(:a as int), cast(:b as text), cast(:c as text)"),
        {"a": 1, "b": None, "c": "é"},
    )
    database.commit_each_statement(conn)
    conn.execute(statement, values)
    raw: Any = conn.connection.dbapi_connection
    raw._sock = noting = Noting(raw._sock)
    assert tuple(conn.execute(statement, values).one()) == (1, None, "é")
    raw._sock = noting._sock
    assert noting.sent == 1
    assert FLUSH_MSG not in noting.written  # it would have the server answer before it has done all


def test_values_come_back_as_they_went(conn: Connection) -> None:
    statement = text("select cast(:a as text), cast(:b as bigint), cast(:c as jsonb), cast(:d as bytea)")
    for _ in range(2):
        row = conn.execute(statement, {"a": "50% 'é' $1", "b": None, "c": '{"x": [1]}', "d": b"\x00\xff"}).one()
        assert tuple(row) == ("50% 'é' $1", None, {"x": [1]}, b"\x00\xff")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns"])
def test_times_are_the_same_wherever_the_server_is(conn: Connection, zone: str) -> None:
    conn.execute(text(f"set local time zone '{zone}'"))
    for microsecond in (0, 5, 120000):
        at = dt.datetime(2026, 11, 20, 23, 59, 59, microsecond, dt.UTC)
        statement = text("select cast(:at as timestamptz), cast(:day as date)")
        assert tuple(conn.execute(statement, {"at": at, "day": at.date()}).one()) == (at, at.date())


def test_percent_signs_and_literals_in_a_statement_stay(conn: Connection) -> None:
    statement = text("select '%s' || :a || '100%' where 'x' like '%x%'")
    assert conn.execute(statement, {"a": "-"}).scalar_one() == "%s-100%"


def test_the_least_used_statement_goes_first(conn: Connection) -> None:
    kept = text("select cast(:x as int)")
    for number in range(driver.MOST_PREPARED + 5):
        conn.execute(kept, {"x": number})
        conn.execute(text(f"select cast(:x as int) + {number}"), {"x": 1})
    held = prepared(conn)
    assert len(held) == driver.MOST_PREPARED
    assert "select cast($1 as int)" in held
    assert "select cast($1 as int) + 0" not in held


def test_what_was_not_committed_is_undone(conn: Connection) -> None:
    conn.execute(text("create table kept (id int primary key)"))
    conn.commit()
    conn.execute(text("insert into kept values (:id)"), {"id": 1})
    conn.rollback()
    conn.execute(text("insert into kept values (:id)"), {"id": 2})
    conn.commit()
    conn.rollback()
    assert conn.execute(text("select id from kept where id > :least"), {"least": 0}).scalars().all() == [2]


def test_an_error_keeps_its_class_and_leaves_the_connection_usable(conn: Connection) -> None:
    conn.execute(text("create table kept (id int primary key)"))
    conn.commit()
    statement = text("insert into kept values (:id)")
    conn.execute(statement, {"id": 1})
    conn.commit()
    for _ in range(2):
        with pytest.raises(IntegrityError) as caught:
            conn.execute(statement, {"id": 1})
        assert database.sql_state(caught.value) == "23505"
        conn.rollback()
    with pytest.raises(ProgrammingError):
        conn.execute(text("select nothing from nowhere where 1 = :x"), {"x": 1})
    conn.rollback()
    conn.execute(statement, {"id": 2})
    conn.commit()
    assert conn.execute(text("select count(*) from kept where id > :x"), {"x": 0}).scalar_one() == 2


def test_an_error_in_the_first_statement_of_a_transaction_is_the_statements(conn: Connection) -> None:
    for _ in range(2):
        with pytest.raises(DBAPIError) as caught:
            conn.execute(text("select 1 / cast(:x as int)"), {"x": 0})
        assert database.sql_state(caught.value) == "22012"
        conn.rollback()
    assert conn.execute(text("select cast(:x as int)"), {"x": 1}).scalar_one() == 1


def test_a_migration_makes_a_statement_fail_once_at_most(fresh_engine: Engine) -> None:
    statement = text("select * from changing where id = :id")
    with fresh_engine.connect() as conn, fresh_engine.connect() as other:
        other.execute(text("create table changing (id int)"))
        other.commit()
        conn.execute(statement, {"id": 1})
        conn.commit()
        other.execute(text("alter table changing add column name text"))
        other.commit()
        with pytest.raises(DBAPIError):
            conn.execute(statement, {"id": 1})
        conn.rollback()
        assert list(conn.execute(statement, {"id": 1}).keys()) == ["id", "name"]


def test_each_statement_is_committed_where_that_was_asked_for_and_only_there(fresh_engine: Engine) -> None:
    engine = database.create(fresh_engine.url.render_as_string(hide_password=False), pool_size=1)
    insert, count = text("insert into counted values (:id)"), text("select count(*) from counted where id > :x")
    with engine.connect() as conn:
        conn.execute(text("create table counted (id int)"))
        conn.commit()
    with engine.connect() as conn:
        database.commit_each_statement(conn)
        conn.execute(insert, {"id": 1})
    with engine.connect() as conn:
        conn.execute(insert, {"id": 2})
    with engine.connect() as conn:
        assert conn.execute(count, {"x": 0}).scalar_one() == 1
    engine.dispose()
