"""The jobs that run by the clock."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from vaultra.ports.messages import Message


@dataclass(frozen=True)
class ScheduledJob:
    """A job, its times as a cron expression in UTC, and when it runs next; None while it is paused."""

    name: str
    cron: str
    paused: bool
    next_at: dt.datetime | None


class Schedule(Protocol):
    """The jobs that run by the clock, and what an operator does to them."""

    def list_jobs(self) -> list[ScheduledJob]:
        """Every job, by name."""

    def ticks(self, name: str) -> list[Message]:
        """What is to be published to run it, besides calling `run`."""

    def run(self, name: str) -> None:
        """Run it now, paused or not."""

    def pause(self, name: str) -> None:
        """Run it no more."""

    def resume(self, name: str) -> None:
        """Run it again at its times."""
