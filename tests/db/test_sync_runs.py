"""Where each pass over an account's objects is."""

import datetime as dt
import uuid

from sqlalchemy import Connection, update

from tests.connected import connect
from tests.stripe_payloads import NOON
from vaultra.db import models, sync_runs

HOUR = dt.timedelta(hours=1)
PLAN = [{"resource": "charges", "params": {}}, {"resource": "payouts", "params": {}}]


def advance(db: Connection, run: sync_runs.Run, *, finished: bool = False, now: dt.datetime = NOON) -> None:
    sync_runs.advance(
        db, run, position=1, cursor="ch_9", progress=0.5, read=100, now=now, finished=finished
    )  # fmt: skip


def test_one_run_of_a_kind_is_under_way_at_a_time(db: Connection) -> None:
    account = connect(db)
    run = sync_runs.open_run(db, account.id, "initial", PLAN, NOON)
    assert (run.plan, run.position, run.cursor, run.step, run.objects) == (PLAN, 0, None, 0, 0)
    assert sync_runs.open_run(db, account.id, "initial", [], NOON + HOUR) == run
    assert sync_runs.open_run(db, account.id, "history", PLAN, NOON).id != run.id
    other = connect(db, "acct_other")
    assert sync_runs.open_run(db, other.id, "initial", PLAN, NOON).id != run.id
    advance(db, run, finished=True)
    assert sync_runs.open_run(db, account.id, "initial", PLAN, NOON).id != run.id


def test_a_step_ends_with_its_place(db: Connection) -> None:
    run = sync_runs.open_run(db, connect(db).id, "initial", PLAN, NOON)
    advance(db, run)
    advanced = sync_runs.find(db, run.id, lock=True)
    assert advanced is not None
    assert (advanced.position, advanced.cursor, advanced.step, advanced.objects) == (1, "ch_9", 1, 100)
    advance(db, advanced, finished=True, now=NOON + HOUR)
    ended = sync_runs.find(db, run.id)
    assert ended is not None
    assert (ended.step, ended.objects, ended.finished_at) == (2, 200, NOON + HOUR)
    assert sync_runs.find(db, uuid.uuid4()) is None


def test_the_last_good_run_is_the_one_that_began_last(db: Connection) -> None:
    account = connect(db)
    assert sync_runs.last_finished(db, account.id) is None
    for hours, kind, good in ((0, "initial", True), (1, "incremental", True), (2, "incremental", False)):
        run = sync_runs.open_run(db, account.id, kind, PLAN, NOON + hours * HOUR)
        assert sync_runs.last_finished(db, account.id) != NOON + hours * HOUR
        if good:
            advance(db, run, finished=True)
        else:
            sync_runs.stop(db, run.id, "no access", NOON + 3 * HOUR)
    history = sync_runs.open_run(db, account.id, "history", PLAN, NOON + 5 * HOUR)
    advance(db, history, finished=True)
    assert sync_runs.last_finished(db, account.id) == NOON + HOUR


def test_stalled_runs_are_those_without_progress(db: Connection) -> None:
    slow = sync_runs.open_run(db, connect(db).id, "initial", PLAN, NOON - 2 * HOUR)
    moving = sync_runs.open_run(db, connect(db, "acct_2").id, "initial", PLAN, NOON - 2 * HOUR)
    advance(db, moving, now=NOON)
    ended = sync_runs.open_run(db, connect(db, "acct_3").id, "initial", PLAN, NOON - 2 * HOUR)
    sync_runs.stop(db, ended.id, "no access", NOON - 2 * HOUR)
    gone = connect(db, "acct_4")
    sync_runs.open_run(db, gone.id, "initial", PLAN, NOON - 2 * HOUR)
    accounts = models.IntegrationAccount
    db.execute(update(accounts).where(accounts.id == gone.id).values(status="disconnected"))
    assert sync_runs.list_stalled(db, NOON - HOUR, 10) == [(slow.id, 0)]
    assert sync_runs.list_stalled(db, NOON + HOUR, 1) == [(slow.id, 0)]
