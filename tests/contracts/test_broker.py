"""What Vaultra relies on from its broker: one suite, run on the embedded broker and on Google's Pub/Sub emulator."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, text

from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.adapters.pubsub import PubsubPublisher
from vaultra.db import broker as queue
from vaultra.db import engine as database
from vaultra.db.broker import Subscription
from vaultra.errors import Unavailable
from vaultra.ports import Message, Publisher
from vaultra_local import emulator
from vaultra_local.broker import PROJECT, Pusher
from vaultra_local.postgres import EmbeddedPostgres

JSON = dict[str, Any]


# --- a subscriber that records --------------------------------------------------------------


@dataclass
class Push:
    """One request the broker made."""

    at: float
    path: str
    body: JSON
    headers: Mapping[str, str]

    @property
    def message(self) -> JSON:
        return self.body["message"]

    @property
    def text(self) -> str:
        return base64.b64decode(self.message["data"]).decode()


class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


@dataclass
class Subscriber:
    """An HTTP endpoint whose answers a test decides: `answer(push)` gives the status."""

    url: str
    pushes: list[Push] = field(default_factory=list)
    answer: Callable[[Push], int] = lambda push: 204

    def on(self, path: str) -> list[Push]:
        return [push for push in self.pushes if push.path == path]

    def wait(self, enough: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not enough():
            assert time.monotonic() < end, f"only {len(self.pushes)} pushes came: {[p.text for p in self.pushes][-20:]}"
            time.sleep(0.01)


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            push = Push(time.monotonic(), self.path, body, dict(self.headers))
            found.pushes.append(push)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the broker stopped waiting
                self.send_response(found.answer(push))
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_arguments: object) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    found = Subscriber(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


# --- the two brokers ------------------------------------------------------------------------


@dataclass
class Broker:
    """A broker under test. `subscribe` may be called once."""

    name: str
    project: str
    publisher: Publisher
    subscribe: Callable[[Sequence[Subscription]], None]

    def publish(
        self, *texts: str, topic: str = "work", key: str = "", attributes: Mapping[str, str] | None = None
    ) -> None:
        self.publisher.publish([Message(topic, t.encode(), key, attributes or {}) for t in texts])


@contextlib.contextmanager
def pushing(engine: Engine, subscriptions: Sequence[Subscription]) -> Iterator[None]:
    """A pusher in a thread of this process."""
    loop, stop, failure = asyncio.new_event_loop(), asyncio.Event(), []

    def run() -> None:
        try:
            loop.run_until_complete(Pusher(engine, subscriptions).run(stop))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        end = time.monotonic() + 10
        while not failure:  # ready once its subscriptions are there
            assert time.monotonic() < end, "the pusher does not begin"
            with engine.connect() as connection:
                written = set(connection.scalars(text("select name from broker_subscriptions")))
            if written >= {s.name for s in subscriptions}:
                break
            time.sleep(0.01)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert not failure, failure


@pytest.fixture
def embedded(fresh_engine: Engine) -> Iterator[Broker]:
    with contextlib.ExitStack() as stack:
        yield Broker(
            "embedded",
            PROJECT,
            EmbeddedPublisher(fresh_engine),
            lambda subscriptions: stack.enter_context(pushing(fresh_engine, subscriptions)),
        )


@pytest.fixture(params=["embedded", pytest.param("emulator", marks=pytest.mark.long)])
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    if request.param == "embedded":
        yield request.getfixturevalue("embedded")
        return
    host = request.getfixturevalue("emulator_host")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", host)
    project = f"p{time.time_ns()}"
    yield Broker("emulator", project, PubsubPublisher(project), lambda found: emulator.create(host, project, found))
    emulator.delete(host, project)


@pytest.fixture
def subscription(subscriber: Subscriber) -> Subscription:
    """`work.first` on topic `work`, with quick retries; the emulator's own ticks are a second long."""
    return Subscription(
        name="work.first",
        topic="work",
        endpoint=f"{subscriber.url}/first",
        ack_deadline_seconds=10,
        min_backoff_seconds=0.1,
        max_backoff_seconds=0.4,
        max_outstanding=50,
        max_attempts=None,
        dead_letter_topic=None,
    )


# --- the contract ---------------------------------------------------------------------------


def test_the_push_has_pubsubs_envelope(broker: Broker, subscriber: Subscriber, subscription: Subscription) -> None:
    broker.subscribe([subscription])
    broker.publish("héllo", attributes={"request_id": "abc"}, key="shop 1")
    broker.publish("plain")
    subscriber.wait(lambda: len(subscriber.pushes) == 2, 10)
    plain, keyed = sorted(subscriber.pushes, key=lambda push: push.text == "héllo")

    assert keyed.headers["Content-Type"].startswith("application/json")
    assert keyed.body["subscription"] == f"projects/{broker.project}/subscriptions/work.first"
    assert keyed.text == "héllo"
    assert keyed.message["attributes"] == {"request_id": "abc"}
    if broker.name == "embedded":  # the emulator leaves the key out of a push; Pub/Sub does not
        assert keyed.message["orderingKey"] == "shop 1"
    assert keyed.message["messageId"] == keyed.message["message_id"]
    assert keyed.message["publishTime"] == keyed.message["publish_time"]
    assert keyed.message["publishTime"].endswith("Z")
    assert plain.message["messageId"] != keyed.message["messageId"]
    assert "orderingKey" not in plain.message


