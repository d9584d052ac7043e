"""Stripe's side of webhooks: sends each event until it is answered 2xx, backing off between the attempts."""

import asyncio
import hashlib
import heapq
import hmac
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import orjson

from tests.stripe_payloads import Json
from vaultra.services import utc_now

SECRET = "whsec_of_the_tests"
PATH = "/api/v1/webhooks/stripe"
ANSWER_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0


class Sender:
    """Sends over so many connections at once. A timeout, a reset or any answer but 2xx is a failed attempt.

    Args:
        ports: The ports where the webhook listens now; asked before every attempt.
        on_send: Told of every event before its attempt.
    """

    def __init__(
        self,
        ports: Callable[[], list[int]],
        *,
        connections: int,
        seed: int,
        on_send: Callable[[Json], None] = lambda event: None,
    ) -> None:
        self.answers: Counter[str] = Counter()
        self.without_retry_after = 0
        self.accepted: set[str] = set()
        self.delivered = 0
        self.slowest = 0.0
        self._ports = ports
        self._connections = connections
        self._on_send = on_send
        self._chance = random.Random(f"sender {seed}")
        self._turn = itertools.count()
        self._later: list[tuple[float, int, Json, int]] = []
        self._busy = 0

    async def send(self, deliveries: Iterable[Json], stop: asyncio.Event | None = None) -> None:
        """Deliver all of them; once `stop` is set nothing new is begun, and what has failed is still repeated."""
        rest = iter(deliveries)
        await asyncio.gather(*(self._lane(rest, stop or asyncio.Event()) for _ in range(self._connections)))

    async def _lane(self, rest: Iterator[Json], stop: asyncio.Event) -> None:
        line = Line()
        try:
            while True:
                taken = self._next(rest, stop)
                if taken is not None:
                    await self._attempt(line, *taken)
                elif self._busy or self._later:
                    await asyncio.sleep(0.02)
                else:
                    return
        finally:
            line.close()

    def _next(self, rest: Iterator[Json], stop: asyncio.Event) -> tuple[Json, int] | None:
        if self._later and self._later[0][0] <= time.monotonic():
            _, _, event, attempt = heapq.heappop(self._later)
            return event, attempt
        if stop.is_set():
            return None
        for event in rest:
            return event, 0
        return None

    async def _attempt(self, line: "Line", event: Json, attempt: int) -> None:
        self._on_send(event)
        self._busy += 1
        ports = self._ports()
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, retry_after = await line.post(ports[next(self._turn) % len(ports)], event)
            self.answers[str(status)] += 1
            self.without_retry_after += status == 503 and not retry_after
        except (OSError, EOFError, ValueError, IndexError, ZeroDivisionError) as error:
            status = 0
            self.answers[type(error).__name__] += 1
            line.close()
        finally:
            self._busy -= 1
        self.slowest = max(self.slowest, time.monotonic() - began)
        if 200 <= status < 300:
            self.accepted.add(event["id"])
            self.delivered += 1
            return
        pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * self._chance.uniform(0.5, 1)
        heapq.heappush(self._later, (time.monotonic() + pause, next(self._turn), event, attempt + 1))


class Line:
    """One connection, kept alive between requests to the same port."""

    def __init__(self) -> None:
        self._port = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, port: int, event: Json) -> tuple[int, str]:
        """Send a signed event; gives the answer's status and its Retry-After."""
        if self._streams is None or port != self._port:
            self.close()
            self._streams, self._port = await asyncio.open_connection("127.0.0.1", port), port
        reader, writer = self._streams
        writer.write(request(event))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(text.split(": ", 1) for text in head[1:] if ": " in text)
        await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return int(head[0].split(" ")[1]), headers.get("retry-after", "")

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def request(event: Json) -> bytes:
    """The request that delivers this event now, signed."""
    body = orjson.dumps(event)
    moment = int(utc_now().timestamp())
    signature = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: t={moment},v1={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
