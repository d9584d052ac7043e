"""Stripe's API of a world: each object as it is at Stripe's clock, which is that of the newest event sent."""

import asyncio
import contextlib
from email.utils import formatdate
from urllib.parse import urlsplit

import orjson

from tests.chaos.world import World, as_read
from tests.stripe_payloads import Json


class StripeOfWorld:
    """Answers `GET /v1/{resource}/{id}` over HTTP on a free port of 127.0.0.1."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.readings = 0
        self.url = ""
        self._clock = 0
        self._shops = {shop.external_id: shop for shop in world.shops}

    def send(self, event: Json) -> None:
        """Stripe's clock is never behind an event that it has sent."""
        self._clock = max(self._clock, event["created"])

    def read(self, account: str, object_id: str) -> tuple[int, Json]:
        """Status and body of the answer."""
        self.readings += 1
        try:
            held = self.world.truth(account, object_id, self._clock)
        except KeyError:
            return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "Unknown"}}
        if held is None:
            return 200, {"id": object_id, "object": "customer", "deleted": True}
        return 200, as_read(self._shops[account], held)

    @property
    def clock(self) -> int:
        """Seconds since 1970."""
        return self._clock

    async def __aenter__(self) -> "StripeOfWorld":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError), contextlib.closing(writer):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                status, body = self.read(headers["stripe-account"], urlsplit(head[0].split(" ")[1]).path.split("/")[3])
                content = orjson.dumps(body)
                date = formatdate(self._clock, usegmt=True)
                writer.write(
                    f"HTTP/1.1 {status} -\r\nDate: {date}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(content)}\r\n\r\n".encode()
                    + content
                )
                await writer.drain()
