"""The worker of events through the deployed function."""

import json
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests import stripe_payloads as raw
from tests.connected import connect, keep
from tests.fakes import FakePublisher, FakeStripe
from tests.functions.envelopes import envelope
from tests.stripe_payloads import event
from vaultra.errors import Unavailable


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("apply_stripe_event")


@pytest.fixture
def account(engine: Engine) -> str:
    """Its id at Stripe."""
    external = f"acct_{uuid.uuid4().hex}"
    with engine.begin() as conn:
        connect(conn, external)
    return external


def status(engine: Engine, row_id: int) -> str:
    with engine.connect() as conn:
        return str(conn.execute(text("select status from stripe_events where id = :id"), {"id": row_id}).scalar_one())


def test_events_are_applied_and_metrics_asked_for_once(
    client: TestClient, engine: Engine, publisher: FakePublisher, account: str
) -> None:
    with engine.begin() as conn:
        ids = keep(
            conn, [event("charge.succeeded", raw.charge(), account=account, id=f"{account}_{n}") for n in (1, 2)]
        )
    for _ in range(2):
        assert client.post("/", json=envelope({"ids": ids})).status_code == 204
    assert [status(engine, row_id) for row_id in ids] == ["done", "done"]
    [message] = publisher.messages
    assert message.topic == "metrics-due"
    with engine.connect() as conn:
        statement = text("select business_id from integration_accounts where external_id = :id")
        business = conn.execute(statement, {"id": account}).scalar_one()
    assert json.loads(message.data) == {"business_ids": [str(business)]}


def test_an_outage_of_stripe_is_acknowledged_and_left_to_the_sweeper(
    client: TestClient, engine: Engine, stripe: FakeStripe, account: str
) -> None:
    stripe.failure = Unavailable("Stripe does not answer")
    with engine.begin() as conn:
        foreign = event("charge.succeeded", raw.charge(currency="eur"), account=account, id=f"{account}_1")
        [row_id] = keep(conn, [foreign])
    assert client.post("/", json=envelope({"ids": [row_id]})).status_code == 204
    assert status(engine, row_id) == "pending"


@pytest.mark.parametrize("body", [{}, {"ids": "x"}, {"ids": [1], "more": 1}, b"\xff", []])
def test_a_message_that_makes_no_sense_is_a_dead_letter(client: TestClient, engine: Engine, body: object) -> None:
    message_id = uuid.uuid4().hex
    assert client.post("/", json=envelope(body, message_id=message_id)).status_code == 204
    with engine.connect() as conn:
        found = conn.execute(text("select error from dead_letters where message_id = :id"), {"id": message_id})
        assert found.scalar_one().startswith("VALIDATION_ERROR")


def test_ids_that_are_not_there_are_nothing_to_do(client: TestClient, publisher: FakePublisher) -> None:
    assert client.post("/", json=envelope({"ids": [2**40, -1]})).status_code == 204
    assert publisher.messages == []
