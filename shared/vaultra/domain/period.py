"""The days a computation looks at: window, 30-day buckets, weeks and business days, all whole UTC days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

WINDOW_DAYS = 30
BUCKET_DAYS = 30
WEEK_DAYS = 7
ACTIVITY_WEEKS = 26
MONDAY_TO_FRIDAY = 5
ONE_DAY = dt.timedelta(days=1)


def utc_date(at: dt.datetime) -> dt.date:
    """The UTC date of an aware time; raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone has no UTC date")
    return at.date() if at.tzinfo is dt.UTC else at.astimezone(dt.UTC).date()


@lru_cache(maxsize=2000)  # every payout of every business asks for one of the same few hundred days
def add_business_days(day: dt.date, count: int) -> dt.date:
    """The `count`-th weekday (Monday to Friday) after `day`; a weekend's first business day is Monday."""
    whole_weeks, remaining = divmod(count, MONDAY_TO_FRIDAY)
    if whole_weeks and day.weekday() >= MONDAY_TO_FRIDAY:
        # From a weekend, count as from the Friday before it.
        day -= ONE_DAY * (day.weekday() - MONDAY_TO_FRIDAY + 1)
    day += dt.timedelta(weeks=whole_weeks)
    for _ in range(remaining):
        day += ONE_DAY
        while day.weekday() >= MONDAY_TO_FRIDAY:
            day += ONE_DAY
    return day


@dataclass(frozen=True)
class Days:
    """The days from `first` to `last`, both included."""

    first: dt.date
    last: dt.date

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last

    def __len__(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Period:
    """Everything that derives from the day on which metrics are taken."""

    end: dt.date

    @classmethod
    def of(cls, as_of: dt.datetime) -> Period:
        """The period whose last day is the UTC date of `as_of`."""
        return cls(utc_date(as_of))

    @property
    def window(self) -> Days:
        """The 30 days that end today, today included."""
        return self.last_days(WINDOW_DAYS)

    def last_days(self, count: int) -> Days:
        """The `count` days that end today."""
        return Days(self.end - ONE_DAY * (count - 1), self.end)

    @property
    def days(self) -> tuple[dt.date, ...]:
        """A year's days, by how many days ago they are."""
        return _year_until(self.end)

    def block(self, index: int, length: int) -> Days:
        """The `index`-th block of complete days counted back from yesterday; 0 is the latest."""
        return _block(self.end, index, length)

    def buckets(self, first_charge_on: dt.date | None) -> list[Days]:
        """The 30-day buckets that count, oldest first: those the first charge ever does not fall into or after."""
        if first_charge_on is None:
            return []
        complete_days = self.age(first_charge_on)
        return [self.block(index, BUCKET_DAYS) for index in reversed(range(max(complete_days, 0) // BUCKET_DAYS))]

    def week_count(self, first_charge_on: dt.date | None) -> int:
        """How many seven-day blocks there are, 26 at most, the first charge's own block included."""
        if first_charge_on is None:
            return 0
        return min(-(-max(self.age(first_charge_on), 0) // WEEK_DAYS), ACTIVITY_WEEKS)

    def age(self, day: dt.date) -> int:
        """How many days ago it was."""
        return self.end.toordinal() - day.toordinal()

    def activity_days(self, first_charge_on: dt.date) -> Days:
        """The days in which gaps are looked for: 26 weeks and today, not before the first charge."""
        return Days(max(first_charge_on, self.block(ACTIVITY_WEEKS - 1, WEEK_DAYS).first), self.end)


# Equal for all businesses of a day, and dates that are the same objects keep their hashes.
@lru_cache(maxsize=8)
def _year_until(end: dt.date) -> tuple[dt.date, ...]:
    return tuple(end - ONE_DAY * age for age in range(366))


@lru_cache(maxsize=2000)
def _block(end: dt.date, index: int, length: int) -> Days:
    last = end - ONE_DAY * (1 + index * length)
    return Days(last - ONE_DAY * (length - 1), last)
