"""Trace contexts, and the moment that an answer waits for its spans."""

import asyncio
import threading
from collections.abc import Iterable, Mapping

import pytest

from vaultra import tracing

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{SPAN}-01"
PATIENCE = 10.0


class FakeSpan:
    """A `Span` that keeps what it is told."""

    def __init__(self, traceparent: str = GIVEN) -> None:
        self.traceparent, self.kept = traceparent, True
        self.links: list[str] = []
        self.ended: list[tuple[Mapping[str, str | int], bool]] = []

    def link(self, traceparents: Iterable[str]) -> None:
        self.links += traceparents

    def end(self, attributes: Mapping[str, str | int], *, failed: bool) -> None:
        self.ended.append((attributes, failed))


class SlowTraces:
    """`Traces` whose flush takes until `gone` is set."""

    def __init__(self, *, idle: bool = True) -> None:
        self.idle = idle
        self.gone = threading.Event()
        self.flushes = 0

    def begin(self, name: str, parent: str | None) -> FakeSpan:
        return FakeSpan(parent or GIVEN)

    def flush(self) -> None:
        self.flushes += 1
        assert self.gone.wait(PATIENCE)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "nonsense",
        GIVEN.upper(),
        GIVEN.replace("00-", "01-", 1),
        f"{GIVEN}-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_what_is_no_context_counts_as_none(given: str | None) -> None:
    assert tracing.valid(given) is None
    assert tracing.trace_id(given) is None
    assert tracing.handed_on(None, given) is None


def test_a_context_is_handed_on_as_it_came_where_nothing_is_traced() -> None:
    assert tracing.begin(None, "a_room", GIVEN) is None
    assert tracing.handed_on(None, GIVEN) == GIVEN
    assert tracing.trace_id(GIVEN) == TRACE


def test_a_span_is_handed_on_instead_of_what_it_began_beneath() -> None:
    own = f"00-{TRACE}-{'1' * 16}-01"
    assert tracing.handed_on(FakeSpan(own), GIVEN) == own


def test_links_go_to_the_span_at_hand() -> None:
    span = FakeSpan()
    tracing.attend(span)
    tracing.link([GIVEN])
    tracing.attend(None)
    tracing.link([GIVEN])
    assert span.links == [GIVEN]


@pytest.mark.parametrize(("status", "failed"), [(200, False), (404, False), (500, True), (503, True)])
def test_our_own_failures_are_marked(status: int, failed: bool) -> None:
    span = FakeSpan()
    asyncio.run(tracing.end(None, span, status, {"http.route": "/"}))
    assert span.ended == [({"http.route": "/", "http.response.status_code": status}, failed)]


def test_an_answer_does_not_wait_for_ever_and_the_next_does_not_wait_at_all() -> None:
    traces = SlowTraces()
    for _ in range(3):
        asyncio.run(tracing.end(traces, FakeSpan(), 200, {}))
    assert traces.flushes == 1, "while one flush hangs, no other is begun"
    traces.gone.set()
    assert tracing._flushing is not None
    tracing._flushing.result(PATIENCE)
    asyncio.run(tracing.end(traces, FakeSpan(), 200, {}))
    assert traces.flushes == 2


def test_while_others_are_under_way_nobody_waits() -> None:
    traces = SlowTraces(idle=False)
    asyncio.run(tracing.end(traces, FakeSpan(), 200, {}))
    assert traces.flushes == 0
