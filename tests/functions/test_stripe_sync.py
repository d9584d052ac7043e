"""Reading an account through the deployed function, step by step."""

import json
import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests import stripe_payloads as raw
from tests.connected import connect
from tests.fakes import FakePublisher, FakeStripe
from tests.functions.envelopes import envelope
from tests.stripe_payloads import at
from vaultra.db.sync_runs import Run
from vaultra.errors import AccessRevoked, InvalidInput, RateLimited
from vaultra.services import Services
from vaultra.usecases import sync


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("stripe_sync")


@pytest.fixture
def run(engine: Engine, services: Services, stripe: FakeStripe) -> Run:
    """The first run over a new account with one charge."""
    external, now = f"acct_{uuid.uuid4().hex}", services.clock()
    stripe.as_of = now
    stripe.put(external, "account", raw.account(id=external))
    stripe.put(external, "balance", raw.balance())
    stripe.put(external, "charges", raw.charge(created=at(now) - 60))
    with engine.begin() as conn:
        account = connect(conn, external, currency=None, connected_at=now)
        return sync.start(conn, integration_account_id=account.id, kind="initial", now=now)


def finished(engine: Engine, run_id: UUID) -> tuple[bool, str | None]:
    with engine.connect() as conn:
        statement = text("select finished_at is not null, error from sync_runs where id = :id")
        row = conn.execute(statement, {"id": run_id}).one()
    return row[0], row[1]


def test_a_run_ends_and_hands_over(client: TestClient, engine: Engine, publisher: FakePublisher, run: Run) -> None:
    body = {"run_id": str(run.id), "step": 0}
    for _ in range(2):  # the second delivery finds nothing to do
        assert client.post("/", json=envelope(body)).status_code == 204
    assert finished(engine, run.id) == (True, None)
    assert sorted(message.topic for message in publisher.messages) == ["metrics-due", "stripe-sync-due"]
    [following] = [json.loads(m.data) for m in publisher.messages if m.topic == "stripe-sync-due"]
    assert following["step"] == 0
    assert following["run_id"] != str(run.id)


def test_a_busy_stripe_brings_the_message_again(
    client: TestClient, engine: Engine, stripe: FakeStripe, run: Run
) -> None:
    stripe.failures["account"] = RateLimited("Stripe asks us to slow down")
    assert client.post("/", json=envelope({"run_id": str(run.id), "step": 0})).status_code == 429
    assert finished(engine, run.id) == (False, "Stripe asks us to slow down")


def test_access_taken_back_ends_the_run(client: TestClient, engine: Engine, stripe: FakeStripe, run: Run) -> None:
    stripe.failure = AccessRevoked("Connect it again.")
    assert client.post("/", json=envelope({"run_id": str(run.id), "step": 0})).status_code == 204
    assert finished(engine, run.id) == (True, "refused")


def test_a_run_that_failed_goes_on_when_its_dead_letter_is_replayed(
    client: TestClient, engine: Engine, publisher: FakePublisher, stripe: FakeStripe, run: Run
) -> None:
    stripe.failures["charges"] = InvalidInput("Stripe refused the request")
    assert client.post("/", json=envelope({"run_id": str(run.id), "step": 0})).status_code == 204
    with engine.connect() as conn:
        statement = text("select data from dead_letters where message_id = :id")
        letter = json.loads(conn.execute(statement, {"id": f"sync-{run.id}-0"}).scalar_one())
    stripe.failures.clear()
    for _ in range(2):  # replayed twice, one run goes on
        assert client.post("/", json=envelope(letter)).status_code == 204
    following = {m.data for m in publisher.messages if m.topic == "stripe-sync-due"}
    assert len(following) == 1
    body = json.loads(following.pop())
    assert body["run_id"] != str(run.id)
    assert client.post("/", json=envelope(body)).status_code == 204
    assert finished(engine, UUID(body["run_id"])) == (True, None)


def test_a_replay_for_nobody_is_nothing_to_do(client: TestClient, publisher: FakePublisher) -> None:
    body = {"run_id": str(uuid.uuid4()), "step": 0, "again": True}
    assert client.post("/", json=envelope(body)).status_code == 204
    assert publisher.messages == []


def test_a_run_nobody_knows_is_nothing_to_do(client: TestClient, publisher: FakePublisher) -> None:
    assert client.post("/", json=envelope({"run_id": str(uuid.uuid4()), "step": 0})).status_code == 204
    assert publisher.messages == []
