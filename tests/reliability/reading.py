"""Accounts read step by step, and events delivered, as the functions do it."""

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from tests.connected import keep
from tests.simulated import SimulatedStripe
from tests.stripe_payloads import Json
from vaultra.db import sync_runs
from vaultra.db.objects import Account
from vaultra.usecases import ingestion, sync

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)


def finish(conn: Connection, stripe: SimulatedStripe, run_id: Any, now: Callable[[], dt.datetime]) -> int:
    """Take every step of a run and apply the events it finds; gives the number of steps."""
    for number in itertools.count():
        run = sync_runs.find(conn, run_id)
        assert run is not None
        if run.finished_at is not None:
            assert run.error is None
            return number
        result = sync.take_step(conn, stripe, run_id, run.step, now())
        conn.commit()
        for ids in result.events:
            ingestion.apply(conn, stripe, ids, now())
            conn.commit()
    raise AssertionError("unreachable")


def begin(conn: Connection, account: Account, kind: str, now: dt.datetime) -> Any:
    run = sync.go_on(conn, integration_account_id=account.id, kind=kind, now=now)
    conn.commit()
    return run.id


def deliver(conn: Connection, stripe: SimulatedStripe, events: Sequence[Json], now: dt.datetime) -> None:
    """What the webhook and the worker do."""
    ids = keep(conn, events, now)
    conn.commit()
    ingestion.apply(conn, stripe, ids, now)
    conn.commit()
