"""The edge: the only module that knows Starlette and the Pub/Sub envelope.

A room is decorated once. The edge binds the request id to the log, authenticates, validates, offers
`Call` (one lazy transaction, one clock reading), commits, then publishes, and turns errors into the
envelope or into acknowledge/retry.
"""

import asyncio
import base64
import binascii
import gc
import json
import os
import random
import time
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import functions_framework.aio
import orjson
import structlog
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vaultra import services as wiring
from vaultra import tracing, web
from vaultra.call import Call, commit_and_announce, fail
from vaultra.config import AuthSettings, RuntimeSettings
from vaultra.errors import (
    ConnectionLost,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    VaultraError,
)
from vaultra.ports import Delivery
from vaultra.production import refuse_demo_settings
from vaultra.raw_route import RawCall, Received, headers_of, read_body
from vaultra.routes import Access, Route, Routes
from vaultra.streams import EVENT_STREAM, EventStream, InContext, ServerEvent, Stream, last_of
from vaultra.telemetry import configure, log, log_line
from vaultra.threads import threads

__all__ = [
    "Access",
    "Call",
    "Download",
    "RawCall",
    "Redirect",
    "Routes",
    "ServerEvent",
    "Stream",
    "asgi_function",
    "event_function",
    "http_function",
    "in_thread",
]


@dataclass(frozen=True)
class Redirect:
    """Sends the browser elsewhere."""

    url: str
    status: int = 302


@dataclass(frozen=True)
class Download:
    """A file to keep, named `name`; its route says under `downloads` which media types it may have."""

    name: str
    media_type: str
    content: str


def http_function(name: str, routes: Routes) -> Callable[..., Any]:
    """The deployable function of an API room; `name` is its folder and its key in functions.yaml.

    Raises:
        SystemExit: it would verify tokens with a secret that can be guessed, or in the cloud with none.
    """
    if any(route.access is not Access.PUBLIC for route in routes):
        _refuse_weak_settings(name)

    raw_routes = [route for route in routes if route.raw]

    async def handle(request: Request) -> Response:
        for route in raw_routes:
            if request.scope["method"] == route.method and route.pattern.match(request.scope["path"]):
                return await _serve_raw(name, request, route)
        return await _serve(name, request, lambda call: _answer(name, routes, request, call))

    return _deployable(name, handle)


def asgi_function(name: str, answer: Callable[[Request, Call], Awaitable[Response]]) -> Callable[..., Any]:
    """The deployable function of a room that speaks another protocol over HTTP; the rest is done as for every room.

    `answer` runs on the event loop and raises `VaultraError` for what it refuses.
    """

    async def handle(request: Request) -> Response:
        async def traced(call: Call) -> Response:
            if call.services.traces is not None:
                _trace(name, call, request.headers.get("traceparent"))
            return await answer(request, call)

        return await _serve(name, request, traced)

    return _deployable(name, handle)


def event_function(room: Callable[..., None]) -> Callable[..., Any]:
    """The deployable function of a topic room: `room(call, body)`, named as its folder.

    A room without `body` takes a message whatever it says.

    2xx acknowledges. A retryable or unexpected error answers 5xx, so the broker delivers again and, after
    seven attempts, sets the message aside; any other error is kept as a dead letter and acknowledged.
    """
    name = room.__name__
    model: type[BaseModel] | None = typing.get_type_hints(room).get("body")

    async def handle(request: Request) -> Response:
        return await _serve(name, request, lambda call: _consume(room, model, request, call))

    handle.body = model  # type: ignore[attr-defined]
    return _deployable(name, handle)


def _deployable(name: str, handle: Callable[[Request], Awaitable[Response]]) -> Callable[..., Any]:
    refuse_demo_settings(os.environ)
    handle.__name__ = handle.__qualname__ = name
    return functions_framework.aio.http(handle)


# --- one request ---------------------------------------------------------------------------


