"""What the functions' database users may do: rows, and nothing else."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from vaultra.db import engine as database
from vaultra.db.engine import sql_state
from vaultra.db.grants import allow

# As Cloud SQL names a service account: the @ and the dot need quoting.
USER = 'fn-"quoted"@project.iam'
QUOTED = USER.replace('"', '""')


@pytest.fixture
def owner(fresh_database_url: str) -> Iterator[Engine]:
    """A migrated database with a user of a function in it."""
    engine = database.create(fresh_database_url, pool_size=1)
    with engine.begin() as conn:
        conn.execute(text(f'create role "{QUOTED}" nologin'))
    yield engine
    with engine.begin() as conn:  # users belong to the server, which other tests use, too
        conn.execute(text(f'drop owned by "{QUOTED}"'))
        conn.execute(text(f'drop role "{QUOTED}"'))
    engine.dispose()


def as_user(conn: Connection, statement: str) -> None:
    conn.execute(text(f'set local role "{QUOTED}"'))
    conn.execute(text(statement))


def test_a_functions_user_may_do_nothing_before(owner: Engine) -> None:
    with owner.connect() as conn, pytest.raises(ProgrammingError) as refused:
        as_user(conn, "select count(*) from users")
    assert sql_state(refused.value) == "42501"


@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from businesses",
        "insert into users (email, name) values ('a@example.com', 'A')",
        "update users set name = 'B'",
        "delete from users",
        "insert into dead_letters (subscription, topic, message_id, data, attributes, attempts)"
        " values ('s', 't', '1', '', '{}', 7)",
        "select version_num from alembic_version",
    ],
)
def test_it_may_work_with_rows(owner: Engine, statement: str) -> None:
    with owner.begin() as conn:
        allow(conn, [USER])
    with owner.connect() as conn:
        as_user(conn, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (id int)",
        "drop table users",
        "alter table users add column more text",
        "truncate users",
        "update alembic_version set version_num = '0'",
        "create role another",
    ],
)
def test_it_may_not_change_the_schema(owner: Engine, statement: str) -> None:
    with owner.begin() as conn:
        allow(conn, [USER])
    with owner.connect() as conn, pytest.raises(ProgrammingError) as refused:
        as_user(conn, statement)
    assert sql_state(refused.value) == "42501"


def test_only_who_is_named_is_let_in(owner: Engine) -> None:
    with owner.begin() as conn:
        allow(conn, [])
    with owner.connect() as conn, pytest.raises(ProgrammingError):
        as_user(conn, "select count(*) from users")


def test_a_table_of_the_next_migration_is_reached_after_running_it_again(owner: Engine) -> None:
    with owner.begin() as conn:
        allow(conn, [USER])
        conn.execute(text("create table later (id int)"))
    with owner.begin() as conn:
        allow(conn, [USER])
    with owner.connect() as conn:
        as_user(conn, "insert into later values (1)")
