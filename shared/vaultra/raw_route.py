"""A raw route, on the event loop all the way: its call, a body bounded in size and in time, its answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vaultra import request_log, tracing
from vaultra import services as wiring
from vaultra.call import Call, announce, fail
from vaultra.errors import InvalidInput, TooLarge
from vaultra.failpoints import reach
from vaultra.ports import Span
from vaultra.process import configure_once
from vaultra.responses import dress, error_response
from vaultra.routes import Route
from vaultra.services import Services
from vaultra.telemetry import log_line
from vaultra.threads import threads
from vaultra.web import PRIVATE, VARY

T = TypeVar("T")

LARGEST_BODY_BYTES = 1024 * 1024
SLOWEST_BODY_SECONDS = 20
# What an answer without content says, apart from its request's id.
FIXED_HEADERS = [(b"content-length", b"0"), *PRIVATE, VARY]


@dataclass(frozen=True)
class RawCall:
    """What a raw route gets: the bytes as they came, on the event loop, before anything was parsed.

    The names of `headers` are in lower case.
    """

    body: bytes
    headers: Mapping[str, str]
    now: Any
    services: Services
    request_id: str
    span: Span | None = None

    async def run(self, work: Callable[[Call], None]) -> None:
        """Run work in a transaction of its own, commit it and publish what it announced.

        On the event loop if a connection lies ready, whose replies are awaited, else in a thread. Others go on.
        """
        from vaultra.db.loop_wait import NeedsThread, run_on_loop

        try:
            call = await run_on_loop(self.services.engine, partial(self._commit, work))
        except NeedsThread:
            call = await self._in_thread(partial(self._commit, work))
        if call.announces:
            await self._in_thread(partial(announce, call, must_announce=False))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads(), work)

    def _commit(self, work: Callable[[Call], None]) -> Call:
        call = Call(services=self.services, now=self.now, request_id=self.request_id, headers=self.headers)
        call.span = self.span
        try:
            work(call)
            call.commit()
            reach("committed")
        except BaseException as error:
            raise fail(call, error) from error
        return call


class Received(Response):
    """An answer that only says that all went well, whose headers are mostly made beforehand."""

    def __init__(self, status: int, request_id: str) -> None:
        self.status_code = status
        self.raw_headers = [*FIXED_HEADERS, (b"x-request-id", request_id.encode("ascii"))]
        self.body = b""
        self.background = None


async def serve_raw(name: str, request: Request, route: Route) -> Response:
    """Answer a request for a route that takes the bytes as they came and needs none of a call's comforts.

    What goes well, and was not asked by a browser's script, is answered and logged by the shortest way.
    """
    services = wiring.current()
    configure_once()
    began = time.perf_counter()
    headers = headers_of(request.scope)
    request_id = request_log.request_id_of(headers.get("x-request-id", ""))
    span = tracing.begin(services.traces, name, headers.get("traceparent"))
    trace = tracing.trace_id(tracing.handed_on(span, headers.get("traceparent")))
    try:
        raw = await read_body(request.receive, headers.get("content-length", "0"))
        await route.handler(RawCall(raw, headers, services.clock(), services, request_id, span))
    except ClientDisconnect:
        request_log.bind(name, request_id, trace)
        response = Response(status_code=499)
    except Exception as error:
        request_log.bind(name, request_id, trace)
        response = error_response(error, request_id)
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
                ms=request_log.ms_since(began),
                time=wiring.utc_now(),
            )
            if span is not None:
                about = request_log.about_request(route.method, route.path)
                await tracing.end(services.traces, span, route.status, about)
            return Received(route.status, request_id)
        request_log.bind(name, request_id, trace)
        response = Response(status_code=route.status)
    dress(response, request_id, headers.get("origin"), services.site.site_url)
    request_log.handled(route.method, route.path, response.status_code, began)
    if span is not None:
        about = request_log.about_request(route.method, route.path)
        await tracing.end(services.traces, span, response.status_code, about)
    return response


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """A request's headers by their name in lower case; of several with the same name the first."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


async def read_body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]], announced: str) -> bytes:
    """The whole body of a request whose Content-Length is `announced`.

    Raises:
        TooLarge, InvalidInput: it is larger than we take, or does not arrive in time.
        ClientDisconnect: whoever sent it went away.
    """
    if announced.isdecimal() and int(announced[:19]) > LARGEST_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(SLOWEST_BODY_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > LARGEST_BODY_BYTES:
                    raise _too_large()
                more = message.get("more_body", False)
    except TimeoutError:
        raise InvalidInput("The body did not arrive in time") from None
    return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"The body may have at most {LARGEST_BODY_BYTES} bytes")
