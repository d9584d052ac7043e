"""Ticks through the deployed function."""

import json
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.connected import connect
from tests.fakes import FakePublisher
from tests.functions.envelopes import envelope


@pytest.fixture
def client(room: Callable[[str], TestClient]) -> TestClient:
    return room("dispatch")


@pytest.mark.parametrize(
    "job",
    [
        "sweep",
        "stripe_sync",
        "compute_metrics",
        "generate_recommendations",
        "send_notification_digest",
        "purge",
        "reconcile",
    ],
)
def test_every_job_of_the_schedule_is_done(client: TestClient, job: str) -> None:
    assert client.post("/", json=envelope({"job": job})).status_code == 204


@pytest.mark.parametrize(
    ("job", "topic"), [("compute_metrics", "metrics-due"), ("generate_recommendations", "readiness-computed")]
)
def test_everybodys_are_asked_for(
    client: TestClient, engine: Engine, publisher: FakePublisher, job: str, topic: str
) -> None:
    with engine.begin() as conn:
        account = connect(conn, f"acct_{uuid.uuid4().hex}")
    client.post("/", json=envelope({"job": job}))
    asked = [item for m in publisher.messages if m.topic == topic for item in json.loads(m.data)["business_ids"]]
    assert str(account.business_id) in asked


def test_a_job_nobody_knows_is_a_dead_letter(client: TestClient, engine: Engine) -> None:
    message_id = uuid.uuid4().hex
    assert client.post("/", json=envelope({"job": "explode"}, message_id=message_id)).status_code == 204
    with engine.connect() as conn:
        found = conn.execute(text("select error from dead_letters where message_id = :id"), {"id": message_id})
        assert "explode" in found.scalar_one()
