"""A step that fails: tried again, left to the sweeper, or the end of its run; and when the owner is told."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from tests import stripe_payloads as raw
from tests.connected import account_of, connect, rows
from tests.fakes import FakeStripe
from tests.stripe_payloads import ACCOUNT, NOON
from vaultra.db import sync_runs
from vaultra.db.objects import Account
from vaultra.db.sync_runs import Run
from vaultra.errors import AccessRevoked, InvalidInput, NotFound, RateLimited, Unavailable
from vaultra.usecases import sync, sync_failures
from vaultra.usecases.sync import StepResult

MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
OUTAGE = Unavailable("Stripe does not answer")


def begin(conn: Connection, account: Account, now: dt.datetime = NOON, kind: str = "incremental") -> Run:
    run = sync.go_on(conn, integration_account_id=account.id, kind=kind, now=now)
    conn.commit()
    return run


def attempt(conn: Connection, stripe: FakeStripe, run: Run, now: dt.datetime) -> str:
    """Deliver the run's step once: done, left (acknowledged without being done), or raised."""
    current = sync_runs.find(conn, run.id)
    assert current is not None
    try:
        sync.take_step(conn, stripe, run.id, current.step, now)
    except Exception:
        conn.rollback()
        return "raised"
    conn.commit()
    after = sync_runs.find(conn, run.id)
    assert after is not None
    return "done" if after.step > current.step else "left"


def state(conn: Connection, account: Account) -> tuple[str, str | None]:
    conn.rollback()
    stored = account_of(conn, account.id)
    return stored["status"], stored["error"]


def error_of(conn: Connection, run: Run) -> tuple[bool, str | None]:
    found = sync_runs.find(conn, run.id)
    assert found is not None
    return found.finished_at is not None, found.error


def fail(conn: Connection, stripe: FakeStripe, run: Run, now: dt.datetime) -> dt.datetime:
    """Let Stripe be silent until the run has failed; gives the moment."""
    stripe.failure = OUTAGE
    for _ in range(100):
        now += 7 * MINUTE  # as the sweeper announces it again
        attempt(conn, stripe, run, now)
        if error_of(conn, run)[0]:
            stripe.failure = None
            return now
    raise AssertionError("the run never fails")


def succeed(
    conn: Connection, stripe: FakeStripe, account: Account, now: dt.datetime, kind: str = "incremental"
) -> None:
    """Do a whole run."""
    run = begin(conn, account, now, kind)
    while not error_of(conn, run)[0]:
        assert attempt(conn, stripe, run, now) == "done"


@pytest.fixture
def account(fresh_engine: Engine, stripe: FakeStripe) -> Account:
    """An account that has been read once."""
    with fresh_engine.connect() as conn:
        account = connect(conn, currency=None)
        succeed(conn, stripe, account, NOON, "initial")
    return account


def test_an_outage_brings_the_message_again_and_every_sixth_time_leaves_it_to_the_sweeper(
    fresh_engine: Engine, stripe: FakeStripe, account: Account
) -> None:
    with fresh_engine.connect() as conn:
        run = begin(conn, account)
        stripe.failure = RateLimited("Stripe asks us to slow down")
        outcomes = [attempt(conn, stripe, run, NOON + n * MINUTE) for n in range(18)]
        assert outcomes == (["raised"] * 5 + ["left"]) * 3
        assert error_of(conn, run) == (False, "Stripe asks us to slow down")
        assert rows(conn, "dead_letters") == []


def test_an_hours_outage_needs_nobody(fresh_engine: Engine, stripe: FakeStripe, account: Account) -> None:
    with fresh_engine.connect() as conn:
        run = begin(conn, account)
        stripe.failure = OUTAGE
        for minute in range(0, 61, 2):
            attempt(conn, stripe, run, NOON + minute * MINUTE)
        assert state(conn, account) == ("connected", None)
        # Stalled steps are announced again without anybody's doing, and the run goes on.
        assert (run.id, 0) in sync_runs.take_stalled(conn, NOON + 67 * MINUTE, NOON + 61 * MINUTE, 5)
        conn.commit()
        stripe.failure = None
        assert attempt(conn, stripe, run, NOON + 67 * MINUTE) == "done"
        assert error_of(conn, run) == (True, None)
        assert sync_runs.count_failed_in_a_row(conn, account.id) == 0


def test_three_runs_that_fail_in_a_row_are_the_owners_concern(
    fresh_engine: Engine, stripe: FakeStripe, account: Account
) -> None:
    with fresh_engine.connect() as conn:
        now, told = NOON, []
        for _ in range(4):
            run = begin(conn, account, now)
            ended = fail(conn, stripe, run, now)
            assert sync_failures.OUTAGE <= ended - now <= sync_failures.OUTAGE + 14 * MINUTE
            now = ended
            told.append(state(conn, account)[0])
            if told[-1] == "error" and len(told) == 3:
                last = run
        assert told == ["connected", "connected", "error", "error"]
        assert state(conn, account)[1] == sync_failures.UNANSWERED
        # One dead letter for the account, not one more for each run that fails after.
        [letter] = rows(conn, "dead_letters")
        assert (letter["message_id"], letter["topic"]) == (f"sync-{last.id}-0", "stripe-sync-due")
        assert (letter["subscription"], letter["error"]) == (sync_failures.SUBSCRIPTION, OUTAGE.message)
        assert orjson.loads(letter["data"]) == {"run_id": str(last.id), "step": 0, "again": True}
        succeed(conn, stripe, account, now)
        assert state(conn, account) == ("connected", None)
        fail(conn, stripe, begin(conn, account, now), now)
        assert state(conn, account) == ("connected", None)  # counting begins anew


