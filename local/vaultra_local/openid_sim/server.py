"""Running the provider: in this process, or in a thread of a test."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from vaultra_local.openid_sim.issuer import CLIENT_ID, CLIENT_SECRET, OpenidSim
from vaultra_local.openid_sim.web import application
from vaultra_local.stripe_sim.clock import wall_seconds
from vaultra_local.stripe_sim.server import listening_socket
from vaultra_local.threaded import serving


def server(sim: OpenidSim) -> uvicorn.Server:
    """A uvicorn server for the provider; give it a bound socket to run on."""
    return uvicorn.Server(
        uvicorn.Config(
            application(sim), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
    )


def address(bound: socket.socket) -> str:
    """Where a bound socket is reached."""
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextmanager
def running_openid_sim(*, now: Callable[[], int] = wall_seconds) -> Iterator[OpenidSim]:
    """A provider in a thread of this process, for tests."""
    with listening_socket() as bound:
        sim = OpenidSim(address(bound), CLIENT_ID, CLIENT_SECRET, now)
        with serving(server(sim), bound, "openid-simulator"):
            yield sim
