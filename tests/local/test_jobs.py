"""An operator's jobs on one machine: what is paused does not run, and what is run is run once."""

import datetime as dt
from pathlib import Path

import pytest

from tests.fakes import FakePublisher
from vaultra.adapters.scheduler import CloudSchedule
from vaultra.config import ScheduleSettings
from vaultra.errors import NotFound, Unavailable
from vaultra_local import catalogue, jobs
from vaultra_local.jobs import LocalSchedule
from vaultra_local.scheduler import Scheduler, entries

NOON = dt.datetime(2026, 11, 20, 12, 0, 30, tzinfo=dt.UTC)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "scheduler.json"


@pytest.fixture
def schedule(record: Path) -> LocalSchedule:
    return LocalSchedule(catalogue.load(), record, lambda: NOON)


def test_the_catalogues_jobs_are_listed_with_their_next_times(schedule: LocalSchedule) -> None:
    listed = {job.name: (job.cron, job.paused, job.next_at) for job in schedule.list_jobs()}
    assert set(listed) == {job.name.replace("_", "-") for f in catalogue.load() for job in f.schedule}
    assert listed["compute-metrics"] == ("0 * * * *", False, dt.datetime(2026, 11, 20, 13, tzinfo=dt.UTC))
    assert listed["generate-recommendations"] == ("0 2 * * *", False, dt.datetime(2026, 11, 21, 2, tzinfo=dt.UTC))


def test_the_scheduler_leaves_a_paused_job_out_until_it_is_resumed(schedule: LocalSchedule, record: Path) -> None:
    clock = [NOON]
    publisher = FakePublisher()
    scheduler = Scheduler(entries(catalogue.load()), publisher, lambda: clock[0], record)
    scheduler.fire_due()
    schedule.pause("sweep")
    clock[0] = NOON + dt.timedelta(minutes=1)
    assert scheduler.fire_due() == []
    schedule.resume("sweep")
    assert scheduler.fire_due() == [], "a minute that passed while it was paused is not made good"
    clock[0] = NOON + dt.timedelta(minutes=2)
    assert scheduler.fire_due() == ["sweep"]


def test_pausing_and_resuming_may_be_repeated_and_touch_no_other_job(schedule: LocalSchedule) -> None:
    schedule.pause("purge")
    for _ in range(2):
        schedule.pause("sweep")
    assert [job.name for job in schedule.list_jobs() if job.paused] == ["purge", "sweep"]
    assert all(job.next_at is None for job in schedule.list_jobs() if job.paused)
    for _ in range(2):
        schedule.resume("sweep")
    assert [job.name for job in schedule.list_jobs() if job.paused] == ["purge"]


def test_a_jobs_tick_is_what_the_scheduler_publishes(schedule: LocalSchedule, record: Path) -> None:
    clock = [NOON]
    publisher = FakePublisher()
    scheduler = Scheduler(entries(catalogue.load()), publisher, lambda: clock[0], record)
    scheduler.fire_due()
    clock[0] = dt.datetime(2026, 11, 20, 12, 15, tzinfo=dt.UTC)
    assert "stripe_sync" in scheduler.fire_due()
    ours = schedule.ticks("stripe-sync")
    assert [(tick.topic, tick.data) for tick in ours] == [
        (message.topic, message.data) for message in publisher.messages if b"stripe_sync" in message.data
    ]


def test_an_unknown_job_is_told_with_those_that_there_are(schedule: LocalSchedule) -> None:
    with pytest.raises(NotFound, match="There is no job nightly; there are compute-metrics, "):
        jobs.chosen(schedule, "nightly")
    assert [job.name for job in jobs.chosen(schedule, "purge")] == ["purge"]
    assert jobs.chosen(schedule, None) == schedule.list_jobs()


def test_the_environment_says_whose_jobs_they_are(record: Path) -> None:
    clock = lambda: NOON  # noqa: E731
    here = ScheduleSettings(schedule_record=record, google_cloud_project="an-emulators")
    assert isinstance(jobs.schedule_of(here, clock), LocalSchedule)
    there = ScheduleSettings(google_cloud_project="shop", google_cloud_region="europe-west1")
    assert isinstance(jobs.schedule_of(there, clock), CloudSchedule)
    with pytest.raises(Unavailable):
        jobs.schedule_of(ScheduleSettings(), clock)
