"""The webhook and the worker as they are deployed, over a database of the test's own."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest
from functions_framework.aio import create_asgi_app
from sqlalchemy import Engine

from tests.fakes import FakePublisher, FakeStripe
from tests.reliability.house import House
from tests.stripe_payloads import NOON, Json, at
from vaultra import failpoints
from vaultra import services as wiring
from vaultra.config import RuntimeSettings, StripeWebhookSettings
from vaultra.db import engine as database
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra_local.catalogue import FUNCTIONS

SECRET = "whsec_of_the_tests"
WEBHOOK = "/api/v1/webhooks/stripe"


def signed(event: Json, moment: int = at(NOON)) -> dict[str, Any]:
    """The arguments of a POST that delivers this event as Stripe does."""
    body = orjson.dumps(event)
    signature = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={moment},v1={signature}", "Content-Type": "application/json"}
    return {"content": body, "headers": headers}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """Logs as in production: a terminal's tracebacks show every local variable, and take seconds."""
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.fixture
def wire() -> Iterator[Callable[..., Services]]:
    """Make the process's services of an engine, a publisher and a Stripe."""

    def make(engine: Engine, publisher: FakePublisher, stripe: FakeStripe) -> Services:
        services = Services(clock=lambda: NOON, engine=engine, publisher=publisher, stripe=stripe)
        services.webhook = StripeWebhookSettings(stripe_webhook_secret=SECRET)
        wiring.use(services)
        return services

    yield make
    wiring.use(None)


@pytest.fixture
def services(
    fresh_engine: Engine, publisher: FakePublisher, stripe: FakeStripe, wire: Callable[..., Services]
) -> Services:
    return wire(fresh_engine, publisher, stripe)


@pytest.fixture
def fail_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Switch failpoints on, in the form `VAULTRA_FAILPOINTS` has; "" switches them off."""

    def switch(points: str) -> None:
        monkeypatch.setenv("VAULTRA_ENVIRONMENT", "test")
        monkeypatch.setenv("VAULTRA_FAILPOINTS", points)
        failpoints.active.cache_clear()

    yield switch
    monkeypatch.undo()
    failpoints.active.cache_clear()


def client(function: str) -> httpx.AsyncClient:
    """One function through the real framework, for use inside one event loop."""
    app = create_asgi_app(function, str(FUNCTIONS / function / "main.py"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://function", timeout=30)


def announced(publisher: FakePublisher, topic: str) -> list[Json]:
    """What was published on a topic, taken away."""
    taken = [message for message in publisher.messages if message.topic == topic]
    publisher.messages = [message for message in publisher.messages if message.topic != topic]
    return [orjson.loads(message.data) for message in taken]


@pytest.fixture(scope="session")
def house_engine(make_database: Callable[[str], str]) -> Iterator[Engine]:
    """A database for the whole product; tests keep apart by people and businesses of their own."""
    engine = database.create(make_database("house"), pool_size=12)
    yield engine
    engine.dispose()


@pytest.fixture
def house(house_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Every HTTP function in this process, over that database."""
    with House(house_engine, tmp_path_factory.getbasetemp()) as house:
        wiring.use(house.services)
        yield house
    wiring.use(None)
