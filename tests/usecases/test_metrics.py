"""Computing metrics when they are due, without losing a change."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Connection, Engine, func, insert, select, text

from tests.db.billing import AS_OF, days_ago, open_books
from vaultra.db import models, rollups
from vaultra.errors import NoData
from vaultra.usecases import metrics

COUNT_DUE = select(func.count()).select_from(models.MetricsDue)


def test_computing_takes_the_request_and_keeps_a_snapshot(db: Connection) -> None:
    books, silent = open_books(db), open_books(db)
    books.charge(days_ago(2), 500)
    books.roll_up()
    rollups.request_metrics(db, [books.business_id, silent.business_id], AS_OF)
    ids = [books.business_id, silent.business_id]
    assert metrics.compute(db, ids, AS_OF) == sorted(ids)
    assert db.execute(COUNT_DUE).scalar_one() == 0
    assert metrics.latest(db, books.business_id).metrics["revenue_total"].value == 500
    assert metrics.latest(db, silent.business_id).metrics["transaction_count"].value == 0


def test_computing_twice_gives_the_same(db: Connection) -> None:
    books = open_books(db)
    for age in range(1, 120):
        books.charge(days_ago(age), 100 * age, customer=f"cus_{age % 11}")
    books.roll_up()
    metrics.compute(db, [books.business_id], AS_OF)
    first = metrics.latest(db, books.business_id)
    metrics.compute(db, [books.business_id], AS_OF)
    assert metrics.latest(db, books.business_id) == first


def test_a_disconnected_or_unknown_business_gets_nothing_new(db: Connection) -> None:
    books = open_books(db)
    metrics.compute(db, [books.business_id], AS_OF)
    db.execute(text("update integration_accounts set status = 'disconnected'"))
    db.execute(insert(models.MetricsDue).values(business_id=books.business_id, requested_at=AS_OF))
    later = AS_OF + dt.timedelta(hours=3)
    assert metrics.compute(db, [books.business_id, uuid.uuid4()], later) == []
    kept = metrics.latest(db, books.business_id)
    assert kept.computed_at == AS_OF
    assert metrics.is_stale(kept, later)
    assert db.execute(COUNT_DUE).scalar_one() == 0


def test_stale_after_two_hours(db: Connection) -> None:
    books = open_books(db)
    metrics.compute(db, [books.business_id], AS_OF)
    snapshot = metrics.latest(db, books.business_id)
    assert not metrics.is_stale(snapshot, AS_OF + dt.timedelta(hours=2))
    assert metrics.is_stale(snapshot, AS_OF + dt.timedelta(hours=2, seconds=1))


def test_no_data_before_the_first_computation(db: Connection) -> None:
    with pytest.raises(NoData):
        metrics.latest(db, open_books(db).business_id)


def test_a_change_that_commits_during_a_computation_asks_again(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as setup:
        books = open_books(setup)
        rollups.request_metrics(setup, [books.business_id], AS_OF)
    with fresh_engine.connect() as computing, fresh_engine.connect() as ingesting:
        metrics.compute(computing, [books.business_id], AS_OF)
        ingesting.execute(text("set local lock_timeout = '100ms'"))
        with pytest.raises(Exception, match="55P03"):  # it waits for the request to be taken away
            rollups.request_metrics(ingesting, [books.business_id], AS_OF)
        ingesting.rollback()
        computing.commit()
        assert rollups.request_metrics(ingesting, [books.business_id], AS_OF) == [books.business_id]
        assert rollups.request_metrics(ingesting, [books.business_id], AS_OF) == []
