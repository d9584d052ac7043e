"""Spans through OpenTelemetry, handed to Google Cloud Trace or to whatever else takes them."""

import threading
from collections.abc import Iterable, Mapping
from itertools import islice

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation import set_span_in_context

from vaultra.config import RuntimeSettings, TraceSettings

MOST_LINKS = 128
"""Of one span, both in OpenTelemetry and in Cloud Trace."""


class OtelSpan:
    """`Span` over OpenTelemetry's."""

    def __init__(self, traces: "OtelTraces", name: str, span: trace.Span) -> None:
        self._traces, self._name, self._span = traces, name, span
        self._served: dict[str, None] = {}
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        self.kept = context.trace_flags.sampled

    def link(self, traceparents: Iterable[str]) -> None:
        if self.kept:
            self._served.update(dict.fromkeys(traceparents))

    def end(self, attributes: Mapping[str, str | int], *, failed: bool) -> None:
        links = map(_context, self._served)
        for served in islice(links, MOST_LINKS):
            self._span.add_link(served)
        while more := [Link(served) for served in islice(links, MOST_LINKS)]:
            # A large batch serves more requests than one span may name.
            self._traces.also_serves(self._name, self._span, more)
        self._span.set_attributes(dict(attributes))
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()
        self._traces.ended()


class OtelTraces:
    """`Traces` whose spans go to a processor.

    Args:
        processor: Takes spans that ended.
        share: Of the traces begun here, the share that is kept; of one begun elsewhere its beginner decides.
        function: The deployed function, and `revision` which of its releases; None where there is none.
    """

    def __init__(
        self,
        processor: SpanProcessor,
        *,
        share: float = 1.0,
        function: str | None = None,
        revision: str | None = None,
    ) -> None:
        about = {"service.name": function or "vaultra", "service.version": revision or "local"}
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)), resource=Resource(about), shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("vaultra")
        self._lock = threading.Lock()
        self._under_way = 0

    def begin(self, name: str, parent: str | None) -> OtelSpan:
        context = None
        if parent is not None:
            context = set_span_in_context(trace.NonRecordingSpan(_context(parent)))
        with self._lock:
            self._under_way += 1
        return OtelSpan(self, name, self._tracer.start_span(name, context, SpanKind.SERVER))

    def also_serves(self, name: str, span: trace.Span, links: list[Link]) -> None:
        """Keep links that a span has no room for, on one beneath it."""
        self._tracer.start_span(f"{name} also serves", set_span_in_context(span), links=links).end()

    def ended(self) -> None:
        """Count a span that was begun as ended."""
        with self._lock:
            self._under_way -= 1

    @property
    def idle(self) -> bool:
        return self._under_way == 0

    def flush(self) -> None:
        self._provider.force_flush()


def cloud_traces(settings: TraceSettings, runtime: RuntimeSettings) -> OtelTraces:
    """Traces kept in Cloud Trace, in the project that the function runs in."""
    from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter

    exporter = CloudTraceSpanExporter(project_id=runtime.google_cloud_project)
    return OtelTraces(
        BatchSpanProcessor(exporter),
        share=settings.otel_traces_share,
        function=runtime.k_service,
        revision=runtime.k_revision,
    )


def _context(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
