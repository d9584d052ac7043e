"""Daily rollups equal a plain count over the rows, whatever the rows; requests for metrics are announced once."""

import datetime as dt
from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from tests import stripe_payloads as raw
from tests.connected import connect, rollups, rows
from tests.stripe_payloads import NOON, at
from vaultra.adapters.stripe_objects import parse
from vaultra.db import objects
from vaultra.db import rollups as db_rollups
from vaultra.db.objects import Account, ObjectRow

MIDNIGHT = NOON.replace(hour=0)
MOMENTS = st.sampled_from(
    [MIDNIGHT + dt.timedelta(days=day, seconds=second) for day in range(-1, 3) for second in (-1, 0, 1, 43_200)]
)
AMOUNTS = st.sampled_from([0, 1, 99, 5000, 10**12])
CURRENCIES = st.sampled_from(["usd", "usd", "eur", "jpy"])


@st.composite
def shops(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Payloads of one account, settled in dollars."""
    made: list[dict[str, Any]] = []
    for n in range(draw(st.integers(0, 6))):
        currency, amount = draw(CURRENCIES), draw(AMOUNTS)
        bound = draw(st.sampled_from([None, raw.balance_transaction(amount=amount * 2 + 1)]))
        made.append(
            raw.charge(
                id=f"ch_{n}", amount=amount, amount_captured=draw(st.sampled_from([amount, amount // 2])),
                currency=currency, created=at(draw(MOMENTS)), captured=draw(st.sampled_from([True, True, False])),
                status=draw(st.sampled_from(["succeeded", "succeeded", "failed", "pending"])),
                balance_transaction=bound,
            )
        )  # fmt: skip
    for n in range(draw(st.integers(0, 4))):
        refund = raw.refund(
            id=f"re_{n}", charge=draw(st.sampled_from(["ch_0", "ch_1", "ch_missing", None])),
            amount=draw(AMOUNTS), currency=draw(CURRENCIES), created=at(draw(MOMENTS)),
            status=draw(st.sampled_from(["succeeded", "succeeded", "failed", "canceled", "pending"])),
            balance_transaction=draw(st.sampled_from([None, raw.balance_transaction(amount=-77)])),
        )  # fmt: skip
        made += [refund]
    for n in range(draw(st.integers(0, 3))):
        moves = [
            raw.movement(draw(st.sampled_from([-500, 500, 0])), created=at(draw(MOMENTS)), currency=draw(CURRENCIES))
            for _ in range(draw(st.integers(0, 3)))
        ]
        made.append(
            raw.dispute(
                id=f"dp_{n}", created=at(MIDNIGHT - dt.timedelta(days=1)), balance_transactions=moves,
                currency=draw(CURRENCIES), status=draw(st.sampled_from(["won", "needs_response", "warning_closed"])),
            )
        )  # fmt: skip
    warned = draw(st.lists(MOMENTS, max_size=3))
    return made + [raw.early_fraud_warning(id=f"issfr_{n}", created=at(moment)) for n, moment in enumerate(warned)]


def store(conn: Connection, account: Account, payloads: list[dict[str, Any]], deleted: set[str]) -> None:
    for payload in payloads:
        parsed = parse(payload, "usd")
        assert parsed is not None
        values = {**parsed.values, "deleted": parsed.id in deleted}
        objects.write(conn, account, parsed.table, [ObjectRow(parsed.id, parsed.created_at, NOON, "", values)])


def counted_by_hand(conn: Connection) -> list[dict[str, Any]]:
    """The rollups by plain Python, from the stored rows."""
    days: dict[tuple[dt.date, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    charges = {charge["id"]: charge for charge in rows(conn, "charges")}
    for charge in charges.values():
        if charge["deleted"]:
            continue
        day = days[charge["created_at"].astimezone(dt.UTC).date(), charge["currency"]]
        day["failed_count"] += charge["status"] == "failed"
        if charge["status"] == "succeeded" and charge["captured"]:
            day["charge_count"] += 1
            day["captured_minor"] += charge["captured_minor"]
            day["settled_minor"] += charge["settled_minor"] or 0
            day["unconverted_count"] += charge["settled_minor"] is None
    for refund in rows(conn, "refunds"):
        if refund["status"] == "succeeded" and not refund["deleted"]:
            day = days[refund["created_at"].astimezone(dt.UTC).date(), refund["currency"]]
            day["refund_count"] += 1
            amount = refund["settled_minor"]
            if amount is None:
                paid = charges.get(refund["charge"])
                rate = (paid and paid["exchange_rate"]) or Decimal(0)
                amount = int((refund["amount_minor"] * rate).quantize(Decimal(1), ROUND_HALF_EVEN))
            day["refunded_minor"] += amount
    for dispute in rows(conn, "disputes"):
        if dispute["deleted"]:
            continue
        if dispute["counted_at"]:
            days[dispute["counted_at"].astimezone(dt.UTC).date(), dispute["currency"]]["dispute_count"] += 1
        for move in dispute["movements"]:
            if move["currency"] == "usd":
                day = days[dt.datetime.fromisoformat(move["created_at"]).date(), "usd"]
                day["withdrawn_minor"] += max(-move["amount_minor"], 0)
                day["reinstated_minor"] += max(move["amount_minor"], 0)
    for warning in rows(conn, "early_fraud_warnings"):
        if not warning["deleted"]:
            days[warning["created_at"].astimezone(dt.UTC).date(), "usd"]["fraud_warning_count"] += 1
    return [
        {"day": day, "currency": currency, **{name: count for name, count in counts.items() if count}}
        for (day, currency), counts in sorted(days.items())
    ]


def told(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rollups in which anything happened."""
    return [row for row in found if len(row) > 2]


ALL_DAYS = [MIDNIGHT.date() + dt.timedelta(days=day) for day in range(-3, 5)]


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shops(), st.sets(st.sampled_from(["ch_0", "ch_1", "re_0", "dp_0", "issfr_0"])))
def test_rollups_equal_a_count_by_hand(db: Connection, payloads: list[dict[str, Any]], deleted: set[str]) -> None:
    with db.begin_nested() as savepoint:
        account = connect(db)
        store(db, account, payloads, deleted)
        db_rollups.recompute(db, account, ALL_DAYS)
        assert told(rollups(db)) == told(counted_by_hand(db))
        db_rollups.recompute(db, account, ALL_DAYS)
        assert told(rollups(db)) == told(counted_by_hand(db))
        savepoint.rollback()


