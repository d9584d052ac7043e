"""The edge: what makes a room a deployable function.

A room is decorated once. The edge binds the request id to the log, authenticates, validates, offers
`Call` (one lazy transaction, one clock reading), commits, then publishes, and turns errors into the
envelope or into acknowledge/retry.
"""

import os
import time
import typing
from collections.abc import Awaitable, Callable
from typing import Any

import functions_framework.aio
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vaultra import health, parsing, push, request_log, tracing, web
from vaultra import services as wiring
from vaultra.call import Call, commit_and_announce
from vaultra.config import AuthSettings, RuntimeSettings
from vaultra.errors import ConnectionLost
from vaultra.process import configure_once
from vaultra.production import refuse_demo_settings
from vaultra.raw_route import RawCall, serve_raw
from vaultra.responses import Download, Redirect, dress, error_response, render
from vaultra.routes import Access, Route, Routes
from vaultra.streams import EVENT_STREAM, EventStream, ServerEvent, Stream, last_of
from vaultra.threads import in_context, in_thread

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
]


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
                return await serve_raw(name, request, route)
        return await _serve(name, request, lambda call: _answer(name, routes, request, call))

    return _deployable(name, handle)


def asgi_function(name: str, answer: Callable[[Request, Call], Awaitable[Response]]) -> Callable[..., Any]:
    """The deployable function of a room that speaks another protocol over HTTP; the rest is done as for every room.

    `answer` runs on the event loop and raises `VaultraError` for what it refuses.
    """

    async def handle(request: Request) -> Response:
        async def traced(call: Call) -> Response:
            if call.services.traces is not None:
                request_log.begin_span(name, call, request.headers.get("traceparent"))
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
        return await _serve(name, request, lambda call: push.consume(room, model, request, call))

    handle.body = model  # type: ignore[attr-defined]
    return _deployable(name, handle)


def _deployable(name: str, handle: Callable[[Request], Awaitable[Response]]) -> Callable[..., Any]:
    refuse_demo_settings(os.environ)
    handle.__name__ = handle.__qualname__ = name
    return functions_framework.aio.http(handle)


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


# --- one request ---------------------------------------------------------------------------


async def _serve(name: str, request: Request, answer: Callable[[Call], Awaitable[Response]]) -> Response:
    services = wiring.current()
    configure_once()
    began = time.perf_counter()
    request_id = request_log.begin(name, request.headers)
    call = Call(
        services=services,
        now=services.clock(),
        request_id=request_id,
        headers=request.headers,
        address=web.client_address(request, services.edge.trusted_proxies),
        cookies=request.cookies,
    )
    try:
        healthy = await health.answer(name, request, call)
        response = healthy or web.preflight(request, services.site.site_url) or await answer(call)
    except ClientDisconnect:
        response = Response(status_code=499)
    except Exception as error:
        response = error_response(error, request_id)
    web.write_cookies(response, call.new_cookies, secure=services.site.secure)

    async def end(status: int) -> None:
        # An address that is not ours may hold anything, secrets too.
        request_log.handled(request.method, call.route or "", status, began)
        if call.span is not None:
            await tracing.end(services.traces, call.span, status, request_log.about(request.method, call))

    dress(response, request_id, request.headers.get("origin"), services.site.site_url)
    if isinstance(response, EventStream):
        response.when_over = end
    else:
        await end(response.status_code)
    return response


# --- a route --------------------------------------------------------------------------------


async def _answer(name: str, routes: Routes, request: Request, call: Call) -> Response:
    route, path_values = parsing.match(routes, request)
    call.route = route.path
    if call.services.traces is not None:
        request_log.begin_span(name, call, request.headers.get("traceparent"))
    raw = await parsing.body_of(request)
    arguments: dict[str, Any] = {"call": call}
    if route.params is not None:
        arguments["params"] = parsing.validate(route.params, {**request.query_params, **path_values}, "query")
    if route.body is not None:
        parsing.require_json(request)
        arguments["body"] = parsing.validate_json(route.body, raw)
    token = parsing.bearer(request) if route.access is not Access.PUBLIC else None
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
    return render(route, reply)


async def _answer_in_pieces(route: Route, stream: Stream[BaseModel], call: Call) -> Response:
    if EVENT_STREAM in call.headers.get("accept", ""):
        return EventStream(stream, in_context(call), lambda error: bytes(error_response(error, call.request_id).body))
    return render(route, await last_of(stream, in_context(call)))


def _run_route(route: Route, call: Call, token: str | None, arguments: dict[str, Any]) -> Any:
    if token is not None:
        # Imported here: topic functions never verify a token.
        from vaultra.access import admit

        admit(call, route.access, token, arguments.get("params"), arguments.get("body"))
    reply = route.handler(**arguments)
    # A lost announcement is healed by the sweeper; what was committed stays committed and is answered so.
    commit_and_announce(call, must_announce=False)
    return reply
