"""When a step of a run fails: what is tried again, when the run has failed, and when the account's owner is told.

* Stripe does not answer, or asks us to wait: the broker brings the message again, and every sixth failure in a row
  is left to the sweeper, so that an outage fills no dead letters. The run goes on by itself where it was; only a
  step that has failed for two hours ends it, and then it is a failed run.
* The handling crashes: the same, but its seventh failure in a row is final.
* Stripe refuses what there is nothing to measure without: final at once.
* Stripe does not let us in: the run ends at once. Nobody but the owner can change that, so the account is marked
  `error`, no dead letter is kept, and the schedule asks again once a day (`dispatch.REFUSED_FOR`).

An account is marked `error`, with a reason for its owner, when a failure is final, or when three runs over its
objects have failed since the last good one; runs that were superseded or disconnected did not fail. Then the
message lies in the dead letters too, once per mark: replaying it goes on with the run. The next run over the
account's objects that ends well clears the mark.
"""

import datetime as dt

import orjson
from sqlalchemy import Connection

from vaultra.db import dead_letters, objects, sync_runs
from vaultra.db.engine import translate
from vaultra.db.objects import Account
from vaultra.db.sync_runs import Run
from vaultra.errors import AccessRevoked, VaultraError
from vaultra.ports import Delivery
from vaultra.telemetry import log

SUBSCRIPTION = "stripe-sync-due.stripe-sync"
# The broker brings a message seven times: the sixth failure is acknowledged, so that none is given up.
LEFT_TO_THE_SWEEPER = 6
MOST_CRASHES = 7
OUTAGE = dt.timedelta(hours=2)
FAILED_RUNS = 3

UNREADABLE = "Stripe did not let Vaultra read this account's payments. Connect it again."
UNANSWERED = (
    "Stripe has not answered for this account for hours. Vaultra keeps trying. If https://status.stripe.com shows no "
    "problem, disconnect this account and connect it again."
)
CRASHED = (
    "Something on our side keeps Vaultra from reading this account. We know of it and keep trying: you need not do "
    "anything."
)


class Unreadable(VaultraError):
    """What there is nothing to measure without can't be read, however often we ask."""


def settle(conn: Connection, run: Run, error: Exception, now: dt.datetime) -> None:
    """Write down, in a transaction of its own, that this step of the run failed; return when it is to be acknowledged.

    Raises:
        Exception: `error` itself, when the broker is to bring the message again.
    """
    if translate(error) is not None:
        raise error  # the database's trouble, in which nothing can be written down
    account = objects.lock_account(conn, run.account_id)
    current = sync_runs.find(conn, run.id, lock=True)
    if current is None or current.finished_at is not None or current.step != run.step:
        conn.rollback()  # another delivery of this message was luckier
        return
    if account is None:
        sync_runs.stop(conn, run.id, sync_runs.DISCONNECTED, now)
        conn.commit()
        return
    reason = error.message if isinstance(error, VaultraError) else type(error).__name__
    if isinstance(error, AccessRevoked):
        _refused(conn, account, current, error.message, now)
    elif isinstance(error, Unreadable):
        _fail(conn, account, current, reason, tell=UNREADABLE, now=now)
    elif not _passes(error) and current.attempts + 1 >= MOST_CRASHES:
        log.error("sync.crashed", run_id=str(run.id), step=run.step, exc_info=error)
        _fail(conn, account, current, reason, tell=CRASHED, now=now)
    elif _passes(error) and current.failing_since is not None and now - current.failing_since >= OUTAGE:
        _fail(conn, account, current, reason, tell=None, now=now)
    else:
        sync_runs.note_failure(conn, run.id, reason, now)
        conn.commit()
        if _passes(error) and (current.attempts + 1) % LEFT_TO_THE_SWEEPER == 0:
            log.warning("sync.postponed", run_id=str(run.id), step=run.step, reason=reason)
            return
        raise error
    conn.commit()


def _passes(error: Exception) -> bool:
    return isinstance(error, VaultraError) and error.retry


def _refused(conn: Connection, account: Account, run: Run, reason: str, now: dt.datetime) -> None:
    log.warning("sync.refused", run_id=str(run.id), kind=run.kind, reason=reason)
    sync_runs.stop(conn, run.id, sync_runs.REFUSED, now)
    objects.mark_error(conn, account.id, reason)


def _fail(conn: Connection, account: Account, run: Run, reason: str, *, tell: str | None, now: dt.datetime) -> None:
    """End a run without success; mark its account when `tell` names a final reason, or for the third in a row."""
    sync_runs.stop(conn, run.id, reason, now)
    failed = sync_runs.count_failed_in_a_row(conn, account.id)
    log.error("sync.failed", run_id=str(run.id), kind=run.kind, failed_in_a_row=failed, reason=reason)
    if tell is None and failed < FAILED_RUNS:
        return
    objects.mark_error(conn, account.id, tell or UNANSWERED)
    if account.status != "error":
        dead_letters.record(conn, _message(run), error=reason, now=now)


def _message(run: Run) -> Delivery:
    """What an operator replays: it goes on with the run, while the message that failed would find it ended."""
    return Delivery(
        message_id=f"sync-{run.id}-{run.step}",
        subscription=SUBSCRIPTION,
        data=orjson.dumps({"run_id": str(run.id), "step": run.step, "again": True}),
        attributes={},
        ordering_key="",
        attempt=run.attempts + 1,
    )
