"""Where the time of one request goes: our function under cProfile, in this process and without HTTP."""

import asyncio
import contextlib
import cProfile
import functools
import gc
import os
import pstats
import time
from collections.abc import Callable
from typing import Any

from functions_framework.aio import create_asgi_app

from tests.bench import servers
from vaultra_local import catalogue

WARM_UP = 300
REQUESTS = 2000
PROFILED = 1000
FUNCTIONS_SHOWN = 40


class InlineLoop(asyncio.SelectorEventLoop):
    """An event loop that runs an executor's work at once, in its own thread, where the profiler sees it."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except BaseException as error:
            future.set_exception(error)
        return future


def profile(path: str, name: str) -> None:
    """Print what a request for the path costs function `name`, and the functions that take most of it."""
    with servers.filled_database() as (postgres, tokens):
        os.environ.update(servers.settings(name, postgres.url()))
        app = create_asgi_app(name, str(catalogue.FUNCTIONS / name / "main.py"))
        ask = functools.partial(_ask, app, path, tokens[0])
        # The log is written, but not to this terminal.
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            threaded = _timed(asyncio.SelectorEventLoop(), ask)
            inline = _timed(InlineLoop(), ask)
            profiler = cProfile.Profile()
            loop = InlineLoop()
            profiler.enable()
            loop.run_until_complete(_many(ask, PROFILED))
            profiler.disable()
    print(f"{path}, one request after another, µs: CPU {threaded[0]:.0f}, elapsed {threaded[1]:.0f}")
    print(f"… without the hop to a thread: CPU {inline[0]:.0f}, elapsed {inline[1]:.0f}")
    print(f"\n{PROFILED} requests under cProfile, which makes calls look dearer than they are:")
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(FUNCTIONS_SHOWN)


def _timed(loop: asyncio.AbstractEventLoop, ask: Callable[[], Any]) -> tuple[float, float]:
    """(CPU, elapsed) microseconds of this process per request."""
    loop.run_until_complete(_many(ask, WARM_UP))
    gc.collect()
    cpu, elapsed = time.process_time(), time.perf_counter()
    loop.run_until_complete(_many(ask, REQUESTS))
    return (time.process_time() - cpu) / REQUESTS * 1e6, (time.perf_counter() - elapsed) / REQUESTS * 1e6


async def _many(ask: Callable[[], Any], count: int) -> None:
    for _ in range(count):
        await ask()


async def _ask(app: Any, path: str, token: str) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {token}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if sent[0]["status"] != 200:
        raise RuntimeError(f"{path} answered {sent[0]['status']}: {sent[1]['body']!r}")
