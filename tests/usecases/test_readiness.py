"""Scores from snapshots: stored once, never rewritten, with a trend."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select, text, update

from tests.db.billing import AS_OF, Books, days_ago, open_books
from tests.statements import counting
from vaultra.db import models
from vaultra.errors import NoData
from vaultra.usecases import metrics, readiness

MINUTE = dt.timedelta(minutes=1)
COUNT = select(func.count()).select_from(models.ReadinessScore)


@pytest.fixture
def books(db: Connection) -> Books:
    books = open_books(db)
    for age in range(1, 200):
        books.charge(days_ago(age), 50_000, customer=f"cus_{age % 30}")
        books.payout(days_ago(age).date())
    books.roll_up()
    return books


def score_at(books: Books, now: dt.datetime) -> int:
    metrics.compute(books.conn, [books.business_id], now)
    readiness.compute(books.conn, [books.business_id], now)
    return readiness.current(books.conn, books.business_id).latest.score


def test_a_score_is_stored_with_what_explains_it(books: Books) -> None:
    score_at(books, AS_OF)
    current = readiness.current(books.conn, books.business_id)
    latest = current.latest
    assert latest.snapshot_id == metrics.latest(books.conn, books.business_id).id
    assert (latest.scored_on, latest.created_at) == (AS_OF.date(), AS_OF)
    assert latest.score == 50 + sum(rule["points"] for rule in latest.explained["rules"])
    assert latest.confidence_low <= latest.score <= latest.confidence_high
    assert (latest.provisional, latest.formula_version, current.trend) == (False, "1", None)


def test_metrics_come_with_their_score(books: Books) -> None:
    """Whoever scores them afterwards finds nothing to do, and reads no metrics again."""
    metrics.compute(books.conn, [books.business_id], AS_OF)
    first = readiness.current(books.conn, books.business_id).latest
    assert (first.created_at, first.snapshot_id) == (AS_OF, metrics.latest(books.conn, books.business_id).id)
    with counting(books.conn.engine) as statements:
        assert readiness.compute(books.conn, [books.business_id], AS_OF + MINUTE) == 0
    assert not any("metrics_json" in statement for statement in statements)
    assert readiness.current(books.conn, books.business_id).latest == first


@pytest.mark.parametrize("basis", [None, "1.1:of an earlier release", "scored:1.0:by another formula"])
def test_metrics_that_came_without_a_score_get_one(books: Books, basis: str | None) -> None:
    other = open_books(books.conn)
    both = [books.business_id, other.business_id]
    metrics.compute(books.conn, both, AS_OF)
    whole = readiness.current(books.conn, books.business_id).latest
    books.conn.execute(text("delete from readiness_scores"))
    values = {"basis": basis, "business": books.business_id}
    books.conn.execute(
        text("update financial_metric_snapshots set basis = :basis where business_id = :business"), values
    )
    assert readiness.compute(books.conn, both, AS_OF + MINUTE) == 1
    made = readiness.current(books.conn, books.business_id).latest
    assert made == replace(whole, id=made.id, created_at=AS_OF + MINUTE)
    with pytest.raises(NoData):
        readiness.current(books.conn, other.business_id)


def test_what_an_earlier_release_scored_is_still_told(books: Books) -> None:
    """It kept the sentences with the score."""
    score_at(books, AS_OF)
    latest = readiness.current(books.conn, books.business_id).latest
    table = models.ReadinessScore
    books.conn.execute(update(table).values(components=latest.explained))
    earlier = readiness.current(books.conn, books.business_id).latest
    assert earlier.components == latest.explained
    assert earlier.explained == latest.explained


def test_what_changes_nothing_adds_no_row(books: Books) -> None:
    score_at(books, AS_OF)
    score_at(books, AS_OF + dt.timedelta(minutes=5))
    assert books.conn.execute(COUNT).scalar_one() == 1
    before = readiness.current(books.conn, books.business_id).latest
    assert before.created_at == AS_OF
    books.dispute(days_ago(0))
    books.roll_up()
    score_at(books, AS_OF + dt.timedelta(minutes=9))
    assert books.conn.execute(COUNT).scalar_one() == 2
    score_at(books, AS_OF + dt.timedelta(days=1))
    assert books.conn.execute(COUNT).scalar_one() == 3


def test_arrived_history_ends_the_provisional_score(books: Books) -> None:
    books.conn.execute(text("update integration_accounts set history_complete = false"))
    score_at(books, AS_OF)
    assert readiness.current(books.conn, books.business_id).latest.provisional
    books.conn.execute(text("update integration_accounts set history_complete = true"))
    score_at(books, AS_OF + dt.timedelta(minutes=1))
    assert not readiness.current(books.conn, books.business_id).latest.provisional


@pytest.mark.parametrize(
    ("days_before", "change", "trend"),
    [
        (30, 3, "improving"),
        (30, 2, "stable"),
        (30, -2, "stable"),
        (30, -3, "declining"),
        (36, -3, "declining"),
        (37, -3, None),
        (29, -3, None),
    ],
)
def test_trend_against_thirty_days_ago(books: Books, days_before: int, change: int, trend: str | None) -> None:
    then = AS_OF - dt.timedelta(days=days_before)
    score_at(books, then)
    now = score_at(books, AS_OF)
    books.conn.execute(
        text("update readiness_scores set score = :score where created_at = :then"),
        {"score": now - change, "then": then},
    )
    assert readiness.current(books.conn, books.business_id).trend == trend


def test_no_data_before_the_first_score(db: Connection) -> None:
    with pytest.raises(NoData):
        readiness.current(db, open_books(db).business_id)


def test_without_a_snapshot_there_is_no_score(db: Connection) -> None:
    books = open_books(db)
    assert readiness.compute(db, [books.business_id], AS_OF) == 0
