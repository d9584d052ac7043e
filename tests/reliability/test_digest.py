"""RELIABILITY row E18 and S7: whatever dies on the way, every person has one digest on a day, and no more."""

import datetime as dt
import email
from collections import Counter, deque
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from tests.adapters.test_smtp import FreePort, Received
from tests.digests import BERLIN_MORNING, a_scored_reader
from tests.reliability.killable import Json, Killable, killable
from vaultra.db.models import Mail, User
from vaultra.failpoints import EXIT_STATUS
from vaultra.usecases import dispatch
from vaultra_local import catalogue

PEOPLE = 3
NAMES = ("dispatch", "send_notification_digest", "send_mail")
FUNCTIONS = {function.topic: function.name for function in catalogue.load() if function.name in NAMES}
JOB: Json = {"job": "send_notification_digest"}
SWEEP: Json = {"job": "sweep"}
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def server() -> Iterator[FreePort]:
    """A mail server that takes everything."""
    controller = FreePort(Received(), hostname="127.0.0.1", port=0)
    controller.start()
    yield controller
    controller.stop()


@pytest.fixture
def readers(fresh_engine: Engine) -> dict[str, UUID]:
    """People whose digest is due, by address."""
    with fresh_engine.begin() as conn:
        ids = [a_scored_reader(conn)[0] for _ in range(PEOPLE)]
        return {row.email: row.id for row in conn.execute(select(User.email, User.id).where(User.id.in_(ids)))}


class Run:
    """A broker that brings every message until it is acknowledged, and a clock that goes on.

    `fail_at` are the failpoints at which the first, the second, … delivery of a message dies, by function.
    """

    def __init__(self, functions: Killable, fail_at: dict[str, list[str]]) -> None:
        self._functions = functions
        self._fail_at = fail_at
        self.now = BERLIN_MORNING
        self.deaths: Counter[str] = Counter()
        self.deliveries = 0

    def tick(self, job: Json) -> int:
        """Put a job on its topic, and deliver everything that comes of it; how many messages that were."""
        waiting: deque[tuple[str, Json, list[str]]] = deque()
        self._queue(waiting, [(dispatch.TICK_TOPIC, job)])
        count = 0
        while waiting:
            topic, body, points = waiting.popleft()
            point = points.pop(0) if points else ""
            function = FUNCTIONS[topic]
            status = self._functions.deliver(function, body, self.now, f"{point}=exit" if point else "")
            self.deliveries += 1
            self.deaths[f"{function} {point}"] += status == EXIT_STATUS
            assert status in (0, EXIT_STATUS)
            if status != 0:
                waiting.append((topic, body, points))
            count += status == 0
            self._queue(waiting, self._functions.take_published())
        return count

    def until_quiet(self) -> None:
        """Sweep every other minute, as long as that finds something that was lost."""
        for _ in range(20):
            self.now += 2 * MINUTE
            if self.tick(SWEEP) == 1:
                return
        raise AssertionError("there is always something left")

    def _queue(self, waiting: deque[tuple[str, Json, list[str]]], messages: list[tuple[str, Json]]) -> None:
        waiting.extend((topic, body, list(self._fail_at.get(FUNCTIONS[topic], []))) for topic, body in messages)


def messages(server: FreePort) -> list[EmailMessage]:
    """What the mail server took."""
    received: Any = server.handler
    return [email.message_from_bytes(envelope.content, policy=default) for envelope in received.envelopes]


def sent(engine: Engine) -> Counter[tuple[UUID | None, bool]]:
    """The rows of the outbox: whose, and whether they were sent."""
    with engine.connect() as conn:
        return Counter(
            (row.user_id, row.sent_at is not None) for row in conn.execute(select(Mail.user_id, Mail.sent_at))
        )


EVERYWHERE = {
    "dispatch": ["committed", "announced"],
    "send_notification_digest": ["committed", "announced"],
    "send_mail": ["mail_taken", "committed", "announced"],
}


@pytest.mark.parametrize("fail_at", [{}, EVERYWHERE], ids=["nowhere", "everywhere"])
def test_e18_killed_at_every_step_and_run_twice_it_is_one_mail_for_everybody(
    fresh_database_url: str,
    fresh_engine: Engine,
    readers: dict[str, UUID],
    server: FreePort,
    tmp_path: Path,
    fail_at: dict[str, list[str]],
) -> None:
    """Killed between the server's yes and our mark, a mail goes out again under the same Message-ID (decision 13)."""
    with killable(fresh_database_url, server.port, tmp_path, NAMES) as functions:
        run = Run(functions, fail_at)
        for _ in range(2):
            run.tick(JOB)
            run.until_quiet()
    assert sent(fresh_engine) == {(user, True): 1 for user in readers.values()}
    found = messages(server)
    by_person: dict[str, set[str]] = {}
    for message in found:
        by_person.setdefault(message["To"], set()).add(message["Message-ID"])
    assert {address: len(ids) for address, ids in by_person.items()} == dict.fromkeys(readers, 1)
    assert len(found) == PEOPLE + run.deaths["send_mail mail_taken"]
    assert all(message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" for message in found)
    deaths = sum(run.deaths.values())
    assert all(run.deaths[f"{name} {point}"] > 0 for name, points in fail_at.items() for point in points)
    print(
        f"\nE18: {PEOPLE} people, 2 runs, {run.deliveries} deliveries of which {deaths} died "
        f"({', '.join(f'{count} {name}' for name, count in sorted(run.deaths.items()) if count) or 'none'}): "
        f"{len(found)} mails handed over, {sum(map(len, by_person.values()))} by Message-ID, 1 for each person"
    )
