"""The calendar of what rolls off: right on every day when time is moved there."""

import datetime as dt
import os
import time
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.domain.businesses import Event, facts_on, moved_on, outlook_of, random_business, steady_business
from tests.domain.shops import AS_OF, TODAY, days_ago
from vaultra.domain.metric_facts import MetricFacts, Payout
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.moved_objects import MovedObject
from vaultra.domain.outlook import HORIZON_DAYS, Outlook
from vaultra.domain.period import ONE_DAY
from vaultra.domain.readiness import score
from vaultra.domain.roll_off import Leaving, calendar, coming_days

# More than the everyday run has time for: VAULTRA_BUSINESSES=500 pytest tests/domain/test_roll_off.py
BUSINESSES = int(os.environ.get("VAULTRA_BUSINESSES", "20"))


def test_every_turn_is_right_when_time_is_moved_there() -> None:
    """Each day on which the score changes, and the day before it, recomputed from every single event."""
    checked, began = 0, time.process_time()
    for seed in range(BUSINESSES):
        business = random_business(seed)
        days = coming_days(outlook_of(business))
        turns = {turn.on: turn.score for turn in calendar(days, [])}
        assert [day.on for before, day in pairwise(days) if day.score != before.score] == list(turns)
        later = moved_on(business, HORIZON_DAYS)
        for on in sorted({day for turn in turns for day in (turn - ONE_DAY, turn)} | {TODAY + ONE_DAY * 90}):
            ahead = (on - TODAY).days
            real = score(compute_metrics(facts_on(later, on), AS_OF + ONE_DAY * ahead))
            assert (on, days[ahead].score) == (on, real.score), f"business {seed}, {ahead} days ahead"
            checked += 1
    cpu = time.process_time() - began
    print(
        f"Show 2: {BUSINESSES} businesses, {checked} days recomputed by moving time there, all equal; {cpu:.1f} s CPU"
    )


def test_every_metric_of_a_coming_day_is_right_when_time_is_moved_there() -> None:
    """Not only the score: all metrics and buckets, on every third day of some businesses."""
    for seed in range(BUSINESSES // 10):
        business = random_business(seed)
        outlook, later = outlook_of(business), moved_on(business, HORIZON_DAYS)
        for ahead in range(0, HORIZON_DAYS + 1, 3):
            real = compute_metrics(facts_on(later, outlook.day(ahead)), AS_OF + ONE_DAY * ahead)
            coming = outlook.metrics(ahead)
            assert coming.buckets == real.buckets
            different = {key for key, measure in coming.measures.items() if measure != real.measures[key]}
            assert different == set(), f"business {seed}, {ahead} days ahead"


# --- Worked values ------------------------------------------------------------------------------


def dispute(age: int) -> Event:
    return Event(days_ago(age), "dispute", 4000)


def test_disputes_leave_the_window_thirty_days_after() -> None:
    """Four disputes on 300 charges; the third leaves 20 days from now, and one of 300 is below half a per cent."""
    days = coming_days(outlook_of(steady_business(dispute(25), dispute(20), dispute(10), dispute(5))))
    object_ = MovedObject("dispute", "dp_1", days_ago(10), 4000, "usd", "left", "lost")
    leaving = Leaving("chargeback_ratio", days_ago(-20), object_)
    turn = next(turn for turn in calendar(days, [leaving]) if turn.on == days_ago(-20))
    cause = turn.causes[0]
    assert (cause.rule, cause.difference, cause.leaving) == ("chargeback_ratio", 5, (leaving,))
    assert cause.sentence == (
        "Chargebacks: 5 points more. Chargebacks in the last 30 days: 1 on 300 charges, which is 0.33%."
    )
    assert (days[0].points("chargeback_ratio"), days[19].points("chargeback_ratio")) == (0, 0)
    assert turn.score == days[20].score == days[19].score + turn.difference


def test_a_missed_payout_leaves_after_ninety_days() -> None:
    missed = [Payout(9000, days_ago(age), "failed", False, True, None) for age in (85, 60)]
    payouts = (*missed, *steady_business().payouts[:18])
    days = coming_days(outlook_of(steady_business(payouts=payouts)))
    # 18 of 20 in time now. The older miss leaves in 5 days: 19 of 20, which is not above 95 %; a day later, 20 of 21.
    assert days[0].points("payout_reliability") == 0
    first = next(day for day in days if day.points("payout_reliability") == 10)
    assert (days[5].points("payout_reliability"), first.on) == (0, days_ago(-6))


def test_negative_days_leave_after_ninety_days() -> None:
    balance = ((days_ago(300), 100), (days_ago(80), -200), (days_ago(78), 200))
    days = coming_days(outlook_of(steady_business(balance=balance)))
    assert [days[ahead].points("account_standing") for ahead in (0, 9, 10, 11, 12)] == [0, 0, 0, 1, 1]


def test_a_balance_below_zero_now_is_made_up_tomorrow() -> None:
    balance = ((days_ago(300), 100), (days_ago(1), -200))
    days = coming_days(outlook_of(steady_business(balance=balance)))
    assert {day.metrics["negative_balance_days"].value for day in days[:88]} == {2}
    assert days[90].metrics["negative_balance_days"].value == 0


def test_a_track_record_grows_with_time() -> None:
    days = coming_days(outlook_of(steady_business(length=160)))
    assert [days[ahead].metrics["track_record"].value for ahead in (0, 19, 20, 50, 80)] == [5, 5, 6, 7, 8]
    turn = next(turn for turn in calendar(days, []) if any(cause.rule == "track_record" for cause in turn.causes))
    assert turn.on == days_ago(-20)


def test_a_shop_that_stopped_selling_stays_stopped() -> None:
    outlook = outlook_of(steady_business(length=400))
    silent = Outlook(
        replace(outlook.facts, active_days=frozenset(day for day in outlook.facts.active_days if day <= days_ago(40))),
        {day: totals for day, totals in outlook.history.items() if day <= days_ago(40)},
        AS_OF,
    )
    days = coming_days(silent)
    assert days[30].metrics["transaction_count"].value == 0
    assert days[90].metrics["longest_gap_days"].value == 40 + 90


def test_a_business_without_a_charge_has_an_empty_calendar() -> None:
    days = coming_days(Outlook(MetricFacts(settlement_currency="usd"), {}, AS_OF))
    assert {day.score for day in days} == {50}
    assert calendar(days, []) == []


@pytest.mark.parametrize("ahead", [0, 1, 45, HORIZON_DAYS])
def test_today_and_every_coming_day_have_their_date(ahead: int) -> None:
    outlook = outlook_of(steady_business())
    assert outlook.metrics(ahead).period_end == TODAY + dt.timedelta(days=ahead)


def test_the_outlook_of_today_is_what_was_gathered() -> None:
    outlook = outlook_of(random_business(3))
    assert outlook.facts_at(0) is outlook.facts
