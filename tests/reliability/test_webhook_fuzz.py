"""RELIABILITY row B2: whatever is posted to Stripe's door, it answers 200, 400 or 413, and keeps what it accepts."""

import asyncio
import gzip
import hashlib
import hmac
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from functions_framework.aio import create_asgi_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from tests import stripe_payloads as raw
from tests.fakes import FakePublisher, FakeStripe
from tests.payload_mutations import STRANGE, mutated
from tests.reliability.conftest import SECRET, WEBHOOK
from tests.stripe_payloads import NOON, at, event, thin
from vaultra.adapters.stripe_events import receive
from vaultra.db import engine as database
from vaultra.services import Services
from vaultra_local.catalogue import FUNCTIONS

REQUESTS_AT_ONCE = 10
LIMIT = 1024 * 1024
Answers = Counter[int]


@dataclass(frozen=True)
class Post:
    """One request: its headers and its body in the pieces in which it arrives."""

    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]


def signature(body: bytes, moment: int, secret: str = SECRET) -> bytes:
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}".encode()


# --- what is posted --------------------------------------------------------------------------

EVENTS = (
    event("charge.succeeded", raw.charge()),
    event("customer.subscription.updated", raw.subscription()),
    event("account.updated", raw.account()),
    thin("v1.payout.paid", raw.payout()),
)
# Stands for an id of its own and of this length: the same bytes may be drawn many times.
NUMBERED = b"evt_numbered"
_numbers = itertools.count(1)
WHOLE = tuple(orjson.dumps(item) for item in EVENTS)


def _wrong_event(seed: int) -> bytes:
    chance = random.Random(seed)
    item = mutated(chance.choice(EVENTS), chance)
    return orjson.dumps({**item, "id": NUMBERED.decode()} if chance.random() < 0.8 else item)


def _spoiled(body: bytes, place: int, byte: int) -> bytes:
    place %= len(body) + 1
    return body[:place] + bytes([byte]) + body[place + 1 :]


def _nested(depth: int) -> bytes:
    return WHOLE[0].replace(b'"customer":', b'"customer":' + b"[" * depth + b"]" * depth + b',"x":')


def _with_numbers(digits: str) -> bytes:
    return WHOLE[0].replace(b'"amount":5000', b'"amount":' + digits.encode())


NUMBERS = ("1e999", "-0", "1" * 400, "0.1e-400", "NaN", "Infinity", "00", "9223372036854775808")
JSON = st.recursive(
    st.sampled_from(STRANGE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
WRONG = st.integers(0, 10**9).map(_wrong_event)
BODIES = st.one_of(
    *[WRONG] * 12,  # often enough to be kept that what comes after the signature is tried, too
    st.sampled_from(WHOLE),
    st.builds(_spoiled, st.sampled_from(WHOLE), st.integers(0, 3000), st.integers(0, 255)),  # broken UTF-8, broken JSON
    st.binary(max_size=80),
    JSON.map(orjson.dumps),  # whatever is JSON and no event
    st.integers(1, 3000).map(lambda depth: b'{"data":' * depth + b"1" + b"}" * depth),
    st.integers(1, 3000).map(_nested),
    st.sampled_from(NUMBERS).map(_with_numbers),
    st.sampled_from(WHOLE).map(lambda body: body[:-1] + b',"id":"evt_again","id":null,"type":"x","created":1}'),
    st.sampled_from(WHOLE).map(gzip.compress),
    st.sampled_from(WHOLE).map(lambda body: body.decode().encode("utf-16")),
    st.sampled_from(WHOLE).map(lambda body: b"\xef\xbb\xbf" + body),
    st.sampled_from([b"", b" ", b"null", b"[]", b'"evt"', b"0", b"\x00", b"{}", b'{"id":"\\ud800"}']),
    st.sampled_from([LIMIT - 1, LIMIT, LIMIT + 1]).map(lambda size: b" " * size),
)  # fmt: skip
NAMES = (
    b"content-type", b"content-encoding", b"content-length", b"transfer-encoding", b"x-request-id", b"accept",
    b"cookie", b"authorization", b"expect", b"traceparent", b"x-forwarded-for",
)  # fmt: skip
VALUES = (b"gzip", b"-1", b"99999999999999999999", b"chunked", b"application/json")
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=12) | st.sampled_from(VALUES)), max_size=3)


@st.composite
def posts(draw: st.DrawFn) -> Post:
    """A request, signed as it should be more often than not: only then its body is looked at."""
    body = draw(BODIES).replace(NUMBERED, b"evt_%08d" % next(_numbers))
    moment = at(NOON) + draw(st.sampled_from([0, 0, 0, 0, 0, 0, 299, -299, 301, -301, 31_536_000, -(10**9)]))
    good = signature(body, moment)
    way = draw(st.integers(0, 15))
    if way == 0:
        signed = [draw(st.binary(max_size=60))]
    elif way == 1:
        signed = [_spoiled(good, draw(st.integers(0, 80)), draw(st.integers(0, 255)))]
    elif way == 2:
        signed = [signature(body, moment, "another"), good][: draw(st.integers(0, 2))]
    else:
        signed = [good]
    pieces = [body]
    if draw(st.booleans()) and body:
        cut = draw(st.integers(0, len(body)))
        pieces = [body[:cut], b"", body[cut:]]  # chunked, without a length
    return Post([*((b"stripe-signature", value) for value in signed), *draw(HEADERS)], pieces)


