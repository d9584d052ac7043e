"""A page of digests, through the deployed functions: from the tick to the mail."""

import datetime as dt
import json
import uuid
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests.digests import BERLIN_MORNING, a_scored_reader
from tests.fakes import FakeMailer, FakePublisher
from tests.functions.envelopes import envelope
from vaultra.services import Services

DAY = dt.timedelta(days=1)


@pytest.fixture
def reader(engine: Engine, services: Services) -> UUID:
    """Somebody in Berlin, where it is morning; nobody else of the shared database wants a digest."""
    services.clock = lambda: BERLIN_MORNING
    with engine.begin() as conn:
        conn.execute(text("update users set digest = 'off'"))
        return a_scored_reader(conn)[0]


def taken(publisher: FakePublisher, topic: str) -> list[dict[str, object]]:
    """What was published on a topic, taken away."""
    found = [json.loads(message.data) for message in publisher.messages if message.topic == topic]
    publisher.messages = [message for message in publisher.messages if message.topic != topic]
    return found


def test_from_the_tick_to_the_mail(
    room: Callable[[str], TestClient], publisher: FakePublisher, mailer: FakeMailer, reader: UUID
) -> None:
    dispatch, digests, mails = room("dispatch"), room("send_notification_digest"), room("send_mail")
    tick = envelope({"job": "send_notification_digest"})
    assert dispatch.post("/", json=tick).status_code == 204
    [due] = taken(publisher, "digests-due")
    assert due == {"user_ids": [str(reader)]}
    for attempt in (1, 2):  # the broker may bring it twice
        assert digests.post("/", json=envelope(due, attempt=attempt)).status_code == 204
    [mail] = taken(publisher, "mail-due")
    for attempt in (1, 2):
        assert mails.post("/", json=envelope(mail, attempt=attempt)).status_code == 204
    [sent] = mailer.sent
    assert sent.subject == "Shop: 75, nothing new"
    assert sent.unsubscribe_url is not None
    assert sent.unsubscribe_url.startswith("https://api.test/api/v1/users/unsubscribe?token=")
    assert dispatch.post("/", json=tick).status_code == 204
    assert publisher.messages == []


def test_who_is_gone_or_not_due_is_no_matter(
    room: Callable[[str], TestClient], services: Services, publisher: FakePublisher, reader: UUID
) -> None:
    services.clock = lambda: BERLIN_MORNING + dt.timedelta(hours=9)
    body = {"user_ids": [str(reader), str(uuid.uuid4())]}
    assert room("send_notification_digest").post("/", json=envelope(body)).status_code == 204
    assert publisher.messages == []


@pytest.mark.parametrize("body", [{}, {"user_ids": "x"}, {"user_ids": ["x"]}])
def test_a_message_it_cannot_read_is_a_dead_letter(
    room: Callable[[str], TestClient], engine: Engine, body: dict[str, object]
) -> None:
    message_id = uuid.uuid4().hex
    answer = room("send_notification_digest").post("/", json=envelope(body, message_id=message_id))
    assert answer.status_code == 204
    with engine.connect() as conn:
        found = conn.execute(text("select error from dead_letters where message_id = :id"), {"id": message_id})
        assert "VALIDATION_ERROR" in found.scalar_one()
