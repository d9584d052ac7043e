"""What the embedded broker does beside the contract: back-off, limits, and outages that lose nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.contracts.brokers import Broker, Push, Subscriber, pushing
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.db import broker as queue
from vaultra.db import engine as database
from vaultra.db.broker import Subscription
from vaultra.errors import Unavailable
from vaultra.ports import Message
from vaultra_local.postgres import EmbeddedPostgres


def test_the_back_off_grows_up_to_its_limit(
    embedded: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    subscriber.answer = lambda push: 500
    embedded.subscribe([replace(subscription, min_backoff_seconds=0.1, max_backoff_seconds=0.4)])
    embedded.publish("never")
    subscriber.wait(lambda: len(subscriber.pushes) == 6, 60)
    gaps = [later.at - earlier.at for earlier, later in zip(subscriber.pushes, subscriber.pushes[1:], strict=False)]
    for gap, expected in zip(gaps, [0.1, 0.2, 0.4, 0.4, 0.4], strict=True):
        assert expected <= gap < expected + 0.35, gaps


def test_an_endpoint_where_nobody_listens_costs_no_attempt(
    embedded: Broker, subscriber: Subscriber, subscription: Subscription, fresh_engine: Engine
) -> None:
    """A function that only restarts loses no message to the dead letters."""
    absent = replace(
        subscription, endpoint="http://127.0.0.1:9/first", max_attempts=2, dead_letter_topic="work.first.dead"
    )
    embedded.subscribe([absent])
    embedded.publish("patience")
    time.sleep(2)  # at least five tries
    with fresh_engine.begin() as connection:
        assert connection.scalar(text("select attempts from broker_deliveries")) in (0, 1)
        connection.execute(text("update broker_subscriptions set endpoint = :url"), {"url": subscription.endpoint})
    subscriber.wait(lambda: len(subscriber.pushes) == 1, 60)
    assert subscriber.pushes[0].body["deliveryAttempt"] == 1


def test_no_more_are_outstanding_than_the_function_serves_at_once(
    embedded: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    running, most = Counter[str](), 0
    lock = threading.Lock()

    def busy(push: Push) -> int:
        nonlocal most
        with lock:
            running["now"] += 1
            most = max(most, running["now"])
        time.sleep(0.05)
        with lock:
            running["now"] -= 1
        return 204

    subscriber.answer = busy
    embedded.subscribe([replace(subscription, max_outstanding=3)])
    embedded.publish(*[str(number) for number in range(20)])
    subscriber.wait(lambda: len(subscriber.pushes) == 20, 60)
    assert most == 3


def test_nothing_stays_behind_when_everything_is_acknowledged(
    embedded: Broker, subscriber: Subscriber, subscription: Subscription, fresh_engine: Engine
) -> None:
    embedded.subscribe([subscription, replace(subscription, name="work.second")])
    embedded.publish(*[str(number) for number in range(50)])
    embedded.publish("nobody listens", topic="elsewhere")

    def is_empty() -> bool:
        with fresh_engine.connect() as connection:
            return connection.scalar(text("select count(*) from broker_messages")) == 0

    subscriber.wait(lambda: len(subscriber.pushes) == 100 and is_empty(), 60)
    with fresh_engine.connect() as connection:
        assert queue.count_outstanding(connection) == {}


def test_a_late_failure_does_not_disturb_the_delivery_that_followed(
    fresh_engine: Engine, subscription: Subscription
) -> None:
    with fresh_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        queue.open_queue(connection)
        queue.write_subscriptions(connection, [replace(subscription, ack_deadline_seconds=0.05)])
        queue.publish(connection, [Message("work", b"slow")])
        [first] = queue.take_turn(connection, [], {"work.first": 1})
        time.sleep(0.1)
        [second] = queue.take_turn(connection, [], {"work.first": 1})
        queue.take_turn(connection, [queue.Outcome("work.first", first.message_id, first.attempt, "too late")], {})
        assert connection.scalar(text("select last_error from broker_deliveries")) is None
        queue.take_turn(connection, [queue.Outcome("work.first", second.message_id, second.attempt)], {})
        assert queue.count_outstanding(connection) == {}


def test_the_database_may_go_away_and_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    postgres: EmbeddedPostgres,
    subscriber: Subscriber,
    subscription: Subscription,
) -> None:
    """The broker's part of "the database is down": nothing lost, delivered after its return, nobody crashes."""
    from vaultra.db import migrate

    folder = postgres.folder.parent / "restarted"
    with EmbeddedPostgres(folder) as server:
        engine = database.create(server.url(), pool_size=4)
        migrate.upgrade(server.url())
        publisher = EmbeddedPublisher(engine)
        gate = threading.Event()

        def wait_for_gate(push: Push) -> int:
            gate.wait(20)
            return 204

        subscriber.answer = wait_for_gate
        with pushing(engine, [replace(subscription, max_outstanding=5)]):
            publisher.publish([Message("work", str(number).encode()) for number in range(20)])
            subscriber.wait(lambda: len(subscriber.pushes) == 5, 60)
            os.kill(server.pid, signal.SIGKILL)  # five in flight, fifteen waiting
            time.sleep(0.3)
            with pytest.raises(Unavailable):
                publisher.publish([Message("work", b"refused")])
            gate.set()
            time.sleep(0.5)
            server.restart()
            publisher.publish([Message("work", b"afterwards")])
            expected = {str(number) for number in range(20)} | {"afterwards"}
            subscriber.wait(lambda: {push.text for push in subscriber.pushes} == expected, 60)
            end = time.monotonic() + 5
            while True:
                with engine.connect() as connection:
                    if queue.count_outstanding(connection) == {}:
                        break
                assert time.monotonic() < end
                time.sleep(0.02)
        times = Counter(push.text for push in subscriber.pushes)
        assert max(times.values()) == 1, "what was acknowledged during the outage was delivered again"
        engine.dispose()


def test_a_pusher_killed_in_the_middle_loses_nothing(
    fresh_database_url: str, fresh_engine: Engine, subscriber: Subscriber, tmp_path: Path
) -> None:
    """kill -9 between lease and acknowledgement; the next pusher delivers again at once."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "vaultra_local.messaging"),
                *("--functions-url", subscriber.url, "--record", str(tmp_path / "scheduler.json")),
            ],
            env={**os.environ, "DATABASE_URL": fresh_database_url},
            stderr=subprocess.DEVNULL,
        )

    hold = threading.Event()

    def answer(push: Push) -> int:
        hold.wait(20)
        return 204

    subscriber.answer = answer
    first = start()
    publisher = EmbeddedPublisher(fresh_engine)
    while True:
        with fresh_engine.connect() as connection:
            if connection.scalar(text("select count(*) from broker_subscriptions")):
                break
        time.sleep(0.02)
    publisher.publish([Message("metrics-due", str(number).encode()) for number in range(10)])
    subscriber.wait(lambda: len(subscriber.pushes) == 4, 60)
    first.kill()
    first.wait()
    hold.set()
    second = start()
    try:
        expected = {str(number) for number in range(10)}
        subscriber.wait(lambda: {p.text for p in subscriber.pushes} == expected and len(subscriber.pushes) == 14, 60)
        assert subscriber.pushes[0].path == "/compute_metrics"
    finally:
        second.terminate()
        assert second.wait(60) == 0
    with fresh_engine.connect() as connection:
        assert queue.count_outstanding(connection) == {}