# --- and answered ----------------------------------------------------------------------------


class Door:
    """The webhook's ASGI application, in one event loop that stays."""

    def __init__(self) -> None:
        self._app = create_asgi_app("stripe_webhook", str(FUNCTIONS / "stripe_webhook" / "main.py"))
        self._loop = asyncio.new_event_loop()

    def post(self, requests: list[Post]) -> list[int]:
        """The statuses of requests that arrive at once."""
        return self._loop.run_until_complete(self._together(requests))

    def close(self) -> None:
        self._loop.close()

    async def _together(self, requests: list[Post]) -> list[int]:
        return await asyncio.gather(*(self._one(request) for request in requests))

    async def _one(self, request: Post) -> int:
        pieces = iter(request.pieces)
        left, statuses = len(request.pieces), []

        async def receive() -> dict[str, Any]:
            nonlocal left
            left -= 1
            return {"type": "http.request", "body": next(pieces, b""), "more_body": left > 0}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "https",
            "path": WEBHOOK, "raw_path": WEBHOOK.encode(), "query_string": b"", "root_path": "",
            "headers": request.headers, "client": ("192.0.2.1", 50000), "server": ("function", 443),
        }  # fmt: skip
        await self._app(scope, receive, send)
        [status] = statuses
        return int(status)


@pytest.fixture(scope="module")
def fuzzed(make_database: Callable[[str], str]) -> str:
    return make_database("fuzzed")


@pytest.fixture
def door(fuzzed: str, wire: Callable[..., Services]) -> Iterator[tuple[Door, Engine]]:
    engine = database.create(fuzzed, pool_size=4)
    wire(engine, FakePublisher(), FakeStripe())
    opened = Door()
    yield opened, engine
    opened.close()
    engine.dispose()


def fuzz(door: Door, examples: int, *, derandomize: bool = True) -> tuple[Answers, set[tuple[bool, str, str]]]:
    """How often each status was answered, and the names of the events answered with 200."""
    answers: Answers = Counter()
    accepted: set[tuple[bool, str, str]] = set()

    @settings(max_examples=examples, deadline=None, derandomize=derandomize, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.lists(posts(), min_size=REQUESTS_AT_ONCE, max_size=REQUESTS_AT_ONCE))
    def deliver(requests: list[Post]) -> None:
        statuses = door.post(requests)
        assert set(statuses) <= {200, 400, 413}
        answers.update(statuses)
        kept = [
            receive(b"".join(given.pieces)) for given, status in zip(requests, statuses, strict=True) if status == 200
        ]
        accepted.update((found.livemode, found.account, found.event_id) for found in kept)

    deliver()
    return answers, accepted


@pytest.mark.parametrize("examples", [500, pytest.param(2000, marks=pytest.mark.long)], ids=["everyday", "long"])
def test_b2_anything_posted_is_kept_or_refused(door: tuple[Door, Engine], examples: int) -> None:
    began = time.process_time()
    opened, engine = door
    answers, accepted = fuzz(opened, examples)
    taken = time.process_time() - began
    assert answers.total() >= examples * REQUESTS_AT_ONCE
    assert answers.keys() == {200, 400, 413}
    with engine.connect() as conn:
        kept = conn.execute(text("select count(*) from stripe_events")).scalar_one()
    assert kept == len(accepted) > 0
    print(f"B2: {answers.total()} requests: {dict(sorted(answers.items()))}, 0 × 5xx, {kept} rows; {taken:.1f} s CPU")


@pytest.mark.parametrize(
    ("announced", "status"), [(b"\xb2", 200), (b"-1", 200), (b"x", 200), (b"9" * 20, 413), (b"9" * 5000, 413)]
)
def test_b2_a_length_that_is_no_number_is_not_believed(
    door: tuple[Door, Engine], announced: bytes, status: int
) -> None:
    headers = [(b"stripe-signature", signature(WHOLE[0], at(NOON))), (b"content-length", announced)]
    assert door[0].post([Post(headers, [WHOLE[0]])]) == [status]


@pytest.mark.parametrize(
    ("size", "pieces", "status"), [(LIMIT, 1, 400), (LIMIT, 9, 400), (LIMIT + 1, 1, 413), (LIMIT + 1, 9, 413)]
)
def test_b2_a_body_without_a_length_is_measured(door: tuple[Door, Engine], size: int, pieces: int, status: int) -> None:
    body = b" " * size
    step = -(-size // pieces)
    cut = [body[start : start + step] for start in range(0, size, step)]
    assert door[0].post([Post([(b"stripe-signature", signature(body, at(NOON)))], cut)]) == [status]
