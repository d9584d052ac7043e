"""A web server in a thread of this process, for tests."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

START_SECONDS = 20


@contextmanager
def serving(server: uvicorn.Server, bound: socket.socket, name: str) -> Iterator[None]:
    """Serve on a bound socket while inside; raise `RuntimeError` when the server does not start."""
    thread = threading.Thread(target=server.run, args=([bound],), name=name, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not start")
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=5)