async def _serve(name: str, request: Request, answer: Callable[[Call], Awaitable[Response]]) -> Response:
    services = wiring.current()
    _configure_once()
    began = time.perf_counter()
    request_id = _begin(name, request.headers)
    call = Call(
        services=services,
        now=services.clock(),
        request_id=request_id,
        headers=request.headers,
        address=web.client_address(request, services.edge.trusted_proxies),
        cookies=request.cookies,
    )
    try:
        health = await _health(name, request, call)
        response = health or web.preflight(request, services.site.site_url) or await answer(call)
    except ClientDisconnect:
        response = Response(status_code=499)
    except Exception as error:
        response = _error_response(error, request_id)
    web.write_cookies(response, call.new_cookies, secure=services.site.secure)

    async def end(status: int) -> None:
        # An address that is not ours may hold anything, secrets too.
        _log_handled(request.method, call.route or "", status, began)
        if call.span is not None:
            about = _about(request.method, call.route) if call.message is None else _about_message(call.message)
            await tracing.end(services.traces, call.span, status, about)

    _dress(response, request_id, request.headers.get("origin"))
    if isinstance(response, EventStream):
        response.when_over = end
    else:
        await end(response.status_code)
    return response


async def _serve_raw(name: str, request: Request, route: Route) -> Response:
    """As `_serve`, for a route that takes the bytes as they came and needs none of a call's comforts.

    What goes well, and was not asked by a browser's script, is answered and logged by the shortest way.
    """
    services = wiring.current()
    _configure_once()
    began = time.perf_counter()
    headers = headers_of(request.scope)
    request_id = _request_id(headers.get("x-request-id", ""))
    span = tracing.begin(services.traces, name, headers.get("traceparent"))
    trace = tracing.trace_id(tracing.handed_on(span, headers.get("traceparent")))
    try:
        raw = await read_body(request.receive, headers.get("content-length", "0"))
        await route.handler(RawCall(raw, headers, services.clock(), services, request_id, span))
    except ClientDisconnect:
        _bind(name, request_id, trace)
        response = Response(status_code=499)
    except Exception as error:
        _bind(name, request_id, trace)
        response = _error_response(error, request_id)
    else:
        if "origin" not in headers:
            log_line(
                "request.handled",
                function=name,
                request_id=request_id,
                trace=trace,
                method=route.method,
                path=route.path,
                status=route.status,
                ms=_ms_since(began),
                time=wiring.utc_now(),
            )
            if span is not None:
                await tracing.end(services.traces, span, route.status, _about(route.method, route.path))
            return Received(route.status, request_id)
        _bind(name, request_id, trace)
        response = Response(status_code=route.status)
    _dress(response, request_id, headers.get("origin"))
    _log_handled(route.method, route.path, response.status_code, began)
    if span is not None:
        await tracing.end(services.traces, span, response.status_code, _about(route.method, route.path))
    return response


def _begin(name: str, headers: Mapping[str, str]) -> str:
    """Tell the log whose request this is; gives the request's id."""
    request_id = _request_id(headers.get("x-request-id", ""))
    _bind(name, request_id, tracing.trace_id(headers.get("traceparent")))
    return request_id


def _bind(name: str, request_id: str, trace: str | None) -> None:
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(function=name, request_id=request_id, trace=trace)


def _dress(response: Response, request_id: str, origin: str | None) -> None:
    """Put on what every answer carries."""
    response.raw_headers.extend([*web.PRIVATE, (b"x-request-id", request_id.encode("ascii"))])
    web.share_with_site(origin, response, wiring.current().site.site_url)


def _log_handled(method: str, path: str, status: int, began: float) -> None:
    log.info("request.handled", method=method, path=path, status=status, ms=_ms_since(began))


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def _trace(name: str, call: Call, given: str | None) -> None:
    """Begin the call's span beneath the one that was given, and tell the log of the trace."""
    call.span = tracing.begin(call.services.traces, name, given)
    structlog.contextvars.bind_contextvars(trace=tracing.trace_id(tracing.handed_on(call.span, given)))


def _about(method: str, route: str | None) -> dict[str, str | int]:
    return {"http.request.method": method, "http.route": route or ""}


def _about_message(delivery: Delivery) -> dict[str, str | int]:
    topic, _, _ = delivery.subscription.rpartition("/")[2].partition(".")
    return {
        "messaging.destination.name": topic,
        "messaging.message.id": delivery.message_id,
        "messaging.gcp_pubsub.message.delivery_attempt": delivery.attempt,
    }


