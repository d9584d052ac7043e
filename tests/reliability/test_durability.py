"""RELIABILITY rows D3 and D6: what was answered 2xx is there, and what is there has one effect."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
import orjson
import pytest
from sqlalchemy import Engine, text

from tests import loopback
from tests import stripe_payloads as raw
from tests.connected import connect, rollups, rows, statuses
from tests.fakes import FakePublisher, FakeStripe
from tests.own_postgres import own_postgres
from tests.reliability.conftest import SECRET, WEBHOOK, announced, client, signed
from tests.stripe_payloads import NOON, Json, event
from vaultra import failpoints
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.db import broker, migrate
from vaultra.db import engine as database
from vaultra.db.broker import Subscription
from vaultra.services import Services, utc_now
from vaultra.usecases import dispatch, ingestion
from vaultra_local.catalogue import FUNCTIONS
from vaultra_local.postgres import EmbeddedPostgres
from vaultra_local.stripe_sim.server import listening_socket


def charges(count: int) -> list[Json]:
    """So many events of so many charges, $50.00 each."""
    return [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}") for n in range(count)]


def apply_announced(engine: Engine, publisher: FakePublisher, stripe: FakeStripe) -> Counter[str]:
    """Do what the worker does with everything that was announced."""
    total: Counter[str] = Counter()
    for body in announced(publisher, ingestion.TOPIC):
        with engine.connect() as conn:
            outcome = ingestion.apply(conn, stripe, body["ids"], NOON)
            conn.commit()
        total += Counter(done=outcome.done, failed=len(outcome.failed))
    return total


def test_d3_an_answer_lost_after_the_commit_has_one_effect(
    services: Services, publisher: FakePublisher, stripe: FakeStripe, fail_at: Callable[[str], None]
) -> None:
    events = charges(1000)
    with services.engine.begin() as conn:
        connect(conn)

    async def deliver() -> Counter[int]:
        async with client("stripe_webhook") as webhook:
            answers: list[httpx.Response] = []
            for start in range(0, len(events), 50):
                group = events[start : start + 50]
                answers += await asyncio.gather(*(webhook.post(WEBHOOK, **signed(item)) for item in group))
            return Counter(answer.status_code for answer in answers)

    fail_at("committed=raise")
    lost = asyncio.run(deliver())
    with services.engine.connect() as conn:
        kept = statuses(conn)
    assert (lost, kept, publisher.messages) == ({500: 1000}, {"pending": 1000}, [])
    fail_at("")
    assert asyncio.run(deliver()) == {200: 1000}
    done = apply_announced(services.engine, publisher, stripe)
    again = asyncio.run(deliver())
    late = apply_announced(services.engine, publisher, stripe)
    with services.engine.connect() as conn:
        assert statuses(conn) == {"done": 1000}
        assert rollups(conn)[0]["charge_count"] == 1000
    assert (done, again, late) == ({"done": 1000}, {200: 1000}, {})
    print(f"D3: 1,000 answers lost after the commit, redelivered: {done['done']} effects, {late.total()} more later")


def test_a_burst_is_queued_in_few_messages_of_at_most_a_hundred_events(services: Services) -> None:
    services.publisher = EmbeddedPublisher(services.engine)
    with services.engine.begin() as conn:
        broker.write_subscriptions(conn, [Subscription("worker", ingestion.TOPIC, "http://127.0.0.1:9", 10, 1, 10, 1)])

    async def deliver() -> Counter[int]:
        async with client("stripe_webhook") as webhook:
            answers = await asyncio.gather(*(webhook.post(WEBHOOK, **signed(item)) for item in charges(250)))
            return Counter(answer.status_code for answer in answers)

    assert asyncio.run(deliver()) == {200: 250}
    with services.engine.connect() as conn:
        told = [orjson.loads(row["data"])["ids"] for row in rows(conn, "broker_messages")]
        kept = [row["id"] for row in rows(conn, "stripe_events")]
    assert sorted(itertools.chain.from_iterable(told)) == sorted(kept)
    assert max(map(len, told)) <= ingestion.EVENTS_PER_MESSAGE
    assert len(told) < 50


def test_d3_processes_killed_after_the_commit_lose_nothing(fresh_database_url: str, fresh_engine: Engine) -> None:
    now = utc_now()
    events = [event("charge.succeeded", raw.charge(id=f"ch_{n}"), now, id=f"evt_{n}") for n in range(4)]
    with fresh_engine.begin() as conn:
        connect(conn)
    for item in events[:3]:
        with webhook_process(fresh_database_url, VAULTRA_FAILPOINTS="committed=exit") as (process, url):
            with pytest.raises(httpx.TransportError):
                loopback.post(url, **signed(item, raw.at(utc_now())), timeout=10)
            assert process.wait(60) == failpoints.EXIT_STATUS
    with fresh_engine.connect() as conn:
        assert statuses(conn) == {"pending": 3}
        assert rows(conn, "broker_messages") == []
    with webhook_process(fresh_database_url) as (_, url):
        answers = [loopback.post(url, **signed(item, raw.at(utc_now())), timeout=10).status_code for item in events]
    with fresh_engine.connect() as conn:
        ids = [row["id"] for row in rows(conn, "stripe_events")]
        assert ingestion.apply(conn, FakeStripe(), ids + ids, NOON).done == 4
        conn.commit()
        assert rollups(conn)[0]["charge_count"] == 4
    assert answers == [200] * 4
    print("D3: 3 processes killed between commit and answer: 0 lost, 0 double")


class webhook_process:
    """The function as its own functions-framework process on a free port, without a supervisor over it."""

    def __init__(self, database_url: str, **environment: str) -> None:
        bound = listening_socket()
        self._port = bound.getsockname()[1]
        bound.close()
        self._environment = {
            **os.environ, "DATABASE_URL": database_url, "STRIPE_WEBHOOK_SECRET": SECRET,
            "VAULTRA_ENVIRONMENT": "test", "GOOGLE_CLOUD_PROJECT": "", **environment,
        }  # fmt: skip

    def __enter__(self) -> tuple[subprocess.Popen[bytes], str]:
        command = [sys.executable, "-m", "functions_framework", "--target", "stripe_webhook", "--asgi", "--debug"]
        source = ["--source", str(FUNCTIONS / "stripe_webhook" / "main.py"), "--host", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*command, *source, "--port", str(self._port)],
            env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        base = f"http://127.0.0.1:{self._port}"
        end = time.monotonic() + 20
        while True:
            try:
                loopback.get(f"{base}/health", timeout=2)
                return self._process, base + WEBHOOK
            except httpx.TransportError:
                assert time.monotonic() < end, "the function did not start"
                assert self._process.poll() is None
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(60)


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A durable server that may be stopped."""
    with own_postgres() as server:
        yield server


