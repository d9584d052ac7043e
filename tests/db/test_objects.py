"""Stored objects: the newest state stays, absent columns stay, what was deleted stays deleted."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import account_of, connect, one, rows
from tests.stripe_payloads import NOON
from vaultra.adapters.stripe_objects import PARSERS, parse
from vaultra.db import objects
from vaultra.db.objects import Account, ObjectRow, StoredVersion
from vaultra.domain.versions import Version

SECOND = dt.timedelta(seconds=1)
DAY = dt.timedelta(days=1)


def row(payload: dict[str, Any], at: dt.datetime = NOON, content: str = "a", **values: Any) -> ObjectRow:
    parsed = parse(payload, "usd")
    assert parsed is not None
    return ObjectRow(parsed.id, parsed.created_at, at, content, {**parsed.values, **values})


@pytest.mark.parametrize("kind", sorted(PARSERS))
def test_every_kind_of_object_is_written_and_read_back(db: Connection, kind: str) -> None:
    account = connect(db)
    payload = getattr(raw, kind.removeprefix("radar."))()
    parsed = parse(payload, "usd")
    assert parsed is not None
    objects.write(db, account, parsed.table, [row(payload)])
    stored = one(db, parsed.table)
    assert (stored["id"], stored["business_id"], stored["deleted"]) == (payload["id"], account.business_id, False)
    for name, value in parsed.values.items():
        kept = stored[name]
        if isinstance(kept, dt.datetime | dt.date):
            assert kept == type(kept).fromisoformat(value)
        elif isinstance(value, str) and not isinstance(kept, str):
            assert float(kept) == float(value)
        else:
            assert kept == value
    known = objects.stored_versions(db, account.id, parsed.table, [payload["id"], "another"])
    assert known.keys() == {payload["id"]}
    assert known[payload["id"]].version == Version(NOON, "a")


@pytest.mark.parametrize(("later", "kept"), [(-1, "succeeded"), (0, "failed"), (1, "failed")])
def test_a_newer_state_stays(db: Connection, later: int, kept: str) -> None:
    account = connect(db)
    objects.write(db, account, "charges", [row(raw.charge(id="ch_1"))])
    objects.write(db, account, "charges", [row(raw.charge(id="ch_1", status="failed"), NOON + later * SECOND, "b")])
    assert one(db, "charges")["status"] == kept


def test_a_column_that_is_not_told_keeps_its_value(db: Connection) -> None:
    account = connect(db)
    objects.write(db, account, "charges", [row(raw.charge(id="ch_1", customer="cus_9", invoice="in_9"))])
    older_version = raw.charge(id="ch_1", amount_captured=1)
    del older_version["customer"]
    states = [row(older_version, NOON + SECOND), row(raw.charge(id="ch_2"), NOON + SECOND)]
    objects.write(db, account, "charges", states)
    stored = rows(db, "charges")[0]
    assert (stored["customer"], stored["invoice"], stored["captured_minor"]) == ("cus_9", "in_9", 1)
    objects.write(db, account, "charges", [row(raw.charge(id="ch_1", customer=None), NOON + 2 * SECOND)])
    assert rows(db, "charges")[0]["customer"] is None


def test_accounts_do_not_share_objects(db: Connection) -> None:
    one_account, other = connect(db), connect(db, "acct_other")
    for account in (one_account, other):
        objects.write(db, account, "charges", [row(raw.charge(id="ch_1"))])
    assert len(rows(db, "charges")) == 2


def test_objects_of_several_accounts_are_written_and_found_at_once(db: Connection) -> None:
    one_account, other = connect(db), connect(db, "acct_other")
    older_version = row(raw.charge(id="ch_2"), content="b")
    del older_version.values["customer"]
    objects.write_each(
        db, "charges", {one_account: [row(raw.charge(id="ch_1")), older_version], other: [row(raw.charge(id="ch_1"))]}
    )
    wanted = {one_account.id: ["ch_1", "ch_2", "ch_3"], other.id: ["ch_2", "ch_1"]}
    found = objects.versions_of_each(db, "charges", wanted)
    assert {
        account: {key: held.version.content_hash for key, held in by_id.items()} for account, by_id in found.items()
    } == {
        one_account.id: {"ch_1": "a", "ch_2": "b"},
        other.id: {"ch_1": "a"},
    }


@pytest.mark.parametrize("table", ["charges", "subscriptions", "payouts", "customers"])
def test_a_tombstone_keeps_what_it_covers(db: Connection, table: str) -> None:
    account = connect(db)
    payload = {"charges": raw.charge, "subscriptions": raw.subscription, "payouts": raw.payout,
               "customers": raw.customer}[table](id="x_1")  # fmt: skip
    objects.write(db, account, table, [row(payload, NOON)])
    before = one(db, table)
    for at, deleted in ((NOON - SECOND, False), (NOON, True)):
        objects.bury(db, account, table, [ObjectRow("x_1", NOON, at, "deleted", {"deleted": True})])
        assert one(db, table)["deleted"] is deleted
    same = {"deleted", "content_hash"}
    assert {k: v for k, v in one(db, table).items() if k not in same} == {
        k: v for k, v in before.items() if k not in same
    }
    objects.bury(db, account, table, [])


def test_a_dispute_tells_on_which_days_it_counted(db: Connection) -> None:
    account = connect(db)
    payload = raw.dispute(id="dp_1", balance_transactions=[raw.movement(-5000, created=raw.at(NOON + DAY))])
    objects.write(db, account, "disputes", [row(payload)])
    known = objects.stored_versions(db, account.id, "disputes", ["dp_1"])["dp_1"]
    assert known.created_at == NOON
    assert known.counted_at == NOON + DAY
    assert [item["created_at"] for item in known.movements] == [(NOON + DAY).isoformat()]
    assert objects.stored_versions(db, account.id, "charges", ["ch_1"]) == {}
    assert StoredVersion(Version(NOON, ""), NOON).movements == ()


def test_the_first_time_a_payout_was_paid_is_remembered(db: Connection) -> None:
    account = connect(db)
    objects.write(db, account, "payouts", [row(raw.payout(id="po_1")), row(raw.payout(id="po_2"))])
    for moment in (NOON + DAY, NOON, NOON + 2 * DAY):
        objects.note_payouts_paid(db, account, {"po_1": moment, "po_unknown": moment})
    other = connect(db, "acct_other")
    objects.write(db, other, "payouts", [row(raw.payout(id="po_1"))])
    objects.note_payouts_paid_of_each(db, {other: {"po_1": NOON - 9 * DAY}})
    objects.write(db, account, "payouts", [row(raw.payout(id="po_1", status="failed"), NOON + DAY, "b")])
    held = {(stored["integration_account_id"], stored["id"]): stored["paid_event_at"] for stored in rows(db, "payouts")}
    assert held == {(account.id, "po_1"): NOON, (account.id, "po_2"): None, (other.id, "po_1"): NOON - 9 * DAY}


def test_a_movement_settles_the_charge_that_waits_for_it(db: Connection) -> None:
    account = connect(db)
    waiting = raw.charge(id="ch_1", currency="eur", balance_transaction=None, created=raw.at(NOON - DAY))
    settled = row(raw.charge(id="ch_2", currency="eur", balance_transaction=None), settled_minor=1)
    objects.write(db, account, "charges", [row(waiting), settled, row({**waiting, "id": "ch_3"})])
    movements = [
        raw.balance_transaction(id="txn_1", source="ch_1", amount=5500),
        raw.balance_transaction(id="txn_2", source="ch_2", amount=5500),
        raw.balance_transaction(id="txn_3", source="ch_3", amount=5500, currency="eur"),
        raw.balance_transaction(id="txn_4", source="ch_1", amount=-9, type="adjustment"),
    ]
    objects.write(db, account, "balance_transactions", [row(item) for item in movements])
    days = objects.settle_charges(db, account, [item["id"] for item in movements])
    assert days == [(NOON - DAY).date()]
    assert [(c["settled_minor"], c["exchange_rate"]) for c in rows(db, "charges")] == [
        (5500, Decimal("1.1")), (1, None), (None, None),
    ]  # fmt: skip


def test_the_days_on_which_charges_were_refunded(db: Connection) -> None:
    account = connect(db)
    late = raw.refund(charge="ch_1", created=raw.at(NOON.replace(hour=23, minute=59, second=59)))
    objects.write(db, account, "refunds", [row(late), row(raw.refund(charge="ch_2")), row(raw.refund(charge=None))])
    assert objects.refund_days_of(db, account, ["ch_1"]) == [NOON.date()]
    assert objects.refund_days_of(db, account, ["ch_9"]) == []


# --- the account -----------------------------------------------------------------------------


def test_accounts_are_found_in_both_modes_unless_disconnected(db: Connection) -> None:
    live, test = connect(db, livemode=True), connect(db, livemode=False)
    connect(db, "acct_gone", status="disconnected")
    found = objects.find_accounts(db, [raw.ACCOUNT, "acct_gone", "acct_unknown"])
    assert sorted(found, key=str) == sorted([live, test], key=str)
    assert objects.get_account(db, live.id) == live
    assert objects.lock_account(db, live.id) == live
    assert objects.lock_accounts(db, [live.id, uuid.uuid4()]) == {live.id: live}
    objects.mark_disconnected(db, live, NOON)
    assert objects.get_account(db, live.id) is None
    assert objects.lock_account(db, live.id) is None
    assert objects.lock_accounts(db, [live.id]) == {}
    assert objects.get_account(db, uuid.uuid4()) is None


def test_the_lock_is_held_by_one(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as first, fresh_engine.connect() as second:
        account = connect(first)
        first.commit()
        objects.lock_account(first, account.id)
        second.execute(text("set local lock_timeout = '100ms'"))
        with pytest.raises(Exception, match="55P03"):
            objects.lock_account(second, account.id)


def test_a_standing_older_than_the_stored_one_changes_nothing(db: Connection) -> None:
    account = connect(db, currency=None)
    good, bad = {"charges_enabled": True}, {"charges_enabled": False}
    objects.update_account(db, account.id, version_at=NOON, standing=good, settlement_currency="usd")
    objects.update_account(db, account.id, version_at=NOON - SECOND, standing=bad, settlement_currency="eur")
    stored = account_of(db, account.id)
    assert (stored["standing"], stored["default_currency"], stored["version_at"]) == (good, "usd", NOON)
    objects.update_account(db, account.id, version_at=NOON + SECOND, standing=bad)
    stored = account_of(db, account.id)
    assert (stored["standing"], stored["default_currency"]) == (bad, "usd")


def test_a_balance_older_than_the_stored_one_changes_nothing(db: Connection) -> None:
    account = connect(db)
    for moment, amount in ((NOON, 2), (NOON - SECOND, 1), (NOON + SECOND, 3)):
        objects.update_account(db, account.id, version_at=moment, balance={"available": amount})
    assert account_of(db, account.id)["balance"] == {"available": 3, "as_of": raw.at(NOON + SECOND)}


def test_the_states_of_a_connection(db: Connection) -> None:
    account = connect(db)
    objects.mark_error(db, account.id, "Connect it again.")
    assert (account_of(db, account.id)["status"], account_of(db, account.id)["error"]) == ("error", "Connect it again.")
    objects.mark_synced(db, account.id, NOON, history_complete=True)
    stored = account_of(db, account.id)
    assert (stored["status"], stored["error"], stored["last_synced_at"], stored["history_complete"]) == (
        "connected", None, NOON, True,
    )  # fmt: skip
    objects.mark_disconnected(db, account, NOON)
    objects.mark_error(db, account.id, "too late")
    objects.mark_synced(db, account.id, NOON + DAY)
    stored = account_of(db, account.id)
    assert (stored["status"], stored["error"], stored["last_synced_at"]) == ("disconnected", None, NOON)


def test_connected_accounts_come_in_pages(db: Connection) -> None:
    accounts: list[Account] = [connect(db, f"acct_{n}") for n in range(5)]
    connect(db, "acct_gone", status="disconnected")
    expected = sorted((account.id, account.business_id) for account in accounts)
    first = objects.list_connected(db, None, 3)
    assert first == expected[:3]
    assert objects.list_connected(db, first[-1][0], 3) == expected[3:]
