"""What load balancers and probes ask: whether a function is there, and whether it reaches its database."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from vaultra import __version__
from vaultra.call import Call
from vaultra.parsing import require_method
from vaultra.threads import in_thread


async def answer(name: str, request: Request, call: Call) -> Response | None:
    """The answer of the function with this name; None when the request asks for something else.

    Raises:
        MethodNotAllowed: it is no reading.
        Unavailable: the database does not answer.
    """
    path = request.url.path
    if not path.endswith(("/health", "/health/ready")):
        return None
    call.route = "/health/ready" if path.endswith("/ready") else "/health"
    require_method(request, "GET", "HEAD")
    if path.endswith("/ready"):
        await in_thread(lambda: _touch_database(call), call)
    body = {"status": "ok", "function": name, "version": __version__}
    return Response(orjson.dumps(body), media_type="application/json")


def _touch_database(call: Call) -> None:
    from vaultra.db.engine import ping

    ping(call.db)