def test_a_step_that_crashes_seven_times_has_failed_for_good(
    fresh_engine: Engine, stripe: FakeStripe, account: Account
) -> None:
    with fresh_engine.connect() as conn:
        run = begin(conn, account)
        stripe.failure = RuntimeError("a mistake of ours")
        assert [attempt(conn, stripe, run, NOON) for _ in range(8)] == ["raised"] * 6 + ["left"] * 2
        assert error_of(conn, run) == (True, "RuntimeError")
        assert state(conn, account) == ("error", sync_failures.CRASHED)
        assert [letter["message_id"] for letter in rows(conn, "dead_letters")] == [f"sync-{run.id}-0"]


@pytest.mark.parametrize("refusal", [InvalidInput("Stripe refused the request"), NotFound("Unrecognized request URL")])
def test_what_there_is_nothing_to_measure_without_fails_at_once(
    fresh_engine: Engine, stripe: FakeStripe, account: Account, refusal: Exception
) -> None:
    with fresh_engine.connect() as conn:
        run = begin(conn, account)
        stripe.failures["charges"] = refusal
        assert attempt(conn, stripe, run, NOON) == "left"
        assert state(conn, account) == ("error", sync_failures.UNREADABLE)
        assert len(rows(conn, "dead_letters")) == 1


def test_access_taken_back_is_told_at_once_and_is_no_dead_letter(
    fresh_engine: Engine, stripe: FakeStripe, account: Account
) -> None:
    with fresh_engine.connect() as conn:
        run = begin(conn, account)
        stripe.failure = AccessRevoked("Connect it again.")
        assert attempt(conn, stripe, run, NOON) == "left"
        assert error_of(conn, run) == (True, sync_runs.REFUSED)
        assert state(conn, account) == ("error", "Connect it again.")
        assert rows(conn, "dead_letters") == []


def test_progress_forgets_the_failures_before_it(fresh_engine: Engine, stripe: FakeStripe, account: Account) -> None:
    with fresh_engine.connect() as conn:
        stripe.put(ACCOUNT, "charges", *(raw.charge(id=f"ch_{n}") for n in range(1500)))
        run = begin(conn, account)
        now = NOON
        for _ in range(2):  # each step fails for nearly two hours
            stripe.failure = OUTAGE
            for minute in range(0, 115, 5):
                attempt(conn, stripe, run, now + minute * MINUTE)
            now += 2 * HOUR
            stripe.failure = None
            assert attempt(conn, stripe, run, now) == "done"
        assert error_of(conn, run) == (True, None)


@pytest.mark.parametrize("prepare", [
    lambda conn, run: conn.execute(text("update sync_runs set step = step + 1, position = 2")),
    lambda conn, run: sync_runs.stop(conn, run.id, "superseded", NOON),
], ids=["done meanwhile", "ended meanwhile"])  # fmt: skip
def test_a_failure_counts_only_while_its_step_is_the_runs(
    fresh_engine: Engine, stripe: FakeStripe, account: Account, prepare: Callable[[Connection, Run], Any]
) -> None:
    with fresh_engine.connect() as conn, fresh_engine.connect() as other:
        run = begin(conn, account)

        class Slow(FakeStripe):
            def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> Any:
                prepare(other, run)
                other.commit()
                raise OUTAGE

        assert sync.take_step(conn, Slow(), run.id, 0, NOON) == StepResult()
        found = sync_runs.find(conn, run.id)
        assert found is not None
        assert found.attempts == 0


def test_a_disconnection_meanwhile_ends_the_run(fresh_engine: Engine, stripe: FakeStripe, account: Account) -> None:
    with fresh_engine.connect() as conn, fresh_engine.connect() as other:
        run = begin(conn, account)

        class Gone(FakeStripe):
            def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> Any:
                other.execute(text("update integration_accounts set status = 'disconnected'"))
                other.commit()
                raise AccessRevoked("Connect it again.")

        assert sync.take_step(conn, Gone(), run.id, 0, NOON) == StepResult()
        assert error_of(conn, run) == (True, sync_runs.DISCONNECTED)
        assert account_of(conn, account.id)["status"] == "disconnected"


def test_the_databases_trouble_is_not_the_runs(fresh_engine: Engine, account: Account) -> None:
    class Broken(FakeStripe):
        def retrieve(self, account_id: str, resource: str, object_id: str | None = None) -> Any:
            raise OperationalError("select", {}, Exception({"C": "57P01"}))

    with fresh_engine.connect() as conn:
        run = begin(conn, account)
        with pytest.raises(OperationalError):
            sync.take_step(conn, Broken(), run.id, 0, NOON)
        found = sync_runs.find(conn, run.id)
        assert found is not None
        assert (found.attempts, found.error) == (0, None)
