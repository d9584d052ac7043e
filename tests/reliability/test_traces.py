"""RELIABILITY row O11: one trace from a webhook to its metrics and score, by parent or by link."""

import asyncio
import datetime as dt
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack

import httpx
import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext
from sqlalchemy import Engine, text

from tests import stripe_payloads as raw
from tests.connected import connect, statuses
from tests.reliability.conftest import SECRET, WEBHOOK, client, signed
from tests.stripe_payloads import NOON, Json, event
from vaultra.adapters.embedded_broker import EmbeddedPublisher
from vaultra.adapters.otel_traces import OtelTraces
from vaultra.config import RuntimeSettings
from vaultra.db import broker
from vaultra.db.broker import Lease, Outcome
from vaultra.ports import Message
from vaultra.services import Services
from vaultra.telemetry import configure
from vaultra_local import catalogue, subscriptions
from vaultra_local.broker import envelope

SHOPS, WAVES, PER_WAVE = 12, 40, 14
WEBHOOKS = WAVES * PER_WAVE
BASE = "http://function"
FOLLOWING = ("apply_stripe_event", "compute_metrics", "compute_readiness", "generate_recommendations")
ALLOWED = {
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "messaging.destination.name",
    "messaging.message.id",
    "messaging.gcp_pubsub.message.delivery_attempt",
}


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    configure(RuntimeSettings(log_level="CRITICAL"))


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(services: Services, spans: InMemorySpanExporter) -> Services:
    """The process's services, with the broker in the database and every span kept here."""
    services.publisher = EmbeddedPublisher(services.engine)
    services.traces = OtelTraces(SimpleSpanProcessor(spans))
    return services


