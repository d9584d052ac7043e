"""The one address of the local product: the load balancer's part, with the HTTP functions behind it."""

import argparse
import uuid
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultra_local import catalogue
from vaultra_local.mailbox import Mailbox
from vaultra_local.mailbox_pages import PATH as MAILBOX
from vaultra_local.mailbox_pages import mailbox_pages
from vaultra_local.server import framework_app, serve
from vaultra_local.site import Site

SITE = catalogue.ROOT / "frontend" / "dist"


class Gateway:
    """Sends a path to the function with the longest matching prefix, and everything outside `/api` to the site.

    Args:
        functions: ASGI apps by path prefix; they see the path as it came.
        site: What the rest gets, and what `/api` serves as files (the OpenAPI document).
        mailbox: What `/mailbox` gets; None where mails go out into the world, and there is no such page.
    """

    def __init__(self, functions: Mapping[str, ASGIApp], site: Site, mailbox: ASGIApp | None = None) -> None:
        self._functions = sorted(functions.items(), key=lambda item: len(item[0]), reverse=True)
        self._site = site
        self._mailbox = mailbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        app: ASGIApp = self._site
        function = self._function(path)
        if function is not None:
            app = function
        elif _within(path, "/api") and self._site.file(path) is None:
            app = _nothing_here()
        elif self._mailbox is not None and _within(path, MAILBOX):
            app = self._mailbox
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


def gateway(site: Path = SITE, mailbox: Path | None = None) -> Gateway:
    """The gateway over the catalogue's HTTP functions; `mailbox` is the folder of this machine's mails."""
    apps = {}
    for function in catalogue.load():
        if function.is_http:
            app = framework_app(function)
            apps.update(dict.fromkeys(function.paths, app))
    return Gateway(apps, Site(site), None if mailbox is None else mailbox_pages(Mailbox(mailbox)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the site and the HTTP functions.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mailbox", type=Path, help="folder of the mails to show at /mailbox/")
    options = parser.parse_args()
    serve(gateway(mailbox=options.mailbox), options.port)


if __name__ == "__main__":
    main()
