"""Scores in the database: added when they say something new."""

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from tests.db.billing import AS_OF, Books, days_ago, open_books
from vaultra.db import metrics, readiness
from vaultra.db.readiness import DayReadiness
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.readiness import TIERS, components_json, score


@pytest.fixture
def books(db: Connection) -> Books:
    return open_books(db)


def scored(books: Books, as_of: dt.datetime = AS_OF) -> DayReadiness:
    books.charge(days_ago(3), 900)
    books.roll_up()
    facts = metrics.metric_facts(books.conn, [books.business_id], as_of)
    known = compute_metrics(facts[books.business_id], as_of)
    metrics.upsert_snapshots(books.conn, {books.business_id: known}, as_of)
    return DayReadiness(books.business_id, as_of.date(), score(known))


def test_a_score_is_read_back(books: Books) -> None:
    made = scored(books)
    assert readiness.insert_scores(books.conn, [made], AS_OF) == 1
    read = readiness.find_score(books.conn, books.business_id)
    assert read is not None
    found, earlier = read
    assert earlier is None
    told, snapshot = made.readiness, metrics.find_snapshot(books.conn, books.business_id)
    assert found.explained == components_json(told)
    assert (found.score, found.tier, found.seed_score) == (told.score, told.tier.key, told.seed_score)
    assert snapshot is not None
    assert (found.snapshot_id, found.scored_on) == (snapshot.id, AS_OF.date())


def test_what_is_stored_is_not_compressed(books: Books) -> None:
    """Compressing a score and a snapshot took longer than all the rest of storing them."""
    readiness.insert_scores(books.conn, [scored(books)], AS_OF)
    for column, table in (("components", "readiness_scores"), ("metrics_json", "financial_metric_snapshots")):
        found = text(f"select pg_column_size({column}) > 1200, pg_column_compression({column}) from {table}")
        assert books.conn.execute(found).one() == (True, None), table


@pytest.mark.parametrize(
    "change",
    [
        {"score": 77},
        {"seed_score": 1},
        {"tier": TIERS[0], "score": 90},
        {"confidence_low": 0},
        {"confidence_high": 100},
        {"provisional": True},
        {"formula_version": "2"},
        {"gauges": {"revenue_stability": None, "risk_signals": None, "payout_reliability": None}},
    ],
)
def test_only_what_is_equal_in_everything_is_left_out(books: Books, change: dict[str, object]) -> None:
    made = scored(books)
    later = AS_OF + dt.timedelta(minutes=1)
    readiness.insert_scores(books.conn, [made], AS_OF)
    assert readiness.insert_scores(books.conn, [made], later) == 0
    changed = made._replace(readiness=replace(made.readiness, **change))  # type: ignore[arg-type]
    assert readiness.insert_scores(books.conn, [changed], later) == 1
    # Back to what it was is news again: the latest row is what counts.
    assert readiness.insert_scores(books.conn, [made], later + dt.timedelta(minutes=1)) == 1


def test_several_businesses_in_one_go(db: Connection) -> None:
    made = [scored(open_books(db)) for _ in range(3)]
    assert readiness.insert_scores(db, made, AS_OF) == 3
    assert readiness.insert_scores(db, [], AS_OF) == 0


def test_the_score_that_stood_thirty_days_before(books: Books) -> None:
    """It is the last of that day, or of the six days before it."""
    made = scored(books)

    def store(age: int, value: int) -> None:
        at = AS_OF - dt.timedelta(days=age)
        on_that_day = DayReadiness(books.business_id, at.date(), replace(made.readiness, score=value))
        readiness.insert_scores(books.conn, [on_that_day], at)

    def thirty_days_before() -> int | None:
        found = readiness.find_score(books.conn, books.business_id)
        assert found is not None
        return found[1]

    for age, value in ((40, 60), (36, 61), (33, 62), (20, 63)):
        store(age, value)
    seen = {}
    for age in (41, 40, 34, 33, 30, 20, 13):
        store(age - 30, 70)  # the latest, as of which the day of that age is asked about
        seen[age] = thirty_days_before()
    assert seen == {41: None, 40: 60, 34: 61, 33: 62, 30: 62, 20: 63, 13: None}
