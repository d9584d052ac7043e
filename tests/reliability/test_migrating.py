"""RELIABILITY row O5: the schema is migrated while people read, and somebody's long transaction is in the way."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.releases import recorded, store_rows
from vaultra.db import engine as database
from vaultra.db import migrate
from vaultra.db.migrate_online import upgrade_online
from vaultra_local.postgres import EmbeddedPostgres

# The oldest one, which has the most before it.
RELEASE = recorded()[0]
READERS, A_SECOND = 8, 200
IN_THE_WAY_SECONDS = 3.0
# Of what migrations since then change, and of what they only add beside.
READ = ("financial_metric_snapshots", "stripe_events", "users", "businesses")
HEAD = sorted(path.name[:4] for path in (migrate.MIGRATIONS / "versions").glob("0*.py"))[-1]


@pytest.fixture
def release(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    """A database as the release left it, with its rows; the connections wait no longer than a second for anything."""
    admin = database.create(postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("create database migrating"))
    engine = database.create(
        postgres.url("migrating"), pool_size=READERS + 3, connect_args={"startup_params": {"statement_timeout": "1s"}}
    )
    with engine.begin() as connection:
        command.upgrade(migrate.alembic_config(connection), RELEASE)
    store_rows(engine, RELEASE)
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text("drop database migrating with (force)"))
    admin.dispose()


class Readers:
    """People who read: how often, how long the slowest waited, and what was answered with an error."""

    def __init__(self, engine: Engine) -> None:
        self.times: list[float] = []
        self.errors: list[str] = []
        self._engine = engine
        self._stop = threading.Event()

    @contextmanager
    def reading(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]
        for thread in threads:
            thread.start()
        yield
        self._stop.set()
        for thread in threads:
            thread.join()

    def _read(self, number: int) -> None:
        while not self._stop.wait(READERS / A_SECOND):
            began = time.monotonic()
            try:
                with self._engine.connect() as conn:
                    conn.execute(text(f"select * from {READ[number % len(READ)]} limit 5")).all()
            except DBAPIError as error:
                self.errors.append(database.sql_state(error))
            self.times.append(time.monotonic() - began)


WAITING = text("select count(*) from pg_locks where not granted and database = (select oid from pg_database "
               "where datname = current_database())")  # fmt: skip


@contextmanager
def in_the_way(engine: Engine, seconds: float) -> Iterator[threading.Event]:
    """Somebody whose transaction has read a table that is to be changed; it ends so long after a change waits for it.

    Gives an event that tells when a change waits.
    """

    def hold() -> None:
        with engine.connect() as conn, engine.connect() as looking:
            conn.execute(text("select count(*) from financial_metric_snapshots"))
            read.set()
            while not looking.execute(WAITING).scalar_one() and not ended.wait(0.02):
                pass
            met.set()
            ended.wait(seconds)

    read, met, ended = threading.Event(), threading.Event(), threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    read.wait(60)
    yield met
    ended.set()
    thread.join()


def revision(engine: Engine) -> str:
    with engine.connect() as conn:
        return str(conn.execute(text("select version_num from alembic_version")).scalar_one())


def migrated(release: Engine, upgrade: Callable[[Engine], object]) -> tuple[Readers, object]:
    """Migrate by a connection of its own while people read and somebody is in the way."""
    own = database.create(release.url.render_as_string(hide_password=False), pool_size=1)
    readers = Readers(release)
    try:
        with readers.reading(), in_the_way(release, IN_THE_WAY_SECONDS):
            return readers, upgrade(own)
    finally:
        own.dispose()


def test_o5_nobody_waits_a_second_while_the_schema_is_migrated(release: Engine) -> None:
    readers, again = migrated(release, upgrade_online)
    print(f"\nO5: {len(readers.times)} reads beside the migration, {len(readers.errors)} errors, the slowest "
          f"{max(readers.times):.2f} s; it came {again} times more")  # fmt: skip
    assert readers.errors == []
    assert int(str(again)) > 0, "nobody was in the way"
    assert revision(release) == HEAD


@pytest.mark.long
def test_o5_a_migration_without_this_patience_does_stop_them(release: Engine) -> None:
    """What the row is there for, so that the test above is not blind."""
    readers, _ = migrated(release, migrate.upgrade_engine)
    print(f"\nO5: without giving way {len(readers.errors)} of {len(readers.times)} reads waited longer than a second")
    assert readers.errors


@pytest.mark.long
def test_o5_migrations_that_are_killed_in_the_middle_go_on_where_they_were(release: Engine) -> None:
    url = make_url(release.url).render_as_string(hide_password=False)
    job_command = [sys.executable, "-m", "vaultra.db.migrate_online"]
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": "shared"}
    with in_the_way(release, IN_THE_WAY_SECONDS) as met:
        job = subprocess.Popen(job_command, env=environment)
        assert met.wait(60)
        job.kill()
        job.wait()
    assert RELEASE < revision(release) < HEAD, "what was done stays"
    for _ in range(2):
        subprocess.run(job_command, env=environment, check=True, timeout=120)
    assert revision(release) == HEAD
