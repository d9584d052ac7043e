"""The edge of the MCP room: who may ask, and which business an assistant's token opens. See docs/decisions/0023."""

import functools
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vaultra.agent.tools import ToolContext
from vaultra.call import Call
from vaultra.config import SiteSettings
from vaultra.db import accounts
from vaultra.db.short_reads import short_reads
from vaultra.domain.limits import MCP_BY_TOKEN
from vaultra.entrypoints import asgi_function
from vaultra.errors import Forbidden, NotFound, Unauthorized
from vaultra.parsing import body_of, require_json, require_method
from vaultra.threads import in_thread
from vaultra.usecases import limits, personal_tokens

PATH = "/mcp"
METADATA = "/.well-known/oauth-protected-resource"
JSON = "application/json"
LOOPBACK = ("127.0.0.1", "localhost")


class TokenNeeded(Unauthorized):
    """No token was shown, or none of ours; the challenge names where this is described (RFC 9728)."""

    def __init__(self, site: SiteSettings) -> None:
        super().__init__(
            "Show a personal access token of Vaultra's. Make one in its settings, under Your own assistant."
        )
        self.challenge = f'Bearer resource_metadata="{_origin(site.public_api_url)}{METADATA}{PATH}"'


def mcp_function(name: str) -> Callable[..., Any]:
    """The deployable function of the MCP room; `name` is its folder and its key in functions.yaml."""
    return asgi_function(name, _answer)


async def _answer(request: Request, call: Call) -> Response:
    path = request.url.path.removesuffix("/")
    if path in (METADATA, METADATA + PATH):
        call.route = METADATA
        require_method(request, "GET", "HEAD")
        return Response(orjson.dumps(_metadata(call.services.site)), media_type=JSON)
    if path != PATH:
        raise NotFound("There is nothing at this address")
    call.route = PATH
    # An answer is whole when it is sent, and nothing is kept between two requests: no stream to open, nothing to end.
    require_method(request, "POST")
    _check_where_from(request, call.services.site)
    require_json(request)
    body = await body_of(request)
    token = _bearer(request)
    entered = None if token is None else await in_thread(lambda: _enter(call, token), call)
    if entered is None:
        raise TokenNeeded(call.services.site)
    user_id, context = entered
    structlog.contextvars.bind_contextvars(user_id=str(user_id), business_id=str(context.business.id))
    return await _speak(request, body, call, context)


def _check_where_from(request: Request, site: SiteSettings) -> None:
    """Refuse what a page of somebody else's made a browser send, be it under a name that leads here by a trick."""
    if request.headers.get("host", "").lower() not in _hosts(site):
        raise Forbidden("This is not the address of Vaultra's MCP server")
    origin = request.headers.get("origin")
    if origin is not None and origin not in (_origin(site.site_url), _origin(site.public_api_url)):
        raise Forbidden("Other sites' pages can't use Vaultra's MCP server")


def _bearer(request: Request) -> str | None:
    """The token of the one Authorization header; None without one."""
    given = request.headers.getlist("authorization")
    scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _enter(call: Call, token: str) -> tuple[UUID, ToolContext] | None:
    """Whose token it is, and what tools may use for it: their business, with their role as it stands now.

    None when the token opens nothing.

    Raises:
        RateLimited: the token was used too often.
    """
    call.commits_each_statement = True
    found = personal_tokens.verify(call.db, token, call.now)
    membership = None if found is None else accounts.find_membership(call.db, *found)
    if membership is not None:
        limits.take(call.db, call.now, MCP_BY_TOKEN.of(token))
    call.commit()
    if found is None or membership is None:
        return None
    services = call.services
    context = ToolContext(
        business=membership,
        now=call.now,
        open=short_reads(services.engine),
        embedder=services.embedder,
        vectors=services.vectors,
    )
    return found[0], context


async def _speak(request: Request, body: bytes, call: Call, context: ToolContext) -> Response:
    """The protocol's answer. It is whole before it leaves: nothing is told while a tool runs."""
    from vaultra.mcp_server import CALLER, Caller, answer

    caller = Caller(context, lambda work: in_thread(work, call))
    unread = iter([{"type": "http.request", "body": body, "more_body": False}])
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        for message in unread:
            return message
        return await request.receive()

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    # Space around a value is not part of it (RFC 9110, 5.5), but the web server's fast parser leaves it there.
    headers = [(name, value.strip(b" \t")) for name, value in request.scope["headers"]]
    await answer({**request.scope, "headers": headers, CALLER: caller}, receive, send)
    start = next((message for message in sent if message["type"] == "http.response.start"), None)
    if start is None:
        raise ClientDisconnect  # the protocol's part noticed it first
    kinds = [value.decode("latin-1") for key, value in start["headers"] if key.lower() == b"content-type"]
    content = b"".join(message.get("body", b"") for message in sent)
    return Response(content, start["status"], {"Content-Type": kinds[0]} if kinds and content else None)


def _metadata(site: SiteSettings) -> dict[str, Any]:
    """What RFC 9728 has a protected resource say of itself. Tokens come from the site's settings, by no protocol."""
    return {
        "resource": f"{_origin(site.public_api_url)}{PATH}",
        "resource_name": "Vaultra",
        "bearer_methods_supported": ["header"],
        "resource_documentation": f"{_origin(site.site_url)}/help/data-privacy-and-stripe-access/#sharing",
    }


@functools.cache
def _hosts(site: SiteSettings) -> frozenset[str]:
    """The names under which owners reach us; on one's own machine both of its names."""
    parts = [urlsplit(url) for url in (site.site_url, site.public_api_url)]
    names = {part.netloc.lower() for part in parts}
    names |= {
        part.netloc.replace(part.hostname or "", one) for part in parts if part.hostname in LOOPBACK for one in LOOPBACK
    }
    return frozenset(names)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
