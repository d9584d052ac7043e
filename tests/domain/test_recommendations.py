"""In which order recommendations matter, and what their owner may decide."""

import datetime as dt
import uuid

import pytest

from vaultra.domain.recommendations import Priority, Recommendation, Status

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def a_recommendation(
    priority: Priority = Priority.HIGH,
    impact: int | None = 15,
    created_at: dt.datetime = NOON,
    status: Status = Status.PENDING,
) -> Recommendation:
    return Recommendation(
        id=uuid.uuid4(),
        business_id=uuid.uuid4(),
        rule_key="chargebacks",
        title="Reduce chargebacks",
        description="",
        priority=priority,
        category="chargebacks",
        status=status,
        estimated_impact=impact,
        metric_refs=(),
        article=None,
        created_at=created_at,
    )


def test_priority_comes_first_then_impact_then_the_newest() -> None:
    in_order = [
        a_recommendation(Priority.HIGH, 11),
        a_recommendation(Priority.MEDIUM, 90, NOON),
        a_recommendation(Priority.MEDIUM, 90, NOON - dt.timedelta(seconds=1)),
        a_recommendation(Priority.MEDIUM, 9, NOON),
        a_recommendation(Priority.LOW, 100),
        a_recommendation(Priority.LOW, -5),
        a_recommendation(Priority.LOW, None),
    ]

    def weight(item: Recommendation) -> tuple[object, ...]:
        return (*item.place.ranks, item.place.created_at, item.place.id)

    backwards = in_order[::-1]
    assert sorted(backwards, key=weight, reverse=True) == in_order


@pytest.mark.parametrize(
    ("status", "decisions"),
    [
        (Status.PENDING, {Status.ACCEPTED, Status.DISMISSED}),
        (Status.ACCEPTED, {Status.DISMISSED, Status.PENDING}),
        (Status.DISMISSED, set()),
        (Status.RESOLVED, set()),
    ],
)
def test_what_may_still_be_decided(status: Status, decisions: set[Status]) -> None:
    assert {other for other in Status if a_recommendation(status=status).may_become(other)} == decisions