async def _answer(name: str, routes: Routes, request: Request, call: Call) -> Response:
    route, path_values = _match(routes, request)
    call.route = route.path
    if call.services.traces is not None:
        _trace(name, call, request.headers.get("traceparent"))
    raw = await _read_body(request)
    arguments: dict[str, Any] = {"call": call}
    if route.params is not None:
        arguments["params"] = _validate(route.params, {**request.query_params, **path_values}, "query")
    if route.body is not None:
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType("Send JSON: Content-Type: application/json")
        arguments["body"] = _validate_json(route.body, raw)
    token = _bearer(request) if route.access is not Access.PUBLIC else None
    call.reads_only = route.reads_only

    def run() -> Any:
        return _run_route(route, call, token, arguments)

    try:
        reply = await in_thread(run, call)
    except ConnectionLost:
        if not route.reads_only:
            raise
        reply = await in_thread(run, call)  # a new connection, after a failover; reading twice changes nothing
    if isinstance(reply, Stream):
        return await _answer_in_pieces(route, reply, call)
    return _render(route, reply)


async def _answer_in_pieces(route: Route, stream: Stream[BaseModel], call: Call) -> Response:
    in_context = _in_context(call)
    if EVENT_STREAM in call.headers.get("accept", ""):
        return EventStream(stream, in_context, lambda error: bytes(_error_response(error, call.request_id).body))
    return _render(route, await last_of(stream, in_context))


def _run_route(route: Route, call: Call, token: str | None, arguments: dict[str, Any]) -> Any:
    if token is not None:
        # Imported here: topic functions never verify a token.
        from vaultra.access import admit

        admit(call, route.access, token, arguments.get("params"), arguments.get("body"))
    reply = route.handler(**arguments)
    # A lost announcement is healed by the sweeper; what was committed stays committed and is answered so.
    commit_and_announce(call, must_announce=False)
    return reply


async def _consume(room: Callable[..., None], model: type[BaseModel] | None, request: Request, call: Call) -> Response:
    delivery = _delivery(await _read_body(request))
    call.message = delivery
    structlog.contextvars.bind_contextvars(message_id=delivery.message_id, attempt=delivery.attempt)
    _trace(room.__name__, call, delivery.attributes.get("traceparent"))

    def run() -> None:
        if model is None:
            room(call)
        else:
            room(call, _validate_json(model, delivery.data))
        commit_and_announce(call, must_announce=True)

    try:
        await in_thread(run, call)
    except VaultraError as error:
        if error.retry:
            raise
        log.error("message.refused", code=error.code, reason=error.message, details=error.details)
        reason = f"{error.code}: {error.message}"
        await in_thread(lambda: _keep_dead_letter(call, delivery, reason), call)
    return Response(status_code=204)


def _keep_dead_letter(call: Call, delivery: Delivery, reason: str) -> None:
    from vaultra.db import dead_letters

    dead_letters.record(call.db, delivery, error=reason, now=call.now)
    commit_and_announce(call, must_announce=False)


# --- parsing -------------------------------------------------------------------------------


def _match(routes: Routes, request: Request) -> tuple[Route, dict[str, str]]:
    path, allowed = request.url.path, set[str]()
    for route in routes:
        found = route.pattern.match(path)
        if found is None:
            continue
        if request.method in route.methods:
            return route, found.groupdict()
        allowed |= route.methods
    if allowed:
        raise MethodNotAllowed(f"{request.method} is not possible here", details={"allowed": sorted(allowed)})
    raise NotFound("There is nothing at this address")


async def _read_body(request: Request) -> bytes:
    if request.method in ("GET", "HEAD"):  # nothing is read from them, so nothing is waited for
        return b""
    return await read_body(request.receive, request.headers.get("content-length", "0"))


def _validate(model: type[BaseModel], values: dict[str, Any], where: str) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid(error, where) from None


def _validate_json(model: type[BaseModel], raw: bytes) -> BaseModel:
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        raise _invalid(error, "body") from None
    # Only now, because the first parse has bounded the depth.
    json.loads(raw, object_pairs_hook=_refuse_repeated_fields)
    return body


