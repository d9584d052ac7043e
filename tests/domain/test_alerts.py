"""When an alert tells something: once, not of history, and never every hour."""

import datetime as dt
import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultra.domain.alerts import AT_MOST_EVERY, REMEMBERED_FOR, Standing, Told, tell_network, tell_tier
from vaultra.domain.network_watch import Pressure, step_near
from vaultra.domain.readiness import TIERS, TierKey

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
HOUR = dt.timedelta(hours=1)
CALM, WATCHED, EXCESSIVE = Pressure(1000, 0, 0), Pressure(1000, 4, 0), Pressure(1000, 20, 0)


def standing(
    tier: TierKey = "improving",
    pressure: Pressure = CALM,
    told_tier: Told | None = None,
    told_network: Told | None = None,
) -> Standing:
    return Standing(tier, 60, pressure, told_tier, told_network)


# --- tiers ---------------------------------------------------------------------------------


def test_the_first_look_is_remembered_and_told_to_nobody() -> None:
    found = tell_tier(standing(), NOON)
    assert found is not None
    assert (found.told, found.mail) == (Told("improving", None), False)


def test_another_tier_than_at_the_first_look_is_told_at_once() -> None:
    found = tell_tier(standing("funding_ready", told_tier=Told("improving", None)), NOON)
    assert found is not None
    assert (found.told, found.mail) == (Told("funding_ready", NOON), True)


@pytest.mark.parametrize("at", [None, NOON - 9 * AT_MOST_EVERY])
def test_the_same_tier_is_not_told_again(at: dt.datetime | None) -> None:
    assert tell_tier(standing(told_tier=Told("improving", at)), NOON) is None


@pytest.mark.parametrize(("age", "told"), [(SECOND, False), (AT_MOST_EVERY - SECOND, False), (AT_MOST_EVERY, True)])
def test_after_a_mail_there_is_none_for_a_day(age: dt.timedelta, told: bool) -> None:
    found = tell_tier(standing("not_ready", told_tier=Told("improving", NOON - age)), NOON)
    assert (found is not None and found.mail) is told


@given(st.lists(st.sampled_from([tier.key for tier in TIERS]), min_size=1, max_size=24 * 7))
@settings(max_examples=200, deadline=None)
def test_whatever_the_score_does_each_hour_there_is_one_mail_a_day_and_what_lasts_is_told(tiers: list[TierKey]) -> None:
    told: Told | None = None
    mails: list[tuple[dt.datetime, str]] = []
    for hour, tier in enumerate(tiers + [tiers[-1]] * 25):
        now = NOON + hour * HOUR
        found = tell_tier(standing(tier, told_tier=told), now)
        if found is not None:
            told = found.told
            mails += [(now, tier)] if found.mail else []
        assert tell_tier(standing(tier, told_tier=told), now) is None, "it is told twice"
    assert all(later - earlier >= AT_MOST_EVERY for (earlier, _), (later, _) in itertools.pairwise(mails))
    assert told is not None
    assert told.what == tiers[-1], "a tier that lasts was never told"
    before = [tiers[0], *(tier for _, tier in mails)]
    assert all(tier != earlier for earlier, tier in itertools.pairwise(before)), "a mail that tells no change"


# --- card networks -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pressure", "rank"),
    [
        (Pressure(0, 0, 0), 0),
        (Pressure(0, 5, 5), 0),
        (Pressure(1067, 4, 0), 0),
        (Pressure(1066, 4, 0), 1),  # three quarters of 0.5 %
        (Pressure(100, 3, 0), 0),  # 3 %, of too few to tell
        (Pressure(1000, 1, 3), 1),
        (Pressure(1000, 5, 0), 1),
        (Pressure(800, 4, 2), 1),  # 0.75 % in all, and Stripe looks at disputes alone
        (Pressure(1000, 6, 0), 2),
        (Pressure(1000, 11, 0), 2),
        (Pressure(1000, 6, 6), 3),
        (Pressure(1000, 12, 0), 3),
        (Pressure(100, 90, 0), 3),
    ],
)
def test_the_highest_limit_of_which_three_quarters_are_reached(pressure: Pressure, rank: int) -> None:
    step = step_near(pressure)
    assert (0 if step is None else step.rank) == rank


def test_a_limit_that_is_near_at_the_first_look_is_told_to_nobody() -> None:
    found = tell_network(standing(pressure=EXCESSIVE), NOON)
    assert found is not None
    assert (found.told, found.mail) == (Told("3", None), False)


@pytest.mark.parametrize(
    ("told", "pressure", "expected"),
    [
        (Told("0", None), WATCHED, (Told("1", NOON), True)),
        (Told("1", NOON - AT_MOST_EVERY), EXCESSIVE, (Told("3", NOON), True)),
        (Told("1", NOON - AT_MOST_EVERY + SECOND), EXCESSIVE, None),
        (Told("1", NOON - HOUR), WATCHED, None),
        (Told("3", NOON - REMEMBERED_FOR + SECOND), CALM, None),
        (Told("3", NOON - REMEMBERED_FOR), CALM, (Told("0", NOON - REMEMBERED_FOR), False)),
        (Told("3", None), CALM, (Told("0", None), False)),
        (Told("0", None), CALM, None),
    ],
)
def test_a_higher_limit_is_told_and_a_lower_one_forgotten_after_a_week(
    told: Told, pressure: Pressure, expected: tuple[Told, bool] | None
) -> None:
    found = tell_network(standing(pressure=pressure, told_network=told), NOON)
    assert (None if found is None else (found.told, found.mail)) == expected


@given(st.lists(st.sampled_from([CALM, WATCHED, EXCESSIVE]), min_size=1, max_size=24 * 14))
@settings(max_examples=100, deadline=None)
def test_a_ratio_that_goes_up_and_down_every_hour_sends_two_mails_a_week_at_most(pressures: list[Pressure]) -> None:
    told, mails = Told("0", None), []
    for hour, pressure in enumerate(pressures):
        now = NOON + hour * HOUR
        found = tell_network(replace(standing(pressure=pressure), told_network=told), now)
        if found is not None:
            told = found.told
            mails += [now] if found.mail else []
    for first in mails:
        assert sum(first <= at < first + REMEMBERED_FOR for at in mails) <= 2
