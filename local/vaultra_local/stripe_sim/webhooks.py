"""Webhook delivery as Stripe does it: signed, at least once, in no promised order, tried again for minutes."""

import hashlib
import heapq
import hmac
import http.client
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from vaultra_local.stripe_sim.clock import wall_time
from vaultra_local.stripe_sim.ids import stripe_id
from vaultra_local.stripe_sim.shapes import TEMPLATES, Json

RETRY_AFTER_SECONDS = (0.3, 1, 2, 4, 8, 15, 30, 60, 60)
"""Pauses between the attempts of one delivery; after the last one it is given up."""
WORKERS = 4
TIMEOUT_SECONDS = 20
SHUFFLE_SECONDS = 0.5


def sign(payload: bytes, secret: str, at: int) -> str:
    """The `Stripe-Signature` header of these exact bytes, made at `at` (seconds since 1970)."""
    signature = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={signature}"


def signed(event: Json, secret: str, at: int) -> tuple[bytes, dict[str, str]]:
    """An event as Stripe posts it: the body and its headers, signed at `at`."""
    payload = orjson.dumps(event)
    return payload, {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": sign(payload, secret, at)}


def build_event(
    event_type: str,
    account_id: str,
    about: Json,
    *,
    created: int,
    livemode: bool = True,
    previous: Json | None = None,
    event_id: str | None = None,
) -> Json:
    """Any event about any object; its id follows from the rest unless it is given."""
    data = {"object": about} if previous is None else {"object": about, "previous_attributes": previous}
    whole = {"account": account_id, "created": created, "data": data, "livemode": livemode, "type": event_type}
    made_id = event_id or stripe_id("evt", account_id, event_type, created, orjson.dumps(data))
    return {**TEMPLATES["event"], "id": made_id, **whole, "pending_webhooks": 1}


@dataclass
class Disturbance:
    """What goes wrong on the way, each a share in [0, 1] of the events; drawn from a seeded generator."""

    drop: float = 0.0
    duplicate: float = 0.0
    shuffle: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - chance, not secrecy

    def delays(self) -> list[float]:
        """After how many seconds each copy of the next event starts out; empty when it gets lost."""
        draw = self._random.random
        if draw() < self.drop:
            return []
        copies = 2 if draw() < self.duplicate else 1
        return [draw() * SHUFFLE_SECONDS if draw() < self.shuffle else 0.0 for _ in range(copies)]


@dataclass(frozen=True)
class Attempt:
    """One try at one delivery; `status` is None when nothing answered."""

    event_id: str
    number: int
    at: float
    status: int | None


class WebhookSender:
    """Delivers events from threads of its own.

    Args:
        url: Where to; http only, since the receiver runs on the same machine.
        secret: Signs every attempt anew.
        now: Tells seconds since 1970.
        on_done: Told an event's id once it has been accepted, or given up.
        retry_after_seconds: Pauses between attempts.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        now: Callable[[], int],
        on_done: Callable[[str], None] = lambda _: None,
        retry_after_seconds: tuple[float, ...] = RETRY_AFTER_SECONDS,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"not an http URL: {url}")
        self.url = url
        self.disturbance = Disturbance()
        self.attempts: list[Attempt] = []
        self._host, self._port = parts.hostname, parts.port or 80
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret = secret
        self._now = now
        self._on_done = on_done
        self._pauses = retry_after_seconds
        self._queue: list[tuple[float, int, int, str, bytes]] = []
        self._sequence = 0
        self._busy = 0
        self._stopped = False
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._work, name="webhooks", daemon=True) for _ in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def send(self, event_id: str, payload: bytes) -> None:
        """Deliver this body, sooner or later, whatever the disturbance makes of it."""
        delays = self.disturbance.delays()
        for delay in delays:
            self._put(time.monotonic() + delay, 1, event_id, payload)
        if not delays:
            self._on_done(event_id)

    def wait_until_idle(self, timeout_seconds: float = 10) -> bool:
        """Whether everything was delivered or given up in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout_seconds)

    def close(self) -> None:
        """Stop at once; what has not been delivered stays undelivered."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=1)

    def _put(self, due: float, number: int, event_id: str, payload: bytes) -> None:
        with self._changed:
            self._sequence += 1
            heapq.heappush(self._queue, (due, self._sequence, number, event_id, payload))
            self._changed.notify()

    def _work(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while (job := self._take()) is not None:
            number, event_id, payload = job
            status, connection = self._post(connection, payload)
            with self._changed:
                self.attempts.append(Attempt(event_id, number, wall_time(), status))
            if (status is not None and 200 <= status < 300) or number > len(self._pauses):
                self._on_done(event_id)
            else:
                self._put(time.monotonic() + self._pauses[number - 1], number + 1, event_id, payload)
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _take(self) -> tuple[int, str, bytes] | None:
        """The next delivery that is due; None when the sender stops."""
        with self._changed:
            while not self._stopped:
                if self._queue and self._queue[0][0] <= time.monotonic():
                    _, _, number, event_id, payload = heapq.heappop(self._queue)
                    self._busy += 1
                    return number, event_id, payload
                self._changed.wait(max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None)
            return None

    def _post(
        self, connection: http.client.HTTPConnection | None, payload: bytes
    ) -> tuple[int | None, http.client.HTTPConnection | None]:
        """The answer's status, None when there was none, and the connection to use next."""
        connection = connection or http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(payload, self._secret, self._now()),
            "User-Agent": "Stripe/1.0 (simulator)",
        }
        try:
            connection.request("POST", self._path, payload, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return None, None
        return answer.status, connection
