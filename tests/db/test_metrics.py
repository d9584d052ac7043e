"""Facts from stored objects, and snapshots, on real Postgres."""

import datetime as dt
import random
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select, text, update

from tests.db.billing import AS_OF, TODAY, Books, days_ago, item, open_books
from vaultra.db import metrics, models
from vaultra.domain.metric_facts import (
    BalanceHistory,
    DisputeStates,
    MetricFacts,
    PayerTotals,
    Payout,
    Standing,
    Totals,
    Unconverted,
)
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.subscriptions import Discount, Item, Subscription, Tier


@pytest.fixture
def books(db: Connection) -> Books:
    return open_books(db)


def facts(books: Books) -> MetricFacts:
    books.roll_up()
    return metrics.metric_facts(books.conn, [books.business_id], AS_OF)[books.business_id]


def test_a_business_without_objects(books: Books) -> None:
    assert facts(books) == MetricFacts(
        settlement_currency="usd", history_complete=True, standing=Standing(True, True, False)
    )


def test_only_a_connected_account_counts(db: Connection) -> None:
    gone = open_books(db, status="disconnected")
    gone.charge(days_ago(3))
    failing = open_books(db, status="error", standing=None, default_currency=None, history_complete=False)
    found = metrics.metric_facts(db, [gone.business_id, failing.business_id], AS_OF)
    assert found == {failing.business_id: MetricFacts()}
    assert metrics.metric_facts(db, [], AS_OF) == {}


def test_windows_and_buckets_have_whole_utc_days(books: Books) -> None:
    books.charge(days_ago(0, hour=23), 1)
    books.charge(days_ago(1, hour=0), 10)
    books.charge(days_ago(29, hour=0), 100)
    books.charge(days_ago(30, hour=23), 1_000)
    books.charge(days_ago(31, hour=23), 10_000)
    books.charge(days_ago(60, hour=0), 100_000)
    books.charge(days_ago(61, hour=23), 1_000_000)
    books.charge(days_ago(-1, hour=0), 5)
    found = facts(books)
    assert found.window == Totals(3, 111)
    assert found.last_90_days == Totals(7, 1_111_111)
    assert found.buckets == {0: Totals(3, 1_110), 1: Totals(2, 110_000), 2: Totals(1, 1_000_000)}
    assert found.first_charge_on == TODAY - dt.timedelta(days=61)
    assert found.active_days == {TODAY - dt.timedelta(days=age) for age in (0, 1, 29, 30, 31, 60, 61)}


def test_what_a_charge_is(books: Books) -> None:
    books.charge(days_ago(2), 500)
    books.charge(days_ago(2), status="failed", captured=False, settled_minor=None)
    books.charge(days_ago(2), status="pending", settled_minor=None)
    books.charge(days_ago(2), captured=False, captured_minor=0)
    books.charge(days_ago(2), deleted=True)
    books.charge(days_ago(400), status="failed")
    found = facts(books)
    assert found.window == Totals(charge_count=1, revenue_minor=500, failed_count=1)
    assert found.first_charge_on == TODAY - dt.timedelta(days=2)


def test_refunds_disputes_and_warnings(books: Books) -> None:
    charge = books.charge(days_ago(200), 1000)
    books.refund(days_ago(3), 300, charge=charge)
    books.refund(days_ago(3), 999, charge=charge, status="failed")
    taken, back = days_ago(5), days_ago(2)
    movements = [
        {"id": "txn_1", "amount_minor": -1000, "currency": "usd", "created_at": taken.isoformat()},
        {"id": "txn_2", "amount_minor": 1000, "currency": "usd", "created_at": back.isoformat()},
    ]
    books.dispute(days_ago(50), "won", counted_at=taken, movements=movements)
    books.dispute(days_ago(4), "warning_needs_response")
    books.dispute(days_ago(4), "prevented")
    books.dispute(days_ago(4), "needs_response")
    books.dispute(days_ago(400), "under_review")
    books.dispute(days_ago(364, hour=0), "lost")
    books.dispute(days_ago(365, hour=23), "lost")
    books.add(models.EarlyFraudWarning, days_ago(1), charge=charge)
    found = facts(books)
    assert found.window == Totals(
        refund_count=1,
        refunded_minor=300,
        dispute_count=2,
        withdrawn_minor=1000,
        reinstated_minor=1000,
        fraud_warning_count=1,
    )
    assert found.disputes == DisputeStates(open_count=2, won_count=1, lost_count=1)


