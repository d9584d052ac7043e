"""Window, buckets, weeks and business days."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.period import Days, Period, add_business_days, utc_date

TODAY = dt.date(2026, 11, 20)
PERIOD = Period(TODAY)


def test_the_window_is_thirty_days_with_today() -> None:
    assert PERIOD.window == Days(dt.date(2026, 10, 22), TODAY)
    assert len(PERIOD.window) == 30


def test_the_day_is_the_utc_day() -> None:
    evening_in_new_york = dt.datetime(2026, 3, 31, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
    assert Period.of(evening_in_new_york).end == dt.date(2026, 4, 1)
    with pytest.raises(ValueError, match="zone"):
        utc_date(dt.datetime(2026, 3, 31))


def test_the_last_bucket_ends_yesterday() -> None:
    assert PERIOD.block(0, 30) == Days(dt.date(2026, 10, 21), dt.date(2026, 11, 19))


@pytest.mark.parametrize(("age", "count"), [(0, 0), (29, 0), (30, 1), (59, 1), (60, 2), (730, 24), (-3, 0)])
def test_a_bucket_counts_only_from_the_first_charge_on(age: int, count: int) -> None:
    buckets = PERIOD.buckets(TODAY - dt.timedelta(days=age))
    assert len(buckets) == count
    assert all(bucket.first >= TODAY - dt.timedelta(days=age) for bucket in buckets)


@pytest.mark.parametrize(("age", "count"), [(0, 0), (1, 1), (7, 1), (8, 2), (84, 12), (182, 26), (700, 26)])
def test_weeks_include_the_first_charges_block(age: int, count: int) -> None:
    assert PERIOD.week_count(TODAY - dt.timedelta(days=age)) == count


def test_no_charge_no_buckets_no_weeks() -> None:
    assert PERIOD.buckets(None) == []
    assert PERIOD.week_count(None) == 0


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-11-16", 1, "2026-11-17"),  # Monday
        ("2026-11-20", 1, "2026-11-23"),  # Friday to Monday
        ("2026-11-21", 1, "2026-11-23"),  # Saturday to Monday
        ("2026-11-22", 1, "2026-11-23"),  # Sunday to Monday
        ("2026-11-21", 5, "2026-11-27"),
        ("2026-11-22", 6, "2026-11-30"),
        ("2026-11-16", 5, "2026-11-23"),
        ("2026-11-20", 0, "2026-11-20"),
    ],
)
def test_business_days(day: str, count: int, expected: str) -> None:
    assert add_business_days(dt.date.fromisoformat(day), count) == dt.date.fromisoformat(expected)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)), st.integers(1, 40))
def test_business_days_by_walking(day: dt.date, count: int) -> None:
    walked, left = day, count
    while left:
        walked += dt.timedelta(days=1)
        left -= walked.weekday() < 5
    assert add_business_days(day, count) == walked
