"""Where each pass over an account's objects is."""

import datetime as dt
import uuid

from sqlalchemy import Connection, func, select, update

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
    again = sync_runs.open_run(db, account.id, "initial", [], NOON + HOUR)
    assert again == run
    assert (run.new, again.new) == (True, False)
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
    reconciled = sync_runs.open_run(db, account.id, "reconcile", PLAN, NOON + 6 * HOUR)
    advance(db, reconciled, finished=True)
    assert sync_runs.last_finished(db, account.id) == NOON + HOUR
    assert sync_runs.last_finished(db, account.id, ("initial", "reconcile")) == NOON + 6 * HOUR


def test_stalled_runs_are_those_nobody_touched_and_are_announced_once_a_while(db: Connection) -> None:
    slow = sync_runs.open_run(db, connect(db).id, "initial", PLAN, NOON - 2 * HOUR)
    moving = sync_runs.open_run(db, connect(db, "acct_2").id, "initial", PLAN, NOON - 2 * HOUR)
    advance(db, moving, now=NOON)
    ended = sync_runs.open_run(db, connect(db, "acct_3").id, "initial", PLAN, NOON - 2 * HOUR)
    sync_runs.stop(db, ended.id, "no access", NOON - 2 * HOUR)
    gone = connect(db, "acct_4")
    sync_runs.open_run(db, gone.id, "initial", PLAN, NOON - 2 * HOUR)
    accounts = models.IntegrationAccount
    db.execute(update(accounts).where(accounts.id == gone.id).values(status="disconnected"))
    assert sync_runs.take_stalled(db, NOON, NOON - HOUR, 10) == [(slow.id, 0)]
    assert sync_runs.take_stalled(db, NOON, NOON - HOUR, 10) == []
    assert len(sync_runs.take_stalled(db, NOON + HOUR, NOON + HOUR, 1)) == 1
    tried = sync_runs.open_run(db, connect(db, "acct_5").id, "initial", PLAN, NOON - 2 * HOUR)
    sync_runs.note_failure(db, tried.id, "no answer", NOON)
    assert sync_runs.take_stalled(db, NOON, NOON - HOUR, 10) == []


def test_progress_never_goes_back(db: Connection) -> None:
    run = sync_runs.open_run(db, connect(db).id, "initial", PLAN, NOON)
    for progress, stored in ((0.4, 0.4), (0.1, 0.4), (0.6, 0.6)):
        sync_runs.advance(db, run, position=0, cursor=None, progress=progress, read=0, now=NOON, finished=False)
        found = sync_runs.find(db, run.id)
        assert found is not None
        assert found.progress == stored


def test_failures_are_counted_until_the_step_is_done(db: Connection) -> None:
    run = sync_runs.open_run(db, connect(db).id, "initial", PLAN, NOON)
    for hours in (1, 2):
        sync_runs.note_failure(db, run.id, f"no answer {hours}" + "x" * 600, NOON + hours * HOUR)
    failing = sync_runs.find(db, run.id)
    assert failing is not None
    assert (failing.attempts, failing.failing_since, len(failing.error or "")) == (2, NOON + HOUR, 500)
    advance(db, failing)
    going_on = sync_runs.find(db, run.id)
    assert going_on is not None
    assert (going_on.attempts, going_on.failing_since, going_on.error) == (0, None, None)


def test_a_run_may_begin_where_another_gave_up(db: Connection) -> None:
    account = connect(db)
    run = sync_runs.open_run(db, account.id, "history", PLAN, NOON)
    advance(db, run)
    sync_runs.stop(db, run.id, "no answer", NOON + HOUR)
    left = sync_runs.find_newest(db, account.id, "history")
    assert left is not None
    following = sync_runs.open_run(db, account.id, "history", [], NOON + 2 * HOUR, after=left)
    assert following.new
    assert (following.id != run.id, following.step, following.error) == (True, 0, None)
    for name in ("plan", "position", "cursor", "objects", "progress", "started_at"):
        assert getattr(following, name) == getattr(left, name)
    newest = sync_runs.find_newest(db, account.id, "history")
    assert newest == following
    assert not newest.new