def test_payers(books: Books) -> None:
    books.charge(days_ago(400), 1, customer="cus_old", card_fingerprint="fp_1")
    books.charge(days_ago(10), 100, customer="cus_old")
    books.charge(days_ago(50, hour=23), 20, card_fingerprint="fp_2")
    books.charge(days_ago(20, hour=0), 30, card_fingerprint="fp_2")  # 30 days later by date
    books.charge(days_ago(21, hour=0), 7, card_fingerprint="fp_2")  # 29 days later
    books.charge(days_ago(179, hour=0), 4)
    books.charge(days_ago(180, hour=23), 9_999, customer="cus_before")
    books.charge(days_ago(5), 500, currency="sek", settled_minor=None, customer="cus_unknown")
    books.charge(days_ago(5), 800, status="failed", customer="cus_failed")
    assert facts(books).payers == PayerTotals(
        charge_count=6,  # what can't be converted is in no sum, and a charge all the same
        volume_minor=161,
        identified_minor=157,
        payer_count=2,
        top_payer_minor=100,
        repeat_minor=130,
        subscription_minor=0,
    )


def test_subscription_charges_are_linked_three_ways(books: Books) -> None:
    books.charge(days_ago(5), 1, payment_intent="pi_1")
    by_charge = books.charge(days_ago(5), 10)
    books.charge(days_ago(5), 100, invoice="in_old")
    books.charge(days_ago(5), 1_000, payment_intent="pi_other")
    books.charge(days_ago(5), 10_000, payment_intent="pi_2")
    books.add(models.Invoice, days_ago(5), subscription="sub_1", paid_by=["pi_1"])
    books.add(models.Invoice, days_ago(5), subscription="sub_1", paid_by=[by_charge, "pi_unknown"])
    books.add(models.Invoice, days_ago(5), id="in_old", subscription="sub_2", paid_by=[])
    books.add(models.Invoice, days_ago(5), subscription=None, paid_by=["pi_other"])
    books.add(models.Invoice, days_ago(5), subscription="sub_3", paid_by=["pi_2"], deleted=True)
    assert facts(books).payers.subscription_minor == 111


def test_a_history_without_statistics_is_read_quickly(books: Books) -> None:
    # Row by row, 20,000 recent charges against 20,000 invoices would take minutes.
    keys = {"account": books.account.id, "business": books.business_id, "at": days_ago(9), "count": 20_000}
    common = "cast(:account as uuid), cast(:business as uuid), cast(:at as timestamptz), cast(:at as timestamptz), ''"
    books.conn.execute(
        text(
            f"""insert into charges (integration_account_id, business_id, created_at, version_at, content_hash, id,
                amount_minor, captured_minor, currency, settled_minor, status, captured, customer, payment_intent)
            select {common}, 'ch_' || n, 1, 1, 'usd', 1, 'succeeded', true, 'cus_' || n, 'pi_' || n
            from generate_series(1, cast(:count as int)) as n"""
        ),
        keys,
    )
    books.conn.execute(
        text(
            f"""insert into invoices (integration_account_id, business_id, created_at, version_at, content_hash, id,
                subscription, paid_by)
            select {common}, 'in_' || n, 'sub_1', jsonb_build_array('pi_' || n)
            from generate_series(1, cast(:count as int)) as n"""
        ),
        keys,
    )
    books.conn.execute(text("set local statement_timeout = '3s'"))
    payers = metrics.metric_facts(books.conn, [books.business_id], AS_OF)[books.business_id].payers
    assert payers.subscription_minor == payers.volume_minor == payers.payer_count == 20_000


