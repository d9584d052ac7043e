"""Reading recommendations in pages, and deciding about them."""

import datetime as dt
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, select

from tests.rows import NOON, a_business, a_recommendation, a_user, join, leave
from vaultra.db import models
from vaultra.domain.recommendations import Priority, Recommendation, Status
from vaultra.errors import Conflict, Forbidden, InvalidInput, Unprocessable
from vaultra.usecases import recommendations

LATER = NOON + dt.timedelta(hours=1)


def decide(db: Connection, user_id: UUID, row_id: UUID, status: Status) -> Recommendation:
    return recommendations.decide(db, user_id=user_id, recommendation_id=row_id, status=status, now=LATER)


def kept(db: Connection, row_id: UUID) -> tuple[str, dt.datetime]:
    row = models.Recommendation
    found = db.execute(select(row.status, row.updated_at).where(row.id == row_id)).one()
    return found.status, found.updated_at


def test_the_last_page_says_that_it_is(db: Connection) -> None:
    business_id = a_business(db)
    ids = [a_recommendation(db, business_id, estimated_impact=impact) for impact in (30, 20, 10)]
    first = recommendations.page(db, business_id, status=None, priority=Priority.HIGH, cursor=None, limit=2)
    assert ([item.id for item in first.items], first.next_cursor is None) == (ids[:2], False)
    second = recommendations.page(
        db, business_id, status=None, priority=Priority.HIGH, cursor=first.next_cursor, limit=2
    )
    assert ([item.id for item in second.items], second.next_cursor) == (ids[2:], None)


def test_a_full_page_with_nothing_behind_it_is_the_last(db: Connection) -> None:
    business_id = a_business(db)
    a_recommendation(db, business_id)
    page = recommendations.page(db, business_id, status=None, priority=None, cursor=None, limit=1)
    assert (len(page.items), page.next_cursor) == (1, None)


def test_a_cursor_of_nothing_is_refused(db: Connection) -> None:
    with pytest.raises(InvalidInput):
        recommendations.page(db, a_business(db), status=None, priority=None, cursor="1", limit=1)


@pytest.mark.parametrize("role", ["owner", "admin"])
@pytest.mark.parametrize(
    ("before", "decision"),
    [
        ("pending", Status.ACCEPTED),
        ("pending", Status.DISMISSED),
        ("accepted", Status.DISMISSED),
        ("accepted", Status.PENDING),
    ],
)
def test_owners_and_admins_decide(db: Connection, role: str, before: str, decision: Status) -> None:
    user_id = a_user(db)
    row_id = a_recommendation(db, a_business(db, **{role: user_id}), status=before)
    assert decide(db, user_id, row_id, decision).status is decision
    assert kept(db, row_id) == (decision.value, LATER)


def test_a_dismissal_may_say_why_then_or_later(db: Connection) -> None:
    user_id = a_user(db)
    row_id = a_recommendation(db, a_business(db, owner=user_id))

    def dismiss(reason: str | None) -> str | None:
        return recommendations.decide(
            db, user_id=user_id, recommendation_id=row_id, status=Status.DISMISSED, reason=reason, now=LATER
        ).reason

    assert [dismiss(reason) for reason in (None, "seasonal", None, "seasonal", "closed in winter")] == [
        None, "seasonal", "seasonal", "seasonal", "closed in winter"]  # fmt: skip
    assert kept(db, row_id) == ("dismissed", LATER)


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.PENDING])
def test_a_reason_is_for_dismissing_only(db: Connection, status: Status) -> None:
    user_id = a_user(db)
    row_id = a_recommendation(db, a_business(db, owner=user_id))
    with pytest.raises(Unprocessable) as caught:
        recommendations.decide(
            db, user_id=user_id, recommendation_id=row_id, status=status, reason="because", now=LATER
        )
    assert caught.value.details["field"] == "reason"
    assert kept(db, row_id) == ("pending", NOON)


@pytest.mark.parametrize("decision", [Status.ACCEPTED, Status.DISMISSED])
def test_deciding_the_same_again_changes_nothing(db: Connection, decision: Status) -> None:
    user_id = a_user(db)
    row_id = a_recommendation(db, a_business(db, owner=user_id), status=decision.value)
    assert decide(db, user_id, row_id, decision).status is decision
    assert kept(db, row_id) == (decision.value, NOON)


@pytest.mark.parametrize(
    ("before", "decision"),
    [
        ("resolved", Status.ACCEPTED),
        ("resolved", Status.DISMISSED),
        ("resolved", Status.PENDING),
        ("dismissed", Status.ACCEPTED),
        ("dismissed", Status.PENDING),
    ],
)
def test_what_is_over_stays_so(db: Connection, before: str, decision: Status) -> None:
    user_id = a_user(db)
    row_id = a_recommendation(db, a_business(db, owner=user_id), status=before)
    with pytest.raises(Conflict):
        decide(db, user_id, row_id, decision)
    assert kept(db, row_id) == (before, NOON)


def test_a_dismissed_one_never_comes_back_beside_the_new_one_of_its_rule(db: Connection) -> None:
    user_id = a_user(db)
    business_id = a_business(db, owner=user_id)
    old = a_recommendation(db, business_id, rule_key="chargebacks", status="dismissed")
    a_recommendation(db, business_id, rule_key="chargebacks")
    with pytest.raises(Conflict):
        decide(db, user_id, old, Status.ACCEPTED)


def test_a_viewer_only_reads(db: Connection) -> None:
    user_id = a_user(db)
    row_id = a_recommendation(db, a_business(db, viewer=user_id))
    a_business(db, owner=user_id)  # being an owner elsewhere helps nobody
    with pytest.raises(Forbidden) as caught:
        decide(db, user_id, row_id, Status.ACCEPTED)
    assert caught.value.details == {"needed": "admin"}
    assert kept(db, row_id) == ("pending", NOON)


def test_a_stranger_and_a_former_member_hear_the_same_as_of_nothing(db: Connection) -> None:
    user_id = a_user(db)
    business_id = a_business(db, owner=a_user(db))
    row_id = a_recommendation(db, business_id)
    answers = set()
    for asked in (row_id, uuid.uuid4()):
        with pytest.raises(Forbidden) as caught:
            decide(db, user_id, asked, Status.ACCEPTED)
        answers.add((caught.value.message, str(caught.value.details)))
    join(db, user_id, business_id, "owner")
    leave(db, user_id, business_id)
    with pytest.raises(Forbidden) as caught:
        decide(db, user_id, row_id, Status.ACCEPTED)
    answers.add((caught.value.message, str(caught.value.details)))
    assert len(answers) == 1
    assert kept(db, row_id) == ("pending", NOON)


def test_of_opposite_decisions_at_once_none_is_lost_and_none_undone(fresh_engine: Engine) -> None:
    """Dismissing wins in whatever order: accepting is refused after it."""
    with fresh_engine.begin() as db:
        user_id = a_user(db)
        business_id = a_business(db, owner=user_id)
        ids = [a_recommendation(db, business_id) for _ in range(20)]
    barrier = threading.Barrier(4)

    def run(row_id: UUID, status: Status) -> bool:
        barrier.wait()
        try:
            with fresh_engine.begin() as db:
                decide(db, user_id, row_id, status)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        for row_id in ids:
            wanted = [Status.ACCEPTED, Status.DISMISSED] * 2
            done = list(pool.map(run, [row_id] * 4, wanted))
            assert done[1::2] == [True, True]
    with fresh_engine.connect() as db:
        assert {kept(db, row_id)[0] for row_id in ids} == {"dismissed"}
