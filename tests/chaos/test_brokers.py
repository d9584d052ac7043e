"""RELIABILITY rows D5 and D12: a broker that forgets everything, and one that delivers while it is still being done."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from tests import loopback
from tests import stripe_payloads as raw
from tests.chaos.audit import LEDGER
from tests.chaos.processes import FunctionProcess, running
from tests.chaos.storm import TOPIC, pending, subscriptions_to, sweep
from tests.connected import connect, keep, rollups, rows, statuses
from tests.contracts.brokers import Push, Subscriber, pushing, subscriber
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON, event
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.adapters.pubsub import PubsubPublisher
from vaultra.ports import Message, StripeRead
from vaultra.services import utc_now
from vaultra.usecases import ingestion
from vaultra_local import emulator

__all__ = ["subscriber"]

PENDING = 5000
SECONDS = 60.0


def announce(publisher: Any, ids: list[int]) -> None:
    bodies = [orjson.dumps({"ids": message}) for message in ingestion.messages_of(ids)]
    publisher.publish([Message(TOPIC, body, "", {}) for body in bodies])


def test_d5_an_emulator_that_was_killed_loses_no_event(
    fresh_engine: Engine, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jar = emulator.find_jar()
    if jar is None:
        pytest.skip("the Pub/Sub emulator is not installed here (it needs Java and gcloud's pubsub-emulator)")
    project = "forgetful"
    events = [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}") for n in range(PENDING)]
    with fresh_engine.begin() as conn:
        connect(conn)
        ids = keep(conn, events, utc_now())
    with emulator.Emulator(jar) as first:  # leaving it is kill -9
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", first.host)
        emulator.create(first.host, project, subscriptions_to("http://127.0.0.1:9"))
        announce(PubsubPublisher(project), ids)
        assert len(subscribed(first.host, project)) == 1
    assert pending(fresh_engine) == PENDING
    with emulator.Emulator(jar) as second:
        assert subscribed(second.host, project) == []
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", second.host)
        variables = {"PUBSUB_EMULATOR_HOST": second.host, "GOOGLE_CLOUD_PROJECT": project}
        worker = FunctionProcess("apply_stripe_event", fresh_database_url, tmp_path / "apply.log", variables)
        with running(worker):
            emulator.create(second.host, project, subscriptions_to(worker.url))
            create_topic(second.host, project, "metrics-due")
            with fresh_engine.begin() as conn:
                conn.execute(text("update stripe_events set received_at = received_at - interval '2 minutes'"))
            began = time.monotonic()
            sweep(fresh_engine, PubsubPublisher(project))
            while pending(fresh_engine):
                assert time.monotonic() - began < SECONDS, "it is not drained"
                time.sleep(0.05)
            seconds = time.monotonic() - began
    with fresh_engine.connect() as conn:
        assert statuses(conn) == {"done": PENDING}
        assert rollups(conn)[0]["charge_count"] == PENDING
    print(f"\nD5: emulator killed with {PENDING} pending, started empty: 0 lost, drained in {seconds:.1f} s")


def subscribed(host: str, project: str) -> list[Any]:
    listed = loopback.get(f"http://{host}/v1/projects/{project}/subscriptions").json()
    found: list[Any] = listed.get("subscriptions", [])
    return found


def create_topic(host: str, project: str, topic: str) -> None:
    loopback.put(f"http://{host}/v1/projects/{project}/topics/{topic}", json={}).raise_for_status()


# --- D12 -----------------------------------------------------------------------------------------


class SlowStripe(FakeStripe):
    """Takes its time for every answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> StripeRead:
        time.sleep(self._seconds)
        return super().retrieve(account_id, resource, object_id)


@pytest.mark.parametrize("slow", ["reading", "writing"])
def test_d12_a_handler_slower_than_its_deadline_has_one_effect(
    slow: str, fresh_engine: Engine, subscriber: Subscriber
) -> None:
    """Embedded broker: 1.6 s against 1 s; while Stripe is read no lock is held, while rows are written it is."""
    deadline = 1.0
    stripe = prepared(fresh_engine, slow, seconds=1.6)
    subscriber.answer = lambda push: handle(fresh_engine, stripe, push)
    [subscription] = subscriptions_to(subscriber.url)
    with pushing(fresh_engine, [replace(subscription, ack_deadline_seconds=deadline)]):
        announce(EmbeddedPublisher(fresh_engine), slow_event(fresh_engine, slow))
        wait_for(fresh_engine, subscriber, seconds=20)
        check(fresh_engine, subscriber, f"D12 embedded, slow {slow}: 1.6 s against 1 s")


@pytest.mark.long
@pytest.mark.parametrize("slow", ["reading", "writing"])
def test_d12_with_the_deadlines_of_the_cloud(
    slow: str, fresh_engine: Engine, subscriber: Subscriber, emulator_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator: 14 s against 10 s, the shortest deadline that Pub/Sub allows."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator_host)
    project = f"slow-{slow}"
    stripe = prepared(fresh_engine, slow, seconds=14)
    subscriber.answer = lambda push: handle(fresh_engine, stripe, push)
    [subscription] = subscriptions_to(subscriber.url)
    emulator.create(emulator_host, project, [replace(subscription, ack_deadline_seconds=10)])
    announce(PubsubPublisher(project), slow_event(fresh_engine, slow))
    wait_for(fresh_engine, subscriber, seconds=60)
    check(fresh_engine, subscriber, f"D12 emulator, slow {slow}: 14 s against 10 s")
    emulator.delete(emulator_host, project)


def prepared(engine: Engine, slow: str, seconds: float) -> SlowStripe:
    """An account, a ledger of effects, and slowness where it is wanted."""
    with engine.begin() as conn:
        connect(conn)
        conn.execute(text(LEDGER))
        if slow == "writing":
            conn.execute(
                text(
                    "create function rest() returns trigger language plpgsql as "
                    f"$$ begin perform pg_sleep({seconds}); return new; end $$; "
                    "create trigger slowly before insert on charges for each statement execute function rest()"
                )
            )
    stripe = SlowStripe(seconds)
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_slow", currency="eur", balance_transaction=None))
    return stripe


def slow_event(engine: Engine, slow: str) -> list[int]:
    charge = raw.charge(id="ch_slow", currency="eur" if slow == "reading" else "usd")
    with engine.begin() as conn:
        return keep(conn, [event("charge.succeeded", charge, id="evt_slow")], utc_now())


def handle(engine: Engine, stripe: SlowStripe, push: Push) -> int:
    with engine.connect() as conn:
        ingestion.apply(conn, stripe, orjson.loads(push.text)["ids"], NOON)
    return 204


def wait_for(engine: Engine, subscriber: Subscriber, seconds: float) -> None:
    end = time.monotonic() + seconds
    while pending(engine) or len(subscriber.pushes) < 2:
        assert time.monotonic() < end, f"{pending(engine)} pending, {len(subscriber.pushes)} deliveries"
        time.sleep(0.05)
    time.sleep(0.5)


def check(engine: Engine, subscriber: Subscriber, title: str) -> None:
    with engine.connect() as conn:
        effects = len(rows(conn, "ledger", "1"))
        assert (effects, statuses(conn), len(rows(conn, "charges"))) == (1, {"done": 1}, 1)
        assert len(rows(conn, "metrics_due", "1")) == 1
    assert len(subscriber.pushes) >= 2
    print(f"\n{title}: {len(subscriber.pushes)} deliveries, {effects} effect")
