"""Replies that come in pieces: server-sent events while they are made, or their end as JSON."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 15.0
HEARTBEAT = b": still here\n\n"
AT_ONCE = 64
CLIENT_GONE = 499
# Beside what every answer says: nothing on the way may keep pieces back, or change them.
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}

InContext = Callable[[Callable[[], Any]], Any]
"""Runs work in a thread as the edge would: with the call's log context, and with errors in our words."""
Frames = asyncio.Queue[bytes | None]
"""What is sent, piece by piece; None is the end."""
R_co = TypeVar("R_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True)
class ServerEvent:
    """One piece of a reply, by the name its reader listens for."""

    name: str
    data: BaseModel


@dataclass(frozen=True)
class Stream(Generic[R_co]):
    """What a route gives that answers in pieces. The last event is the whole reply.

    The events are made in a thread of their own, after the call was committed; whoever makes them opens connections
    for as long as a statement takes. When the caller goes away, they are closed, and end where they stand.
    """

    events: Generator[ServerEvent]


# They wait for others rather than compute, so there are more of them than of those that calls run in.
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stream")


async def last_of(stream: Stream[BaseModel], in_context: InContext) -> BaseModel:
    """The whole reply, once it is there."""

    def run() -> BaseModel:
        last: BaseModel | None = None
        for event in stream.events:
            last = event.data
        assert last is not None, "a stream ends with the whole reply"
        return last

    reply: BaseModel = await asyncio.get_running_loop().run_in_executor(_threads, in_context, run)
    return reply


class EventStream(Response):
    """The answer whose body are a stream's events, and a sign of life where none comes for a while.

    Args:
        tell: The envelope of an error, as it stands in an answer's body.
        when_over: Told the status at the end: 200, also when the stream ended with an error; 499 when the caller left.
    """

    def __init__(
        self,
        stream: Stream[BaseModel],
        in_context: InContext,
        tell: Callable[[Exception], bytes],
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.media_type = EVENT_STREAM
        # It has no `body`, so Starlette says nothing of its length.
        self.init_headers({**HEADERS, "Content-Type": f"{EVENT_STREAM}; charset=utf-8"})
        self.when_over: Callable[[int], Awaitable[None]] | None = None
        self._stream, self._in_context, self._tell = stream, in_context, tell
        self._heartbeat_seconds = heartbeat_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as all answers are called
        status = self.status_code
        frames: Frames = asyncio.Queue()
        gone = threading.Event()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(_threads, self._make, frames, loop, gone)
        left = asyncio.ensure_future(_until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for frame in self._frames(frames, left):
                await send({"type": "http.response.body", "body": frame, "more_body": True})
            if left.done():
                status = CLIENT_GONE
            else:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError:  # a server may say so instead of telling `receive`
            status = CLIENT_GONE
        finally:
            gone.set()
            left.cancel()
            with suppress(Exception):
                await work
            if self.when_over is not None:
                await self.when_over(status)

    async def _frames(self, frames: Frames, left: "asyncio.Future[None]") -> AsyncIterator[bytes]:
        """Each frame when it is there, and heartbeats between; ends with the stream, or when the caller left."""
        while True:
            coming = asyncio.ensure_future(frames.get())
            either: list[asyncio.Future[Any]] = [coming, left]
            while not coming.done():
                await asyncio.wait(either, timeout=self._heartbeat_seconds, return_when=asyncio.FIRST_COMPLETED)
                if left.done():
                    coming.cancel()
                    return
                if not coming.done():
                    yield HEARTBEAT
            frame = coming.result()
            if frame is None:
                return
            yield frame

    def _make(self, frames: Frames, loop: asyncio.AbstractEventLoop, gone: threading.Event) -> None:
        """In a thread: make the events, and hand them to the loop."""

        def hand_over(frame: bytes | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: the server stops
                loop.call_soon_threadsafe(frames.put_nowait, frame)

        def run() -> None:
            with closing(self._stream.events):
                for event in self._stream.events:
                    if gone.is_set():
                        return
                    hand_over(frame_of(event.name, event.data.model_dump_json().encode()))

        try:
            self._in_context(run)
        except Exception as error:
            hand_over(frame_of("error", self._tell(error)))
        finally:
            hand_over(None)


def frame_of(name: str, data: bytes) -> bytes:
    """A server-sent event; `data` is JSON on one line."""
    return b"event: " + name.encode("ascii") + b"\ndata: " + data + b"\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
