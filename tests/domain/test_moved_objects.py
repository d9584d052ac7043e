"""Which objects began or ceased to count between two scores."""

import datetime as dt

import pytest

from tests.domain.shops import AS_OF, TODAY, days_ago
from vaultra.domain.metric_facts import BalanceHistory, Payout
from vaultra.domain.moved_objects import (
    FRAMES,
    MOST_OBJECTS,
    Moment,
    MovedObject,
    MovedObjects,
    TracedPayout,
    is_missed,
    moved_negative_days,
    moved_payouts,
    negative_days,
    sentence,
)

WEEK_AGO = Moment(days_ago(7), AS_OF - dt.timedelta(days=7))
NOW = Moment(TODAY, AS_OF)


def payout(
    age: int, status: str = "failed", turned: int | None = None, paid_days_later: int | None = None
) -> TracedPayout:
    """A payout that should have arrived so many days ago, turned bad or was paid so many days after."""
    arrival = days_ago(age)
    noon = dt.datetime.combine(arrival, dt.time(12), dt.UTC)
    return TracedPayout(
        id=f"po_{age}",
        payout=Payout(
            5000,
            arrival,
            status,
            False,
            turned is not None,
            None if paid_days_later is None else noon + dt.timedelta(days=paid_days_later),
        ),
        currency="usd",
        turned_at=None if turned is None else noon + dt.timedelta(days=turned),
    )


@pytest.mark.parametrize(
    ("traced", "then", "now", "movement"),
    [
        (payout(3), False, True, "came"),
        (payout(20), True, True, None),
        (payout(92), True, False, "left"),
        (payout(97), False, False, None),
        (payout(10, turned=6), False, True, "turned"),
        (payout(10, turned=1), True, True, None),
        (payout(20, "paid"), False, False, None),
        (payout(30, "paid", paid_days_later=4), True, True, None),
        (payout(9, "paid", paid_days_later=6), False, True, "turned"),
        (payout(11, "in_transit"), False, True, "turned"),
        (payout(40, "in_transit"), True, True, None),
        (payout(4, "in_transit"), False, False, None),
    ],
    ids=[
        "failed this week",
        "failed long ago",
        "left the ninety days",
        "had left before",
        "failed this week, arrived before",
        "failed before",
        "paid in time",
        "paid late, long ago",
        "paid late this week",
        "overdue since this week",
        "overdue for long",
        "still on its way",
    ],
)
def test_when_a_payout_counts_against_a_business(
    traced: TracedPayout, then: bool, now: bool, movement: str | None
) -> None:
    assert (is_missed(traced, WEEK_AGO), is_missed(traced, NOW)) == (then, now)
    moved = moved_payouts([traced], WEEK_AGO, NOW)
    assert [one.movement for one in moved.objects] == ([] if movement is None else [movement])


def test_negative_days_are_those_of_ninety() -> None:
    balance = BalanceHistory(-5, {days_ago(85): 10, days_ago(40): -20, days_ago(38): 30})
    assert negative_days(balance, TODAY) == [*(days_ago(age) for age in (89, 88, 87, 86)), days_ago(40), days_ago(39)]
    assert negative_days(BalanceHistory(0), TODAY) == []
    assert negative_days(BalanceHistory(None), TODAY) == []


def test_negative_days_that_came_and_left() -> None:
    moved = moved_negative_days([days_ago(95), days_ago(40)], [days_ago(40), days_ago(2), days_ago(1)])
    assert (moved.came, moved.left, [one.on for one in moved.objects]) == (
        2,
        1,
        [days_ago(1), days_ago(2), days_ago(95)],
    )
    assert sentence(moved, FRAMES["account_standing"]) == (
        "Within 90 days: 2 days with a negative balance came in, 1 left."
    )


def test_the_list_is_bounded_and_the_counts_are_not() -> None:
    many = [MovedObject("dispute", f"dp_{n}", days_ago(n % 9), 1, "usd", "came", None) for n in range(60)]
    moved = MovedObjects.of("dispute", many)
    assert (len(moved.objects), moved.came, moved.total) == (MOST_OBJECTS, 60, 60)
    assert moved.objects[0].on == TODAY


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        (MovedObjects("dispute", came=3, left=1), "Within 30 days: 3 disputes came in, 1 left."),
        (MovedObjects("dispute", left=1), "Within 30 days: 1 dispute left."),
        (MovedObjects("missed_payout", turned=2), "Within 30 days: 2 missed payouts had counted as good before."),
        (MovedObjects("dispute"), ""),
    ],
    ids=["came and left", "left", "turned", "nothing"],
)
def test_sentences(moved: MovedObjects, said: str) -> None:
    assert sentence(moved, FRAMES["chargeback_ratio"]) == said


@pytest.mark.parametrize(
    ("rule", "first", "leaves"),
    [("chargeback_ratio", 29, 30), ("network_pressure", 90, 91), ("refunds", 89, 90), ("payout_reliability", 89, 90)],
)
def test_the_days_a_rule_looks_at(rule: str, first: int, leaves: int) -> None:
    frame = FRAMES[rule]
    assert frame.days(TODAY).first == days_ago(first)
    assert frame.leaves_on(TODAY) == TODAY + dt.timedelta(days=leaves)
    assert days_ago(first) in frame.days(TODAY)
    assert frame.leaves_on(days_ago(first)) == TODAY + dt.timedelta(days=1)
