"""The room that computes metrics, by the broker's envelope."""

import base64
import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.db.billing import AS_OF, days_ago, open_books
from tests.fakes import FakePublisher
from vaultra.services import Services
from vaultra.usecases import metrics


def envelope(body: Any, **more: Any) -> dict[str, Any]:
    data = base64.b64encode(orjson.dumps(body)).decode()
    return {"message": {"data": data, "messageId": uuid.uuid4().hex}, "subscription": "compute-metrics", **more}


def test_metrics_are_computed_and_announced(
    room: Callable[[str], TestClient], services: Services, engine: Engine, publisher: FakePublisher
) -> None:
    services.clock = lambda: AS_OF
    with engine.begin() as db:
        books = open_books(db)
        books.charge(days_ago(1), 700)
        books.roll_up()
    body = {"business_ids": [str(books.business_id), str(uuid.uuid4())]}
    for _ in range(2):  # safe twice
        assert room("compute_metrics").post("/", json=envelope(body)).status_code == 204
    with engine.connect() as db:
        assert metrics.latest(db, books.business_id).metrics["revenue_total"].value == 700
    announced = [(message.topic, orjson.loads(message.data)) for message in publisher.messages]
    assert announced == [("metrics-computed", {"business_ids": [str(books.business_id)]})] * 2


def test_nothing_computed_announces_nothing(room: Callable[[str], TestClient], publisher: FakePublisher) -> None:
    body = {"business_ids": [str(uuid.uuid4())]}
    assert room("compute_metrics").post("/", json=envelope(body)).status_code == 204
    assert publisher.messages == []


@pytest.mark.parametrize(
    ("more", "announced"),
    [
        ({"deliveryAttempt": 1}, 1),
        # The first delivery may have been interrupted between its commit and its announcement.
        ({"deliveryAttempt": 2}, 2),
        # A broker that does not count does not tell which one this is.
        ({}, 2),
    ],
)
def test_an_hour_in_which_nothing_happened_announces_nothing(
    room: Callable[[str], TestClient],
    services: Services,
    engine: Engine,
    publisher: FakePublisher,
    more: dict[str, int],
    announced: int,
) -> None:
    services.clock = lambda: AS_OF
    with engine.begin() as db:
        books = open_books(db)
        books.charge(days_ago(1), 700)
        books.roll_up()
    body = {"business_ids": [str(books.business_id)]}
    assert room("compute_metrics").post("/", json=envelope(body, deliveryAttempt=1)).status_code == 204
    services.clock = lambda: AS_OF + dt.timedelta(hours=1)
    assert room("compute_metrics").post("/", json=envelope(body, **more)).status_code == 204
    assert len(publisher.messages) == announced
    with engine.connect() as db:
        assert metrics.latest(db, books.business_id).computed_at == AS_OF + dt.timedelta(hours=1)