def test_d6_a_stopped_database_gives_503_and_loses_nothing(
    own_server: EmbeddedPostgres, wire: Callable[..., Services], publisher: FakePublisher, stripe: FakeStripe
) -> None:
    migrate.upgrade(own_server.url())
    engine = database.create(own_server.url(), pool_size=4)
    wire(engine, publisher, stripe)
    with engine.begin() as conn:
        connect(conn)
    answers: list[tuple[str, int, str | None, float]] = []
    outage = [0.0, 0.0]

    async def sender(webhook: httpx.AsyncClient, number: int, stop: asyncio.Event) -> None:
        n = 0
        while not stop.is_set():
            n += 1
            name = f"evt_{number}_{n}"
            body = event("charge.succeeded", raw.charge(id=f"ch_{number}_{n}"), id=name)
            answer = await webhook.post(WEBHOOK, **signed(body))
            answers.append((name, answer.status_code, answer.headers.get("retry-after"), time.monotonic()))
            await asyncio.sleep(0.01)

    async def load() -> None:
        stop = asyncio.Event()
        async with client("stripe_webhook") as webhook:
            senders = [asyncio.create_task(sender(webhook, number, stop)) for number in range(12)]
            await asyncio.sleep(0.8)
            # Immediate, as a crash is: nobody is asked to finish, and the log is replayed on the start.
            os.kill(own_server.pid, signal.SIGQUIT)
            while own_server.alive:
                await asyncio.sleep(0.02)
            outage[0] = time.monotonic()
            await asyncio.sleep(2)
            outage[1] = time.monotonic()
            await asyncio.to_thread(own_server.restart)
            await asyncio.sleep(0.8)
            stop.set()
            await asyncio.gather(*senders)

    asyncio.run(load())
    during = [answer for answer in answers if outage[0] + 0.1 < answer[3] < outage[1]]
    accepted = {name for name, status, _, _ in answers if status == 200}
    assert {(status, retry) for _, status, retry, _ in during} == {(503, "5")}
    assert {status for _, status, _, _ in answers} == {200, 503}
    assert any(status == 200 and moment > outage[1] for _, status, _, moment in answers)
    with engine.connect() as conn:
        kept = {row["event_id"] for row in rows(conn, "stripe_events")}
        lost = accepted - kept
        # Whatever was not announced is found by the sweeper.
        announced(publisher, ingestion.TOPIC)
        later = NOON + dispatch.OVERDUE * 2
        for topic, body in dispatch.run(conn, dispatch.Tick("sweep"), later):
            if topic == ingestion.TOPIC:
                ingestion.apply(conn, stripe, body["ids"], later)
        conn.commit()
        assert statuses(conn) == {"done": len(kept)}
        assert rollups(conn)[0]["charge_count"] == len(kept)
        assert conn.execute(text("select count(*) from charges")).scalar_one() == len(kept)
    engine.dispose()
    assert lost == set()
    refused = sum(status == 503 for _, status, _, _ in answers)
    print(f"D6: {len(accepted)} accepted, {refused} answered 503 ({len(during)} of them while Postgres was down), "
          f"0 false 2xx, {len(lost)} lost, {len(kept)} applied")  # fmt: skip
