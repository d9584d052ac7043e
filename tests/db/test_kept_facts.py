"""What is kept of an account's objects is what reading them again would say, and holds until one of them changes."""

import datetime as dt
import json
import random
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, event, select, text

from tests.db.billing import AS_OF, Books, days_ago, open_books
from vaultra.db import metrics, models
from vaultra.db.kept_facts import KeptBalance
from vaultra.domain.metric_facts import MetricFacts

DAY = dt.timedelta(days=1)
READ = {"payers": "from charges\n", "balance": "join balance_transactions"}


@pytest.fixture
def books(db: Connection) -> Books:
    return open_books(db)


@pytest.fixture
def reads(engine: Engine) -> Iterator[Callable[[], list[str]]]:
    """Which objects were read since the last call."""
    statements: list[str] = []
    listen = (engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    event.listen(*listen)

    def told() -> list[str]:
        found = [what for what, mark in READ.items() if any(mark in one and "kept" not in one for one in statements)]
        statements.clear()
        return found

    yield told
    event.remove(*listen)


def keep(books: Books, as_of: dt.datetime = AS_OF, changed: bool = False) -> MetricFacts:
    """Gather and keep, as a computation does."""
    requested = [books.business_id] if changed else []
    gathered = metrics.gather(books.conn, [books.business_id], as_of, requested)
    [found] = [one.facts for one in gathered.facts if one.business_id == books.business_id]
    metrics.upsert_kept_facts(books.conn, gathered.read)
    return found


def read_anew(books: Books, as_of: dt.datetime) -> MetricFacts:
    """The facts as they are when nothing is kept; what is kept stays."""
    with books.conn.begin_nested() as nothing_kept:
        books.conn.execute(text("delete from kept_facts"))
        found = metrics.metric_facts(books.conn, [books.business_id], as_of)[books.business_id]
        nothing_kept.rollback()
    return found


def test_an_unchanged_account_is_read_once_a_day_at_most(books: Books, reads: Callable[[], list[str]]) -> None:
    books.charge(days_ago(3), customer="cus_1")
    books.movement(days_ago(3), 900)
    books.roll_up()
    reads()
    first = keep(books)
    assert reads() == ["payers", "balance"]
    assert keep(books, AS_OF + dt.timedelta(hours=1)) == first
    assert reads() == []
    assert keep(books, AS_OF + DAY).payers == first.payers
    assert reads() == []


def test_an_account_without_charges_is_kept_too(books: Books, reads: Callable[[], list[str]]) -> None:
    first = keep(books)
    reads()
    assert keep(books) == first
    assert reads() == []


@pytest.mark.parametrize("write", ["charge", "movement", "refund", "dispute", "invoice"])
def test_any_stored_object_makes_it_be_read_again(books: Books, reads: Callable[[], list[str]], write: str) -> None:
    books.charge(days_ago(3), customer="cus_1", invoice="in_1")
    books.roll_up()
    keep(books)
    reads()
    if write == "charge":
        books.charge(days_ago(2), 70, customer="cus_2")
    elif write == "movement":
        books.movement(days_ago(2), -50)
    elif write == "refund":
        books.refund(days_ago(2), 10)
    elif write == "dispute":
        books.dispute(days_ago(2))
    else:
        books.add(models.Invoice, days_ago(3), id="in_1", subscription="sub_1")
    books.roll_up()
    assert keep(books) == read_anew(books, AS_OF)
    assert reads() == ["payers", "balance"]


def test_rows_that_touch_no_day_count_as_well(books: Books, reads: Callable[[], list[str]]) -> None:
    keep(books)
    books.add(models.Invoice, days_ago(3), subscription="sub_1")
    books.roll_up(days=[])
    reads()
    keep(books)
    assert reads() == ["payers", "balance"]


@pytest.mark.parametrize(
    "column", ['balance = \'{"available": [], "pending": [], "as_of": 1}\'', "default_currency = 'eur'"]
)
def test_a_new_balance_or_currency_makes_it_be_read_again(
    books: Books, reads: Callable[[], list[str]], column: str
) -> None:
    books.movement(days_ago(2), 50)
    keep(books)
    books.conn.execute(text(f"update integration_accounts set {column}"))
    reads()
    assert keep(books) == read_anew(books, AS_OF)
    assert reads()[:2] == ["payers", "balance"]


def test_a_requested_business_is_read_whatever_is_kept(books: Books, reads: Callable[[], list[str]]) -> None:
    """The release before this one stores objects without saying so."""
    books.charge(days_ago(3), 10)
    books.roll_up()
    keep(books)
    version = select(models.IntegrationAccount.objects_version)
    before = books.conn.execute(version).scalar_one()
    books.charge(days_ago(3), 20)
    assert books.conn.execute(version).scalar_one() == before
    reads()
    assert keep(books, changed=True).payers.volume_minor == 30
    assert reads() == ["payers", "balance"]


def test_what_was_kept_on_a_later_day_says_nothing_about_an_earlier_one(books: Books) -> None:
    books.charge(days_ago(3), 10, customer="cus_1")
    books.movement(days_ago(3), 10)
    books.roll_up()
    keep(books)
    before = AS_OF - 5 * DAY
    assert metrics.metric_facts(books.conn, [books.business_id], before)[books.business_id] == read_anew(books, before)


def test_a_movement_that_is_still_to_come_shows_on_its_day(books: Books) -> None:
    books.movement(days_ago(1), 10)
    books.movement(days_ago(-2), 20)
    yesterday, coming = days_ago(1).date(), days_ago(-2).date()
    assert keep(books).balance.movements == {yesterday: 10}
    assert keep(books, AS_OF + DAY).balance.movements == {yesterday: 10}
    assert keep(books, AS_OF + 2 * DAY).balance.movements == {yesterday: 10, coming: 20}


def test_a_change_between_two_statements_is_seen_by_the_next_computation(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as setup:
        books = open_books(setup)
        books.charge(days_ago(3), 10, customer="cus_1")
        books.roll_up()

    def change(conn: Connection, _cursor: object, statement: str, *_more: object) -> None:
        if "charges_ever" in statement and not changed:
            changed.append(statement)
            with fresh_engine.begin() as ingesting:
                other = Books(ingesting, books.account)
                other.charge(days_ago(2), 20, customer="cus_2")
                other.roll_up()

    changed: list[str] = []
    event.listen(fresh_engine, "after_cursor_execute", change)
    with fresh_engine.begin() as conn:
        first = keep(Books(conn, books.account))
    event.remove(fresh_engine, "after_cursor_execute", change)
    with fresh_engine.begin() as conn:
        second = keep(Books(conn, books.account))
    assert changed
    assert (first.payers.volume_minor, second.payers.volume_minor) == (10, 30)


@pytest.mark.parametrize("seed", range(12))
def test_kept_facts_are_those_that_reading_anew_gives(books: Books, seed: int) -> None:
    chance = random.Random(seed)
    # From 300 days ago until 40 days after the reading; where the balance was read lies in or before the 90 days.
    read_at = AS_OF - chance.choice([0, 3, 60, 95, 120]) * DAY
    held = [{"amount": chance.randrange(-500, 5000), "currency": "usd"}]
    books.conn.execute(
        text("update integration_accounts set balance = cast(:balance as jsonb)"),
        {"balance": json.dumps({"available": held, "pending": [], "as_of": int(read_at.timestamp())})},
    )
    for _ in range(60):
        at = days_ago(chance.choice([0, 1, 29, 30, 89, 90, 91, 179, 180, 181, chance.randrange(-40, 300)]), 0)
        at += dt.timedelta(minutes=chance.randrange(1440))
        payer = chance.choice([None, "cus_1", "cus_2", "cus_3"])
        books.charge(at, chance.randrange(1, 500), customer=payer, invoice=chance.choice([None, "in_1"]))
        books.movement(at + dt.timedelta(minutes=1), chance.randrange(-400, 600))
    books.add(models.Invoice, days_ago(10), id="in_1", subscription="sub_1")
    books.roll_up(days=[(AS_OF + offset * DAY).date() for offset in range(-310, 45)])
    as_of = AS_OF
    for _ in range(6):
        assert keep(books, as_of) == read_anew(books, as_of)
        as_of += chance.choice([0, 1, 1, 2, 7, 30]) * DAY


def test_a_balance_that_was_never_read_has_no_opening() -> None:
    kept = KeptBalance(None, [89, 3, -2], [5, 7, 9])
    assert kept.after(0) is kept
    assert kept.after(1) == KeptBalance(None, [4, -1], [7, 9])
    assert KeptBalance(100, [89, 3], [5, 7]).after(1) == KeptBalance(105, [4], [7])
