"""Traces: contexts as W3C writes them, and the span of each call, begun, told what else it serves, and ended."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar

from vaultra.ports import Span, Traces

TRACEPARENT = re.compile("00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# So long an answer may wait for the spans, and no longer.
FLUSH_SECONDS = 0.5
_flusher = ThreadPoolExecutor(1, "traces")
_flushing: "Future[None] | None" = None
_current: ContextVar[Span | None] = ContextVar("span", default=None)


def valid(traceparent: str | None) -> str | None:
    """The `traceparent` as it was given; None when it is none, or not in the form of version 00."""
    return traceparent if traceparent and TRACEPARENT.fullmatch(traceparent) else None


def trace_id(traceparent: str | None) -> str | None:
    """The id of the trace that a `traceparent` continues; None without one."""
    found = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return found[1] if found else None


def begin(traces: Traces | None, name: str, parent: str | None) -> Span | None:
    """A span beneath `parent`, or the first of a trace; None when nothing is traced here."""
    return None if traces is None else traces.begin(name, valid(parent))


def handed_on(span: Span | None, given: str | None) -> str | None:
    """The `traceparent` that messages carry: the span's, else the one that was given, so that the logs are joined."""
    return valid(given) if span is None else span.traceparent


def attend(span: Span | None) -> None:
    """Make this the span of the call that the thread works on from now."""
    _current.set(span)


def link(traceparents: Iterable[str]) -> None:
    """Say that the call at hand serves these requests, too; nothing happens when it is not traced."""
    span = _current.get()
    if span is not None:
        span.link(traceparents)


async def end(traces: Traces | None, span: Span, status: int, about: Mapping[str, str | int]) -> None:
    """End the span of a request or message that was answered with this status.

    Cloud Run takes the processor away once nobody waits for an answer, and with it the spans that are still here:
    so the last call under way waits for a moment until they are where they are kept.
    """
    global _flushing
    span.end({**about, "http.response.status_code": status}, failed=status >= 500)
    if traces is not None and traces.idle and (_flushing is None or _flushing.done()):
        _flushing = _flusher.submit(traces.flush)
        await asyncio.wait([asyncio.wrap_future(_flushing)], timeout=FLUSH_SECONDS)
