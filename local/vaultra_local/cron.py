"""Cron expressions of five fields, as Cloud Scheduler reads them, in UTC."""

import datetime as dt
from dataclasses import dataclass

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))


class CronError(ValueError):
    """Not a cron expression; the message names the field."""


@dataclass(frozen=True)
class Cron:
    """When a job runs. Days of month and of week are joined by OR when both are restricted, as cron does."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def matches(self, minute: dt.datetime) -> bool:
        """Whether the job is scheduled in this minute."""
        on_day = minute.day in self.days
        on_weekday = minute.isoweekday() % 7 in self.weekdays
        both_restricted = not (self.any_day or self.any_weekday)
        today = (on_day or on_weekday) if both_restricted else (on_day and on_weekday)
        return today and minute.month in self.months and minute.hour in self.hours and minute.minute in self.minutes


def parse(expression: str) -> Cron:
    """Read `minute hour day month weekday`: `*`, numbers, ranges `a-b`, steps `/n`, and lists of these.

    Raises:
        CronError: It isn't one.
    """
    fields = expression.split()
    if len(fields) != len(FIELDS):
        raise CronError(f"{expression!r} has {len(fields)} fields, not five")
    values = [_field(text, *spec) for text, spec in zip(fields, FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = values
    return Cron(
        minutes,
        hours,
        days,
        months,
        frozenset(day % 7 for day in weekdays),  # 7 is Sunday too
        any_day=fields[2].startswith("*"),
        any_weekday=fields[4].startswith("*"),
    )


def _field(text: str, name: str, low: int, high: int) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            if span == "*":
                begin, end = low, high
            else:
                begin = int(first)
                end = int(last) if dash else (high if slash else begin)
            stride = int(step) if slash else 1
        except ValueError:
            raise CronError(f"{text!r} is not a {name}") from None
        if not (low <= begin <= end <= high and stride >= 1):
            raise CronError(f"{text!r} is not a {name}: it goes from {low} to {high}")
        values.update(range(begin, end + 1, stride))
    return frozenset(values)
