"""RELIABILITY rows E17 and E18: a tick that comes often is one, and one that crashes goes on where it was."""

import asyncio
import datetime as dt
import threading
from collections import Counter
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, text

from tests.connected import connect, keep, rows, statuses
from tests.fakes import FakePublisher
from tests.functions.envelopes import envelope
from tests.reliability.conftest import client
from tests.reliability.reading import DAY, MINUTE
from tests.stripe_payloads import NOON, Json, event
from tests.threads import in_threads
from vaultra import failpoints
from vaultra.db import sync_runs
from vaultra.db.objects import Account
from vaultra.services import Services
from vaultra.usecases import dispatch, sync
from vaultra.usecases.dispatch import Tick


def read_once(conn: Connection, name: str, now: dt.datetime) -> Account:
    account = connect(conn, name)
    run = sync_runs.open_run(conn, account.id, "initial", [], now)
    sync_runs.advance(conn, run, position=0, cursor=None, progress=1, read=0, now=now, finished=True)
    return account


def footprint(conn: Connection) -> dict[str, Any]:
    """What a tick may change, without its times."""
    tables = ("sync_runs", "stripe_events", "metrics_due", "mails", "dead_letters", "daily_rollups", "sessions")
    times = {"updated_at", "started_at", "plan", "id"}
    return {
        table: sorted(
            str({name: value for name, value in row.items() if name not in times})
            for row in rows(conn, table, "1")
        )
        for table in tables
    }  # fmt: skip


@pytest.mark.parametrize("job", sorted(dispatch.JOBS))
def test_e17_a_tick_ten_times_at_once_is_one(fresh_engine: Engine, job: str) -> None:
    """None of them carries a scheduled time, as on Cloud Scheduler's topics."""
    now, times = NOON + DAY, 10
    with fresh_engine.begin() as conn:
        accounts = [read_once(conn, f"acct_{n}", NOON) for n in range(5)]
        stalled = sync_runs.open_run(conn, accounts[0].id, "history", [], NOON)
        conn.execute(text("update integration_accounts set history_complete = true"))
        old = keep(conn, [event("plan.created", {"object": "plan"}, NOON - 100 * DAY)], NOON - 100 * DAY)
        conn.execute(text("update stripe_events set status = 'done'"))
    announced: list[dispatch.Announcement] = []
    together = threading.Barrier(times)

    def tick(_number: int) -> None:
        together.wait(30)
        with fresh_engine.connect() as conn:
            found = dispatch.run(conn, Tick(job), now)
            conn.commit()
            announced.extend(found)

    in_threads(tick, range(times))
    with fresh_engine.connect() as conn:
        once = footprint(conn)
        steps = Counter(body["run_id"] for topic, body in announced if topic == sync.TOPIC)
        expected = {"stripe_sync": len(accounts), "reconcile": len(accounts), "sweep": 1}.get(job, 0)
        assert set(steps.values()) <= {1}
        assert len(steps) == expected
        assert (str(stalled.id) in steps) == (job == "sweep")
        assert (statuses(conn) == {}) == (job == "purge")
        assert old
        again = dispatch.run(conn, Tick(job), now + MINUTE)
        conn.commit()
        assert [topic for topic, _ in again if topic == sync.TOPIC] == []
        assert footprint(conn) == once
    print(f"E17: {job}, {times} ticks at once and one more: {len(steps)} runs, each announced once")


PAGES = 5


@pytest.mark.parametrize("crash_after", range(PAGES + 1))
@pytest.mark.parametrize("where", ["before the commit", "before the announcement"])
def test_e18_a_fan_out_that_crashes_resumes_the_rest_only(
    fresh_engine: Engine,
    publisher: FakePublisher,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    crash_after: int,
    where: str,
) -> None:
    monkeypatch.setattr(dispatch, "PAGE", 2)
    now = NOON + DAY
    services.clock = lambda: now
    with fresh_engine.begin() as conn:
        accounts = [read_once(conn, f"acct_{n}", NOON) for n in range(2 * PAGES)]
    room = FanOut(publisher)
    room.deliver(Tick("stripe_sync"), pages=crash_after)
    with fresh_engine.connect() as conn:
        before = {row["id"]: row["started_at"] for row in rows(conn, "sync_runs") if row["kind"] == "incremental"}
    assert len(before) == 2 * crash_after
    room.crash(where, monkeypatch)
    now += MINUTE
    room.deliver_rest()
    with fresh_engine.connect() as conn:
        runs = [row for row in rows(conn, "sync_runs") if row["kind"] == "incremental"]
        assert {row["integration_account_id"] for row in runs} == {account.id for account in accounts}
        assert len(runs) == len(accounts)
        assert {row["id"]: row["started_at"] for row in runs if row["id"] in before} == before
        # What was committed and never announced is found by the sweeper.
        steps = Counter(body["run_id"] for body in room.announced)
        swept: set[str] = set()
        for _ in range(PAGES):
            found = dispatch.run(conn, Tick("sweep"), now + 7 * MINUTE)
            swept |= {body["run_id"] for topic, body in found if topic == sync.TOPIC}
        missing = {str(row["id"]) for row in runs} - steps.keys()
        assert missing <= swept
        assert len(missing) == (2 if where == "before the announcement" and crash_after < PAGES else 0)
        assert set(steps.values()) == {1}


class FanOut:
    """The dispatch function, its messages delivered one by one."""

    def __init__(self, publisher: FakePublisher) -> None:
        self.publisher = publisher
        self.room = client("dispatch")
        self.waiting: list[Json] = []
        self.announced: list[Json] = []

    def deliver(self, tick: Tick, pages: int) -> None:
        self.waiting = [{"job": tick.job}]
        for _ in range(pages):
            if self.waiting:
                self._post(self.waiting.pop(0))

    def deliver_rest(self) -> None:
        while self.waiting:
            self._post(self.waiting.pop(0))

    def crash(self, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Deliver one message to a function that dies of it; the broker keeps it."""
        if not self.waiting:
            return
        with monkeypatch.context() as broken:
            if where == "before the commit":
                broken.setattr(dispatch.sync_runs, "list_due", _die)
            else:
                broken.setenv("VAULTRA_ENVIRONMENT", "test")
                broken.setenv("VAULTRA_FAILPOINTS", "committed=raise")
                failpoints.active.cache_clear()
            assert self._answer(self.waiting[0]) == 500
        failpoints.active.cache_clear()

    def _post(self, body: Json) -> None:
        assert self._answer(body) == 204
        for message in self.publisher.messages:
            into = self.waiting if message.topic == "tick" else self.announced
            into.append(orjson.loads(message.data))
        self.publisher.messages.clear()

    def _answer(self, body: Json) -> int:
        async def post() -> int:
            return (await self.room.post("/", json=envelope(body))).status_code

        return asyncio.run(post())


def _die(*_arguments: Any) -> None:
    raise RuntimeError("killed")
