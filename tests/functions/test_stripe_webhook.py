"""Stripe's door through the deployed function: durable before the 200, and closed to everybody else."""

import hashlib
import hmac
import io
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from tests import stripe_payloads as raw
from tests.fakes import FakePublisher
from tests.statements import counting
from tests.stripe_payloads import at, event
from vaultra import process
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.config import RuntimeSettings, StripeWebhookSettings
from vaultra.db import broker
from vaultra.db.broker import Subscription
from vaultra.errors import Unavailable
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra.usecases import ingestion

SECRET, PATH = "whsec_of_the_tests", "/api/v1/webhooks/stripe"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def client(services: Services, room: Callable[[str], TestClient]) -> TestClient:
    services.webhook = StripeWebhookSettings(stripe_webhook_secret=f"whsec_next,{SECRET}")
    return room("stripe_webhook")


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    """What this process logs, as it leaves in production."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(buffer=written, isatty=lambda: False))
    monkeypatch.setattr(process, "_configured", True)
    configure(RuntimeSettings(log_level="INFO"))
    yield written
    monkeypatch.undo()
    configure(RuntimeSettings(log_level="CRITICAL"))


def an_event(**given: Any) -> dict[str, Any]:
    return event("charge.succeeded", raw.charge(), id=f"evt_{uuid.uuid4().hex}", **given)


def header(body: bytes, services: Services, secret: str = SECRET, away: int = 0) -> str:
    moment = at(services.clock()) + away
    return f"t={moment},v1={hmac.new(secret.encode(), f'{moment}.'.encode() + body, hashlib.sha256).hexdigest()}"


def stored(engine: Engine, event_id: str) -> list[Any]:
    with engine.connect() as conn:
        return list(conn.execute(text("select * from stripe_events where event_id = :id"), {"id": event_id}))


def test_a_signed_event_is_durable_and_announced_before_the_200(
    client: TestClient, services: Services, engine: Engine, publisher: FakePublisher
) -> None:
    sent = an_event()
    body = json.dumps(sent).encode()
    for secret in (SECRET, "whsec_next"):
        answer = client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services, secret)})
        assert (answer.status_code, answer.content) == (200, b"")
    [row] = stored(engine, sent["id"])
    assert row.status == "pending"
    assert [message.topic for message in publisher.messages] == ["stripe-event-received"] * 2
    assert {message.data for message in publisher.messages} == {b'{"ids":[%d]}' % row.id}


def test_with_the_broker_in_our_database_event_and_announcement_are_one_statement(
    client: TestClient, services: Services, fresh_engine: Engine
) -> None:
    services.engine, services.publisher = fresh_engine, EmbeddedPublisher(fresh_engine)
    with fresh_engine.begin() as conn:
        broker.write_subscriptions(conn, [Subscription("worker", ingestion.TOPIC, "http://127.0.0.1:9", 10, 1, 10, 1)])
    body = json.dumps(sent := an_event()).encode()
    with counting(fresh_engine) as statements:
        answer = client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)})
    [row] = stored(fresh_engine, sent["id"])
    with fresh_engine.connect() as conn:
        [message] = conn.execute(text("select data, attributes from broker_messages")).all()
    assert (answer.status_code, len(statements)) == (200, 1)
    assert json.loads(message.data) == {"ids": [row.id]}
    assert message.attributes["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("origin", ["https://site.test", "https://elsewhere.test"])
def test_the_short_way_out_gives_and_logs_what_the_long_one_does(
    client: TestClient, services: Services, origin: str, logged: io.BytesIO
) -> None:
    body = json.dumps(an_event()).encode()
    headers = {"Stripe-Signature": header(body, services), "X-Request-Id": "of-the-test", "traceparent": TRACEPARENT}
    short = client.post(PATH, content=body, headers=headers)
    long = client.post(PATH, content=body, headers={**headers, "Origin": origin})
    sharing = {name for name in long.headers if name.startswith("access-control-")}
    assert len(sharing) == (2 if origin == "https://site.test" else 0)
    assert (short.status_code, short.content) == (long.status_code, long.content) == (200, b"")
    assert dict(short.headers) == {name: value for name, value in long.headers.items() if name not in sharing}
    lines = [json.loads(line) for line in logged.getvalue().splitlines() if b"request.handled" in line]
    one, two = ({name: value for name, value in line.items() if name not in ("time", "ms")} for line in lines)
    assert one == two
    assert [set(line) for line in lines] == [{*one, "time", "ms"}] * 2


def test_an_event_that_is_done_is_not_announced_again(
    client: TestClient, services: Services, engine: Engine, publisher: FakePublisher
) -> None:
    body = json.dumps(sent := an_event()).encode()
    client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)})
    with engine.begin() as conn:
        conn.execute(text("update stripe_events set status = 'done' where event_id = :id"), {"id": sent["id"]})
    publisher.messages.clear()
    answer = client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)})
    assert (answer.status_code, publisher.messages) == (200, [])


def test_whoever_did_not_sign_is_refused_and_nothing_is_kept(
    client: TestClient, services: Services, engine: Engine, publisher: FakePublisher
) -> None:
    body = json.dumps(sent := an_event()).encode()
    good = header(body, services)
    headers: list[dict[str, Any]] = [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": header(body, services, "another")},
        {"Stripe-Signature": header(body + b" ", services)},
        {"Stripe-Signature": header(body, services, away=-301)},
        {"Stripe-Signature": header(body, services, away=302)},
        {"Stripe-Signature": good.replace("v1=", "v0=")},
    ]
    for given in headers:
        answer = client.post(PATH, content=body, headers=given)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR"), given
    answer = client.post(PATH, content=body, headers={b"Stripe-Signature": b"t=1,v1=\xe9"})
    assert answer.status_code == 400
    assert (stored(engine, sent["id"]), publisher.messages) == ([], [])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"object":"event"}', b"[" * 5000, b'{"a":' * 400 + b"1" + b"}" * 400,
     json.dumps(event("charge.succeeded", raw.charge(), created=2**60)).encode()],
)  # fmt: skip
def test_a_signed_body_that_is_no_event_is_refused(client: TestClient, services: Services, body: bytes) -> None:
    answer = client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_a_body_of_more_than_a_megabyte_is_refused(client: TestClient, services: Services) -> None:
    body = b" " * (1024 * 1024 + 1)
    assert client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)}).status_code == 413


def test_the_content_type_does_not_matter_and_the_method_does(client: TestClient, services: Services) -> None:
    body = json.dumps(an_event()).encode()
    headers = {"Stripe-Signature": header(body, services), "Content-Type": "text/plain"}
    assert client.post(PATH, content=body, headers=headers).status_code == 200
    assert client.get(PATH).status_code == 405
    assert client.post("/api/v1/webhooks/other", content=body, headers=headers).status_code == 404


def test_no_names_and_addresses_are_kept(client: TestClient, services: Services, engine: Engine) -> None:
    charge = raw.charge(billing_details={"name": "Jenny Rosen"}, receipt_email="jenny@example.com")
    sent = event("charge.succeeded", charge, id=f"evt_{uuid.uuid4().hex}")
    body = json.dumps(sent).encode()
    client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)})
    assert "enny" not in str(stored(engine, sent["id"]))


def test_a_lost_announcement_is_still_a_200(
    client: TestClient, services: Services, engine: Engine, monkeypatch: pytest.MonkeyPatch, publisher: FakePublisher
) -> None:
    def down(_messages: object) -> None:
        raise Unavailable("The broker does not answer")

    monkeypatch.setattr(publisher, "publish", down)
    body = json.dumps(sent := an_event()).encode()
    answer = client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)})
    assert answer.status_code == 200  # it is durable; the sweeper announces it
    assert len(stored(engine, sent["id"])) == 1


def test_without_a_database_stripe_is_asked_to_come_again(client: TestClient, services: Services) -> None:
    from vaultra.db import engine as database

    services.engine = database.create("postgresql://nobody:x@127.0.0.1:1/nothing", pool_size=1)
    body = json.dumps(an_event()).encode()
    answer = client.post(PATH, content=body, headers={"Stripe-Signature": header(body, services)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert answer.headers["Retry-After"] == "5"
