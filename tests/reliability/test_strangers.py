"""RELIABILITY rows D8, D9, D10 and E9: accounts not yet connected, poison, and the other mode's events."""

import datetime as dt
import random
import time
from typing import Any

from sqlalchemy import Connection, Engine, text

from tests import stripe_payloads as raw
from tests.connected import OBJECT_TABLES, apply, connect, everything, keep, rollups, rows, statuses
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON, Json, event
from vaultra.db import inbox
from vaultra.ports import OauthGrant
from vaultra.usecases import connections, dispatch, ingestion

HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)


def charges(count: int, **given: Any) -> list[Json]:
    return [event("charge.succeeded", raw.charge(id=f"ch_{n}"), id=f"evt_{n}", **given) for n in range(count)]


def in_messages(events: list[Json], size: int = 100) -> list[list[Json]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


def test_d8_events_from_before_the_connection_are_applied_once_after_it(fresh_engine: Engine) -> None:
    events, stripe = charges(1000), FakeStripe()
    with fresh_engine.connect() as conn:
        for message in in_messages(events):
            outcome = apply(conn, stripe, message)
            assert (outcome.parked, outcome.metrics_due) == (100, [])
        visible = sum(len(rows(conn, table, "1")) for table in (*OBJECT_TABLES, "daily_rollups", "metrics_due"))
        assert (statuses(conn), visible) == ({"parked": 1000}, 0)
        business = conn.execute(text("insert into businesses (name) values ('Shop') returning id")).scalar_one()
        grant = OauthGrant(ACCOUNT, livemode=True)
        connected = connections.connect(conn, business_id=business, grant=grant, now=NOON)
        conn.commit()
        stripe.put(ACCOUNT, "account", raw.account())
        done = 0
        for ids in connected.events + connected.events:
            done += ingestion.apply(conn, stripe, ids, NOON).done
            conn.commit()
        assert apply(conn, stripe, events).done == 0
        assert (done, statuses(conn), rollups(conn)[0]["charge_count"]) == (1000, {"done": 1000}, 1000)
    print(f"D8: 1,000 parked, {done} applied once the account was connected, delivered three times")


def test_d8_d9_what_nobody_connects_is_invisible_and_purged_after_72_hours(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as conn:
        mine = connect(conn, "acct_another")
        for message in in_messages(charges(1000)):
            apply(conn, FakeStripe(), message)
        seen = sum(len(rows(conn, table, "1")) for table in (*OBJECT_TABLES, "daily_rollups"))
        assert seen == 0
        assert inbox.unpark(conn, mine.external_id, True) == []
        early = inbox.purge(conn, NOON + 72 * HOUR)["parked"]
        purged = inbox.purge(conn, NOON + 72 * HOUR + MINUTE)["parked"]
        assert (early, purged, statuses(conn)) == (0, 1000, {})
    print(f"D8/D9: {seen} visible, {purged} purged after 72 h, {early} before")


def drain(conn: Connection, stripe: FakeStripe, messages: list[list[Json]]) -> tuple[list[float], set[str]]:
    """Apply messages, then sweep until nothing is left: each event's delay in seconds, and who died."""
    kept = [(keep(conn, message), [item["id"] for item in message]) for message in messages]
    conn.commit()
    began, delays, now = time.perf_counter(), [], NOON
    for ids, _ in kept:
        outcome = ingestion.apply(conn, stripe, ids, now)
        conn.commit()
        delays += [time.perf_counter() - began] * outcome.done
    for _ in range(inbox.MOST_ATTEMPTS + 1):
        now += 2 * MINUTE
        for topic, body in dispatch.run(conn, dispatch.Tick("sweep"), now):
            if topic == ingestion.TOPIC:
                ingestion.apply(conn, stripe, body["ids"], now)
        conn.commit()
    return delays, {row["event_id"] for row in rows(conn, "stripe_events") if row["status"] == "dead"}


def test_d10_poison_ends_in_the_dead_letters_and_nothing_else_does(fresh_engine: Engine) -> None:
    chance = random.Random(10)
    with fresh_engine.connect() as conn:
        connect(conn, "acct_calm")
        calm, dead = drain(conn, FakeStripe(), in_messages(charges(1000, account="acct_calm"), 20))
        assert (len(calm), dead) == (1000, set())
        connect(conn)
        conn.execute(text("delete from stripe_events"))
        conn.commit()
        stripe, events = FakeStripe(), charges(1000)
        poison = chance.sample(range(1000), 10)
        for n in poison[:5]:  # can never be read
            events[n]["data"]["object"]["amount"] = "a lot"
        for n in poison[5:]:  # makes its handler crash
            events[n]["data"]["object"]["currency"] = "eur"
            stripe.failures[f"ch_{n}"] = RuntimeError("a bug")
        delays, dead = drain(conn, stripe, in_messages(events, 20))
        letters = {row["message_id"]: row["attempts"] for row in rows(conn, "dead_letters")}
        inbox_ids = {row["event_id"]: row["id"] for row in rows(conn, "stripe_events")}
        assert dead == {f"evt_{n}" for n in poison}
        assert letters == {
            f"event-{inbox_ids[f'evt_{n}']}": 1 if n in poison[:5] else inbox.MOST_ATTEMPTS for n in poison
        }
        assert statuses(conn) == {"done": 990, "dead": 10}
        assert len(delays) == 990
        # Repaired, and replayed by an operator twice: applied once, and not stopped by having been seen.
        stripe.failures.clear()
        for n in poison[5:]:
            stripe.put(ACCOUNT, "charges", {**events[n]["data"]["object"], "balance_transaction": None})
        again = [ingestion.apply(conn, stripe, [inbox_ids[f"evt_{n}"]], NOON).done for n in poison[5:] * 2]
        assert again == [1] * 5 + [0] * 5
    ratio = percentile_95(delays) / percentile_95(calm)
    print(f"D10: 10 poison of 1,000: {len(letters)} dead letters, exactly those; others' p95 {ratio:.2f} × baseline")


def percentile_95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def test_e9_the_other_modes_events_change_nothing(fresh_engine: Engine) -> None:
    live = [
        *charges(100, livemode=True),
        event("charge.dispute.created", raw.dispute(id="dp_1")),
        event("refund.created", raw.refund(id="re_1", charge="ch_1")),
        event("payout.paid", raw.payout(id="po_1", status="paid")),
        event("customer.subscription.created", raw.subscription(id="sub_1")),
        event("balance.available", raw.balance()),
        event("account.updated", raw.account()),
    ]
    test = [
        *charges(100, livemode=False),  # the same ids and objects, in test mode
        event("charge.succeeded", raw.charge(id="ch_test", livemode=False), livemode=False),
        event("charge.dispute.created", raw.dispute(id="dp_1", status="lost", amount=1), livemode=False),
        event("payout.failed", raw.payout(id="po_1", status="failed"), livemode=False),
        event("customer.subscription.deleted", raw.subscription(id="sub_1", status="canceled"), livemode=False),
        event("account.updated", raw.account(charges_enabled=False), livemode=False),
        event("account.application.deauthorized", {"object": "application"}, livemode=False),
    ]
    with fresh_engine.connect() as conn:
        connect(conn)
        apply(conn, FakeStripe(), live)
        facts = (everything(conn), account(conn))
        mixed = test + live
        random.Random(9).shuffle(mixed)
        ignored = sum(apply(conn, FakeStripe(), message).ignored for message in in_messages(mixed, 10))
        assert (everything(conn), account(conn)) == facts
        assert statuses(conn) == {"done": len(live), "ignored": len(test)}
    print(f"E9: {len(test)} of {len(live) + len(test)} events in test mode: {ignored} ignored, 0 rows changed")


def account(conn: Connection) -> Json:
    hidden = {"last_synced_at"}
    [row] = rows(conn, "integration_accounts")
    return {name: value for name, value in row.items() if name not in hidden}
