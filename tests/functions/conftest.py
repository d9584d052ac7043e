"""Rooms as they are deployed: through the real framework, over a real database, with stand-ins for the rest."""

import functools
import ipaddress
import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from functions_framework.aio import create_asgi_app
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests import openid
from tests.fakes import FakeMailer, FakePublisher, FakeStripe
from vaultra import auth
from vaultra import services as wiring
from vaultra.config import AuthSettings, SiteSettings
from vaultra.db import engine as database
from vaultra.services import Services, utc_now
from vaultra.usecases import accounts, sessions
from vaultra_local.openid_sim import OpenidSim, running_openid_sim

FUNCTIONS = Path(__file__).parents[2] / "functions"
PASSWORD = "correct horse battery"

Json = dict[str, Any]


@pytest.fixture(scope="session")
def engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database for the rooms, which commit; the tests keep apart by users and accounts of their own."""
    engine = database.create(make_database("rooms"), pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def services(engine: Engine, stripe: FakeStripe, publisher: FakePublisher, mailer: FakeMailer) -> Iterator[Services]:
    """What the rooms under test use; a test may set `services.clock`."""
    services = Services(clock=utc_now, engine=engine, publisher=publisher, stripe=stripe, mailer=mailer)
    services.auth = AuthSettings(jwt_secret="a-secret-of-the-tests-with-32-bytes")
    services.site = SiteSettings(site_url="https://site.test", public_api_url="https://api.test/api/v1")
    wiring.use(services)
    yield services
    wiring.use(None)


@pytest.fixture(scope="session")
def openid_sim() -> Iterator[OpenidSim]:
    with running_openid_sim() as sim:
        yield sim


@pytest.fixture
def google(services: Services, openid_sim: OpenidSim) -> OpenidSim:
    """The local OpenID issuer, which the rooms under test take for Google."""
    services.google = openid.provider(openid_sim, lambda: services.clock())
    return openid_sim


_tests = itertools.count(1)


@pytest.fixture
def room(services: Services) -> Callable[[str], TestClient]:
    """A client of one function, loaded from its folder; every test calls from an address of its own."""
    address = str(ipaddress.IPv4Address("10.0.0.0") + next(_tests))

    def load(name: str) -> TestClient:
        app = create_asgi_app(name, str(FUNCTIONS / name / "main.py"))
        return TestClient(app, base_url="https://api.test", follow_redirects=False, client=(address, 50000))

    return load


@dataclass(frozen=True)
class SignedIn:
    """A user, and the header that says they are signed in."""

    id: str
    email: str
    headers: dict[str, str]


@functools.cache
def _password_hash() -> str:
    return auth.hash_password(PASSWORD)


@pytest.fixture
def sign_up(services: Services) -> Callable[[], SignedIn]:
    """Sign a new user up, with `PASSWORD`."""

    def create() -> SignedIn:
        email, now = f"{uuid.uuid4().hex}@example.com", services.clock()
        with services.engine.begin() as db:
            user = accounts.sign_up(db, email=email, name="An Owner", password_hash=_password_hash(), now=now)
            token = sessions.begin(db, user, address="192.0.2.1", secrets=services.auth.jwt_secrets, now=now)
        return SignedIn(str(user.id), email, {"Authorization": f"Bearer {token}"})

    return create


@pytest.fixture
def create_business(room: Callable[[str], TestClient]) -> Callable[..., Json]:
    """Create a business through the API, owned by a user."""

    def create(owner: SignedIn, **fields: Any) -> Json:
        answer = room("users_api").post(
            "/api/v1/users/businesses", headers=owner.headers, json={"name": "A Shop", **fields}
        )
        assert answer.status_code == 201, answer.text
        created: Json = answer.json()
        return created

    return create
