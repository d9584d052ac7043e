"""An hour in which nothing happened computes nothing, and what stands is what computing would have given."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from tests.db.billing import AS_OF, Books, days_ago, item, open_books
from vaultra.db import rollups
from vaultra.usecases import metrics

HOUR = dt.timedelta(hours=1)
DISABLED = '{"charges_enabled": false, "payouts_enabled": true, "past_due": false}'


@pytest.fixture
def books(db: Connection) -> Books:
    """A shop whose metrics were computed at `AS_OF`."""
    books = open_books(db)
    for age in range(1, 200, 3):
        books.charge(days_ago(age), 100 * age, customer=f"cus_{age % 11}")
    books.refund(days_ago(4), 300)
    books.dispute(days_ago(9), "needs_response")
    books.payout((AS_OF + dt.timedelta(days=1)).date(), "in_transit")
    books.movement(days_ago(3), 900)
    books.roll_up()
    compute(books, AS_OF)
    return books


def compute(books: Books, now: dt.datetime) -> bool:
    """Whether the hour's computation computed something."""
    return metrics.compute(books.conn, [books.business_id], now, unless_unchanged=True) == [books.business_id]


def test_nothing_happened_and_the_metrics_stand_as_of_now(books: Books) -> None:
    before = metrics.latest(books.conn, books.business_id)
    assert not compute(books, AS_OF + 3 * HOUR)
    confirmed = metrics.latest(books.conn, books.business_id)
    assert confirmed.computed_at == AS_OF + 3 * HOUR
    assert not metrics.is_stale(confirmed, AS_OF + 4 * HOUR)
    metrics.compute(books.conn, [books.business_id], AS_OF + 3 * HOUR)
    assert metrics.latest(books.conn, books.business_id).stored == before.stored == confirmed.stored


def test_an_account_without_objects_stands_too(db: Connection) -> None:
    books = open_books(db)
    assert compute(books, AS_OF)
    assert not compute(books, AS_OF + HOUR)


def changes_an_object(books: Books) -> None:
    books.charge(days_ago(1), 500)
    books.roll_up()


def changes_the_account(assignment: str) -> Callable[[Books], None]:
    def change(books: Books) -> None:
        books.conn.execute(text(f"update integration_accounts set {assignment}"))

    return change


def asks(books: Books) -> None:
    rollups.request_metrics(books.conn, [books.business_id], AS_OF)


def subscribes(books: Books) -> None:
    books.subscription(days_ago(40), item("900"))


CHANGES: dict[str, Callable[[Books], None]] = {
    "an object": changes_an_object,
    "the balance": changes_the_account("""balance = '{"available": []}'"""),
    "the standing": changes_the_account(f"standing = '{DISABLED}'"),
    "the currency": changes_the_account("default_currency = 'eur'"),
    "the history": changes_the_account("history_complete = not history_complete"),
    "somebody asked": asks,
    "subscriptions count from one moment to the next": subscribes,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_may_change_a_number_is_computed(books: Books, change: Callable[[Books], None]) -> None:
    change(books)
    assert compute(books, AS_OF + HOUR)


def test_a_new_day_is_computed(books: Books) -> None:
    midnight = (AS_OF + dt.timedelta(days=1)).replace(hour=0, minute=0)
    assert not compute(books, midnight - dt.timedelta(microseconds=1))
    assert compute(books, midnight)


def test_new_definitions_compute_anew(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "DEFINITIONS", "another release's")
    assert compute(books, AS_OF + HOUR)


def test_what_an_earlier_release_computed_is_computed_anew(books: Books) -> None:
    books.conn.execute(text("update financial_metric_snapshots set basis = null"))
    assert compute(books, AS_OF + HOUR)


def test_a_disconnected_account_is_not_confirmed(books: Books) -> None:
    books.conn.execute(text("update integration_accounts set status = 'disconnected'"))
    assert not compute(books, AS_OF + HOUR)
    assert metrics.latest(books.conn, books.business_id).computed_at == AS_OF


def test_each_business_is_judged_by_itself(books: Books, db: Connection) -> None:
    quiet = open_books(db)
    compute(quiet, AS_OF)
    changes_an_object(books)
    both = [books.business_id, quiet.business_id]
    assert metrics.compute(db, both, AS_OF + HOUR, unless_unchanged=True) == [books.business_id]
    assert metrics.latest(db, quiet.business_id).computed_at == AS_OF + HOUR
