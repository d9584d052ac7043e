"""An owner's assistant: the MCP room on a real socket, and the official client that talks to it with a token."""

import datetime as dt
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import UUID

import httpx2
import uvicorn
from functions_framework.aio import create_asgi_app
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from vaultra.config import SiteSettings
from vaultra.services import Services
from vaultra.usecases import personal_tokens
from vaultra_local.catalogue import FUNCTIONS
from vaultra_local.threaded import serving

NEWEST = "2026-07-28"
# How a client may begin, and the revision that is spoken then.
MODES = {"auto": NEWEST, NEWEST: NEWEST, "legacy": "2025-11-25"}
# What every request of the newest revision says of its client.
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": NEWEST,
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def in_newest(method: str, params: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """A request of the newest revision, without its token: headers and body."""
    headers = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": NEWEST,
        "Mcp-Method": method,
        **({"Mcp-Name": params[_NAMED[method]]} if method in _NAMED else {}),
    }
    return headers, {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": ENVELOPE}}


def a_token(engine: Engine, user_id: str, business_id: UUID | str, now: dt.datetime, days: int = 30) -> str:
    """A personal access token of this user for this business."""
    with engine.begin() as db:
        _, token = personal_tokens.create(
            db,
            user_id=UUID(user_id),
            business_id=UUID(str(business_id)),
            name="Assistant",
            lifetime=dt.timedelta(days=days),
            now=now,
        )
    return token


@contextmanager
def mcp_served(services: Services, token: str | None = None) -> Iterator[str]:
    """The deployed function behind a web server of this process; gives its address.

    Args:
        token: Shown for clients that can't show one themselves.
    """
    with socket.create_server(("127.0.0.1", 0)) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        services.site = SiteSettings(site_url=origin, public_api_url=f"{origin}/api/v1")
        app: ASGIApp = create_asgi_app("mcp", str(FUNCTIONS / "mcp" / "main.py"))
        config = uvicorn.Config(app if token is None else showing(app, token), lifespan="off", log_level="warning")
        with serving(uvicorn.Server(config), bound, "mcp"):
            yield f"{origin}/mcp"


def showing(app: ASGIApp, token: str) -> ASGIApp:
    """The app, for clients that have no place for a token."""

    async def shown(scope: Scope, receive: Receive, send: Send) -> None:
        header = (b"authorization", f"Bearer {token}".encode())
        await app({**scope, "headers": [*scope["headers"], header]}, receive, send)

    return shown


@asynccontextmanager
async def assistant(url: str, token: str, mode: Any = "auto") -> AsyncIterator[Client]:
    """The official client, connected."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client
