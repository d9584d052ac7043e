"""A poison message does not hold up the others, and ends where an operator finds it."""

import asyncio
import base64
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.ports import Message
from vaultra_local import catalogue, subscriptions
from vaultra_local.broker import Pusher
from vaultra_local.ports import answers, free_port

POISON_EVERY = 100
MESSAGES = 400


class Functions:
    """Stands where the functions stand; `compute_metrics` chokes on poison."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self.attempts: Counter[str] = Counter()
        self.dead: dict[str, dict[str, str]] = {}

    async def compute_metrics(self, request: Request) -> Response:
        body = base64.b64decode((await request.json())["message"]["data"]).decode()
        self.attempts[body] += 1
        if body.startswith("poison"):
            return Response(status_code=500)
        self.arrived[body] = time.monotonic()
        return Response(status_code=204)

    async def record_dead_letter(self, request: Request) -> Response:
        delivery = await request.json()
        assert delivery["subscription"].endswith("/metrics-due.compute-metrics.dead.record-dead-letter")
        self.dead[base64.b64decode(delivery["message"]["data"]).decode()] = delivery["message"]["attributes"]
        return Response(status_code=204)


@contextmanager
def running(engine: Engine, functions: Functions) -> Iterator[None]:
    """The catalogue's subscriptions, pushed to `functions`."""
    port = free_port()
    routes = [
        Route(f"/{name}", getattr(functions, name), methods=["POST"])
        for name in ("compute_metrics", "record_dead_letter")
    ]
    config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    wanted = subscriptions.from_catalogue(catalogue.load(), f"http://127.0.0.1:{port}")
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def everything() -> None:
        serving = asyncio.create_task(server._serve())
        while not answers(port):
            await asyncio.sleep(0.01)
        await Pusher(engine, wanted).run(stop)
        server.should_exit = True
        await serving

    thread = threading.Thread(target=lambda: loop.run_until_complete(everything()))
    thread.start()
    while True:
        with engine.connect() as connection:
            if connection.scalar(text("select count(*) from broker_subscriptions")) == len(wanted):
                break
        time.sleep(0.01)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def p95_delay(engine: Engine, functions: Functions, label: str, poisoned: bool) -> float:
    """Seconds from publishing until all but the slowest twentieth of the good messages arrived."""
    bodies = [
        f"poison {number}" if poisoned and number % POISON_EVERY == 0 else f"{label} {number}"
        for number in range(MESSAGES)
    ]
    began = time.monotonic()
    EmbeddedPublisher(engine).publish([Message("metrics-due", body.encode()) for body in bodies])
    good = {body for body in bodies if not body.startswith("poison")}
    end = began + 60
    while not good <= functions.arrived.keys():
        assert time.monotonic() < end, f"{len(functions.arrived)} of {len(good)} arrived"
        time.sleep(0.01)
    delays = sorted(functions.arrived[body] - began for body in good)
    return delays[int(len(delays) * 0.95)]


@pytest.mark.long
def test_poison_is_set_aside_after_seven_attempts_and_the_others_flow(fresh_engine: Engine) -> None:
    functions = Functions()
    with running(fresh_engine, functions):
        p95_delay(fresh_engine, functions, "warm", poisoned=False)
        baseline = p95_delay(fresh_engine, functions, "good", poisoned=False)
        beside_poison = p95_delay(fresh_engine, functions, "brave", poisoned=True)
        poison = {f"poison {number}" for number in range(0, MESSAGES, POISON_EVERY)}
        end = time.monotonic() + 40
        while functions.dead.keys() != poison:
            assert time.monotonic() < end, functions.dead.keys()
            time.sleep(0.05)
    print(f"\np95 delay of {MESSAGES} messages: {baseline:.2f} s alone, {beside_poison:.2f} s beside poison")
    assert beside_poison <= 2 * baseline + 0.5
    assert {body: functions.attempts[body] for body in poison} == dict.fromkeys(poison, 7)
    assert {times for body, times in functions.attempts.items() if body not in poison} == {1}
    for attributes in functions.dead.values():
        assert attributes["CloudPubSubDeadLetterSourceSubscription"] == "metrics-due.compute-metrics"
        assert attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "7"
    with fresh_engine.connect() as connection:
        assert connection.scalar(text("select count(*) from broker_messages")) == 0


def test_only_one_pusher_serves_a_database(fresh_engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    functions = Functions()
    caplog.set_level(logging.WARNING, logger="vaultra.broker")
    logging.getLogger("vaultra.broker").disabled = False  # whatever a test before this one set up
    with running(fresh_engine, functions):
        second_stop = asyncio.Event()

        async def second() -> None:
            asyncio.get_running_loop().call_later(0.5, second_stop.set)
            await Pusher(fresh_engine, []).run(second_stop)

        asyncio.run(second())
        p95_delay(fresh_engine, functions, "still", poisoned=False)
    assert "ServedElsewhere" in caplog.text
    assert json.dumps(sorted(set(functions.attempts.values()))) == "[1]"
