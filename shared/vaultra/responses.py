"""What is answered: a reply as its route has it, an error's envelope, and what every answer carries."""

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from vaultra import web
from vaultra.errors import MethodNotAllowed, Unauthorized, Unavailable, VaultraError
from vaultra.routes import Route
from vaultra.telemetry import log


@dataclass(frozen=True)
class Redirect:
    """Sends the browser elsewhere."""

    url: str
    status: int = 302


@dataclass(frozen=True)
class Download:
    """A file to keep, named `name`; its route says under `downloads` which media types it may have."""

    name: str
    media_type: str
    content: str


def render(route: Route, reply: Any) -> Response:
    """What a route's handler gave, as its answer."""
    if isinstance(reply, Redirect):
        return Response(status_code=reply.status, headers={"Location": reply.url})
    if isinstance(reply, Download):
        disposition = f'attachment; filename="{reply.name}"'
        return Response(reply.content, media_type=reply.media_type, headers={"Content-Disposition": disposition})
    if reply is None:
        return Response(status_code=204 if route.status == 200 else route.status)
    return Response(reply.model_dump_json(), status_code=route.status, media_type="application/json")


def error_response(error: Exception, request_id: str) -> Response:
    """The envelope of an error; one that is none of ours is logged, and tells the caller nothing."""
    if not isinstance(error, VaultraError):
        log.error("request.crashed", exc_info=error)
        error = VaultraError("Something went wrong on our side")
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.details["allowed"])
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = error.challenge
    if isinstance(error, Unavailable):
        log.warning("request.unavailable", reason=error.message)
    envelope = {
        "error": {"code": error.code, "message": error.message, "details": error.details, "request_id": request_id}
    }
    return Response(orjson.dumps(envelope), status_code=error.status, media_type="application/json", headers=headers)


def dress(response: Response, request_id: str, origin: str | None, site_url: str) -> None:
    """Put on what every answer carries."""
    response.raw_headers.extend([*web.PRIVATE, (b"x-request-id", request_id.encode("ascii"))])
    web.share_with_site(origin, response, site_url)
