"""Rooms as they are deployed: through the real framework, over a real database, with stand-ins for the rest."""

import functools
import ipaddress
import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from functions_framework.aio import create_asgi_app
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests import openid
from tests.fakes import FakeMailer, FakePublisher, FakeStripe
from tests.rows import a_business
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
SignUp = Callable[[], "SignedIn"]
Business = Callable[..., UUID]


@pytest.fixture(scope="session")
def engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database for the rooms, which commit; the tests keep apart by users and accounts of their own."""
    engine = database.create(make_database("rooms"), pool_size=8)
    yield engine
    engine.dispose()


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


@pytest.fixture
def real_hashes() -> None:
    """Passwords hashed at what that costs in production, for tests that look at the time it takes."""


@pytest.fixture(autouse=True)
def _hashes(request: pytest.FixtureRequest) -> None:
    if "real_hashes" not in request.fixturenames:
        request.getfixturevalue("cheap_hashes")


@functools.cache
def _password_hash(_cost: int) -> str:
    return auth.hash_password(PASSWORD)


@pytest.fixture
def sign_up(services: Services) -> Callable[[], SignedIn]:
    """Sign a new user up, with `PASSWORD`."""

    def create() -> SignedIn:
        email, now = f"{uuid.uuid4().hex}@example.com", services.clock()
        with services.engine.begin() as db:
            user = accounts.sign_up(
                db, email=email, name="An Owner", password_hash=_password_hash(auth.BCRYPT_COST), now=now
            )
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


@pytest.fixture
def business(engine: Engine) -> Business:
    """Make a business with its members by role."""

    def create(**roles: SignedIn) -> UUID:
        with engine.begin() as db:
            return a_business(db, **{role: UUID(user.id) for role, user in roles.items()})

    return create


def listed_ids(client: TestClient, path: str, user: SignedIn, **params: Any) -> list[str]:
    """The ids of what the list at a path shows to a user; the answer names it by the path's last word."""
    return _ids(_page(client, path, user, params), path)


def ids_by_page(client: TestClient, path: str, user: SignedIn, *, limit: int) -> list[list[str]]:
    """The ids of the whole list, page by page."""
    page = _page(client, path, user, {"limit": limit})
    pages = [_ids(page, path)]
    while page["next_cursor"] is not None:
        page = _page(client, path, user, {"limit": limit, "cursor": page["next_cursor"]})
        pages.append(_ids(page, path))
    return pages


def _page(client: TestClient, path: str, user: SignedIn, params: Json) -> Json:
    answer = client.get(path, headers=user.headers, params=params)
    assert answer.status_code == 200, answer.text
    page: Json = answer.json()
    return page


def _ids(page: Json, path: str) -> list[str]:
    return [item["id"] for item in page[path.rpartition("/")[2]]]
