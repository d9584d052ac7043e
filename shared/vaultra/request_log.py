"""What the log and a trace are told of a request or a message: whose it is, and how it ended."""

import random
import time
from collections.abc import Mapping

import structlog

from vaultra import tracing
from vaultra.call import Call
from vaultra.ports import Delivery
from vaultra.telemetry import log


def request_id_of(given: str) -> str:
    """The id that a request came with, if it may be one, else a new one."""
    if 8 <= len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum():
        return given
    return f"{random.getrandbits(128):032x}"


def begin(name: str, headers: Mapping[str, str]) -> str:
    """Tell the log whose request this is; gives the request's id."""
    request_id = request_id_of(headers.get("x-request-id", ""))
    bind(name, request_id, tracing.trace_id(headers.get("traceparent")))
    return request_id


def bind(name: str, request_id: str, trace: str | None) -> None:
    """Put these on every line that is logged for the request, and nothing of the one before."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(function=name, request_id=request_id, trace=trace)


def handled(method: str, path: str, status: int, began: float) -> None:
    """Log the request's one summary line; `began` as of `time.perf_counter`."""
    log.info("request.handled", method=method, path=path, status=status, ms=ms_since(began))


def ms_since(began: float) -> float:
    """Milliseconds since then, as of `time.perf_counter`."""
    return round((time.perf_counter() - began) * 1000, 1)


def begin_span(name: str, call: Call, given: str | None) -> None:
    """Begin the call's span beneath the one that was given, and tell the log of the trace."""
    call.span = tracing.begin(call.services.traces, name, given)
    structlog.contextvars.bind_contextvars(trace=tracing.trace_id(tracing.handed_on(call.span, given)))


def about(method: str, call: Call) -> dict[str, str | int]:
    """What the span of a call says, be it a request's or a message's."""
    return about_request(method, call.route) if call.message is None else _about_message(call.message)


def about_request(method: str, route: str | None) -> dict[str, str | int]:
    """What a request's span says, in OpenTelemetry's words."""
    return {"http.request.method": method, "http.route": route or ""}


def _about_message(delivery: Delivery) -> dict[str, str | int]:
    topic, _, _ = delivery.subscription.rpartition("/")[2].partition(".")
    return {
        "messaging.destination.name": topic,
        "messaging.message.id": delivery.message_id,
        "messaging.gcp_pubsub.message.delivery_attempt": delivery.attempt,
    }
