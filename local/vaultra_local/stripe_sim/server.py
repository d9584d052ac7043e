"""The simulator over HTTP: the ASGI application, and running it in this process or in a thread of a test."""

import asyncio
import itertools
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultra_local.stripe_sim import api, control, oauth
from vaultra_local.stripe_sim.account import StripeAccount
from vaultra_local.stripe_sim.clock import wall_seconds, wall_time
from vaultra_local.stripe_sim.errors import StripeError
from vaultra_local.stripe_sim.faults import Fault, first_strike
from vaultra_local.stripe_sim.ids import suffix
from vaultra_local.stripe_sim.shapes import API_VERSION
from vaultra_local.stripe_sim.simulator import Received, Simulator
from vaultra_local.threaded import serving


async def _v1(request: Request) -> Response:
    simulator: Simulator = request.app.state.simulator
    headers = request.headers
    request_id = f"req_{suffix('request', next(request.app.state.request_numbers))[:14]}"
    path = request.path_params["path"]
    status = 200
    try:
        with simulator.lock:
            authorization = headers.get("authorization", "")
            account = api.authenticate(simulator, authorization, _account_of(headers), request.method, path)
            if request.method != "GET":
                api.refuse_to_write(account, request.method, path)
            body = api.answer(simulator, account, path, request.url.query)
    except StripeError as error:
        status, body = error.status, error.body(request_id)
    answer_headers = {"Request-Id": request_id, "Stripe-Version": headers.get("stripe-version", API_VERSION)}
    return Response(orjson.dumps(body), status, answer_headers, "application/json")


def _account_of(headers: Any) -> str | None:
    account: str | None = headers.get("stripe-account") or headers.get("stripe-context")
    return account


class _Gate:
    """Logs what Stripe would see, lets faults strike, and dates every answer by the simulator's clock."""

    def __init__(self, app: ASGIApp, simulator: Simulator) -> None:
        self._app = app
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        simulator, path = self._simulator, scope["path"]

        async def send_dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(simulator.now(), usegmt=True).encode()
                message["headers"] = [*message["headers"], (b"date", date)]
            await send(message)

        if not path.startswith("/_sim/"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            account = _account_of(headers)
            query = scope["query_string"].decode("latin-1")
            simulator.requests.append(Received(scope["method"], path, query, account, wall_time()))
            with simulator.lock:
                fault = first_strike(simulator.faults, path, account)
            if fault is not None and not await _strike(fault, scope, receive, send, send_dated):
                return
        await self._app(scope, receive, send_dated)


async def _strike(fault: Fault, scope: Scope, receive: Receive, send: Any, send_dated: Send) -> bool:
    """Do what the fault says; True when the request is to be answered all the same."""
    if fault.kind in ("slow", "timeout"):
        await asyncio.sleep(fault.delay_seconds)
    if fault.kind == "slow":
        return True
    if fault.kind in ("timeout", "reset"):
        # ASGI has no word for dropping a connection, so this reaches for uvicorn's own.
        send.__self__.transport.abort()
        return False
    codes = {"429": "rate_limit", "409": "lock_timeout"}
    messages = {"429": "Too many requests in a period of time", "409": "This object cannot be accessed right now."}
    kind = "invalid_request_error" if fault.kind in codes else "api_error"
    error = StripeError(
        int(fault.kind),
        messages.get(fault.kind, "Sorry, something went wrong."),
        code=codes.get(fault.kind),
        error_type=kind,
    )
    headers = {"Request-Id": "req_fault"}
    if fault.retry_after_seconds is not None and fault.kind in ("429", "503"):
        headers["Retry-After"] = str(fault.retry_after_seconds)
    response = Response(orjson.dumps(error.body("req_fault")), error.status, headers, "application/json")
    await response(scope, receive, send_dated)
    return False


def application(simulator: Simulator) -> ASGIApp:
    """The whole simulator as an ASGI application."""
    app = Starlette(
        routes=[
            Route("/v1/{path:path}", _v1, methods=["GET", "POST", "DELETE"]),
            Route("/oauth/authorize", oauth.authorize, methods=["GET", "POST"]),
            Route("/oauth/token", oauth.token, methods=["POST"]),
            Route("/oauth/deauthorize", oauth.deauthorize, methods=["POST"]),
            *control.ROUTES,
        ]
    )
    app.state.simulator = simulator
    app.state.request_numbers = itertools.count(1)
    return _Gate(app, simulator)


def server(simulator: Simulator) -> uvicorn.Server:
    """A uvicorn server for the simulator; give it a bound socket to run on."""
    config = uvicorn.Config(
        application(simulator),
        log_level="warning",
        access_log=False,
        date_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def listening_socket(port: int = 0) -> socket.socket:
    """A socket on 127.0.0.1; port 0 takes any free one."""
    # The protocol is named because asyncio sets TCP_NODELAY only then: without it an answer waits up to 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


class RunningSimulator:
    """A simulator that answers at `url`; `simulator` has everything else, reachable from here as well.

    Add a `Fault` to `faults` to let requests go wrong; clear the list to let them be.
    """

    def __init__(self, simulator: Simulator, url: str) -> None:
        self.simulator = simulator
        self.url = url
        self.do = simulator.do
        self.send_event = simulator.send_event
        self.revoke = simulator.revoke
        self.restricted_key = simulator.restricted_key
        self.roll_key = simulator.roll_key
        self.faults = simulator.faults

    @property
    def requests(self) -> list[Received]:
        """Every request so far that Stripe would have seen, oldest first."""
        return list(self.simulator.requests)

    def wait_for_webhooks(self, timeout_seconds: float = 10) -> bool:
        """Whether every event was accepted, or given up, in time."""
        return self.simulator.webhooks.wait_until_idle(timeout_seconds)


@contextmanager
def running_simulator(
    accounts: Iterable[StripeAccount],
    *,
    journal: Path | None = None,
    webhook_url: str | None = None,
    webhook_secret: str = "whsec_simulator",  # noqa: S107 - signs nothing real
    secret_key: str | None = None,
    client_id: str | None = None,
    now: Callable[[], int] = wall_seconds,
    retry_after_seconds: tuple[float, ...] | None = None,
    port: int = 0,
) -> Iterator[RunningSimulator]:
    """A simulator in a thread of this process, for tests; arguments as `Simulator`'s."""
    simulator = Simulator(
        accounts,
        journal=journal,
        webhook_url=webhook_url,
        webhook_secret=webhook_secret,
        secret_key=secret_key,
        client_id=client_id,
        now=now,
        retry_after_seconds=retry_after_seconds,
    )
    bound = listening_socket(port)
    try:
        with serving(server(simulator), bound, "stripe-simulator"):
            yield RunningSimulator(simulator, f"http://127.0.0.1:{bound.getsockname()[1]}")
    finally:
        simulator.close()
        bound.close()
