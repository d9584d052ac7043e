"""Storing states: the newest wins, ties and incomplete states are read, and every day that changed is recomputed."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import Connection

from tests import stripe_payloads as raw
from tests.connected import connect, one, rollups, rows, store
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON, Json, at
from vaultra.adapters.stripe_objects import parse
from vaultra.errors import InvalidInput, NotFound, Unavailable
from vaultra.usecases import storing
from vaultra.usecases.storing import State

SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)


def states(*payloads: Json, at: dt.datetime = NOON) -> list[State]:
    found: list[State] = []
    for payload in payloads:
        parsed = parse(payload, "usd")
        assert parsed is not None
        found += storing.states_of(parsed, at)
    return found


def test_a_state_becomes_a_row_and_a_rollup(db: Connection) -> None:
    account = connect(db)
    assert store(db, account, states(raw.charge(id="ch_1"))).written == 1
    assert rollups(db) == [
        {"day": NOON.date(), "currency": "usd", "charge_count": 1, "captured_minor": 5000, "settled_minor": 5000}
    ]
    assert store(db, account, states(raw.charge(id="ch_1"))).written == 0


def test_without_a_settlement_currency_the_account_is_read_first(db: Connection) -> None:
    stored = storing.store(db, connect(db, currency=None), states(raw.charge()), {})
    assert [(request.table, request.id) for request in stored.needed] == [("account", ACCOUNT)]


def test_inner_objects_are_stored_too(db: Connection) -> None:
    inside = raw.charge(id="ch_1", refunds={"data": [raw.refund(id="re_1", charge="ch_1")]})
    assert store(db, connect(db), states(inside)).written == 2
    assert rollups(db)[0]["refunded_minor"] == 500


def test_a_tie_is_read_and_the_reading_stands(db: Connection) -> None:
    account, stripe = connect(db), FakeStripe()
    stripe.as_of = NOON - SECOND  # as the adapter dates an answer given within the same second
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_1", status="failed"))
    store(db, account, states(raw.charge(id="ch_1", status="pending")))
    store(db, account, states(raw.charge(id="ch_1", status="succeeded")), stripe)
    assert one(db, "charges")["status"] == "failed"
    store(db, account, states(raw.charge(id="ch_1", status="pending"), at=NOON - SECOND), stripe)
    store(db, account, states(raw.charge(id="ch_1", status="failed")), stripe)
    assert (one(db, "charges")["status"], len(stripe.asked)) == ("failed", 1)
    store(db, account, states(raw.charge(id="ch_1", status="succeeded"), at=NOON + SECOND))
    assert one(db, "charges")["status"] == "succeeded"


def test_a_state_written_while_a_tie_was_being_read_is_read_again(db: Connection) -> None:
    account, stripe = connect(db), FakeStripe()
    stripe.as_of = NOON - 2 * SECOND
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_1", status="failed"))
    mine = states(raw.charge(id="ch_1", status="failed"), raw.charge(id="ch_1", status="pending"))
    asked = storing.store(db, account, mine, {})
    answers = storing.read_again(stripe, asked.needed)
    # Meanwhile another worker stores a third state of that second.
    store(db, account, states(raw.charge(id="ch_1", status="succeeded")))
    again = storing.store(db, account, mine, answers)
    assert [request.id for request in again.needed] == ["ch_1"]
    answers.update(storing.read_again(stripe, again.needed))
    assert storing.store(db, account, mine, answers).needed == []
    assert one(db, "charges")["status"] == "failed"


def test_a_newer_state_written_while_a_tie_was_being_read_stays(db: Connection) -> None:
    account, stripe = connect(db), FakeStripe()
    stripe.as_of = NOON
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_1", status="failed"))
    mine = states(raw.charge(id="ch_1", status="failed"), raw.charge(id="ch_1", status="pending"))
    answers = storing.read_again(stripe, storing.store(db, account, mine, {}).needed)
    store(db, account, states(raw.charge(id="ch_1", status="succeeded"), at=NOON + SECOND))
    assert storing.store(db, account, mine, answers).written == 0
    assert one(db, "charges")["status"] == "succeeded"


@pytest.mark.parametrize("table", ["charges", "subscriptions", "disputes", "payouts", "refunds"])
def test_a_tie_over_an_object_that_is_gone_leaves_a_tombstone(db: Connection, table: str) -> None:
    account, make = connect(db), getattr(raw, table.removesuffix("s"))
    changed = {"status": "failed"} if table != "disputes" else {"status": "lost"}
    created = at(NOON - DAY)
    store(db, account, states(make(id="x_1", created=created)))
    store(db, account, states(make(id="x_1", created=created, **changed)), FakeStripe())
    assert one(db, table)["deleted"] is True
    assert rollups(db) == []


def test_only_customers_and_invoices_get_a_tombstone_before_they_are_known(db: Connection) -> None:
    account = connect(db)
    gone = [State(table, f"{table}_1", NOON, None) for table in ("customers", "invoices", "charges")]
    assert store(db, account, gone).written == 2
    assert [len(rows(db, table)) for table in ("customers", "invoices", "charges")] == [1, 1, 0]
    store(db, account, states(raw.customer(id="customers_1"), at=NOON - SECOND))
    assert one(db, "customers")["deleted"] is True


def test_what_is_incomplete_is_read(db: Connection) -> None:
    account, stripe = connect(db), FakeStripe()
    movement = raw.balance_transaction(amount=5500, currency="usd", exchange_rate=1.1)
    stripe.put(ACCOUNT, "charges", raw.charge(id="ch_1", currency="eur", balance_transaction=movement))
    store(db, account, states(raw.charge(id="ch_1", currency="eur")), stripe)
    assert one(db, "charges")["settled_minor"] == 5500
    store(db, account, states(raw.charge(id="ch_1", currency="eur"), at=NOON - SECOND))  # older: nobody is asked


def test_a_movement_settles_a_charge_of_the_same_step(db: Connection) -> None:
    charge = raw.charge(id="ch_1", currency="eur", balance_transaction=None)
    movement = raw.balance_transaction(source="ch_1", amount=5500)
    store(db, connect(db), states(charge, movement))
    assert rollups(db)[0]["settled_minor"] == 5500


def test_a_refund_follows_its_charges_rate(db: Connection) -> None:
    account = connect(db)
    refund = raw.refund(charge="ch_1", currency="eur", created=at(NOON + DAY), balance_transaction=None)
    store(db, account, states(refund))
    movement = raw.balance_transaction(amount=6000)
    store(db, account, states(raw.charge(id="ch_1", currency="eur", balance_transaction=movement)))
    assert [(row["day"], row.get("refunded_minor")) for row in rollups(db)] == [
        (NOON.date(), None), ((NOON + DAY).date(), 600),
    ]  # fmt: skip


def test_a_dispute_that_stops_counting_leaves_its_day(db: Connection) -> None:
    account = connect(db)
    moved = [raw.movement(-5000, created=at(NOON + 3 * DAY))]
    store(db, account, states(raw.dispute(id="dp_1", balance_transactions=moved)))
    assert [row["day"] for row in rollups(db)] == [(NOON + 3 * DAY).date()]
    store(db, account, states(raw.dispute(id="dp_1", status="prevented", balance_transactions=[]), at=NOON + SECOND))
    assert rollups(db) == []


def test_what_an_older_version_does_not_tell_stays(db: Connection) -> None:
    account = connect(db)
    store(db, account, states(raw.dispute(id="dp_1")))
    older = raw.dispute(id="dp_1", status="warning_closed")
    del older["balance_transactions"]
    store(db, account, states(older, at=NOON + SECOND))
    assert one(db, "disputes")["status"] == "warning_closed"
    assert len(one(db, "disputes")["movements"]) == 1


def test_an_account_that_is_gone_or_tells_no_currency_comes_later(db: Connection) -> None:
    account, stripe = connect(db, currency=None), FakeStripe()
    needed = storing.store(db, account, states(raw.charge()), {}).needed
    with pytest.raises(NotFound):
        storing.read_again(stripe, needed)
    stripe.put(ACCOUNT, "account", raw.account(default_currency=None))
    [answer] = storing.read_again(stripe, needed).values()
    with pytest.raises(Unavailable, match="currency"):
        storing.keep_account(db, account, answer)
    stripe.put(ACCOUNT, "account", raw.account(default_currency="EUR"))
    [answer] = storing.read_again(stripe, needed).values()
    assert storing.keep_account(db, account, answer).settlement_currency == "eur"


def test_a_reading_that_can_not_be_read_is_refused(db: Connection) -> None:
    stripe = FakeStripe()
    stripe.put(ACCOUNT, "charges", {"id": "ch_1", "object": "charge"})
    request: Any = storing.ReadRequest(connect(db), "charges", "ch_1")
    with pytest.raises(InvalidInput):
        storing.read_again(stripe, [request])


def test_items_that_a_subscription_does_not_show_whole_are_listed(db: Connection) -> None:
    account, stripe = connect(db), FakeStripe()
    items = [
        {"id": f"si_{n}", "object": "subscription_item", "price": raw.price(), "quantity": n, "discounts": []}
        for n in range(150)
    ]
    items[7]["discounts"] = [raw.discount(id="di_7")]
    shown = {"object": "list", "data": [{**items[7], "discounts": ["di_7"]}], "has_more": True}
    stripe.put(ACCOUNT, "subscriptions", raw.subscription(id="sub_1", items=shown))
    stripe.put(ACCOUNT, "subscription_items", *items)
    store(db, account, states(raw.subscription(id="sub_1", items=shown)), stripe)
    kept = one(db, "subscriptions")["items"]
    assert [item["id"] for item in kept] == [item["id"] for item in items]
    assert kept[7]["discounts"][0]["percent_off"] == "50.0"
    assert [params for name, params in stripe.asked if name == "subscription_items"] == [
        {"subscription": "sub_1", "limit": "100"},
        {"subscription": "sub_1", "limit": "100", "starting_after": "si_99"},
    ]


def test_several_accounts_are_stored_at_once_each_for_itself(db: Connection) -> None:
    mine, other, third = connect(db), connect(db, "acct_other"), connect(db, "acct_third", currency="eur")
    storing.store_each(db, {mine: states(raw.charge(id="ch_1")), other: states(raw.charge(id="ch_1"))}, {})
    late = states(raw.charge(id="ch_1", status="failed"), raw.charge(id="ch_2"), at=NOON - SECOND)
    found = {mine: late, other: states(raw.payout(id="po_1")), third: states(raw.charge(id="ch_1"))}
    stored = storing.store_each(db, found, {})
    assert (stored.written, stored.needed) == (3, [])
    assert stored.days == {mine: {NOON.date()}, other: set(), third: {NOON.date()}}
    held = {(row["integration_account_id"], row["id"]): row["business_id"] for row in rows(db, "charges")}
    assert held == {
        (mine.id, "ch_1"): mine.business_id,
        (mine.id, "ch_2"): mine.business_id,
        (other.id, "ch_1"): other.business_id,
        (third.id, "ch_1"): third.business_id,
    }
    assert {row["status"] for row in rows(db, "charges")} == {"succeeded"}
    counted = {row["integration_account_id"]: row["charge_count"] for row in rows(db, "daily_rollups", "day")}
    assert counted == {mine.id: 2, other.id: 1, third.id: 1}


def test_one_account_that_has_to_be_read_keeps_all_from_being_written(db: Connection) -> None:
    mine, other = connect(db), connect(db, "acct_other", currency=None)
    found = {mine: states(raw.charge(id="ch_1")), other: states(raw.charge(id="ch_1"))}
    stored = storing.store_each(db, found, {})
    assert [(request.account, request.table) for request in stored.needed] == [(other, "account")]
    assert rows(db, "charges") == []
    tie = {mine: states(raw.charge(id="ch_1", status="failed"))}
    storing.store_each(db, {mine: states(raw.charge(id="ch_1"))}, {})
    again = storing.store_each(db, {**tie, connect(db, "acct_third"): states(raw.charge(id="ch_1"))}, {})
    assert [(request.account, request.id) for request in again.needed] == [(mine, "ch_1")]
    assert len(rows(db, "charges")) == 1