def test_the_newest_run_is_of_this_connection(db: Connection) -> None:
    account = connect(db, connected_at=NOON)
    sync_runs.open_run(db, account.id, "initial", PLAN, NOON - HOUR)
    assert sync_runs.find_newest(db, account.id, "initial") is None


def test_runs_fail_in_a_row_until_one_ends_well(db: Connection) -> None:
    account = connect(db)

    def end(hours: int, kind: str = "incremental", error: str | None = None) -> int:
        run = sync_runs.open_run(db, account.id, kind, PLAN, NOON + hours * HOUR)
        ended = NOON + hours * HOUR
        if error is None:
            advance(db, run, finished=True, now=ended)
        else:
            sync_runs.stop(db, run.id, error, ended)
        return sync_runs.count_failed_in_a_row(db, account.id)

    assert [end(1, error="no answer"), end(2, error="no answer")] == [1, 2]
    assert end(3, "history") == 0
    assert [end(4, error="no answer"), end(5, error=sync_runs.SUPERSEDED)] == [1, 1]
    assert [end(6, error=sync_runs.DISCONNECTED), end(7, "history", error="refused")] == [1, 2]
    # A reconciliation reads no objects, so it does not tell whether that works.
    assert [end(8, "reconcile"), end(9, "reconcile", error="no answer")] == [2, 2]
    other = connect(db, "acct_other")
    assert sync_runs.count_failed_in_a_row(db, other.id) == 0


def test_what_is_due_is_told_page_by_page(db: Connection) -> None:
    accounts = sorted(connect(db, f"acct_{n}", connected_at=NOON).id for n in range(3))
    connect(db, "acct_gone", status="disconnected")
    first = accounts[0]
    for kind in ("initial", "incremental", "reconcile"):  # of an earlier connection
        advance(db, sync_runs.open_run(db, accounts[1], kind, PLAN, NOON - HOUR), finished=True)
    for hours, kind, error in (
        (1, "initial", None), (2, "incremental", None), (3, "history", None), (4, "reconcile", None),
        (5, "incremental", "refused"),
    ):  # fmt: skip
        run = sync_runs.open_run(db, first, kind, PLAN, NOON + hours * HOUR)
        if error:
            sync_runs.stop(db, run.id, error, NOON + hours * HOUR)
        else:
            advance(db, run, finished=True)
    found = sync_runs.list_due(db, None, 2)
    assert [account.id for account in found] == accounts[:2]
    told, nothing = found
    assert (told.read_at, told.reconciled_at) == (NOON + 2 * HOUR, NOON + 4 * HOUR)
    assert (told.begun_at, told.refused_at) == (NOON + 5 * HOUR, NOON + 5 * HOUR)
    assert (told.working, told.history_complete) == (True, False)
    assert (nothing.read_at, nothing.reconciled_at, nothing.begun_at, nothing.refused_at) == (None,) * 4
    assert [account.id for account in sync_runs.list_due(db, accounts[1], 2)] == accounts[2:]


def test_old_runs_are_forgotten_but_for_the_last_good_one(db: Connection) -> None:
    account = connect(db)
    for days, error in ((90, None), (80, None), (70, "no answer"), (60, None), (50, "no answer"), (1, "no answer")):
        run = sync_runs.open_run(db, account.id, "incremental", PLAN, NOON - days * 24 * HOUR)
        if error:
            sync_runs.stop(db, run.id, error, NOON - days * 24 * HOUR)
        else:
            advance(db, run, finished=True, now=NOON - days * 24 * HOUR)
    under_way = sync_runs.open_run(db, account.id, "history", PLAN, NOON - 90 * 24 * HOUR)
    assert sync_runs.purge(db, NOON - 30 * 24 * HOUR) == 3
    left = db.execute(select(models.SyncRun.kind, func.count()).group_by(models.SyncRun.kind).order_by("kind"))
    assert [tuple(row) for row in left] == [("history", 1), ("incremental", 3)]
    assert sync_runs.last_finished(db, account.id) == NOON - 60 * 24 * HOUR
    assert sync_runs.find(db, under_way.id) is not None
