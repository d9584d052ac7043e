"""Cloud Scheduler's part on one machine: puts the catalogue's jobs on their topics when their minute comes."""

import asyncio
import datetime as dt
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaultra.errors import Unavailable
from vaultra.ports import Clock, Message, Publisher
from vaultra_local import cron
from vaultra_local.catalogue import Function

log = logging.getLogger("vaultra.scheduler")

MINUTE = dt.timedelta(minutes=1)
LOOK_BACK = dt.timedelta(days=2)
"""A job missed while the machine slept or we were stopped runs once, if its minute is not older than this."""

RECORD = "scheduler.json"
"""The file's name in the folder of `demo` or `dev`."""


@dataclass(frozen=True)
class Entry:
    """One job, its times and its topic."""

    job: str
    times: cron.Cron
    topic: str


def entries(functions: Sequence[Function]) -> list[Entry]:
    """The catalogue's jobs."""
    return [
        Entry(job.name, cron.parse(job.cron), function.topic)
        for function in functions
        if function.topic is not None
        for job in function.schedule
    ]


def paused(record: Path) -> frozenset[str]:
    """The jobs that an operator paused."""
    try:
        return frozenset(json.loads(_pauses(record).read_text()))
    except FileNotFoundError:
        return frozenset()


def write_paused(record: Path, jobs: frozenset[str]) -> None:
    """Run these no more, and all others at their times, from the next minute on."""
    _replace(_pauses(record), sorted(jobs))


def _pauses(record: Path) -> Path:
    return record.with_name("paused-jobs.json")


def _replace(file: Path, content: object) -> None:
    partial = file.with_suffix(".new")
    partial.write_text(json.dumps(content))
    partial.replace(file)


class Scheduler:
    """Publishes each (job, scheduled minute) at most once, however often it is restarted.

    Args:
        entries: The jobs.
        publisher: Takes the messages.
        clock: Tells the time.
        record: File that remembers each job's last minute. A job it does not know begins with the next minute.
    """

    def __init__(self, entries: Sequence[Entry], publisher: Publisher, clock: Clock, record: Path) -> None:
        self._entries = entries
        self._publisher = publisher
        self._clock = clock
        self._record = record
        self._last = self._read()

    def fire_due(self) -> list[str]:
        """Publish every job with a scheduled minute since its last one, once each; answers their names.

        The minute is recorded before the message is published: a crash between the two loses a run, which
        the next one makes good, rather than running a job twice.
        """
        this_minute = self._clock().replace(second=0, microsecond=0)
        resting = paused(self._record)
        due = [entry for entry in self._entries if entry.job not in resting and self._is_due(entry, this_minute)]
        moved = {
            entry.job: this_minute for entry in self._entries if self._last.get(entry.job, this_minute) <= this_minute
        }
        if moved.items() <= self._last.items():
            return []
        self._last.update(moved)
        self._write()
        if due:
            at = this_minute.isoformat().replace("+00:00", "Z")
            self._publisher.publish(
                [Message(e.topic, json.dumps({"job": e.job}).encode(), attributes={"scheduled_at": at}) for e in due]
            )
        return [entry.job for entry in due]

    async def run(self) -> None:
        """Fire at every minute's beginning, for ever."""
        while True:
            try:
                fired = await asyncio.to_thread(self.fire_due)
                if fired:
                    log.info("jobs fired: %s", ", ".join(fired))
            except Unavailable as error:
                log.warning("jobs lost: %s", error.message)
            now = self._clock()
            # Looked at every few seconds, so that a machine waking from sleep does not wait for a timer set before.
            await asyncio.sleep(min(5.0, 60.001 - now.second - now.microsecond / 1e6))

    def _is_due(self, entry: Entry, this_minute: dt.datetime) -> bool:
        last = self._last.get(entry.job)
        if last is None:
            return False
        minute = max(last + MINUTE, this_minute - LOOK_BACK)
        while minute <= this_minute:
            if entry.times.matches(minute):
                return True
            minute += MINUTE
        return False

    def _read(self) -> dict[str, dt.datetime]:
        try:
            stored = json.loads(self._record.read_text())
        except FileNotFoundError:
            return {}
        return {job: dt.datetime.fromisoformat(minute) for job, minute in stored.items()}

    def _write(self) -> None:
        _replace(self._record, {job: minute.isoformat() for job, minute in self._last.items()})