class Chain:
    """The rooms in this process, and the embedded broker's queue between them; each turn's deliveries at once."""

    def __init__(self, services: Services, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.now = NOON
        services.clock = lambda: self.now
        self.rooms: dict[str, httpx.AsyncClient] = {}
        self.outcomes: list[Outcome] = []
        self.wanted = subscriptions.from_catalogue(catalogue.load(), BASE)
        self.queue = stack.enter_context(services.engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
        broker.write_subscriptions(self.queue, self.wanted)
        broker.open_queue(self.queue)

    async def room(self, name: str) -> httpx.AsyncClient:
        if name not in self.rooms:
            self.rooms[name] = await self.stack.enter_async_context(client(name))
        return self.rooms[name]

    async def post(self, requests: Sequence[Json]) -> None:
        """Webhooks that arrive together."""
        door = await self.room("stripe_webhook")
        answers = await asyncio.gather(*(door.post(WEBHOOK, **request) for request in requests))
        assert {answer.status_code for answer in answers} == {200}

    async def turn(self, *names: str) -> int:
        """Deliver once what waits for these functions; how many messages that were."""
        places = {s.name: s.max_outstanding for s in self.wanted if s.endpoint.rpartition("/")[2] in names}
        leases = broker.take_turn(self.queue, self.outcomes, places)
        self.now += dt.timedelta(seconds=2)  # else a business's second computation would wait for the first to age
        self.outcomes = list(await asyncio.gather(*map(self._deliver, leases)))
        return len(leases)

    async def _deliver(self, lease: Lease) -> Outcome:
        room = await self.room(lease.endpoint.rpartition("/")[2])
        answer = await room.post("/", content=envelope(lease))
        assert answer.status_code == 204, answer.text
        return Outcome(lease.subscription, lease.message_id, lease.attempt)

    async def settle(self) -> None:
        """Deliver until nothing is left."""
        while await self.turn(*FOLLOWING) or self.outcomes:
            pass


def webhook(number: int) -> Json:
    """A charge of one of the shops; every other request says which trace it belongs to, as Google's front end does."""
    name = f"acct_{number // 5 % SHOPS}"
    charge = raw.charge(id=f"ch_{number}", customer=f"cus_of_nobody_{number}")
    request = signed({**event("charge.succeeded", charge, id=f"evt_{number}"), "account": name})
    if number % 2:
        request["headers"]["traceparent"] = f"00-{number + 1:032x}-{number + 1:016x}-01"
    return request


async def trade(services: Services) -> None:
    """Waves of webhooks; of every second one the metrics wait, and serve the next wave as well."""
    async with AsyncExitStack() as stack:
        chain = Chain(services, stack)
        for wave in range(WAVES):
            first, half = wave * PER_WAVE, PER_WAVE // 2
            await chain.post([webhook(first + number) for number in range(half)])
            await chain.post([webhook(first + number) for number in range(half, PER_WAVE)])
            if wave % 2:
                await chain.settle()
            else:
                while await chain.turn("apply_stripe_event") or chain.outcomes:
                    pass
        await chain.settle()


Span = ReadableSpan
Key = tuple[int, int]


def key(span: Span) -> Key:
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def serving(webhook: Span, later: Iterable[Span]) -> list[Span]:
    """Those of the later spans that stand in the webhook's trace, or are linked to it, and began after it."""
    return [
        span
        for span in later
        if (span.start_time or 0) > (webhook.start_time or 0)
        and (key(span)[0] == key(webhook)[0] or any(_key_of(link.context) == key(webhook) for link in span.links))
    ]


def _key_of(context: SpanContext) -> Key:
    return context.trace_id, context.span_id


def beneath(parents: Iterable[Span], spans: Iterable[Span]) -> list[Span]:
    """Those of the spans that were begun by one of the parents."""
    keys = {key(span) for span in parents}
    return [span for span in spans if span.parent is not None and _key_of(span.parent) in keys]


def test_o11_a_webhook_its_metrics_and_its_score_are_joined(
    traced: Services, spans: InMemorySpanExporter, fresh_engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with fresh_engine.begin() as conn:
        for number in range(SHOPS):
            connect(conn, f"acct_{number}")
    asyncio.run(trade(traced))
    with fresh_engine.connect() as conn:
        assert statuses(conn) == {"done": WEBHOOKS}

    found: dict[str, list[Span]] = {}
    for span in spans.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    webhooks, metrics = found["stripe_webhook"], found["compute_metrics"]
    assert len(webhooks) == WEBHOOKS
    joined = {key(webhook): serving(webhook, metrics) for webhook in webhooks}
    scores = {one: beneath(of, found["compute_readiness"]) for one, of in joined.items()}
    advice = {one: beneath(of, found["generate_recommendations"]) for one, of in scores.items()}
    for name in ("apply_stripe_event", "compute_metrics"):
        served = Counter(_key_of(link.context) for span in found[name] for link in span.links)
        assert served == Counter(list(joined)), f"{name}: each webhook was served, and that once"
    of_webhooks = {key(span) for of in joined.values() for span in of}
    by_parent = sum(any(key(span)[0] == one[0] for span in of) for one, of in joined.items())
    shares = {
        "webhooks joined to metrics": sum(map(bool, joined.values())) / WEBHOOKS,
        "webhooks joined to a score": sum(map(bool, scores.values())) / WEBHOOKS,
        "webhooks joined to advice": sum(map(bool, advice.values())) / WEBHOOKS,
        "metric spans joined to a webhook": sum(key(span) in of_webhooks for span in metrics) / len(metrics),
    }
    with capsys.disabled():
        print(
            f"\nO11: {WEBHOOKS} webhooks of {SHOPS} shops, {len(found['apply_stripe_event'])} messages applied, "
            f"{len(metrics)} computations; "
            + ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
            + f" ({by_parent} webhooks by parent, {WEBHOOKS - by_parent} by link alone)"
        )
    assert min(shares.values()) >= 0.99
    assert by_parent < WEBHOOKS, "nothing was joined by a link: this proves nothing of them"


def test_o11_spans_tell_of_no_payload_no_person_and_no_secret(
    traced: Services, spans: InMemorySpanExporter, fresh_engine: Engine
) -> None:
    with fresh_engine.begin() as conn:
        business = connect(conn, "acct_1").business_id
    asyncio.run(one_through(traced, webhook(7)))
    told = spans.get_finished_spans()
    assert Counter(span.name for span in told) == dict.fromkeys(("stripe_webhook", *FOLLOWING), 1)
    assert {name for span in told for name in span.attributes or {}} == ALLOWED
    written = "".join(span.to_json() for span in told)
    for secret in ("ch_7", "evt_7", "cus_of_nobody", "acct_1", str(business), SECRET, "5000"):
        assert secret not in written
    by_name = {span.name: span for span in told}
    assert dict(by_name["stripe_webhook"].attributes or {}) == {
        "http.request.method": "POST",
        "http.route": WEBHOOK,
        "http.response.status_code": 200,
    }
    applied = dict(by_name["apply_stripe_event"].attributes or {})
    assert applied.pop("messaging.message.id")
    assert applied == {
        "messaging.destination.name": "stripe-event-received",
        "messaging.gcp_pubsub.message.delivery_attempt": 1,
        "http.response.status_code": 204,
    }


async def one_through(services: Services, request: Json) -> None:
    """One webhook, and everything after it."""
    async with AsyncExitStack() as stack:
        chain = Chain(services, stack)
        await chain.post([request])
        await chain.settle()


@pytest.mark.parametrize("on", [True, False], ids=["traced", "not traced"])
def test_o11_one_trace_is_in_every_log_line_from_the_webhook_to_the_advice(
    on: bool,
    traced: Services,
    fresh_engine: Engine,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "the-project")
    configure(RuntimeSettings())
    if not on:
        traced.traces = None
    with fresh_engine.begin() as conn:
        connect(conn, "acct_1")
    asyncio.run(one_through(traced, webhook(7)))
    lines = [orjson.loads(line) for line in capsysbinary.readouterr().err.splitlines() if line.startswith(b"{")]
    handled = {line["function"]: line for line in lines if line["message"] == "request.handled"}
    assert set(handled) == {"stripe_webhook", *FOLLOWING}
    traces = {line.get("logging.googleapis.com/trace") for line in handled.values()}
    assert traces == {f"projects/the-project/traces/{8:032x}"}


def test_o11_what_the_sweeper_announces_again_is_linked_to_its_webhook(
    traced: Services, spans: InMemorySpanExporter, fresh_engine: Engine
) -> None:
    with fresh_engine.begin() as conn:
        connect(conn, "acct_1")

    async def lose_and_sweep() -> None:
        async with AsyncExitStack() as stack:
            chain = Chain(traced, stack)
            await chain.post([webhook(7)])
            chain.queue.execute(text("delete from broker_messages"))
            chain.now += dt.timedelta(minutes=2)
            traced.publisher.publish([Message("tick", b'{"job": "sweep"}')])
            await chain.turn("dispatch")
            await chain.settle()

    asyncio.run(lose_and_sweep())
    by_name = {span.name: span for span in spans.get_finished_spans()}
    for name in ("apply_stripe_event", "compute_metrics"):
        assert key(by_name[name])[0] == key(by_name["dispatch"])[0]
        assert [_key_of(link.context) for link in by_name[name].links] == [key(by_name["stripe_webhook"])]


WITHOUT = """
import asyncio, sys
import httpx
from functions_framework.aio import create_asgi_app
from vaultra import services
from vaultra.config import StripeWebhookSettings
from vaultra.ports import Message
from vaultra.services import Services
from vaultra.telemetry import configure

own = Services()
own.webhook = StripeWebhookSettings(stripe_webhook_secret="whsec_of_nobody")
services.use(own)
app = create_asgi_app("stripe_webhook", "functions/stripe_webhook/main.py")

async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://function") as client:
        return await client.post("/api/v1/webhooks/stripe", content=b"{}")

assert asyncio.run(ask()).status_code == 400
print(own.traces, [name for name in sys.modules if name.startswith("opentelemetry")])
"""


def test_o11_without_the_setting_nothing_of_it_is_imported() -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    run = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(run, cwd=catalogue.ROOT, env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None []"
