"""What every test may ask for: a real Postgres, migrated once, and a database of its own when it commits."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, text

from tests.fakes import FakePublisher, FakeStripe
from tests.own_postgres import own_postgres
from vaultra import auth
from vaultra.config import RuntimeSettings
from vaultra.db import engine as database
from vaultra.db import migrate
from vaultra.process import configure_once
from vaultra.telemetry import configure
from vaultra_local import emulator
from vaultra_local.postgres import EmbeddedPostgres

TEMPLATE = "template_vaultra"
USUAL = RuntimeSettings()


@pytest.fixture(autouse=True)
def _log_as_a_function() -> None:
    """Every test begins so, whatever the one before did; what captures a log sets it up for itself."""
    configure_once()
    configure(USUAL)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """This worker's server, without crash safety; gone when the session ends."""
    with own_postgres(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def admin(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    """Connections that make and drop databases."""
    admin = database.create(postgres.url(), pool_size=1, isolation_level="AUTOCOMMIT")
    yield admin
    admin.dispose()


@pytest.fixture(scope="session")
def make_database(postgres: EmbeddedPostgres, admin: Engine) -> Callable[[str], str]:
    """Clone the migrated template under a name; answers the new database's URL."""
    with admin.connect() as connection:
        connection.execute(text(f"create database {TEMPLATE}"))
    migrate.upgrade(postgres.url(TEMPLATE))

    def clone(name: str) -> str:
        with admin.connect() as connection:
            # A module's tests may come in two parts, since idle workers take others' tests.
            connection.execute(text(f"drop database if exists {name} with (force)"))
            connection.execute(text(f"create database {name} template {TEMPLATE} strategy file_copy"))
        return postgres.url(name)

    return clone


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
def fresh_database_url(make_database: Callable[[str], str], admin: Engine) -> Iterator[str]:
    """An empty migrated database for one test that commits, or that several processes use."""
    name = f"fresh_{next(_numbers)}"
    yield make_database(name)
    with admin.connect() as connection:
        connection.execute(text(f"drop database {name} with (force)"))


@pytest.fixture
def fresh_engine(fresh_database_url: str) -> Iterator[Engine]:
    """Connections to this test's own database."""
    engine = database.create(fresh_database_url, pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def emulator_host() -> Iterator[str]:
    """Where Google's Pub/Sub emulator listens; where it is not installed, what needs it is skipped."""
    jar = emulator.find_jar()
    if jar is None:
        pytest.skip("the Pub/Sub emulator is not installed here (it needs Java and gcloud's pubsub-emulator)")
    with emulator.Emulator(jar) as running:
        yield running.host


@pytest.fixture
def stripe() -> FakeStripe:
    """A Stripe with nothing in it."""
    return FakeStripe()


@pytest.fixture
def publisher() -> FakePublisher:
    """A broker that keeps what it is given."""
    return FakePublisher()


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords hashed in a millisecond: what one costs is tried elsewhere."""
    monkeypatch.setattr(auth, "BCRYPT_COST", 4)
    monkeypatch.setattr(auth, "NOBODYS_HASH", auth.hash_password("nobody's"))
