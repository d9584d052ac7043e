"""The one address of the local product: the load balancer's part, with the HTTP functions behind it."""

import argparse
import uuid
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultra_local import catalogue
from vaultra_local.server import framework_app, serve
from vaultra_local.site import Site

SITE = catalogue.ROOT / "frontend" / "dist"


class Gateway:
    """Sends a path to the function with the longest matching prefix, and everything outside `/api` to the site.

    Args:
        functions: ASGI apps by path prefix; they see the path as it came.
        site: What the rest gets, and what `/api` serves as files (the OpenAPI document).
    """

    def __init__(self, functions: Mapping[str, ASGIApp], site: Site) -> None:
        self._functions = sorted(functions.items(), key=lambda item: len(item[0]), reverse=True)
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        app: ASGIApp = self._site
        function = self._function(path)
        if function is not None:
            app = function
        elif _within(path, "/api") and self._site.file(path) is None:
            app = _nothing_here()
        await app(scope, receive, send)

    def _function(self, path: str) -> ASGIApp | None:
        return next((app for prefix, app in self._functions if _within(path, prefix)), None)


def _within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _nothing_here() -> JSONResponse:
    request_id = uuid.uuid4().hex
    error = {
        "code": "NOT_FOUND",
        "message": "There is nothing at this address",
        "details": {},
        "request_id": request_id,
    }
    return JSONResponse(
        {"error": error},
        status_code=404,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Request-Id": request_id},
    )


def gateway(site: Path = SITE) -> Gateway:
    """The gateway over the catalogue's HTTP functions."""
    apps = {}
    for function in catalogue.load():
        if function.is_http:
            app = framework_app(function)
            apps.update(dict.fromkeys(function.paths, app))
    return Gateway(apps, Site(site))


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the site and the HTTP functions.")
    parser.add_argument("--port", type=int, required=True)
    serve(gateway(), parser.parse_args().port)


if __name__ == "__main__":
    main()