def test_payouts_of_ninety_days(books: Books) -> None:
    first, before = TODAY - dt.timedelta(days=89), TODAY - dt.timedelta(days=90)
    paid_at = days_ago(80)
    books.payout(first, paid_event_at=paid_at)
    books.payout(before)
    books.payout(TODAY, "in_transit", reversed_by="po_x", failure_balance_transaction="txn_1")
    books.payout(TODAY + dt.timedelta(days=1))
    books.payout(TODAY, deleted=True)
    assert set(facts(books).payouts) == {
        Payout(5000, first, "paid", False, False, paid_at),
        Payout(5000, TODAY, "in_transit", True, True, None),
    }


def test_subscriptions_that_matter_and_how_many_there_were(books: Books) -> None:
    tiered = item(
        "0",
        billing_scheme="tiered",
        tiers_mode="graduated",
        tiers=[{"up_to": 5, "unit_amount": "7.5", "flat_amount": None}],
        transform_quantity={"divide_by": 10, "round": "up"},
        usage_type="metered",
        quantity=None,
    )
    discount = {
        "id": "di_1",
        "start": 1,
        "end": None,
        "percent_off": "12.5",
        "amount_off": None,
        "currency": None,
        "duration": "forever",
    }
    started = days_ago(300)
    books.add(models.Customer, started, id="cus_1", discount=discount)
    pays = books.subscription(
        started,
        item("99.5"),
        tiered,
        customer="cus_1",
        discounts=[{**discount, "percent_off": None, "amount_off": 500, "currency": "usd"}],
        pause={"behavior": "void", "resumes_at": int(AS_OF.timestamp())},
    )
    books.subscription(started, status="canceled", ended_at=days_ago(31), canceled_at=days_ago(40))
    left = books.subscription(started, status="canceled", ended_at=None, canceled_at=days_ago(10))
    books.subscription(started, status="incomplete_expired")
    books.subscription(started, deleted=True)
    found = facts(books)
    forever = Discount("forever", percent_off=Fraction("12.5"), starts_at=1)
    assert found.subscriptions_ever == 4
    assert {one.id: one for one in found.subscriptions} == {
        pays: Subscription(
            id=pays,
            status="active",
            customer="cus_1",
            started_at=started,
            items=(
                Item("usd", "month", Fraction("99.5")),
                Item(
                    "usd",
                    "month",
                    metered=True,
                    tiers_mode="graduated",
                    tiers=(Tier(5, Fraction("7.5")),),
                    divide_by=10,
                    round_up=True,
                ),
            ),
            paused=True,
            resumes_at=AS_OF,
            discounts=(Discount("forever", amount_off=Fraction(500), currency="usd", starts_at=1),),
            customer_discount=forever,
        ),
        left: Subscription(id=left, status="canceled", items=(), started_at=started, canceled_at=days_ago(10)),
    }


def test_only_ended_subscriptions_still_count_as_ever(books: Books) -> None:
    books.subscription(days_ago(300), status="canceled", ended_at=days_ago(200))
    found = facts(books)
    assert (found.subscriptions, found.subscriptions_ever) == ((), 1)


def test_when_a_subscription_began_and_ends(books: Books) -> None:
    """Where Stripe tells no start, it began when it was made."""
    made, later = days_ago(50), AS_OF.replace(microsecond=500_000)
    books.subscription(made, started_at=None, trial_end_at=later, canceled_at=AS_OF, ended_at=later)
    (found,) = facts(books).subscriptions
    assert (found.started_at, found.trial_end_at, found.canceled_at, found.ended_at) == (made, later, AS_OF, later)


def test_the_latest_rate_of_each_currency(books: Books) -> None:
    books.charge(days_ago(90), currency="eur", exchange_rate="1.05")
    books.charge(days_ago(9), currency="eur", exchange_rate="1.17")
    books.charge(days_ago(3), currency="eur", exchange_rate=None)
    books.charge(days_ago(2), currency="eur", exchange_rate="9", deleted=True)
    books.charge(days_ago(2), currency="sek", exchange_rate="0.1")
    books.subscription(days_ago(99), item("10", "eur"), item("10", "usd"), item("10", "nok"))
    assert facts(books).rates == {"eur": Fraction("1.17")}