def _refuse_repeated_fields(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        reason = "this field is given twice"
        raise InvalidInput(f"Invalid input: {repeated}: {reason}", details={"field": repeated, "reason": reason})


def _invalid(error: ValidationError, where: str) -> InvalidInput:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or where
    reason = "this field is not known" if first["type"] == "extra_forbidden" else first["msg"]
    return InvalidInput(f"Invalid input: {field}: {reason}", details={"field": field, "reason": reason})


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Sign in first")
    return token.strip()


def _delivery(raw: bytes) -> Delivery:
    try:
        outer = orjson.loads(raw)
        message = outer["message"]
        return Delivery(
            message_id=str(message.get("messageId") or message.get("message_id") or ""),
            subscription=str(outer.get("subscription", "")),
            data=base64.b64decode(message.get("data", ""), validate=True),
            attributes={str(key): str(value) for key, value in (message.get("attributes") or {}).items()},
            ordering_key=str(message.get("orderingKey", "")),
            attempt=int(outer.get("deliveryAttempt") or 0),
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise InvalidInput("This is not a Pub/Sub push delivery") from None


# --- answering -----------------------------------------------------------------------------


def _render(route: Route, reply: Any) -> Response:
    if isinstance(reply, Redirect):
        return Response(status_code=reply.status, headers={"Location": reply.url})
    if isinstance(reply, Download):
        disposition = f'attachment; filename="{reply.name}"'
        return Response(reply.content, media_type=reply.media_type, headers={"Content-Disposition": disposition})
    if reply is None:
        return Response(status_code=204 if route.status == 200 else route.status)
    return Response(reply.model_dump_json(), status_code=route.status, media_type="application/json")


def _error_response(error: Exception, request_id: str) -> Response:
    if not isinstance(error, VaultraError):
        log.error("request.crashed", exc_info=error)
        error = VaultraError("Something went wrong on our side")
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.details["allowed"])
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = error.challenge
    if isinstance(error, Unavailable):
        log.warning("request.unavailable", reason=error.message)
    envelope = {
        "error": {"code": error.code, "message": error.message, "details": error.details, "request_id": request_id}
    }
    return Response(orjson.dumps(envelope), status_code=error.status, media_type="application/json", headers=headers)


async def _health(name: str, request: Request, call: Call) -> Response | None:
    path = request.url.path
    if not path.endswith(("/health", "/health/ready")):
        return None
    call.route = "/health/ready" if path.endswith("/ready") else "/health"
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed(f"{request.method} is not possible here", details={"allowed": ["GET", "HEAD"]})
    if path.endswith("/ready"):
        await in_thread(lambda: _touch_database(call), call)
    from vaultra import __version__

    body = {"status": "ok", "function": name, "version": __version__}
    return Response(orjson.dumps(body), media_type="application/json")


def _touch_database(call: Call) -> None:
    from vaultra.db.engine import ping

    ping(call.db)


# --- the process ---------------------------------------------------------------------------


def _refuse_weak_settings(name: str) -> None:
    from vaultra.auth import check_secrets

    try:
        settings = AuthSettings()
    except ValidationError:
        if RuntimeSettings().k_service is None:
            return  # on a developer's machine what needs a token answers 503
        raise SystemExit(f"{name} does not start: JWT_SECRET is not set") from None
    try:
        check_secrets(settings.jwt_secrets)
    except ValueError as error:
        raise SystemExit(f"{name} does not start: {error}") from None


_configured = False
GARBAGE_THRESHOLDS = (20_000, 20, 20)


async def in_thread(work: Callable[[], Any], call: Call) -> Any:
    """What blocking work gives, done in one of the calls' threads; its errors are ours, and undo what it began."""
    return await asyncio.get_running_loop().run_in_executor(threads(reading=call.reads_only), _in_context(call), work)


def _in_context(call: Call) -> InContext:
    """Runs work in another thread with this one's log context; its errors are ours, and undo what it began."""
    context = structlog.contextvars.get_contextvars()

    def run(work: Callable[[], Any]) -> Any:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**context)
        tracing.attend(call.span)
        try:
            return work()
        except BaseException as error:
            raise fail(call, error) from error

    return run


def _configure_once() -> None:
    global _configured
    if not _configured:
        configure(RuntimeSettings())
        # What was imported stays: looking through it again and again stops every request for tens of milliseconds.
        gc.collect()
        gc.freeze()
        # A call leaves no cycles to speak of, and metrics of a page of businesses are many small objects at once.
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        _configured = True


def _request_id(given: str) -> str:
    if 8 <= len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum():
        return given
    return f"{random.getrandbits(128):032x}"
