"""What the database tells of objects that began or ceased to count between two moments."""

import datetime as dt

import pytest
from sqlalchemy import Connection

from tests.db.billing import AS_OF, TODAY, Books, days_ago, open_books
from vaultra.db import models
from vaultra.db.moved_objects import find_account, list_payouts_in_doubt, moved
from vaultra.domain.moved_objects import FRAMES, MOST_OBJECTS, Moment
from vaultra.domain.period import Days

BEFORE = Moment(days_ago(5).date(), days_ago(5, 15))
NOW = Moment(TODAY, AS_OF)
WINDOW, BUCKETS, REFUNDS = FRAMES["chargeback_ratio"], FRAMES["network_pressure"], FRAMES["refunds"]


@pytest.fixture
def books(db: Connection) -> Books:
    return open_books(db)


def test_disputes_come_and_leave_by_the_day_they_count(books: Books, db: Connection) -> None:
    for age, name in ((1, "new"), (30, "left"), (34, "left_too"), (35, "older"), (10, "stays")):
        books.dispute(days_ago(age), id=name)
    books.dispute(days_ago(40), id="escalated", counted_at=days_ago(2), status="lost")
    books.dispute(days_ago(3), "warning_closed", id="inquiry")
    books.dispute(days_ago(3), "prevented", id="prevented")
    books.dispute(days_ago(3), id="gone", deleted=True)
    found = moved(db, books.account.id, "dispute", WINDOW, BEFORE, NOW)
    assert [(one.id, one.movement) for one in found.objects] == [
        ("new", "came"),
        ("escalated", "came"),
        ("left", "left"),
        ("left_too", "left"),
    ]
    assert (found.came, found.left, found.total) == (2, 2, 4)


def test_warnings_tell_the_charge_they_are_about(books: Books, db: Connection) -> None:
    charge = books.charge(days_ago(20), 1234, currency="eur")
    books.add(models.EarlyFraudWarning, days_ago(2), id="issfr_1", charge=charge)
    books.add(models.EarlyFraudWarning, days_ago(3), id="issfr_2", charge="ch_unknown")
    books.add(models.EarlyFraudWarning, days_ago(0), id="issfr_today", charge=charge)  # buckets end yesterday
    found = moved(db, books.account.id, "fraud_warning", BUCKETS, BEFORE, NOW)
    assert [(one.id, one.amount_minor, one.currency) for one in found.objects] == [
        ("issfr_1", 1234, "eur"),
        ("issfr_2", None, None),
    ]


def test_only_refunds_that_succeeded(books: Books, db: Connection) -> None:
    books.refund(days_ago(1), 500, id="re_1")
    books.refund(days_ago(1), 500, id="re_failed", status="failed")
    assert [one.id for one in moved(db, books.account.id, "refund", REFUNDS, BEFORE, NOW).objects] == ["re_1"]


def test_the_list_is_bounded_the_counts_are_of_all(books: Books, db: Connection) -> None:
    for n in range(60):
        books.refund(days_ago(n % 4, n % 10), 500, id=f"re_{n:02}")
    found = moved(db, books.account.id, "refund", REFUNDS, BEFORE, NOW)
    assert (len(found.objects), found.came) == (MOST_OBJECTS, 60)
    assert found.objects[0].on == TODAY
    oldest = moved(db, books.account.id, "refund", REFUNDS, BEFORE, NOW, oldest_first=True)
    assert oldest.objects[0].on == days_ago(3).date()


def test_payouts_that_may_be_missed(books: Books, db: Connection) -> None:
    back = books.movement(days_ago(2), 5000)
    books.payout(days_ago(9).date(), id="po_fine")
    books.payout(days_ago(9).date(), id="po_late", paid_event_at=days_ago(1))
    books.payout(days_ago(9).date(), "failed", id="po_failed", failure_balance_transaction=back)
    books.payout(days_ago(9).date(), id="po_reversed", reversed_by="po_reversal")
    books.payout(days_ago(3).date(), id="po_reversal", minor=-5000)
    books.payout(days_ago(9).date(), "in_transit", id="po_waits")
    books.payout(days_ago(200).date(), "failed", id="po_old")
    found = {one.id: one for one in list_payouts_in_doubt(db, books.account.id, Days(days_ago(95).date(), TODAY))}
    assert set(found) == {"po_late", "po_failed", "po_reversed", "po_waits"}
    assert found["po_failed"].turned_at == days_ago(2)
    assert found["po_reversed"].turned_at == dt.datetime.combine(days_ago(3).date(), dt.time(), dt.UTC)
    assert (found["po_reversed"].payout.reversed, found["po_late"].turned_at) == (True, None)


def test_another_business_has_nothing_to_do_with_it(books: Books, db: Connection) -> None:
    other = open_books(db)
    other.dispute(days_ago(1))
    other.payout(days_ago(1).date(), "failed")
    assert moved(db, books.account.id, "dispute", WINDOW, BEFORE, NOW).total == 0
    assert list_payouts_in_doubt(db, books.account.id, Days(days_ago(95).date(), TODAY)) == []


def test_the_account_that_is_connected(db: Connection) -> None:
    books = open_books(db)
    gone = open_books(db, status="disconnected", disconnected_at=AS_OF)
    assert find_account(db, books.business_id) == books.account.id
    assert find_account(db, gone.business_id) is None
