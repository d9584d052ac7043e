"""The statements about recommendations."""

import datetime as dt
import itertools
import random
import uuid
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Connection, select

from tests.rows import NOON, a_business, a_recommendation, a_user, join, leave
from vaultra.db import models, recommendations
from vaultra.domain.paging import Place
from vaultra.domain.recommendations import Priority, Recommendation, Status

LATER = NOON + dt.timedelta(hours=1)


def listed(
    db: Connection,
    business_id: UUID,
    *,
    status: Status | None = None,
    priority: Priority | None = None,
    after: Place | None = None,
    limit: int = 1000,
) -> list[Recommendation]:
    return recommendations.list_recommendations(
        db, business_id, status=status, priority=priority, after=after, limit=limit
    )


def paged(db: Connection, business_id: UUID, size: int) -> list[UUID]:
    """The ids of all pages, read one after the other."""
    found: list[UUID] = []
    after: Place | None = None
    while items := listed(db, business_id, after=after, limit=size):
        found += [item.id for item in items]
        assert len(found) == len(set(found)), "a page repeats an item"
        after = items[-1].place
    return found


def decided_at(db: Connection, row_id: UUID) -> dt.datetime | None:
    return db.execute(select(models.Recommendation.decided_at).where(models.Recommendation.id == row_id)).scalar_one()


def many(db: Connection, business_id: UUID) -> None:
    """Every priority with every kind of impact, most of them several times in the same moment."""
    chance = random.Random(7)
    for priority, impact, _ in itertools.product(Priority, (None, -3, 0, 15, 15), range(4)):
        created_at = NOON - dt.timedelta(minutes=chance.randrange(2))
        a_recommendation(db, business_id, priority=priority.value, estimated_impact=impact, created_at=created_at)


def test_a_recommendation_is_read_as_it_was_written(db: Connection) -> None:
    business_id = a_business(db)
    refs = ["chargeback_ratio", "chargeback_count"]
    article = "reduce-chargebacks"
    row_id = a_recommendation(
        db, business_id, rule_key="rule", priority="low", status="dismissed", metric_refs=refs, article=article
    )
    assert listed(db, business_id) == [
        Recommendation(
            id=row_id,
            business_id=business_id,
            rule_key="rule",
            title="Reduce chargebacks",
            description="2.4 % of your payments are disputed.",
            priority=Priority.LOW,
            category="chargebacks",
            status=Status.DISMISSED,
            estimated_impact=15,
            metric_refs=("chargeback_ratio", "chargeback_count"),
            article=article,
            created_at=NOON,
        )
    ]


def test_the_database_sorts_as_the_domain_does(db: Connection) -> None:
    business_id = a_business(db)
    many(db, business_id)
    found = listed(db, business_id)
    expected = sorted(found, key=lambda item: (*item.place.ranks, item.place.created_at, item.place.id), reverse=True)
    assert len(found) == 60
    assert found == expected
    assert (found[0].priority, found[0].estimated_impact) == (Priority.HIGH, 15)
    assert (found[-1].priority, found[-1].estimated_impact) == (Priority.LOW, None)


@pytest.mark.parametrize("size", [1, 7, 59, 60, 61])
def test_pages_are_the_list_cut(db: Connection, size: int) -> None:
    business_id = a_business(db)
    many(db, business_id)
    assert paged(db, business_id, size) == [item.id for item in listed(db, business_id)]


def test_what_comes_or_goes_between_two_pages_moves_no_other(db: Connection) -> None:
    business_id = a_business(db)
    many(db, business_id)
    before = [item.id for item in listed(db, business_id)]
    first = listed(db, business_id, limit=20)
    recommendations.update_decision(db, replace(first[-1], status=Status.DISMISSED), LATER)
    a_recommendation(db, business_id, created_at=LATER)  # belongs on the first page
    rest = listed(db, business_id, after=first[-1].place)
    assert [item.id for item in (*first, *rest)] == before


@pytest.mark.parametrize("created_at", [dt.datetime.min, dt.datetime.max])
def test_a_place_at_the_end_of_time_is_a_place(db: Connection, created_at: dt.datetime) -> None:
    business_id = a_business(db)
    a_recommendation(db, business_id)
    place = Place((3, 15), created_at.replace(tzinfo=dt.UTC), uuid.uuid4())
    assert len(listed(db, business_id, after=place)) == (1 if created_at == dt.datetime.max else 0)


def test_status_and_priority_narrow_the_list(db: Connection) -> None:
    business_id = a_business(db)
    ids = {
        (status, priority): a_recommendation(db, business_id, status=status.value, priority=priority.value)
        for status, priority in itertools.product(Status, Priority)
    }
    for status, priority in itertools.product([None, *Status], [None, *Priority]):
        found = {item.id for item in listed(db, business_id, status=status, priority=priority)}
        assert found == {
            row_id for (its, of), row_id in ids.items() if status in (None, its) and priority in (None, of)
        }


def test_a_list_is_of_one_business(db: Connection) -> None:
    mine, foreign = a_business(db), a_business(db)
    a_recommendation(db, foreign)
    assert listed(db, mine) == []


def test_only_a_member_finds_a_recommendation(db: Connection) -> None:
    member, stranger = a_user(db), a_user(db)
    business_id = a_business(db, viewer=member)
    a_business(db, owner=stranger)
    row_id = a_recommendation(db, business_id)
    assert recommendations.find_for_member(db, row_id, member) == listed(db, business_id)[0]
    assert recommendations.find_for_member(db, row_id, stranger) is None
    assert recommendations.find_for_member(db, uuid.uuid4(), member) is None
    join(db, stranger, business_id, "viewer")
    assert recommendations.find_for_member(db, row_id, stranger) is not None
    leave(db, stranger, business_id)
    assert recommendations.find_for_member(db, row_id, stranger) is None


def test_a_decision_is_kept_for_one_recommendation_of_the_named_business(db: Connection) -> None:
    business_id, foreign = a_business(db), a_business(db)
    row_id, other = a_recommendation(db, business_id), a_recommendation(db, business_id)
    [found] = [item for item in listed(db, business_id) if item.id == row_id]
    recommendations.update_decision(db, replace(found, status=Status.DISMISSED, reason="seasonal"), LATER)
    recommendations.update_decision(db, replace(found, status=Status.ACCEPTED, business_id=foreign), LATER)
    recommendations.update_reason(db, foreign, row_id, "not mine")
    assert {item.id: (item.status, item.reason) for item in listed(db, business_id)} == {
        row_id: (Status.DISMISSED, "seasonal"),
        other: (Status.PENDING, None),
    }
    assert decided_at(db, row_id) == LATER
    recommendations.update_reason(db, business_id, row_id, "closed in winter")
    assert [item.reason for item in listed(db, business_id, status=Status.DISMISSED)] == ["closed in winter"]


def test_taking_a_decision_back_forgets_when_it_was_made(db: Connection) -> None:
    business_id = a_business(db)
    row_id = a_recommendation(db, business_id, status="accepted", decided_at=NOON)
    [found] = listed(db, business_id)
    recommendations.update_decision(db, replace(found, status=Status.PENDING), LATER)
    assert decided_at(db, row_id) is None
