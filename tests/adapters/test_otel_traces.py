"""Spans through OpenTelemetry: their parents, their links, and which of them are kept."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from vaultra import tracing
from vaultra.adapters.otel_traces import MOST_LINKS, OtelTraces

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture
def kept() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(kept: InMemorySpanExporter) -> OtelTraces:
    return OtelTraces(SimpleSpanProcessor(kept))


def ids(span: ReadableSpan) -> tuple[str, str]:
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def test_a_span_stands_beneath_the_one_that_was_given(traces: OtelTraces, kept: InMemorySpanExporter) -> None:
    span = traces.begin("a_room", GIVEN)
    assert tracing.trace_id(span.traceparent) == TRACE
    span.end({"http.route": "/"}, failed=False)
    [found] = kept.get_finished_spans()
    assert found.parent is not None
    assert f"{found.parent.span_id:016x}" == SPAN
    assert span.traceparent == "00-{}-{}-01".format(*ids(found))
    assert (found.name, found.status.status_code) == ("a_room", StatusCode.UNSET)


def test_without_one_a_trace_begins(traces: OtelTraces, kept: InMemorySpanExporter) -> None:
    first, second = traces.begin("a_room", None), traces.begin("a_room", None)
    assert tracing.trace_id(first.traceparent) != tracing.trace_id(second.traceparent)
    first.end({}, failed=True)
    [found] = kept.get_finished_spans()
    assert (found.parent, found.status.status_code) == (None, StatusCode.ERROR)


@pytest.mark.parametrize("number", [0, 1, MOST_LINKS, MOST_LINKS + 1, 500])
def test_every_link_is_kept_however_many_there_are(number: int, traces: OtelTraces, kept: InMemorySpanExporter) -> None:
    served = [f"00-{n + 1:032x}-{n + 1:016x}-01" for n in range(number)]
    span = traces.begin("a_room", GIVEN)
    span.link(served)
    span.link(served[:3])  # told twice
    span.end({}, failed=False)
    *more, own = sorted(kept.get_finished_spans(), key=lambda found: found.name == "a_room")
    links = [f"{link.context.trace_id:032x}" for found in (own, *more) for link in found.links]
    assert sorted(links) == [f"{n + 1:032x}" for n in range(number)]
    assert all(len(found.links) <= MOST_LINKS and ids(found)[0] == TRACE for found in (own, *more))
    assert {found.name for found in more} <= {"a_room also serves"}


@pytest.mark.parametrize(("share", "flags", "kept_at_all"), [(0.0, "01", True), (1.0, "00", False)])
def test_whoever_began_a_trace_decides_whether_it_is_kept(share: float, flags: str, kept_at_all: bool) -> None:
    kept = InMemorySpanExporter()
    span = OtelTraces(SimpleSpanProcessor(kept), share=share).begin("a_room", GIVEN[:-2] + flags)
    assert (span.kept, span.traceparent[-2:]) == (kept_at_all, flags)
    span.link([GIVEN])
    span.end({}, failed=False)
    assert len(kept.get_finished_spans()) == kept_at_all


def test_of_those_begun_here_a_share_is_kept(kept: InMemorySpanExporter) -> None:
    traces = OtelTraces(SimpleSpanProcessor(kept), share=0.0)
    span = traces.begin("a_room", None)
    assert not span.kept
    assert tracing.valid(span.traceparent) is not None
    span.end({}, failed=False)
    assert kept.get_finished_spans() == ()


def test_it_is_idle_once_every_span_has_ended(traces: OtelTraces) -> None:
    first, second = traces.begin("a_room", None), traces.begin("a_room", GIVEN)
    assert not traces.idle
    first.end({}, failed=False)
    assert not traces.idle
    second.end({}, failed=False)
    assert traces.idle
