"""The jobs that run by the clock, for their operator: Cloud Scheduler's, or the embedded scheduler's."""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path

from vaultra.adapters.scheduler import CloudSchedule
from vaultra.config import ScheduleSettings
from vaultra.errors import NotFound, Unavailable
from vaultra.ports import Clock, Message, Schedule, ScheduledJob
from vaultra_local import catalogue, cron, scheduler
from vaultra_local.catalogue import Function
from vaultra_local.scheduler import MINUTE

LOOK_AHEAD = dt.timedelta(days=366)


class LocalSchedule:
    """The embedded scheduler's jobs. Which of them are paused stands in a file that it reads whenever a minute begins.

    Args:
        functions: The catalogue, with the jobs.
        record: The scheduler's own file.
        clock: Tells the time.
    """

    def __init__(self, functions: Iterable[Function], record: Path, clock: Clock) -> None:
        self._jobs = {
            job.name.replace("_", "-"): (job, function.topic) for function in functions for job in function.schedule
        }
        self._record = record
        self._clock = clock

    def list_jobs(self) -> list[ScheduledJob]:
        resting, now = scheduler.paused(self._record), self._clock()
        return [
            ScheduledJob(name, job.cron, job.name in resting, None if job.name in resting else _next(job.cron, now))
            for name, (job, _) in sorted(self._jobs.items())
        ]

    def ticks(self, name: str) -> list[Message]:
        job, topic = self._jobs[name]
        assert topic is not None, "the schema gives a schedule to functions of a topic only"
        return [Message(topic, json.dumps({"job": job.name}).encode())]

    def run(self, _name: str) -> None:
        """Nothing: its tick is published with what a command has to announce."""

    def pause(self, name: str) -> None:
        scheduler.write_paused(self._record, scheduler.paused(self._record) | {self._jobs[name][0].name})

    def resume(self, name: str) -> None:
        scheduler.write_paused(self._record, scheduler.paused(self._record) - {self._jobs[name][0].name})


def schedule_of(settings: ScheduleSettings, clock: Clock) -> Schedule:
    """The jobs of the place that the environment names; raise `Unavailable` when it names none."""
    if settings.schedule_record is not None:
        return LocalSchedule(catalogue.load(), settings.schedule_record, clock)
    if settings.google_cloud_project is not None:
        return CloudSchedule(settings.google_cloud_project, settings.google_cloud_region)
    raise Unavailable("This is not set up here: GOOGLE_CLOUD_PROJECT")


def chosen(schedule: Schedule, name: str | None) -> list[ScheduledJob]:
    """The job of this name, or every one without a name; raise `NotFound` when there is none."""
    jobs = schedule.list_jobs()
    found = [job for job in jobs if name in (None, job.name)]
    if not found:
        raise NotFound(f"There is no job {name}; there are {', '.join(job.name for job in jobs)}")
    return found


def _next(expression: str, now: dt.datetime) -> dt.datetime | None:
    """The first minute after now in which a job runs; None when there is none within a year."""
    times, minute = cron.parse(expression), now.replace(second=0, microsecond=0) + MINUTE
    while minute <= now + LOOK_AHEAD:
        if times.matches(minute):
            return minute
        minute += MINUTE
    return None
