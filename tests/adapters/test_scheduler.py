"""Cloud Scheduler's jobs, through Google's own client."""

import datetime as dt
from collections.abc import Iterator

import pytest
from google.cloud.scheduler_v1 import Job

from tests.cloud_scheduler import ENABLED, PAUSED, FakeCloudScheduler, served
from vaultra.adapters.scheduler import CloudSchedule
from vaultra.errors import NotFound, Unavailable
from vaultra.ports import ScheduledJob

PARENT = "projects/shop/locations/us-central1"
TWO = dt.datetime(2026, 11, 21, 2, tzinfo=dt.UTC)


def job(name: str, cron: str, state: Job.State = ENABLED) -> Job:
    return Job(name=f"{PARENT}/jobs/{name}", schedule=cron, state=state, schedule_time=TWO)


@pytest.fixture
def fake() -> FakeCloudScheduler:
    elsewhere = Job(name="projects/shop/locations/europe-west1/jobs/other", schedule="* * * * *")
    return FakeCloudScheduler(
        job("sweep", "* * * * *"),
        job("purge", "30 3 * * *", PAUSED),
        job("reconcile", "0 2 * * *"),
        elsewhere,
    )


@pytest.fixture
def schedule(fake: FakeCloudScheduler) -> Iterator[CloudSchedule]:
    with served(fake) as client:
        yield CloudSchedule("shop", "us-central1", client)


def test_every_page_of_jobs_is_read_by_name(schedule: CloudSchedule) -> None:
    assert schedule.list_jobs() == [
        ScheduledJob("purge", "30 3 * * *", paused=True, next_at=None),
        ScheduledJob("reconcile", "0 2 * * *", paused=False, next_at=TWO),
        ScheduledJob("sweep", "* * * * *", paused=False, next_at=TWO),
    ]


def test_a_job_is_run_by_cloud_scheduler_and_nothing_is_left_to_publish(
    schedule: CloudSchedule, fake: FakeCloudScheduler
) -> None:
    schedule.run("reconcile")
    assert fake.ran == [f"{PARENT}/jobs/reconcile"]
    assert schedule.ticks("reconcile") == []


def test_a_job_is_paused_and_resumed_however_often(schedule: CloudSchedule) -> None:
    for _ in range(2):
        schedule.pause("sweep")
    assert [job.name for job in schedule.list_jobs() if job.paused] == ["purge", "sweep"]
    for _ in range(2):
        schedule.resume("sweep")
    assert [job.name for job in schedule.list_jobs() if job.paused] == ["purge"]


@pytest.mark.parametrize("what", ["run", "pause", "resume"])
def test_a_job_that_there_is_not_is_not_found(what: str, schedule: CloudSchedule) -> None:
    with pytest.raises(NotFound, match="There is no job nightly"):
        getattr(schedule, what)("nightly")


def test_a_scheduler_that_does_not_answer_is_unavailable(schedule: CloudSchedule, fake: FakeCloudScheduler) -> None:
    fake.is_down = True
    with pytest.raises(Unavailable):
        schedule.run("sweep")
