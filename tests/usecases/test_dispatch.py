"""Ticks: pages of due work, and whatever lost its announcement."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Connection

from tests import stripe_payloads as raw
from tests.connected import connect, keep, rows, statuses
from tests.stripe_payloads import NOON, event
from vaultra.db import inbox, rollups, sync_runs
from vaultra.usecases import dispatch, sync
from vaultra.usecases.dispatch import Tick

MINUTE = dt.timedelta(minutes=1)
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


def test_accounts_are_read_again_once_their_first_run_has_ended(db: Connection) -> None:
    fresh, read = connect(db, "acct_fresh"), connect(db, "acct_read")
    sync.start(db, integration_account_id=fresh.id, kind="initial", now=NOON)
    first = sync.start(db, integration_account_id=read.id, kind="initial", now=NOON)
    sync_runs.advance(db, first, position=9, cursor=None, progress=0, read=1, now=NOON, finished=True)
    [(topic, body)] = dispatch.run(db, Tick("stripe_sync"), NOON + 15 * MINUTE)
    run = sync_runs.find(db, uuid.UUID(body["run_id"]))
    assert run is not None
    assert (topic, body["step"], run.kind, run.account_id) == ("stripe-sync-due", 0, "incremental", read.id)
    # The next tick finds it under way and announces the same.
    assert dispatch.run(db, Tick("stripe_sync"), NOON + 30 * MINUTE) == [(topic, body)]


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
