"""When digests are due: once on every day of every place on earth, whatever its clocks do."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultra.domain.digest_schedule import days_due, local_day
from vaultra.domain.notifications import is_time_zone

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
ZONES = sorted(zone for zone in zoneinfo.available_timezones() if is_time_zone(zone))
BERLIN = "Europe/Berlin"


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type,misc]


def ticks(start: dt.datetime, hours: int) -> list[dt.datetime]:
    """The schedule's: ten past every hour."""
    first = start.replace(minute=10, second=0, microsecond=0)
    return [first + n * HOUR for n in range(hours)]


def sent(zone: str, at: Iterable[dt.datetime]) -> dict[dt.date, dt.datetime]:
    """When each day's digest is asked for: the key lets one of a day through."""
    found: dict[dt.date, dt.datetime] = {}
    for now in at:
        day = local_day(zone, now)
        if day is not None:
            found.setdefault(day, now)
    return found


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (utc(2026, 11, 20, 5, 59, 59), None),
        (utc(2026, 11, 20, 6), dt.date(2026, 11, 20)),
        (utc(2026, 11, 20, 10, 59, 59), dt.date(2026, 11, 20)),
        (utc(2026, 11, 20, 11), None),
    ],
    ids=["before seven", "at seven", "before noon", "at noon"],
)
def test_a_digest_is_due_from_seven_and_no_more_at_noon(at: dt.datetime, day: dt.date | None) -> None:
    assert local_day(BERLIN, at) == day


def test_each_zone_has_its_own_day() -> None:
    zones = ["Pacific/Kiritimati", "Asia/Tokyo", BERLIN, "America/New_York", "Pacific/Honolulu"]
    assert days_due(zones, utc(2026, 11, 19, 17, 10)) == {
        "Pacific/Kiritimati": dt.date(2026, 11, 20),
        "Pacific/Honolulu": dt.date(2026, 11, 19),
    }


@pytest.mark.parametrize(
    ("night", "first"),
    [(utc(2026, 3, 29), 5), (utc(2026, 10, 25), 6)],
    ids=["the short night", "the long night"],
)
def test_both_nights_of_the_year_give_one_digest_at_seven(night: dt.datetime, first: int) -> None:
    found = sent(BERLIN, ticks(night - DAY, 72))
    assert [day.isoformat() for day in found] == [(night.date() + n * DAY).isoformat() for n in (-1, 0, 1)]
    assert found[night.date()] == night + first * HOUR + dt.timedelta(minutes=10)


def test_nowhere_is_a_day_of_two_years_skipped_doubled_or_late() -> None:
    """Every zone there is, over every change of its clocks in 2026 and 2027."""
    nights = 0
    for name in ZONES:
        zone = ZoneInfo(name)
        for n in range(730):
            noon = utc(2026, 1, 1, 12) + n * DAY
            if noon.astimezone(zone).utcoffset() == (noon + DAY).astimezone(zone).utcoffset():
                continue
            nights += 1
            moments = ticks(noon - DAY, 72)
            found = sent(name, moments)
            days = {now.astimezone(zone).date() for now in moments if now.astimezone(zone).hour == 7}
            assert set(found) - {moments[0].astimezone(zone).date()} <= days <= set(found)
            assert all(found[day].astimezone(zone).hour == 7 for day in days)
    assert nights > 500
    print(f"\n{len(ZONES)} zones, {nights} nights of changed clocks in two years: one digest a day, between 7 and 8")


@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2037, 12, 1), timezones=st.just(dt.UTC)),
    lost=st.sets(st.integers(0, 119)),
    twice=st.sets(st.integers(0, 119)),
)
def test_every_morning_that_has_a_tick_has_one_digest(
    zone: str, start: dt.datetime, lost: set[int], twice: set[int]
) -> None:
    """Whatever ticks get lost or come twice: a day is sent when one came between seven and noon, and then once."""
    moments = [now for n, now in enumerate(ticks(start, 120)) for _ in range(1 + (n in twice)) if n not in lost]
    mornings = {
        (local.date(), local) for local in (now.astimezone(ZoneInfo(zone)) for now in moments) if 7 <= local.hour < 12
    }
    found = sent(zone, moments)
    assert set(found) == {day for day, _ in mornings}
    assert all(now == min(local for d, local in mornings if d == day) for day, now in found.items())


@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2037, 12, 1), timezones=st.just(dt.UTC)),
)
def test_with_a_tick_every_hour_no_day_that_exists_is_left_out(zone: str, start: dt.datetime) -> None:
    """The days are told by a clock that is looked at every minute; Samoa's 30 December 2011 was none."""
    begin = start.replace(minute=0, second=0, microsecond=0)
    place = ZoneInfo(zone)
    lived = {(begin + n * dt.timedelta(minutes=15)).astimezone(place) for n in range(4 * 24 * 4)}
    whole = {at.date() for at in lived if at.hour == 7} - {min(lived).date(), max(lived).date()}
    assert whole <= set(sent(zone, ticks(begin, 96)))
