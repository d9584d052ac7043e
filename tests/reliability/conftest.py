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
from tests.stripe_payloads import NOON, Json, at
from vaultra import services as wiring
from vaultra.config import RuntimeSettings, StripeWebhookSettings
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


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    """Logs as in production: a terminal's tracebacks show every local variable, and take seconds."""
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.fixture
def stripe() -> FakeStripe:
    return FakeStripe()


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


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


def client(function: str) -> httpx.AsyncClient:
    """One function through the real framework, for use inside one event loop."""
    app = create_asgi_app(function, str(FUNCTIONS / function / "main.py"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://function", timeout=30)


def announced(publisher: FakePublisher, topic: str) -> list[Json]:
    """What was published on a topic, taken away."""
    taken = [message for message in publisher.messages if message.topic == topic]
    publisher.messages = [message for message in publisher.messages if message.topic != topic]
    return [orjson.loads(message.data) for message in taken]