def test_a_day_is_forgotten_when_nothing_is_left_of_it(db: Connection) -> None:
    account = connect(db)
    store(db, account, [raw.charge(id="ch_1"), raw.charge(id="ch_2", created=at(NOON + dt.timedelta(days=1)))], set())
    db_rollups.recompute(db, account, ALL_DAYS)
    assert len(rollups(db)) == 2
    db.execute(text("update charges set deleted = true"))
    db_rollups.recompute(db, account, [NOON.date()])
    assert [row["day"] for row in rollups(db)] == [NOON.date() + dt.timedelta(days=1)]
    db_rollups.recompute(db, account, [])
    assert len(rollups(db)) == 1


def test_accounts_do_not_share_rollups(db: Connection) -> None:
    mine, other = connect(db), connect(db, "acct_other")
    for account in (mine, other):
        store(db, account, [raw.charge(id="ch_1")], set())
        db_rollups.recompute(db, account, [NOON.date()])
    db.execute(text("update charges set deleted = true"))
    db_rollups.recompute(db, mine, [NOON.date()])
    [left] = rows(db, "daily_rollups", "day")
    assert left["integration_account_id"] == other.id


def test_several_accounts_are_recomputed_at_once_each_for_its_own_days(db: Connection) -> None:
    mine, other, third = connect(db), connect(db, "acct_other", currency="eur"), connect(db, "acct_third")
    today, tomorrow = NOON.date(), NOON.date() + dt.timedelta(days=1)
    for account in (mine, other, third):
        moves = [raw.movement(-5000, currency=account.settlement_currency, created=at(NOON))]
        charges = [raw.charge(id="ch_1"), raw.charge(id="ch_2", created=at(NOON + dt.timedelta(days=1)))]
        dispute = raw.dispute(id="dp_1", balance_transactions=moves)
        store(db, account, [*charges, raw.refund(id="re_1"), dispute, raw.early_fraud_warning(id="issfr_1")], set())
    db_rollups.recompute_each(db, {mine: [today], other: [today, tomorrow], third: []})
    made = rows(db, "daily_rollups", "day")
    names = ("charge_count", "refund_count", "dispute_count", "withdrawn_minor", "fraud_warning_count")
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in made:
        key = (row["integration_account_id"], row["business_id"], row["day"])
        sums[key] = [have + row[name] for have, name in zip(sums.get(key, [0] * 5), names, strict=True)]
    assert sums == {
        (mine.id, mine.business_id, today): [1, 1, 1, 5000, 1],
        (other.id, other.business_id, today): [1, 1, 1, 5000, 1],
        (other.id, other.business_id, tomorrow): [1, 0, 0, 0, 0],
    }
    db_rollups.recompute_each(db, {})
    assert rows(db, "daily_rollups", "day") == made


def test_every_account_whose_rows_were_written_gets_a_new_version(db: Connection) -> None:
    mine, other, third = connect(db), connect(db, "acct_other"), connect(db, "acct_third")
    db_rollups.recompute_each(db, {mine: ALL_DAYS, other: []})
    found = db.execute(text("select id, objects_version from integration_accounts")).all()
    assert {row.id: row.objects_version for row in found} == {mine.id: 1, other.id: 1, third.id: 0}


def test_metrics_are_asked_for_once_until_they_are_taken_up(db: Connection) -> None:
    first, second = connect(db).business_id, connect(db, "acct_2").business_id
    later = NOON + dt.timedelta(minutes=5)
    assert db_rollups.request_metrics(db, [first, first], NOON) == [first]
    assert db_rollups.request_metrics(db, [second, first], later) == [second]
    assert db_rollups.list_overdue_metrics(db, later, 10) == [first]  # since the first asking
    assert db_rollups.list_overdue_metrics(db, NOON, 10) == []
    db.execute(text("delete from metrics_due"))
    assert db_rollups.request_metrics(db, [first], later) == [first]
    assert db_rollups.request_metrics(db, [], later) == []


def test_a_request_waits_for_the_computation_that_takes_one_away(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as computing, fresh_engine.connect() as asking:
        business = connect(computing).business_id
        db_rollups.request_metrics(computing, [business], NOON)
        computing.commit()
        computing.execute(text("delete from metrics_due"))
        asking.execute(text("set local lock_timeout = '100ms'"))
        with pytest.raises(DBAPIError, match="55P03"):
            db_rollups.request_metrics(asking, [business], NOON)
        asking.rollback()
        computing.commit()
        assert db_rollups.request_metrics(asking, [business], NOON) == [business]
