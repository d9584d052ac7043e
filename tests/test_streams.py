"""Replies in pieces: what is sent while it is made, signs of life, and what happens when the caller leaves."""

import asyncio
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from vaultra.errors import VaultraError
from vaultra.streams import HEARTBEAT, EventStream, ServerEvent, Stream, last_of

SECONDS = 10


class Said(BaseModel):
    """Something."""

    text: str


@dataclass
class Caller:
    """Who is answered: keeps what was sent, leaves after so many messages.

    Where it `fails`, sending tells that they left, and receiving does not.
    """

    leaves_after: int | None = None
    fails: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)
    is_gone: bool = False
    has_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> dict[str, Any]:
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.is_gone and self.fails:
            raise OSError("gone")
        self.sent.append(dict(message))
        if self.leaves_after is not None and len(self.sent) >= self.leaves_after:
            self.is_gone = True
            if not self.fails:
                self.has_left.set()

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()


def events(*texts: str, over: Callable[[], None] = lambda: None) -> Generator[ServerEvent]:
    try:
        for text in texts:
            yield ServerEvent("delta", Said(text=text))
    finally:
        over()


def told(error: Exception) -> bytes:
    assert isinstance(error, VaultraError)
    return b'{"error":{"message":"%s"}}' % error.message.encode()


def answer(stream: Generator[ServerEvent], heartbeat: float = 15, **caller: Any) -> tuple[Caller, list[int]]:
    """What a caller got, and the statuses it was over with."""
    statuses: list[int] = []

    async def over(status: int) -> None:
        statuses.append(status)

    async def run() -> Caller:
        asks = Caller(**caller)
        response = EventStream(Stream(stream), lambda work: work(), told, heartbeat)
        response.when_over = over
        async with asyncio.timeout(SECONDS):
            await response({"type": "http"}, asks.receive, asks.send)
        return asks

    return asyncio.run(run()), statuses


def test_each_event_is_sent_as_it_is_and_the_end_is_told() -> None:
    caller, statuses = answer(events("One.\n", "Zwei: ü"))
    assert caller.body == 'event: delta\ndata: {"text":"One.\\n"}\n\nevent: delta\ndata: {"text":"Zwei: ü"}\n\n'
    assert caller.sent[0]["status"] == 200
    headers = dict(caller.sent[0]["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-cache, no-transform"
    assert headers[b"x-accel-buffering"] == b"no"
    assert b"content-length" not in headers
    assert [message.get("more_body") for message in caller.sent[1:]] == [True, True, False]
    assert statuses == [200]


def test_an_event_does_not_wait_for_the_next_one() -> None:
    seen = threading.Event()

    class Watches(Caller):
        async def send(self, message: Any) -> None:
            await super().send(message)
            if b"One" in message.get("body", b""):
                seen.set()

    def making() -> Generator[ServerEvent]:
        yield ServerEvent("delta", Said(text="One"))
        assert seen.wait(SECONDS), "it was kept back"
        yield ServerEvent("delta", Said(text="Two"))

    async def run() -> Caller:
        asks = Watches()
        async with asyncio.timeout(SECONDS):
            await EventStream(Stream(making()), lambda work: work(), told)({"type": "http"}, asks.receive, asks.send)
        return asks

    assert "Two" in asyncio.run(run()).body


def test_where_nothing_comes_a_sign_of_life_does() -> None:
    go_on = threading.Event()

    def slow() -> Generator[ServerEvent]:
        yield ServerEvent("delta", Said(text="One"))
        go_on.wait(0.3)
        yield ServerEvent("delta", Said(text="Two"))

    caller, _ = answer(slow(), heartbeat=0.05)
    between = caller.body.partition('"One"}')[2].partition("event: delta")[0]
    assert between.count(HEARTBEAT.decode()) >= 2


def test_an_error_in_the_middle_is_the_last_event() -> None:
    def failing() -> Generator[ServerEvent]:
        yield ServerEvent("delta", Said(text="One"))
        raise VaultraError("It broke")

    caller, statuses = answer(failing())
    assert caller.body.endswith('event: error\ndata: {"error":{"message":"It broke"}}\n\n')
    assert caller.sent[-1]["more_body"] is False
    assert statuses == [200]


def test_when_the_caller_leaves_nothing_more_is_made() -> None:
    made: list[int] = []
    over = threading.Event()

    def endless() -> Generator[ServerEvent]:
        try:
            for number in range(1_000_000):
                made.append(number)
                yield ServerEvent("delta", Said(text=str(number)))
                threading.Event().wait(0.002)
        finally:
            over.set()

    for fails in (False, True):
        made.clear()
        over.clear()
        making = endless()
        _, statuses = answer(making, leaves_after=4, fails=fails)
        assert over.wait(SECONDS)  # although somebody still holds it
        assert len(made) < 1000
        assert statuses == [499]


def test_whoever_wants_no_events_gets_the_last_one() -> None:
    closed: list[bool] = []
    stream = Stream[Said](events("One", "Two", over=lambda: closed.append(True)))
    assert asyncio.run(last_of(stream, lambda work: work())) == Said(text="Two")
    assert closed == [True]
