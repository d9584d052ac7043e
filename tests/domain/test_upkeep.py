"""What becomes of recommendations when their rules are asked again: for any sequence of days and decisions."""

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaultra.domain.advice import Advice
from vaultra.domain.recommendations import LIVE, Priority, Status
from vaultra.domain.upkeep import QUIET, SAME_AGAIN, Kept, Upkeep, upkeep

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)
CHARGEBACKS = Advice(
    rule_key="chargebacks",
    title="Reduce chargebacks",
    description="2.4% of 500",
    priority=Priority.HIGH,
    category="chargebacks",
    estimated_impact=15,
    metric_refs=("chargeback_ratio",),
    article="reducing-chargebacks",
)
PAYOUTS = replace(CHARGEBACKS, rule_key="payouts", title="Improve payout timing", metric_refs=("payout_reliability",))
BEFORE = {"score": 68, "metrics": {"chargeback_ratio": 0.024}}


def evidence(metric_refs: tuple[str, ...]) -> dict[str, Any]:
    return {"score": 83, "metrics": dict.fromkeys(metric_refs, 0.001)}


def kept(status: Status = Status.PENDING, **changes: Any) -> Kept:
    row = Kept(UUID(int=1), status, CHARGEBACKS, BEFORE, decided_at=None, updated_at=NOON - DAY / 2)
    return replace(row, **changes)


def run(advice: list[Advice], stored: list[Kept], now: dt.datetime = NOON) -> Upkeep:
    return upkeep(advice, stored, evidence, now)


def test_new_advice_becomes_a_recommendation_with_how_things_stand() -> None:
    assert run([CHARGEBACKS], []) == Upkeep(((CHARGEBACKS, evidence(("chargeback_ratio",))),), ())


@pytest.mark.parametrize("status", sorted(LIVE))
def test_a_live_one_takes_the_new_numbers_and_keeps_its_decision(status: Status) -> None:
    worse = replace(CHARGEBACKS, description="3% of 500", estimated_impact=20)
    assert run([worse], [kept(status)]) == Upkeep((), (kept(status, advice=worse),))


@pytest.mark.parametrize("status", sorted(LIVE))
def test_when_nothing_changed_nothing_is_written(status: Status) -> None:
    assert run([CHARGEBACKS], [kept(status)]) == Upkeep((), ())


@pytest.mark.parametrize("status", sorted(LIVE))
def test_a_condition_that_is_gone_resolves_it_with_proof(status: Status) -> None:
    proof = {"before": BEFORE, "after": evidence(("chargeback_ratio",))}
    assert run([], [kept(status)]) == Upkeep((), (kept(status=Status.RESOLVED, proof=proof),))


def test_one_condition_says_nothing_about_another() -> None:
    found = run([PAYOUTS], [kept()])
    assert [said.rule_key for said, _ in found.new] == ["payouts"]
    assert [item.status for item in found.changed] == [Status.RESOLVED]


@pytest.mark.parametrize(("age", "quiet"), [(SECOND, True), (QUIET - SECOND, True), (QUIET, False)])
def test_a_dismissed_one_stays_away_for_thirty_days(age: dt.timedelta, quiet: bool) -> None:
    dismissed = kept(Status.DISMISSED, decided_at=NOON - age, updated_at=NOON)
    assert run([CHARGEBACKS], [dismissed]) == Upkeep(() if quiet else run([CHARGEBACKS], []).new, ())


def test_one_dismissed_by_the_release_before_counts_from_when_it_was_written() -> None:
    assert run([CHARGEBACKS], [kept(Status.DISMISSED)]) == Upkeep((), ())


@pytest.mark.parametrize(
    ("decided_at", "status"), [(None, Status.PENDING), (NOON - 9 * DAY, Status.ACCEPTED)], ids=["undecided", "accepted"]
)
def test_a_condition_that_comes_back_within_a_day_is_the_same_one(
    decided_at: dt.datetime | None, status: Status
) -> None:
    resolved = kept(Status.RESOLVED, decided_at=decided_at, updated_at=NOON - SAME_AGAIN + SECOND, proof={"before": {}})
    assert run([CHARGEBACKS], [resolved]) == Upkeep((), (replace(resolved, status=status, proof=None),))


def test_a_condition_that_comes_back_later_is_a_new_one() -> None:
    resolved = kept(Status.RESOLVED, updated_at=NOON - SAME_AGAIN)
    assert run([CHARGEBACKS], [resolved]) == run([CHARGEBACKS], [])


def test_one_that_was_dismissed_after_it_came_back_stays_away() -> None:
    resolved = kept(Status.RESOLVED)
    dismissed = kept(Status.DISMISSED, id=UUID(int=2), decided_at=NOON - DAY / 4)
    assert run([CHARGEBACKS], [resolved, dismissed]) == Upkeep((), ())


class Shop:
    """What a database would hold of one business, and what its owner does."""

    def __init__(self) -> None:
        self.now = NOON
        self.rows: dict[UUID, Kept] = {}
        self.numbers = itertools.count(1)
        self.dismissed_at: dict[str, dt.datetime] = {}

    def compute(self, advice: list[Advice]) -> None:
        found = upkeep(advice, list(self.rows.values()), evidence, self.now)
        for said, how in found.new:
            row_id = UUID(int=next(self.numbers))
            self.rows[row_id] = Kept(row_id, Status.PENDING, said, how, None, self.now)
        for item in found.changed:
            assert item.status in (*LIVE, Status.RESOLVED)
            assert (item.proof is not None) == (item.status is Status.RESOLVED)
            self.rows[item.id] = replace(item, updated_at=self.now)

    def decide(self, rule_key: str, status: Status) -> None:
        for row in self.live(rule_key):
            decided_at = None if status is Status.PENDING else self.now
            self.rows[row.id] = replace(row, status=status, decided_at=decided_at, updated_at=self.now)
            if status is Status.DISMISSED:
                self.dismissed_at[rule_key] = self.now

    def live(self, rule_key: str) -> list[Kept]:
        return [row for row in self.rows.values() if row.advice.rule_key == rule_key and row.status in LIVE]


KEYS = st.sampled_from(["chargebacks", "payouts"])
DECISIONS = st.sampled_from(sorted({*LIVE, Status.DISMISSED}))
STEPS = st.lists(
    st.tuples(
        st.floats(min_value=0, max_value=12).map(lambda days: dt.timedelta(days=days)),
        st.sets(st.sampled_from([CHARGEBACKS, PAYOUTS])),
        st.none()
        | st.tuples(st.sampled_from(["chargebacks", "payouts"]), st.sampled_from(sorted({*LIVE, Status.DISMISSED}))),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_whatever_happens_there_is_one_live_of_a_rule_at_most_and_a_dismissal_holds(steps: list[Any]) -> None:
    shop = Shop()
    for pause, advice, decision in steps:
        shop.now += pause
        said = sorted(advice, key=lambda item: item.rule_key)
        shop.compute(said)
        once = dict(shop.rows)
        shop.compute(said)
        assert shop.rows == once, "asked again, there was something left to do"
        for key in ("chargebacks", "payouts"):
            live, dismissed_at = shop.live(key), shop.dismissed_at.get(key)
            assert len(live) <= 1
            quiet = dismissed_at is not None and shop.now - dismissed_at < QUIET
            assert not (quiet and live), "it came back although it was dismissed"
            spoken = key in {item.rule_key for item in said}
            assert bool(live) == (spoken and not quiet)
        if decision is not None:
            shop.decide(*decision)
