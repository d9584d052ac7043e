"""Serves a set of functions in one process, each through functions-framework's own, unmodified ASGI app."""

import argparse
from collections.abc import Iterable, Mapping

import uvicorn
from functions_framework.aio import create_asgi_app
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultra_local import catalogue
from vaultra_local.catalogue import Function

SHUTDOWN_SECONDS = 3


def framework_app(function: Function) -> ASGIApp:
    """The app functions-framework makes of a function; its main.py is executed once, here."""
    app: ASGIApp = create_asgi_app(function.name, str(function.source))
    return app


class TopicServer:
    """Every function at `/{name}`; it sees the path `/`, as behind its own address in the cloud."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, _, rest = scope["path"][1:].partition("/")
        app = self._apps.get(name)
        if app is None:
            await PlainTextResponse("There is no such function\n", status_code=404)(scope, receive, send)
            return
        path = f"/{rest}"
        await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


def topic_server(functions: Iterable[Function]) -> TopicServer:
    """All functions the broker calls."""
    return TopicServer({function.name: framework_app(function) for function in functions if not function.is_http})


def serve(app: ASGIApp, port: int) -> None:
    """Answer on 127.0.0.1 until SIGTERM or SIGINT; requests under way get some seconds to end."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the topic functions.")
    parser.add_argument("--port", type=int, required=True)
    serve(topic_server(catalogue.load()), parser.parse_args().port)


if __name__ == "__main__":
    main()
