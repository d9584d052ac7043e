"""The calendar against the real computation: time is moved, and the usual happens."""

import datetime as dt

import pytest
from sqlalchemy import Connection, text

from tests.db.billing import AS_OF, TODAY, Books, days_ago, open_books
from vaultra.db import metrics, models, rollups
from vaultra.db.daily_history import list_daily_totals
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.outlook import HORIZON_DAYS, Outlook
from vaultra.domain.period import Period
from vaultra.domain.readiness import score
from vaultra.errors import NoData
from vaultra.usecases.paths import prospects


def fill(books: Books) -> None:
    """Eight customers who buy every day, for 250 days, and trouble of every kind."""
    for age in range(250):
        for n in range(8):
            books.charge(days_ago(age, 1 + n), 40_00, customer=f"cus_{n}")
    for age in (2, 2, 9, 15, 28, 33, 70):
        books.dispute(days_ago(age, 3))
    for age in (5, 60):
        books.add(models.EarlyFraudWarning, days_ago(age))
    for age in (10, 20, 44, 80):
        books.refund(days_ago(age), 600_00)
    for age in range(0, 90, 4):
        books.payout(days_ago(age).date(), "failed" if age in (16, 64) else "paid")
    books.movement(days_ago(100), 1000)
    books.movement(days_ago(50), -1500)
    books.movement(days_ago(48), 1500)
    books.movement(days_ago(0, 1), -500)


def go_on(books: Books) -> None:
    """The coming 90 days: each sells what the day 30 days before it sold, and payouts arrive."""
    conn = books.conn
    for times in (1, 2, 3):
        values = {"account": books.account.id, "times": times, "first": days_ago(29, 0), "until": days_ago(-1, 0)}
        conn.execute(SOLD_AGAIN, values)
        conn.execute(PAID_AGAIN, values)
    coming = [(TODAY + dt.timedelta(days=ahead)) for ahead in range(1, 91)]
    rollups.recompute(conn, books.account, coming)


SOLD_AGAIN = text(
    """
    insert into charges select (jsonb_populate_record(c, jsonb_build_object('id', c.id || '_' || cast(:times as int),
        'created_at', c.created_at + cast(:times as int) * interval '30 days'))).*
    from charges c
    where integration_account_id = :account and created_at >= :first and created_at < :until
    """
)
PAID_AGAIN = text(
    """
    insert into payouts select (jsonb_populate_record(p, jsonb_build_object('id', p.id || '_' || cast(:times as int),
        'status', 'paid', 'arrival_on', p.arrival_on + 30 * cast(:times as int)))).*
    from payouts p
    where integration_account_id = :account and created_at >= :first and created_at < :until
    """
)


def metrics_on(books: Books, ahead: int) -> MetricSet:
    """What the hourly computation finds on a coming day."""
    at = AS_OF + dt.timedelta(days=ahead)
    return compute_metrics(metrics.metric_facts(books.conn, [books.business_id], at)[books.business_id], at)


def test_the_calendar_is_right_when_time_is_moved_there(db: Connection) -> None:
    """Every one of the 90 days: the score foretold is the one that the stored objects of that day give."""
    books = open_books(db)
    fill(books)
    books.roll_up()
    found = prospects(db, books.business_id, None, AS_OF)
    go_on(books)
    turns = {turn.on: turn.score for turn in found.turns}
    foretold = found.score
    assert score(metrics_on(books, 0)).score == foretold
    for ahead in range(1, HORIZON_DAYS + 1):
        foretold = turns.get(TODAY + dt.timedelta(days=ahead), foretold)
        assert score(metrics_on(books, ahead)).score == foretold, f"{ahead} days ahead"
    assert len(turns) >= 5
    rules = {cause.rule for turn in found.turns for cause in turn.causes}
    assert {"chargeback_ratio", "network_pressure", "payout_reliability", "account_standing", "refunds"} <= rules
    print(f"Show 2: stored objects moved through {HORIZON_DAYS} days: {len(turns)} turns, all as foretold")


def test_the_path_holds_when_time_is_moved_there(db: Connection) -> None:
    books = open_books(db)
    fill(books)
    books.roll_up()
    path = prospects(db, books.business_id, None, AS_OF).path
    assert path is not None
    assert {step.effort for step in path.steps} == {"keep"}
    go_on(books)
    assert score(metrics_on(books, (path.on - TODAY).days)).score == path.reached.score >= 41


def test_the_outlook_begins_with_what_is_stored(db: Connection) -> None:
    """The days' totals and the facts say the same of today, so nothing jumps tomorrow."""
    books = open_books(db)
    fill(books)
    books.charge(days_ago(1), 900, currency="eur", settled_minor=None)
    books.charge(days_ago(2), 900, currency="eur", settled_minor=1000)
    books.roll_up()
    facts = metrics.metric_facts(db, [books.business_id], AS_OF)[books.business_id]
    history = list_daily_totals(db, books.account.id, TODAY)
    outlook = Outlook(facts, history, AS_OF)
    assert sum(day.charge_count for day in history.values()) == 250 * 8 + 2
    assert outlook.total(Period(TODAY).window) == facts.window
    assert outlook.total(Period(TODAY).last_days(90)) == facts.last_90_days


def test_without_an_account_there_is_nothing_to_look_ahead_from(db: Connection) -> None:
    books = open_books(db, status="disconnected", disconnected_at=AS_OF)
    with pytest.raises(NoData):
        prospects(db, books.business_id, None, AS_OF)