def test_a_failed_push_comes_again(broker: Broker, subscriber: Subscriber, subscription: Subscription) -> None:
    subscriber.answer = lambda push: 500 if len(subscriber.pushes) < 3 else 204
    broker.subscribe([subscription])
    broker.publish("again")
    subscriber.wait(lambda: len(subscriber.pushes) == 3, 15)
    time.sleep(1.5)
    assert [push.text for push in subscriber.pushes] == ["again"] * 3, "an acknowledged message came again"
    assert len({push.message["messageId"] for push in subscriber.pushes}) == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 302, 400, 404, 429, 503])
def test_these_statuses_acknowledge(
    status: int, embedded: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    # On the embedded broker only, because the emulator retries by the second. 102, which Pub/Sub also takes,
    # is an interim status that no HTTP/1.1 client reports.
    subscriber.answer = lambda push: status if len(subscriber.pushes) == 1 else 204
    embedded.subscribe([subscription])
    embedded.publish("once or twice")
    expected = 1 if status in (200, 201, 202, 204) else 2
    subscriber.wait(lambda: len(subscriber.pushes) == expected, 5)
    time.sleep(0.3)
    assert len(subscriber.pushes) == expected


def test_a_slow_subscriber_gets_it_again_after_the_ack_deadline(
    broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    deadline = 0.5 if broker.name == "embedded" else 10  # Pub/Sub allows no shorter one

    def slow(push: Push) -> int:
        if len(subscriber.pushes) == 1:
            time.sleep(deadline + 3)
        return 204

    subscriber.answer = slow
    broker.subscribe([replace(subscription, ack_deadline_seconds=deadline)])
    broker.publish("slowly")
    subscriber.wait(lambda: len(subscriber.pushes) >= 2, deadline + 10)
    first, second = subscriber.pushes[:2]
    assert first.message["messageId"] == second.message["messageId"]
    assert second.at - first.at >= deadline * 0.9


@pytest.mark.parametrize(
    ("broker", "attempts"),
    [("embedded", 5), ("embedded", 7), pytest.param("emulator", 5, marks=pytest.mark.long)],
    indirect=["broker"],
)
def test_a_poison_message_goes_to_its_dead_letter_topic_and_the_others_flow(
    attempts: int, broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    subscriber.answer = lambda push: 500 if push.path == "/first" and push.text == "poison" else 204
    work = replace(subscription, max_attempts=attempts, dead_letter_topic="work.first.dead")
    dead = replace(subscription, name="dead.collector", topic="work.first.dead", endpoint=f"{subscriber.url}/dead")
    broker.subscribe([work, dead])
    broker.publish("before", "poison", "after", attributes={"origin": "test"}, key="")
    subscriber.wait(lambda: bool(subscriber.on("/dead")), 40)
    time.sleep(0.5)

    tries = Counter(push.text for push in subscriber.on("/first"))
    assert tries == {"before": 1, "after": 1, "poison": attempts}
    [buried] = subscriber.on("/dead")
    assert buried.text == "poison"
    assert "deliveryAttempt" not in buried.body
    marks = dict(buried.message["attributes"])
    assert marks.pop("origin") == "test"
    assert marks.pop("CloudPubSubDeadLetterSourceDeliveryCount") == str(attempts)
    assert marks.pop("CloudPubSubDeadLetterSourceSubscription") == "work.first"
    assert marks.pop("CloudPubSubDeadLetterSourceSubscriptionProject") == broker.project
    assert marks.pop("CloudPubSubDeadLetterSourceTopicPublishTime").startswith("20")
    assert not marks
    if broker.name == "embedded":  # the emulator leaves the count out of a push; Pub/Sub does not
        counted = [push.body["deliveryAttempt"] for push in subscriber.on("/first") if push.text == "poison"]
        assert counted == list(range(1, attempts + 1))


def test_messages_of_a_key_arrive_in_order_even_when_one_fails(
    broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    failures: Counter[str] = Counter()

    def sometimes(push: Push) -> int:
        if push.text in ("a1", "b2") and failures[push.text] < 2:
            failures[push.text] += 1
            return 500
        return 204

    subscriber.answer = sometimes
    broker.subscribe([subscription])
    for number in range(4):
        broker.publish(f"a{number}", key="a")
        broker.publish(f"b{number}", key="b")
    subscriber.wait(lambda: {"a3", "b3"} <= {push.text for push in subscriber.pushes}, 30)
    time.sleep(0.3)
    arrived = defaultdict(list)
    for push in subscriber.pushes:
        arrived[push.text[0]].append(push.text)
    # Pub/Sub may repeat what follows a failed message; the first arrivals are in order.
    assert {key: list(dict.fromkeys(texts)) for key, texts in arrived.items()} == {
        "a": ["a0", "a1", "a2", "a3"],
        "b": ["b0", "b1", "b2", "b3"],
    }
    after_failure = arrived["a"][arrived["a"].index("a1") + 1 :]
    assert after_failure[0] == "a1", "a later message overtook a failed one of its key"


def test_every_subscription_of_a_topic_gets_every_message(
    broker: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    second = replace(subscription, name="work.second", endpoint=f"{subscriber.url}/second")
    subscriber.answer = lambda push: 500 if push.path == "/second" and len(subscriber.on("/second")) < 3 else 204
    broker.subscribe([subscription, second])
    broker.publish("to both")
    subscriber.wait(lambda: len(subscriber.on("/first")) == 1 and len(subscriber.on("/second")) == 3, 15)


def test_a_thousand_messages_all_arrive(broker: Broker, subscriber: Subscriber, subscription: Subscription) -> None:
    broker.subscribe([subscription])
    expected = {f"message {number}" for number in range(1000)}
    began = time.monotonic()
    broker.publish(*sorted(expected))
    published = time.monotonic()
    subscriber.wait(lambda: {push.text for push in subscriber.pushes} == expected, 60)
    arrived = time.monotonic()
    print(f"\n{broker.name}: 1,000 published in {published - began:.2f} s, delivered {arrived - published:.2f} s later")


# --- the embedded broker alone ---------------------------------------------------------------


def test_the_back_off_grows_up_to_its_limit(
    embedded: Broker, subscriber: Subscriber, subscription: Subscription
) -> None:
    subscriber.answer = lambda push: 500
    embedded.subscribe([replace(subscription, min_backoff_seconds=0.1, max_backoff_seconds=0.4)])
    embedded.publish("never")
    subscriber.wait(lambda: len(subscriber.pushes) == 6, 10)
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
    subscriber.wait(lambda: len(subscriber.pushes) == 1, 5)
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
    subscriber.wait(lambda: len(subscriber.pushes) == 20, 10)
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

    subscriber.wait(lambda: len(subscriber.pushes) == 100 and is_empty(), 10)
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
            subscriber.wait(lambda: len(subscriber.pushes) == 5, 10)
            os.kill(server.pid, signal.SIGKILL)  # five in flight, fifteen waiting
            time.sleep(0.3)
            with pytest.raises(Unavailable):
                publisher.publish([Message("work", b"refused")])
            gate.set()
            time.sleep(0.5)
            server.restart()
            publisher.publish([Message("work", b"afterwards")])
            expected = {str(number) for number in range(20)} | {"afterwards"}
            subscriber.wait(lambda: {push.text for push in subscriber.pushes} == expected, 15)
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
    subscriber.wait(lambda: len(subscriber.pushes) == 4, 10)
    first.kill()
    first.wait()
    hold.set()
    second = start()
    try:
        expected = {str(number) for number in range(10)}
        subscriber.wait(lambda: {p.text for p in subscriber.pushes} == expected and len(subscriber.pushes) == 14, 15)
        assert subscriber.pushes[0].path == "/compute_metrics"
    finally:
        second.terminate()
        assert second.wait(10) == 0
    with fresh_engine.connect() as connection:
        assert queue.count_outstanding(connection) == {}


# --- the Pub/Sub adapter alone -----------------------------------------------------------------


def test_a_publish_that_pubsub_refuses_is_unavailable_and_its_key_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        """Pub/Sub's client with the second message refused."""

        resumed: ClassVar[list[tuple[str, str]]] = []
        published: ClassVar[list[bytes]] = []

        def topic_path(self, project: str, topic: str) -> str:
            return f"projects/{project}/topics/{topic}"

        def publish(self, topic: str, data: bytes, ordering_key: str, **attributes: str) -> "Future[str]":
            future: Future[str] = Future()
            if data == b"refused":
                future.set_exception(RuntimeError("503"))
            else:
                self.published.append(data)
                future.set_result("1")
            return future

        def resume_publish(self, topic: str, key: str) -> None:
            self.resumed.append((topic, key))

    publisher = PubsubPublisher("p")
    monkeypatch.setattr(PubsubPublisher, "_client", Client())
    messages = [Message("work", data, "key") for data in (b"taken", b"refused", b"taken too")]
    with pytest.raises(Unavailable):
        publisher.publish(messages)
    assert Client.published == [b"taken", b"taken too"], "every message was tried"
    assert Client.resumed == [("projects/p/topics/work", "key")]