def test_the_balance_runs_back_from_its_reading(db: Connection) -> None:
    read_at = days_ago(10)
    amounts = {
        "available": [{"amount": 500, "currency": "usd"}, {"amount": 9, "currency": "eur"}],
        "pending": [{"amount": -200, "currency": "usd"}],
        "as_of": int(read_at.timestamp()),
    }
    books = open_books(db, balance=amounts)
    books.movement(days_ago(100), 7)
    books.movement(days_ago(89, hour=0), 1_000)
    books.movement(days_ago(20), -400)
    books.movement(days_ago(5), 30)
    books.movement(days_ago(5), 9_999, "eur")
    assert facts(books).balance == BalanceHistory(
        300 - 1_000 + 400,
        {TODAY - dt.timedelta(days=89): 1_000, TODAY - dt.timedelta(days=20): -400, TODAY - dt.timedelta(days=5): 30},
    )


def test_a_balance_read_before_the_ninety_days_runs_forward(db: Connection) -> None:
    read_at = days_ago(120)
    amounts = {"available": [{"amount": 500, "currency": "usd"}], "pending": [], "as_of": int(read_at.timestamp())}
    books = open_books(db, balance=amounts)
    books.movement(days_ago(130), 1)
    books.movement(days_ago(95), -70)
    books.movement(days_ago(1), 5)
    assert facts(books).balance == BalanceHistory(430, {TODAY - dt.timedelta(days=1): 5})


def test_a_balance_that_was_never_read_is_not_measured(db: Connection) -> None:
    books = open_books(db, balance=None)
    books.movement(days_ago(2), -5)
    found = facts(books)
    assert found.balance.opening_minor is None
    assert compute_metrics(found, AS_OF)["negative_balance_days"].value is None


def test_what_could_not_be_converted(books: Books) -> None:
    sek = books.charge(days_ago(3), 500, currency="sek", settled_minor=None)
    books.charge(days_ago(3), 600, currency="sek", settled_minor=60)
    books.charge(days_ago(3), 700, currency="sek", settled_minor=None, status="failed")
    lost = books.refund(days_ago(2), 50, currency="sek", settled_minor=None, charge=sek)
    known = books.charge(days_ago(9), 100, currency="sek", settled_minor=10, exchange_rate="0.1")
    books.refund(days_ago(2), 50, currency="sek", settled_minor=None, charge=known)
    first_day_of_the_oldest_bucket, before = days_ago(180, hour=0), days_ago(181, hour=23)
    old = books.charge(first_day_of_the_oldest_bucket, 1, currency="sek", settled_minor=None)
    books.charge(before, 2, currency="sek", settled_minor=None)
    moves = [
        {"id": "txn_1", "amount_minor": -9, "currency": "sek", "created_at": days_ago(4).isoformat()},
        {"id": "txn_2", "amount_minor": -1, "currency": "usd", "created_at": days_ago(4).isoformat()},
    ]
    books.dispute(days_ago(4), movements=moves)
    found = facts(books)
    assert set(found.unconverted) == {
        Unconverted(sek, 500, "sek"),
        Unconverted(lost, 50, "sek"),
        Unconverted(old, 1, "sek"),
        Unconverted("txn_1", -9, "sek"),
    }
    assert (found.window.charge_count, found.window.revenue_minor) == (3, 70)
    assert (found.window.refunded_minor, found.window.withdrawn_minor) == (5, 1)


@pytest.mark.parametrize(("minor", "settled"), [(1705, 852), (1707, 854), (1708, 854), (1, 0)])
def test_a_refund_without_its_own_amount_takes_the_charges_rate_half_even(
    books: Books, minor: int, settled: int
) -> None:
    charge = books.charge(days_ago(9), 10_000, currency="eur", settled_minor=4_999, exchange_rate="0.5")
    books.refund(days_ago(2), minor, currency="eur", settled_minor=None, charge=charge)
    assert facts(books).window.refunded_minor == settled


