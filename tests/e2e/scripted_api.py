"""The built site in front of an API that answers what a test wrote down: for states that a real one seldom shows."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, StorageState, ViewportSize
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tests.e2e.lived_in import WIDE
from tests.e2e.product import wait_until
from vaultra_local.gateway import SITE
from vaultra_local.ports import free_port
from vaultra_local.site import Site

Json = dict[str, Any]
PREFIX = "/api/v1"
BUSINESS = "b0000000-0000-4000-8000-000000000001"
NOWHERE = 404


@dataclass(frozen=True)
class Refused:
    """An answer that is the error envelope."""

    status: int
    code: str
    message: str = "Words of the API."
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        error = {"code": self.code, "message": self.message, "details": {}, "request_id": "req_7"}
        return JSONResponse({"error": error}, self.status, self.headers)


@dataclass(frozen=True)
class File:
    """An answer that is a file."""

    content: str
    media_type: str

    def response(self) -> Response:
        return Response(self.content, media_type=self.media_type)


class Hold:
    """A place in a stream where it waits until the test lets it go on."""

    def __init__(self) -> None:
        self._released = threading.Event()

    def release(self) -> None:
        self._released.set()

    async def wait(self) -> None:
        while not self._released.is_set():
            await asyncio.sleep(0.01)


Told = tuple[str, Json] | Hold


@dataclass(frozen=True)
class Streamed:
    """An answer in server-sent events; whoever does not ask for a stream gets the last one's data."""

    events: tuple[Told, ...]


Answer = Json | Refused | File | Streamed
Asked = Callable[[Json], Answer]
"""An answer that depends on the query and the body."""


@dataclass
class ScriptedApi:
    """What it answers by `GET /metrics` and the like, what it heard, and how many streams were left early."""

    url: str
    answers: dict[str, Answer | Asked] = field(default_factory=dict)
    heard: list[tuple[str, Json]] = field(default_factory=list)
    left: int = 0

    def begin(self) -> None:
        """Forget what was heard, and know of nothing but an owner and the business."""
        self.heard.clear()
        self.left = 0
        business = {"id": BUSINESS, "name": "Quillwater Goods", "role": "owner"}
        me = {"id": "u", "email": "owner@example.com", "name": "An Owner", "avatar_url": None, "businesses": [business]}
        self.answers = {"GET /auth/me": me}

    def bodies(self, route: str) -> list[Json]:
        """What was sent to a route, query and body together, oldest first."""
        return [sent for name, sent in self.heard if name == route]

    def visitor(self, chromium: Browser, size: ViewportSize = WIDE) -> BrowserContext:
        """The browser of somebody who is signed in."""
        state: StorageState = {
            "cookies": [],
            "origins": [{"origin": self.url, "localStorage": [{"name": "vaultra_token", "value": "token"}]}],
        }
        return chromium.new_context(viewport=size, storage_state=state)

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        route = f"{request.method} {request.url.path.removeprefix(PREFIX)}"
        sent = {**request.query_params, **(json.loads(body) if body else {})}
        self.heard.append((route, sent))
        found = self.answers.get(route, Refused(NOWHERE, "NOT_FOUND"))
        answer = found(sent) if callable(found) else found
        if isinstance(answer, Refused | File):
            return answer.response()
        if not isinstance(answer, Streamed):
            return JSONResponse(answer) if answer else Response(status_code=204)
        if "text/event-stream" not in request.headers["accept"]:
            last = answer.events[-1]
            assert not isinstance(last, Hold)
            return JSONResponse(last[1])
        return StreamingResponse(self._events(answer, request), media_type="text/event-stream")

    async def _events(self, answer: Streamed, request: Request) -> AsyncIterator[str]:
        over = False
        try:
            for told in answer.events:
                if isinstance(told, Hold):
                    await told.wait()
                else:
                    yield f"event: {told[0]}\ndata: {json.dumps(told[1])}\n\n"
            over = True
        finally:
            self.left += not over


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """The site and its scripted API at one address, served from a thread."""
    port = free_port()
    api, site = ScriptedApi(f"http://127.0.0.1:{port}"), Site(SITE)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith(PREFIX):
            await (await api.answer(Request(scope, receive)))(scope, receive, send)
        else:
            await site(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, 60, "the scripted API listens")
    try:
        yield api
    finally:
        server.should_exit = True
        thread.join(10)
