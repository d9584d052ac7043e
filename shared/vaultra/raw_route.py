"""A raw route's way in and out: what it gets, a body bounded in size and in time, the answer that all went well."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from vaultra.call import Call, announce, fail
from vaultra.errors import InvalidInput, TooLarge
from vaultra.failpoints import reach
from vaultra.ports import Span
from vaultra.services import Services
from vaultra.threads import threads
from vaultra.web import PRIVATE, VARY

T = TypeVar("T")

LARGEST_BODY_BYTES = 1024 * 1024
SLOWEST_BODY_SECONDS = 20
# What an answer without content says, apart from its request's id.
FIXED_HEADERS = [(b"content-length", b"0"), *PRIVATE, VARY]


@dataclass(frozen=True)
class RawCall:
    """What a raw route gets: the bytes as they came, on the event loop, before anything was parsed.

    The names of `headers` are in lower case.
    """

    body: bytes
    headers: Mapping[str, str]
    now: Any
    services: Services
    request_id: str
    span: Span | None = None

    async def run(self, work: Callable[[Call], None]) -> None:
        """Run work in a transaction of its own, commit it and publish what it announced.

        On the event loop if a connection lies ready, whose replies are awaited, else in a thread. Others go on.
        """
        from vaultra.db.loop_wait import NeedsThread, run_on_loop

        try:
            call = await run_on_loop(self.services.engine, partial(self._commit, work))
        except NeedsThread:
            call = await self._in_thread(partial(self._commit, work))
        if call.announces:
            await self._in_thread(partial(announce, call, must_announce=False))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads(), work)

    def _commit(self, work: Callable[[Call], None]) -> Call:
        call = Call(services=self.services, now=self.now, request_id=self.request_id, headers=self.headers)
        call.span = self.span
        try:
            work(call)
            call.commit()
            reach("committed")
        except BaseException as error:
            raise fail(call, error) from error
        return call


class Received(Response):
    """An answer that only says that all went well, whose headers are mostly made beforehand."""

    def __init__(self, status: int, request_id: str) -> None:
        self.status_code = status
        self.raw_headers = [*FIXED_HEADERS, (b"x-request-id", request_id.encode("ascii"))]
        self.body = b""
        self.background = None


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """A request's headers by their name in lower case; of several with the same name the first."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


async def read_body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]], announced: str) -> bytes:
    """The whole body of a request whose Content-Length is `announced`.

    Raises:
        TooLarge, InvalidInput: it is larger than we take, or does not arrive in time.
        ClientDisconnect: whoever sent it went away.
    """
    if announced.isdecimal() and int(announced[:19]) > LARGEST_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(SLOWEST_BODY_SECONDS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > LARGEST_BODY_BYTES:
                    raise _too_large()
                more = message.get("more_body", False)
    except TimeoutError:
        raise InvalidInput("The body did not arrive in time") from None
    return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"The body may have at most {LARGEST_BODY_BYTES} bytes")