def test_businesses_do_not_mix_and_the_number_of_statements_is_constant(db: Connection, engine: Engine) -> None:
    many = [open_books(db) for _ in range(6)]
    for number, books in enumerate(many, 1):
        books.charge(days_ago(number), number * 100, customer="cus_1")
        books.payout(TODAY)
        books.movement(days_ago(1), number)
        books.subscription(days_ago(50), item(str(number)))
        books.roll_up()

    def gather(*chosen: Books) -> tuple[int, dict[Any, MetricFacts]]:
        statements = []
        listen = (engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
        event.listen(*listen)
        found = metrics.metric_facts(db, [books.business_id for books in chosen], AS_OF)
        event.remove(*listen)
        return len(statements), found

    alone, one = gather(many[3])
    together, every = gather(*many)
    assert alone == together
    assert one[many[3].business_id] == every[many[3].business_id]
    for number, books in enumerate(many, 1):
        found = every[books.business_id]
        assert (found.window.revenue_minor, found.payers.volume_minor) == (number * 100, number * 100)
        assert compute_metrics(found, AS_OF)["mrr"].value == number


def test_the_order_of_arrival_is_irrelevant(db: Connection) -> None:
    shuffle = random.Random(7)
    objects = [(age, 100 + age, f"cus_{age % 9}") for age in range(1, 260, 3)]
    stored = []
    for _ in range(2):
        books = open_books(db)
        shuffle.shuffle(objects)
        for age, minor, customer in objects:
            books.charge(days_ago(age), minor, customer=customer)
            books.payout(days_ago(age).date(), "failed" if age % 4 == 0 else "paid")
            books.movement(days_ago(age), minor - 200)
        stored.append(facts(books))
    assert compute_metrics(stored[0], AS_OF) == compute_metrics(stored[1], AS_OF)


# --- Snapshots and requests ------------------------------------------------------------------


def full_set(books: Books) -> Any:
    for age in range(1, 200):
        books.charge(days_ago(age), 1000 + 37 * age, customer=f"cus_{age % 7}")
    books.charge(days_ago(1), 500, currency="sek", settled_minor=None)
    books.payout(TODAY)
    books.subscription(days_ago(90), item("333.3"))
    return compute_metrics(facts(books), AS_OF)


def test_a_snapshot_is_read_back_exactly(books: Books) -> None:
    computed = full_set(books)
    metrics.upsert_snapshots(books.conn, {books.business_id: computed}, AS_OF)
    snapshot = metrics.find_snapshot(books.conn, books.business_id)
    assert snapshot is not None
    assert snapshot.metrics == computed
    assert snapshot.computed_at == AS_OF


def test_the_seed_columns(books: Books) -> None:
    metrics.upsert_snapshots(books.conn, {books.business_id: full_set(books)}, AS_OF)
    row = books.conn.execute(select(models.FinancialMetricSnapshot)).mappings().one()
    assert (row["period_start"], row["period_end"], row["currency"]) == (days_ago(29).date(), TODAY, "usd")
    revenue = sum(1000 + 37 * age for age in range(1, 30))
    assert (row["revenue_total_minor"], row["transaction_count"], row["mrr_minor"]) == (revenue, 30, 333)
    assert float(row["average_transaction_size_minor"]) == pytest.approx(revenue / 30, abs=1e-6)
    assert (row["chargeback_ratio"], row["payout_reliability"], row["refund_count"]) == (0.0, 1.0, 0)
    assert row["metrics_json"]["net_volume_minor"] == revenue
    assert set(row["metrics_json"]["not_measured"]) == {"dispute_win_rate"}


def test_one_snapshot_a_day(books: Books) -> None:
    computed = full_set(books)
    later, tomorrow = AS_OF + dt.timedelta(hours=3), AS_OF + dt.timedelta(days=1)
    metrics.upsert_snapshots(books.conn, {books.business_id: computed}, AS_OF)
    books.charge(days_ago(0), 100)
    metrics.upsert_snapshots(books.conn, {books.business_id: compute_metrics(facts(books), later)}, later)
    latest = metrics.find_snapshot(books.conn, books.business_id)
    assert latest is not None
    assert latest.computed_at == later
    assert latest.metrics["transaction_count"].value == 31
    metrics.upsert_snapshots(books.conn, {books.business_id: compute_metrics(facts(books), tomorrow)}, tomorrow)
    latest = metrics.find_snapshot(books.conn, books.business_id)
    assert latest is not None
    assert latest.metrics.period_end == TODAY + dt.timedelta(days=1)
    assert books.conn.execute(select(func.count()).select_from(models.FinancialMetricSnapshot)).scalar_one() == 2


def test_daily_rollups_are_whole_in_their_index(db: Connection) -> None:
    """So that the aggregate needs none of the pages in which an account's days lie scattered."""
    held = db.scalars(text("select attname from pg_attribute where attrelid = 'ix_daily_rollups_whole'::regclass"))
    assert set(held) == set(models.DailyRollup.__table__.columns.keys()) - {"business_id"}


def test_the_latest_snapshot_of_each(books: Books, db: Connection) -> None:
    other, without = open_books(db), open_books(db)
    for age in (2, 0, 1):
        at = AS_OF - dt.timedelta(days=age)
        metrics.upsert_snapshots(db, {one.business_id: compute_metrics(facts(one), at) for one in (books, other)}, at)
    found = metrics.list_snapshots(db, [one.business_id for one in (books, other, without)])
    assert {key: snapshot.period_end for key, snapshot in found.items()} == {
        books.business_id: TODAY,
        other.business_id: TODAY,
    }


def test_only_the_latest_snapshot_has_to_have_its_score(books: Books, db: Connection) -> None:
    without, known = open_books(db), compute_metrics(facts(books), AS_OF)
    ids = [books.business_id, without.business_id]
    earlier = AS_OF - dt.timedelta(days=1)
    metrics.upsert_snapshots(db, {books.business_id: compute_metrics(facts(books), earlier)}, earlier)
    assert metrics.list_unscored(db, ids, "by:1") == [books.business_id]
    metrics.upsert_snapshots(db, {books.business_id: known}, AS_OF, {books.business_id: "by:1:of this"})
    assert metrics.list_unscored(db, ids, "by:1") == []
    metrics.upsert_snapshots(db, {books.business_id: known}, AS_OF, {books.business_id: "by:10:of this"})
    assert metrics.list_unscored(db, ids, "by:1") == [books.business_id]


def test_a_metric_added_later_is_not_measured_in_old_snapshots(books: Books) -> None:
    metrics.upsert_snapshots(books.conn, {books.business_id: full_set(books)}, AS_OF)
    books.conn.execute(
        update(models.FinancialMetricSnapshot).values(
            metrics_json=models.FinancialMetricSnapshot.metrics_json - "track_record"
        )
    )
    snapshot = metrics.find_snapshot(books.conn, books.business_id)
    assert snapshot is not None
    assert snapshot.metrics["track_record"].value is None
    assert snapshot.metrics["track_record"].reason


def test_taking_requests_leaves_those_of_others(db: Connection) -> None:
    one, other = open_books(db), open_books(db)
    for books in (one, other):
        db.execute(insert(models.MetricsDue).values(business_id=books.business_id, requested_at=AS_OF))
    metrics.take_requests(db, [one.business_id])
    assert db.execute(select(models.MetricsDue.business_id)).scalars().all() == [other.business_id]


def test_computations_of_a_business_follow_one_another(fresh_engine: Engine) -> None:
    with fresh_engine.begin() as setup:
        business_id = open_books(setup).business_id
    with fresh_engine.connect() as first, fresh_engine.connect() as second:
        assert metrics.lock_businesses(first, [business_id]) == [business_id]
        second.execute(text("set local lock_timeout = '100ms'"))
        with pytest.raises(Exception, match="55P03"):
            metrics.lock_businesses(second, [business_id])
        # What ingestion does meanwhile, rows that refer to the business, goes through.
        with fresh_engine.begin() as ingestion:
            ingestion.execute(insert(models.MetricsDue).values(business_id=business_id, requested_at=AS_OF))
