"""A server that only answers, to see how fast the load itself can be."""

from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    """200 without looking at the request."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
