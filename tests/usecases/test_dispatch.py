"""Ticks: pages of due work, and whatever lost its announcement."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from tests import stripe_payloads as raw
from tests.connected import connect, keep, rows, statuses
from tests.stripe_payloads import NOON, at, event
from vaultra.db import inbox, objects, rollups, sync_runs
from vaultra.db.objects import Account
from vaultra.usecases import dispatch, sync
from vaultra.usecases.dispatch import Tick

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def sweep(db: Connection, now: dt.datetime) -> list[dispatch.Announcement]:
    return dispatch.run(db, Tick("sweep"), now)


def test_nothing_lost_is_nothing_to_do(db: Connection) -> None:
    for job in dispatch.JOBS:
        assert dispatch.run(db, Tick(job), NOON) == []
    with pytest.raises(KeyError):
        dispatch.run(db, Tick("explode"), NOON)


def test_events_are_announced_again_after_a_minute_in_messages_of_a_hundred(db: Connection) -> None:
    ids = keep(db, [event("charge.succeeded", raw.charge(), id=f"evt_{n:03}") for n in range(150)])
    assert sweep(db, NOON + MINUTE) == []
    found = sweep(db, NOON + MINUTE + dt.timedelta(seconds=1))
    assert [topic for topic, _ in found] == ["stripe-event-received"] * 2
    assert sorted(found[0][1]["ids"] + found[1][1]["ids"]) == ids
    assert len(found[0][1]["ids"]) == 100
    inbox.settle(db, ids, "done", NOON)
    assert sweep(db, NOON + DAY) == []


def test_what_was_parked_while_its_account_was_connected_is_released(db: Connection) -> None:
    ids = keep(db, [event("charge.succeeded", raw.charge())])
    inbox.settle(db, ids, "parked", NOON)
    assert sweep(db, NOON + DAY) == []
    connect(db)
    assert sweep(db, NOON + DAY) == [("stripe-event-received", {"ids": ids})]
    assert statuses(db) == {"pending": 1}


def test_stalled_runs_and_forgotten_requests_are_announced_again(db: Connection) -> None:
    account = connect(db)
    run = sync.start(db, integration_account_id=account.id, kind="initial", now=NOON)
    rollups.request_metrics(db, [account.business_id], NOON)
    assert sweep(db, NOON + MINUTE) == []
    later = sweep(db, NOON + 7 * MINUTE)
    assert later == [
        ("stripe-sync-due", {"run_id": str(run.id), "step": 0}),
        ("metrics-due", {"business_ids": [str(account.business_id)]}),
    ]
    # A run whose step waits in the broker is not announced every minute.
    assert [topic for topic, _ in sweep(db, NOON + 8 * MINUTE)] == ["metrics-due"]
    assert [topic for topic, _ in sweep(db, NOON + 14 * MINUTE)] == ["stripe-sync-due", "metrics-due"]


def begun(db: Connection, job: str, now: dt.datetime) -> list[tuple[uuid.UUID, str, str]]:
    """The runs a tick begins: account, kind, and where charges or events are read from."""
    found = []
    for topic, body in dispatch.run(db, Tick(job), now):
        run = sync_runs.find(db, uuid.UUID(body["run_id"]))
        assert run is not None
        assert (topic, body["step"]) == ("stripe-sync-due", 0)
        [params] = [entry["params"] for entry in run.plan if entry["resource"] == "events"] or [{}]
        found.append((run.account_id, run.kind, params.get("created[gte]", "")))
    return found


def ended(db: Connection, account: Account, kind: str, now: dt.datetime, error: str | None = None) -> None:
    """A run of this kind that has just begun and ended, well or with an error."""
    run = sync_runs.open_run(db, account.id, kind, [], now)
    if error is None:
        sync_runs.advance(db, run, position=9, cursor="ch_9", progress=0.5, read=1, now=now, finished=True)
    else:
        sync_runs.stop(db, run.id, error, now)


def test_accounts_are_read_again_once_their_first_run_has_ended(db: Connection) -> None:
    fresh, read = connect(db, "acct_fresh"), connect(db, "acct_read")
    sync.start(db, integration_account_id=fresh.id, kind="initial", now=NOON)
    ended(db, read, "initial", NOON)
    assert begun(db, "stripe_sync", NOON + 15 * MINUTE) == [(read.id, "incremental", str(at(NOON - HOUR)))]
    # The next tick finds it under way, and leaves it to its own messages.
    assert begun(db, "stripe_sync", NOON + 30 * MINUTE) == []


def test_a_tick_that_comes_twice_reads_once(db: Connection) -> None:
    account = connect(db)
    ended(db, account, "initial", NOON)
    for minutes, runs in ((15, 1), (15, 0), (16, 0), (24, 0), (30, 1), (30, 0)):
        now = NOON + minutes * MINUTE
        assert len(begun(db, "stripe_sync", now)) == runs
        under_way = sync_runs.find_newest(db, account.id, "incremental")
        assert under_way is not None
        if under_way.finished_at is None:
            sync_runs.advance(db, under_way, position=9, cursor=None, progress=1, read=0, now=now, finished=True)


def test_the_ticks_of_a_job_wait_for_each_other(fresh_engine: Engine) -> None:
    with fresh_engine.connect() as first, fresh_engine.connect() as second:
        dispatch.run(first, Tick("compute_metrics"), NOON)
        second.execute(text("set local lock_timeout = '50ms'"))
        dispatch.run(second, Tick("stripe_sync"), NOON)  # another job does not wait
        with pytest.raises(DBAPIError, match="lock timeout"):
            dispatch.run(second, Tick("compute_metrics"), NOON)


def test_a_first_run_that_failed_goes_on_where_it_was(db: Connection) -> None:
    account = connect(db)
    run = sync.start(db, integration_account_id=account.id, kind="initial", now=NOON)
    sync_runs.advance(db, run, position=3, cursor="ch_9", progress=0.5, read=700, now=NOON, finished=False)
    sync_runs.stop(db, run.id, "Stripe does not answer", NOON + HOUR)
    [(account_id, kind, _)] = begun(db, "stripe_sync", NOON + 2 * HOUR)
    assert (account_id, kind) == (account.id, "initial")
    going_on = sync_runs.find_newest(db, account.id, "initial")
    assert going_on is not None
    assert (going_on.position, going_on.cursor, going_on.objects, going_on.progress) == (3, "ch_9", 700, 0.5)
    assert (going_on.started_at, going_on.finished_at) == (NOON, None)


def test_an_account_that_lets_nobody_in_is_asked_once_a_day(db: Connection) -> None:
    account = connect(db)
    ended(db, account, "initial", NOON)
    ended(db, account, "incremental", NOON + HOUR, error=sync_runs.REFUSED)
    objects.mark_error(db, account.id, "Connect it again.")
    asked = []
    for hours in range(2, 73):
        now = NOON + hours * HOUR
        if begun(db, "stripe_sync", now) or begun(db, "reconcile", now):
            asked.append(hours)
            ended(db, account, "incremental", now, error=sync_runs.REFUSED)
    assert asked == [25, 49]


def test_an_account_that_only_failed_is_asked_with_every_tick(db: Connection) -> None:
    account = connect(db)
    ended(db, account, "initial", NOON)
    ended(db, account, "incremental", NOON + HOUR, error="Stripe does not answer")
    objects.mark_error(db, account.id, "We keep trying.")
    assert len(begun(db, "stripe_sync", NOON + 2 * HOUR)) == 1


def test_after_longer_than_stripe_lists_events_everything_is_read_anew(db: Connection) -> None:
    for days, kind in ((28, "incremental"), (30, "initial")):
        account = connect(db, f"acct_{days}")
        ended(db, account, "initial", NOON - days * DAY)
        assert [found[:2] for found in begun(db, "stripe_sync", NOON)] == [(account.id, kind)]


def test_a_reconciliation_begins_where_the_last_one_did(db: Connection) -> None:
    account = connect(db)
    assert begun(db, "reconcile", NOON) == []
    ended(db, account, "initial", NOON - DAY)
    ended(db, account, "history", NOON - DAY)
    objects.mark_synced(db, account.id, NOON, history_complete=True)
    assert begun(db, "reconcile", NOON) == [(account.id, "reconcile", str(at(NOON - DAY - HOUR)))]
    assert begun(db, "reconcile", NOON + MINUTE) == []
    run = sync_runs.find_newest(db, account.id, "reconcile")
    assert run is not None
    sync_runs.advance(db, run, position=1, cursor=None, progress=1, read=0, now=NOON + HOUR, finished=True)
    assert begun(db, "reconcile", NOON + HOUR) == []
    assert begun(db, "reconcile", NOON + DAY) == [(account.id, "reconcile", str(at(NOON - HOUR)))]


def test_a_reconciliation_too_late_for_stripes_events_reads_everything_anew(db: Connection) -> None:
    account = connect(db)
    ended(db, account, "initial", NOON - 31 * DAY)
    ended(db, account, "incremental", NOON)
    objects.mark_synced(db, account.id, NOON, history_complete=True)
    assert [found[:2] for found in begun(db, "reconcile", NOON)] == [(account.id, "initial")]
    assert begun(db, "reconcile", NOON + DAY) == []  # it is under way


def test_a_history_that_came_to_a_stop_is_taken_up_once_a_day(db: Connection) -> None:
    account = connect(db)
    ended(db, account, "initial", NOON)
    ended(db, account, "history", NOON, error="Stripe does not answer")
    assert [found[:2] for found in begun(db, "reconcile", NOON + MINUTE)] == [(account.id, "history")]
    going_on = sync_runs.find_newest(db, account.id, "history")
    assert going_on is not None
    assert going_on.finished_at is None
    assert begun(db, "reconcile", NOON + 2 * MINUTE) == []


def test_everybody_gets_metrics_page_by_page(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "PAGE", 2)
    businesses = {str(connect(db, f"acct_{n}").business_id) for n in range(5)}
    connect(db, "acct_gone", status="disconnected")
    asked: list[str] = []
    tick: Tick | None = Tick("compute_metrics")
    pages = 0
    while tick is not None:
        found = dispatch.run(db, tick, NOON)
        asked += [item for topic, body in found if topic == "metrics-due" for item in body["business_ids"]]
        after = [uuid.UUID(body["after"]) for topic, body in found if topic == "tick"]
        tick, pages = (Tick("compute_metrics", after[0]) if after else None), pages + 1
    assert (sorted(asked), pages) == (sorted(businesses), 3)


def test_old_events_are_forgotten(db: Connection) -> None:
    ids = keep(db, [event("charge.succeeded", raw.charge(), id=f"evt_{n}") for n in range(3)])
    inbox.settle(db, ids[:1], "parked", NOON)
    inbox.settle(db, ids[1:2], "done", NOON)
    assert dispatch.run(db, Tick("purge"), NOON + 91 * DAY) == []
    assert [row["id"] for row in rows(db, "stripe_events")] == ids[2:]
