"""Payout reliability: what counts, and what is on time."""

import datetime as dt
from typing import Any

import pytest

from vaultra.domain.metric_facts import Payout
from vaultra.domain.payouts import count_on_time

TODAY = dt.date(2026, 11, 20)  # a Friday
MONDAY = dt.date(2026, 11, 2)


def payout(status: str = "paid", arrival: dt.date = MONDAY, amount: int = 100_00, **more: Any) -> Payout:
    whole = {"reversed": False, "failed_back": False, "paid_at": None, **more}
    return Payout(amount_minor=amount, arrival_on=arrival, status=status, **whole)


def test_paid_and_failed() -> None:
    assert count_on_time([payout()] * 19 + [payout("failed")], TODAY) == (19, 20)


@pytest.mark.parametrize("spoilt", [{"reversed": True}, {"failed_back": True}])
def test_money_that_came_back_is_a_miss(spoilt: dict[str, Any]) -> None:
    assert count_on_time([payout(**spoilt), payout()], TODAY) == (1, 2)


def test_debits_and_canceled_payouts_are_left_out() -> None:
    assert count_on_time([payout(amount=-100), payout(amount=0), payout("canceled"), payout()], TODAY) == (1, 1)


@pytest.mark.parametrize(("arrival", "judged"), [("2026-11-12", 1), ("2026-11-13", 0), ("2026-11-20", 0)])
@pytest.mark.parametrize("status", ["pending", "in_transit"])
def test_on_its_way_is_a_miss_after_five_business_days(status: str, arrival: str, judged: int) -> None:
    assert count_on_time([payout(status, dt.date.fromisoformat(arrival))], TODAY) == (0, judged)


@pytest.mark.parametrize(
    ("arrival", "paid_on", "on_time"),
    [
        ("2026-11-02", "2026-11-03", 1),
        ("2026-11-02", "2026-11-04", 0),
        ("2026-11-06", "2026-11-09", 1),  # Friday to Monday
        ("2026-11-06", "2026-11-10", 0),
        ("2026-11-07", "2026-11-09", 1),  # Saturday to Monday
        ("2026-11-08", "2026-11-10", 0),
    ],
)
def test_late_by_its_event(arrival: str, paid_on: str, on_time: int) -> None:
    paid_at = dt.datetime.combine(dt.date.fromisoformat(paid_on), dt.time(23, 59), dt.UTC)
    assert count_on_time([payout(arrival=dt.date.fromisoformat(arrival), paid_at=paid_at)], TODAY) == (on_time, 1)


def test_ten_paid_of_which_one_flips_to_failed() -> None:
    waiting = [payout("in_transit", TODAY)] * 2
    assert count_on_time([payout()] * 10 + waiting, TODAY) == (10, 10)
    assert count_on_time([payout()] * 9 + [payout("failed", failed_back=True)] + waiting, TODAY) == (9, 10)
