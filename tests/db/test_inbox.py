"""The event inbox: each event once, healed by redelivery, claimed by one, forgotten in time."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Engine, text, update

from tests import stripe_payloads as raw
from tests.connected import connect, rows, statuses
from tests.stripe_payloads import NOON, event
from tests.threads import in_threads
from vaultra.adapters.stripe_events import received_event
from vaultra.db import inbox
from vaultra.db.inbox import MOST_ATTEMPTS, ReceivedEvent
from vaultra.db.models import StripeEvent

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def received(event_id: str, **changes: Any) -> ReceivedEvent:
    return received_event(event("charge.succeeded", raw.charge(), id=event_id, **changes))


def keep(db: Connection, *event_ids: str, now: dt.datetime = NOON, **changes: Any) -> list[int]:
    return inbox.keep(db, [received(event_id, **changes) for event_id in event_ids], now)


def test_an_event_is_kept_as_it_came(db: Connection) -> None:
    [row_id] = keep(db, "evt_1", created=NOON - HOUR, livemode=True)
    [row] = rows(db, "stripe_events")
    assert (row["id"], row["event_id"], row["account"], row["livemode"]) == (row_id, "evt_1", raw.ACCOUNT, True)
    assert (row["status"], row["attempts"], row["received_at"], row["occurred_at"]) == ("pending", 0, NOON, NOON - HOUR)
    assert row["payload"]["data"]["object"]["object"] == "charge"


def test_a_repeated_event_is_announced_while_it_is_pending_and_not_after(db: Connection) -> None:
    first = keep(db, "evt_1", "evt_2")
    assert len(keep(db, "evt_1", "evt_2", "evt_3")) == 3
    assert sorted(keep(db, "evt_1", "evt_2")) == first
    inbox.settle(db, first[:1], "done", NOON)
    assert keep(db, "evt_1", "evt_2") == first[1:]
    assert len(rows(db, "stripe_events")) == 3


def test_one_batch_may_hold_an_event_twice(db: Connection) -> None:
    assert len(keep(db, "evt_1", "evt_1", "evt_2")) == 2


def test_mode_and_account_are_part_of_an_events_name(db: Connection) -> None:
    keep(db, "evt_1")
    keep(db, "evt_1", livemode=False)
    keep(db, "evt_1", account="acct_other")
    keep(db, "evt_1", account="")
    assert len(rows(db, "stripe_events")) == 4


def test_what_is_claimed_is_locked_and_others_pass_it_by(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as one, fresh_engine.connect() as two:
        ids = keep(one, "evt_1", "evt_2", "evt_3")
        one.commit()
        assert [event.id for event in inbox.claim(one, ids[:2], wait=False)] == ids[:2]
        assert [event.id for event in inbox.claim(two, ids, wait=False)] == ids[2:]
        one.rollback()
        assert [event.id for event in inbox.claim(two, reversed(ids))] == ids


def test_only_what_is_to_be_done_is_claimed(db: Connection) -> None:
    ids = keep(db, *(f"evt_{n}" for n in range(5)))
    for row_id, status in zip(ids, ("pending", "done", "parked", "ignored", "dead"), strict=True):
        db.execute(update(StripeEvent).where(StripeEvent.id == row_id).values(status=status))
    assert [event.id for event in inbox.claim(db, ids)] == [ids[0], ids[4]]  # a dead one when it is replayed
    assert inbox.claim(db, []) == []


def test_a_claimed_event_is_whole(db: Connection) -> None:
    [row_id] = keep(db, "evt_1")
    [claimed] = inbox.claim(db, [row_id])
    expected = received("evt_1")
    assert (claimed.event_id, claimed.account, claimed.type) == ("evt_1", expected.account, expected.type)
    assert (claimed.occurred_at, claimed.api_version, claimed.attempts) == (NOON, expected.api_version, 0)
    assert claimed.payload["data"]["object"].keys() == expected.payload["data"]["object"].keys()


def test_the_seventh_failure_is_the_last(db: Connection) -> None:
    [row_id] = keep(db, "evt_1")
    for attempt in range(1, MOST_ATTEMPTS + 1):
        [claimed] = inbox.claim(db, [row_id])
        assert claimed.attempts == attempt - 1
        dead = inbox.record_failure(db, claimed, "it broke " * 100, final=False, now=NOON)
        assert dead is (attempt == MOST_ATTEMPTS)
        [row] = rows(db, "stripe_events")
        assert (row["status"], len(row["error"])) == ("dead" if dead else "pending", 500)
    inbox.settle(db, [row_id], "done", NOON)  # replayed, and then it worked
    [row] = rows(db, "stripe_events")
    assert (row["status"], row["error"]) == ("done", None)


def test_a_final_failure_is_the_last_at_once(db: Connection) -> None:
    [claimed] = inbox.claim(db, keep(db, "evt_1"))
    assert inbox.record_failure(db, claimed, "no", final=True, now=NOON)
    assert statuses(db) == {"dead": 1}


def test_parked_events_are_released_for_their_account_and_mode_only(db: Connection) -> None:
    mine = keep(db, "evt_1", "evt_2")
    others = [*keep(db, "evt_3", livemode=False), *keep(db, "evt_4", account="acct_other")]
    inbox.settle(db, mine + others, "parked", NOON)
    done = keep(db, "evt_5")
    inbox.settle(db, done, "done", NOON)
    assert inbox.unpark(db, raw.ACCOUNT, True) == mine
    assert inbox.unpark(db, raw.ACCOUNT, True) == []
    assert [event.id for event in inbox.claim(db, mine + others + done)] == mine


def test_what_was_parked_while_its_account_was_being_connected_is_released_later(db: Connection) -> None:
    ids = [*keep(db, "evt_1"), *keep(db, "evt_2", livemode=False), *keep(db, "evt_3", account="acct_gone")]
    inbox.settle(db, ids, "parked", NOON)
    connect(db)
    connect(db, "acct_gone", status="disconnected")
    assert inbox.unpark_connected(db) == 1
    assert [event.id for event in inbox.claim(db, ids)] == ids[:1]


def test_only_what_was_never_tried_waits(db: Connection) -> None:
    ids = keep(db, "evt_1", "evt_2", "evt_3", now=NOON)
    older = keep(db, "evt_4", now=NOON - HOUR)
    [failed] = inbox.claim(db, ids[:1])
    inbox.record_failure(db, failed, "it broke", final=False, now=NOON)
    inbox.postpone(db, [ids[1]], "Stripe does not answer")
    assert inbox.list_waiting(db, 10) == older + ids[2:]
    assert inbox.list_waiting(db, 1) == older
    [row] = [row for row in rows(db, "stripe_events") if row["id"] == ids[1]]
    assert (row["status"], row["attempts"], row["error"]) == ("pending", 0, "Stripe does not answer")


def test_the_oldest_overdue_come_first(db: Connection) -> None:
    late = keep(db, "evt_1", now=NOON - HOUR)
    later = keep(db, "evt_2", now=NOON - 2 * HOUR)
    keep(db, "evt_3", now=NOON)
    inbox.settle(db, keep(db, "evt_4", now=NOON - HOUR), "done", NOON)
    assert inbox.list_overdue(db, NOON, 10) == later + late
    assert inbox.list_overdue(db, NOON, 1) == later


def test_those_that_failed_hold_up_no_others(db: Connection) -> None:
    failing = [keep(db, f"evt_failing_{n}", now=NOON - 3 * HOUR)[0] for n in range(3)]
    for event_id in failing:
        inbox.postpone(db, [event_id], "Stripe does not answer")
    fresh = keep(db, "evt_fresh", now=NOON - HOUR)
    assert inbox.list_overdue(db, NOON, 2) == [*fresh, failing[0]]


def test_known_events_are_counted_in_their_mode_and_account(db: Connection) -> None:
    inbox.settle(db, keep(db, "evt_1"), "done", NOON)
    keep(db, "evt_2")

    def known(*names: str, **changes: Any) -> int:
        return inbox.count_known(db, [received(name, **changes) for name in names])

    assert known("evt_1", "evt_2", "evt_3") == 2
    assert known("evt_1", account="acct_other") == 0
    assert known("evt_1", livemode=False) == 0


def test_what_need_not_be_kept_is_forgotten(db: Connection) -> None:
    for status in ("pending", "done", "parked", "ignored", "dead"):
        for days in (1, 4, 31, 91):
            inbox.settle(db, keep(db, f"evt_{status}_{days}", now=NOON - days * DAY), status, NOON)
    assert inbox.purge(db, NOON) == {"parked": 3, "payloads": 6, "rows": 3}
    left = {row["event_id"].removeprefix("evt_"): row["payload"] is not None for row in rows(db, "stripe_events")}
    assert left == {
        **{f"pending_{days}": True for days in (1, 4, 31, 91)},
        **{f"{status}_{days}": days < 30 for status in ("done", "ignored", "dead") for days in (1, 4, 31)},
        "parked_1": True,
    }
    assert inbox.purge(db, NOON) == {"parked": 0, "payloads": 0, "rows": 0}


def test_two_that_keep_the_same_events_at_once_do_not_deadlock(fresh_engine: Engine) -> None:
    names = [f"evt_{n}" for n in range(200)]

    def work(order: list[str]) -> None:
        for _ in range(5):
            with fresh_engine.begin() as conn:
                keep(conn, *order)

    in_threads(work, (names, names[::-1], names[100:] + names[:100]))
    with fresh_engine.connect() as conn:
        assert conn.execute(text("select count(*) from stripe_events")).scalar_one() == 200
