"""The brokers under test, and an HTTP endpoint that records what they push."""

import asyncio
import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import Engine, text

from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.adapters.pubsub import PubsubPublisher
from vaultra.db.broker import Subscription
from vaultra.ports import Message, Publisher
from vaultra_local import emulator
from vaultra_local.broker import PROJECT, Pusher

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
        thread.join(60)
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
