"""A function behind a real server in this process, for what only a socket shows."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from functions_framework.aio import create_asgi_app

from vaultra_local.catalogue import FUNCTIONS
from vaultra_local.threaded import serving


@contextmanager
def listening(name: str) -> Iterator[str]:
    """The function behind a real server; gives its URL."""
    app = create_asgi_app(name, str(FUNCTIONS / name / "main.py"))
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    with serving(server, bound, name):
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
