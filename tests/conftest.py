"""What every test may ask for: a real Postgres, migrated once, and a database of its own when it commits."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from vaultra.db import engine as database
from vaultra.db import migrate
from vaultra_local.postgres import EmbeddedPostgres, erase

TEMPLATE = "template_vaultra"


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """This worker's server, without crash safety; gone when the session ends."""
    with tempfile.TemporaryDirectory(prefix="vaultra-test-") as folder:
        Path(folder).chmod(0o755)  # as root, the server runs as another user, who must get in
        state = Path(folder) / "postgres"
        with EmbeddedPostgres(state, durable=False) as server:
            yield server
        erase(state)


@pytest.fixture(scope="session")
def make_database(postgres: EmbeddedPostgres) -> Iterator[Callable[[str], str]]:
    """Clone the migrated template under a name; answers the new database's URL."""
    admin = database.create(postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"create database {TEMPLATE}"))
    migrate.upgrade(postgres.url(TEMPLATE))

    def clone(name: str) -> str:
        with admin.connect() as connection:
            # A module's tests may come in two parts, since idle workers take others' tests.
            connection.execute(text(f"drop database if exists {name} with (force)"))
            connection.execute(text(f"create database {name} template {TEMPLATE} strategy file_copy"))
        return postgres.url(name)

    yield clone
    admin.dispose()


@pytest.fixture(scope="session")
def database_url(make_database: Callable[[str], str]) -> str:
    """A database shared by the tests of this worker that leave nothing behind."""
    return make_database("shared")


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """Connections to the shared database; what a test commits there, the next one sees."""
    engine = database.create(database_url, pool_size=4)
    yield engine
    engine.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Connection]:
    """A connection inside a transaction that is rolled back after the test."""
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


_numbers = itertools.count(1)


@pytest.fixture
def fresh_database_url(make_database: Callable[[str], str], postgres: EmbeddedPostgres) -> Iterator[str]:
    """An empty migrated database for one test that commits, or that several processes use."""
    name = f"fresh_{next(_numbers)}"
    yield make_database(name)
    admin = database.create(postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))
    admin.dispose()


@pytest.fixture
def fresh_engine(fresh_database_url: str) -> Iterator[Engine]:
    """Connections to this test's own database."""
    engine = database.create(fresh_database_url, pool_size=8)
    yield engine
    engine.dispose()
