"""Cron expressions, and jobs that run in their minute, once."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from vaultra.errors import Unavailable
from vaultra.ports import Message
from vaultra_local import cron
from vaultra_local.scheduler import Entry, Scheduler

FRIDAY = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)


class Clock:
    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def go(self, **by: float) -> None:
        self.now += dt.timedelta(**by)


class Outbox:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_down = False

    def publish(self, messages: Sequence[Message]) -> None:
        if self.is_down:
            raise Unavailable("down")
        self.messages.extend(messages)

    def jobs(self) -> list[str]:
        found = [json.loads(message.data)["job"] for message in self.messages]
        self.messages.clear()
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock(FRIDAY + dt.timedelta(seconds=30))


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def scheduler(clock: Clock, outbox: Outbox, folder: Path) -> Scheduler:
    entries = [
        Entry("sweep", cron.parse("* * * * *"), "tick"),
        Entry("sync", cron.parse("*/15 * * * *"), "tick"),
        Entry("metrics", cron.parse("0 * * * *"), "tick"),
    ]
    return Scheduler(entries, outbox, clock, folder / "scheduler.json")


@pytest.mark.parametrize(
    ("expression", "moment", "expected"),
    [
        ("* * * * *", "2026-11-20T12:34", True),
        ("*/15 * * * *", "2026-11-20T12:45", True),
        ("*/15 * * * *", "2026-11-20T12:44", False),
        ("30 3 * * *", "2026-11-20T03:30", True),
        ("30 3 * * *", "2026-11-20T15:30", False),
        ("5,35 8-10 * * *", "2026-11-20T09:35", True),
        ("5,35 8-10 * * *", "2026-11-20T11:35", False),
        ("10/20 * * * *", "2026-11-20T11:50", True),
        ("10/20 * * * *", "2026-11-20T11:00", False),
        ("0 0 1 */3 *", "2026-10-01T00:00", True),
        ("0 0 1 */3 *", "2026-11-01T00:00", False),
        ("0 0 * * 5", "2026-11-20T00:00", True),
        ("0 0 * * 0", "2026-11-22T00:00", True),
        ("0 0 * * 7", "2026-11-22T00:00", True),
        ("0 0 * * 1-5", "2026-11-22T00:00", False),
        ("0 0 13 * 5", "2026-11-20T00:00", True),  # day of month OR day of week
        ("0 0 13 * 5", "2026-11-13T00:00", True),
        ("0 0 13 * *", "2026-11-20T00:00", False),
    ],
)
def test_cron(expression: str, moment: str, expected: bool) -> None:
    assert cron.parse(expression).matches(dt.datetime.fromisoformat(moment)) is expected


@pytest.mark.parametrize(
    "expression", ["* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", ""]
)
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(cron.CronError):
        cron.parse(expression)


def test_a_job_runs_in_its_minute_and_only_once(clock: Clock, outbox: Outbox, tmp_path: Path) -> None:
    jobs = scheduler(clock, outbox, tmp_path)
    assert jobs.fire_due() == [], "a first start waits for the next minute"
    clock.go(seconds=31)  # 12:01:01
    assert jobs.fire_due() == ["sweep"]
    clock.go(seconds=20)
    assert jobs.fire_due() == []
    assert outbox.messages[0].topic == "tick"
    assert outbox.messages[0].attributes == {"scheduled_at": "2026-11-20T12:01:00Z"}
    outbox.jobs()
    clock.now = FRIDAY + dt.timedelta(hours=1)
    assert jobs.fire_due() == ["sweep", "sync", "metrics"]


def test_a_restart_in_the_same_minute_runs_nothing_twice(clock: Clock, outbox: Outbox, tmp_path: Path) -> None:
    jobs = scheduler(clock, outbox, tmp_path)
    jobs.fire_due()
    clock.go(minutes=1)
    jobs.fire_due()
    assert outbox.jobs() == ["sweep"]
    assert scheduler(clock, outbox, tmp_path).fire_due() == []


def test_what_was_missed_runs_once_after_the_return(clock: Clock, outbox: Outbox, tmp_path: Path) -> None:
    scheduler(clock, outbox, tmp_path).fire_due()
    clock.go(minutes=20)  # missed: twenty sweeps and one sync, but no full hour
    assert scheduler(clock, outbox, tmp_path).fire_due() == ["sweep", "sync"]
    clock.go(days=30)
    assert scheduler(clock, outbox, tmp_path).fire_due() == ["sweep", "sync", "metrics"]


def test_a_clock_set_back_runs_nothing_twice(clock: Clock, outbox: Outbox, tmp_path: Path) -> None:
    jobs = scheduler(clock, outbox, tmp_path)
    jobs.fire_due()
    clock.go(minutes=2)
    jobs.fire_due()
    clock.go(minutes=-1)
    assert jobs.fire_due() == []
    clock.go(minutes=1)
    assert jobs.fire_due() == []
    clock.go(minutes=1)
    assert jobs.fire_due() == ["sweep"]


def test_a_run_whose_publishing_failed_is_not_repeated_but_the_next_one_comes(
    clock: Clock, outbox: Outbox, tmp_path: Path
) -> None:
    jobs = scheduler(clock, outbox, tmp_path)
    jobs.fire_due()
    outbox.is_down = True
    clock.go(minutes=1)
    with pytest.raises(Unavailable):
        jobs.fire_due()
    outbox.is_down = False
    assert jobs.fire_due() == []
    clock.go(minutes=1)
    assert jobs.fire_due() == ["sweep"]
