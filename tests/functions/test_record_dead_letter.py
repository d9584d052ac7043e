"""Dead letters through the deployed function: whatever they say, they are kept once."""

import base64
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.functions.envelopes import envelope


def test_any_message_is_kept_once_under_the_subscription_that_gave_it_up(
    room: Callable[[str], TestClient], engine: Engine
) -> None:
    message_id, client = uuid.uuid4().hex, room("record_dead_letter")
    attributes = {
        "CloudPubSubDeadLetterSourceSubscription": "metrics-due.compute-metrics",
        "CloudPubSubDeadLetterSourceDeliveryCount": "7",
        "request_id": "r",
    }
    letter = envelope(b"\x00not json", message_id=message_id, attributes=attributes, orderingKey="k")
    assert [client.post("/", json=letter).status_code for _ in range(2)] == [204, 204]
    with engine.connect() as conn:
        found = conn.execute(text("select * from dead_letters where message_id = :id"), {"id": message_id})
        row = found.one()
    assert (row.subscription, row.topic, row.attempts) == ("metrics-due.compute-metrics", "metrics-due", 7)
    assert (row.data, row.attributes, row.ordering_key) == (b"\x00not json", {"request_id": "r"}, "k")


def test_what_is_no_delivery_is_refused(room: Callable[[str], TestClient]) -> None:
    client = room("record_dead_letter")
    bodies: list[Any] = [{}, {"message": None}, {"message": {"data": "%"}}, []]
    for body in bodies:
        assert client.post("/", json=body).status_code == 400
    assert client.post("/", json={"message": {"data": base64.b64encode(b"x").decode()}}).status_code == 204
