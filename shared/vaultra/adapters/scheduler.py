"""Google Cloud Scheduler: the jobs of a project, and what an operator does to them."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vaultra.errors import NotFound, Unavailable
from vaultra.ports import Message, ScheduledJob

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient

TIMEOUT_SECONDS = 30.0


class CloudSchedule:
    """The jobs that Terraform made of the catalogue's schedules.

    Args:
        project: The project that has them.
        region: Where they are.
        client: Google's, for a server of another address; made on first use when not given.
    """

    def __init__(self, project: str, region: str, client: "CloudSchedulerClient | None" = None) -> None:
        self._parent = f"projects/{project}/locations/{region}"
        if client is not None:
            self._client = client

    @cached_property
    def _client(self) -> "CloudSchedulerClient":
        from google.cloud.scheduler_v1 import CloudSchedulerClient

        return CloudSchedulerClient()

    def list_jobs(self) -> list[ScheduledJob]:
        """Every job, by name."""
        with _translated("these jobs"):
            found = [_job(job) for job in self._client.list_jobs(parent=self._parent, timeout=TIMEOUT_SECONDS)]
        return sorted(found, key=lambda job: job.name)

    def ticks(self, _name: str) -> list[Message]:
        """What else is to be published to run a job: nothing, Cloud Scheduler does."""
        return []

    def run(self, name: str) -> None:
        """Run a job now, paused or not; raise `NotFound` when there is none of this name."""
        with _translated(name):
            self._client.run_job(name=self._path(name), timeout=TIMEOUT_SECONDS)

    def pause(self, name: str) -> None:
        """Run a job no more until it is resumed; raise `NotFound` when there is none of this name."""
        with _translated(name):
            self._client.pause_job(name=self._path(name), timeout=TIMEOUT_SECONDS)

    def resume(self, name: str) -> None:
        """Run a job again at its times; raise `NotFound` when there is none of this name."""
        with _translated(name):
            self._client.resume_job(name=self._path(name), timeout=TIMEOUT_SECONDS)

    def _path(self, name: str) -> str:
        return f"{self._parent}/jobs/{name}"


def _job(job: Any) -> ScheduledJob:
    from google.cloud.scheduler_v1 import Job

    paused = job.state != Job.State.ENABLED
    at = None if paused or not job.schedule_time else job.schedule_time.astimezone(dt.UTC)
    return ScheduledJob(job.name.rpartition("/")[2], job.schedule, paused, at)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Say Google's errors in our words."""
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except exceptions.NotFound as error:
        raise NotFound(f"There is no job {name}") from error
    except (exceptions.GoogleAPIError, GoogleAuthError) as error:
        raise Unavailable("Cloud Scheduler does not answer now") from error
